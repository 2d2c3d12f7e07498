"""The booking webhook hears every change of an appointment, and tells those who subscribe.

It hears before the subscribers that forget persons: what it plans is to be forgotten too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from appointments.booking_webhook import payload_of
from appointments.services.case import Case
from appointments.services.standing import Standing
from appointments.topics import topic_of
from notifications import outbox
from notifications.models import BookingEvent
from notifications.outbox import Heard
from notifications.services import Planner

# Whatever can change what the payload shows.
_EVENTS = (
    *("appointment.scheduled", "appointment.requested", "appointment.invited"),
    *("appointment.accepted", "appointment.time_requested", "appointment.alternative_requested"),
    *("appointment.rescheduled", "appointment.resumed", "appointment.translated"),
    "appointment.reassigned",
    *("appointment.updated", "appointment.started", "appointment.completed"),
    *("appointment.failed", "appointment.missed", "appointment.cancelled"),
    *("appointment.deleted", "appointment.reopened"),
    *("participant.added", "participant.removed", "participant.updated"),
    "interaction.updated",
)


@outbox.on(*_EVENTS)
def tell_booking(heard: Heard) -> None:
    """Plan one delivery for each subscription, whether or not people are notified."""
    name = heard.facts.get("bookingEvent")
    if name is None:
        return
    case, event = cast(Case, heard.subject), BookingEvent(name)
    before = cast("Standing | None", heard.passing.get("stood"))
    topic = replace(
        topic_of(case),
        sequence=heard.row.subject_sequence,
        payload=payload_of(case, event, before),
    )
    planner = Planner(topic, now=heard.now, shared=heard.shared)
    planner.tell_bookings(event, cause=str(heard.row.id))
    planner.write()
