"""Calls in real browsers: agents call each other, by keyboard, and see every change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from agents.models import Device
from config.kernel.actors import Role
from tests.browser.desk_people import at_work, call, card, house, leave_field
from tests.browser.desk_server import server_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page, Route

# Fixtures.
__all__ = ["at_work", "house", "server_url"]

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_agents_call_each_other_by_keyboard(at_work: Callable[..., Page]) -> None:
    ben, cara = at_work("Ben Larsen", "5001"), at_work("Cara Diaz", "5002")

    call(ben, "5002")
    expect(card(ben, "Cara Diaz")).to_contain_text("Calling")
    expect(card(cara, "Ben Larsen")).to_contain_text("Ringing")
    expect(cara.get_by_role("log")).to_contain_text("A call from Ben Larsen.")
    expect(cara).to_have_title("Call from Ben Larsen · Desk · Frontdesk")

    cara.keyboard.press("a")
    expect(card(cara, "Ben Larsen")).to_contain_text("Talking")
    expect(card(ben, "Cara Diaz")).to_contain_text("Talking")

    cara.keyboard.press("h")
    expect(card(cara, "Ben Larsen")).to_contain_text("On hold")
    cara.keyboard.press("h")
    expect(card(cara, "Ben Larsen")).to_contain_text("Talking")
    cara.keyboard.press("m")
    expect(card(cara, "Ben Larsen")).to_contain_text("Muted")
    expect(cara.get_by_role("log")).to_contain_text("Muted.")

    leave_field(ben)
    ben.keyboard.press("x")
    for page in (ben, cara):
        expect(page.get_by_text("There is no call.")).to_be_visible()
    expect(cara.get_by_role("log")).to_contain_text("The call with Ben Larsen has ended.")


def test_what_is_pressed_before_the_answer_has_come_counts(at_work: Callable[..., Page]) -> None:
    ben, cara = at_work("Ben Larsen", "5001"), at_work("Cara Diaz", "5002")
    call(ben, "5002")
    expect(card(cara, "Ben Larsen")).to_contain_text("Ringing")
    cara.keyboard.press("a")
    expect(card(cara, "Ben Larsen")).to_contain_text("Talking")
    late: list[Callable[[], None]] = []

    def answer_later(route: Route) -> None:
        response = route.fetch()
        late.append(lambda: route.fulfill(response=response))

    cara.route("**/api/v2/me/calls/*", answer_later, times=1)
    cara.keyboard.press("h")
    # It is told of it, and not answered yet.
    expect(card(cara, "Ben Larsen")).to_contain_text("On hold")
    cara.keyboard.press("h")

    expect(card(cara, "Ben Larsen")).to_contain_text("Talking")
    for answer in late:
        answer()


def test_the_buttons_of_a_call_are_what_it_allows(at_work: Callable[..., Page]) -> None:
    ben, cara = at_work("Ben Larsen", "5001"), at_work("Cara Diaz", "5002")

    def shown() -> list[str]:
        buttons = card(ben, "Cara Diaz").locator("[data-do]:not([hidden])")
        return [str(one.get_attribute("data-do")) for one in buttons.all()]

    call(ben, "5002")
    expect(card(ben, "Cara Diaz")).to_contain_text("Calling")
    assert shown() == ["SendDtmf", "Hangup"]

    cara.keyboard.press("a")
    expect(card(ben, "Cara Diaz")).to_contain_text("Talking")
    assert shown() == [
        "Hold",
        "MuteCall",
        "SingleStepTransfer",
        "InitiateTransfer",
        "SingleStepConference",
        "InitiateConference",
        "SendDtmf",
        "Hangup",
    ]


def test_the_focus_goes_on_with_the_call(at_work: Callable[..., Page]) -> None:
    ben, cara = at_work("Ben Larsen", "5001"), at_work("Cara Diaz", "5002")
    call(ben, "5002")
    answer = cara.get_by_role("button", name="Answer")
    answer.press("Enter")

    hold = card(cara, "Ben Larsen").get_by_role("button", name="Hold", exact=True)
    expect(hold).to_be_focused()
    hold.press("Enter")
    back = cara.get_by_role("button", name="Take back")
    expect(back).to_be_focused()
    leave_field(ben)
    ben.keyboard.press("x")
    expect(cara.get_by_role("heading", name="Calls", exact=True)).to_be_focused()


def test_a_call_is_handed_over_at_once(at_work: Callable[..., Page]) -> None:
    ben, cara = at_work("Ben Larsen", "5001"), at_work("Cara Diaz", "5002")
    dan = at_work("Dan Moss", "5003")
    call(ben, "5002")
    cara.keyboard.press("a")
    expect(card(cara, "Ben Larsen")).to_contain_text("Talking")

    cara.keyboard.press("t")
    cara.keyboard.type("Dan Moss")
    cara.keyboard.press("Enter")

    expect(card(dan, "Ben Larsen")).to_contain_text("Ringing")
    expect(cara.get_by_text("There is no call.")).to_be_visible()
    dan.keyboard.press("a")
    expect(card(ben, "Dan Moss")).to_contain_text("Talking")
    expect(ben.get_by_role("log")).to_contain_text("In the call now: Dan Moss.")


def test_somebody_is_asked_before_the_call_is_handed_over(at_work: Callable[..., Page]) -> None:
    ben, cara = at_work("Ben Larsen", "5001"), at_work("Cara Diaz", "5002")
    dan = at_work("Dan Moss", "5003")
    call(ben, "5002")
    cara.keyboard.press("a")
    expect(card(cara, "Ben Larsen")).to_contain_text("Talking")

    cara.keyboard.press("i")
    cara.keyboard.type("5003")
    cara.keyboard.press("Enter")
    expect(card(cara, "Ben Larsen")).to_contain_text("On hold")
    expect(card(cara, "Dan Moss")).to_contain_text("Calling")
    dan.keyboard.press("a")
    expect(card(cara, "Dan Moss")).to_contain_text("Talking")
    card(cara, "Ben Larsen").get_by_role("button", name="Swap with Dan Moss").press("Enter")
    expect(card(cara, "Ben Larsen")).to_contain_text("Talking")
    card(cara, "Ben Larsen").get_by_role("button", name="Swap with Dan Moss").press("Enter")
    expect(card(cara, "Ben Larsen")).to_contain_text("On hold")
    card(cara, "Ben Larsen").get_by_role("button", name="Complete the transfer").press("Enter")

    expect(cara.get_by_text("There is no call.")).to_be_visible()
    expect(card(ben, "Dan Moss")).to_contain_text("Talking")
    expect(card(dan, "Ben Larsen")).to_contain_text("Talking")


def test_three_talk_and_one_is_removed(at_work: Callable[..., Page]) -> None:
    ben, cara = at_work("Ben Larsen", "5001"), at_work("Cara Diaz", "5002")
    dan = at_work("Dan Moss", "5003")
    call(ben, "5002")
    cara.keyboard.press("a")
    expect(card(ben, "Cara Diaz")).to_contain_text("Talking")
    leave_field(ben)
    ben.keyboard.press("c")
    ben.keyboard.type("5003")
    ben.keyboard.press("Enter")
    expect(card(dan, "Ben Larsen, Cara Diaz")).to_contain_text("Ringing")
    dan.keyboard.press("a")
    expect(card(cara, "Ben Larsen, Dan Moss")).to_contain_text("Talking")

    remove = card(ben, "Cara Diaz, Dan Moss").get_by_role("button", name="Remove Dan Moss, 5003")
    remove.press("Enter")

    expect(dan.get_by_text("There is no call.")).to_be_visible()
    expect(card(ben, "Cara Diaz")).to_contain_text("Talking")
    expect(card(cara, "Ben Larsen")).to_contain_text("Talking")


def test_what_is_attached_is_seen_by_both(at_work: Callable[..., Page]) -> None:
    ben, cara = at_work("Ben Larsen", "5001"), at_work("Cara Diaz", "5002")
    call(ben, "5002")
    mine, other = card(ben, "Cara Diaz"), card(cara, "Ben Larsen")
    mine.get_by_text("Attached data").click()
    other.get_by_text("Attached data").click()

    mine.get_by_label("Key").fill("order")
    mine.get_by_label("Value").fill("<b>4711</b>")
    mine.get_by_role("button", name="Attach", exact=True).click()
    expect(other.get_by_role("definition")).to_contain_text("<b>4711</b>")
    expect(other).to_contain_text("Attached data (1)")
    other.get_by_role("button", name="Delete order").click()
    expect(mine).to_contain_text("Attached data (0)")


def test_a_supervisor_listens_in_and_stops(at_work: Callable[..., Page]) -> None:
    ben, cara = at_work("Ben Larsen", "5001"), at_work("Cara Diaz", "5002")
    amara = at_work("Amara Okafor", "5003", Role.SUPERVISOR)
    call(ben, "5002")
    cara.keyboard.press("a")
    device = Device.objects.get(phone_number="5001")

    amara.goto(f"/desk/?listen={device.pk}")
    amara.get_by_role("button", name="Listen in").press("Enter")
    expect(amara.get_by_text("You listen in: Ben Larsen, 5001.")).to_be_visible()
    expect(amara.get_by_role("article")).to_have_count(1)
    amara.get_by_role("button", name="Stop", exact=True).press("Enter")

    expect(amara.get_by_text("There is no call.")).to_be_visible()
    expect(card(ben, "Cara Diaz")).to_contain_text("Talking")


def test_somebody_is_asked_before_the_call_becomes_a_conference(
    at_work: Callable[..., Page],
) -> None:
    ben, cara = at_work("Ben Larsen", "5001"), at_work("Cara Diaz", "5002")
    dan = at_work("Dan Moss", "5003")
    call(ben, "5002")
    cara.keyboard.press("a")
    card(cara, "Ben Larsen").get_by_role("button", name="Ask, then add…").press("Enter")
    cara.keyboard.type("5003")
    cara.keyboard.press("Enter")
    expect(card(dan, "Cara Diaz")).to_contain_text("Ringing")
    dan.keyboard.press("a")

    complete = card(cara, "Ben Larsen").get_by_role("button", name="Complete the conference")
    complete.press("Enter")

    expect(card(cara, "Ben Larsen, Dan Moss")).to_contain_text("Talking")
    expect(card(ben, "Cara Diaz, Dan Moss")).to_contain_text("Talking")


def test_two_calls_become_one(at_work: Callable[..., Page]) -> None:
    ben, cara = at_work("Ben Larsen", "5001"), at_work("Cara Diaz", "5002")
    dan = at_work("Dan Moss", "5003")
    call(ben, "5002")
    cara.keyboard.press("a")
    expect(card(ben, "Cara Diaz")).to_contain_text("Talking")
    leave_field(ben)
    ben.keyboard.press("h")
    expect(card(ben, "Cara Diaz")).to_contain_text("On hold")
    call(ben, "5003")
    expect(card(dan, "Ben Larsen")).to_contain_text("Ringing")
    dan.keyboard.press("a")

    card(ben, "Cara Diaz").get_by_role("button", name="Merge with Dan Moss").press("Enter")

    expect(ben.get_by_role("article")).to_have_count(1)
    expect(card(cara, "Ben Larsen, Dan Moss")).to_contain_text("Talking")


def test_tones_are_sent(at_work: Callable[..., Page]) -> None:
    ben, cara = at_work("Ben Larsen", "5001"), at_work("Cara Diaz", "5002")
    call(ben, "5002")
    cara.keyboard.press("a")
    expect(card(cara, "Ben Larsen")).to_contain_text("Talking")

    cara.keyboard.press("k")
    cara.keyboard.type("12#")
    cara.keyboard.press("Enter")

    expect(cara.get_by_role("log")).to_contain_text("The tones were sent.")
    expect(cara.get_by_role("button", name="Tones…")).to_be_focused()


def test_refusals_are_shown_in_words(at_work: Callable[..., Page]) -> None:
    cara, ben = at_work("Cara Diaz", "5002"), at_work("Ben Larsen", "5001")
    refused = ben.get_by_role("alert")

    ben.get_by_role("button", name="Call", exact=True).click()
    expect(refused).to_have_text("Whom do you want to call? Type a number or a name.")
    ben.get_by_label("Number or name").fill("5001")
    ben.keyboard.press("Enter")
    expect(refused).to_have_text("A device cannot call itself.")
    cara.get_by_role("button", name="Do not disturb", exact=True).click()
    expect(cara.get_by_role("button", name="Do not disturb", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    ben.get_by_label("Number or name").fill("5002")
    ben.keyboard.press("Enter")
    expect(refused).to_have_text("Cara Diaz: The destination is busy.")
