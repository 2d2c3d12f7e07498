"""Booking with the older version: as with the newer one, in its own form."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agents.models import ApplicationKind
from appointments.models import Appointment
from config.kernel.time import format_instant
from notifications.models import Channel, Notification
from tests import make
from tests.appointments import older, ways
from tests.appointments.older import both_ways
from tests.appointments.ways import By, faults
from tests.contract.client import ApiClient
from tests.contract.samples import ADDRESS, older_booking
from tests.contract.state import everything

if TYPE_CHECKING:
    from datetime import datetime

    from agents.models import Application

pytestmark = pytest.mark.django_db

FLOW, QUEUE = "GENESYS_CLOUD_FLOW", "GENESYS_CLOUD_QUEUE"
TALKDESK = "TALKDESK_DIGITAL_CONNECT"
ADA: dict[str, Any] = {
    "name": {"firstName": "Ada", "lastName": "Lovelace"},
    "contact": {"primaryEmail": ADDRESS, "primaryPhone": "+4930901820"},
    "username": "countess",
    "metadata": {"vip": True},
}


@pytest.fixture
def application() -> Application:
    return make.make_application()


def customers_in(booked: dict[str, Any]) -> list[dict[str, str]]:
    return [one for one in booked["participantIds"] if one["type"] == "CUSTOMER"]


# --- The answer -----------------------------------------------------------------------------


@pytest.mark.rule(
    "v1.appointments.schedule.r3", "v1.appointments.schedule.r9",
    "v1.appointments.schedule.r11", "v1.appointments.schedule.r13",
    "v1.appointments.schedule.r19", "v1.appointments.schedule.r25",
)  # fmt: skip
def test_a_booking_is_answered_with_the_whole_appointment(now: datetime) -> None:
    application = make.make_application(deployment_id="dep-1", environment="mypurecloud.de")
    agent = make.make_user(application.organization)
    start = now + timedelta(days=2)
    body = older_booking(
        application, start=format_instant(start).replace("Z", "+00:00"), duration="P1D",
        timezone='"UTC"', locale='"de_DE"', title='"Review"', notes="Bring\nit",
        metadata={"case": {"n": [1]}}, customer=ADA,
        interaction={"routing": {"properties": {"context.line": "7"}}, "customFields": {"a": "b"}},
    )  # fmt: skip

    answer = ApiClient(make.token_for(agent)).post(older.APPOINTMENTS, body)

    made = Appointment.objects.get()
    [ada] = make.customers_of(made)
    access = answer.json()["roomAccess"]
    assert answer.status_code == 200
    assert "/q/" in access["url"]
    assert answer.json() == {
        "id": str(made.id),
        "applicationId": str(application.id),
        "title": '"Review"',
        "notes": "Bring\nit",
        "metadata": {"case": {"n": [1]}},
        "start": format_instant(start),
        "end": format_instant(start + timedelta(days=1)),
        "duration": "PT24H",
        "timezone": "UTC",
        "locale": "de-DE",
        "organizer": {"id": str(agent.id), "type": "AGENT"},
        "participantIds": [
            {"id": str(ada.id), "type": "CUSTOMER"},
            {"id": str(agent.id), "type": "AGENT"},
        ],
        "interaction": {
            "state": "PENDING",
            "customFields": {"a": "b"},
            "routing": {
                "type": FLOW,
                "properties": {
                    "context.line": "7",
                    "chatMode": "genesys-cloud",
                    "deploymentId": "dep-1",
                    "pcEnvironment": "mypurecloud.de",
                },
            },
        },
        "notificationsActive": True,
        "roomAccess": {
            "url": access["url"],
            "expires": format_instant(start + timedelta(hours=28)),
            "type": "MULTI_USE_TICKET",
        },
    }
    assert made.created_from == "api/v1"


@pytest.mark.rule(
    "v1.appointments.schedule_as_customer.r7", "v1.appointments.schedule_as_customer.r12",
    "v1.appointments.schedule_as_customer.r14", "v1.appointments.schedule_as_customer.r16",
    "v1.appointments.schedule_as_customer.r22", "v1.appointments.schedule_as_customer.r6",
)  # fmt: skip
def test_a_customer_is_answered_with_the_whole_appointment_too(application: Application) -> None:
    answer = older.customer(application).book(
        title="Review", notes="Bring it", metadata={"case": 1}, customer=ADA,
        interaction={"routing": {"type": QUEUE, "properties": {"queueName": "Loans"}},
                     "customFields": {"a": "b"}},
    )  # fmt: skip

    made = Appointment.objects.get()
    [ada] = make.customers_of(made)
    sent = older_booking(application)
    assert made.start
    assert answer.json() == {
        "id": str(made.id),
        "applicationId": str(application.id),
        "title": "Review",
        "notes": "Bring it",
        "metadata": {"case": 1},
        "start": format_instant(made.start),
        "end": format_instant(made.start + timedelta(minutes=30)),
        "duration": "PT30M",
        "timezone": sent["timezone"],
        "locale": "en-US",
        "organizer": {"id": str(ada.id), "type": "CUSTOMER"},
        "participantIds": [{"id": str(ada.id), "type": "CUSTOMER"}],
        "interaction": {
            "state": "PENDING",
            "customFields": {"a": "b"},
            "routing": {
                "type": QUEUE,
                "properties": {
                    "queueName": "Loans",
                    "chatMode": "genesys-cloud",
                    "pcEnvironment": "",
                },
            },
        },
        "notificationsActive": True,
        "roomAccess": answer.json()["roomAccess"],
    }
    assert answer.json()["roomAccess"]["type"] == "MULTI_USE_TICKET"


@pytest.mark.rule("v1.appointments.schedule.r25", "v1.appointments.schedule.r23")
def test_a_service_organizes_what_it_books_and_nobody_takes_part(application: Application) -> None:
    service, _ = make.make_api_client(application.organization)

    booked = ApiClient(make.token_for(service)).post(
        older.APPOINTMENTS, older_booking(application, customer=None)
    )

    assert booked.json()["organizer"] == {"id": str(service.id), "type": "AGENT"}
    assert booked.json()["participantIds"] == []


@pytest.mark.rule(
    "v1.appointments.schedule.r12", "v1.appointments.schedule_as_customer.r15",
    "v1.appointments.schedule.r7", "v1.appointments.schedule_as_customer.r11",
)  # fmt: skip
@both_ways
def test_without_activation_there_is_no_room_and_without_locale_it_is_english(by: By) -> None:
    booked = by(make.make_application(activates_automatically=False)).book().json()

    assert "roomAccess" not in booked
    assert booked["locale"] == "en-US"


@pytest.mark.rule("v1.appointments.schedule.r10", "v1.appointments.schedule_as_customer.r13")
@both_ways
@pytest.mark.parametrize("are_readable", [True, False])
def test_the_members_of_the_newer_version_are_ignored(
    by: By, application: Application, *, are_readable: bool
) -> None:
    stranger = str(make.make_user(application.organization).id)
    more: dict[str, Any] = {
        "customers": [{"name": {"firstName": "Grace"}}],
        "targetAssignment": {"type": "AGENT", "id": stranger},
        "notificationHeaders": {"X-Case": "1"},
    }

    booked = by(application).book(**(more if are_readable else dict.fromkeys(more, 7)))

    made = Appointment.objects.get()
    assert booked.status_code == 200
    assert [one.first_name for one in make.customers_of(made)] == ["Ada"]
    assert (made.target_type, made.notification_headers) == ("", None)
    assert stranger not in booked.content.decode()


@pytest.mark.rule("v1.appointments.schedule.r9")
@pytest.mark.parametrize("details", [{}, {"name": None, "contact": {}}])
def test_a_customer_of_whom_nothing_is_said_takes_part(
    application: Application, details: dict[str, Any]
) -> None:
    booked = older.agent(application).book(customer=details).json()

    assert len(customers_in(booked)) == 1


# --- What is refused ------------------------------------------------------------------------


@pytest.mark.rule(
    "v1.appointments.schedule.r4", "v1.appointments.schedule.r5",
    "v1.appointments.schedule_as_customer.r8", "v1.appointments.schedule_as_customer.r9",
)  # fmt: skip
@both_ways
@pytest.mark.parametrize(
    ("member", "value"),
    [
        *[(member, value) for member in ("applicationId", "start", "duration", "timezone")
          for value in (None, "", 7)],
        ("start", "tomorrow"), ("duration", "half an hour"), ("duration", "PT0S"),
        ("duration", "-PT5M"), ("duration", "P1M"), ("timezone", "Berlin"), ("timezone", "+01:00"),
    ],
)  # fmt: skip
def test_a_member_that_is_needed_must_be_there_and_readable(
    by: By, application: Application, member: str, value: object
) -> None:
    caller = by(application)
    before = everything()

    answer = caller.book(**{member: value})

    assert faults(answer) == [member]
    assert everything() == before


@pytest.mark.rule(
    "v1.appointments.schedule.r4",
    "v1.appointments.schedule_as_customer.r1",
    "v1.appointments.schedule_as_customer.r8",
)
@both_ways
def test_a_body_is_needed(by: By, application: Application) -> None:
    caller = by(application)
    before = everything()

    assert (caller.send().status_code, everything()) == (400, before)


@pytest.mark.rule("v1.appointments.schedule.r6", "v1.appointments.schedule_as_customer.r10")
@both_ways
def test_an_end_that_is_not_in_the_future_is_refused(
    by: By, application: Application, now: datetime
) -> None:
    caller = by(application)
    before = everything()

    answer = caller.book(start=format_instant(now - timedelta(minutes=30)))

    assert (faults(answer), everything()) == (["start"], before)


@pytest.mark.rule("v1.appointments.schedule.r8")
@pytest.mark.parametrize("named", ["another organization's", "unknown", "no id"])
def test_an_application_of_somebody_else_is_refused(application: Application, named: str) -> None:
    theirs = str(make.make_application().id)
    unknown = "0190a1b2-0000-7000-8000-00000000dead"
    caller = older.agent(application)
    before = everything()

    answer = caller.book(
        applicationId={"another organization's": theirs, "unknown": unknown, "no id": "x"}[named]
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "APPLICATION_NOT_YOURS")
    assert everything() == before


@pytest.mark.rule("v1.appointments.schedule.r21")
def test_an_overlap_is_refused_only_where_the_application_says_so() -> None:
    lax, strict = make.make_application(), make.make_application(prevent_overlaps=True)
    eager, careful = older.agent(lax), older.agent(strict)
    assert [eager.book().status_code for _ in range(2)] == [200, 200]
    assert careful.book().status_code == 200
    before = everything()

    answer = careful.book()

    assert (answer.status_code, answer.json()["code"]) == (409, "AGENT_OCCUPIED")
    assert everything() == before


@pytest.mark.rule("v1.appointments.schedule_as_customer.r24")
def test_customers_take_up_nobodys_time_before_an_agent_is_named() -> None:
    application = make.make_application(prevent_overlaps=True)

    answers = [older.customer(application).book() for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]


# --- Routing --------------------------------------------------------------------------------


@pytest.mark.rule(
    "v1.appointments.schedule.r14", "v1.appointments.schedule.r16",
    "v1.appointments.schedule.r18",
    "v1.appointments.schedule_as_customer.r17", "v1.appointments.schedule_as_customer.r19",
    "v1.appointments.schedule_as_customer.r21",
)  # fmt: skip
@both_ways
@pytest.mark.parametrize("interaction", [None, {"routing": {}}, {"routing": {"properties": {}}}])
@pytest.mark.parametrize(
    ("kind", "routing"),
    [
        (ApplicationKind.GENESYS, {
            "type": FLOW, "properties": {"chatMode": "genesys-cloud", "pcEnvironment": "de"},
        }),
        (ApplicationKind.TALKDESK, {
            "type": TALKDESK, "properties": {"chatMode": "talkdesk-digital-connect"},
        }),
    ],
)  # fmt: skip
def test_what_is_left_out_of_the_routing_is_filled_in(
    by: By, interaction: object, kind: ApplicationKind, routing: dict[str, Any]
) -> None:
    application = make.make_application(kind=kind, environment="de")

    booked = by(application).book(interaction=interaction).json()

    assert booked["interaction"] == {"state": "PENDING", "routing": routing}


@pytest.mark.rule("v1.appointments.schedule.r18", "v1.appointments.schedule_as_customer.r21")
@both_ways
def test_a_chat_mode_that_is_given_is_kept(by: By, application: Application) -> None:
    properties = {"chatMode": "genesys-web-messaging"}

    booked = by(application).book(interaction={"routing": {"properties": properties}}).json()

    assert booked["interaction"]["routing"]["properties"]["chatMode"] == "genesys-web-messaging"


@pytest.mark.rule("v1.appointments.schedule.r18")
def test_the_versions_differ_in_the_chat_mode(application: Application) -> None:
    modes = [
        caller.book().json()["interaction"]["routing"]["properties"]["chatMode"]
        for caller in (older.agent(application), ways.agent(application))
    ]

    assert modes == ["genesys-cloud", "genesys-web-messaging"]


@pytest.mark.rule(
    "v1.appointments.schedule.r15", "v1.appointments.schedule.r17",
    "v1.appointments.schedule_as_customer.r18", "v1.appointments.schedule_as_customer.r20",
)  # fmt: skip
@both_ways
@pytest.mark.parametrize(
    ("routing", "named"),
    [
        ({"type": "PHONE"}, "interaction.routing.type"),
        ({"type": "genesys_cloud_flow"}, "interaction.routing.type"),
        ({"type": QUEUE}, "interaction.routing.properties.queueName"),
        ({"type": QUEUE, "properties": {"queueName": ""}},
         "interaction.routing.properties.queueName"),
        (None, "interaction.routing"),
    ],
)  # fmt: skip
def test_a_routing_that_leads_nowhere_is_refused(
    by: By, application: Application, routing: object, named: str
) -> None:
    caller = by(application)
    before = everything()

    answer = caller.book(interaction={"routing": routing})

    assert (faults(answer), everything()) == ([named], before)


@pytest.mark.rule("v1.appointments.schedule.r15", "v1.appointments.schedule.r19")
@pytest.mark.parametrize("name", [FLOW, QUEUE, TALKDESK])
def test_each_of_the_three_types_is_taken(application: Application, name: str) -> None:
    interaction = {"routing": {"type": name, "properties": {"queueName": "x"}}}

    booked = older.agent(application).book(interaction=interaction).json()

    assert booked["interaction"]["routing"]["type"] == name


# --- Who is told ----------------------------------------------------------------------------


@pytest.mark.rule("v1.appointments.schedule.r20", "v1.appointments.schedule_as_customer.r23")
@both_ways
@pytest.mark.parametrize("is_on", [True, False])
def test_the_customer_is_told_while_notifications_are_active(by: By, *, is_on: bool) -> None:
    application = make.make_application(notifications_active=is_on)
    make.make_channel(application, Channel.EMAIL)

    booked = by(application).book().json()

    told = [(one.type, str(one.recipient_id)) for one in Notification.objects.all()]
    assert booked["notificationsActive"] is is_on
    assert told == ([("CREATE", customers_in(booked)[0]["id"])] if is_on else [])


@pytest.mark.parametrize("key", ["once", "twice"])
def test_the_same_key_books_once(application: Application, key: str) -> None:
    caller = older.agent(application)
    headers = {**caller.headers, "Idempotency-Key": key}
    body = older_booking(application)

    first, second = (ApiClient().post(older.APPOINTMENTS, body, headers=headers) for _ in range(2))

    assert first.json() == second.json()
    assert second["Idempotency-Replayed"] == "true"
    assert second["Deprecation"] == first["Deprecation"]
    assert Appointment.objects.count() == 1
