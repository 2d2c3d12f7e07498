"""The pages at /dev/phone/: the SMS that the local phone has been sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from notifications.transports.sms.phone import Phone, ShortMessage

_PAGE = 50


@dataclass(frozen=True)
class Conversation:
    """What one number has been sent."""

    number: str
    latest: ShortMessage
    count: int


@dataclass(frozen=True)
class Shown:
    """A message as its page shows it."""

    message: ShortMessage
    state: str


def conversations_of(messages: list[ShortMessage]) -> list[Conversation]:
    """Give the conversations of messages, which come the newest first."""
    by_number: dict[str, list[ShortMessage]] = {}
    for message in messages:
        by_number.setdefault(message.recipient, []).append(message)
    return [Conversation(number, own[0], len(own)) for number, own in by_number.items()]


def _shown(messages: list[ShortMessage], now: datetime) -> list[Shown]:
    return [Shown(message, message.state(now)) for message in messages]


@require_safe
def list_phones(request: HttpRequest) -> HttpResponse:
    """Show the numbers that were sent something, the latest first."""
    conversations = conversations_of(Phone.of_settings().messages())
    page = Paginator(conversations, _PAGE).get_page(request.GET.get("page"))
    return render(request, "local/phone_list.html", {"page": page})


@require_safe
def show_phone(request: HttpRequest, number: str) -> HttpResponse:
    """Show what one number was sent, the newest first."""
    own = [each for each in Phone.of_settings().messages() if each.recipient == number]
    if not own:
        raise Http404("Nothing was sent to this number.")
    page = Paginator(own, _PAGE).get_page(request.GET.get("page"))
    shown = _shown(list(page.object_list), timezone.now())
    return render(request, "local/phone.html", {"number": number, "page": page, "shown": shown})
