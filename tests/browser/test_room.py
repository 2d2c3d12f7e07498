"""Two people meet in two real browsers, with cameras and microphones that are made up."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from appointments.models import Participant, ParticipantState, State
from appointments.services.page_tokens import page_url
from tests import make
from tests.appointments.scene import Scene, make_scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

WIDTH_OF_A_PHONE = {"width": 360, "height": 740}
PLAYING = """video => new Promise(resolve => {
    const before = video.currentTime;
    const look = () => video.videoWidth > 0 && video.currentTime > before
        ? resolve(true) : setTimeout(look, 50);
    look();
})"""
LOUD = """meter => new Promise(resolve => {
    const look = () => meter.value > 0 ? resolve(true) : setTimeout(look, 20);
    look();
})"""
REFUSING = """navigator.mediaDevices.getUserMedia =
    () => Promise.reject(new DOMException("", "NotAllowedError"))"""


@pytest.fixture
def open_page(_chromium: Browser, live_server: LiveServer) -> Iterator[Callable[..., Page]]:
    """Give the command that opens a page of a participant in a browser of its own.

    The test fails when a page complains of anything, or asks another host.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(
        one: Participant, name: str = "video", *, script: str = "", **options: object
    ) -> Page:
        context = _chromium.new_context(base_url=live_server.url, locale="en-GB", **options)  # type: ignore[arg-type]  # the options of the browser
        context.set_default_timeout(20_000)
        contexts.append(context)
        context.add_init_script(script)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda line: (
                # A question that fails, or is refused, is asked again.
                complaints.append(line.text)
                if line.type == "error" and not line.text.startswith("Failed to load resource")
                else None
            ),
        )
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith(live_server.url)
                else complaints.append(f"asked for {request.url}")
            ),
        )
        page.goto(urlsplit(page_url(one.pk, name)).path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def scene(now: datetime) -> Scene:
    """Give an appointment by video that begins in five minutes."""
    return make_scene(start=now + timedelta(minutes=5), title="Consultation", locale="en-GB")


def go_in(page: Page) -> None:
    page.get_by_role("button", name="Go in", exact=True).click()
    expect(page.get_by_role("button", name="Leave")).to_be_visible()


def leave(page: Page) -> None:
    """Leave, and wait until the server knows."""
    with page.expect_response("**/a/room/leave/*"):
        page.get_by_role("button", name="Leave").click()
    expect(page.get_by_role("button", name="Go in again")).to_be_focused()


def sees(page: Page, name: str) -> None:
    """Wait until the picture of somebody plays."""
    assert page.get_by_label(f"Picture of {name}").evaluate(PLAYING)


def test_two_people_see_each_other_write_mute_and_leave(
    scene: Scene, open_page: Callable[..., Page]
) -> None:
    customer, agent = open_page(scene.customer), open_page(scene.agent_row)
    go_in(customer)
    expect(customer.get_by_text("Nobody else is here yet.")).to_be_visible()
    go_in(agent)

    sees(customer, "Grace Hopper")
    sees(agent, "Ada Lovelace")
    expect(customer.get_by_role("status")).to_have_text("Grace Hopper has come in.")
    assert scene.customer.state == scene.agent_row.state == ParticipantState.JOINED

    agent.get_by_role("button", name="Messages").click()
    agent.get_by_label("Your message").fill("Can you hear me?")
    agent.keyboard.press("Enter")
    expect(customer.get_by_role("log")).to_contain_text("Grace Hopper: Can you hear me?")
    expect(agent.get_by_role("log")).to_contain_text("You: Can you hear me?")

    mute = customer.get_by_role("button", name="Mute")
    hers = agent.get_by_role("listitem").filter(has_text="Ada Lovelace")
    expect(hers.get_by_text("· muted")).to_be_hidden()
    mute.click()
    expect(mute).to_have_attribute("aria-pressed", "true")
    expect(hers.get_by_text("· muted")).to_be_visible()
    camera = customer.get_by_role("button", name="Camera off")
    camera.click()
    expect(hers.get_by_text("No picture")).to_be_visible()
    camera.click()
    sees(agent, "Ada Lovelace")
    expect(hers.get_by_text("No picture")).to_be_hidden()

    leave(agent)
    expect(customer.get_by_role("status")).to_have_text("Grace Hopper has left.")
    expect(customer.get_by_label("Picture of Grace Hopper")).to_have_count(0)
    leave(customer)
    assert scene.customer.state == scene.agent_row.state == ParticipantState.LEFT
    assert scene.state() == State.ACTIVATED


def test_a_reload_brings_one_back_and_is_no_leaving(
    scene: Scene, open_page: Callable[..., Page]
) -> None:
    customer, agent = open_page(scene.customer), open_page(scene.agent_row)
    go_in(customer)
    go_in(agent)
    sees(agent, "Ada Lovelace")

    customer.reload()
    expect(agent.get_by_role("status")).to_have_text("Ada Lovelace has left.")
    assert scene.customer.state == ParticipantState.JOINED
    go_in(customer)

    sees(agent, "Ada Lovelace")
    sees(customer, "Grace Hopper")


def test_a_call_goes_on_when_the_server_has_forgotten_it(
    scene: Scene, open_page: Callable[..., Page], redis: object
) -> None:
    customer, agent = open_page(scene.customer), open_page(scene.agent_row)
    go_in(customer)
    go_in(agent)
    sees(agent, "Ada Lovelace")
    agent.evaluate("document.querySelector('[aria-label=\"Picture of Ada Lovelace\"]').id = 'it'")

    redis.flushdb()  # type: ignore[attr-defined]  # a client of Redis
    with customer.expect_response("**/a/room/join/*"), agent.expect_response("**/a/room/join/*"):
        pass

    sees(customer, "Grace Hopper")
    # The same picture: nothing was connected anew.
    assert agent.locator("#it").evaluate(PLAYING)


def test_the_room_fits_a_phone_and_works_by_keyboard(
    scene: Scene, open_page: Callable[..., Page]
) -> None:
    page = open_page(scene.customer, viewport=WIDTH_OF_A_PHONE)
    assert page.get_by_label("Your own picture").evaluate(PLAYING)

    page.get_by_role("button", name="Go in", exact=True).press("Enter")
    expect(page.get_by_role("button", name="Mute")).to_be_focused()
    page.keyboard.press("Space")

    expect(page.get_by_role("button", name="Mute")).to_have_attribute("aria-pressed", "true")
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert page.evaluate(wide) is False


def test_camera_and_microphone_can_be_tried_out(
    scene: Scene, open_page: Callable[..., Page]
) -> None:
    page = open_page(scene.customer, "video-test", viewport=WIDTH_OF_A_PHONE)

    page.get_by_role("button", name="Try camera and microphone").click()

    expect(page.get_by_role("status")).to_have_text("This works.")
    assert page.get_by_label("Your own picture").evaluate(PLAYING)
    assert page.locator("meter").evaluate(LOUD)
    expect(page.get_by_label("Camera", exact=True)).to_be_visible()
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert page.evaluate(wide) is False
    assert scene.customer.state == ""


def test_one_can_go_in_without_camera_and_microphone(
    scene: Scene, open_page: Callable[..., Page]
) -> None:
    page, agent = open_page(scene.customer, script=REFUSING), open_page(scene.agent_row)
    go_in(agent)

    expect(page.get_by_role("alert")).to_contain_text("or go in without: you can see, hear")
    go_in(page)

    sees(page, "Grace Hopper")
    expect(page.get_by_text("Your camera is off.")).to_be_visible()
    hers = agent.get_by_role("listitem").filter(has_text="Ada Lovelace")
    expect(hers.get_by_text("No picture")).to_be_visible()


def test_three_people_see_each_other_and_a_screen(
    now: datetime, open_page: Callable[..., Page]
) -> None:
    people = [make.make_customer(), make.make_customer(first_name="Eve", email="eve@example.org")]
    scene = make_scene(start=now, customers=people, locale="en-GB")
    customers = make.customers_of(scene.appointment)
    pages = [open_page(one) for one in (*customers, scene.agent_row)]
    for page in pages:
        go_in(page)

    ada, eve, grace = pages
    for page, names in (
        (ada, ["Eve Lovelace", "Grace Hopper"]),
        (eve, ["Ada Lovelace", "Grace Hopper"]),
        (grace, ["Ada Lovelace", "Eve Lovelace"]),
    ):
        for name in names:
            sees(page, name)
    grace.get_by_role("button", name="Share screen").click()
    hers = ada.get_by_role("listitem").filter(has_text="Grace Hopper")
    expect(hers).to_have_class(re.compile("is-screen"))


def test_the_call_goes_on_while_the_server_cannot_be_reached(
    scene: Scene, open_page: Callable[..., Page]
) -> None:
    customer, agent = open_page(scene.customer), open_page(scene.agent_row)
    go_in(customer)
    go_in(agent)
    sees(agent, "Ada Lovelace")

    agent.context.set_offline(True)
    expect(agent.get_by_role("alert")).to_have_text("The connection is lost. We keep trying.")
    sees(agent, "Ada Lovelace")
    agent.context.set_offline(False)

    expect(agent.get_by_role("alert")).to_be_hidden()
    sees(agent, "Ada Lovelace")
