"""What guards the doors is forgotten when it guards nothing any more."""

from __future__ import annotations

from datetime import datetime, timedelta

from agents.models import DeskCookie, IdempotentRequest, OneTimeCode, SecurityCounter
from config.kernel import limits

# Long enough to be looked at after a complaint.
CODES_KEPT = timedelta(days=1)


def forget_expired(*, now: datetime) -> int:
    """Delete kept answers, codes of yesterday, counters of past windows and ended cookies."""
    gone = [
        IdempotentRequest.objects.filter(created_at__lte=now - limits.IDEMPOTENCY_KEPT),
        OneTimeCode.objects.filter(created_at__lte=now - CODES_KEPT),
        SecurityCounter.objects.filter(window_ends_at__lte=now),
        # Until then it has to be known that one is over.
        DeskCookie.objects.filter(made_at__lte=now - limits.DESK_COOKIE_LIFETIME),
    ]
    return sum(rows.delete()[0] for rows in gone)
