"""What an appointment's events mean to whom (contract, lifecycle.notification_triggers)."""

from __future__ import annotations

from dataclasses import replace
from typing import cast
from zoneinfo import ZoneInfo

from appointments.models import Participant, ParticipantType, State
from appointments.services.case import SUBJECT, Case
from appointments.services.tickets import access_url
from appointments.webhook import payload_of
from config.kernel.time import format_instant
from notifications import outbox
from notifications.models import Channel, NotificationType, RecipientType
from notifications.outbox import Heard
from notifications.services import Planner, Recipient, Topic, cancel, forget, refresh


def _case(heard: Heard) -> Case:
    return cast(Case, heard.subject)


def _planner(heard: Heard) -> Planner:
    topic = replace(topic_of(_case(heard)), sequence=heard.row.subject_sequence)
    return Planner(topic, now=heard.now)


def _cause(heard: Heard) -> str:
    return str(heard.row.id)


def _schedule(case: Case) -> str:
    """The cause of what is planned for a time: the version of the schedule."""
    return f"schedule {case.appointment.schedule_version}"


def topic_of(case: Case) -> Topic:
    """Give what messages about the appointment need to know of it."""
    one = case.appointment
    duration = one.nominal_duration
    agent = next(iter(case.primary_agents or case.agents), None)
    customer = next(iter(case.customers), None)
    texts = {
        "title": one.title,
        "applicationName": case.application.name,
        "organizationName": case.application.organization.name,
        "agentName": agent.user.get_full_name() if agent and agent.user else "",
        "customerName": f"{customer.first_name} {customer.last_name}".strip() if customer else "",
    }
    return Topic(
        organization_id=one.organization_id,
        application_id=one.application_id,
        type=SUBJECT,
        id=one.id,
        start=one.start,
        end=one.end,
        zone=ZoneInfo(one.timezone),
        snapshot={
            "start": format_instant(one.start) if one.start else None,
            "end": format_instant(one.end) if one.end else None,
            "timezone": one.timezone,
            "locale": one.locale,
            "duration": str(duration) if duration else None,
            "sequence": one.sequence,
            "created": format_instant(one.created_at),
        },
        texts={name: text for name, text in texts.items() if text},
        payload=payload_of(case),
    )


def recipient_of(participant: Participant) -> Recipient:
    """Give a participant as somebody who can be told something."""
    if participant.type == ParticipantType.CUSTOMER:
        addresses = {Channel.EMAIL: participant.email, Channel.SMS: participant.phone}
        return Recipient(
            type=RecipientType.CUSTOMER,
            id=participant.id,
            addresses={channel: address for channel, address in addresses.items() if address},
            first_name=participant.first_name,
            last_name=participant.last_name,
            link=access_url(participant),
        )
    user = participant.user
    return Recipient(
        type=RecipientType.AGENT,
        id=participant.id,
        addresses={Channel.EMAIL: user.username} if user else {},
        first_name=user.first_name if user else "",
        last_name=user.last_name if user else "",
    )


def _customers(case: Case) -> list[Recipient]:
    return [recipient_of(customer) for customer in case.customers]


def _agents(case: Case) -> list[Recipient]:
    """The agents, while the application tells them too."""
    if not case.application.notify_agents:
        return []
    return [recipient_of(agent) for agent in case.agents]


def _people(case: Case) -> list[Recipient]:
    return _customers(case) + _agents(case)


def _remind(planner: Planner, case: Case, people: list[Recipient], *, webhooks: bool) -> None:
    """Plan the reminders, unless the call has cancelled everybody's already."""
    if case.appointment.state not in (State.IN_PROGRESS, State.COMPLETED, State.CANCELLED):
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


@outbox.on("appointment.rescheduled")
def tell_moved(heard: Heard) -> None:
    case = _case(heard)
    _cancel(heard, "The appointment was moved.", NotificationType.REMINDER, NotificationType.ROOM)
    if not case.appointment.notifications_active:
        return
    planner = _planner(heard)
    planner.tell(NotificationType.RESCHEDULE, _people(case), cause=_cause(heard))
    planner.tell_subscribers(NotificationType.RESCHEDULE, cause=_cause(heard))
    _remind(planner, case, _people(case), webhooks=True)
    if case.appointment.was_activated_by_hand:
        planner.invite(_customers(case), cause=_schedule(case))
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
    case = _case(heard)
    if not case.appointment.notifications_active:
        return
    planner = _planner(heard)
    planner.tell_subscribers(NotificationType.COMPLETED, cause=_cause(heard))
    came = [recipient_of(one) for one in case.customers if one.first_joined_at]
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
    planner = _planner(heard)
    planner.tell_subscribers(NotificationType.PARTICIPANT_ADDED, cause=_cause(heard))
    participant = cast(Participant, heard.passing["participant"])
    if participant.is_customer and case.appointment.state != State.COMPLETED:
        # Those who were there before have had theirs (add_customer.r12). Nobody is told that what
        # is over was booked; what failed or was missed can be taken up again.
        newcomer = [recipient_of(participant)]
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
        planner.tell(NotificationType.CANCELLED, [recipient_of(participant)], cause=_cause(heard))
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
    refresh(topic_of(case), [recipient_of(one) for one in case.participants])
