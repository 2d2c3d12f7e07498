"""What providers report by their webhooks: who is believed, and what becomes of the ledger."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.urls import include, path
from django.utils import timezone

from config.kernel.secrets import unseal
from notifications import checks, tracking
from notifications.errors import ReportTooEarly
from notifications.mime import message_id_of
from notifications.models import (
    Channel,
    Notification,
    NotificationContent,
    NotificationEvent,
    Status,
    Undeliverable,
)
from notifications.reporting import Report, Word, mark_of, named_in
from notifications.services import dispatch, undeliverable
from notifications.services.reports import take_report
from notifications.transports.email import smtp
from tests.contract.state import everything
from tests.notifications.ledger import make_application, make_notification

if TYPE_CHECKING:
    from pytest_django import Settings

    from agents.models import Application
    from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db

urlpatterns = [path("anymail/", include(tracking.urls()))]

SECRET = "hooks:0123456789abcdef"
POSTMARK = "/anymail/postmark/tracking/"
ADA = "ada@example.com"
AT = datetime(2026, 3, 20, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _listening(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__
    settings.ANYMAIL = {"WEBHOOK_SECRET": [SECRET]}


@pytest.fixture
def application(db: None) -> Application:
    return make_application()


def make_sent(application: Application, *, address: str = ADA, **facts: Any) -> Notification:
    """Make one that the provider has taken at its second attempt."""
    one = make_notification(application, address=address)
    defaults = {"status": Status.DELIVERED, "provider_status": "queued", "message_id": "1"}
    known = {**defaults, "attempt": 2, "due_at": None, **facts}
    Notification.objects.filter(pk=one.pk).update(**known)
    one.refresh_from_db()
    return one


def report(one: Notification, word: Word, *, at: datetime = AT, **facts: Any) -> bool:
    return take_report(
        Report(notification_id=one.pk, word=word, at=at, **{"attempt": one.attempt, **facts})
    )


def state_of(one: Notification) -> tuple[str, str]:
    one.refresh_from_db()
    return one.status, one.provider_status


def steps_of(one: Notification) -> list[tuple[str, str]]:
    events = NotificationEvent.objects.filter(notification_id=one.pk).order_by("at", "id")
    return list(events.values_list("status", "provider_status"))


def post(body: object, *, secret: str = SECRET, where: str = POSTMARK) -> Any:
    basic = b64encode(secret.encode()).decode()
    headers = {"Authorization": f"Basic {basic}"} if secret else {}
    return Client(raise_request_exception=True).post(
        where, json.dumps(body), content_type="application/json", headers=headers
    )


def delivery(mark: str, **members: object) -> dict[str, object]:
    return {
        "RecordType": "Delivery",
        "Recipient": ADA,
        "MessageID": "1",
        "DeliveredAt": "2026-03-20T10:00:00Z",
        "Metadata": {"notification": mark},
        **members,
    }


def bounce(mark: str, **members: object) -> dict[str, object]:
    return {
        "RecordType": "Bounce",
        "Type": "HardBounce",
        "ID": 7,
        "Email": ADA,
        "MessageID": "1",
        "BouncedAt": "2026-03-20T10:00:00Z",
        "Details": f"smtp;550 5.1.1 <{ADA}> nobody here",
        "Metadata": {"notification": mark},
        **members,
    }


# --- By the webhook ---------------------------------------------------------------------------


def test_a_delivery_is_written_down_once(application: Application) -> None:
    one = make_sent(application)
    body = delivery(mark_of(one.pk, 2))

    answers = [post(body).status_code for _ in range(2)]

    assert answers == [200, 200]
    assert state_of(one) == (Status.DELIVERED, "delivered")
    assert steps_of(one) == [(Status.DELIVERED, "delivered")]


@pytest.mark.parametrize("details", ["550 a\0b", "550 a\r\nb", "550 a\ud800b"])
def test_whatever_a_receiving_server_said_is_kept_in_one_line(
    application: Application, details: str
) -> None:
    one = make_sent(application)

    answer = post(bounce(mark_of(one.pk, 2), Details=details))

    assert answer.status_code == 200
    assert " ".join(Undeliverable.objects.get().said.split()) == "550 a b"


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"])
def test_a_moment_that_cannot_be_holds_against_no_later_report(
    application: Application, moment: str
) -> None:
    one = make_sent(application)

    post(bounce(mark_of(one.pk, 2), BouncedAt=moment))

    assert Undeliverable.objects.get().noted_at <= timezone.now()


@pytest.mark.parametrize("provider", ["mailgun", "mailersend", "postal", "unisender_go"])
def test_a_provider_whose_key_we_have_not_reports_to_nobody(db: None, provider: str) -> None:
    assert post({}, secret="", where=f"/anymail/{provider}/tracking/").status_code == 404


def test_a_bounce_makes_it_fail_and_is_remembered(application: Application) -> None:
    one = make_sent(application)

    post(bounce(mark_of(one.pk, 2)))

    assert state_of(one) == (Status.FAILED, "bounced")
    said = "smtp;550 5.1.1 <[redacted]> nobody here"
    assert one.error_message == f"The provider reports: bounced: {said}"
    [row] = Undeliverable.objects.all()
    assert (row.reason, row.said, row.notification_id) == ("BOUNCED", said, one.pk)
    assert unseal(row.sealed_address, purpose="undeliverable") == ADA


@pytest.mark.parametrize("secret", ["", "hooks:another-secret-0", f"{SECRET}x", "hooks:"])
def test_who_does_not_know_the_secret_is_not_believed(
    application: Application, secret: str
) -> None:
    one = make_sent(application)
    before = everything()

    answer = post(bounce(mark_of(one.pk, 2)), secret=secret)

    assert (answer.status_code, everything()) == (400, before)


@pytest.mark.parametrize(
    "body",
    [
        delivery("0190a1b2-0000-7000-8000-00000000dead-1"),
        delivery("somebody else's"),
        delivery("", Metadata={}),
        {"RecordType": "Open", "Metadata": {}},
    ],
)
def test_what_is_about_no_mail_of_ours_is_taken_and_forgotten(
    application: Application, body: dict[str, object]
) -> None:
    make_sent(application)
    before = everything()

    assert (post(body).status_code, everything()) == (200, before)


@pytest.mark.parametrize("kind", ["Open", "Click"])
def test_what_the_reader_does_is_not_recorded(application: Application, kind: str) -> None:
    one = make_sent(application)

    post(delivery(mark_of(one.pk, 2), RecordType=kind))

    assert steps_of(one) == []


def test_a_report_that_comes_before_we_have_written_it_down_is_asked_for_again(
    application: Application,
) -> None:
    one = make_sent(
        application,
        status=Status.PENDING,
        due_at=timezone.now() + MINUTE,
        lease_until=timezone.now() + MINUTE,
    )

    answer = post(bounce(mark_of(one.pk, 2)))

    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert state_of(one) == (Status.PENDING, "queued")
    with pytest.raises(ReportTooEarly):
        report(one, Word.DELIVERED)


def test_nobody_takes_in_mail() -> None:
    assert post({}, where="/anymail/postmark/inbound/").status_code == 404


@pytest.mark.parametrize(
    ("texts", "attempt"),
    [((None, "{id}-3"), 3), ((None, "news", "<{id}@desk.example>"), None)],
)
def test_a_mail_is_known_by_its_mark_or_by_our_message_id(
    application: Application, texts: tuple[str | None, ...], attempt: int | None
) -> None:
    one = make_sent(application)
    filled = [text and text.replace("{id}", str(one.pk)) for text in texts]

    assert named_in(*filled) == (one.pk, attempt)
    assert named_in(message_id_of(one.pk)) == (one.pk, None)
    assert named_in("1", None, f"x{one.pk}-3", f"{one.pk}") is None


# --- In the ledger ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ([Word.SENT, Word.DEFERRED, Word.DELIVERED], Status.DELIVERED),
        ([Word.DEFERRED, Word.BOUNCED], Status.FAILED),
        ([Word.DELIVERED, Word.BOUNCED], Status.FAILED),
        ([Word.DELIVERED, Word.COMPLAINED], Status.DELIVERED),
        ([Word.BOUNCED, Word.DELIVERED], Status.DELIVERED),
        ([Word.REJECTED], Status.FAILED),
        ([Word.FAILED], Status.FAILED),
    ],
)
def test_the_latest_report_holds_in_whatever_order_they_come(
    application: Application, words: list[Word], status: Status
) -> None:
    in_order, reversed_ = make_sent(application), make_sent(application)
    dated = [(word, AT + number * MINUTE) for number, word in enumerate(words)]

    for word, at in dated:
        report(in_order, word, at=at)
    for word, at in reversed(dated):
        report(reversed_, word, at=at)

    assert state_of(in_order) == state_of(reversed_) == (status, words[-1])
    assert [word for _, word in steps_of(in_order)] == words


def test_reports_of_one_moment_are_ordered_by_what_they_say(application: Application) -> None:
    one = make_sent(application)

    news = [report(one, word) for word in (Word.DELIVERED, Word.SENT, Word.DELIVERED)]

    assert (news, state_of(one)) == ([True, False, False], (Status.DELIVERED, "delivered"))


def test_a_report_about_an_earlier_attempt_changes_nothing(application: Application) -> None:
    one = make_sent(application)

    assert not report(one, Word.BOUNCED, attempt=1)
    assert state_of(one) == (Status.DELIVERED, "queued")


def test_what_waits_for_a_retry_has_arrived_after_all(application: Application) -> None:
    waiting = make_sent(
        application, status=Status.PENDING, provider_status="", due_at=timezone.now() + MINUTE
    )

    assert report(waiting, Word.SENT)

    assert state_of(waiting) == (Status.DELIVERED, "sent")
    assert waiting.due_at is None


@pytest.mark.parametrize("status", [Status.INITIALIZED, Status.CANCELLED])
def test_what_was_not_sent_stays_so(application: Application, status: Status) -> None:
    one = make_sent(application, status=status, provider_status="")

    assert not report(one, Word.DELIVERED)
    assert state_of(one) == (status, "")


def test_a_failure_that_we_gave_up_is_on_its_way_and_one_that_came_back_is_not(
    application: Application,
) -> None:
    given_up = make_sent(application, status=Status.FAILED, provider_status="500")
    came_back = make_sent(application, status=Status.FAILED, provider_status="bounced")

    report(given_up, Word.SENT)
    report(came_back, Word.SENT)

    assert state_of(given_up) == (Status.DELIVERED, "sent")
    assert state_of(came_back) == (Status.FAILED, "bounced")


def test_messages_of_other_channels_have_no_such_reports(application: Application) -> None:
    one = make_sent(application)
    Notification.objects.filter(pk=one.pk).update(channel=Channel.SMS)

    assert not report(one, Word.BOUNCED)


# --- Addresses --------------------------------------------------------------------------------


def known(application: Application, *addresses: str) -> dict[str, str]:
    found = undeliverable.undeliverable_among(
        addresses, organization_id=application.organization_id
    )
    return {address: row.reason for address, row in found.items()}


def test_a_bounced_address_is_found_by_its_organization_alone(application: Application) -> None:
    others = make_application()
    report(make_sent(application), Word.BOUNCED, is_address_dead=True)

    assert known(application, " Ada@Example.com", "grace@example.com") == {
        " Ada@Example.com": "BOUNCED"
    }
    assert known(others, ADA) == {}
    assert known(application) == {}


def test_a_later_delivery_clears_a_bounce_and_no_complaint(application: Application) -> None:
    bounced, complained = make_sent(application), make_sent(application, address="g@example.com")
    report(bounced, Word.BOUNCED, is_address_dead=True)
    report(complained, Word.COMPLAINED)

    report(make_sent(application), Word.DELIVERED, at=AT - MINUTE)
    assert known(application, ADA) == {ADA: "BOUNCED"}
    report(make_sent(application), Word.DELIVERED, at=AT + MINUTE)
    report(make_sent(application, address="g@example.com"), Word.DELIVERED, at=AT + MINUTE)

    assert known(application, ADA, "g@example.com") == {"g@example.com": "COMPLAINED"}


def test_a_complaint_stays_one_when_mail_comes_back_besides(application: Application) -> None:
    report(make_sent(application), Word.COMPLAINED)
    report(make_sent(application), Word.BOUNCED, is_address_dead=True)

    assert known(application, ADA) == {ADA: "COMPLAINED"}
    assert Undeliverable.objects.count() == 1


def test_an_address_is_remembered_however_the_report_names_it(application: Application) -> None:
    one = make_sent(application)

    post(bounce(mark_of(one.pk, 2), Email="victim@example.org"))

    assert known(application, ADA, "victim@example.org") == {ADA: "BOUNCED"}


def test_what_was_erased_is_not_remembered(application: Application) -> None:
    one = make_sent(application)
    NotificationContent.objects.filter(pk=one.pk).update(address="", erased_at=timezone.now())

    assert report(one, Word.BOUNCED, is_address_dead=True)
    assert not Undeliverable.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_address_that_a_mail_server_refuses_for_good_is_remembered(
    application: Application, mailbox: Mailbox
) -> None:
    mailbox.refused = {ADA: f"550 5.1.1 <{ADA}> nobody here", "b@example.com": "550 5.7.1 no"}
    gone = make_notification(application, address=ADA)
    unwanted = make_notification(application, address="b@example.com")
    Notification.objects.update(due_at=timezone.now() - MINUTE)

    dispatch.send_due(Channel.EMAIL)
    smtp.hang_up()

    assert {state_of(one) for one in (gone, unwanted)} == {(Status.FAILED, "550")}
    assert known(application, ADA, "b@example.com") == {ADA: "BOUNCED"}


# --- The settings -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("anymail", "provider", "found"),
    [
        ({"WEBHOOK_SECRET": [SECRET]}, {"provider": "resend"}, []),
        ({}, {}, []),
        ({}, {"provider": "resend"}, ["notifications.W002"]),
        ({"MAILGUN_WEBHOOK_SIGNING_KEY": "k"}, {}, ["notifications.E001"]),
    ],
)
def test_reports_without_a_secret_are_found_by_a_check(
    settings: Settings, anymail: dict[str, object], provider: dict[str, str], found: list[str]
) -> None:
    settings.ANYMAIL, settings.NOTIFICATIONS_EMAIL = anymail, provider

    assert [each.id for each in checks.check_webhooks_of_providers()] == found
