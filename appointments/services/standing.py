"""How an appointment stands, as far as the booking webhook tells it: before a change and after.

What differs decides which event a change is (webhook.appointment.post.r33 to r51).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from appointments.models import BookingStatus, Participant, ParticipantRole
from notifications.models import BookingEvent

if TYPE_CHECKING:
    from appointments.models import Appointment

_CLOSED = frozenset({BookingStatus.COMPLETED, BookingStatus.NO_SHOW, BookingStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who takes part, as it was at a moment."""

    id: UUID
    user_id: UUID | None
    role: str
    details: tuple[str, ...] = ()

    @property
    def is_primary_employee(self) -> bool:
        return self.user_id is not None and self.role == ParticipantRole.PRIMARY


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the booking webhook tells of an appointment itself, at one moment."""

    status: BookingStatus
    start: datetime | None
    end: datetime | None
    subject_id: UUID | None
    office_id: UUID | None
    listing_id: UUID | None
    lead_segment_id: UUID | None
    location: Any
    external_id: str
    meeting_type: str
    is_hybrid: bool
    members: tuple[Member, ...]
    # Everything else that the payload has.
    rest: tuple[object, ...]

    @property
    def primary_employee(self) -> UUID | None:
        """Give the user in charge."""
        return next((one.user_id for one in self.members if one.is_primary_employee), None)


def told_period(appointment: Appointment) -> tuple[datetime | None, datetime | None]:
    """Give start and end as they are told (r27 to r29)."""
    match appointment.booking_status:
        case BookingStatus.OUTGOING_INVITE | BookingStatus.ALTERNATIVE_DATE_REQUESTED:
            return None, None
        case _ if appointment.start is None:
            return appointment.asked_start, appointment.asked_end
        case _:
            return appointment.start, appointment.end


def standing_of(
    appointment: Appointment, participants: Sequence[Participant], *, answers: int = 0
) -> Standing:
    """Give how an appointment stands; `answers` counts those given in this command."""
    start, end = told_period(appointment)
    return Standing(
        status=appointment.booking_status,
        start=start,
        end=end,
        subject_id=appointment.subject_id,
        office_id=appointment.office_id,
        listing_id=appointment.listing_id,
        lead_segment_id=appointment.lead_segment_id,
        location=appointment.location,
        external_id=appointment.external_id,
        meeting_type=appointment.meeting_type,
        is_hybrid=appointment.is_hybrid,
        members=tuple(_member(one) for one in participants),
        rest=(
            appointment.trailing_buffer,
            appointment.internal_notes,
            # 1, 1.0 and true are equal to Python, and three values in JSON.
            appointment.metadata and orjson.dumps(appointment.metadata, option=_SORTED),
            appointment.callback_request_id,
            # A customer's language and zone are those of its appointment.
            appointment.locale,
            appointment.timezone,
            answers,
        ),
    )


_SORTED = orjson.OPT_SORT_KEYS


def _member(one: Participant) -> Member:
    details = () if one.user_id else (one.first_name, one.last_name, one.email, one.phone)
    return Member(one.id, one.user_id, one.role, details)


def event_between(before: Standing | None, after: Standing) -> BookingEvent | None:
    """Give the event that a change is, the first that applies (r50); None where none does."""
    if before is None:
        is_request = after.status is BookingStatus.INCOMING_REQUEST
        return BookingEvent.CREATE_REQUEST if is_request else BookingEvent.CREATE
    return _event_of_status(before, after) or _event_of_values(before, after)


def _event_of_status(before: Standing, after: Standing) -> BookingEvent | None:
    was, is_ = before.status, after.status
    if was is is_:
        return None
    if is_ is BookingStatus.ACCEPTED:
        return BookingEvent.REOPEN if was in _CLOSED else BookingEvent.ACCEPT
    if is_ in _CLOSED - {BookingStatus.CANCELLED} and was is not BookingStatus.ACCEPTED:
        return BookingEvent.GENERIC_UPDATE
    return _BECOMES.get(is_, BookingEvent.GENERIC_UPDATE)


_BECOMES = {
    BookingStatus.CANCELLED: BookingEvent.CANCEL,
    BookingStatus.COMPLETED: BookingEvent.COMPLETE,
    BookingStatus.NO_SHOW: BookingEvent.COMPLETE,
    BookingStatus.ALTERNATIVE_DATE_REQUESTED: BookingEvent.REQUEST_ALTERNATIVE_DATE,
    BookingStatus.INCOMING_REQUEST: BookingEvent.RESCHEDULE_REQUEST,
}


def _event_of_values(before: Standing, after: Standing) -> BookingEvent | None:
    if (before.start, before.end) != (after.start, after.end):
        match after.status:
            case BookingStatus.ACCEPTED:
                return BookingEvent.RESCHEDULE
            case BookingStatus.INCOMING_REQUEST:
                return BookingEvent.RESCHEDULE_REQUEST
    if before.primary_employee != after.primary_employee or before.office_id != after.office_id:
        return BookingEvent.REASSIGN
    return BookingEvent.GENERIC_UPDATE if before != after else None
