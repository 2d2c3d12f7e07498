"""The desk around the calls: states, telephones, the connection, and who can use it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from agents.models import Device, Leg, MediaChannel, User, WorkState
from agents.models.tenancy import Feature
from config.kernel.actors import Role
from tests.agents.desk.desk import make_agent, make_house, make_state
from tests.browser.axe import Examiner
from tests.browser.desk_people import at_work, call, card, house, leave_field
from tests.browser.desk_server import server_url
from tests.browser.test_accessibility import axe
from tests.browser.test_pages import has_no_sideways_scrolling

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page, Route

    from agents.models import Organization

# Fixtures.
__all__ = ["at_work", "axe", "house", "server_url"]

pytestmark = pytest.mark.django_db(transaction=True)


def test_states_and_telephones(at_work: Callable[..., Page], house: Organization) -> None:
    make_state(make_agent(house))
    ben = at_work("Ben Larsen", "5001")
    device = Device.objects.get(phone_number="5001")
    states = ben.get_by_role("group", name="States")

    states.get_by_role("button", name="Out to lunch (Lunch)").press("Enter")
    expect(ben.get_by_text("Out to lunch (Lunch)").nth(0)).to_be_visible()
    expect(states.get_by_role("button", name="Out to lunch (Lunch)")).to_have_attribute(
        "aria-pressed", "true"
    )
    device.refresh_from_db()
    assert (device.state, device.reason) == (WorkState.NOT_READY, "Lunch")

    ben.get_by_role("combobox", name="Forward calls to").fill("5009")
    ben.get_by_role("button", name="Forward", exact=True).press("Enter")
    stop = ben.get_by_role("button", name="Stop forwarding to 5009")
    stop.press("Enter")
    expect(ben.get_by_role("combobox", name="Forward calls to")).to_be_focused()

    leave_field(ben)
    ben.keyboard.press("r")
    expect(states.get_by_role("button", name="Ready", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    ben.get_by_role("button", name="End work").press("Enter")
    expect(ben.get_by_role("button", name="End work")).to_be_hidden()
    device.refresh_from_db()
    assert (device.is_active, device.user_id) == (False, None)


def test_shortcuts_can_be_switched_off(at_work: Callable[..., Page]) -> None:
    ben, cara = at_work("Ben Larsen", "5001"), at_work("Cara Diaz", "5002")
    cara.get_by_label("Use single keys, outside of fields").uncheck()
    call(ben, "5002")
    expect(card(cara, "Ben Larsen")).to_contain_text("Ringing")

    cara.keyboard.press("a")
    cara.get_by_label("Use single keys, outside of fields").check()
    assert Leg.objects.filter(state="Established").count() == 0

    cara.keyboard.press("a")
    expect(card(cara, "Ben Larsen")).to_contain_text("Talking")


def test_a_channel_can_stand_otherwise_than_the_rest(at_work: Callable[..., Page]) -> None:
    ben = at_work("Ben Larsen", "5001")

    ben.get_by_role("combobox", name="State of Chat").select_option("Ready")
    ben.get_by_role("button", name="Set the state of Chat").click()

    expect(ben.get_by_role("status").filter(has_text="Different states")).to_be_visible()
    assert MediaChannel.objects.get(medium="chat").state == WorkState.READY
    assert Device.objects.get().state == WorkState.NOT_READY


def test_a_desk_that_was_forgotten_misses_nothing(at_work: Callable[..., Page]) -> None:
    ben, cara = at_work("Ben Larsen", "5001"), at_work("Cara Diaz", "5002")
    polls: list[Route] = []

    def keep(poll: Route) -> None:
        polls.append(poll)

    cara.route("**/notifications/connect", keep, times=1)
    cara.get_by_role("button", name="Not Ready", exact=True).click()
    cara.get_by_role("button", name="AuxWork", exact=True).click()
    wait_in(cara, lambda: bool(polls))
    call(ben, "5002")
    expect(card(ben, "Cara Diaz")).to_contain_text("Calling")
    asked: list[str] = []
    cara.on("request", lambda request: asked.append(request.url))

    polls[0].fulfill(json=[forgotten(polls[0])])

    expect(card(cara, "Ben Larsen")).to_contain_text("Ringing")
    assert any(url.endswith("/notifications/handshake") for url in asked)
    assert [url for url in asked if "subresources" in url] == []


def forgotten(poll: Route) -> dict[str, object]:
    """Give the answer to a poll whose client is not known any more."""
    [message] = json.loads(poll.request.post_data or "")
    return {
        "channel": "/meta/connect",
        "id": message["id"],
        "successful": False,
        "error": f"402:{message['clientId']}:Unknown client",
        "advice": {"reconnect": "handshake", "interval": 0, "timeout": 30_000},
    }


def wait_in(page: Page, is_so: Callable[[], bool]) -> None:
    """Wait for something that the browser will tell us of. Raises AssertionError."""
    for _ in range(100):
        if is_so():
            return
        page.evaluate("new Promise((resolve) => setTimeout(resolve, 50))")
    raise AssertionError("It has not happened within five seconds.")


def test_another_window_shows_the_same(at_work: Callable[..., Page]) -> None:
    ben, cara = at_work("Ben Larsen", "5001"), at_work("Cara Diaz", "5002")
    second = ben.context.new_page()
    second.goto("/desk/")
    expect(second.get_by_role("button", name="End work")).to_be_visible()

    call(cara, "5001")
    second.get_by_role("button", name="Answer").press("Enter")

    for page in (ben, second):
        expect(card(page, "Cara Diaz")).to_contain_text("Talking")


def test_whoever_is_signed_out_is_told(at_work: Callable[..., Page]) -> None:
    ben = at_work("Ben Larsen", "5001")
    # What is told of the beginning has been heard then, and nothing more is asked.
    ben.reload()
    expect(ben.get_by_role("button", name="End work")).to_be_visible()
    user = User.objects.get(first_name="Ben")
    user.set_password("something else entirely")
    user.save()

    link = ben.get_by_role("link", name="Sign in again")
    expect(link).to_be_visible(timeout=10_000)
    expect(ben.get_by_text("Signed out")).to_be_visible()


def test_without_voice_there_is_nothing_to_call_with(
    page: Page, sign_in: Callable[[User], None]
) -> None:
    sign_in(make_agent(make_house(Feature.MULTIMEDIA)))
    page.goto("/desk/")
    page.get_by_label("Chat").check()
    page.get_by_role("button", name="Start work").click()

    expect(page.get_by_role("button", name="End work")).to_be_visible()
    expect(page.get_by_role("heading", name="Call", exact=False)).to_have_count(0)


def test_it_fits_on_a_phone(at_work: Callable[..., Page]) -> None:
    ben, cara = at_work("Ben Larsen", "5001"), at_work("Cara Diaz", "5002")
    ben.set_viewport_size({"width": 360, "height": 740})
    call(cara, "5001")
    ben.get_by_role("button", name="Answer").click()
    ben.get_by_role("button", name="Ask, then transfer…").click()

    assert has_no_sideways_scrolling(ben)


@pytest.mark.node
def test_everybody_can_use_it(at_work: Callable[..., Page], axe: str) -> None:
    cara, ben = at_work("Cara Diaz", "5002"), at_work("Ben Larsen", "5001")
    amara = at_work("Amara Okafor", "5003", Role.SUPERVISOR)
    watching, talking = Examiner(amara, axe), Examiner(ben, axe)
    ben.get_by_label("Forward calls to").last.fill("5009")
    ben.get_by_role("button", name="Forward", exact=True).click()
    watching.examine("the desk of a supervisor")

    call(ben, "5002")
    talking.examine("a call that begins")
    cara.keyboard.press("a")
    ben.get_by_text("Attached data").click()
    ben.get_by_role("button", name="Add…", exact=True).click()
    ben.get_by_text("Dial pad", exact=True).click()
    ben.get_by_label("Number or name").last.fill("5001")
    ben.keyboard.press("Enter")
    expect(ben.get_by_role("alert")).not_to_be_empty()
    ben.get_by_role("textbox", name="Key").fill("order")
    ben.get_by_role("button", name="Attach", exact=True).click()
    expect(ben.get_by_role("button", name="Delete order")).to_be_visible()
    talking.examine("a call with everything open")
    assert watching.found + talking.found == []
