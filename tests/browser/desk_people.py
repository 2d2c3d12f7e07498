"""People at their desks in browsers: they sit down, start work, and call each other by keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from config.kernel.actors import Role
from tests.agents.desk.desk import (
    make_agent,
    make_device,
    make_house,
    make_login,
    make_place,
    make_seat,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

    from agents.models import Organization, User


@pytest.fixture
def house() -> Organization:
    """Give an organisation that has all parts of the desk."""
    return make_house()


def seat(house: Organization, name: str, number: str, *roles: Role) -> User:
    """Make somebody who has a place with a telephone, and has not started work."""
    first, _, last = name.partition(" ")
    user = make_agent(house, roles or (Role.AGENT,), first_name=first, last_name=last)
    make_login(user)
    device = make_device(house=house, phone_number=number)
    make_seat(user, make_place(device, name=f"Desk {number}"))
    return user


@pytest.fixture
def at_work(page_of: Callable[[User], Page], house: Organization) -> Callable[..., Page]:
    """Give what opens the desk of somebody new, who starts work with the telephone."""

    def at_work(name: str, number: str, *roles: Role) -> Page:
        page = page_of(seat(house, name, number, *roles))
        page.goto("/desk/")
        page.get_by_role("button", name="Start work").click()
        expect(page.get_by_role("button", name="End work")).to_be_visible()
        return page

    return at_work


def card(page: Page, name: str) -> Locator:
    """Give the card of the call with somebody."""
    return page.get_by_role("article", name=name, exact=True)


def call(caller: Page, number: str) -> None:
    """Call a number by keyboard alone."""
    caller.keyboard.press("d")
    caller.keyboard.type(number)
    caller.keyboard.press("Enter")
    expect(caller.get_by_label("Number or name").first).to_have_value("")


def leave_field(page: Page) -> None:
    """Put the focus where keys are shortcuts."""
    page.get_by_role("heading", name="Calls", exact=True).focus()
