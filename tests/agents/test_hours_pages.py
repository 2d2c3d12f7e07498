"""The pages of people and their hours: who sees what, and what the forms of them keep."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.models import Absence, Holiday, Organization, Skill, Team, TeamMember, User, UserSkill
from agents.services import hours
from config.kernel.actors import Role
from tests import make
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
# Far enough ahead to be ahead wherever the clock of a page stands.
SOON = timezone.now().date() + 5 * DAY


@pytest.fixture
def house() -> Organization:
    """Give an organisation on the clock of Berlin."""
    return make.make_application(default_timezone="Europe/Berlin").organization


@pytest.fixture
def grace(house: Organization) -> User:
    """Give an agent."""
    return make.make_user(house, first_name="Grace", last_name="Hopper")


@pytest.fixture
def browser(house: Organization) -> Client:
    """Give the browser of a supervisor."""
    return browser_of(make.make_user(house, [Role.SUPERVISOR], first_name="Ida", last_name="Berg"))


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def path_of(user: User) -> str:
    return f"/people/{user.pk}/hours/"


def read(browser: Client, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def a_week(do: str = "save", **times: str) -> dict[str, str]:
    """Give a week as its form sends it: d1_0="09:00-12:00" is the first row of Monday."""
    sent = {"form": "week", "do": do}
    for name, value in times.items():
        weekday, number = name.removeprefix("d").split("_")
        begin, _, end = value.partition("-")
        sent |= {f"from-{weekday}-{number}": begin, f"to-{weekday}-{number}": end}
        sent[f"rows-{weekday}"] = str(int(number) + 1)
    return sent


def week_of(user: User) -> list[str]:
    return [str(one) for one in hours.PEOPLE.week_of(user)]


# --- The list ---------------------------------------------------------------------------------


def test_the_list_shows_who_works_today_who_is_away_and_what_they_can(
    house: Organization, grace: User, browser: Client
) -> None:
    make.make_hours(grace, "08:15", "17:45", weekdays=range(1, 8))
    grace.languages = ["de", "el"]
    grace.save(update_fields=["languages"])
    make.make_skill(grace, "Loans")
    ada = make.make_user(house, first_name="Ada", last_name="Away")
    make.make_absence(ada, SOON - 30 * DAY, SOON)

    page = read(browser, "/people/")

    for text in ("Grace Hopper", "08:15–17:45", "German, Greek", "Loans", "Europe/Berlin"):
        assert text in page
    assert f"{SOON:%-d} {SOON:%b %Y}" in page
    assert "takes no appointments" in page


def test_people_are_found_by_name_and_team(
    house: Organization, grace: User, browser: Client
) -> None:
    team = Team.objects.create(organization=house, name="Night")
    TeamMember.objects.create(organization=house, team=team, user=grace)
    make.make_user(house, first_name="Alan", last_name="Turing")

    found = [
        read(browser, f"/people/?{query}")
        for query in ("name=grace%20hop", f"team={team.pk}", "name=nobody", "team=0&page=x%00")
    ]

    assert ["Grace Hopper" in page for page in found] == [True, True, False, True]
    assert ["Alan Turing" in page for page in found] == [False, False, False, True]
    assert "Nobody is found" in found[2]


def test_people_of_other_organisations_are_not_shown(grace: User) -> None:
    stranger = browser_of(make.make_user(None, [Role.SUPERVISOR]))

    assert "Hopper" not in read(stranger, "/people/")


def test_a_long_list_has_pages_and_asks_as_little_for_many_as_for_one(
    house: Organization, browser: Client
) -> None:
    with CaptureQueriesContext(
        connection,
    ) as few:
        read(browser, "/people/")
    for number in range(55):
        make.make_skill(make.make_user(house, last_name=f"Person {number:02}"), "Loans")

    with CaptureQueriesContext(connection) as many:
        first = read(browser, "/people/")

    assert "Page 1 of 2" in first
    assert "Person 54" in read(browser, "/people/?page=2")
    assert len(many) == len(few)


def test_an_agent_comes_to_its_own_hours(grace: User) -> None:
    browser = browser_of(grace)

    assert browser.get("/people/")["Location"] == path_of(grace)
    assert 'href="/people/"' in read(browser, "/")


# --- One person -------------------------------------------------------------------------------


def test_a_week_is_kept_and_shown_with_the_days_that_come_out_of_it(
    grace: User, browser: Client
) -> None:
    answer = browser.post(
        path_of(grace), a_week(d1_0="09:00-12:00", d1_1="13:00-17:00", d7_0="22:00-00:00")
    )

    assert answer["Location"] == path_of(grace)
    assert week_of(grace) == ["Monday 09:00–12:00", "Monday 13:00–17:00", "Sunday 22:00–24:00"]
    page = read(browser, path_of(grace))
    assert page.count("09:00–12:00, 13:00–17:00") == 2
    assert page.count("22:00–24:00") == 2
    assert 'value="13:00"' in page
    assert "Times on the clock of Europe/Berlin." in page


def test_another_interval_and_a_copied_monday_are_not_kept_until_the_week_is_saved(
    grace: User, browser: Client
) -> None:
    before = everything()
    more = browser.post(path_of(grace), a_week("more-3", d1_0="09:00-12:00")).content.decode()
    copied = browser.post(path_of(grace), a_week("copy", d1_0="09:00-12:00")).content.decode()

    assert everything() == before
    assert 'name="from-3-1"' in more
    assert 'name="from-4-1"' not in more
    assert [f'name="from-{day}-0" value="09:00"' in copied for day in range(1, 8)] == [True] * 5 + [
        False
    ] * 2


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ({"d2_0": "09:00-12:00", "d2_1": "11:00-13:00"}, "09:00–12:00 and 11:00–13:00 overlap."),
        ({"d2_0": "09:00-"}, "Give both times, or neither."),
        ({"d2_0": "nine-12:00"}, "This is no time: write 09:00."),
        ({"d2_0": "12:00-09:00"}, "The end is before the start"),
    ],
)
def test_what_makes_no_sense_is_said_with_what_was_typed_in(
    grace: User, browser: Client, times: dict[str, str], words: str
) -> None:
    make.make_hours(grace)
    before = everything()

    answer = browser.post(path_of(grace), a_week(**times))

    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert 'value="12:00"' in answer.content.decode() or times == {"d2_0": "09:00-"}
    assert everything() == before


def test_a_single_day_is_kept_shown_and_taken_away(grace: User, browser: Client) -> None:
    make.make_hours(grace)
    sent = {"form": "day", "day-day": SOON.isoformat(), "day-from-0": "10:00", "day-to-0": "11:30"}

    browser.post(path_of(grace), sent)
    page = read(browser, f"{path_of(grace)}?day={SOON}")
    browser.post(f"/people/{grace.pk}/days/{SOON}/clear/")

    assert page.count("10:00–11:30") == 2
    assert 'value="11:30"' in page
    assert hours.PEOPLE.day_of(grace, SOON) is None


def test_a_free_day_is_said_to_be_one(grace: User, browser: Client) -> None:
    nothing = {"form": "day", "day-day": SOON.isoformat(), "day-from-0": "", "day-to-0": ""}

    refused = browser.post(path_of(grace), nothing)
    kept = browser.post(path_of(grace), {**nothing, "day-is_free": "on"})

    assert "Either give hours, or say that there are none." in refused.content.decode()
    assert kept.status_code == 302
    assert hours.PEOPLE.day_of(grace, SOON) == []


def absence(first: date, last: date, prefix: str = "absence-", **facts: str) -> dict[str, str]:
    sent = {"first_day": str(first), "last_day": str(last), "reason": "SICK", "note": "", **facts}
    return {"form": "absence", **{f"{prefix}{name}": value for name, value in sent.items()}}


def test_an_absence_is_added_changed_and_taken_back(grace: User, browser: Client) -> None:
    browser.post(path_of(grace), absence(SOON, SOON + DAY, note="Call the ward"))
    made = Absence.objects.get()
    page = read(browser, path_of(grace))
    shown = read(browser, f"/absences/{made.pk}/")
    browser.post(f"/absences/{made.pk}/", absence(SOON, SOON, prefix="", reason="TRAINING"))
    made.refresh_from_db()
    browser.post(f"/absences/{made.pk}/", {"do": "delete"})

    assert "Call the ward" in page
    assert page.count('<span class="tag tag-amber">Sick</span>') == 2
    assert f'value="{SOON + DAY}"' in shown
    assert (made.ends_on, made.reason) == (SOON, "TRAINING")
    assert list(Absence.objects.all()) == []


def test_an_absence_that_makes_no_sense_is_said_in_its_form(grace: User, browser: Client) -> None:
    made = make.make_absence(grace, SOON, SOON)
    before = everything()
    answers = [
        browser.post(path_of(grace), absence(SOON, SOON - DAY)),
        browser.post(f"/absences/{made.pk}/", absence(SOON, SOON - DAY, prefix="")),
        browser.post(path_of(grace), absence(SOON, SOON, reason="BORED")),
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 400]
    assert "The last day is before the first one." in answers[0].content.decode()
    assert "The last day is before the first one." in answers[1].content.decode()
    assert everything() == before


def test_skills_and_languages_are_kept(house: Organization, grace: User, browser: Client) -> None:
    loans = Skill.objects.create(organization=house, name="Loans")
    make.make_skill(grace, "Cards")
    sent = {"form": "abilities", "can-languages": "DE, el", "can-daily_maximum": "6"}

    answer = browser.post(path_of(grace), {**sent, f"can-skill-{loans.pk}": "70"})
    refused = browser.post(path_of(grace), {**sent, "can-languages": "German"})

    grace.refresh_from_db()
    assert answer.status_code == 302
    assert (grace.languages, grace.daily_maximum) == (["de", "el"], 6)
    assert list(UserSkill.objects.values_list("skill__name", "level")) == [("Loans", 70)]
    assert refused.status_code == 400
    assert "is no language" in refused.content.decode()


def test_an_agent_reads_its_own_hours_and_changes_nothing(grace: User) -> None:
    make.make_hours(grace)
    away = make.make_absence(grace, SOON, SOON, note="Call me")
    browser, before = browser_of(grace), everything()

    page = read(browser, path_of(grace))
    refused = [
        browser.post(path_of(grace), a_week(d1_0="09:00-12:00")),
        browser.post(path_of(grace), absence(SOON, SOON)),
        browser.post(f"/people/{grace.pk}/days/{SOON}/clear/"),
        browser.get(f"/absences/{away.pk}/"),
        browser.post(f"/absences/{away.pk}/", {"do": "delete"}),
    ]

    assert "Your hours" in page
    assert "Call me" in page
    assert "Monday 09:00–17:00" in page
    assert "<form" not in page.partition("<main")[2]
    assert [answer.status_code for answer in refused] == [403] * 5
    assert everything() == before


def everything_of(user: User, away: Absence) -> list[tuple[str, str]]:
    return [
        ("get", path_of(user)),
        ("post", path_of(user)),
        ("post", f"/people/{user.pk}/days/{SOON}/clear/"),
        ("get", f"/absences/{away.pk}/"),
        ("post", f"/absences/{away.pk}/"),
    ]


@pytest.mark.parametrize("is_colleague", [True, False])
def test_for_a_colleague_and_for_another_house_somebody_does_not_exist(
    grace: User, is_colleague: bool
) -> None:
    make.make_working_day(grace, SOON)
    away = make.make_absence(grace, SOON, SOON)
    other = (
        make.make_user(grace.organization)
        if is_colleague
        else make.make_user(None, [Role.SUPERVISOR, Role.ADMIN])
    )
    browser, before = browser_of(other), everything()

    answers: list[Any] = [
        getattr(browser, method)(path) for method, path in everything_of(grace, away)
    ]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert everything() == before


def test_what_no_page_sends_is_not_found(grace: User, browser: Client) -> None:
    answers = [
        browser.post(path_of(grace), {"form": "nothing"}),
        browser.post(f"/people/{grace.pk}/days/someday/clear/"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert browser.get(f"{path_of(grace)}?day=someday").status_code == 200
    # Rows that nobody can count are one.
    assert browser.post(path_of(grace), {**a_week(), "rows-1": "9" * 50}).status_code == 302


# --- Holidays and skills of the house ---------------------------------------------------------


def test_a_holiday_is_added_changed_and_taken_out(grace: User, browser: Client) -> None:
    browser.post("/holidays/", {"day": str(SOON), "name": "Carnival"})
    twice = browser.post("/holidays/", {"day": str(SOON), "name": "Again"})
    made = Holiday.objects.get()
    browser.post(f"/holidays/{made.pk}/", {"day": str(SOON), "name": "Great carnival"})
    pages = [
        read(browser, path) for path in ("/holidays/", f"/holidays/{made.pk}/", path_of(grace))
    ]
    browser.post(f"/holidays/{made.pk}/", {"do": "delete"})

    assert (twice.status_code, Holiday.objects.count()) == (409, 0)
    assert ["Great carnival" in page for page in pages] == [True] * 3


def test_agents_read_holidays_and_strangers_do_not_see_them(grace: User) -> None:
    assert grace.organization
    made = make.make_holiday(grace.organization, SOON, name="Carnival")
    agent = browser_of(grace)
    stranger = browser_of(make.make_user(None, [Role.SUPERVISOR]))
    before = everything()

    assert "Carnival" in read(agent, "/holidays/")
    assert "<form" not in read(agent, "/holidays/").partition("<main")[2]
    assert "Carnival" not in read(stranger, "/holidays/")
    answers = [
        browser.post(path, {"day": str(SOON), "name": "Mine", "do": do})
        for browser, path, do in (
            (agent, "/holidays/", "save"),
            (agent, f"/holidays/{made.pk}/", "delete"),
            (stranger, f"/holidays/{made.pk}/", "save"),
            (stranger, f"/holidays/{made.pk}/", "delete"),
        )
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 404, 404]
    assert everything() == before


def test_a_skill_is_added_renamed_and_deleted(grace: User, browser: Client) -> None:
    browser.post("/skills/", {"name": "Loans", "description": "Of all kinds"})
    twice = browser.post("/skills/", {"name": "Loans"})
    made = Skill.objects.get()
    browser.post(f"/skills/{made.pk}/", {"name": "Mortgages"})
    make.make_skill(grace, "Mortgages")
    pages = [read(browser, path) for path in ("/skills/", f"/skills/{made.pk}/", path_of(grace))]
    browser.post(f"/skills/{made.pk}/", {"do": "delete"})

    assert twice.status_code == 409
    assert ["Mortgages" in page for page in pages] == [True] * 3
    assert "1 person has it, and loses it" in pages[1]
    assert list(Skill.objects.all()) == []


def test_skills_are_for_supervisors_of_the_house(grace: User) -> None:
    made = make.make_skill(grace, "Loans")
    stranger = browser_of(make.make_user(None, [Role.SUPERVISOR]))

    assert browser_of(grace).get("/skills/").status_code == 403
    assert browser_of(grace).get(f"/skills/{made.pk}/").status_code == 403
    assert "Loans" not in read(stranger, "/skills/")
    assert stranger.get(f"/skills/{made.pk}/").status_code == 404
    assert stranger.post(f"/skills/{made.pk}/", {"do": "delete"}).status_code == 404


def test_nobody_comes_in_without_having_signed_in(grace: User) -> None:
    for path in ("/people/", path_of(grace), "/holidays/", "/skills/"):
        assert Client().get(path)["Location"].startswith("/login/")
