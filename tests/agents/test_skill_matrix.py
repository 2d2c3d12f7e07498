"""The table of skills and levels: only what was changed on the page is changed."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from agents.models import Skill, User, UserSkill
from config.kernel.actors import Role
from tests.make import make_organization, make_skill, make_user

pytestmark = pytest.mark.django_db

PATH = "/skills/matrix/"


@pytest.fixture
def ada() -> User:
    """Give an agent who can do loans well."""
    person = make_user(make_organization(), first_name="Ada", last_name="Able")
    make_skill(person, "Loans", level=50)
    return person


@pytest.fixture
def ben(ada: User) -> User:
    """Give a colleague who knows something about cards."""
    person = make_user(ada.organization, first_name="Ben", last_name="Baker")
    make_skill(person, "Cards", level=10)
    return person


def browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


@pytest.fixture
def browser(ada: User, ben: User) -> Client:
    """Give the browser of a supervisor of both."""
    return browser_of(make_user(ada.organization, [Role.SUPERVISOR], last_name="Chief"))


def field(user: User, skill: str) -> str:
    return f"level-{user.pk}-{Skill.objects.get(name=skill).pk}"


def typed(browser: Client, **levels: object) -> dict[str, Any]:
    """Give what the page sends, with some levels typed in."""
    form = browser.get(PATH).context["form"]
    shown = {name: form[name].value() for name in form.fields}
    return {name: "" if value is None else value for name, value in {**shown, **levels}.items()}


def levels() -> set[tuple[str, str, int]]:
    rows = UserSkill.objects.values_list("user__first_name", "skill__name", "level")
    return set(rows)


def test_everybody_stands_in_a_row_with_a_field_for_each_skill(browser: Client, ada: User) -> None:
    page = browser.get(PATH)

    rows = page.context["form"].rows
    assert [str(row.person) for row in rows] == ["Ada Able", "Ben Baker", "Chief"]
    assert [[one.value() for one in row.fields] for row in rows] == [
        [None, 50],
        [10, None],
        [None, None],
    ]
    assert 'aria-label="Ada Able: Loans"' in page.content.decode()


def test_levels_are_given_changed_and_taken_away_at_once(
    browser: Client, ada: User, ben: User
) -> None:
    sent = typed(
        browser,
        **{field(ada, "Loans"): "80", field(ada, "Cards"): "0", field(ben, "Cards"): ""},
    )

    answer = browser.post(PATH, sent)

    assert answer["Location"] == PATH
    assert levels() == {("Ada", "Loans", 80), ("Ada", "Cards", 0)}
    assert "The skills of 2 people are changed." in browser.get(PATH).content.decode()


def test_what_somebody_else_changed_meanwhile_stays(browser: Client, ada: User, ben: User) -> None:
    sent = typed(browser, **{field(ben, "Loans"): "5"})
    UserSkill.objects.filter(user=ada).update(level=99)

    browser.post(PATH, sent)

    assert levels() == {("Ada", "Loans", 99), ("Ben", "Cards", 10), ("Ben", "Loans", 5)}


@pytest.mark.parametrize("level", ["101", "-1", "much"])
def test_one_wrong_level_changes_nothing(browser: Client, ada: User, ben: User, level: str) -> None:
    sent = typed(browser, **{field(ada, "Loans"): "80", field(ben, "Cards"): level})

    answer = browser.post(PATH, sent)

    assert answer.status_code == 400
    assert "Nothing is changed" in answer.content.decode()
    assert levels() == {("Ada", "Loans", 50), ("Ben", "Cards", 10)}


@pytest.mark.parametrize("before", ["", "[1]", "{", '{"level-x": "y"}'])
def test_a_page_that_says_not_what_it_showed_is_taken_as_it_is(
    browser: Client, ada: User, before: str
) -> None:
    browser.post(PATH, {**typed(browser, **{field(ada, "Loans"): "7"}), "before": before})

    assert levels() == {("Ada", "Loans", 7), ("Ben", "Cards", 10)}


def test_the_table_is_for_those_who_plan_in_the_house(ada: User, ben: User) -> None:
    stranger = browser_of(make_user(make_organization(), [Role.SUPERVISOR]))

    assert browser_of(ada).get(PATH).status_code == 403
    assert browser_of(ada).post(PATH, {}).status_code == 403
    assert "Ada" not in stranger.get(PATH).content.decode()
    stranger.post(PATH, {field(ada, "Loans"): "1"})
    assert Client().get(PATH)["Location"].startswith("/login/")
    assert levels() == {("Ada", "Loans", 50), ("Ben", "Cards", 10)}


def test_a_page_has_room_for_so_many(browser: Client, ada: User) -> None:
    for number in range(25):
        make_skill(ada, f"Skill {number:02}")

    first, second = (browser.get(PATH, {"skills": page}).context for page in ("1", "2"))

    assert [len(page["form"].rows[0].fields) for page in (first, second)] == [20, 7]


def test_without_skills_there_is_nothing_to_fill_in() -> None:
    browser = browser_of(make_user(make_organization(), [Role.SUPERVISOR]))

    assert "There is nothing to fill in" in browser.get(PATH).content.decode()
