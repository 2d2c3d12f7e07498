"""Hours, holidays and skills in the admin: the same commands, and the same refusals."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.urls import reverse

from agents.models import Holiday, Skill, User, UserSkill, WorkingDay, WorkingHours
from agents.services import hours
from appointments.models import Office, OfficeDay, OfficeHours
from appointments.services import office_hours
from config.kernel.actors import Role
from notifications.models import OutboxEvent
from tests import make
from tests.appointments import entries

if TYPE_CHECKING:
    from django.db.models import Model

pytestmark = pytest.mark.django_db

MONDAY = date(2027, 2, 8)


@pytest.fixture
def grace() -> User:
    """Give an agent."""
    return make.make_user(make.make_organization(), first_name="Grace", last_name="Hopper")


@pytest.fixture
def office(grace: User) -> Office:
    """Give an office of the same organisation."""
    assert grace.organization
    return entries.make_office(grace.organization)


@pytest.fixture
def browser(grace: User) -> Client:
    """Give the browser of an administrator."""
    client = Client()
    client.force_login(make.make_user(grace.organization, [Role.ADMIN]))
    return client


def url(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def errors_of(answer: Any) -> list[str]:
    found: list[str] = answer.context["errors"]
    return [str(line) for lines in found for line in lines]


def last_event() -> tuple[str, str]:
    last = OutboxEvent.objects.order_by("recorded_at").last()
    assert last is not None
    return last.type, last.origin


def interval(begin: str, end: str, **facts: object) -> dict[str, str]:
    return {"starts_at": begin, "ends_at": end, **{key: str(fact) for key, fact in facts.items()}}


def test_an_interval_is_added_changed_and_taken_out(grace: User, browser: Client) -> None:
    make.make_hours(grace, weekdays=[2])
    browser.post(
        url(WorkingHours, "add"),
        interval("09:00", "17:00", weekday=1, user=grace.pk, organization=grace.organization_id),
    )
    added = WorkingHours.objects.get(weekday=1)
    browser.post(url(WorkingHours, "change", added.pk), interval("09:00", "12:00", weekday=1))
    changed = WorkingHours.objects.get(weekday=1)
    week = [str(one) for one in hours.PEOPLE.week_of(grace)]
    browser.post(url(WorkingHours, "delete", changed.pk), {"post": "yes"})

    assert week == ["Monday 09:00–12:00", "Tuesday 09:00–17:00"]
    assert [str(one) for one in hours.PEOPLE.week_of(grace)] == ["Tuesday 09:00–17:00"]
    assert last_event() == ("user.hours_changed", "admin")
    assert OutboxEvent.objects.of(grace.pk).count() == 3


def test_what_overlaps_is_said_in_the_form(grace: User, browser: Client) -> None:
    make.make_hours(grace, weekdays=[1])

    answer = browser.post(
        url(WorkingHours, "add"),
        interval("16:00", "18:00", weekday=1, user=grace.pk, organization=grace.organization_id),
    )

    assert errors_of(answer) == ["09:00–17:00 and 16:00–18:00 overlap."]
    assert WorkingHours.objects.count() == 1


def test_a_single_day_is_added_freed_and_taken_out(grace: User, browser: Client) -> None:
    whose = {"user": grace.pk, "organization": grace.organization_id, "day": MONDAY}
    browser.post(url(WorkingDay, "add"), interval("09:00", "12:00", **whose))
    too_much = browser.post(url(WorkingDay, "add"), interval("", "", **whose))
    one = WorkingDay.objects.get()
    browser.post(url(WorkingDay, "change", one.pk), interval("", ""))
    freed = hours.PEOPLE.day_of(grace, MONDAY)
    browser.post(url(WorkingDay, "delete", WorkingDay.objects.get().pk), {"post": "yes"})

    assert errors_of(too_much) == ["The day has other hours: it is not free."]
    assert freed == []
    assert hours.PEOPLE.day_of(grace, MONDAY) is None
    assert last_event() == ("user.day_changed", "admin")


def test_half_an_interval_is_refused(grace: User, browser: Client) -> None:
    whose = {"user": grace.pk, "organization": grace.organization_id, "day": MONDAY}

    answer = browser.post(url(WorkingDay, "add"), interval("09:00", "", **whose))

    assert "Give both times, or neither." in errors_of(answer)
    assert not WorkingDay.objects.exists()


def test_hours_of_an_office_are_the_commands_too(office: Office, browser: Client) -> None:
    whose = {"office": office.pk, "organization": office.organization_id}
    browser.post(url(OfficeHours, "add"), interval("09:00", "17:00", weekday=1, **whose))
    browser.post(url(OfficeDay, "add"), interval("", "", day=MONDAY, **whose))
    closed = office_hours.OFFICES.day_of(office, MONDAY)
    week = [str(one) for one in office_hours.OFFICES.week_of(office)]
    for row in (OfficeHours.objects.get(), OfficeDay.objects.get()):
        browser.post(url(type(row), "delete", row.pk), {"post": "yes"})

    assert (week, closed) == (["Monday 09:00–17:00"], [])
    assert not OfficeHours.objects.exists()
    assert not OfficeDay.objects.exists()
    assert OutboxEvent.objects.of(office.pk).filter(type__startswith="office.").count() == 4


def test_holidays_and_skills_are_the_commands_too(grace: User, browser: Client) -> None:
    whose = {"organization": str(grace.organization_id)}
    browser.post(url(Holiday, "add"), {"day": "2027-02-08", "name": "Carnival", **whose})
    twice = browser.post(url(Holiday, "add"), {"day": "2027-02-08", "name": "Again", **whose})
    browser.post(url(Skill, "add"), {"name": "Loans", **whose})
    skill = Skill.objects.get()
    given = {"user": str(grace.pk), "skill": str(skill.pk), "level": "7", **whose}
    browser.post(url(UserSkill, "add"), given)

    assert twice.status_code == 200
    assert Holiday.objects.get().name == "Carnival"
    assert UserSkill.objects.get().level == 7
    browser.post(url(UserSkill, "delete", UserSkill.objects.get().pk), {"post": "yes"})
    browser.post(url(Skill, "change", skill.pk), {"name": "Mortgages"})
    browser.post(url(Holiday, "delete", Holiday.objects.get().pk), {"post": "yes"})
    assert sorted(OutboxEvent.objects.values_list("type", flat=True)) == [
        "holiday.added",
        "holiday.deleted",
        "skill.added",
        "skill.changed",
        "user.abilities_changed",
        "user.abilities_changed",
    ]


def test_languages_of_a_user_are_the_command_too(grace: User, browser: Client) -> None:
    page = browser.get(url(User, "change", grace.pk))
    form = page.context["adminform"].form
    data = {
        name: form[name].value() for name in form.fields if form[name].value() not in (None, False)
    }
    data |= {"languages": "de,en,de", "daily_maximum": "8", "function": "{}"}

    answer = browser.post(url(User, "change", grace.pk), data)

    grace.refresh_from_db()
    assert answer.status_code == 302, answer.context["errors"]
    assert (grace.languages, grace.daily_maximum) == (["de", "en"], 8)
    assert last_event() == ("user.abilities_changed", "admin")


def test_an_application_has_what_customers_are_held_to(grace: User, browser: Client) -> None:
    application = make.make_application(grace.organization)

    form = browser.get(url(type(application), "change", application.pk)).context["adminform"].form

    assert form.fields.keys() >= {
        "slot_step",
        "minimum_notice",
        "booking_horizon",
        "buffer_before",
        "buffer_after",
        "embed_origins",
    }
