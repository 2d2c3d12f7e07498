"""Every refusal of this app."""

from config.kernel.errors import DomainError


class AppointmentNotFound(DomainError):
    kind = "not_found"
    message = "There is no such appointment."


class ParticipantNotFound(DomainError):
    kind = "not_found"
    message = "The appointment has no such participant."


class AgentNotFound(DomainError):
    kind = "not_found"
    message = "There is no such agent."


class ApplicationNotFound(DomainError):
    kind = "not_found"
    message = "There is no such application."


class ApplicationNotYours(DomainError):
    """Scheduling answers 403 here: 404 is not documented for it (schedule.r9)."""

    kind = "forbidden"
    message = "The application does not belong to your organization."


class NotYourAppointment(DomainError):
    kind = "forbidden"
    message = "The appointment is not assigned to you."


class NotYourConference(DomainError):
    kind = "forbidden"
    message = "The token does not belong to the conference of this appointment."


class NotForCustomers(DomainError):
    kind = "forbidden"
    message = "Customers cannot reach participants of type AGENT."


class AppointmentAlreadyJoined(DomainError):
    kind = "forbidden"
    message = "An agent has joined; only agents who have joined may change the appointment."


class CustomersMayNotBook(DomainError):
    kind = "forbidden"
    message = "Customers cannot book with this application."


class NotYourAddress(DomainError):
    kind = "forbidden"
    message = "One of the customers must have the address that was proven."


class EndsInThePast(DomainError):
    kind = "invalid"
    message = "The end of the appointment is not in the future."


class EndsTooLate(DomainError):
    kind = "invalid"
    message = "The end of the appointment lies too far in the future."


class AppointmentIsCancelled(DomainError):
    kind = "invalid"
    message = "The appointment was cancelled."


class AppointmentNotReschedulable(DomainError):
    kind = "invalid"
    message = "An appointment that is {state} cannot be moved."


class AppointmentNotActivatable(DomainError):
    kind = "invalid"
    message = "An appointment that is over cannot be activated."


class AppointmentHasNoTime(DomainError):
    kind = "conflict"
    message = "The appointment has no time yet."


class AppointmentIsARequest(DomainError):
    kind = "invalid"
    message = "The time of the appointment is still to be agreed on."


class EntryNotActive(DomainError):
    kind = "invalid"
    message = "This is not offered any more."


class AppointmentNotClosed(DomainError):
    kind = "conflict"
    message = "The appointment is open."


class AppointmentIsClosed(DomainError):
    kind = "conflict"
    message = "The appointment is {state}."


class NothingAskedFor(DomainError):
    kind = "conflict"
    message = "Nobody has asked for a time of this appointment."


class TimeNotOpen(DomainError):
    kind = "conflict"
    message = "The customer is not to choose a time of this appointment."


class CannotAskAgain(DomainError):
    kind = "conflict"
    message = "Another date is asked for already."


class SubjectNotBookable(DomainError):
    kind = "invalid"
    message = "This subject cannot be booked here."


class LocationNeeded(DomainError):
    kind = "invalid"
    message = "An appointment on location needs a location."


class InteractionIsComplete(DomainError):
    kind = "invalid"
    message = "The interaction is complete."


class TargetNotAnAgent(DomainError):
    kind = "invalid"
    message = "No agent of the organization has this id."


class UserNotAnAgent(DomainError):
    kind = "invalid"
    message = "This user is not an agent."


class RoutingIncomplete(DomainError):
    kind = "invalid"
    message = "The routing needs {property} in its properties."


class CustomerNotNamed(DomainError):
    kind = "invalid"
    message = "participantId is needed: the appointment does not have exactly one customer."


class TooManyParticipants(DomainError):
    kind = "invalid"
    message = "The appointment has as many participants as it can have."


class AlreadyParticipant(DomainError):
    kind = "conflict"
    message = "The agent is a participant already."


class AgentOccupied(DomainError):
    kind = "conflict"
    message = "The agent is occupied from {start} to {end}."


class TimeNotOffered(DomainError):
    """Customers choose among the free times; this one is not, or not any more, among them."""

    kind = "conflict"
    message = "This time is not offered."


class NoAgentFree(DomainError):
    kind = "conflict"
    message = "No agent is free at this time."


class TicketUnknown(DomainError):
    """Unknown, revoked and expired look the same."""

    kind = "not_found"
    message = "This link does not lead anywhere."


class RoomNotOpen(DomainError):
    kind = "conflict"
    message = "The room is not open now."


class RoomFull(DomainError):
    kind = "conflict"
    message = "The room is full: {most} people are in it."


class NotInRoom(DomainError):
    """The browser was not heard of for too long, or Redis was lost: it joins again."""

    kind = "conflict"
    message = "You are not in the room: join it first."


class SeatTaken(DomainError):
    kind = "conflict"
    message = "You have joined the room somewhere else."


class TooManySignals(DomainError):
    kind = "too_many"
    message = "Too much was sent: try again in a moment."


class FeedUnknown(DomainError):
    """Unknown and revoked look the same."""

    kind = "not_found"
    message = "There is no calendar at this address."


class FeedNotFound(DomainError):
    kind = "not_found"
    message = "There is no such calendar feed."


class FeedOwnerNotFound(DomainError):
    kind = "not_found"
    message = "There is no such agent or office."


class FeedNotYours(DomainError):
    kind = "forbidden"
    message = "Agents can make feeds of their own appointments only."


class TooManyFeeds(DomainError):
    kind = "conflict"
    message = "There are {most} feeds of this calendar already: revoke one that nobody reads."


class EntryNotFound(DomainError):
    kind = "not_found"
    message = "The catalogue has no such entry."


class InvalidEntry(DomainError):
    kind = "invalid"
    message = "The entry is not valid."


class EntryInUse(DomainError):
    kind = "conflict"


class EntryIsDefault(DomainError):
    """What is booked without a word about it belongs to it."""

    kind = "conflict"
    message = "The general entry is what bookings without one belong to: change it instead."


class CodeTaken(DomainError):
    kind = "conflict"
    message = "Another lead segment has this code."


class SlotLengthMissing(DomainError):
    kind = "invalid"
    message = "Say how long it takes, or what it is about."


class SlotLengthNotWhole(DomainError):
    kind = "invalid"
    message = "Free times are looked for in whole minutes."


class TooManySlots(DomainError):
    kind = "invalid"
    message = "There are too many free times: ask for a shorter period, or for fewer agents."


class SubjectUnknown(DomainError):
    kind = "invalid"
    message = "There is no such subject."


class OfficeUnknown(DomainError):
    kind = "invalid"
    message = "There is no such office."


class ListingUnknown(DomainError):
    kind = "invalid"
    message = "There is no such listing."


class LeadSegmentUnknown(DomainError):
    kind = "invalid"
    message = "There is no such lead segment."


class AnswersIncomplete(DomainError):
    kind = "invalid"
    message = "The answers do not fit the questions."


class AnswerValueForSelectionType(DomainError):
    kind = "invalid"
    message = "A choice is answered by options, not by a value."


class AnswerSelectedOptionsForNonSelectionType(DomainError):
    kind = "invalid"
    message = "Only a choice is answered by options."


class RescuesNotYours(DomainError):
    kind = "forbidden"
    message = "Supervisors and administrators move the appointments of others."


class RescueNotFound(DomainError):
    kind = "not_found"
    message = "There is no such rescue."


class PeriodInvalid(DomainError):
    kind = "invalid"
    message = "The period ends after it starts, and has at most {days} days."


class TooManyToRescue(DomainError):
    kind = "invalid"
    message = "At most {most} appointments are moved at once: choose a shorter period."


class NothingToRescue(DomainError):
    kind = "invalid"
    message = "There is nothing to move."


class MovedTwice(DomainError):
    kind = "invalid"
    message = "Each appointment can be moved to one agent only."


class RescueOutdated(DomainError):
    """Each of `errors` is an appointment, by its place in the plan."""

    kind = "conflict"
    message = "Something has changed since the preview, so nothing was moved."


class RescueUndone(DomainError):
    kind = "conflict"
    message = "The appointments were given back already."


class RescueNotUndoable(DomainError):
    """Each of `errors` is an appointment that stands in the way, by its id."""

    kind = "conflict"
    message = "Nothing was given back, because not everything can be."
