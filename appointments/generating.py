"""Plausible data in bulk, for trying things out at size: rows as COPY takes them.

Appointments lie on half-hour slots of their agents' days and never overlap. Nobody is told of
them: what lies in the past was told, and what is still to be told is held. What is older than
details are kept for is forgotten, as beat would have done.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import django
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from config.kernel import secrets
from config.kernel.database import constraint_of
from config.kernel.time import format_instant

FIRST_NAMES = (
    "Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Margaret", "Dennis", "Radia", "Ken",
    "Frances", "Tony", "Adele", "Niklaus", "Hedy", "John", "Karen", "Leslie", "Shafi", "Tim",
)  # fmt: skip
LAST_NAMES = (
    "Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Knuth", "Hamilton", "Ritchie",
    "Perlman", "Thompson", "Allen", "Hoare", "Goldberg", "Wirth", "Lamarr", "Backus", "Jones",
    "Lamport", "Goldwasser", "Berners-Lee",
)  # fmt: skip
SUBJECTS = (
    "Account opening", "Mortgage advice", "Insurance review", "Product installation review",
    "First consultation", "Follow-up consultation", "Contract renewal", "Claims discussion",
)  # fmt: skip
ZONES = ("Europe/Berlin", "Europe/Athens", "Europe/London", "America/New_York")
# 85 % were held, to 10 % nobody came, to 5 % only the customer.
ENDINGS = ("COMPLETED",) * 17 + ("NO_SHOW",) * 2 + ("FAILED",)
SLOT = timedelta(minutes=30)
SLOTS_A_DAY = 16
FIRST_SLOT = timedelta(hours=7)
LENGTH = timedelta(minutes=25)
REMINDED = timedelta(hours=24)
# An appointment is booked 2 to 19 days ahead.
AHEAD = range(2, 20)
# What is told of them, where the application's settings are ours.
REMINDER = "PT24H"

NULL = "\\N"

# The tables in the order in which they are filled, with the columns that the rows have. First the
# participants: the trigger on appointments finds them all, and derives each involvement once.
COLUMNS = {
    "appointments_participant": (
        "id, organization_id, appointment_id, type, role, user_id, state, first_joined_at,"
        " ticket_fingerprint, ticket_sealed, occupies, is_exclusive, first_name, last_name, email,"
        " phone, username, erased_at"
    ),
    "appointments_appointment": (
        'id, organization_id, application_id, external_id, title, notes, start, "end", duration,'
        " trailing_buffer, timezone, locale, state, request_status, activated_at,"
        " was_activated_by_hand, access_expires_at, details_expire_at, organizer_type,"
        " organizer_id, target_type, target_id, interaction_state, routing_type,"
        " routing_properties, interaction_properties, notifications_active, master_key,"
        " schedule_version, sequence, event_count, created_at, created_by_kind, created_by_id,"
        " created_from, updated_at, updated_by_kind, updated_by_id, updated_from"
    ),
    "outbox_event": (
        "id, organization_id, application_id, type, subject_type, subject_id, subject_sequence,"
        " actor_kind, actor_id, origin, correlation_id, after, facts, recorded_at, published_at"
    ),
    "notifications_notification": (
        "id, organization_id, application_id, subject_type, subject_id, type, channel,"
        ' recipient_type, recipient_id, "offset", cause, status, provider_status,'
        " scheduled_for, due_at, not_after, attempt, retry_count, poll_attempts, is_held, message,"
        " error_message, message_id, conversation_id, snapshot, created_at, updated_at"
    ),
    "notifications_notificationcontent": (
        "notification_id, organization_id, address, first_name, last_name, facts, link, subject,"
        " text, html, erase_at, erased_at"
    ),
    "notification_event": (
        "id, organization_id, notification_id, at, status, provider_status, attempt, retry_count,"
        " poll_attempts, message, error_message, message_id, conversation_id"
    ),
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the data goes, and the agents whose days are filled."""

    organization_id: UUID
    application_id: UUID
    agent_ids: Sequence[UUID]
    first_day: datetime
    now: datetime
    ticket_length: int = 9
    ticket_grace: timedelta = timedelta(hours=4)
    details_kept_for: timedelta = timedelta(days=30)
    prevents_overlaps: bool = False
    # Whether everybody is told just what the application's settings ask for: then events say how
    # they left the appointment, so that it can be proved.
    is_told_by_settings: bool = False


def rows_of(place: Place, numbers: range) -> dict[str, list[str]]:
    """Give the rows of these appointments by table, as lines of COPY's text format.

    The same numbers give the same appointments again, but for their ids and secrets.
    """
    return _Writer(place, random.Random(numbers.start)).write(numbers)


def days_needed(appointments: int, agents: int) -> int:
    """Give over how many days so many appointments spread."""
    return -(-appointments // (agents * SLOTS_A_DAY))


def _keys() -> Iterator[str]:
    """Give keys as `config.kernel.ids` does, at a tenth of its cost: each after the one before."""
    moment = 0
    while True:
        moment = max(moment + 1, time.time_ns() // 1_000_000)
        head = f"{moment >> 16:08x}-{moment & 0xFFFF:04x}-7"
        chance = os.urandom(8 * 4096).hex()
        for number in range(4096):
            tail = chance[16 * number : 16 * number + 16]
            yield f"{head}{number:03x}-8{tail[1:4]}-{tail[4:]}"


_SIGNS = bytes(ord(secrets.ALPHABET[byte % 32]) for byte in range(256))


def _ticket(length: int) -> str:
    return os.urandom(length).translate(_SIGNS).decode()


def _bytes(value: bytes) -> str:
    return "\\\\x" + value.hex()


class _Slot:
    """What the appointments of one slot have in common, written once."""

    def __init__(self, place: Place, number: int) -> None:
        day, slot = divmod(number, SLOTS_A_DAY)
        start = place.first_day + timedelta(days=day) + FIRST_SLOT + slot * SLOT
        end, now = start + LENGTH, place.now
        forgotten_at = end + place.details_kept_for
        reminded_at = start - REMINDED
        self.is_over = end <= now
        self.is_forgotten = forgotten_at <= now
        self.is_reminded = reminded_at <= now
        self.start, self.end = str(start), str(end)
        self.access_expires = str(end + place.ticket_grace)
        self.forgotten_at = str(forgotten_at)
        self.reminded_at = str(reminded_at)
        self.occupies = NULL if self.is_over else f'["{start}","{end}")'
        self.bookings = [str(min(start - timedelta(days=days), now)) for days in AHEAD]
        wire_start, wire_end = format_instant(start), format_instant(end)
        self.snapshots = {
            zone: f'{{"start": "{wire_start}", "end": "{wire_end}", "timezone": "{zone}",'
            ' "locale": "en-GB", "duration": "PT25M", "sequence": 0}'
            for zone in ZONES
        }
        self.afters = {
            zone: f'{{"state": "ACTIVATED", "start": "{wire_start}", "end": "{wire_end}",'
            f' "timezone": "{zone}", "locale": "en-GB", "sequence": 0, "scheduleVersion": 1,'
            ' "target": null, "interaction": {"state": "PENDING", "routingType":'
            ' "GENESYS_CLOUD_FLOW", "acceptedBy": null, "acceptedAt": null},'
            ' "notificationsActive": true, "notifyAgents": false'
            for zone in ZONES
        }


class _One(NamedTuple):
    """One appointment, and the customer who is told of it."""

    id: str
    number: int
    agent_id: str
    title: str
    zone: str
    state: str
    booked_at: str
    customer_id: str
    first_name: str
    last_name: str
    address: str
    ticket: str | None


class _Writer:
    """Writes the rows of appointments, one after the other."""

    def __init__(self, place: Place, chance: random.Random) -> None:
        self.place = place
        self.draw = chance.random
        self.keys = _keys()
        self.owner = f"{place.organization_id}\t{place.application_id}"
        self.lines: dict[str, list[str]] = {table: [] for table in COLUMNS}
        self.slot = lru_cache(maxsize=2)(lambda number: _Slot(place, number))

    def write(self, numbers: range) -> dict[str, list[str]]:
        agents = [str(agent_id) for agent_id in self.place.agent_ids]
        for number in numbers:
            slot_number, agent = divmod(number, len(agents))
            slot = self.slot(slot_number)
            one = self._one(slot, number, agents[agent])
            self._appointment(slot, one)
            self._participants(slot, one)
            self._told(slot, one)
        return self.lines

    def _pick(self, choices: Sequence[str]) -> str:
        return choices[int(self.draw() * len(choices))]

    def _one(self, slot: _Slot, number: int, agent_id: str) -> _One:
        first, last = self._pick(FIRST_NAMES), self._pick(LAST_NAMES)
        address = f"{first}.{last}.{number % 50_000}@example.com".lower()
        return _One(
            id=next(self.keys),
            number=number,
            agent_id=agent_id,
            title=self._pick(SUBJECTS),
            zone=self._pick(ZONES),
            state=self._pick(ENDINGS) if slot.is_over else "ACTIVATED",
            booked_at=self._pick(slot.bookings),
            customer_id=next(self.keys),
            first_name="" if slot.is_forgotten else first,
            last_name="" if slot.is_forgotten else last,
            address="" if slot.is_forgotten else address,
            ticket=None if slot.is_forgotten else _ticket(self.place.ticket_length),
        )

    def _appointment(self, slot: _Slot, one: _One) -> None:
        interaction = "COMPLETE" if one.state == "COMPLETED" else "PENDING"
        changed = f"{one.booked_at}\tUSER\t{one.agent_id}\tgenerate"
        self.lines["appointments_appointment"].append(
            f"{one.id}\t{self.owner}\t\t{one.title}\tCase {one.number}\t{slot.start}\t{slot.end}"
            f"\t00:25:00\t00:00:00\t{one.zone}\ten-GB\t{one.state}\t\t{one.booked_at}\tf"
            f"\t{slot.access_expires}\t{NULL if slot.is_forgotten else slot.forgotten_at}\tAGENT"
            f"\t{one.agent_id}\t\t\t{interaction}\tGENESYS_CLOUD_FLOW\t{{}}\t{{}}\tt"
            f"\t{_bytes(os.urandom(32))}\t1\t0\t1\t{changed}\t{changed}\n"
        )

    def _participants(self, slot: _Slot, one: _One) -> None:
        came = f"LEFT\t{slot.start}"
        customer = came if one.state in ("COMPLETED", "FAILED") else f"\t{NULL}"
        agent = came if one.state == "COMPLETED" else f"\t{NULL}"
        fingerprint = sealed = NULL
        if one.ticket is not None:
            fingerprint = _bytes(secrets.fingerprint(one.ticket, purpose="ticket"))
            sealed = _bytes(secrets.seal(one.ticket, purpose="ticket"))
        phone, erased = f"+4930{one.number % 10_000_000:07}", NULL
        if slot.is_forgotten:
            phone, erased = "", slot.forgotten_at
        exclusive = "t" if self.place.prevents_overlaps else "f"
        owner = f"{self.place.organization_id}\t{one.id}"
        self.lines["appointments_participant"].append(
            f"{one.customer_id}\t{owner}\tCUSTOMER\tPRIMARY\t{NULL}\t{customer}\t{fingerprint}"
            f"\t{sealed}\t{NULL}\tf\t{one.first_name}\t{one.last_name}\t{one.address}\t{phone}"
            f"\t\t{erased}\n"
            f"{next(self.keys)}\t{owner}\tAGENT\tPRIMARY\t{one.agent_id}\t{agent}\t{NULL}"
            f"\t{NULL}\t{slot.occupies}\t{exclusive}\t\t\t\t\t\t{NULL}\n"
        )

    def _told(self, slot: _Slot, one: _One) -> None:
        event_id = next(self.keys)
        self.lines["outbox_event"].append(
            f"{event_id}\t{self.owner}\tappointment.scheduled\tappointment\t{one.id}\t1\tUSER"
            f"\t{one.agent_id}\tgenerate\t\t{self._after(slot, one)}\t{{}}\t{one.booked_at}"
            f"\t{one.booked_at}\n"
        )
        self._notification(slot, one, cause=event_id, delivered_at=one.booked_at)
        self._notification(
            slot,
            one,
            cause="schedule 1",
            reminded_at=slot.reminded_at,
            delivered_at=slot.reminded_at if slot.is_reminded else None,
        )

    def _after(self, slot: _Slot, one: _One) -> str:
        if not self.place.is_told_by_settings:
            return NULL
        return (
            f'{slot.afters[one.zone]}, "organizer": {{"type": "AGENT", "id": "{one.agent_id}"}},'
            f' "participants": [{{"id": "{one.customer_id}", "type": "CUSTOMER", "role": "PRIMARY",'
            f' "state": ""}}, {{"id": "{one.agent_id}", "type": "AGENT", "role": "PRIMARY",'
            ' "state": ""}]}'
        )

    def _notification(
        self,
        slot: _Slot,
        one: _One,
        *,
        cause: str,
        delivered_at: str | None,
        reminded_at: str | None = None,
    ) -> None:
        key, link = next(self.keys), NULL
        kind, rest = f"CREATE\tEMAIL\tCUSTOMER\t{one.customer_id}\t{NULL}", f"{NULL}\t{NULL}"
        if reminded_at is not None:
            kind = f"REMINDER\tEMAIL\tCUSTOMER\t{one.customer_id}\t{REMINDER}"
            rest = f"{NULL if delivered_at else reminded_at}\t{slot.start}"
        status, held = ("DELIVERED\t250", "1\t0\t0\tf") if delivered_at else (
            "INITIALIZED\t", "0\t0\t0\tt"
        )  # fmt: skip
        self.lines["notifications_notification"].append(
            f"{key}\t{self.owner}\tappointment\t{one.id}\t{kind}\t{cause}\t{status}"
            f"\t{reminded_at or NULL}\t{rest}\t{held}\t\t\t\t\t{slot.snapshots[one.zone]}"
            f"\t{one.booked_at}\t{delivered_at or one.booked_at}\n"
        )
        if one.ticket is not None and not delivered_at:
            url = f"{settings.PUBLIC_URL}/q/{one.ticket}"
            link = _bytes(secrets.seal(url, purpose="notification-link"))
        facts, erased = f'{{"title": "{one.title}"}}', f"{NULL}\t{NULL}"
        if slot.is_forgotten:
            facts, erased = "{}", f"{slot.forgotten_at}\t{slot.forgotten_at}"
        self.lines["notifications_notificationcontent"].append(
            f"{key}\t{self.place.organization_id}\t{one.address}\t{one.first_name}\t{one.last_name}"
            f"\t{facts}\t{link}\t\t\t\t{erased}\n"
        )
        owner = f"{self.place.organization_id}\t{key}"
        steps = self.lines["notification_event"]
        steps.append(
            f"{next(self.keys)}\t{owner}\t{one.booked_at}\tINITIALIZED\t\t0\t0\t0\t\t\t\t\n"
        )
        if delivered_at:
            steps.append(
                f"{next(self.keys)}\t{owner}\t{delivered_at}\tDELIVERED\t250\t1\t0\t0\t\t\t\t\n"
            )


def write_chunk(place: Place, numbers: range) -> int:
    """Write these appointments in one transaction; return how many they are."""
    try:
        _copy(rows_of(place, numbers))
    except IntegrityError as error:
        # Among millions of tickets of nine signs two can be the same: draw others.
        if constraint_of(error) != "participant_ticket_unique":
            raise
        _copy(rows_of(place, numbers))
    return len(numbers)


@transaction.atomic
def _copy(lines: dict[str, list[str]]) -> None:
    with connection.cursor() as cursor:
        # A chunk may take longer than a request, and is made again if the machine dies.
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL synchronous_commit = off")
        for table, columns in COLUMNS.items():
            statement = f"COPY {table} ({columns}) FROM STDIN"
            with connection.wrap_database_errors, cursor.copy(statement) as copy:
                copy.write("".join(lines[table]))


def begin_work(database: str) -> None:
    """Make this process one that writes chunks: into that database, and whole ones."""
    # Ctrl-C reaches every process of the terminal; it is the first one that stops the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    django.setup()
    # The settings are read anew here, and name another database while tests run.
    connection.settings_dict["NAME"] = database
