"""Every refusal of this app."""

from config.kernel.errors import DomainError


class CannotBuild(DomainError):
    """A message that no further attempt will make: the reason names no person."""

    message = "The message cannot be built."


class NotificationNotFound(DomainError):
    kind = "not_found"
    message = "There is no such notification."


class NotificationNotRetriable(DomainError):
    """Only the latest failure of its kind, or what waits for a retry (list.r9)."""

    kind = "conflict"
    message = "The notification has not failed, or a later one has taken its place."


class NotificationNotCancellable(DomainError):
    kind = "conflict"
    message = "The notification has been handed over, or is about to be."


class NotificationTooLate(DomainError):
    kind = "conflict"
    message = "The time of the notification has passed."


class NotificationErased(DomainError):
    kind = "conflict"
    message = "The recipient's details have been erased."


class SubscriptionEnded(DomainError):
    kind = "conflict"
    message = "The webhook subscription is not active."
