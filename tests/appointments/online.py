"""Booking on the pages: what a customer's browser would do, without script and without cookies."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.core import signing
from django.test import Client

from agents.services.code_sending import send_codes

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

    from agents.models import Application
    from appointments.models import Subject
    from tests.mailbox import Mailbox

ADA = {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.org"}
SALT = "appointments.booking-page"
_STATE = re.compile(r'name="state" value="([^"]+)"')
_TIME = re.compile(r'name="start" value="([^"]+)"')
_ALERT = re.compile(r'role="alert">(.*?)</(?:p|div)>', re.DOTALL)


def text_of(answer: Answer) -> str:
    """Give the page."""
    return html.unescape(answer.content.decode())


def said(answer: Answer) -> list[str]:
    """Give what the page complains of."""
    page = text_of(answer)
    lists = re.findall(r'class="errorlist[^"]*"[^>]*>(.*?)</ul>', page, re.DOTALL)
    found = [*_ALERT.findall(page), *lists]
    return list(dict.fromkeys(" ".join(re.sub("<[^>]+>", " ", one).split()) for one in found))


@dataclass
class Browser:
    """A browser on the booking page of a subject; it sends what the page before had in it."""

    application: Application
    subject: Subject
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    client: Client = field(default_factory=Client)

    @property
    def path(self) -> str:
        return f"/book/{self.application.pk}/{self.subject.pk}"

    def read(self, **query: str) -> Answer:
        """Open the page of the times, or of one of them."""
        return self.client.get(self.path, {**self.query, **query}, headers=self.headers)

    def times(self, **query: str) -> list[str]:
        """Give the free times of the day that is shown."""
        return _TIME.findall(self.read(**query).content.decode())

    def send(self, before: Answer | str, step: str, **given: Any) -> Answer:
        """Press a button of the page before."""
        state = before if isinstance(before, str) else state_of(before)
        path = f"{self.path}?{urlencode(self.query)}"
        return self.client.post(path, {"state": state, "step": step, **given}, headers=self.headers)

    def ask(self, start: str = "", **details: Any) -> Answer:
        """Choose a time, the first one unless another is given, and have a code sent."""
        page = self.read(start=start or self.times()[0])
        return self.send(page, "details", **(details or ADA))


def state_of(answer: Answer) -> str:
    """Give what a page keeps for the next one."""
    states: list[str] = _STATE.findall(answer.content.decode())
    return states[0]


def codes_in(mailbox: Mailbox, address: str = ADA["email"]) -> Iterator[str]:
    """Give the codes that were mailed, the newest first."""
    send_codes()
    for mail in reversed(mailbox.to(address)):
        yield re.findall(r"\b[0-9]{6}\b", mail.get_content())[0]


def kept_in(state: str) -> dict[str, Any]:
    """Give what a page has kept."""
    kept: dict[str, Any] = signing.loads(state, salt=SALT)
    return kept


def signed(state: object, salt: str = SALT) -> str:
    """Give what a page would keep."""
    return signing.dumps(state, salt=salt, compress=True)


def ticket_of(page: Answer) -> str:
    """Give the way in that a page leads to."""
    assert page.status_code == 302, text_of(page)
    return page.headers["Location"]
