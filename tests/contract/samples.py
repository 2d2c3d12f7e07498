"""One good request for every operation that has roles or takes an id, and where its ids stand."""

from __future__ import annotations

import copy
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from itertools import count
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from agents.models import ApiClient, Application, Organization, User
from agents.services import codes, email_checks
from appointments.models import Appointment, Participant, Rescue
from config.kernel.actors import Role
from config.kernel.time import format_instant
from notifications.models import Channel, ChannelSettings, Notification
from tests import make
from tests.appointments import entries
from tests.contract import contract
from tests.contract.client import UNSET, Value
from tests.contract.client import ApiClient as HttpClient
from tests.contract.contract import Operation

_lead_segment_numbers = count(741_852_001, 1000)
# Well formed, and nobody's.
UNKNOWN = UUID("0190a1b2-0000-7000-8000-00000000dead")
ADDRESS = "ada.lovelace@example.org"

# Where in a request an id stands: ("path", "id"), ("query", "agentId"), ("json", "customer", …).
Slot = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Side:
    """One organization with one of everything that a request can name.

    What few requests name is made when it is first asked for.
    """

    organization: Organization
    application: Application
    agent: User
    colleague: User
    supervisor: User
    admin: User
    appointment_id: str
    customer_id: str
    notification_id: str

    @cached_property
    def client(self) -> ApiClient:
        return make.make_api_client(self.organization)[0]

    @cached_property
    def subscription_id(self) -> str:
        # Nothing is ever sent there: a test of it is refused at the door.
        row = make.make_subscription(self.application, url="https://127.0.0.1/frontdesk")
        return str(row.id)

    @cached_property
    def feed_secret(self) -> str:
        return make.secret_of(make.make_feed(self.agent))

    @cached_property
    def rescue_id(self) -> str:
        """Give a rescue that has moved nothing, so that it can be undone."""
        start = timezone.now()
        row = Rescue.objects.create(
            organization=self.organization,
            agent=self.agent,
            start=start,
            end=start + timedelta(days=1),
            made_by_kind="SYSTEM",
        )
        return str(row.id)

    @cached_property
    def catalogue(self) -> dict[str, str]:
        """Give an entry of each kind; lead segments are known by their number."""
        return {
            "subject_group": str(entries.make_group(self.organization).id),
            "subject": str(entries.make_subject(self.organization).id),
            "office": str(entries.make_office(self.organization).id),
            "listing": str(entries.make_listing(self.organization).id),
            "lead_segment": str(entries.make_lead_segment(self.organization).number),
            "form": str(entries.make_form(self.organization).id),
        }

    def token(self, role: str) -> str:
        """Give a token that carries this role and no other."""
        match role:
            case "AGENT":
                return make.token_for(self.agent)
            case "SUPERVISOR":
                return make.token_for(self.supervisor)
            case "ADMIN":
                return make.token_for(self.admin)
            case "CLIENT_SERVICE":
                return make.token_for(self.client)
            case "CUSTOMER":
                return make.customer_token(Participant.objects.get(pk=self.customer_id))
            case _:
                raise KeyError(role)

    def headers(self, role: str) -> dict[str, str]:
        """Give the proof of a caller with this role alone."""
        if role == "OTP":
            code = make.make_code(self.application, ADDRESS)
            basic = b64encode(f"{ADDRESS}:{code}".encode()).decode()
            return {"Authorization": f"Basic {basic}"}
        return {"Authorization": f"Bearer {self.token(role)}"}

    def ids(self) -> dict[str, str]:
        """Give an id of this organization for each kind of thing."""
        return {
            "application": str(self.application.id),
            "organization": str(self.organization.id),
            "user": str(self.colleague.id),
            "appointment": self.appointment_id,
            "participant": self.customer_id,
            "notification": self.notification_id,
            "subscription": self.subscription_id,
            "feed": self.feed_secret,
            "rescue": self.rescue_id,
            **self.catalogue,
        }


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A request, without the proof of who sends it."""

    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, Value] = field(default_factory=dict)
    json: Any = UNSET

    def put(self, slot: Slot, value: str) -> Sample:
        """Give the same request with another id in one place."""
        changed = copy.deepcopy({"path": self.path, "query": self.query, "json": self.json})
        target: Any = changed
        for step in slot[:-1]:
            target = target.setdefault(step, {})
        target[slot[-1]] = value
        return Sample(**changed)

    def send(self, operation: Operation, headers: dict[str, str]) -> Any:
        """Send it, and hold the answer against the contract."""
        return HttpClient().send(
            operation.method,
            operation.url(**self.path),
            json=self.json,
            headers=headers,
            query=self.query,
        )


def make_side(name: str) -> Side:
    """Make an organization with one of everything, its appointment booked through the API."""
    organization = make.make_organization(
        name=name,
        # No two sides have the same numbers, and no other text has one.
        next_lead_segment_number=next(_lead_segment_numbers),
    )
    application = make.make_application(organization)
    ChannelSettings.objects.create(
        organization=organization, application=application, channel=Channel.EMAIL, is_on=True
    )
    people = {
        key: make.make_user(organization, roles=[role])
        for key, role in [
            ("agent", Role.AGENT),
            ("colleague", Role.AGENT),
            ("supervisor", Role.SUPERVISOR),
            ("admin", Role.ADMIN),
        ]
    }
    answer = HttpClient(make.token_for(people["agent"])).post(
        "/api/v2/appointments/", booking(application, title=f"Secret of {name}")
    )
    assert answer.status_code == 200, answer.content
    booked = answer.json()
    customer = next(each for each in booked["participants"] if each["type"] == "CUSTOMER")
    return Side(
        organization=organization,
        application=application,
        appointment_id=booked["id"],
        customer_id=customer["id"],
        notification_id=str(Notification.objects.filter(subject_id=booked["id"])[0].id),
        **people,
    )


def booking(application: Application, **members: object) -> dict[str, Any]:
    """Give the body of a booking for tomorrow, with one customer."""
    start = timezone.now().replace(microsecond=0) + timedelta(days=1)
    return {
        "applicationId": str(application.id),
        "start": format_instant(start),
        "duration": "PT30M",
        "timezone": "Europe/Berlin",
        "customers": [
            {
                "contact": {"primaryEmail": ADDRESS},
                "name": {"firstName": "Ada", "lastName": "Lovelace"},
            }
        ],
        **members,
    }


def older_booking(application: Application, **members: object) -> dict[str, Any]:
    """Give the body of the same booking for v1, which knows of one customer."""
    body = booking(application)
    [customer] = body.pop("customers")
    return {**body, "customer": customer, **members}


def _by_id(side: Side) -> Sample:
    return Sample(path={"id": side.appointment_id})


def _participant(side: Side, **query: Value) -> Sample:
    path = {"id": side.appointment_id, "participantId": side.customer_id}
    return Sample(path=path, query=query)


def _slot_of_time(side: Side, length: str) -> Sample:
    # The appointment was booked a while ago, for the same time of tomorrow.
    start = format_instant(timezone.now() + timedelta(hours=23))
    query: dict[str, Value] = {
        "applicationId": str(side.application.id),
        "organizationId": str(side.organization.id),
        "start": start,
        length: "PT2H",
    }
    return Sample(query=query)


def _older_slot_of_time(side: Side, length: str) -> Sample:
    query = dict(_slot_of_time(side, length).query)
    del query["organizationId"]
    return Sample(query=query)


def _older_participant(side: Side) -> Sample:
    return Sample(path={"id": side.appointment_id, "pid": side.customer_id})


def _schedule(side: Side) -> Sample:
    target = {"type": "AGENT", "id": str(side.colleague.id)}
    return Sample(json=booking(side.application, targetAssignment=target))


def _routing() -> dict[str, Any]:
    return {"type": "GENESYS_CLOUD_QUEUE", "properties": {"queueName": "Loans"}}


def _reschedule(side: Side) -> Sample:
    body = booking(side.application)
    kept = {key: body[key] for key in ("start", "timezone")}
    return Sample(json={"id": side.appointment_id, "duration": "PT1H", **kept})


def _retry(side: Side) -> Sample:
    # What has failed can be sent again.
    Notification.objects.filter(pk=side.notification_id).update(status="FAILED", due_at=None)
    return Sample(path={"id": side.appointment_id, "notificationId": side.notification_id})


def _subscription(side: Side, json: object = UNSET) -> Sample:
    return Sample(path={"id": side.subscription_id}, json=json)


def _subscribe(side: Side) -> Sample:
    return Sample(
        json={
            "applicationId": str(side.application.id),
            "url": "https://hooks.example.org/second",
            "format": "appointment-event",
        }
    )


def _verify(side: Side) -> Sample:
    return Sample(json={"applicationId": str(side.application.id), "toEmail": ADDRESS})


def _confirm(side: Side) -> Sample:
    issued = codes.issue(
        side.application,
        email_checks.subject_of(side.application),
        purpose="email-service-code",
        now=timezone.now(),
    )
    return Sample(json={"applicationId": str(side.application.id), "code": issued.code})


def _saying(side: Side) -> Sample:
    return Sample(path={"id": side.appointment_id}, json={"message": "With kind regards"})


def _in_status(status: str) -> Callable[[Side], Sample]:
    """Give a sample whose appointment waits for a time, or was cancelled."""

    def sample(side: Side) -> Sample:
        rows = Appointment.objects.filter(pk=side.appointment_id)
        if status == "CANCELLED":
            rows.update(state=status)
            return _saying(side)
        rows.filter(start__isnull=False).update(
            request_status=status,
            asked_start=F("start"),
            asked_end=F("end"),
            asked_duration=F("duration"),
            start=None,
            end=None,
            duration=None,
        )
        return _other_time(side) if status == "OUTGOING_INVITE" else _saying(side)

    return sample


def _other_time(side: Side) -> Sample:
    body = booking(side.application)
    return Sample(path={"id": side.appointment_id}, json={"start": body["start"]})


def _test_mail(side: Side) -> Sample:
    texts = {"subject": "{{dd-MM-yyyy}}", "textBody": "Dear {{firstName}},"}
    return Sample(json={"applicationId": str(side.application.id), "toEmail": ADDRESS, **texts})


def _free_times(side: Side) -> Sample:
    tomorrow = timezone.now() + timedelta(days=1)
    return Sample(
        query={
            "applicationId": str(side.application.id),
            "from": format_instant(tomorrow),
            "to": format_instant(tomorrow + timedelta(days=1)),
            "duration": "PT30M",
        }
    )


def _rescue(side: Side) -> Sample:
    return Sample(path={"id": side.rescue_id})


def _period(side: Side) -> dict[str, Any]:
    now = timezone.now()
    day = {"start": format_instant(now), "end": format_instant(now + timedelta(days=2))}
    return {"agentId": str(side.agent.id), **day}


def _move(side: Side) -> Sample:
    row = Appointment.objects.get(pk=side.appointment_id)
    move = {
        "appointmentId": side.appointment_id,
        # Other samples of the same side take its time away.
        "start": format_instant(row.start or row.asked_start),  # type: ignore[arg-type]  # one of them
        "end": format_instant(row.end or row.asked_end),  # type: ignore[arg-type]  # one of them
        "agentId": str(side.colleague.id),
    }
    return Sample(json={**_period(side), "moves": [move]})


_NAMED = {"translations": {"name": [{"value": "Anything", "language": "en"}]}}


def _subject_body(side: Side) -> dict[str, Any]:
    group, form = side.catalogue["subject_group"], side.catalogue["form"]
    return {**_NAMED, "subjectGroup": {"id": group}, "questionnaireFormId": form}


# A good body for each kind of entry.
_ENTRIES: dict[str, Callable[[Side], dict[str, Any]]] = {
    "subject_group": lambda _: {**_NAMED, "order": 3},
    "subject": _subject_body,
    "office": lambda _: {**_NAMED, "location": entries.BERLIN},
    "listing": lambda _: {**_NAMED, "location": entries.BERLIN, "tags": ["garden"]},
    "lead_segment": lambda _: {"code": "VIP"},
    "form": lambda _: {"name": "Anything"},
}


def _entry(kind: str, *, has_id: bool, has_body: bool) -> Callable[[Side], Sample]:
    def sample(side: Side) -> Sample:
        return Sample(
            path={"id": side.catalogue[kind]} if has_id else {},
            json=_ENTRIES[kind](side) if has_body else UNSET,
        )

    return sample


def _entry_samples() -> dict[str, Callable[[Side], Sample]]:
    samples: dict[str, Callable[[Side], Sample]] = {}
    for kind in _ENTRIES:
        prefix = f"frontdesk.catalogue.{kind}s"
        samples |= {
            f"{prefix}.list": _entry(kind, has_id=False, has_body=False),
            f"{prefix}.create": _entry(kind, has_id=False, has_body=True),
            f"{prefix}.get": _entry(kind, has_id=True, has_body=False),
            f"{prefix}.update": _entry(kind, has_id=True, has_body=True),
            f"{prefix}.delete": _entry(kind, has_id=True, has_body=False),
        }
    return samples


SAMPLES: dict[str, Callable[[Side], Sample]] = {
    "v2.appointments.list": lambda _: Sample(),
    "v2.appointments.schedule": _schedule,
    "v2.appointments.update": lambda side: Sample(
        json={
            "id": side.appointment_id,
            "title": "New",
            "customer": {"participantId": side.customer_id, "username": "ada"},
        }
    ),
    "v2.appointments.activate": _by_id,
    "v2.appointments.schedule_as_customer": _schedule,
    "v2.appointments.reassign": lambda side: Sample(
        json={"id": side.appointment_id, "userId": str(side.colleague.id)}
    ),
    "v2.appointments.reschedule": _reschedule,
    "v2.appointments.delete": _by_id,
    "v2.appointments.get": _by_id,
    "v2.appointments.count": lambda side: _slot_of_time(side, "timeFrame"),
    "v2.appointments.eligible": lambda _: Sample(),
    "v2.appointments.overlap_count": lambda side: _slot_of_time(side, "duration"),
    "v2.participants.add_agent": lambda side: Sample(
        json={"id": side.appointment_id, "userId": str(side.colleague.id)}
    ),
    "v2.participants.add_customer": lambda side: Sample(
        json={"id": side.appointment_id, "customer": {"name": {"firstName": "Grace"}}}
    ),
    "v2.participants.remove": _participant,
    "v2.participants.get": _participant,
    "v2.participants.update_state": lambda side: _participant(side, state="WAITING"),
    "v2.interaction.accept": lambda side: Sample(
        path={"id": side.appointment_id}, json=str(side.agent.id)
    ),
    "v2.interaction.failed": lambda side: Sample(
        path={"id": side.appointment_id}, query={"userMessage": "No sound"}
    ),
    "v2.interaction.get": _by_id,
    "v2.interaction.update": lambda side: Sample(
        path={"id": side.appointment_id}, json={"routing": _routing()}
    ),
    "v2.notifications.list": _by_id,
    "v2.notifications.events": _by_id,
    "frontdesk.notifications.retry": _retry,
    "v1.appointments.list": lambda _: Sample(),
    "v1.appointments.schedule": lambda side: Sample(json=older_booking(side.application)),
    "v1.appointments.update": lambda side: Sample(json={"id": side.appointment_id, "title": "New"}),
    "v1.appointments.delete": _by_id,
    "v1.appointments.get": _by_id,
    "v1.appointments.end": _by_id,
    "v1.participants.remove": _older_participant,
    "v1.participants.get": _older_participant,
    "v1.appointments.activate": _by_id,
    "v1.appointments.schedule_as_customer": lambda side: Sample(
        json=older_booking(side.application)
    ),
    "v1.appointments.count": lambda side: _older_slot_of_time(side, "timeFrame"),
    "v1.appointments.eligible": lambda _: Sample(),
    "v1.appointments.overlap_count": lambda side: _older_slot_of_time(side, "duration"),
    "v1.participants.add_agent": lambda side: Sample(
        json={"id": side.appointment_id, "userId": str(side.colleague.id)}
    ),
    "v1.participants.add_customer": lambda side: Sample(
        json={"id": side.appointment_id, "customer": {"name": {"firstName": "Grace"}}}
    ),
    "v1.appointments.reassign": lambda side: Sample(
        json={"id": side.appointment_id, "userId": str(side.colleague.id)}
    ),
    "v1.appointments.reschedule": _reschedule,
    "v1.cal.google": _by_id,
    "v1.cal.ical": _by_id,
    "frontdesk.cal.office365": _by_id,
    "frontdesk.cal.feed": lambda side: Sample(path={"secret": side.feed_secret}),
    "v1.notifications.emails.verify": _verify,
    "v1.notifications.emails.confirm": _confirm,
    "v1.notifications.emails.test": _test_mail,
    "frontdesk.webhooks.list": lambda _: Sample(),
    "frontdesk.webhooks.create": _subscribe,
    "frontdesk.webhooks.get": _subscription,
    "frontdesk.webhooks.update": lambda side: _subscription(side, {"name": "The CRM"}),
    "frontdesk.webhooks.delete": _subscription,
    "frontdesk.webhooks.secret": _subscription,
    "frontdesk.webhooks.test": _subscription,
    "frontdesk.webhooks.events": _subscription,
    "frontdesk.webhooks.replay": lambda side: _subscription(side, {"from_sequence": 1}),
    **_entry_samples(),
    "frontdesk.bookings.waiting": lambda _: Sample(),
    "frontdesk.bookings.request": _schedule,
    "frontdesk.bookings.invite": _schedule,
    "frontdesk.bookings.get": _by_id,
    "frontdesk.bookings.accept": _in_status("INCOMING_REQUEST"),
    "frontdesk.bookings.choose": _in_status("OUTGOING_INVITE"),
    "frontdesk.bookings.ask_again": _other_time,
    "frontdesk.bookings.ask_for_alternative": _saying,
    "frontdesk.bookings.complete": _saying,
    "frontdesk.bookings.no_show": _saying,
    "frontdesk.bookings.cancel": _saying,
    "frontdesk.bookings.reopen": _in_status("CANCELLED"),
    "frontdesk.availability.get": _free_times,
    "frontdesk.rescues.preview": lambda side: Sample(json=_period(side)),
    "frontdesk.rescues.create": _move,
    "frontdesk.rescues.get": _rescue,
    "frontdesk.rescues.undo": _rescue,
}

_KINDS = {
    "id": "appointment",
    "applicationId": "application",
    "organizationId": "organization",
    "organizerId": "user",
    "agentId": "user",
    "userId": "user",
    "participantId": "participant",
    "pid": "participant",
    "secret": "feed",
    "statusId": "notification",
    "notificationId": "notification",
    "officeId": "office",
    "subjectId": "subject",
    "cancellationByAgentFormId": "form",
    "cancellationByCustomerFormId": "form",
    "completionByAgentFormId": "form",
    "questionnaireFormId": "form",
}


# Names that end as those of ids do: credentials that a caller chooses, or is given elsewhere, and
# what somebody else calls a thing.
_NO_IDS = frozenset({"client_id", "clientId", "externalId"})


def kind_of(operation: Operation, slot: Slot) -> str:
    """Give what an id in this place names. Raises KeyError for a name nobody has thought of."""
    if operation.id.startswith("frontdesk.webhooks.") and slot == ("path", "id"):
        return "subscription"
    if operation.id.startswith("frontdesk.rescues.") and slot == ("path", "id"):
        return "rescue"
    if slot == ("json", "subjectGroup", "id"):
        return "subject_group"
    if operation.id.startswith("frontdesk.catalogue.") and slot == ("path", "id"):
        return operation.id.split(".")[2].removesuffix("s")
    if slot == ("json",) or slot[-2:] == ("targetAssignment", "id"):
        return "user"
    return _KINDS[slot[-1]]


def slots(operation: Operation) -> list[Slot]:
    """Give every place where an operation takes an id, read from the contract."""
    found: list[Slot] = [("path", name) for name in operation.path_parameters]
    found += [("query", each.name) for each in operation.query if _is_id(each.name)]
    if operation.request:
        found += _slots_in(operation.surface, operation.request, ("json",))
    return found


def _is_id(name: str) -> bool:
    return name == "id" or re.search(r"(Id|_id|Ids|_ids)$", name) is not None


def _slots_in(surface: str, name: str, prefix: Slot) -> list[Slot]:
    schema = contract.schemas(surface)[name]
    if schema.type == "string":
        # The body that is one bare string is an id (v2.interaction.accept.r3).
        return [prefix]
    found: list[Slot] = []
    for member in schema.fields:
        if member.type[0].isupper() and contract.schemas(surface)[member.type].fields:
            found += _slots_in(surface, member.type, (*prefix, member.name))
        elif _is_id(member.name) and member.name not in _NO_IDS:
            found.append((*prefix, member.name))
    return found
