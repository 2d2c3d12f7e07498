"""The history of one appointment, heard once more by the subscribers, and what they would plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from appointments.models import Appointment, Participant, ParticipantType
from appointments.services.case import Case
from config.kernel.actors import Actor
from config.kernel.time import parse_instant
from notifications import outbox
from notifications.models import Channel, OutboxEvent, RecipientType
from notifications.outbox import Heard
from notifications.services.rehearsal import Rehearsal

_NO_SNAPSHOT = "events without a snapshot"
_SETTINGS = "messages whose settings were changed later"
_PERSON = "messages to people of whom more is known now than then"


class Key(NamedTuple):
    """What makes a notification of an appointment this notification."""

    type: str
    recipient_id: UUID
    channel: str
    offset: str | None
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """When a message was planned, by which event, and for when."""

    recipient_type: str
    due_at: datetime
    planned_at: datetime
    sequence: int


@dataclass(kw_only=True)
class History:
    """An appointment as it is now, and its events, the oldest first.

    `rehearse` leaves the appointment changed: it is what each event made of it.
    """

    appointment: Appointment
    participants: list[Participant]
    events: list[OutboxEvent]
    rehearsal: Rehearsal
    expected: dict[Key, Planned] = field(default_factory=dict)
    not_judged: list[tuple[str, datetime]] = field(default_factory=list)
    # From which event on what is known of a participant is what was known then.
    _known_from: dict[UUID, int] = field(default_factory=dict)
    _versions: set[int] = field(default_factory=set)
    _judged_events: dict[str, int] = field(default_factory=dict)

    def rehearse(self) -> None:
        """Let the subscribers hear every event, and keep what they would plan."""
        people = {one.wire_id: one for one in self.participants}
        joined = {one.id: one.first_joined_at for one in self.participants}
        for one in self.participants:
            # Nobody is sent a link in a rehearsal, and opening tickets takes time.
            one.ticket_sealed = None
        self._known_from = dict(self._knowledge(people))
        was_activated = self.appointment.was_activated_by_hand and not any(
            event.type == "appointment.activated" for event in self.events
        )
        for number, event in enumerate(self.events):
            was_activated = was_activated or event.type == "appointment.activated"
            if event.after is None:
                self.not_judged.append((_NO_SNAPSHOT, event.recorded_at))
                continue
            self.appointment.was_activated_by_hand = was_activated
            for one in self.participants:
                at = joined[one.id]
                one.first_joined_at = at if at and at <= event.recorded_at else None
            self._hear(number, event, _case(self.appointment, people, event))

    def _knowledge(self, people: Mapping[str, Participant]) -> Iterator[tuple[UUID, int]]:
        """Give for each participant the event from which on it is the one of now."""
        first = dict.fromkeys(people, len(self.events))
        gone: set[str] = set()
        for number in range(len(self.events) - 1, -1, -1):
            event = self.events[number]
            if event.after is None:
                continue
            present = {one["id"] for one in event.after["participants"]}
            gone |= people.keys() - present
            for name in present & people.keys() - gone:
                first[name] = number
            # A new address: before, it may have been another, or none.
            if event.type == "participant.updated" and "state" not in event.facts:
                gone.add(str(event.facts.get("participant")))
        for name, number in first.items():
            yield people[name].id, number

    def _hear(self, number: int, event: OutboxEvent, case: Case) -> None:
        self._versions.add(self.appointment.schedule_version)
        self._judged_events[str(event.id)] = number
        outbox.tell(
            Heard(
                row=event,
                subject=case,
                actor=case.actor,
                now=event.recorded_at,
                passing=_passing(event, case),
            )
        )
        for row in self.rehearsal.taken():
            key = Key(
                str(row["type"]),
                row["recipient_id"],
                str(row["channel"]),
                row["offset"],
                row["cause"],
            )
            reason = self._unknown(number, key, row["recipient_type"])
            if reason:
                self.not_judged.append((reason, event.recorded_at))
            else:
                planned = Planned(
                    recipient_type=row["recipient_type"],
                    due_at=row["scheduled_for"] or row["due_at"],
                    planned_at=event.recorded_at,
                    sequence=event.subject_sequence,
                )
                self.expected.setdefault(key, planned)

    def _unknown(self, number: int, key: Key, recipient_type: str) -> str:
        """Give why nobody can say what was to be told then; nothing where it is known."""
        at, application_id = self.events[number].recorded_at, self.appointment.application_id
        settled_at = self.rehearsal.settled_at(application_id, key.channel)
        if settled_at is None or settled_at > at:
            return _SETTINGS
        if recipient_type == RecipientType.SYSTEM:
            since = self.rehearsal.subscribed_at(application_id, key.recipient_id)
            return "" if since is not None and since <= at else _SETTINGS
        return "" if self._known_from.get(key.recipient_id, len(self.events)) <= number else _PERSON

    def is_foreign(self, key: Key, *, is_scheduled: bool) -> bool:
        """Tell whether the planner did not ask for a notification, as far as that is known."""
        if key in self.expected:
            return False
        if is_scheduled:
            return key.cause not in {f"schedule {version}" for version in self._versions}
        number = self._judged_events.get(key.cause)
        if number is None:
            return key.cause not in {str(event.id) for event in self.events}
        kind = RecipientType.SYSTEM if key.channel == Channel.WEBHOOKS else ""
        return not self._unknown(number, key, kind)


def _case(appointment: Appointment, people: Mapping[str, Participant], event: OutboxEvent) -> Case:
    """Give the case as an event left it; those who have left since are left out."""
    after: dict[str, Any] = event.after or {}
    start, end = after["start"], after["end"]
    appointment.state = after["state"]
    # Snapshots did not always say it.
    appointment.request_status = after.get("requestStatus", "")
    appointment.is_kept_open = after.get("isKeptOpen", False)
    asked = after.get("askedStart"), after.get("askedEnd")
    appointment.asked_start, appointment.asked_end = (
        parse_instant(one) if one else None for one in asked
    )
    appointment.start = parse_instant(start) if start else None
    appointment.end = parse_instant(end) if end else None
    appointment.timezone = after["timezone"]
    appointment.locale = after["locale"]
    appointment.sequence = after["sequence"]
    appointment.schedule_version = after["scheduleVersion"]
    appointment.notifications_active = after["notificationsActive"]
    # Snapshots did not always say it; then no agent is expected to be told.
    appointment.application.notify_agents = after.get("notifyAgents", False)
    present = []
    for one in after["participants"]:
        if participant := people.get(one["id"]):
            participant.role = one["role"]
            present.append(participant)
    return Case(
        appointment=appointment,
        participants=present,
        actor=Actor.system(appointment.organization_id, origin="proof"),
        now=event.recorded_at,
    )


def _passing(event: OutboxEvent, case: Case) -> dict[str, object]:
    """Give what only the transaction of the event knew, as far as it can be known again."""
    match event.type:
        case "participant.added" | "participant.removed":
            return {"participant": _participant(event, case)}
        case "appointment.reassigned":
            return {"former": []}
        case "appointment.rescheduled":
            return {"old_start": None}
        case _:
            return {}


def _participant(event: OutboxEvent, case: Case) -> Participant:
    """Give whom an event is about; who has left since has no address any more."""
    wire_id = event.facts["participant"]
    for one in case.participants:
        if one.wire_id == wire_id:
            return one
    type_ = ParticipantType(event.facts["participantType"])
    named = {"id": UUID(wire_id)} if type_ == ParticipantType.CUSTOMER else {}
    return Participant(
        organization_id=case.appointment.organization_id,
        appointment_id=case.appointment.id,
        type=type_,
        **named,
    )
