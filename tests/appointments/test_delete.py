"""DELETE /api/v2/appointments/{id}: gone for good, and everybody is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import icalendar
import pytest
from django.test import Client
from django.utils import timezone

from appointments import services
from appointments.errors import TicketUnknown
from appointments.models import Appointment, Participant, State, TargetType
from config.kernel.actors import Role
from config.kernel.time import format_instant
from notifications.models import Channel, Notification
from notifications.services import dispatch, queue
from notifications.transports import TryLater
from notifications.transports.email import smtp
from tests import make
from tests.contract.state import everything
from tests.make import customers_of, make_appointment, make_customer
from tests.notifications import scripted

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage

    from agents.models import Application, User
    from notifications.models import Subscription
    from tests.contract.client import ApiClient as Api
    from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db

LIST = "/api/v2/appointments/"
UNKNOWN = "0190a1b2-0000-7000-8000-00000000dead"
# The hour that Berlin's clocks have twice.
START = datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
ADA = make_customer(phone="+4930901820", username="countess", metadata={"secret": "Byron"})


def path(appointment: Appointment | str) -> str:
    return f"{LIST}{getattr(appointment, 'id', appointment)}"


@pytest.fixture
def application() -> Application:
    return make.make_application(agents_see_only_their_own=False)


@pytest.fixture
def agent(application: Application) -> User:
    return make.make_user(application.organization)


@pytest.fixture
def client(api: Callable[[str], Api], agent: User) -> Api:
    return api(make.token_for(agent))


@pytest.fixture
def subscription(application: Application) -> Subscription:
    """Every channel is on, with reminders and invitations; one webhook hears of everything."""
    for channel in Channel:
        make.make_channel(
            application, channel, reminder_offsets=["PT2H"], room_offsets=["PT15M"],
            follow_up_offsets=["P1D"],
        )  # fmt: skip
    return make.make_subscription(application)


def told(type_: str) -> list[tuple[str, str, str, str]]:
    """Give what of a type there is: over which channel, to whom, and where it stands."""
    return [
        (one.channel, one.recipient_type, str(one.recipient_id), one.status)
        for one in Notification.objects.filter(type=type_).order_by("channel", "recipient_id")
    ]


def send_mail() -> None:
    """Send what is due, as a worker that is stopped afterwards."""
    dispatch.send_due(Channel.EMAIL)
    smtp.hang_up()


def entry_of(mail: EmailMessage) -> icalendar.Component:
    """Give the calendar entry of a mail, with the method beside it."""
    [part] = [one for one in mail.walk() if one.get_content_type() == "text/calendar"]
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    calendar = icalendar.Calendar.from_ical(payload)
    [event] = calendar.walk("VEVENT")
    event["METHOD"] = calendar["METHOD"]
    return event


# --- The answer -------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.delete.r3")
def test_a_known_id_is_answered_204_without_a_body(
    client: Api, application: Application, agent: User
) -> None:
    gone, kept = (make_appointment(application, agent=agent) for _ in range(2))

    answer = client.delete(path(gone))

    assert (answer.status_code, answer.content) == (204, b"")
    assert [one.id for one in Appointment.objects.all()] == [kept.id]


@pytest.mark.rule("v2.appointments.delete.r4")
def test_nothing_of_it_can_be_read_any_more(
    api: Callable[[str], Api], application: Application, agent: User, subscription: Subscription
) -> None:
    booked = make_appointment(application, agent=agent)
    [customer] = customers_of(booked)
    supervisor = api(make.token_for(make.make_user(application.organization, [Role.SUPERVISOR])))
    below = [
        "", f"/participants/{customer.id}", f"/participants/{agent.id}", "/interaction",
        "/notifications", "/notifications/events",
    ]  # fmt: skip
    before = [supervisor.get(path(booked) + one).status_code for one in below]

    supervisor.delete(path(booked))

    after = [supervisor.get(path(booked) + one) for one in below]
    assert before == [200] * 6
    assert [(one.status_code, one.json()["code"]) for one in after] == [
        (404, "APPOINTMENT_NOT_FOUND")
    ] * 6


@pytest.mark.rule("v2.appointments.delete.r5", "v2.appointments.delete.r12")
@pytest.mark.parametrize("key", ["deleted", UNKNOWN, "malformed", "%00", "another organization's"])
def test_a_second_time_and_an_unknown_id_are_answered_404(
    client: Api, application: Application, agent: User, key: str
) -> None:
    booked, theirs = make_appointment(application, agent=agent), make_appointment()
    client.delete(path(booked))
    keys = {"deleted": str(booked.id), "another organization's": str(theirs.id)}
    before = everything()

    answer = client.delete(path(keys.get(key, key)))

    assert (answer.status_code, answer.json()["code"]) == (404, "APPOINTMENT_NOT_FOUND")
    assert everything() == before


@pytest.mark.rule("v2.appointments.delete.r12")
@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"id": 7}', b"\xff"])
def test_a_body_is_not_looked_at(
    client: Api, application: Application, agent: User, body: bytes
) -> None:
    booked = make_appointment(application, agent=agent)

    answer = client.send("DELETE", path(booked), body=body, query={"id": "x", "pageSize": "x"})

    assert (answer.status_code, Appointment.objects.count()) == (204, 0)


@pytest.mark.rule("v2.appointments.delete.r12", "v2.appointments.delete.r3")
@pytest.mark.parametrize("state", State.values)
def test_it_can_be_deleted_in_every_state(
    client: Api, application: Application, agent: User, state: str
) -> None:
    start = timezone.now() - timedelta(days=40)
    booked = make_appointment(application, agent=agent, start=start, state=State(state))

    answer = client.delete(path(booked))

    assert (answer.status_code, Appointment.objects.count()) == (204, 0)


@pytest.mark.parametrize("caller", ["a stranger", "not joined"])
def test_an_agent_who_may_not_change_it_is_answered_403(
    client: Api, application: Application, agent: User, caller: str
) -> None:
    colleague = make.make_user(application.organization)
    organizer = colleague if caller == "a stranger" else agent
    booked = make_appointment(application, organizer=organizer, agent=colleague)
    if caller == "not joined":
        Participant.objects.filter(user=colleague).update(first_joined_at=timezone.now())
    before = everything()

    answer = client.delete(path(booked))

    codes = {"a stranger": "NOT_YOUR_APPOINTMENT", "not joined": "APPOINTMENT_ALREADY_JOINED"}
    assert (answer.status_code, answer.json()["code"]) == (403, codes[caller])
    assert everything() == before


# --- What it leaves ---------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.delete.r6")
@pytest.mark.parametrize("automatic", [False, True])
def test_it_is_in_no_list_and_no_count(
    api: Callable[..., Api], client: Api, agent: User, automatic: bool
) -> None:
    application = make.make_application(agent.organization, activates_automatically=automatic)
    booked = make_appointment(application, agent=agent, start=START)
    service = api(make.token_for(make.make_api_client(agent.organization)[0]))
    supervisor = api(make.token_for(make.make_user(agent.organization, [Role.SUPERVISOR])))
    slot: dict[str, Any] = {
        "applicationId": str(application.id),
        "organizationId": str(agent.organization_id),
        "start": format_instant(START),
    }

    def seen() -> list[Any]:
        return [
            client.get(LIST).json()["total"],
            supervisor.get(LIST, agentId=str(agent.id)).json()["total"],
            len(api().get(f"{LIST}count", **slot, timeFrame="PT1H").json()),
            api().get(f"{LIST}overlap/count", **slot, duration="PT1H").json()["count"],
            len(service.get(f"{LIST}eligible").json()),
        ]

    before = seen()
    client.delete(path(booked))

    assert before == [1, 1, 1, 1, 0 if automatic else 1]
    assert seen() == [0] * 5


@pytest.mark.rule("v2.appointments.delete.r7")
def test_its_links_let_nobody_in(
    api: Callable[..., Api], client: Api, application: Application, agent: User
) -> None:
    booked = make_appointment(application, agent=agent)
    [customer] = customers_of(booked)
    token = make.customer_token(customer)
    ticket = (services.access_url(customer) or "").rpartition("/")[2]
    before = Client().get(f"/q/{ticket}").status_code, api(token).get(path(booked)).status_code

    client.delete(path(booked))

    page = Client().get(f"/q/{ticket}")
    assert before == (200, 200)
    assert (page.status_code, b"Lovelace" in page.content) == (404, False)
    assert api(token).get(path(booked)).status_code == 401
    with pytest.raises(TicketUnknown):
        services.find_ticket(ticket, address="127.0.0.1", now=timezone.now())


@pytest.mark.rule("v2.appointments.delete.r8")
def test_names_contact_data_and_metadata_of_its_customers_are_erased(
    client: Api, application: Application, agent: User
) -> None:
    booked = make_appointment(application, agent=agent, customers=[ADA])
    ids = [one.id for one in Participant.objects.all()]

    client.delete(path(booked))

    assert len(ids) == 2
    assert Participant.objects.count() == 0


# --- Who is told ------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.delete.r9")
def test_each_customer_and_each_subscriber_is_told(
    client: Api, application: Application, agent: User, subscription: Subscription
) -> None:
    booked = make_appointment(application, agent=agent, customers=[ADA, make_customer()])
    ada, grace = (str(one.id) for one in customers_of(booked))

    client.delete(path(booked))

    assert told("CANCELLED") == [
        ("EMAIL", "CUSTOMER", ada, "INITIALIZED"),
        ("EMAIL", "CUSTOMER", grace, "INITIALIZED"),
        ("SMS", "CUSTOMER", ada, "INITIALIZED"),
        ("WEBHOOKS", "SYSTEM", str(subscription.id), "INITIALIZED"),
    ]
    one = Notification.objects.filter(type="CANCELLED")[0]
    assert one.due_at == one.created_at


@pytest.mark.rule("v2.appointments.delete.r9")
def test_the_word_of_the_cancellation_goes_out_although_the_appointment_is_gone(
    client: Api, application: Application, agent: User, mailbox: Mailbox
) -> None:
    make.make_channel(application)
    booked = make_appointment(application, agent=agent, title="Review", customers=[ADA])
    send_mail()

    client.delete(path(booked))
    send_mail()

    mails = mailbox.to("ada@example.org")
    entries = [entry_of(mail) for mail in mails]
    assert [(one["METHOD"], one["SEQUENCE"]) for one in entries] == [("REQUEST", 0), ("CANCEL", 1)]
    assert entries[0]["UID"] == entries[1]["UID"]
    assert entries[0]["DTSTART"] == entries[1]["DTSTART"]
    assert entries[1]["STATUS"] == "CANCELLED"
    assert mails[1]["To"] == "Ada Lovelace <ada@example.org>"
    assert [status for *_, status in told("CANCELLED")] == ["DELIVERED"]


@pytest.mark.rule("v2.appointments.delete.r10")
def test_what_was_planned_for_its_time_is_never_sent(
    api: Callable[[str], Api], application: Application, agent: User, subscription: Subscription
) -> None:
    application.activates_automatically = False
    application.save()
    booked = make_appointment(application, agent=agent, customers=[ADA])
    service = api(make.token_for(make.make_api_client(application.organization)[0]))
    service.post(f"{LIST}activate/{booked.id}")
    planned = Notification.objects.filter(type__in=["REMINDER", "ROOM"])
    before = sorted((one.type, one.channel, one.status) for one in planned)

    service.delete(path(booked))

    assert before == [
        *[("REMINDER", channel, "INITIALIZED") for channel in ("EMAIL", "SMS", "WEBHOOKS")],
        *[("ROOM", channel, "INITIALIZED") for channel in ("EMAIL", "SMS")],
    ]
    assert {(one.status, one.due_at) for one in planned.all()} == {("CANCELLED", None)}


@pytest.mark.rule("v2.appointments.delete.r10")
def test_a_follow_up_is_never_sent(
    client: Api, application: Application, agent: User, subscription: Subscription, now: datetime
) -> None:
    start = now - timedelta(hours=2)
    booked = make_appointment(application, agent=agent, start=start, customers=[ADA])
    Participant.objects.update(first_joined_at=start, state="LEFT")
    Appointment.objects.update(state=State.IN_PROGRESS)
    services.finish_due_appointments(now=now)
    before = told("FOLLOW_UP")

    client.delete(path(booked))

    assert [status for *_, status in before] == ["INITIALIZED"] * 2
    assert [status for *_, status in told("FOLLOW_UP")] == ["CANCELLED"] * 2


@pytest.mark.rule("v2.appointments.delete.r10")
@pytest.mark.parametrize("dies", [False, True])
def test_a_reminder_that_a_worker_has_in_hand_is_not_tried_again(
    client: Api, application: Application, agent: User, settings: Any, dies: bool
) -> None:
    settings.NOTIFICATIONS_TRANSPORTS = {"EMAIL": "tests.notifications.scripted"}
    scripted.transport.__init__()  # type: ignore[misc]  # empty again
    make.make_channel(application, reminder_offsets=["PT2H"])
    booked = make_appointment(application, agent=agent, customers=[ADA])
    Notification.objects.filter(type="CREATE").update(due_at=None, status="DELIVERED")
    reminders = Notification.objects.filter(type="REMINDER")
    reminders.update(due_at=timezone.now())
    [claim] = queue.claim_due(Channel.EMAIL, limit=1).claims

    client.delete(path(booked))
    if not dies:
        queue.settle([dispatch.result_of(claim, TryLater(reason="451"), None)])
    reminders.update(due_at=timezone.now())
    dispatch.send_due(Channel.EMAIL)

    assert [message.type for message in scripted.transport.sent] == ["CANCELLED"]
    assert [status for *_, status in told("REMINDER")] == ["CANCELLED"]


@pytest.mark.rule("v2.appointments.delete.r11")
def test_while_notifications_are_not_active_nobody_is_told(
    client: Api, application: Application, agent: User, subscription: Subscription
) -> None:
    application.notifications_active = False
    application.save()
    booked = make_appointment(application, agent=agent, customers=[ADA])

    answer = client.delete(path(booked))

    assert (answer.status_code, Notification.objects.count()) == (204, 0)


@pytest.mark.rule("v2.appointments.delete.r9")
def test_agents_are_told_where_agents_are(
    client: Api, application: Application, agent: User
) -> None:
    application.notify_agents = True
    application.save()
    make.make_channel(application)
    queue_target = services.Target(type=TargetType.AGENT, id=str(agent.id))
    booked = make_appointment(application, agent=agent, target=queue_target, customers=[])
    [participant] = Participant.objects.all()

    client.delete(path(booked))

    assert told("CANCELLED") == [("EMAIL", "AGENT", str(participant.id), "INITIALIZED")]
