"""The room of the older version: the first customer's ticket, or one of the appointment itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.utils import timezone

from agents.models import SecurityCounter
from appointments import services
from appointments.errors import TicketUnknown
from appointments.models import Appointment
from appointments.services import tickets
from config.kernel import limits, secrets
from config.kernel.time import format_instant
from tests import make
from tests.appointments import older
from tests.appointments.scene import Scene, make_scene
from tests.contract.state import everything

if TYPE_CHECKING:
    from datetime import datetime

pytestmark = pytest.mark.django_db

HERE = "192.0.2.7"
ADA = make.make_customer()
GRACE = make.make_customer(first_name="Grace", email="grace@example.org")


def room(one: Scene, who: Any = None) -> str:
    """Give the address of the room, as somebody sees it."""
    return str(older.read(one, who)["roomAccess"]["url"])


def path_of(url: str) -> str:
    return url[url.index("/q/") :]


def test_it_is_the_ticket_of_the_customer_who_was_added_first() -> None:
    one = make_scene(customers=[ADA, GRACE])
    ada, grace = make.customers_of(one.appointment)
    assert room(one) == room(one, one.agent) == services.access_url(ada)

    one.by(one.supervisor).delete(f"{older.path(one)}/participants/{ada.id}")

    assert room(one) == services.access_url(grace)


def test_a_customer_is_shown_its_own_and_never_another_ones() -> None:
    one = make_scene(customers=[ADA, GRACE])

    for customer in make.customers_of(one.appointment):
        assert room(one, customer) == services.access_url(customer)


def book_nobody(one: Scene) -> None:
    """It was booked without a customer."""


def remove_everybody(one: Scene) -> None:
    for customer in make.customers_of(one.appointment):
        one.by(one.supervisor).delete(f"{older.path(one)}/participants/{customer.id}")


def activate(one: Scene) -> None:
    older.service_of(one).post(f"{older.APPOINTMENTS}activate/{one.appointment.id}")


@pytest.mark.parametrize(
    ("come_to_have_none", "customers", "is_automatic"),
    [(book_nobody, [], True), (remove_everybody, [ADA, GRACE], True), (activate, [], False)],
)
def test_without_customers_there_is_a_room_of_its_own(
    come_to_have_none: Any, customers: list[Any], *, is_automatic: bool
) -> None:
    application = make.make_application(activates_automatically=is_automatic)
    one = make_scene(application=application, customers=customers)

    come_to_have_none(one)

    row = one.row()
    assert row.end
    assert older.read(one)["roomAccess"] == {
        "url": room(one),
        "expires": format_instant(row.end + timedelta(hours=4)),
        "type": "MULTI_USE_TICKET",
    }
    found = services.find_ticket(path_of(room(one))[3:], address=HERE, now=timezone.now())
    assert (found.appointment, found.customer) == (row, None)
    assert "ticket" not in str(one.read())


def test_the_room_stays_the_same_and_stays_open_when_a_customer_comes() -> None:
    one = make_scene(customers=[])
    first = room(one)
    new = {"id": str(one.appointment.id), "customer": {"name": {"firstName": "Ada"}}}
    assert room(one) == first

    one.by(one.agent).post(f"{older.APPOINTMENTS}participants/customers/", new)

    assert room(one) == services.access_url(one.customer) != first
    assert Client().get(path_of(first)).status_code == 200
    remove_everybody(one)
    assert room(one) == first


def test_what_was_active_before_is_given_a_room_when_it_is_activated_again() -> None:
    one = make_scene(customers=[])
    Appointment.objects.update(room_ticket_fingerprint=None, room_ticket_sealed=None)
    assert "roomAccess" not in older.read(one)

    activate(one)

    assert len(path_of(room(one))) == len("/q/") + 9


def test_an_appointment_with_a_customer_has_no_second_way_in() -> None:
    one = make_scene()

    assert one.row().room_ticket_sealed is None


def test_reading_makes_no_ticket() -> None:
    one = make_scene(customers=[])
    Appointment.objects.update(room_ticket_fingerprint=None, room_ticket_sealed=None)
    before = everything()

    older.read(one)

    assert everything() == before


# --- Behind the address ---------------------------------------------------------------------


def test_the_page_shows_the_appointment_and_no_customer() -> None:
    one = make_scene(customers=[], title="Consultation", locale="en-GB")
    path = path_of(room(one))

    page = Client().get(path)
    calendar = Client().get(f"{path}/calendar.ics")

    assert (page.status_code, page["Referrer-Policy"]) == (200, "no-referrer")
    for text in ("Consultation", "Grace Hopper", "The room opens on"):
        assert text in page.content.decode()
    assert f"UID:{one.appointment.id}@frontdesk" in calendar.content.decode()


def test_unknown_expired_and_deleted_rooms_look_the_same(now: datetime) -> None:
    expired, deleted = make_scene(customers=[]), make_scene(customers=[])
    paths = [path_of(room(expired)), path_of(room(deleted)), "/q/234567abc"]
    Appointment.objects.filter(pk=expired.appointment.pk).update(access_expires_at=now)
    deleted.by(deleted.supervisor).delete(older.path(deleted))

    answers = [Client().get(path) for path in paths]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1


def test_rooms_cannot_be_guessed_at_for_long() -> None:
    one = make_scene(customers=[])
    path = path_of(room(one))
    assert Client().get(path).status_code == 200
    assert set(SecurityCounter.objects.values_list("count", flat=True)) <= {0}
    for number in range(limits.TICKET_FAILURES_PER_ADDRESS):
        Client().get(f"/q/guess{number}")

    assert Client().get(path).status_code == 429


def test_a_room_is_closed_while_its_organisation_is_inactive() -> None:
    one = make_scene(customers=[])
    ticket = path_of(room(one))[3:]
    type(one.application.organization).objects.update(is_active=False)

    with pytest.raises(TicketUnknown):
        services.find_ticket(ticket, address=HERE, now=timezone.now())


def test_a_room_is_no_proof_of_a_customer() -> None:
    one = make_scene(customers=[])

    assert tickets.pass_of_ticket(path_of(room(one))[3:]) is None


def test_the_database_holds_no_room_in_clear() -> None:
    one = make_scene(customers=[])
    ticket = path_of(room(one))[3:]

    row = Appointment.objects.filter(pk=one.appointment.pk).values().get()

    assert ticket.encode() not in bytes(row["room_ticket_sealed"] or b"")
    assert ticket not in str(row)


def test_a_short_ticket_is_given_to_no_room_and_customer_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = iter(["aaaaaa", "aaaaaa", "bbbbbb", "bbbbbb", "cccccc"])
    monkeypatch.setattr(secrets, "new_ticket", lambda _length: next(drawn))
    application = make.make_application(ticket_length=6)

    urls = [
        room(make_scene(application=application, customers=customers))
        for customers in ([], [ADA], [])
    ]

    assert [path_of(url) for url in urls] == ["/q/aaaaaa", "/q/bbbbbb", "/q/cccccc"]
