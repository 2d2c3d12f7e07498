"""The local phone: what is kept of an SMS, how far it has come, and its pages."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from django.utils import timezone

from notifications.models import Channel, Notification, NotificationEvent
from notifications.models.kinds import Status
from notifications.rendering import TemplateBook
from notifications.services import dispatch
from notifications.transports import Accepted, Submitted, TryLater
from notifications.transports.sms.phone import Phone, PhoneSession, ShortMessage
from tests.notifications.ledger import make_application, make_notification
from tests.notifications.sms import NUMBER, make_parcel, make_short_message

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django import Settings

pytestmark = pytest.mark.urls("tests.local.urls")

NOW = datetime(2027, 3, 20, 10, 0, tzinfo=UTC)


@pytest.fixture
def phone(settings: Settings, tmp_path: Path) -> Phone:
    settings.FRONTDESK_HOME = tmp_path
    return Phone.of_settings()


def make_sms(number: int = 1, **facts: object) -> ShortMessage:
    fields: dict[str, object] = {
        "id": str(UUID(int=number)),
        "recipient": NUMBER,
        "sender": "Northwind",
        "text": "See you at 10",
        "submitted_at": NOW + timedelta(seconds=number),
    }
    return ShortMessage(**{**fields, **facts})  # type: ignore[arg-type]  # what the test says


def age(phone: Phone, seconds: float) -> None:
    """Let everything on the phone have been submitted so long ago."""
    for path in phone.directory.glob("*.json"):
        content = json.loads(path.read_text())
        content["submitted_at"] = (timezone.now() - timedelta(seconds=seconds)).isoformat()
        path.write_text(json.dumps(content))


# --- What is kept ----------------------------------------------------------------------------


def test_a_message_is_kept_as_it_was_sent(phone: Phone) -> None:
    sms = make_sms(text="Grüße 🙂\n{to}")

    phone.take(sms)

    assert phone.messages() == [sms]
    [path] = phone.directory.iterdir()
    assert (path.name, path.stat().st_mode & 0o777) == (f"{sms.id}.json", 0o600)


def test_submitting_it_twice_makes_one_message(phone: Phone) -> None:
    first = phone.take(make_sms())

    again = phone.take(make_sms(submitted_at=NOW + timedelta(hours=1)))

    assert again == first
    assert phone.messages() == [first]


def test_what_is_no_message_is_left_out(phone: Phone) -> None:
    phone.take(make_sms())
    for name in ("half", str(UUID(int=2)), str(UUID(int=3))):
        (phone.directory / f"{name}.json").write_text('{"to": 1' if name == "half" else "{}")

    assert [sms.id for sms in phone.messages()] == [str(UUID(int=1))]
    assert phone.message("../../etc/passwd") is None


@pytest.mark.parametrize(
    ("seconds", "state"),
    [(0, "QUEUED"), (1.9, "QUEUED"), (2, "SENT"), (4.9, "SENT"), (5, "DELIVERED")],
)
def test_how_far_it_has_come_is_a_matter_of_time(seconds: float, state: str) -> None:
    sms = make_sms()

    assert sms.state(sms.submitted_at + timedelta(seconds=seconds)) == state


# --- As a provider ---------------------------------------------------------------------------


def test_it_answers_as_a_provider_does(phone: Phone) -> None:
    session = PhoneSession(phone, TemplateBook())
    parcel = make_parcel()
    message = make_short_message(sent_as=parcel.message_id)

    answers = [session.send(parcel, until=time.monotonic())]
    for seconds in (0, 3, 6):
        age(phone, seconds)
        answers.append(session.poll(message, until=time.monotonic()))

    assert answers == [
        Submitted(provider_status="QUEUED", message_id=parcel.message_id),
        Submitted(provider_status="QUEUED", message_id=parcel.message_id),
        Submitted(provider_status="SENT", message_id=parcel.message_id),
        Accepted(provider_status="DELIVERED", message_id=parcel.message_id),
    ]


def test_a_phone_that_was_emptied_says_no_more(phone: Phone) -> None:
    message = make_short_message(sent_as=str(UUID(int=1)))

    outcome = PhoneSession(phone, TemplateBook()).poll(message, until=time.monotonic())

    assert outcome == TryLater(reason="The local phone has been emptied.")


@pytest.mark.django_db
def test_an_sms_is_seen_on_its_way_in_the_history(phone: Phone, settings: Settings) -> None:
    settings.NOTIFICATIONS_TRANSPORTS = {"SMS": "notifications.transports.sms.phone"}
    due = make_notification(make_application(), channel=Channel.SMS, address=NUMBER)

    for seconds in (0, 3, 6):
        dispatch.send_due(Channel.SMS)
        age(phone, seconds)
        Notification.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
        dispatch.send_due(Channel.SMS)

    due.refresh_from_db()
    assert (due.status, due.message_id) == (Status.DELIVERED, str(due.id))
    words = NotificationEvent.objects.order_by("at", "id").values_list("provider_status", flat=True)
    assert list(words) == ["", "QUEUED", "SENT", "DELIVERED"]


# --- The pages -------------------------------------------------------------------------------


def test_the_list_shows_the_latest_number_first(phone: Phone, client: Client) -> None:
    for number, recipient in enumerate(["+491711111111", "+491722222222", "+491711111111"], 1):
        phone.take(make_sms(number, recipient=recipient, text=f"Text {number}"))

    page = client.get("/dev/phone/").content.decode()

    assert page.index("+491711111111") < page.index("+491722222222")
    assert "2 SMS: Text 3" in page
    assert "2 phones" in page
    assert 'href="/dev/phone/+491711111111/"' in page


def test_an_empty_phone_says_what_to_do(phone: Phone, client: Client) -> None:
    page = client.get("/dev/phone").content.decode()

    assert "No SMS has been sent yet." in page
    assert "Book an appointment" in page


def test_a_conversation_shows_each_message_with_its_state(phone: Phone, client: Client) -> None:
    hour = timedelta(hours=1)
    joined = timezone.now() - hour
    phone.take(make_sms(1, text="<b>Join</b> https://example.org/q/abc", submitted_at=joined))
    phone.take(make_sms(2, text="ж" * 71, submitted_at=joined + 2 * hour))
    phone.take(make_sms(3, recipient="+491722222222", text="Somebody else's"))

    page = client.get(f"/dev/phone/{NUMBER}/").content.decode()

    assert "&lt;b&gt;Join&lt;/b&gt;" in page
    assert '<a href="https://example.org/q/abc"' in page
    assert page.index("2 segments, 71 UCS-2") < page.index("1 segment, 37 GSM-7")
    assert page.index("QUEUED") < page.index("DELIVERED")
    assert "Northwind" in page
    assert "Somebody else" not in page


def test_a_long_conversation_has_pages(phone: Phone, client: Client) -> None:
    for number in range(1, 52):
        phone.take(make_sms(number, text=f"Text {number:02}."))

    first, second = (
        client.get(f"/dev/phone/{NUMBER}/?page={page}").content.decode() for page in (1, 2)
    )

    assert ("Text 51." in first, "Text 01." in first) == (True, False)
    assert "Text 01." in second


def test_a_number_that_was_sent_nothing_is_not_found(phone: Phone, client: Client) -> None:
    phone.take(make_sms())

    assert client.get("/dev/phone/+490/").status_code == 404


def test_mail_and_phone_lead_to_each_other(phone: Phone, client: Client) -> None:
    for page in ("/dev/mail/", "/dev/phone/"):
        content = client.get(page).content.decode()
        assert 'href="/dev/mail"' in content or 'href="/dev/mail/"' in content
        assert 'href="/dev/phone"' in content or 'href="/dev/phone/"' in content
