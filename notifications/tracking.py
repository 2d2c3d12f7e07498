"""What `django-anymail` hears from providers by their webhooks, as reports of ours."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from anymail import urls as webhooks
from anymail.exceptions import AnymailConfigurationError
from anymail.signals import AnymailTrackingEvent, EventType, RejectReason, tracking
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils import timezone

from config.kernel.logging import redact
from notifications.errors import ReportTooEarly
from notifications.providers import PROVIDERS
from notifications.reporting import Report, Word, named_in
from notifications.services import reports

logger = logging.getLogger(__name__)

_SAID_LENGTH = 300
# Clocks differ by as much; a report of a later moment would hold against all that follow.
_AHEAD: Final = timedelta(minutes=5)
_BEFORE_ANY_REPORT: Final = 2000
# What is opened, clicked and unsubscribed is the reader's business and is not recorded.
_WORDS: Final = {
    EventType.QUEUED: Word.QUEUED,
    EventType.SENT: Word.SENT,
    EventType.DEFERRED: Word.DEFERRED,
    EventType.DELIVERED: Word.DELIVERED,
    EventType.REJECTED: Word.REJECTED,
    EventType.FAILED: Word.FAILED,
    EventType.BOUNCED: Word.BOUNCED,
    EventType.COMPLAINED: Word.COMPLAINED,
}
# Reasons for which a provider will refuse the address the next time as well.
_DEAD: Final = frozenset({RejectReason.INVALID, RejectReason.BOUNCED})
_SOON: Final = "30"


def listen() -> None:
    """Have reports written down from now on."""
    tracking.connect(on_tracking, dispatch_uid="notifications.tracking")


def on_tracking(event: AnymailTrackingEvent, esp_name: str, **_: object) -> None:
    """Write down one report of a provider.

    Raises ReportTooEarly.
    """
    word = _WORDS.get(event.event_type)
    if word is None:
        return
    report = report_of(event, word)
    if report is None:
        logger.info("%s reports “%s” about a mail that is not ours", esp_name, word)
        return
    reports.take_report(report)


def report_of(event: AnymailTrackingEvent, word: Word) -> Report | None:
    """Give what an event says, in our words; None when it names no message of ours."""
    metadata = event.metadata if isinstance(event.metadata, dict) else {}
    named = named_in(metadata.get("notification"), *(event.tags or []), event.message_id)
    if named is None:
        return None
    notification_id, attempt = named
    has_come_back = word in (Word.BOUNCED, Word.REJECTED)
    return Report(
        notification_id=notification_id,
        attempt=attempt,
        word=word,
        at=_moment_of(event.timestamp, now=timezone.now()),
        # Providers repeat the address here.
        said=_one_line(redact(str(event.mta_response or event.description or "")))[:_SAID_LENGTH],
        is_address_dead=has_come_back
        and (event.reject_reason in _DEAD or (word is Word.BOUNCED and not event.reject_reason)),
    )


def _moment_of(said: datetime | None, *, now: datetime) -> datetime:
    """Give when it was, as the provider has it; now where that cannot be."""
    if said is not None and said.tzinfo is None:
        said = said.replace(tzinfo=UTC)
    if said is None or said.year < _BEFORE_ANY_REPORT or said > now + _AHEAD:
        return now
    return said


def _one_line(text: str) -> str:
    # A receiving server may have said anything, and the database keeps no NUL.
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()


# --- The addresses of the webhooks ------------------------------------------------------------


def urls() -> list[URLPattern]:
    """Give the addresses at which the providers we know report; nobody takes in mail here."""
    names = {f"{name}_tracking_webhook" for name in PROVIDERS} | {"mandrill_webhook"}
    return [
        URLPattern(each.pattern, _patient(each.callback), name=each.name)
        for each in webhooks.urlpatterns
        if each.name in names
    ]


def _patient(view: Callable[..., Any]) -> Callable[..., Any]:
    # A function of its own: csrf_exempt goes along.
    @functools.wraps(view)
    def answered(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            response: HttpResponse = view(request, *args, **kwargs)
        except AnymailConfigurationError:
            # We have no key by which this provider signs: none of ours reports here.
            raise Http404 from None
        except ReportTooEarly:
            # The mail was handed over a moment ago and that is not yet written down. Whatever
            # else came with this report and was written down already is known the next time.
            return HttpResponse(status=503, headers={"Retry-After": _SOON})
        return response

    return answered
