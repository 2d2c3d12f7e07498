"""Every refusal of this app."""

from typing import ClassVar

from config.kernel.errors import DomainError, Kind


class Unauthenticated(DomainError):
    """One answer for every way in which a proof can be wrong: it never says which."""

    kind: ClassVar[Kind] = "unauthenticated"
    message = "The credentials are missing or not valid."


class CodeRefused(DomainError):
    """One answer for a code that is wrong, used, expired, tried too often or not there."""

    kind: ClassVar[Kind] = "unauthenticated"
    message = "The one-time password is missing or not valid."

    def __init__(self) -> None:
        super().__init__(challenge='Basic realm="Frontdesk", charset="UTF-8"')


class RoleMissing(DomainError):
    kind: ClassVar[Kind] = "forbidden"
    desk_code: ClassVar[int] = 5
    message = "Your roles do not permit this."


class PasswordChangeNeeded(DomainError):
    kind: ClassVar[Kind] = "forbidden"
    message = "The password has to be changed before the first login."


class TooManyAttempts(DomainError):
    kind: ClassVar[Kind] = "too_many"
    message = "There were too many attempts: try again later."


class InvalidIdempotencyKey(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "The header Idempotency-Key is not valid."


class IdempotencyKeyReused(DomainError):
    kind: ClassVar[Kind] = "reused"
    message = "The Idempotency-Key was used for another request."


class UserNameTaken(DomainError):
    """It does not say where: the organisation may be another one."""

    kind: ClassVar[Kind] = "conflict"
    message = "The user name is taken."


class InvalidUserName(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "A user name is an e-mail address."


class WeakPassword(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "The password is too weak."


class RoleNotForThis(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "The role {role} cannot be given to a {holder}."


class NameMissing(DomainError):
    kind: ClassVar[Kind] = "missing"
    message = "A name is needed."


class UserNotFound(DomainError):
    kind: ClassVar[Kind] = "not_found"
    message = "There is no such user."


class ApiClientNotFound(DomainError):
    kind: ClassVar[Kind] = "not_found"
    message = "There is no such API client."


class NotForYourRole(DomainError):
    kind: ClassVar[Kind] = "forbidden"
    desk_code: ClassVar[int] = 5
    message = "Only an administrator may change who works here."


class ApplicationUnknown(DomainError):
    kind: ClassVar[Kind] = "not_found"
    message = "There is no such application."


class NoCheckCode(DomainError):
    """None was mailed, it has expired, was used or tried too often, or the kind has none."""

    kind: ClassVar[Kind] = "not_found"
    message = "No code is outstanding for the e-mail service of the application."


class CheckCodeWrong(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "The code is not the one that was mailed."


class HoursNotYours(DomainError):
    """Agents read their own hours and absences; others rely on them, so others change them."""

    kind: ClassVar[Kind] = "forbidden"
    desk_code: ClassVar[int] = 5
    message = "Only a supervisor or an administrator may change hours and absences."


class InvalidHours(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "The hours are not valid."


class InvalidAbsence(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "The absence is not valid."


class AbsenceNotFound(DomainError):
    kind: ClassVar[Kind] = "not_found"
    message = "There is no such absence."


class InvalidHoliday(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "The holiday is not valid."


class HolidayTaken(DomainError):
    kind: ClassVar[Kind] = "conflict"
    message = "This day is a holiday already."


class HolidayNotFound(DomainError):
    kind: ClassVar[Kind] = "not_found"
    message = "There is no such holiday."


class InvalidAbilities(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "The skills, languages or daily maximum are not valid."


class SkillTaken(DomainError):
    kind: ClassVar[Kind] = "conflict"
    message = "There is a skill of this name already."


class SkillNotFound(DomainError):
    kind: ClassVar[Kind] = "not_found"
    message = "There is no such skill."
