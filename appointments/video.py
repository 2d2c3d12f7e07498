"""Where an appointment takes place by video, while that is not a page of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appointments.models import Appointment, MeetingType, Participant, ParticipantRole

if TYPE_CHECKING:
    from uuid import UUID


def has_video(meeting_type: str, *, is_hybrid: bool) -> bool:
    """Tell whether people can meet by video (webhook.appointment.post.r58)."""
    return meeting_type == MeetingType.VIDEO or is_hybrid


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
