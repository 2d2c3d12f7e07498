"""Customers are forgotten when their time has passed: details, contents, tickets."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import pytest

from appointments import services
from appointments.errors import TicketUnknown
from appointments.models import Appointment, Participant
from notifications.models import Channel, Notification, NotificationContent
from notifications.services import erase_forgotten
from tests import make
from tests.appointments.races import run_together
from tests.appointments.scene import Scene, make_scene
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
ADA = make.make_customer(phone="+4930901820", username="ada", metadata={"crm": 7})
GRACE = make.make_customer(first_name="Grace", email="grace@example.org")


def make_over(now: datetime, *, days: int = 31, channels: tuple[Channel, ...] = ()) -> Scene:
    """Make a scene that ended so many days ago; details are kept for thirty."""
    return make_scene(
        *channels,
        start=now - timedelta(days=days, minutes=30),
        customers=[ADA, GRACE],
    )


def erase(now: datetime, *, limit: int = 1000) -> int:
    return services.erase_expired_details(now=now, limit=limit)


@pytest.mark.rule("v2.participants.get.r12")
def test_nothing_is_left_of_a_customer_but_that_it_was_there(now: datetime) -> None:
    one = make_over(now)
    one.by(one.agent).put(f"{one.path}/failed")
    Participant.objects.filter(type="CUSTOMER").update(error_data={"userMessage": "It's Ada"})
    one.join(one.customer, now=now)
    came = one.customer.first_joined_at

    assert erase(now) == 1

    for customer in make.customers_of(one.appointment):
        assert (
            customer.first_name + customer.last_name + customer.email + customer.phone
            + customer.username
        ) == ""  # fmt: skip
        assert (customer.metadata, customer.error_data) == (None, None)
        assert (customer.ticket_fingerprint, customer.ticket_sealed) == (None, None)
        assert customer.erased_at == now
    assert (one.customer.state, one.customer.first_joined_at) == ("JOINED", came)


@pytest.mark.rule("v2.participants.get.r12")
@pytest.mark.parametrize("who", ["agent", "supervisor"])
def test_erased_details_are_not_found_and_the_appointment_says_so(who: str, now: datetime) -> None:
    one = make_over(now)
    before = one.read()

    erase(now)

    caller = one.by(getattr(one, who))
    customer = {"id": str(one.customer.id), "type": "CUSTOMER", "detailsAvailable": False}
    answer = caller.get(one.path_of(one.customer))
    assert (answer.status_code, answer.json()["code"]) == (404, "PARTICIPANT_NOT_FOUND")
    assert caller.get(one.path_of(one.agent_row)).status_code == 200
    assert one.read()["participants"][0] == customer
    assert one.read()["participants"][2] == before["participants"][2]
    assert {k: v for k, v in one.read().items() if k != "participants"} == {
        k: v for k, v in before.items() if k != "participants"
    }


@pytest.mark.rule("v2.participants.get.r12")
def test_the_ticket_of_an_erased_customer_lets_nobody_in(now: datetime) -> None:
    # The ticket would outlive the details.
    application = make.make_application(
        details_kept_for=timedelta(0), ticket_grace=timedelta(days=60)
    )
    one = make_scene(application=application, start=now - DAY)
    ticket = str(services.access_url(one.customer)).rpartition("/")[2]
    caller = one.by(one.customer)
    assert services.find_ticket(ticket, address="192.0.2.1", now=now).customer == one.customer
    assert caller.get(one.path).status_code == 200

    erase(now)

    with pytest.raises(TicketUnknown):
        services.find_ticket(ticket, address="192.0.2.1", now=now)
    assert caller.get(one.path).status_code == 401


@pytest.mark.parametrize(("early", "erased"), [(timedelta(microseconds=1), 0), (timedelta(0), 1)])
def test_details_are_kept_to_the_microsecond(early: timedelta, erased: int, now: datetime) -> None:
    one = make_over(now, days=1)
    end = one.appointment.end
    assert end

    assert erase(end + 30 * DAY - early) == erased

    assert (one.customer.first_name == "") == bool(erased)


def test_others_are_left_alone(now: datetime) -> None:
    make_over(now, days=29)
    before = everything()

    assert erase(now) == 0

    assert everything() == before


def test_a_second_run_finds_nothing(now: datetime) -> None:
    make_over(now)
    erase(now)
    before = everything()

    assert erase(now + DAY) == 0

    assert everything() == before


def test_a_run_takes_those_first_that_have_waited_longest(now: datetime) -> None:
    shorter, longer = make_over(now, days=31), make_over(now, days=40)

    assert erase(now, limit=1) == 1

    assert (longer.customer.first_name, shorter.customer.first_name) == ("", "Ada")


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_erase_each_appointment_once(now: datetime) -> None:
    scenes = [make_over(now) for _ in range(4)]

    outcomes = run_together([partial(erase, now)] * 3)

    assert sum(each for each in outcomes if isinstance(each, int)) == len(scenes)
    assert {one.customer.first_name for one in scenes} == {""}


def test_what_was_told_is_erased_once_nothing_is_to_be_sent_any_more(now: datetime) -> None:
    one = make_over(now, channels=(Channel.EMAIL,))
    sent, waiting = Notification.objects.order_by("id")
    Notification.objects.filter(pk=sent.pk).update(status="DELIVERED", due_at=None)
    NotificationContent.objects.update(subject="Hello Ada", text="Dear Ada", html="<p>Ada</p>")

    erase(now)
    assert erase_forgotten(now=now) == 1

    gone = NotificationContent.objects.get(notification=sent)
    kept = NotificationContent.objects.get(notification=waiting)
    words = (gone.address, gone.first_name, gone.last_name, gone.subject, gone.text, gone.html)
    assert (words, gone.facts, gone.link, gone.erased_at) == (("",) * 6, {}, None, now)
    assert kept.first_name == "Grace"
    Notification.objects.filter(pk=waiting.pk).update(status="FAILED", due_at=None)
    assert erase_forgotten(now=now) == 1
    assert Notification.objects.filter(subject_id=one.appointment.id).count() == 2


def test_a_customer_who_is_added_afterwards_is_forgotten_as_soon(now: datetime) -> None:
    one = make_over(now)
    erase(now)

    _, late = services.add_customer(
        one.appointment.id, data=ADA, actor=one.actor, now=now + timedelta(minutes=1)
    )
    answer = one.by(one.supervisor).get(one.path_of(late))

    assert answer.status_code == 404
    assert erase(now + timedelta(minutes=1)) == 1
    late.refresh_from_db()
    assert (late.first_name, late.email, late.ticket_sealed) == ("", "", None)


def test_a_moved_appointment_keeps_its_details_longer(now: datetime) -> None:
    one = make_over(now, days=29)
    services.finish_due_appointments(now=now)
    row = one.row()
    one.by(one.supervisor).put(
        "/api/v2/appointments/reschedule/",
        {
            "id": str(row.id),
            "start": (now + DAY).isoformat(),
            "duration": "PT30M",
            "timezone": "UTC",
        },
    )

    assert erase(now + 2 * DAY) == 0
    assert erase(now + 32 * DAY) == 1
    assert Appointment.objects.get().details_expire_at is None
