"""The refusals of the desk.

`desk_code` is the statusCode of a refusal where its kind alone does not say it.
"""

from typing import ClassVar

from config.kernel.errors import DomainError, Kind


class MemberMissing(DomainError):
    kind: ClassVar[Kind] = "missing"
    message = "{name} is missing."


class MemberInvalid(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "{name} is not valid: {why}."


class OperationMissing(DomainError):
    kind: ClassVar[Kind] = "missing"
    message = "operationName is missing."


class OperationUnknown(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "There is no such operation here."


class NothingThere(DomainError):
    """Something that is not there, or that the caller may not see: it never says which."""

    kind: ClassVar[Kind] = "not_found"
    message = "There is no such {what}."


class FeatureMissing(DomainError):
    """What a contact center has not been assigned is not there for it."""

    kind: ClassVar[Kind] = "not_found"
    message = "The contact center has no {feature}."


class WritingNotAssigned(DomainError):
    """As FeatureMissing, for api-provisioning-write (contract, conventions)."""

    kind: ClassVar[Kind] = "invalid"
    message = "The contact center has no {feature}."


class CsrfHeaderMissing(DomainError):
    kind: ClassVar[Kind] = "forbidden"
    message = "A request that the cookie alone proves needs the header {header}."


class ReadOnly(DomainError):
    kind: ClassVar[Kind] = "forbidden"
    message = "{what} cannot be changed."


class UserNameFixed(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "A userName cannot be changed."


class SkillNotHeld(DomainError):
    kind: ClassVar[Kind] = "not_found"
    message = "The user does not have this skill."


class InvalidAgentState(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "The agent state is not valid."


class AgentStateTaken(DomainError):
    kind: ClassVar[Kind] = "conflict"
    message = "Another agent state has this {what}."


class AgentStateNotFound(DomainError):
    kind: ClassVar[Kind] = "not_found"
    message = "There is no agent state of this operationName."


class ContactNotFound(DomainError):
    kind: ClassVar[Kind] = "not_found"
    message = "There is no such contact."


class FeatureUnknown(DomainError):
    kind: ClassVar[Kind] = "not_found"
    message = "There is no such feature."


class SearchTooWide(DomainError):
    kind: ClassVar[Kind] = "missing"
    message = "One of {names} is missing."


class RecordingNotFound(DomainError):
    kind: ClassVar[Kind] = "not_found"
    message = "There is no such recording, or it has no such file."


class InvalidRecording(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "The recording is not valid."
