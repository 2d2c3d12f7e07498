"""A real browser for the pages; it must ask nobody but us, and complain of nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import sync_playwright

from tests.programs import CHROMIUM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page
    from pytest_django.live_server_helper import LiveServer

    from agents.models import User

# Playwright's synchronous API runs an event loop in this thread; Django would refuse the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
# A camera and a microphone that are made up, and that every page may use.
FAKES = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, so that none can forget it."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


# Of a module, not of the session: while it is open this thread has a running event loop, and other
# modules have loops of their own.
@pytest.fixture(scope="module")
def _chromium() -> Iterator[Browser]:
    # Chromium refuses its sandbox to root, which is what containers run as.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*sandbox, *FAKES])
        yield browser
        browser.close()


@pytest.fixture
def visitor(_chromium: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    """Give a browser without cookies; paths are relative to the server of the test.

    The test fails when a page asks another host for anything, or writes an error to the console.
    """
    complaints: list[str] = []
    context = _chromium.new_context(base_url=live_server.url, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(10_000)

    def read(line: ConsoleMessage) -> None:
        # Browsers ask for this by themselves where a document names no icon, as JSON cannot.
        is_icon = line.location["url"].endswith("/favicon.ico")
        # A form that was filled in wrongly is shown again with this status.
        is_form = "status of 400" in line.text
        if line.type == "error" and not (is_icon or is_form):
            complaints.append(line.text)

    def watch(page: Page) -> None:
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", read)
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((live_server.url, "data:", "blob:"))
                else complaints.append(f"asked for {request.url}")
            ),
        )

    context.on("page", watch)
    yield context
    context.close()
    assert complaints == []


@pytest.fixture
def page(visitor: BrowserContext) -> Page:
    """Give one page of that browser."""
    return visitor.new_page()


@pytest.fixture
def sign_in(visitor: BrowserContext, live_server: LiveServer) -> Callable[[User], None]:
    """Give the browser the session of a user, as if the login page had been used."""

    def sign_in(user: User) -> None:
        client = Client()
        client.force_login(user)
        name = settings.SESSION_COOKIE_NAME
        visitor.add_cookies(
            [{"name": name, "value": client.cookies[name].value, "url": live_server.url}]
        )

    return sign_in
