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


class ApplicationNotFound(DomainError):
    kind = "not_found"
    message = "There is no such application."


class SubscriptionNotFound(DomainError):
    kind = "not_found"
    message = "There is no such webhook subscription."


class InvalidSubscription(DomainError):
    """What is wrong with it is said by member, as the API names them."""

    message = "The webhook subscription is not valid."


class TooManySubscriptions(DomainError):
    kind = "conflict"
    message = "The application has {most} webhook subscriptions: it can have no more."


class SubscriptionEnded(DomainError):
    kind = "conflict"
    message = "The webhook subscription is not active."


class TooManyTests(DomainError):
    kind = "too_many"
    message = "There were too many tests of webhook subscriptions: try again later."


class NotOneBeginning(DomainError):
    message = "A replay begins at a moment or at a number."


class ReportTooEarly(DomainError):
    """What a provider reports of a message that a worker still has in its hands."""

    kind = "unavailable"
    message = "The message is being handed over at this moment."


class InvalidProvider(DomainError):
    """What is wrong with the choice is said by option."""

    message = "The provider cannot be used as it is set up."


class MailServiceUnusable(DomainError):
    kind = "not_found"
    message = "The application has no e-mail service that can be used."


class MailRefused(DomainError):
    message = "The mail was refused for its recipient."
