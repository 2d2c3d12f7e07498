"""The demonstration organisations' catalogue."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import call_command

from agents.models import Holiday, Organization, Skill, User, UserSkill, WorkingHours
from agents.services import hours
from agents.services.intervals import checked_week
from appointments.models import LeadSegment, Office, Question, Subject
from appointments.services import catalogue, office_hours
from appointments.services.catalogue import Kind
from tests.appointments.entries import administrator
from tests.contract.state import everything

pytestmark = pytest.mark.django_db


@pytest.fixture
def houses() -> list[Organization]:
    """Give the demonstration organisations."""
    call_command("demo", stdout=io.StringIO())
    return list(Organization.objects.all())


def test_each_organisation_has_a_small_catalogue(houses: list[Organization]) -> None:
    for house in houses:
        counts = {
            kind.name: kind.model._default_manager.filter(organization=house).count()
            for kind in catalogue.KINDS
        }
        assert counts == {
            "subject_group": 2,
            "subject": 4,
            "office": 2,
            "listing": 1,
            "lead_segment": 2,
            "form": 1,
        }
        subjects = Subject.objects.filter(organization=house)
        assert subjects.filter(needs_acceptance=True).count() == 1
        assert subjects.filter(questionnaire_form__isnull=False).count() == 1
        assert Question.objects.filter(organization=house).count() == 2


@pytest.mark.parametrize("kind", catalogue.KINDS, ids=lambda kind: kind.name)
def test_every_entry_is_one_that_the_api_would_take(
    kind: Kind[Any], houses: list[Organization]
) -> None:
    for one in kind.model._default_manager.all():
        values = kind.values(one)
        assert kind.checked(values, organization_id=one.organization_id).items() >= values.items()
        if isinstance(values.get("name"), dict):
            assert values["name"].keys() == {"en", "de", "el"}


def test_loaded_again_it_makes_nothing_twice(houses: list[Organization]) -> None:
    before = everything()

    call_command("demo", stdout=io.StringIO())

    # Organisations are said anew, as they were.
    assert everything() == before


def test_numbers_go_on_after_those_of_the_demonstration(houses: list[Organization]) -> None:
    house = houses[0]

    made = catalogue.create_entry(
        catalogue.LEAD_SEGMENTS,
        {"code": "VIP"},
        actor=administrator(house),
        now=house.created_at,
    )

    assert made.number == 3
    assert LeadSegment.objects.filter(organization=house).count() == 3


def test_offices_lie_where_they_say(houses: list[Organization]) -> None:
    countries = {one.timezone: one.location["countryCode"] for one in Office.objects.all()}

    assert countries == {"Europe/Berlin": "DE", "Europe/Athens": "GR"}


def test_people_and_an_office_keep_hours(houses: list[Organization]) -> None:
    for house in houses:
        agents = User.objects.filter(organization=house).agents().order_by("username")
        weeks = [[str(one) for one in hours.PEOPLE.week_of(agent)] for agent in agents]
        assert weeks[0] == weeks[1]
        assert weeks[0][:2] == ["Monday 09:00–12:30", "Monday 13:30–17:00"]
        assert (len(weeks[0]), weeks[2][-1]) == (10, "Saturday 10:00–14:00")
        assert [agent.languages for agent in agents] == [["en", "de"], ["en"], ["en", "de", "el"]]
        assert UserSkill.objects.filter(organization=house).count() == 4
        assert Holiday.objects.filter(organization=house).exists()
        berlin = Office.objects.get(organization=house, timezone="Europe/Berlin")
        assert str(office_hours.OFFICES.week_of(berlin)[0]) == "Monday 08:00–18:00"


def test_hours_are_those_that_the_pages_would_take(houses: list[Organization]) -> None:
    for agent in User.objects.agents():
        week = hours.PEOPLE.week_of(agent)
        assert checked_week(week) == week


def test_what_somebody_has_changed_stays_as_it_is(houses: list[Organization]) -> None:
    house = houses[0]
    WorkingHours.objects.filter(organization=house, weekday=1).delete()
    Skill.objects.filter(organization=house).first().delete()  # type: ignore[union-attr]  # there are two
    before = everything()

    call_command("demo", stdout=io.StringIO())

    assert everything() == before
