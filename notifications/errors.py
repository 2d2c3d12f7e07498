"""Every refusal of this app."""

from config.kernel.errors import DomainError


class CannotBuild(DomainError):
    """A message that no further attempt will make: the reason names no person."""

    message = "The message cannot be built."
