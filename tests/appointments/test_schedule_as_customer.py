"""Booking as a customer: who proves an address books for itself, and for others with it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from appointments.models import Appointment
from config.kernel.time import format_instant
from tests import make
from tests.appointments import ways
from tests.appointments.ways import customers_in, faults
from tests.contract.samples import ADDRESS
from tests.contract.state import everything

if TYPE_CHECKING:
    from datetime import datetime

    from agents.models import Application

pytestmark = pytest.mark.django_db

PHONE = "+49 30 901820"


@pytest.fixture
def application() -> Application:
    return make.make_application()


@pytest.mark.rule("v2.appointments.schedule_as_customer.r7")
@pytest.mark.parametrize(
    "customers",
    [
        None,
        [],
        [{}],
        [{"name": {"firstName": "Ada"}}],
        [{"contact": {"primaryEmail": "grace@example.org", "primaryPhone": "1"}}],
        [{"username": ADDRESS, "metadata": {"primaryEmail": ADDRESS}}],
    ],
)
def test_one_of_the_customers_must_have_the_proven_address(
    customers: object, application: Application
) -> None:
    caller = ways.customer(application)
    before = everything()

    answer = caller.book(customers=customers)

    assert answer.status_code == 403
    assert answer.json() == {
        "code": "NOT_YOUR_ADDRESS",
        "message": "One of the customers must have the address that was proven.",
        "errors": {},
    }
    assert everything() == before


@pytest.mark.rule(
    "v2.appointments.schedule_as_customer.r1",
    "v2.appointments.schedule_as_customer.r7",
    "v2.appointments.schedule_as_customer.r8",
)
@pytest.mark.parametrize(
    ("proven", "contact"),
    [
        (ADDRESS, {"primaryEmail": ADDRESS}),
        (ADDRESS, {"primaryEmail": ADDRESS.upper()}),
        (PHONE, {"primaryPhone": PHONE}),
        (PHONE, {"primaryPhone": "0049 (30) 90-18-20"}),
    ],
)
def test_whoever_proves_an_address_organizes_the_appointment(
    proven: str, contact: dict[str, str], application: Application
) -> None:
    others = {"contact": {"primaryEmail": "grace@example.org", "primaryPhone": "030 901820"}}

    booked = ways.customer(application, proven).book(customers=[others, {"contact": contact}])

    organizer = customers_in(booked.json())[1]["id"]
    assert booked.json()["organizer"] == {"id": organizer, "type": "CUSTOMER"}
    made = Appointment.objects.get()
    assert (made.created_by_kind, made.created_by_id) == ("CUSTOMER", organizer)


@pytest.mark.rule(
    "v2.appointments.schedule_as_customer.r10", "v2.appointments.schedule_as_customer.r37"
)
def test_a_customer_gets_the_whole_appointment_without_the_secure_token(now: datetime) -> None:
    application = make.make_application(deployment_id="dep-1", environment="mypurecloud.de")
    agent, start = make.make_user(application.organization), now + timedelta(days=2)
    target = {"type": "AGENT", "id": str(agent.id)}

    booked = ways.customer(application).book(
        start=format_instant(start), duration="P1D", timezone="UTC", targetAssignment=target
    )

    me = customers_in(booked.json())[0]
    assert booked.status_code == 200
    assert booked.json() == {
        "id": str(Appointment.objects.get().id),
        "applicationId": str(application.id),
        "start": format_instant(start),
        "end": format_instant(start + timedelta(days=1)),
        "duration": "PT24H",
        "timezone": "UTC",
        "locale": "en-US",
        "organizer": {"id": me["id"], "type": "CUSTOMER"},
        "targetAssignment": target,
        "participants": [
            {
                "id": me["id"],
                "type": "CUSTOMER",
                "detailsAvailable": True,
                "ticket": {
                    "accessUrl": me["ticket"]["accessUrl"],
                    "expiresAt": format_instant(start + timedelta(hours=28)),
                },
            },
            {"id": str(agent.id), "type": "AGENT", "detailsAvailable": True},
        ],
        "interaction": {
            "state": "PENDING",
            "properties": {},
            "routing": {
                "type": "GENESYS_CLOUD_FLOW",
                "properties": {
                    "chatMode": "genesys-web-messaging",
                    "deploymentId": "dep-1",
                    "pcEnvironment": "mypurecloud.de",
                },
            },
        },
        "notificationsActive": True,
    }


@pytest.mark.rule("v2.appointments.schedule_as_customer.r32")
def test_a_customer_may_ask_for_an_agent_or_a_queue_and_not_for_anybody(
    application: Application,
) -> None:
    agent = make.make_user(application.organization)
    targets = [{"type": "AGENT", "id": str(agent.id)}, {"type": "QUEUE", "id": "Loans"}]

    booked = [ways.customer(application).book(targetAssignment=target) for target in targets]
    refused = ways.customer(application).book(targetAssignment={"type": "ANY"})

    assert [one.json()["targetAssignment"] for one in booked] == targets
    assert faults(refused) == ["targetAssignment.type"]


@pytest.mark.rule("v2.appointments.schedule_as_customer.r32")
@pytest.mark.parametrize("is_theirs", [True, False])
def test_a_customer_cannot_ask_for_an_agent_of_another_organization(
    application: Application, *, is_theirs: bool
) -> None:
    agent_id = str(make.make_user().id) if is_theirs else "0190a1b2-0000-7000-8000-00000000dead"
    caller = ways.customer(application)
    before = everything()

    answer = caller.book(targetAssignment={"type": "AGENT", "id": agent_id})

    assert (faults(answer), everything()) == (["targetAssignment.id"], before)


@pytest.mark.rule(
    "v2.appointments.schedule_as_customer.r9", "v2.appointments.schedule_as_customer.r36"
)
def test_an_application_that_is_closed_to_customers_or_unknown_is_refused(
    application: Application,
) -> None:
    closed = make.make_application(customers_may_book=False)
    to_closed, to_unknown = ways.customer(closed), ways.customer(application)
    before = everything()

    answers = [
        to_closed.book(),
        to_unknown.book(applicationId="0190a1b2-0000-7000-8000-00000000dead"),
        to_unknown.book(applicationId="no uuid"),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (403, "CUSTOMERS_MAY_NOT_BOOK"),
        (403, "APPLICATION_NOT_YOURS"),
        (403, "APPLICATION_NOT_YOURS"),
    ]
    assert everything() == before


@pytest.mark.rule("v2.appointments.schedule_as_customer.r36")
def test_the_application_of_a_closed_organization_is_unknown(application: Application) -> None:
    caller = ways.customer(application)
    application.organization.is_active = False
    application.organization.save()

    assert caller.book().json()["code"] == "APPLICATION_NOT_YOURS"
    assert not Appointment.objects.exists()
