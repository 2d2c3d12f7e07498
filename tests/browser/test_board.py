"""The live board in a real browser: what changes is seen at once, and only by its own house."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from agents.cometd.names import WAKE
from agents.models import Team, TeamMember, User, WorkState
from agents.services import outside_calls
from config.kernel.actors import Role
from tests.agents.desk.desk import (
    make_channel,
    make_house,
    make_queue,
)
from tests.agents.desk.telephony import Phone, connect
from tests.browser.desk_server import server_url
from tests.browser.test_accessibility import axe, examiner
from tests.make import make_skill, make_user

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis as redis_client
    from playwright.sync_api import Locator, Page

    from agents.models import Organization
    from tests.browser.axe import Examiner

__all__ = ["axe", "examiner", "server_url"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def house() -> Organization:
    """Give an organisation that has all parts of the desk."""
    return make_house()


@pytest.fixture
def open_board(page_of: Callable[[User], Page], house: Organization) -> Callable[[], Page]:
    """Give what opens the board of a supervisor, and waits until it is live."""

    def open_board() -> Page:
        page = page_of(make_user(house, [Role.SUPERVISOR], first_name="Sue", last_name="Boss"))
        page.goto("/desk/live/")
        expect(page.get_by_text("Live", exact=True).last).to_be_visible()
        expect(page.get_by_role("status").filter(has_text="All")).to_be_visible()
        return page

    return open_board


def phone(house: Organization, name: str, state: WorkState = WorkState.READY) -> Phone:
    """Let somebody be logged in on a telephone."""
    made = Phone(house, state=state)
    made.user.first_name, _, made.user.last_name = name.partition(" ")
    made.user.save()
    return made


def row(page: Page, name: str) -> Locator:
    """Give how somebody is shown."""
    people = page.get_by_role("region", name="People").get_by_role("listitem")
    return people.filter(has=page.locator("strong", has_text=name))


def panel(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


def count(page: Page, state: str, number: int) -> None:
    """See how many stand so."""
    expect(page.get_by_role("button", name=f"{state} {number}", exact=True)).to_be_visible()


def test_a_state_that_is_set_is_seen_without_reloading(
    open_board: Callable[[], Page], house: Organization
) -> None:
    ben = phone(house, "Ben Larsen")
    make_channel(ben.user, "chat")
    page = open_board()
    page.evaluate("window.isTheSame = true")
    expect(row(page, "Ben Larsen")).to_contain_text("Ready")
    count(page, "Ready", 1)

    ben.desktop.post("/me", "AfterCallWork")

    expect(row(page, "Ben Larsen")).to_contain_text("AfterCallWork")
    expect(row(page, "Ben Larsen")).to_contain_text("Chat: AfterCallWork")
    expect(row(page, "Ben Larsen")).to_contain_text(re.compile(r"0:0[1-9]"))
    count(page, "Ready", 0)
    count(page, "AfterCallWork", 1)
    ben.desktop.post("/me", "DoNotDisturbOn")
    count(page, "Do not disturb", 1)
    ben.desktop.post("/me", "DoNotDisturbOff")
    count(page, "Do not disturb", 0)
    assert page.evaluate("window.isTheSame")


def test_a_call_is_followed_from_the_first_ring_to_its_end(
    open_board: Callable[[], Page], house: Organization
) -> None:
    ben, cara = phone(house, "Ben Larsen"), phone(house, "Cara Diaz")
    page = open_board()
    expect(page.get_by_text("Nobody is in a call.")).to_be_visible()

    ben.dial(cara.number)
    expect(panel(page, "Calls")).to_contain_text("Ben Larsen (dials), Cara Diaz (rings)")
    cara.do("Answer")
    expect(row(page, "Cara Diaz")).to_contain_text("In a call")
    expect(row(page, "Cara Diaz")).to_contain_text("Ben Larsen")
    listen = row(page, "Cara Diaz").get_by_role("link", name="Listen in: Cara Diaz")
    assert listen.get_attribute("href") == f"/desk/?listen={cara.device.pk}"
    cara.do("Hold")
    expect(panel(page, "Calls")).to_contain_text("Cara Diaz (on hold)")
    ben.do("Hangup")

    expect(page.get_by_text("Nobody is in a call.")).to_be_visible()
    expect(row(page, "Cara Diaz")).to_contain_text("Ready")


def test_who_waits_in_a_queue_is_counted(
    open_board: Callable[[], Page], house: Organization
) -> None:
    ben = phone(house, "Ben Larsen", WorkState.NOT_READY)
    queue = make_queue(ben.user, name="Service")
    page = open_board()
    expect(panel(page, "Queues")).to_contain_text("Nobody waits")

    dialling = phone(house, "Cara Diaz")
    dialling.dial(queue.phone_number)
    expect(panel(page, "Queues")).to_contain_text("1 waiting")
    outside_calls.take_in_call(
        house.pk, queue.phone_number, caller="+4930901820", now=timezone.now()
    )
    # Nobody's desktop hears of it, so that it comes with the next that one hears.
    ben.desktop.post("/me", "AuxWork")

    expect(panel(page, "Queues")).to_contain_text("2 waiting")
    # Who has come since is on the board too.
    expect(row(page, "Cara Diaz")).to_contain_text("Dialing")


def test_people_are_found_by_state_team_skill_and_words(
    open_board: Callable[[], Page], house: Organization
) -> None:
    ben, cara = phone(house, "Ben Larsen"), phone(house, "Cara Diaz", WorkState.NOT_READY)
    team = Team.objects.create(organization=house, name="Loans")
    TeamMember.objects.create(organization=house, team=team, user=ben.user)
    make_skill(cara.user, "French")
    page = open_board()

    def shown() -> list[str]:
        people = panel(page, "People").get_by_role("listitem").locator("visible=true")
        return people.locator("strong").all_text_contents()

    assert shown() == ["Sue Boss", "Cara Diaz", "Ben Larsen"]
    page.get_by_label("Team").select_option("Loans")
    assert shown() == ["Ben Larsen"]
    page.get_by_label("Team").select_option("")
    page.get_by_label("Skill").select_option("French")
    assert shown() == ["Cara Diaz"]
    page.get_by_label("Skill").select_option("")
    page.get_by_label("Search").fill(ben.number)
    assert shown() == ["Ben Larsen"]
    expect(page.get_by_text("1 of 3 shown")).to_be_visible()
    page.get_by_label("Search").fill("nobody of this name")
    expect(page.get_by_text("Nobody is like that now.")).to_be_visible()
    page.get_by_label("Search").fill("")
    page.get_by_role("button", name="Not Ready 1").press("Enter")
    assert shown() == ["Cara Diaz"]

    # The filter goes on while things change.
    ben.desktop.post("/me", "NotReady")
    expect(row(page, "Ben Larsen")).to_be_visible()
    cara.desktop.post("/me", "Ready")
    expect(row(page, "Cara Diaz")).to_be_hidden()


def test_another_organisation_is_never_seen(
    open_board: Callable[[], Page], house: Organization
) -> None:
    ben, stranger = phone(house, "Ben Larsen"), phone(make_house(), "Eve Stranger")
    page = open_board()
    polls = []
    page.on("response", lambda answer: polls.append(answer.url))

    stranger.desktop.post("/me", "AuxWork")
    stranger.dial("112")
    ben.desktop.post("/me", "AuxWork")

    expect(row(page, "Ben Larsen")).to_contain_text("AuxWork")
    assert "Eve" not in page.content()
    # Nor was the picture read again because of somebody unknown.
    assert [url for url in polls if url.endswith("/state")] == []


def test_after_a_lost_session_the_picture_is_read_anew(
    open_board: Callable[[], Page], house: Organization, redis: redis_client.Redis
) -> None:
    ben = phone(house, "Ben Larsen")
    page = open_board()
    supervisor = User.objects.get(first_name="Sue")
    with page.expect_response("**/desk/live/state"):
        redis.flushdb()
        ben.desktop.post("/me", "AuxWork")
        # The poll that is held looks up.
        redis.publish(WAKE, f"w{supervisor.pk}")

    expect(row(page, "Ben Larsen")).to_contain_text("AuxWork")
    ben.desktop.post("/me", "Ready")
    expect(row(page, "Ben Larsen").locator(".tag").first).to_have_text("Ready")


@pytest.mark.node
def test_the_board_can_be_read_and_used_by_everybody(
    request: pytest.FixtureRequest, sign_in: Callable[[User], None], house: Organization
) -> None:
    ben, cara = phone(house, "Ben Larsen"), phone(house, "Cara Diaz")
    make_channel(phone(house, "Dan Vogel", WorkState.NOT_READY).user, "chat")
    make_queue(ben.user, name="Service")
    connect(ben, cara)
    cara.desktop.post("/me", "DoNotDisturbOn")
    found: Examiner = request.getfixturevalue("examiner")
    sign_in(make_user(house, [Role.SUPERVISOR], first_name="Sue", last_name="Boss"))
    found.page.goto("/desk/live/")
    expect(row(found.page, "Cara Diaz").get_by_role("link")).to_be_visible()

    found.examine("the board")
    found.page.get_by_role("button", name="In a call").click()
    found.examine("the board with a filter")


def test_the_way_to_the_board_is_shown_to_those_who_lead(
    page_of: Callable[[User], Page], house: Organization
) -> None:
    links = {}
    for role in (Role.AGENT, Role.SUPERVISOR, Role.ADMIN):
        page = page_of(make_user(house, [role]))
        page.goto("/people/")
        links[role] = page.get_by_role("link", name="Live", exact=True).count()

    assert links == {Role.AGENT: 0, Role.SUPERVISOR: 1, Role.ADMIN: 1}
