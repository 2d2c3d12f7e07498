"""What a receiver's answer means to us.

Reasons are kept in the history. They quote nothing of a body: it may repeat what we sent.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from config.kernel.http import Answer, Blocked, DeadlineExceeded, OutgoingError
from notifications.transports import Accepted, Outcome, Refused, TryLater

# The request itself is wrong for this receiver: no repetition makes it right.
_REFUSALS = {
    400: "The receiver cannot read the request (400).",
    401: "The receiver does not take our credentials (401).",
    403: "The receiver does not let us in (403).",
    404: "The receiver does not know the address (404).",
    410: "The receiver is gone for good (410).",
}
_GONE = 410
_SECONDS = re.compile(r"[0-9]{1,9}")


def outcome_of(answer: Answer, *, now: datetime, is_patient: bool = False) -> Outcome:
    """Say what an answer means; whoever waits `after` puts a limit to it.

    To the booking webhook nothing but 410 is final (webhook.appointment.post.r9, r13): it
    `is_patient`.
    """
    status = answer.status
    if 200 <= status < 300:
        return Accepted(provider_status=str(status), message_id="")
    if status == _GONE or (status in _REFUSALS and not is_patient):
        return Refused(reason=_REFUSALS[status], provider_status=str(status))
    reason = "The receiver points elsewhere" if 300 <= status < 400 else "The receiver answered"
    return TryLater(
        reason=f"{reason} ({status}).",
        provider_status=str(status),
        after=retry_after(answer, now=now),
    )


def outcome_of_failure(error: OutgoingError) -> Outcome:
    """Say what it means that there was no answer."""
    match error:
        case Blocked():
            return Refused(reason=error.reason)
        case DeadlineExceeded():
            return TryLater(reason="The receiver did not answer in time.")
        case _:
            return TryLater(reason=error.reason)


def retry_after(answer: Answer, *, now: datetime) -> timedelta | None:
    """Give how long the other side wants to be left alone; None if it did not say so."""
    text = answer.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return timedelta(seconds=int(text))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # A date without a zone is meant as GMT (RFC 9110, 5.6.7).
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(moment - now, timedelta(0))
