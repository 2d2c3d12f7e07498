"""A booking as the API shows it: what the booking webhook tells, as far as the caller may see it.

A participant's token and addresses let their bearer act as that participant. Subscribers get all
of them; a caller gets its own, and those of the customers whose appointment it may change anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from appointments.booking_webhook import bookings_of
from appointments.errors import AppointmentAlreadyJoined, NotYourAppointment
from appointments.models import Participant
from appointments.services import Case
from config.kernel.actors import ActorKind

JsonObject = dict[str, Any]

_BEARER = frozenset(
    {"token", "videoUrl", "videoTestUrl", "cancelUrl", "editUrl", "inviteUrl"}
    | {"office365CalendarUrl", "googleCalendarUrl", "icalUrl"}
)
# What a customer learns of whoever works here.
_NAME = ("id", "firstName", "lastName")


def booking_shown(case: Case) -> JsonObject:
    """Give a booking to the actor of the case."""
    return bookings_shown([case])[0]


def bookings_shown(cases: Sequence[Case]) -> list[JsonObject]:
    """Give bookings of one organisation, each to the actor of its case."""
    return [_shown(case, booking) for case, booking in zip(cases, bookings_of(cases), strict=True)]


def _shown(case: Case, booking: JsonObject) -> JsonObject:
    pairs = list(zip(case.participants, booking["participants"], strict=True))
    if case.actor.kind == ActorKind.CUSTOMER:
        people = [
            _to_customer(one, shown)
            for one, shown in pairs
            if not one.is_customer or str(one.pk) == case.actor.id
        ]
        return {**booking, "participants": people, "internalNotes": None}
    may_change = _may_change(case)
    people = [_to_employee(case, one, shown, may_change=may_change) for one, shown in pairs]
    return {**booking, "participants": people}


def _may_change(case: Case) -> bool:
    try:
        case.appointment.check_may_delete(case.actor, case.participants)
    except (NotYourAppointment, AppointmentAlreadyJoined):
        return False
    return True


def _to_customer(one: Participant, shown: JsonObject) -> JsonObject:
    if one.is_customer:
        return shown
    employee = {name: shown["employee"][name] for name in _NAME}
    return {**_without_bearer(shown), "employee": employee}


def _to_employee(
    case: Case, one: Participant, shown: JsonObject, *, may_change: bool
) -> JsonObject:
    is_own = str(one.user_id) == case.actor.id
    return shown if is_own or (one.is_customer and may_change) else _without_bearer(shown)


def _without_bearer(shown: JsonObject) -> JsonObject:
    return {name: value for name, value in shown.items() if name not in _BEARER}
