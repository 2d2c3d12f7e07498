"""Security counters: how often something was tried in a window, exactly, and failing closed."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F

from agents.errors import TooManyAttempts
from agents.models import SecurityCounter
from config.kernel import limits
from config.kernel.secrets import fingerprint

# The row comes back only when there was room: two at the same time cannot both take the last.
_TAKE = f"""
    INSERT INTO {SecurityCounter._meta.db_table} AS counter (key, count, window_ends_at)
    VALUES (%s, 1, %s)
    ON CONFLICT (key) DO UPDATE
        SET count = CASE WHEN counter.window_ends_at <= %s THEN 1 ELSE counter.count + 1 END,
            window_ends_at = CASE WHEN counter.window_ends_at <= %s
                THEN excluded.window_ends_at ELSE counter.window_ends_at END
        WHERE counter.window_ends_at <= %s OR counter.count < %s
    RETURNING count
"""  # noqa: S608  # the name of our own table


@dataclass(frozen=True, kw_only=True)
class Limit:
    """So many attempts within a window that begins with the first."""

    name: str
    most: int
    window: timedelta


LOGINS_PER_NAME = Limit(name="login", most=limits.LOGIN_FAILURES, window=limits.LOGIN_WINDOW)
LOGINS_PER_ADDRESS = Limit(
    name="login from", most=limits.LOGIN_FAILURES_PER_ADDRESS, window=limits.LOGIN_WINDOW
)
DESK_LOGINS = Limit(name="desk login", most=limits.DESK_FAILURES, window=limits.LOGIN_WINDOW)
DESK_LOGINS_PER_NAME = Limit(
    name="desk login as", most=limits.DESK_FAILURES_PER_NAME, window=limits.LOGIN_WINDOW
)
PASSWORD_CHANGES = Limit(
    name="password change", most=limits.DESK_FAILURES, window=limits.LOGIN_WINDOW
)
TICKETS_PER_ADDRESS = Limit(
    name="ticket from", most=limits.TICKET_FAILURES_PER_ADDRESS, window=limits.TICKET_WINDOW
)
TICKETS_IN_ALL = Limit(
    name="ticket", most=limits.TICKET_FAILURES_IN_ALL, window=limits.TICKET_WINDOW
)
CALENDARS_PER_ADDRESS = Limit(
    name="calendar from", most=limits.CALENDAR_FAILURES_PER_ADDRESS, window=limits.CALENDAR_WINDOW
)
CALENDARS_IN_ALL = Limit(
    name="calendar", most=limits.CALENDAR_FAILURES_IN_ALL, window=limits.CALENDAR_WINDOW
)
CODES_PER_RECIPIENT = Limit(name="code to", most=limits.CODE_SENDS, window=limits.CODE_SEND_WINDOW)
CODES_PER_SENDER = Limit(
    name="code from", most=limits.CODE_SENDS_PER_SENDER, window=limits.CODE_SEND_WINDOW
)
CHECK_CODES_PER_RECIPIENT = Limit(
    name="e-mail check to", most=limits.CODE_SENDS, window=limits.CODE_SEND_WINDOW
)
CHECKS_PER_APPLICATION = Limit(
    name="e-mail check of", most=limits.EMAIL_CHECKS, window=limits.CODE_SEND_WINDOW
)


@dataclass(frozen=True)
class Attempt:
    """Room that was taken under one or more limits."""

    keys: tuple[bytes, ...]

    def give_back(self) -> None:
        """Make it not have happened: it was no failure."""
        counters = SecurityCounter.objects.filter(key__in=self.keys, count__gt=0)
        counters.update(count=F("count") - 1)


def take(*subjects: tuple[Limit, str], now: datetime) -> Attempt:
    """Count an attempt before it is made, so that many at once cannot slip through.

    Raises TooManyAttempts, with nothing counted, when one of the limits is reached.
    """
    taken: list[bytes] = []
    for limit, subject in subjects:
        key = _key_of(limit, subject)
        if not _take(key, limit, now):
            Attempt(tuple(taken)).give_back()
            raise TooManyAttempts(retry_after=_rest_of(key, limit, now))
        taken.append(key)
    return Attempt(tuple(taken))


def check(*subjects: tuple[Limit, str], now: datetime) -> None:
    """Count nothing, but refuse where a limit is reached: before a look-up that seldom fails.

    A failure has to be taken then. Many at once may slip through, so that it is no protection of
    what can be guessed. Raises TooManyAttempts.
    """
    reached = {_key_of(limit, subject): limit.most for limit, subject in subjects}
    for counter in SecurityCounter.objects.filter(key__in=reached, window_ends_at__gt=now):
        if counter.count >= reached[bytes(counter.key)]:
            raise TooManyAttempts(retry_after=counter.window_ends_at - now)


def _key_of(limit: Limit, subject: str) -> bytes:
    return fingerprint(f"{limit.name}\0{subject}", purpose="counter")


def _take(key: bytes, limit: Limit, now: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [key, now + limit.window, now, now, now, limit.most])
        return cursor.fetchone() is not None


def _rest_of(key: bytes, limit: Limit, now: datetime) -> timedelta:
    counter = SecurityCounter.objects.filter(key=key).first()
    return counter.window_ends_at - now if counter else limit.window


def network_of(address: str) -> str:
    """Give what one subscriber has: an IPv4 address, or a whole /64 of IPv6 addresses."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(ipaddress.ip_network(f"{address}/64", strict=False))
