"""Where people meet by video: in a room of ours, or where a setting says; decided here alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from appointments.models import Appointment, MeetingType, Participant, ParticipantRole, State
from config.kernel import limits

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


class RoomPhase(StrEnum):
    """Whether people can go in."""

    NONE = "none"
    EARLY = "early"
    OPEN = "open"
    OVER = "over"


@dataclass(frozen=True, kw_only=True)
class MeetingPlace:
    """Where the people of an appointment meet by video, and whether they can go in now."""

    phase: RoomPhase
    # The address of another system; empty where the room is ours.
    elsewhere: str = ""
    # None while no time is fixed.
    opens_at: datetime | None = None
    closes_at: datetime | None = None

    @property
    def is_open_here(self) -> bool:
        """Tell whether our own room can be joined."""
        return self.phase == RoomPhase.OPEN and not self.elsewhere


def has_video(meeting_type: str, *, is_hybrid: bool) -> bool:
    """Tell whether people can meet by video (webhook.appointment.post.r58)."""
    return meeting_type == MeetingType.VIDEO or is_hybrid


def meeting_place(
    appointment: Appointment, everyone: list[Participant], participant_id: UUID, *, now: datetime
) -> MeetingPlace:
    """Give where a participant meets the others, and whether it can go there now."""
    opens_at = appointment.start and appointment.start - limits.ROOM_OPENS_BEFORE
    # Whoever is late, or goes on talking, is let in as long as a ticket would.
    closes_at = appointment.end and appointment.access_expires_at
    return MeetingPlace(
        phase=_phase_of(appointment, opens_at=opens_at, closes_at=closes_at, now=now),
        elsewhere=room_elsewhere(appointment, everyone, participant_id),
        opens_at=opens_at,
        closes_at=closes_at,
    )


def _phase_of(
    appointment: Appointment,
    *,
    opens_at: datetime | None,
    closes_at: datetime | None,
    now: datetime,
) -> RoomPhase:
    is_possible = has_video(appointment.meeting_type, is_hybrid=appointment.is_hybrid)
    if not is_possible or opens_at is None or closes_at is None:
        return RoomPhase.NONE
    if appointment.state == State.CANCELLED:
        return RoomPhase.NONE
    if appointment.state == State.COMPLETED or closes_at <= now:
        return RoomPhase.OVER
    # The conference exists from activation on.
    is_open = appointment.is_active and opens_at <= now
    return RoomPhase.OPEN if is_open else RoomPhase.EARLY


def room_elsewhere(
    appointment: Appointment, everyone: list[Participant], participant_id: UUID
) -> str:
    """Give the address of a room of the employee in charge or of the application, or nothing."""
    in_charge = next(
        (each.user for each in everyone if each.user and each.role == ParticipantRole.PRIMARY), None
    )
    if in_charge is not None and in_charge.static_video_url:
        return in_charge.static_video_url
    return _filled(appointment.application.video_url, appointment, participant_id)


def trial_elsewhere(appointment: Appointment, participant_id: UUID) -> str:
    """Give the application's address for trying camera and sound out, or nothing."""
    return _filled(appointment.application.video_test_url, appointment, participant_id)


def _filled(template: str, appointment: Appointment, participant_id: UUID) -> str:
    filled = template.replace("{appointment}", str(appointment.pk))
    return filled.replace("{participant}", str(participant_id))
