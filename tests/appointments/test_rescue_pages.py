"""The pages on which a supervisor moves an absent agent's appointments, and gives them back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from agents.models import Application, User
from agents.rota import zone_of, zone_of_house
from appointments import services
from appointments.models import Appointment, Rescue
from config.kernel.actors import Role
from tests import make
from tests.appointments.rescuing import DAY, NOW, Sickness, agents_of, make_sickness, to
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

NEW, LIST = "/rescues/new/", "/rescues/"
THE_DAY = "2031-03-06"


@pytest.fixture
def house() -> Sickness:
    return make_sickness(default_timezone="UTC")


@pytest.fixture
def client(house: Sickness) -> Client:
    return signed_in(house.sofia)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def words(answer: Any) -> str:
    """Give what a page says, without its markup."""
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", text)


def preview(client: Client, house: Sickness, **query: Any) -> Any:
    return client.get(NEW, {"agent": str(house.grace.pk), "day": THE_DAY, **query})


def row_of(one: Appointment, user: User | None) -> dict[str, str]:
    """Give the fields of a row as the browser sends them."""
    assert one.start is not None
    assert one.end is not None
    return {
        f"start-{one.pk}": f"{one.start:%Y-%m-%dT%H:%M:%S.%f}Z",
        f"end-{one.pk}": f"{one.end:%Y-%m-%dT%H:%M:%S.%f}Z",
        f"to-{one.pk}": str(user.pk) if user else "",
    }


def send(
    client: Client, house: Sickness, *rows: tuple[Appointment, User | None], **fields: Any
) -> Any:
    """Send a preview back, to move what it shows unless something else is asked for."""
    data: dict[str, Any] = {
        "agent": str(house.grace.pk),
        "day": THE_DAY,
        "until": "",
        "action": "move",
        "row": [str(one.pk) for one, _ in rows],
    }
    for row in rows:
        data |= row_of(*row)
    return client.post(NEW, {**data, **fields})


# --- The preview ------------------------------------------------------------------------------


def test_it_asks_first_who_is_away(client: Client) -> None:
    page = words(client.get(NEW))

    for text in ("Who is away", "Grace Hopper", "First day", "Preview"):
        assert text in page
    assert "Move all" not in page


def test_the_preview_shows_time_customer_subject_with_whom_and_to_whom(
    client: Client, house: Sickness
) -> None:
    house.book("09:00", title="A loan")
    house.book("09:00", agent=house.alan)

    page = words(preview(client, house))

    for text in ("Thu 6 Mar, 09:00", "Ada Lovelace", "A loan", "Grace Hopper", "Barbara Liskov"):
        assert text in page
    assert "Move all" in page


def test_the_fields_of_the_preview_carry_what_was_seen(client: Client, house: Sickness) -> None:
    one = house.book("09:00")

    html = preview(client, house).content.decode()

    fields = dict(re.findall(r'name="((?:row|start-|end-)[^"]*)" value="([^"]*)"', html))
    assert fields == {"row": str(one.pk)} | {
        name: value for name, value in row_of(one, None).items() if not name.startswith("to-")
    }


def test_while_somebody_has_nobody_nothing_can_be_moved_and_it_is_said_why(
    client: Client, house: Sickness
) -> None:
    house.book("09:00")
    house.book("09:00", agent=house.alan)
    make.make_absence(house.barbara, DAY.date(), DAY.date())

    page = words(preview(client, house))

    for text in ("Nobody", "Alan Turing: occupied", "Barbara Liskov: absent", "Leave this one"):
        assert text in page
    assert "Move all" not in page


def test_what_is_left_out_does_not_stand_in_the_way(client: Client, house: Sickness) -> None:
    first, second = house.book("09:00"), house.book("11:00")
    for agent in (house.alan, house.barbara):
        house.book("09:00", agent=agent)
    leave = {f"leave-{first.pk}": "on", "action": "look"}

    page = words(send(client, house, (first, None), (second, house.alan), **leave))

    assert "stays with Grace Hopper" in page
    assert "Move the other 1" in page


def test_what_was_chosen_stays_chosen_when_looked_at_again(client: Client, house: Sickness) -> None:
    one = house.book("09:00")

    html = send(client, house, (one, house.barbara), action="look").content.decode()

    assert f'<option value="{house.barbara.pk}" selected>' in html
    assert agents_of([one]) == [["Grace"]]


def test_colleagues_can_be_left_alone(client: Client, house: Sickness) -> None:
    house.book("09:00")

    html = preview(client, house, without=[str(house.alan.pk)]).content.decode()

    assert f'<option value="{house.barbara.pk}" selected>' in html
    assert f'<option value="{house.alan.pk}">' not in html.split("Would go to")[1]


def test_several_days_can_be_looked_at(client: Client, house: Sickness) -> None:
    house.book("09:00")
    house.book("33:00")

    page = words(preview(client, house, until="2031-03-07"))

    assert "Fri 7 Mar, 09:00" in page
    assert "2 appointments of Grace Hopper" in page


def test_a_day_is_a_day_on_the_agents_own_clock(client: Client, house: Sickness) -> None:
    User.objects.filter(pk=house.grace.pk).update(timezone="Pacific/Auckland")
    house.book("10:30")
    house.book("11:30")

    page = words(preview(client, house))

    assert "1 appointment of Grace Hopper" in page
    assert "Thu 6 Mar, 23:30" in page


def test_a_house_without_a_clock_of_its_own_has_the_one_that_its_rota_has(
    client: Client, house: Sickness
) -> None:
    Application.objects.update(is_default=False, default_timezone="Pacific/Auckland")
    house.book("11:30")

    rota = zone_of(house.grace, house=zone_of_house(house.application.organization_id))
    page = words(preview(client, house))

    assert rota.key == "UTC"
    assert "Thu 6 Mar, 11:30" in page


def test_without_appointments_there_is_nothing_to_move(client: Client, house: Sickness) -> None:
    assert "Nothing to move" in words(preview(client, house))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"until": "2031-03-05"}, "The last day is before the first one."),
        ({"until": "2031-06-01"}, "At most 62 days at once."),
        ({"day": "x"}, "Enter a valid date."),
        ({"agent": "x"}, "Select a valid choice."),
    ],
)
def test_what_cannot_be_looked_at_is_said(
    client: Client, house: Sickness, query: dict[str, str], text: str
) -> None:
    answer = preview(client, house, **query)

    assert answer.status_code == 400
    assert text in words(answer)


def test_too_many_are_said(
    client: Client, house: Sickness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.kernel.limits.RESCUE_MOVES_MAX", 0)
    house.book("09:00")

    answer = preview(client, house)

    assert answer.status_code == 400
    assert "choose a shorter period" in words(answer)


# --- Moving -----------------------------------------------------------------------------------


def test_all_are_moved_and_the_page_of_it_is_shown(client: Client, house: Sickness) -> None:
    booked = [house.book(clock) for clock in ("09:00", "10:00")]

    answer = send(client, house, (booked[0], house.alan), (booked[1], house.barbara))

    made = Rescue.objects.get()
    assert answer.headers["Location"] == reverse("rescue", args=[made.pk])
    page = words(client.get(answer.headers["Location"]))
    for text in ("2 appointments are moved", "Alan Turing", "Barbara Liskov", "Undo"):
        assert text in page
    assert agents_of(booked) == [["Alan"], ["Barbara"]]


def test_what_stays_is_said_on_the_page_of_it(client: Client, house: Sickness) -> None:
    left, moved = house.book("09:00"), house.book("10:00")
    leave = {f"leave-{left.pk}": "on"}

    answer = send(client, house, (left, None), (moved, house.alan), **leave)

    page = words(client.get(answer.headers["Location"]))
    assert "1 appointment of these days is still with Grace Hopper" in page
    assert agents_of([left, moved]) == [["Grace"], ["Alan"]]


def test_what_has_changed_is_said_next_to_it_and_nothing_is_moved(
    client: Client, house: Sickness
) -> None:
    gone, taken, fine = (house.book(clock) for clock in ("09:00", "10:00", "11:00"))
    services.cancel_appointment(gone.pk, actor=house.actor, now=NOW)
    house.book("10:00", agent=house.alan)
    before = everything()

    answer = send(client, house, *((one, house.alan) for one in (gone, taken, fine)))

    page = words(answer)
    assert answer.status_code == 409
    for text in (
        "Something has changed since the preview, so nothing was moved.",
        "Ada Lovelace: It was cancelled.",
        "Alan Turing cannot take it: occupied.",
    ):
        assert text in page
    assert everything() == before


def test_without_somebody_for_each_nothing_is_moved(client: Client, house: Sickness) -> None:
    one = house.book("09:00")
    before = everything()

    answer = send(client, house, (one, None))

    assert answer.status_code == 400
    assert "Choose somebody for each appointment, or leave it." in words(answer)
    assert everything() == before


@pytest.mark.parametrize("row", ["x", "0190a1b2-0000-7000-8000-00000000dead"])
def test_what_no_page_of_ours_sends_moves_nothing(
    client: Client, house: Sickness, row: str
) -> None:
    house.book("09:00")
    before = everything()

    answer = send(client, house, row=[row], **{f"start-{row}": "x"})

    assert (answer.status_code, everything() == before) == (400, True)


# --- Undoing ----------------------------------------------------------------------------------


def moved(house: Sickness, *booked: Appointment) -> Rescue:
    return house.move(*(to(one, house.alan) for one in booked))


def test_it_is_asked_first_and_then_given_back(client: Client, house: Sickness) -> None:
    one = house.book("09:00")
    path = reverse("rescue-undo", args=[moved(house, one).pk])

    question = words(client.get(path))
    answer = client.post(path, follow=True)

    assert "Give the appointments back to Grace Hopper?" in question
    assert "The appointments are given back" in words(answer)
    assert "Given back" in words(answer)
    assert agents_of([one]) == [["Grace"]]


def test_that_the_agent_is_still_absent_is_said(client: Client, house: Sickness) -> None:
    made = moved(house, house.book("09:00"))
    make.make_absence(house.grace, DAY.date(), DAY.date())

    page = words(client.get(reverse("rescue-undo", args=[made.pk])))

    assert "Grace Hopper is still absent from 6 March 2031" in page


def test_what_stands_in_the_way_is_said(client: Client, house: Sickness) -> None:
    one = house.book("09:00")
    made = moved(house, one)
    services.reassign_appointment(one.pk, user_id=str(house.barbara.pk), actor=house.actor, now=NOW)
    before = everything()

    answer = client.post(reverse("rescue-undo", args=[made.pk]))

    assert answer.status_code == 409
    assert "Ada Lovelace: It is not with Alan Turing any more." in words(answer)
    assert everything() == before


def test_a_second_time_is_refused_in_words(client: Client, house: Sickness) -> None:
    made = moved(house, house.book("09:00"))
    path = reverse("rescue-undo", args=[made.pk])
    client.post(path)

    assert "given back already" in words(client.post(path, follow=True))
    assert client.get(path).headers["Location"] == reverse("rescue", args=[made.pk])


def test_the_page_shows_what_was_deleted_since(client: Client, house: Sickness) -> None:
    one = house.book("09:00")
    made = moved(house, one)
    services.delete_appointment(one.pk, actor=house.actor, now=NOW)

    page = words(client.get(reverse("rescue", args=[made.pk])))

    assert "Thu 6 Mar, 09:00 –09:30 deleted Alan Turing" in page.replace("Customer ", "").replace(
        "Went to ", ""
    )


# --- The list, and who sees what --------------------------------------------------------------


def test_the_list_shows_what_was_moved(client: Client, house: Sickness) -> None:
    moved(house, house.book("09:00"), house.book("10:00"))

    page = words(client.get(LIST))

    for text in ("Grace Hopper", "Thu 6 Mar 2031", "by Sofia Berg", "Moved"):
        assert text in page


def test_the_list_asks_the_same_questions_for_one_and_for_three(
    client: Client, house: Sickness, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    moved(house, house.book("09:00"))
    with CaptureQueriesContext(connection) as one:
        client.get(LIST)
    for clock in ("10:00", "11:00"):
        moved(house, house.book(clock))

    with django_assert_num_queries(len(one)):
        assert words(client.get(LIST)).count("Sofia Berg") >= 3


def test_nothing_of_another_house_is_shown_or_done(client: Client, house: Sickness) -> None:
    theirs = make_sickness()
    one = theirs.book("09:00", title="Secret")
    made = moved(theirs, one)
    before = everything()

    pages = [
        client.get(reverse("rescue", args=[made.pk])),
        client.get(reverse("rescue-undo", args=[made.pk])),
        client.post(reverse("rescue-undo", args=[made.pk])),
    ]

    assert [page.status_code for page in pages] == [404] * 3
    assert preview(client, house, agent=str(theirs.grace.pk)).status_code == 400
    assert str(made.pk) not in client.get(LIST).content.decode()
    assert everything() == before


def test_agents_see_none_of_it(house: Sickness) -> None:
    made = moved(house, house.book("09:00"))
    agent = signed_in(house.alan)

    paths = [LIST, NEW, *(reverse(name, args=[made.pk]) for name in ("rescue", "rescue-undo"))]

    assert [agent.get(path).status_code for path in paths] == [403] * 4
    assert agent.post(NEW).status_code == 403


def test_an_administrator_moves_them_too(house: Sickness) -> None:
    one = house.book("09:00")
    admin = signed_in(make.make_user(house.application.organization, [Role.ADMIN]))

    send(admin, house, (one, house.alan))

    assert agents_of([one]) == [["Alan"]]


def test_the_day_and_an_absence_lead_to_it(client: Client, house: Sickness) -> None:
    house.book("09:00")
    absence = make.make_absence(house.grace, DAY.date(), DAY.date())

    day = client.get("/", {"date": THE_DAY}).content.decode()
    about = client.get(reverse("absence", args=[absence.pk])).content.decode()

    link = f'href="{NEW}?agent={house.grace.pk}&amp;day={THE_DAY}'
    assert f'{link}"' in day
    assert f'{link}&amp;until={THE_DAY}"' in about


def test_an_agents_own_day_leads_nowhere(house: Sickness) -> None:
    house.book("09:00", agent=house.alan)

    page = signed_in(house.alan).get("/", {"date": THE_DAY}).content.decode()

    assert "Ada Lovelace" in page
    assert NEW not in page
