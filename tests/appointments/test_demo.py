"""The demonstration organisations' catalogue."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import call_command

from agents.models import Organization
from appointments.models import LeadSegment, Office, Question, Subject
from appointments.services import catalogue
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
