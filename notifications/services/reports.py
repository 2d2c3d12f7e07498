"""What providers report of messages they have taken: written down in the ledger, once.

A report changes what is known of the attempt it is about. Reports come late, twice and in any
order: the one whose moment is the latest holds. docs/decisions/0010 has the reasons.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.db import connection, transaction

from config.kernel.ids import uuid7
from notifications.errors import ReportTooEarly
from notifications.models import (
    Channel,
    Notification,
    NotificationContent,
    NotificationEvent,
    Status,
    Undeliverable,
)
from notifications.reporting import Report, Word
from notifications.services import undeliverable
from notifications.services.steps import DATED, noted

logger = logging.getLogger(__name__)

# Compared as a text: the moments in it have all one length.
_SAID_AT = "Reported by the provider, as of "
_WORDS = frozenset(Word)


@dataclass(frozen=True)
class _Step:
    status: Status
    error: str = ""


@transaction.atomic
def take_report(report: Report) -> bool:
    """Write down what a provider reports of a message; say whether it was anything new.

    Raises ReportTooEarly while the message is in a worker's hands.
    """
    one = (
        Notification.objects.select_for_update(of=("self",))
        .filter(pk=report.notification_id, channel=Channel.EMAIL)
        .first()
    )
    if one is None:
        logger.info("A report about %s, which is not known", report.notification_id)
        return False
    if one.lease_until is not None:
        raise ReportTooEarly
    step = _step_of(one, report)
    if step is not None:
        _write(one, report, step)
    _note_address(one, report)
    return step is not None


def _step_of(one: Notification, report: Report) -> _Step | None:
    """Give what a report changes; None when it is about the past, or known."""
    is_of_the_past = report.attempt is not None and report.attempt != one.attempt
    if is_of_the_past or one.status in (Status.INITIALIZED, Status.CANCELLED):
        return None
    known = _known(one)
    if known is not None and (_moment(report), report.word.rank) <= known:
        return None
    if report.word.is_failure:
        return _Step(Status.FAILED, error=_error(report))
    has_failed = one.status == Status.FAILED and one.provider_status in _WORDS
    # What was given up may be on its way after all; what came back is not, until it is there.
    if has_failed and report.word is not Word.DELIVERED:
        return None
    return _Step(Status.DELIVERED)


def _known(one: Notification) -> tuple[str, int] | None:
    """Give the moment and the rank of the latest report about the latest attempt."""
    said = NotificationEvent.objects.filter(
        notification_id=one.pk, attempt=one.attempt, message__startswith=_SAID_AT
    ).values_list("message", "provider_status")
    return max(
        ((message, Word(word).rank) for message, word in said if word in _WORDS), default=None
    )


def _moment(report: Report) -> str:
    return f"{_SAID_AT}{report.at:%Y-%m-%d %H:%M:%S} UTC."


def _error(report: Report) -> str:
    said = f": {report.said}" if report.said else ""
    return f"The provider reports: {report.word}{said}"


def _write(one: Notification, report: Report, step: _Step) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _REPORT,
            {
                "id": one.pk,
                "event_id": uuid7(),
                "status": step.status.value,
                "word": report.word.value,
                "error": step.error[:500],
                "message": _moment(report),
            },
        )


# The row is locked and in no worker's hands. What is final is not due any more.
_REPORT = f"""
WITH changed AS (
    UPDATE notifications_notification AS notification
    SET status = %(status)s, provider_status = %(word)s, due_at = NULL, is_submitted = false,
        error_message = %(error)s, message = %(message)s,
        {DATED}
    WHERE id = %(id)s
    RETURNING notification.*, %(event_id)s::uuid AS event_id
)
{noted("changed", tells=True)}
"""


def _note_address(one: Notification, report: Report) -> None:
    """Remember what a report says of the address: ours, not what the report calls it."""
    if not (report.is_address_dead or report.word in (Word.COMPLAINED, Word.DELIVERED)):
        return
    content = NotificationContent.objects.filter(pk=one.pk, erased_at__isnull=True)
    address = content.values_list("address", flat=True).first() or ""
    if report.word is Word.DELIVERED:
        undeliverable.forget_bounce(address, organization_id=one.organization_id, before=report.at)
        return
    is_complaint = report.word is Word.COMPLAINED
    undeliverable.remember(
        address,
        organization_id=one.organization_id,
        reason=Undeliverable.Reason.COMPLAINED if is_complaint else Undeliverable.Reason.BOUNCED,
        said=report.said or str(report.word),
        notification_id=one.pk,
        at=report.at,
    )
