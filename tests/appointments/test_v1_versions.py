"""Two versions, one appointment: what is booked in one reads right in the other, field by field."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from appointments.models import Appointment
from config.kernel.time import format_instant
from tests import make
from tests.appointments import acts, older
from tests.appointments.acts import Act
from tests.appointments.scene import Scene, make_scene
from tests.contract.client import ApiClient
from tests.contract.samples import booking, older_booking

if TYPE_CHECKING:
    from datetime import datetime

pytestmark = pytest.mark.django_db

OLDER, NEWER = "/api/appointments/", "/api/v2/appointments/"
ADA: dict[str, Any] = {
    "name": {"firstName": "Ada", "lastName": "Lovelace"},
    "contact": {"primaryEmail": "ada@example.org", "primaryPhone": "+4930901820"},
    "username": "countess",
    "metadata": {"vip": True, "tags": ["a", 1, None]},
}
GRACE: dict[str, Any] = {"name": {"firstName": "Grace"}}
ROUTING = {"type": "GENESYS_CLOUD_QUEUE", "properties": {"queueName": "Loans", "chatMode": "x"}}
# What both take in the same words.
BOTH: dict[str, Any] = {
    "duration": "P1D",
    "timezone": "Europe/Berlin",
    "locale": "de-DE",
    "title": "Überprüfung",
    "notes": "Bring\nit",
    "metadata": {"case": {"n": [1, 2.5, None]}},
    "interaction": {"routing": ROUTING, "customFields": {"line": "7"}},
}


# --- Field by field -------------------------------------------------------------------------


@pytest.mark.rule("v1.appointments.schedule.r22")
def test_what_is_booked_in_the_older_version_is_read_in_the_newer_one(now: datetime) -> None:
    application = make.make_application(environment="mypurecloud.de")
    agent = make.make_user(application.organization)
    client, start = ApiClient(make.token_for(agent)), format_instant(now + timedelta(days=2))

    booked = client.post(
        OLDER, older_booking(application, start=start, customer=ADA, **BOTH)
    ).json()

    read = client.get(f"{NEWER}{booked['id']}").json()
    [customer] = make.customers_of(Appointment.objects.get())
    assert len(read.pop("secureToken")) == 64
    assert read == {
        "id": booked["id"],
        "applicationId": str(application.id),
        "title": "Überprüfung",
        "notes": "Bring\nit",
        "metadata": {"case": {"n": [1, 2.5, None]}},
        "start": start,
        "end": booked["end"],
        "duration": booked["duration"],
        "timezone": "Europe/Berlin",
        "locale": "de-DE",
        "organizer": {"id": str(agent.id), "type": "AGENT"},
        "participants": [
            {
                "id": str(customer.id),
                "type": "CUSTOMER",
                "detailsAvailable": True,
                "ticket": {
                    "accessUrl": booked["roomAccess"]["url"],
                    "expiresAt": booked["roomAccess"]["expires"],
                },
            },
            {"id": str(agent.id), "type": "AGENT", "detailsAvailable": True},
        ],
        "interaction": {
            "state": "PENDING",
            "properties": {},
            "customFields": {"line": "7"},
            "routing": {
                "type": "GENESYS_CLOUD_QUEUE",
                "properties": {
                    "queueName": "Loans", "chatMode": "x", "pcEnvironment": "mypurecloud.de",
                },
            },
        },
        "notificationsActive": True,
    }  # fmt: skip
    details = client.get(f"{NEWER}{booked['id']}/participants/{customer.id}").json()
    assert {name: details[name] for name in ADA} == ADA


def test_what_is_booked_in_the_newer_version_is_read_in_the_older_one(now: datetime) -> None:
    application = make.make_application(environment="mypurecloud.de")
    agent, colleague = (make.make_user(application.organization) for _ in range(2))
    client, start = ApiClient(make.token_for(agent)), format_instant(now + timedelta(days=2))
    body = booking(
        application, start=start, customers=[ADA, GRACE], **BOTH,
        targetAssignment={"type": "AGENT", "id": str(colleague.id)},
        notificationHeaders={"X-Case": "1"},
    )  # fmt: skip

    booked = client.post(NEWER, body).json()

    ada, grace = make.customers_of(Appointment.objects.get())
    ticket = booked["participants"][0]["ticket"]
    assert client.get(f"{OLDER}{booked['id']}").json() == {
        "id": booked["id"],
        "applicationId": str(application.id),
        "title": "Überprüfung",
        "notes": "Bring\nit",
        "metadata": {"case": {"n": [1, 2.5, None]}},
        "start": start,
        "end": booked["end"],
        "duration": booked["duration"],
        "timezone": "Europe/Berlin",
        "locale": "de-DE",
        "organizer": {"id": str(agent.id), "type": "AGENT"},
        "participantIds": [
            {"id": str(ada.id), "type": "CUSTOMER"},
            {"id": str(grace.id), "type": "CUSTOMER"},
            {"id": str(colleague.id), "type": "AGENT"},
        ],
        "interaction": {
            "state": "PENDING",
            "customFields": {"line": "7"},
            "routing": {
                "type": "GENESYS_CLOUD_QUEUE",
                "properties": {
                    "queueName": "Loans", "chatMode": "x", "pcEnvironment": "mypurecloud.de",
                },
            },
        },
        "notificationsActive": True,
        "roomAccess": {
            "url": ticket["accessUrl"],
            "expires": ticket["expiresAt"],
            "type": "MULTI_USE_TICKET",
        },
    }  # fmt: skip
    for one, details in ((ada, ADA), (grace, GRACE)):
        shown = client.get(f"{OLDER}{booked['id']}/participants/{one.id}").json()
        assert shown == {"id": str(one.id), "type": "CUSTOMER", **details}


ACTS = [
    acts.nothing, acts.activate, acts.reschedule, acts.join, acts.accept, acts.fail, acts.update,
    acts.reassign, acts.add_agent, acts.add_customer, acts.route, acts.cancel,
    acts.both_come_and_leave_after_the_end, acts.a_customer_comes_and_the_end_passes,
    acts.the_end_passes,
]  # fmt: skip


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
@pytest.mark.parametrize("is_active", [True, False])
def test_whatever_happened_the_versions_show_the_same(act: Act, *, is_active: bool) -> None:
    application = make.make_application(activates_automatically=is_active)
    customers = [make.make_customer()]
    one = make_scene(application=application, customers=customers, title="Old", notes="Kept")

    act(one)

    assert older.read(one) == older.as_older(one.read())
    newer, shown = (one.by(one.supervisor).get(path).json() for path in (NEWER, OLDER))
    without = [
        {k: v for k, v in older.as_older(item).items() if k != "roomAccess"}
        for item in newer.pop("content")
    ]
    assert (shown.pop("content"), shown) == (without, newer)


def change(one: Scene, base: str) -> list[Any]:
    """Change everything that both versions can change, and give what they answer."""
    client, key = one.by(one.supervisor), {"id": str(one.appointment.id)}
    time = {"start": "2031-03-30T00:30:00Z", "duration": "PT1H", "timezone": "Asia/Kathmandu"}
    texts = {"title": "New", "notes": "", "metadata": {"a": [1]}}
    user = {"userId": str(one.colleague.id)}
    return [
        client.put(base, {**key, **texts}),
        client.put(f"{base}reschedule/", {**key, **time, "locale": "fr-FR"}),
        client.put(f"{base}reassign/", {**key, **user}),
        client.post(f"{base}participants/agents/", {**key, "userId": str(one.agent.id)}),
        client.post(f"{base}participants/customers/", {**key, "customer": ADA}),
        client.delete(f"{base}{one.appointment.id}/participants/{one.customer.id}"),
    ]


def test_whatever_is_changed_with_either_version_comes_to_the_same() -> None:
    application = make.make_application()
    agent = make.make_user(application.organization)
    changed = []
    for base in (OLDER, NEWER):
        one = make_scene(application=application, agent=agent, title="Old", notes="Kept")
        assert {answer.status_code for answer in change(one, base)} == {200}
        shown = older.read(one)
        known = {str(one.appointment.id): "appointment", str(one.customer.id): "customer",
                 str(one.colleague.id): "colleague"}  # fmt: skip
        text = str({**shown, "roomAccess": shown["roomAccess"]["expires"]})
        for id_, name in known.items():
            text = text.replace(id_, name)
        changed.append(text)

    assert changed[0] == changed[1]
