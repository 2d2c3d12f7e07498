"""The booking webhook as its receivers get it: signed, repeated, in order, and to the letter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from agents.models import Application, User
from appointments import services
from config.kernel.actors import Role
from config.kernel.secrets import unseal
from notifications.models import Notification, SigningSecret, Subscription
from notifications.services import feed, subscriptions, trial
from notifications.transports.webhooks.signing import check_secret
from notifications.webhook_lane import LIMITS, deliver_due
from tests import make
from tests.appointments.bookings import BERLIN, HALF_AN_HOUR, Desk, make_desk
from tests.contract import outgoing
from tests.kernel.receivers import Receiver
from tests.notifications.hooks import come_due, got, make_hook
from tests.notifications.webhooks import answering, in_turn, receivers

if TYPE_CHECKING:
    from pytest_django import Settings

    from tests.notifications.webhooks import Behave

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver_of(settings: Settings) -> Iterator[Any]:
    settings.WEBHOOKS_ALLOW_PRIVATE_ADDRESSES = True
    with receivers() as made:

        def answers_in_turn(*answers: int | bytes) -> Receiver:
            return made(in_turn(*(_answering(one) for one in answers or (204,))))

        yield answers_in_turn


def _answering(answer: int | bytes) -> Behave:
    if isinstance(answer, int):
        return answering(answer)
    return lambda connection, _over: connection.sendall(answer)


def desk_with(receiver: Receiver) -> Desk:
    """Give a desk whose subscriber is the receiver."""
    desk = make_desk()
    desk.hook.delete()
    desk.hook = make_hook(desk.application, receiver, format="appointment-webhook")
    return desk


def delivered(desk: Desk) -> None:
    while deliver_due():
        pass


def standing(desk: Desk) -> list[tuple[str, int, str]]:
    rows = Notification.objects.filter(recipient_id=desk.hook.pk).order_by("id")
    return [(one.status, one.retry_count, one.provider_status) for one in rows]


def everything_happens(desk: Desk) -> None:
    """Let each type of event come about, in all three variants."""
    office, now = desk.actor, desk.now
    one, request, invite = desk.booked(), desk.requested(), desk.invited()
    services.accept_request(request.id, actor=office, now=now)
    services.reschedule_appointment(
        one.id,
        start=desk.start + timedelta(days=1),
        duration=HALF_AN_HOUR,
        zone=BERLIN,
        locale=None,
        actor=office,
        now=now,
    )
    services.reassign_appointment(one.id, user_id=str(desk.colleague.id), actor=office, now=now)
    services.update_appointment(
        one.id, changes={"metadata": {"vip": True}}, customer=None, actor=office, now=now
    )
    services.request_alternative(one.id, actor=office, now=now)
    services.request_other_time(
        invite.id, start=desk.start, duration=None, zone=None, actor=office, now=now
    )
    services.close_appointment(request.id, came=True, actor=office, now=now)
    services.reopen_appointment(request.id, actor=office, now=now)
    services.cancel_appointment(request.id, actor=office, now=now)


@pytest.mark.rule("webhook.appointment.post.r1", "webhook.appointment.post.r2")
def test_every_event_arrives_signed_and_keeps_to_the_contract(receiver_of: Any) -> None:
    receiver = receiver_of()
    desk = desk_with(receiver)
    everything_happens(desk)

    delivered(desk)

    found = got(receiver, desk.hook)
    assert [problem for one in found for problem in outgoing.problems_of(one.envelope)] == []
    data = [one.envelope["data"] for one in found]
    assert {one["eventType"] for one in data} == set(outgoing.event_types())
    variants = outgoing.contract()["schemas"]["Appointment"]["mapping"]
    assert {variants[one["appointment"]["status"]] for one in data} == set(variants.values())
    # Everything happened once, and each of it is told once.
    assert len(found) == len({one.id for one in found}) == 12


@pytest.mark.rule(
    "webhook.appointment.post.r2", "webhook.appointment.post.r3", "webhook.appointment.post.r4"
)
def test_the_headers_prove_the_body(receiver_of: Any) -> None:
    receiver = receiver_of()
    desk = desk_with(receiver)
    desk.booked()

    delivered(desk)

    [one] = got(receiver, desk.hook)
    assert one.id == one.envelope["id"]
    assert one.headers["content-type"] == "application/json; charset=utf-8"
    assert one.headers["user-agent"].startswith("Frontdesk/")
    assert one.headers["webhook-signature"].startswith("v1,")
    assert abs(int(one.headers["webhook-timestamp"]) - timezone.now().timestamp()) < 60
    assert "x-signature" not in one.headers


@pytest.mark.rule("webhook.appointment.post.r5", "webhook.appointment.post.r6")
def test_a_renewed_secret_signs_beside_the_old_one(receiver_of: Any) -> None:
    receiver = receiver_of()
    desk = desk_with(receiver)
    made = subscriptions.renew_secret(desk.hook.pk, actor=desk.actor, now=desk.now)
    desk.booked()

    delivered(desk)

    [one] = got(receiver, desk.hook)
    assert len(one.headers["webhook-signature"].split(" ")) == 2
    assert len(check_secret(made.secret)) in range(24, 65)
    kept = [unseal(each.sealed, purpose="signing-secret") for each in SigningSecret.objects.all()]
    assert len(set(kept)) == len(kept) == 2


@pytest.mark.rule("webhook.appointment.post.r7", "webhook.appointment.post.r20")
def test_a_repetition_has_the_same_id_and_the_same_bytes(receiver_of: Any) -> None:
    receiver = receiver_of(500, 200)
    desk = desk_with(receiver)
    one = desk.booked()
    delivered(desk)
    # What the appointment has become meanwhile makes no difference.
    User.objects.filter(pk=desk.agent.pk).update(last_name="Murray")

    come_due()
    delivered(desk)

    first, second = got(receiver, desk.hook)
    assert (first.id, first.body) == (second.id, second.body)
    assert first.envelope["data"]["appointment"]["id"] == str(one.id)


@pytest.mark.rule("webhook.appointment.post.r8")
@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(receiver_of: Any, status: int) -> None:
    desk = desk_with(receiver_of(status))
    desk.booked()

    delivered(desk)

    assert standing(desk) == [("DELIVERED", 0, str(status))]


@pytest.mark.rule("webhook.appointment.post.r9")
@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 409, 422, 500, 503])
def test_every_other_answer_is_tried_again(receiver_of: Any, status: int) -> None:
    desk = desk_with(receiver_of(status))
    desk.booked()

    delivered(desk)

    assert standing(desk) == [("PENDING", 1, str(status))]


@pytest.mark.rule("webhook.appointment.post.r10", "webhook.appointment.post.r11")
def test_the_first_attempts_come_when_the_contract_says(
    receiver_of: Any, settings: Settings
) -> None:
    desk = desk_with(receiver_of(500))
    desk.booked()
    delays = [one["delay_seconds"] for one in outgoing.contract()["delivery"]["attempts"]]

    waits = []
    for _ in range(2):
        delivered(desk)
        row = Notification.objects.get(recipient_id=desk.hook.pk)
        assert row.due_at
        waits.append((row.due_at - timezone.now()).total_seconds())
        come_due()

    schedule = settings.NOTIFICATIONS_RETRIES["WEBHOOKS"]
    assert [one.total_seconds() for one in schedule[:2]] == delays[1:]
    # Some tenths more or less: what failed together must not come back together.
    assert waits == [pytest.approx(delay, abs=delay * 0.5) for delay in delays[1:]]


@pytest.mark.rule("webhook.appointment.post.r10", "webhook.appointment.post.r11")
def test_the_time_limits_are_those_of_the_contract() -> None:
    limits = [one["timeout_seconds"] for one in outgoing.contract()["delivery"]["attempts"]]

    assert list(LIMITS) == limits


@pytest.mark.rule("webhook.appointment.post.r12")
def test_what_has_failed_is_sent_again_by_hand_with_the_same_id(
    receiver_of: Any, settings: Settings
) -> None:
    settings.NOTIFICATIONS_RETRIES = {**settings.NOTIFICATIONS_RETRIES, "WEBHOOKS": []}
    receiver = receiver_of(500, 200)
    desk = desk_with(receiver)
    one = desk.booked()
    delivered(desk)
    assert standing(desk) == [("FAILED", 0, "500")]

    row = Notification.objects.get(recipient_id=desk.hook.pk)
    services.retry_notification(one.id, row.pk, actor=desk.actor, now=desk.now)
    delivered(desk)

    assert [each.id for each in got(receiver, desk.hook)] == [str(row.pk)] * 2
    assert standing(desk)[0][0] == "DELIVERED"


@pytest.mark.rule("webhook.appointment.post.r13", "webhook.appointment.post.r19")
def test_410_ends_the_subscription(receiver_of: Any) -> None:
    receiver = receiver_of(410)
    desk = desk_with(receiver)
    one = desk.booked()
    services.cancel_appointment(one.id, actor=desk.actor, now=desk.now)

    delivered(desk)
    come_due()
    delivered(desk)

    assert not Subscription.objects.get(pk=desk.hook.pk).is_active
    assert len(receiver.requests) == 1


@pytest.mark.rule("webhook.appointment.post.r14")
@pytest.mark.parametrize(("seconds", "most"), [(20, 25), (3600, 65)])
def test_the_receiver_is_left_alone_for_as_long_as_it_asks_but_a_minute_at_most(
    receiver_of: Any, seconds: int, most: int
) -> None:
    answer = f"HTTP/1.1 503 Busy\r\nRetry-After: {seconds}\r\nContent-Length: 0\r\n\r\n".encode()
    desk = desk_with(receiver_of(answer))
    desk.booked()

    delivered(desk)

    row = Notification.objects.get(recipient_id=desk.hook.pk)
    assert row.due_at
    assert min(seconds, 60) - 5 < (row.due_at - timezone.now()).total_seconds() <= most


@pytest.mark.rule("webhook.appointment.post.r15")
def test_a_receiver_that_fails_delays_no_other_one(receiver_of: Any) -> None:
    good = receiver_of()
    desk = desk_with(receiver_of(500))
    other = make_hook(desk.application, good, format="appointment-webhook")

    desk.booked()
    delivered(desk)

    assert len(got(good, other)) == 1


@pytest.mark.rule("webhook.appointment.post.r16", "webhook.appointment.post.r17")
def test_one_appointments_events_come_in_order_and_say_which_is_newer(receiver_of: Any) -> None:
    receiver = receiver_of(500, 200)
    desk = desk_with(receiver)
    one = desk.booked()
    desk.now += timedelta(seconds=1)
    services.cancel_appointment(one.id, actor=desk.actor, now=desk.now)
    delivered(desk)

    # The younger one waits for the elder, which has failed once.
    assert len(receiver.requests) == 1
    come_due()
    delivered(desk)
    delivered(desk)

    data = [each.envelope["data"] for each in got(receiver, desk.hook)]
    assert [each["eventType"] for each in data] == ["CREATE", "CREATE", "CANCEL"]
    assert data[1]["appointment"]["updatedAt"] < data[2]["appointment"]["updatedAt"]


@pytest.mark.rule("webhook.appointment.post.r18")
@pytest.mark.parametrize(
    "url", ["http://hooks.example.org/", "https://127.0.0.1/", "https://10.0.0.1/"]
)
def test_an_address_that_is_not_public_is_refused(url: str) -> None:
    desk = make_desk()
    admin = make.make_user(desk.application.organization, [Role.ADMIN])
    body = {"applicationId": str(desk.application.id), "format": "appointment-webhook", "url": url}

    answer = desk.by(admin).post("/api/v2/webhook-subscriptions/", body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["url"])


@pytest.mark.rule("webhook.appointment.post.r19")
def test_a_subscription_that_is_switched_off_gets_nothing_more(receiver_of: Any) -> None:
    receiver = receiver_of()
    desk = desk_with(receiver)
    desk.booked()
    Subscription.objects.filter(pk=desk.hook.pk).update(is_active=False)

    delivered(desk)

    assert receiver.requests == []


def test_an_application_that_notifies_nobody_still_tells_of_its_bookings(receiver_of: Any) -> None:
    receiver = receiver_of()
    desk = desk_with(receiver)
    Application.objects.filter(pk=desk.application.pk).update(notifications_active=False)
    desk.application.refresh_from_db()
    desk.booked()

    delivered(desk)

    assert len(got(receiver, desk.hook)) == 1


def test_the_feed_has_the_bodies_that_were_sent(receiver_of: Any) -> None:
    receiver = receiver_of()
    desk = desk_with(receiver)
    desk.booked()
    delivered(desk)

    page = feed.events_after(Subscription.objects.get(pk=desk.hook.pk), after=0, limit=10)

    assert [(one.type, one.payload) for one in page.items] == [
        ("CREATE", got(receiver, desk.hook)[0].body)
    ]


def test_a_replay_sends_the_same_bytes(receiver_of: Any) -> None:
    receiver = receiver_of()
    desk = desk_with(receiver)
    desk.booked()
    delivered(desk)

    subscriptions.replay_events(desk.hook.pk, from_sequence=1, actor=desk.actor, now=desk.now)
    delivered(desk)

    first, second = got(receiver, desk.hook)
    assert (first.id, first.body) == (second.id, second.body)


def test_what_was_erased_is_not_sent_as_something_else(receiver_of: Any) -> None:
    receiver = receiver_of()
    desk = desk_with(receiver)
    desk.booked()
    row = Notification.objects.get(recipient_id=desk.hook.pk)
    row.content.body = None
    row.content.save()

    delivered(desk)

    assert receiver.requests == []
    assert standing(desk)[0][0] == "FAILED"


def test_a_test_of_the_receiver_keeps_to_the_contract(receiver_of: Any) -> None:
    receiver = receiver_of()
    desk = desk_with(receiver)

    found = trial.send_test(desk.hook.pk, actor=desk.actor, now=desk.now)

    [one] = got(receiver, desk.hook)
    assert found.is_delivered
    assert outgoing.problems_of(one.envelope) == []
    assert one.envelope["data"]["appointment"]["metadata"] == {"test": True}
