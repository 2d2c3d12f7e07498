"""One request to a provider of SMS, and what it means when it does not answer as it should.

Reasons are kept in the history. They quote nothing of an answer: it may repeat what we sent.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import Final, cast

import orjson
from django.utils import timezone

from config.kernel.http import Answer, DeadlineExceeded, OutgoingError, Request, fetch
from notifications.transports import Refused, TryLater
from notifications.transports.webhooks.answers import retry_after

# A provider that needs longer than this is in trouble.
_SECONDS: Final = 10.0
# Whoever says more than this will be asked again all the same.
_PATIENCE: Final = timedelta(hours=1)
_STATUS_LENGTH: Final = 60
_ID_LENGTH: Final = 255
# Set-up and not the message: nobody can be blamed for it but us, and it can be mended. 401 and 403
# are not among them: what is answered so is not repeated by itself (v2.notifications.list.r11).
_SET_UP = frozenset({402, 407})
# Too much at once, or closed for a while: nothing was taken.
_BUSY = frozenset({429, 503})
# In time, in order, or not yet: a repetition may succeed.
_PASSING = frozenset({408, 409, 425})


def ask(request: Request, *, until: float) -> Answer | TryLater:
    """Give the provider's answer, whatever it says; TryLater when there was none.

    With `until`, a moment of the monotonic clock, even a slow one comes to an end.
    """
    left = min(_SECONDS, until - time.monotonic())
    if left <= 0:
        return TryLater(reason="There was no time left to send it.", is_away=True)
    try:
        return fetch(replace(request, deadline=left))
    except OutgoingError as error:
        if error.is_unsent:
            return TryLater(reason=f"The provider cannot be reached: {error.reason}", is_away=True)
        # What went wrong with an answer can hold parts of it.
        what = "did not come in time" if isinstance(error, DeadlineExceeded) else "was lost"
        return TryLater(reason=f"The answer {what}; it may have arrived.")


def refusal_of(answer: Answer) -> TryLater | Refused | None:
    """Say what an answer other than a success means; None for a success."""
    status = answer.status
    if 200 <= status < 300:
        return None
    word = str(status)
    if status in _SET_UP or 300 <= status < 400:
        reason = f"The provider does not let us in ({status}): its set-up has to be looked at."
        return TryLater(reason=reason, provider_status=word, is_away=True)
    if 400 <= status < 500 and status not in _BUSY | _PASSING:
        return Refused(reason=f"The provider refused it ({status}).", provider_status=word)
    wait = retry_after(answer, now=timezone.now())
    return TryLater(
        reason=f"The provider is busy or in trouble ({status}).",
        provider_status=word,
        after=min(wait, _PATIENCE) if wait is not None else None,
        is_away=status in _BUSY,
    )


def json_of(answer: Answer) -> object:
    """Give the JSON of an answer; None when it is no such thing, or was cut off."""
    try:
        return cast(object, orjson.loads(answer.body))
    except orjson.JSONDecodeError:
        return None


def as_status(word: str) -> str:
    """Give a provider's word for the history: as it said it, if it is one."""
    return "".join(sign for sign in word if sign.isprintable())[:_STATUS_LENGTH]


def as_message_id(word: str) -> str:
    """Give a provider's name for a message; empty when it can be no such thing."""
    return word if word.isprintable() and len(word) <= _ID_LENGTH else ""


def of_a_question(outcome: TryLater | Refused) -> TryLater:
    """Say what it means when a provider does not tell how it went with a message.

    It has the message all the same: nothing is sent again, and nothing has failed.
    """
    if isinstance(outcome, Refused):
        return TryLater(reason=outcome.reason)
    # Without an answer nothing was learnt: the question does not count as one.
    return TryLater(reason=outcome.reason, after=outcome.after, is_away=True)
