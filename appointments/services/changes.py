"""Changing an appointment: its texts, its time, its agent; activating it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction

from appointments.errors import (
    CustomerNotNamed,
    ParticipantNotFound,
    UserNotAnAgent,
)
from appointments.models import Participant
from appointments.models.appointment_time import check_end
from appointments.models.participant import find_participant
from appointments.services.arranging import Arrangement, answer_questionnaire, arrange
from appointments.services.case import Case, open_case
from appointments.services.handing_over import hand_over
from appointments.services.occupancy import occupy, refusing_overlaps, take_time, write_occupancy
from appointments.services.people import find_user
from appointments.services.tickets import issue_ticket, keep_a_way_in, open_where_automatic
from config.kernel.actors import Actor
from config.kernel.database import retrying
from config.kernel.time import Duration


@dataclass(frozen=True, kw_only=True)
class CustomerChange:
    """New details of one customer; without an id the only customer is meant."""

    participant_id: str | None
    # Participant's fields by name, those that were given only.
    fields: Mapping[str, Any] = field(default_factory=dict)


@retrying
@transaction.atomic
def update_appointment(
    appointment_id: UUID,
    *,
    changes: Mapping[str, Any],
    customer: CustomerChange | None,
    about: Arrangement | None = None,
    actor: Actor,
    now: datetime,
) -> Case:
    """Replace title, notes, metadata, headers and a customer's details, those that are given.

    So with what it is about and where. Raises AppointmentNotFound, NotYourAppointment,
    AppointmentAlreadyJoined, CustomerNotNamed, ParticipantNotFound, AgentOccupied, and what
    `arrange` raises.
    """
    case = open_case(appointment_id, actor=actor, now=now)
    case.appointment.check_may_change(actor, case.participants)
    changed = _replace(case.appointment, changes)
    if about:
        changed += _rearrange(case, about)
    if customer is not None:
        change_customer(case, customer)
    if changed:
        case.record("appointment.updated", changed=changed)
    if changed or customer is not None:
        case.save()
    return case


def change_customer(case: Case, change: CustomerChange) -> None:
    """Give one of its customers new details; `save` comes after.

    Raises CustomerNotNamed, ParticipantNotFound.
    """
    one = _customer(case, change.participant_id)
    case.appointment.keep_details(now=case.now)
    # New details are there to be read, whatever was erased before the appointment was moved.
    fields = {**change.fields, "erased_at": None} if change.fields else {}
    if _replace(one, fields):
        one.save(update_fields=list(fields))
    case.record("participant.updated", participant=str(one.id))


def _rearrange(case: Case, about: Arrangement) -> list[str]:
    changed = arrange(case, about)
    if "trailing_buffer" in changed:
        take_time(case, case.primary_user_ids)
        occupy(case)
        with refusing_overlaps(case):
            write_occupancy(case)
    return changed + answer_questionnaire(case, about)


def _replace(row: object, values: Mapping[str, Any]) -> list[str]:
    """Set the attributes that differ, and give their names."""
    changed = [name for name, value in values.items() if not _is_same(getattr(row, name), value)]
    for name in changed:
        setattr(row, name, values[name])
    return changed


def _is_same(old: object, new: object) -> bool:
    # 1, 1.0 and true are equal to Python, and three values in JSON.
    return _text(old) == _text(new)


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _customer(case: Case, participant_id: str | None) -> Participant:
    if participant_id is not None:
        one = find_participant(case.customers, participant_id)
    elif len(case.customers) == 1:
        one = case.customers[0]
    else:
        raise CustomerNotNamed(errors={"customer.participantId": [CustomerNotNamed.message]})
    expires_at = case.appointment.details_expire_at
    is_over = case.now >= expires_at if expires_at else one.erased_at is not None
    if is_over:
        # Whoever was forgotten is not written down anew: nothing would erase it again.
        raise ParticipantNotFound
    return one


@retrying
@transaction.atomic
def reschedule_appointment(
    appointment_id: UUID,
    *,
    start: datetime,
    duration: Duration,
    zone: ZoneInfo,
    locale: str | None,
    actor: Actor,
    now: datetime,
) -> Case:
    """Move an appointment to another time and let its participants know.

    Raises EndsInThePast, EndsTooLate, AppointmentNotFound, NotYourAppointment,
    AppointmentAlreadyJoined, AppointmentNotReschedulable, AgentOccupied.
    """
    # Before the look-up, because it is a fault of the request alone (conventions).
    check_end(duration.after(start, zone), now=now)
    case = open_case(appointment_id, actor=actor, now=now)
    case.appointment.check_may_change(actor, case.participants)
    move(case, start=start, duration=duration, zone=zone, locale=locale)
    return case


def move(
    case: Case, *, start: datetime, duration: Duration, zone: ZoneInfo, locale: str | None = None
) -> None:
    """Move a case to another time; who may do that is the caller's business.

    Raises AppointmentNotReschedulable, EndsInThePast, EndsTooLate, AgentOccupied.
    """
    appointment = case.appointment
    end = duration.after(start, zone)
    is_same = (
        appointment.start == start
        and appointment.duration == duration.value
        and appointment.end == end
        and appointment.timezone == zone.key
    )
    old_start, old_locale = appointment.start, appointment.locale
    if locale is not None:
        appointment.locale = locale
    if is_same:
        _keep_time(case, is_translated=appointment.locale != old_locale)
        return
    had_no_time = appointment.is_request
    appointment.reschedule(start=start, end=end, duration=duration.value, now=case.now)
    appointment.timezone = zone.key
    if had_no_time:
        open_where_automatic(case)
    take_time(case, case.primary_user_ids)
    occupy(case)
    with refusing_overlaps(case):
        case.record("appointment.rescheduled", passing={"old_start": old_start})
        case.save()
        write_occupancy(case)


def _keep_time(case: Case, *, is_translated: bool) -> None:
    """Ask for the time that it has: nobody is told, but what failed is taken up again (r14, r15).

    Raises AppointmentNotReschedulable, AgentOccupied.
    """
    case.appointment.check_reschedulable()
    is_resumed = case.appointment.take_up_again()
    if is_resumed:
        take_time(case, case.primary_user_ids)
        occupy(case)
    if is_resumed or is_translated:
        with refusing_overlaps(case):
            case.record("appointment.resumed" if is_resumed else "appointment.translated")
            case.save()
            write_occupancy(case)


@retrying
@transaction.atomic
def reassign_appointment(
    appointment_id: UUID, *, user_id: str, actor: Actor, now: datetime
) -> Case:
    """Hand an appointment over: the agent becomes organizer, target and only agent.

    Raises AppointmentNotFound, NotYourAppointment, AppointmentAlreadyJoined, AgentNotFound,
    UserNotAnAgent, AgentOccupied.
    """
    case = open_case(appointment_id, actor=actor, now=now)
    appointment = case.appointment
    user = find_user(user_id, actor)
    appointment.check_may_change(actor, case.participants)
    if not user.is_agent:
        raise UserNotAnAgent(errors={"userId": [UserNotAnAgent.message]})
    if [agent.user_id for agent in case.agents] != [user.id]:
        hand_over(case, user, leaving=[one for one in case.agents if one.user_id != user.id])
    return case


@retrying
@transaction.atomic
def activate_appointment(appointment_id: UUID, *, actor: Actor, now: datetime) -> Case:
    """Open conference and tickets, and invite the customers; open ones stay as they are.

    Raises AppointmentNotFound, AppointmentNotActivatable.
    """
    case = open_case(appointment_id, actor=actor, now=now)
    if not case.appointment.activate(now=now):
        if keep_a_way_in(case):
            # It was made active before appointments had tickets of their own.
            case.save()
        return case
    case.appointment.was_activated_by_hand = True
    for customer in case.customers:
        issue_ticket(customer, length=case.application.ticket_length)
    Participant.objects.bulk_update(case.customers, ["ticket_fingerprint", "ticket_sealed"])
    keep_a_way_in(case)
    case.record("appointment.activated")
    case.save()
    return case
