"""Absences: whole days on which somebody does not work, and who writes them down."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from agents.models import Absence, AbsenceReason, User
from config.kernel import limits
from config.kernel.actors import Role
from config.kernel.database import constraint_of
from tests.make import make_absence, make_organization, make_user

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
MONDAY = date(2027, 2, 8)


@pytest.fixture
def grace() -> User:
    """Give somebody who works here."""
    return make_user(make_organization(), first_name="Grace", last_name="Hopper")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def typed_in(grace: User, **facts: str) -> dict[str, str]:
    defaults = {
        "organization": str(grace.organization_id),
        "user": str(grace.pk),
        "starts_on": "2027-02-08",
        "ends_on": "2027-02-12",
        "reason": "TRAINING",
        "note": "In Ghent",
    }
    return {**defaults, **facts}


def test_one_day_is_an_absence(grace: User) -> None:
    away = make_absence(grace, MONDAY, MONDAY)

    assert str(away) == "Vacation, 2027-02-08 to 2027-02-08"


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        (MONDAY, MONDAY - DAY, "absence_ends_after_start"),
        (date(limits.YEAR_MIN - 1, 12, 31), MONDAY, "absence_within_the_years"),
        (MONDAY, date(limits.YEAR_MAX + 1, 1, 1), "absence_within_the_years"),
    ],
)
def test_days_that_make_no_sense_are_refused_by_the_database(
    grace: User, first: date, last: date, name: str
) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        make_absence(grace, first, last)

    assert constraint_of(refused.value) == name


def test_a_reason_that_nobody_knows_is_refused_by_the_database(grace: User) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        make_absence(grace, MONDAY, MONDAY, reason="BORED")

    assert constraint_of(refused.value) == "absence_reason_known"


def test_days_that_make_no_sense_are_refused_by_forms_too(grace: User) -> None:
    away = Absence(
        organization=grace.organization,
        user=grace,
        starts_on=MONDAY,
        ends_on=date(limits.YEAR_MAX + 1, 1, 1),
    )

    with pytest.raises(ValidationError) as refused:
        away.full_clean()

    assert "ends_on" in refused.value.message_dict


@pytest.mark.parametrize(
    ("first", "last", "is_found"),
    [
        (MONDAY - 2 * DAY, MONDAY - DAY, False),
        (MONDAY - DAY, MONDAY, True),
        (MONDAY + DAY, MONDAY + DAY, True),
        (MONDAY - DAY, MONDAY + 9 * DAY, True),
        (MONDAY + 4 * DAY, MONDAY + 9 * DAY, True),
        (MONDAY + 5 * DAY, MONDAY + 9 * DAY, False),
    ],
)
def test_between_keeps_what_has_a_day_of_them(
    grace: User, first: date, last: date, is_found: bool
) -> None:
    make_absence(grace, MONDAY, MONDAY + 4 * DAY)

    assert Absence.objects.between(first, last).exists() == is_found


def test_calendars_are_told_why_only_where_it_says_nothing_of_health() -> None:
    told = {reason: Absence(reason=reason).told for reason in AbsenceReason}

    assert told == {
        "VACATION": "Vacation",
        "SICK": "Absent",
        "TRAINING": "Training",
        "OTHER": "Absent",
    }


def test_an_administrator_writes_an_absence_down_and_takes_it_back(grace: User) -> None:
    browser = signed_in(make_user(grace.organization, [Role.ADMIN]))

    browser.post(reverse("admin:agents_absence_add"), typed_in(grace))
    written = Absence.objects.get()
    listed = browser.get(reverse("admin:agents_absence_changelist"))
    browser.post(reverse("admin:agents_absence_delete", args=[written.pk]), {"post": "yes"})

    assert (written.user, written.ends_on, written.note) == (grace, date(2027, 2, 12), "In Ghent")
    assert "Grace Hopper" in listed.content.decode()
    assert list(Absence.objects.all()) == []


@pytest.mark.parametrize(
    "facts", [{"ends_on": "2027-02-07"}, {"ends_on": "2999-01-01"}, {"reason": "BORED"}]
)
def test_what_makes_no_sense_is_said_in_the_form(grace: User, facts: dict[str, str]) -> None:
    browser = signed_in(make_user(grace.organization, [Role.ADMIN]))

    answer = browser.post(reverse("admin:agents_absence_add"), typed_in(grace, **facts))

    assert answer.status_code == 200
    assert answer.context["errors"]
    assert list(Absence.objects.all()) == []


def test_nobody_is_written_down_who_works_elsewhere(grace: User) -> None:
    stranger = make_user(make_organization())
    browser = signed_in(make_user(grace.organization, [Role.ADMIN]))

    answer = browser.post(
        reverse("admin:agents_absence_add"), typed_in(grace, user=str(stranger.pk))
    )

    assert answer.status_code == 200
    assert list(Absence.objects.all()) == []
