"""What an appointment's events mean to whom (contract, lifecycle.notification_triggers)."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from appointments.models import Participant, RequestStatus, State
from appointments.services.case import Case
from appointments.topics import recipient_of, topic_of
from notifications import outbox
from notifications.models import NotificationType
from notifications.outbox import Heard
from notifications.services import Planner, Recipient, cancel, forget, refresh


def _case(heard: Heard) -> Case:
    return cast(Case, heard.subject)


def _planner(heard: Heard, *, is_agreed_on: bool = True) -> Planner:
    topic = topic_of(_case(heard), is_agreed_on=is_agreed_on)
    topic = replace(topic, sequence=heard.row.subject_sequence)
    planner = Planner(topic, now=heard.now, shared=heard.shared)
    if _is_unheard_of(_case(heard)):
        planner.subscriptions = []
    return planner


def _is_unheard_of(case: Case) -> bool:
    """Whether it was only asked for or offered yet: to other systems it is no appointment."""
    # The version grows when a time is given up: then there was one.
    return case.appointment.is_request and case.appointment.schedule_version == 1


def _cause(heard: Heard) -> str:
    return str(heard.row.id)


def _schedule(case: Case) -> str:
    """The cause of what is planned for a time: the version of the schedule."""
    return f"schedule {case.appointment.schedule_version}"


def _customers(case: Case) -> list[Recipient]:
    return [recipient_of(case, customer) for customer in case.customers]


def _agents(case: Case) -> list[Recipient]:
    """The agents, while the application tells them too."""
    if not case.application.notify_agents:
        return []
    return [recipient_of(case, agent) for agent in case.agents]


def _people(case: Case) -> list[Recipient]:
    return _customers(case) + _agents(case)


def _concerned(case: Case) -> list[Recipient]:
    """Give who has to do something about a time; an invite is the customers' matter alone."""
    is_invite = case.appointment.request_status == RequestStatus.OUTGOING_INVITE
    return _customers(case) if is_invite else _people(case)


def _remind(planner: Planner, case: Case, people: list[Recipient], *, webhooks: bool) -> None:
    """Plan the reminders of a time that is fixed, unless the call has cancelled everybody's."""
    is_over = case.appointment.state in (State.IN_PROGRESS, State.COMPLETED, State.CANCELLED)
    if not is_over and not case.appointment.is_request:
        planner.remind(people, cause=_schedule(case), webhooks=webhooks)


@outbox.on("appointment.scheduled")
def tell_booked(heard: Heard) -> None:
    case = _case(heard)
    if not case.appointment.notifications_active:
        return
    planner = _planner(heard)
    planner.tell(NotificationType.CREATE, _people(case), cause=_cause(heard))
    planner.tell_subscribers(NotificationType.CREATE, cause=_cause(heard))
    _remind(planner, case, _people(case), webhooks=True)
    planner.write()


@outbox.on("appointment.requested", "appointment.invited")
def tell_to_be_agreed_on(heard: Heard) -> None:
    # The words are those of a request or an invite; to other systems it is no appointment yet.
    case = _case(heard)
    if not case.appointment.notifications_active:
        return
    planner = _planner(heard, is_agreed_on=False)
    planner.tell(NotificationType.CREATE, _concerned(case), cause=_cause(heard))
    planner.write()


@outbox.on("appointment.time_requested", "appointment.alternative_requested")
def tell_given_up(heard: Heard) -> None:
    case = _case(heard)
    _cancel(heard, "The time was given up.", NotificationType.REMINDER, NotificationType.ROOM)
    _supersede(heard)
    if not case.appointment.notifications_active:
        return
    had_time = bool((heard.row.before or {}).get("start"))
    planner = _planner(heard, is_agreed_on=False)
    # To the calendar, which has an entry, it is a cancellation.
    type_ = NotificationType.CANCELLED if had_time else NotificationType.CREATE
    planner.tell(type_, _concerned(case), cause=_cause(heard))
    if had_time:
        planner.tell_subscribers(NotificationType.UPDATE, cause=_cause(heard))
    planner.write()


@outbox.on("appointment.accepted")
def tell_accepted(heard: Heard) -> None:
    case = _case(heard)
    _supersede(heard)
    if not case.appointment.notifications_active:
        return
    is_first = (heard.row.before or {}).get("scheduleVersion") == 1
    type_ = NotificationType.CREATE if is_first else NotificationType.RESCHEDULE
    planner = _planner(heard)
    planner.tell(type_, _people(case), cause=_cause(heard))
    planner.tell_subscribers(type_, cause=_cause(heard))
    _plan_ahead(planner, case)
    planner.write()


@outbox.on("appointment.reopened")
def tell_reopened(heard: Heard) -> None:
    case = _case(heard)
    _cancel(heard, "The appointment was opened again.", NotificationType.FOLLOW_UP)
    was_cancelled = heard.facts.get("wasCancelled") and not case.appointment.is_kept_open
    if was_cancelled:
        _supersede(heard)
    if not case.appointment.notifications_active:
        return
    planner = _planner(heard)
    if was_cancelled:
        # To calendars and people it is there again.
        planner.tell(NotificationType.CREATE, _people(case), cause=_cause(heard))
    planner.tell_subscribers(NotificationType.UPDATE, cause=_cause(heard))
    _plan_ahead(planner, case)
    planner.write()


def _supersede(heard: Heard) -> None:
    """Call off what people were to be told before: it is not so any more."""
    case = _case(heard)
    cancel(
        case.appointment.id,
        organization_id=case.appointment.organization_id,
        reason="Something newer is told.",
        types=(NotificationType.CREATE, NotificationType.RESCHEDULE, NotificationType.CANCELLED),
        recipient_ids=[one.id for one in case.participants],
    )


def _plan_ahead(planner: Planner, case: Case) -> None:
    """Plan what comes before the start: reminders, and the room where it was opened by hand."""
    _remind(planner, case, _people(case), webhooks=True)
    if case.appointment.was_activated_by_hand and not case.appointment.is_request:
        planner.invite(_customers(case), cause=_schedule(case))


@outbox.on("appointment.rescheduled")
def tell_moved(heard: Heard) -> None:
    case = _case(heard)
    _cancel(heard, "The appointment was moved.", NotificationType.REMINDER, NotificationType.ROOM)
    if not case.appointment.notifications_active:
        return
    planner = _planner(heard)
    planner.tell(NotificationType.RESCHEDULE, _people(case), cause=_cause(heard))
    planner.tell_subscribers(NotificationType.RESCHEDULE, cause=_cause(heard))
    _plan_ahead(planner, case)
    planner.write()


# Asked for the time that it has: nobody is told, but what is still to be said follows the locale.
@outbox.on("appointment.resumed", "appointment.translated")
def refresh_kept(heard: Heard) -> None:
    _refresh(_case(heard))


@outbox.on("appointment.reassigned")
def tell_handed_over(heard: Heard) -> None:
    case = _case(heard)
    former = cast("list[Participant]", heard.passing["former"])
    cancel(
        case.appointment.id,
        organization_id=case.appointment.organization_id,
        reason="The appointment was handed over.",
        recipient_ids=[agent.id for agent in former],
    )
    if not case.appointment.notifications_active:
        return
    _refresh(case)
    planner = _planner(heard)
    planner.tell(NotificationType.REASSIGN, _agents(case), cause=_cause(heard))
    planner.tell_subscribers(NotificationType.REASSIGN, cause=_cause(heard))
    _remind(planner, case, _agents(case), webhooks=False)
    planner.write()


@outbox.on("appointment.activated")
def invite_to_room(heard: Heard) -> None:
    case = _case(heard)
    if not case.appointment.notifications_active:
        return
    _refresh(case)
    planner = _planner(heard)
    planner.invite(_customers(case), cause=_schedule(case))
    planner.write()


@outbox.on("appointment.started")
def note_started(heard: Heard) -> None:
    _cancel(heard, "The call has started.", NotificationType.REMINDER, NotificationType.ROOM)
    _tell_subscribers(heard, NotificationType.IN_PROGRESS)


@outbox.on("appointment.stepped_back", "appointment.resumed")
def remind_again(heard: Heard) -> None:
    # What failed before it began has its reminders still: nobody is reminded twice.
    _cancel(heard, "The appointment was taken up again.", NotificationType.REMINDER)
    case = _case(heard)
    if not case.appointment.notifications_active:
        return
    planner = _planner(heard)
    _remind(planner, case, _people(case), webhooks=True)
    planner.write()


@outbox.on("appointment.completed")
def follow_up(heard: Heard) -> None:
    # Only what is ended before anybody came has any left; the call itself cancels them.
    _cancel(heard, "The appointment is over.", NotificationType.REMINDER, NotificationType.ROOM)
    case = _case(heard)
    if not case.appointment.notifications_active:
        return
    planner = _planner(heard)
    planner.tell_subscribers(NotificationType.COMPLETED, cause=_cause(heard))
    came = [recipient_of(case, one) for one in case.customers if one.first_joined_at]
    planner.follow_up(came, cause=_schedule(case))
    planner.write()


@outbox.on("appointment.cancelled", "appointment.deleted")
def tell_cancelled(heard: Heard) -> None:
    case = _case(heard)
    _cancel(
        heard,
        "The appointment was cancelled.",
        NotificationType.REMINDER,
        NotificationType.ROOM,
        NotificationType.FOLLOW_UP,
    )
    if not case.appointment.notifications_active or heard.facts.get("wasCancelled"):
        return
    planner = _planner(heard)
    planner.tell(NotificationType.CANCELLED, _people(case), cause=_cause(heard))
    planner.tell_subscribers(NotificationType.CANCELLED, cause=_cause(heard))
    planner.write()


# Registered after tell_cancelled, and so called after it: its messages are to be forgotten too.
@outbox.on("appointment.deleted")
def forget_persons(heard: Heard) -> None:
    appointment = _case(heard).appointment
    forget(appointment.id, organization_id=appointment.organization_id, now=heard.now)


@outbox.on("participant.added")
def tell_added(heard: Heard) -> None:
    case = _case(heard)
    if not case.appointment.notifications_active:
        return
    _refresh(case)
    planner = _planner(heard, is_agreed_on=not case.appointment.is_request)
    planner.tell_subscribers(NotificationType.PARTICIPANT_ADDED, cause=_cause(heard))
    participant = cast(Participant, heard.passing["participant"])
    if participant.is_customer and case.appointment.state != State.COMPLETED:
        # Those who were there before have had theirs (add_customer.r12). Nobody is told that what
        # is over was booked; what failed or was missed can be taken up again.
        newcomer = [recipient_of(case, participant)]
        planner.tell(NotificationType.CREATE, newcomer, cause=_cause(heard))
        _remind(planner, case, newcomer, webhooks=False)
    planner.write()


@outbox.on("participant.removed")
def tell_removed(heard: Heard) -> None:
    case = _case(heard)
    participant = cast(Participant, heard.passing["participant"])
    cancel(
        case.appointment.id,
        organization_id=case.appointment.organization_id,
        reason="The participant was removed.",
        recipient_ids=[participant.id],
    )
    if not case.appointment.notifications_active:
        return
    _refresh(case)
    planner = _planner(heard)
    planner.tell_subscribers(NotificationType.PARTICIPANT_REMOVED, cause=_cause(heard))
    if participant.is_customer:
        planner.tell(
            NotificationType.CANCELLED, [recipient_of(case, participant)], cause=_cause(heard)
        )
    planner.write()


@outbox.on("participant.removed")
def forget_person(heard: Heard) -> None:
    case = _case(heard)
    participant = cast(Participant, heard.passing["participant"])
    forget(
        case.appointment.id,
        organization_id=case.appointment.organization_id,
        now=heard.now,
        recipient_ids=[participant.id],
    )


@outbox.on("appointment.updated")
def tell_updated(heard: Heard) -> None:
    _refresh(_case(heard))
    _tell_subscribers(heard, NotificationType.UPDATE)


@outbox.on("participant.updated")
def tell_participant_updated(heard: Heard) -> None:
    # A change of state alters no text, but what a webhook carries.
    is_state = "state" in heard.facts
    if not is_state:
        _refresh(_case(heard))
    _tell_subscribers(heard, NotificationType.PARTICIPANT_UPDATED, is_for_webhooks=is_state)


@outbox.on("interaction.updated")
def tell_interaction_updated(heard: Heard) -> None:
    _tell_subscribers(heard, NotificationType.INTERACTION_UPDATED, is_for_webhooks=True)


@outbox.on("appointment.failed")
def tell_failed(heard: Heard) -> None:
    _tell_subscribers(heard, NotificationType.FAILED)


@outbox.on("appointment.missed")
def tell_missed(heard: Heard) -> None:
    _cancel(heard, "The appointment is over.", NotificationType.REMINDER, NotificationType.ROOM)
    _tell_subscribers(heard, NotificationType.NO_SHOW)


def _tell_subscribers(
    heard: Heard, type: NotificationType, *, is_for_webhooks: bool = False
) -> None:
    """Tell those who subscribe, and bring their reminders up to date where nobody else's change."""
    if not _case(heard).appointment.notifications_active:
        return
    planner = _planner(heard)
    if is_for_webhooks and planner.reminds_subscribers:
        _refresh(_case(heard))
    planner.tell_subscribers(type, cause=_cause(heard))
    planner.write()


def _cancel(heard: Heard, reason: str, *types: NotificationType) -> None:
    appointment = _case(heard).appointment
    cancel(
        appointment.id,
        organization_id=appointment.organization_id,
        reason=reason,
        types=types,
    )


def _refresh(case: Case) -> None:
    """Bring what is still to be sent up to date: its texts, names and links."""
    refresh(topic_of(case), [recipient_of(case, one) for one in case.participants])
