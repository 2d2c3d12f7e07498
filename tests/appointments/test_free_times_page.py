"""The page of free times: who could take each, and why another is not offered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from agents.models import Application, User
from tests import make
from tests.appointments import entries
from tests.appointments.rescuing import DAY, Sickness, make_sickness
from tests.appointments.test_rescue_pages import THE_DAY, signed_in, words

pytestmark = pytest.mark.django_db

PATH = "/free-times/"


@pytest.fixture
def house() -> Sickness:
    """Give a house that works from nine to eleven, once an hour, years ahead."""
    house = make_sickness(
        default_timezone="Europe/Berlin",
        slot_step=60,
        minimum_notice=timedelta(0),
        booking_horizon=timedelta(days=3650),
    )
    for agent in (house.alan, house.barbara):
        make.make_hours(agent, "09:00", "11:00")
        User.objects.filter(pk=agent.pk).update(timezone="Europe/Berlin")
    return house


@pytest.fixture
def client(house: Sickness) -> Client:
    return signed_in(house.sofia)


def ask(client: Client, house: Sickness, **query: Any) -> Any:
    defaults = {"application": str(house.application.pk), "date": THE_DAY, "minutes": "60"}
    return client.get(PATH, {**defaults, **query})


def test_it_asks_first(client: Client) -> None:
    page = words(client.get(PATH))

    assert "Why not at" in page
    assert "free time" not in page


def test_it_shows_the_free_times_with_who_could_take_each(client: Client, house: Sickness) -> None:
    # 09:00 in Berlin.
    house.book("08:00", agent=house.alan)

    page = words(ask(client, house))

    assert "2 free times of 60 minutes" in page
    assert "09:00 –10:00 Barbara Liskov" in page
    assert "10:00 –11:00 Alan Turing, Barbara Liskov" in page


def test_it_gives_every_agents_verdict_on_a_time(client: Client, house: Sickness) -> None:
    house.book("08:00", agent=house.alan)
    make.make_absence(house.barbara, DAY.date(), DAY.date())

    page = words(ask(client, house, time="09:00"))

    assert "09:00 is not offered" in page
    assert "Alan Turing occupied The agent has something else" in page
    assert "Barbara Liskov absent" in page
    assert "Grace Hopper not working then" in page


def test_a_time_that_is_offered_says_with_whom(client: Client, house: Sickness) -> None:
    page = words(ask(client, house, time="10:00"))

    assert "10:00 is offered" in page
    assert "Alan Turing free" in page


def test_it_asks_for_one_agent_a_skill_and_a_language(client: Client, house: Sickness) -> None:
    skill = make.make_skill(house.alan, "Loans")
    User.objects.filter(pk=house.alan.pk).update(languages=["de"])

    page = words(
        ask(
            client,
            house,
            agent=str(house.alan.pk),
            skill=str(skill.pk),
            language="de",
            time="09:00",
        )
    )
    other = words(ask(client, house, skill=str(skill.pk), language="fr", time="09:00"))

    assert "09:00 –10:00 Alan Turing 10:00" in page
    assert "Alan Turing does not speak the language" in other
    assert "Barbara Liskov lacks the skill" in other


def test_without_minutes_it_is_as_long_as_the_subject_takes(
    client: Client, house: Sickness
) -> None:
    subject = entries.make_subject(house.application.organization, duration=timedelta(minutes=90))

    page = words(ask(client, house, subject=str(subject.pk), minutes=""))

    assert "1 free time of 90 minutes" in page


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"date": "x"}, "Enter a valid date."),
        ({"minutes": "0"}, "greater than or equal to 1"),
        ({"minutes": ""}, "how long"),
        ({"language": "German"}, "at most 2 characters"),
        # In Berlin the clocks go from two to three on this day.
        ({"date": "2031-03-30", "time": "02:30"}, "there is no such time"),
    ],
)
def test_what_cannot_be_answered_is_said(
    client: Client, house: Sickness, query: dict[str, str], text: str
) -> None:
    answer = ask(client, house, **query)

    assert answer.status_code == 400
    assert text in words(answer)


def test_nothing_of_another_house_is_shown(client: Client, house: Sickness) -> None:
    theirs = make_sickness(name="Secret")

    page = client.get(PATH, {"application": str(theirs.application.pk), "date": THE_DAY})

    assert page.status_code == 400
    assert "Secret" not in page.content.decode()
    assert str(theirs.alan.pk) not in page.content.decode()


def test_agents_do_not_see_it(house: Sickness) -> None:
    assert signed_in(house.alan).get(PATH).status_code == 403
    assert Application.objects.exists()
