"""A real browser for the pages; it must ask nobody but us, and complain of nothing."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
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
# A camera and a microphone that are made up, and that every page may use; few pictures a second
# are as good as many.
FAKES = ["--use-fake-device-for-media-stream=fps=5", "--use-fake-ui-for-media-stream"]


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
def server_url(live_server: LiveServer) -> str:
    """Give where the pages are; modules whose pages need more than Django have their own."""
    return str(live_server.url)


@contextmanager
def _visiting(chromium: Browser, url: str) -> Iterator[BrowserContext]:
    complaints: list[str] = []
    context = chromium.new_context(base_url=url, locale="en-GB", timezone_id="UTC")
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
                if request.url.startswith((url, "data:", "blob:"))
                else complaints.append(f"asked for {request.url}")
            ),
        )

    context.on("page", watch)
    yield context
    context.close()
    assert complaints == []


@pytest.fixture
def visitor(_chromium: Browser, server_url: str) -> Iterator[BrowserContext]:
    """Give a browser without cookies; paths are relative to the server of the test.

    The test fails when a page asks another host for anything, or writes an error to the console.
    """
    with _visiting(_chromium, server_url) as context:
        yield context


@pytest.fixture
def page_of(_chromium: Browser, server_url: str) -> Iterator[Callable[[User], Page]]:
    """Give what opens a page in a browser of its own for somebody who has signed in."""
    with ExitStack() as stack:

        def page_of(user: User) -> Page:
            context = stack.enter_context(_visiting(_chromium, server_url))
            _sign_in(context, user, server_url)
            return context.new_page()

        yield page_of


@pytest.fixture
def page(visitor: BrowserContext) -> Page:
    """Give one page of that browser."""
    return visitor.new_page()


@pytest.fixture
def sign_in(visitor: BrowserContext, server_url: str) -> Callable[[User], None]:
    """Give the browser the session of a user, as if the login page had been used."""
    return lambda user: _sign_in(visitor, user, server_url)


def _sign_in(context: BrowserContext, user: User, url: str) -> None:
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": url}])
