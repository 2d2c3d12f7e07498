"""One-time codes on their way: by mail or by SMS, each at most once, and kept nowhere.

The row of a code is emptied before the code is handed over. Only where it is certain that nothing
has left the house is it filled again; in any other case of doubt the code is lost, and whoever
wants one asks anew.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import assert_never
from uuid import UUID

from django.db.models import F, Window
from django.db.models.functions import Now, RowNumber
from django.utils import timezone

from agents.models import OneTimeCode
from agents.services import codes
from config.kernel.secrets import SealBroken
from notifications.errors import CannotBuild
from notifications.models import Channel
from notifications.services import direct
from notifications.services.direct import Carrier, Words
from notifications.transports import Accepted, Outcome, Refused, Session, Submitted, TryLater

logger = logging.getLogger(__name__)

# So long new sends are begun; the last one may take `direct.SEND_SECONDS` more, and together they
# are what a deploy waits for (RELIABILITY: SIGTERM).
_ROUND_SECONDS = 4.0
# A code has six digits: a status with fewer repeats none of it.
_STATUS_LENGTH = 5
_served_at: dict[Carrier, float] = {}


@dataclass(frozen=True)
class _Waiting:
    words: Words
    sealed: bytes = field(repr=False)

    @property
    def id(self) -> UUID:
        return self.words.id


def send_codes(*, limit: int = 200) -> int:
    """Send the codes that wait, each at most once, and give how many were handed over."""
    if not OneTimeCode.objects.filter(sealed__isnull=False).exists():
        return 0
    # One that has expired while it waited helps nobody.
    OneTimeCode.objects.filter(sealed__isnull=False, expires_at__lte=Now()).update(sealed=None)
    waiting = {one.id: one for one in _waiting(limit)}
    carried = direct.by_carrier(one.words for one in waiting.values())
    for words in carried.pop(None, []):
        _drop(words.id, "nobody carries it")
    end = time.monotonic() + _ROUND_SECONDS
    sent = 0
    for carrier in _in_turn([one for one in carried if one]):
        if time.monotonic() >= end:
            break
        _served_at[carrier] = time.monotonic()
        batch = [_Waiting(words, waiting[words.id].sealed) for words in carried[carrier]]
        sent += _send_by(carrier, batch, end=end)
    return sent


def _waiting(limit: int) -> Iterator[_Waiting]:
    # One of each application, then the second of each: where many wait, nobody else waits for it.
    turn = Window(RowNumber(), partition_by=F("application_id"), order_by=F("created_at").asc())
    rows = OneTimeCode.objects.filter(sealed__isnull=False).annotate(turn=turn)
    for row in rows.order_by("turn", "created_at")[:limit]:
        sealed = bytes(row.sealed or b"")
        try:
            parcel = codes.parcel_of(sealed)
        except SealBroken:
            parcel = None
        if parcel is None:
            _drop(row.pk, "it cannot be read")
        else:
            yield _Waiting(_words_of(row, parcel), sealed)


def _words_of(row: OneTimeCode, parcel: codes.Parcel) -> Words:
    if parcel.channel is Channel.SMS:
        subject = ""
        text = codes.short_words_for(parcel.code, name=parcel.name, locale=parcel.locale)
    else:
        subject, text = codes.words_for(parcel.code, name=parcel.name, locale=parcel.locale)
    return Words(
        id=row.pk,
        organization_id=row.organization_id,
        application_id=row.application_id,
        channel=parcel.channel,
        address=parcel.address,
        subject=subject,
        text=text,
    )


def _in_turn(carriers: Collection[Carrier]) -> list[Carrier]:
    """Give first who was served longest ago: a slow provider of one is not everybody's."""
    for one in set(_served_at) - set(carriers):
        _served_at.pop(one, None)
    return sorted(carriers, key=lambda one: _served_at.get(one, 0.0))


def _send_by(carrier: Carrier, batch: list[_Waiting], *, end: float) -> int:
    sent = 0
    with _dropping(batch), direct.opened(carrier, batch[0].words) as session:
        for one in batch:
            if time.monotonic() >= end:
                break
            if not _take(one.id):
                continue
            outcome = _outcome_of(session, one.words)
            match outcome:
                case Accepted() | Submitted():
                    sent += 1
                case TryLater() if direct.is_unsent(outcome):
                    _put_back(one)
                    logger.warning("One-time passwords wait: their provider is away.")
                    break
                case TryLater() | Refused():
                    _log_loss(one.id, _named(outcome))
                    if isinstance(outcome, TryLater) and outcome.is_away:
                        # The others had better wait.
                        break
                case _:
                    assert_never(outcome)
    return sent


@contextmanager
def _dropping(batch: list[_Waiting]) -> Iterator[None]:
    """Have codes lost whose provider cannot be opened as it is set up."""
    try:
        yield
    except CannotBuild:
        for one in batch:
            _drop(one.id, "its provider cannot be opened")


def _outcome_of(session: Session, words: Words) -> Outcome:
    try:
        return direct.hand_over(session, words, now=timezone.now())
    except CannotBuild as refusal:
        return Refused(reason=str(refusal))


def _take(code_id: UUID) -> bool:
    """Take a code out of its row; False when somebody else has, or it has expired."""
    rows = OneTimeCode.objects.filter(pk=code_id, sealed__isnull=False)
    return bool(rows.filter(expires_at__gt=Now()).update(sealed=None))


def _put_back(one: _Waiting) -> None:
    OneTimeCode.objects.filter(pk=one.id).update(sealed=one.sealed)


def _drop(code_id: UUID, why: str) -> None:
    if OneTimeCode.objects.filter(pk=code_id, sealed__isnull=False).update(sealed=None):
        _log_loss(code_id, why)


def _log_loss(code_id: UUID, why: str) -> None:
    logger.warning("The one-time password %s was not sent: %s.", code_id, why)


def _named(outcome: TryLater | Refused) -> str:
    # The reason is for the history of a notification, and may quote its text.
    status = outcome.provider_status
    is_number = status.isdecimal() and len(status) <= _STATUS_LENGTH
    return f"{type(outcome).__name__} {status}" if is_number else type(outcome).__name__
