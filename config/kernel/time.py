"""Time on the wire: durations, instants, zones and locales, read strictly and written one way."""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError

from config.kernel import limits

# The zones come from the pinned package: the same on every machine, whatever its system has.
zoneinfo.reset_tzpath(to=())

_ZONES = frozenset(zoneinfo.available_timezones()) - {"Factory", "localtime"}

_DURATION = re.compile(
    r"P(?=[0-9T])(?:([0-9]{1,9})W)?(?:([0-9]{1,9})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})(?:[.,]([0-9]{1,6}))?S)?)?"
)
_INSTANT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))?"
)
_LOCALE = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?")
_TEXT_LENGTH = 64


@dataclass(frozen=True)
class Duration:
    """A length of time: days keep the wall clock of a zone, the exact rest is measured."""

    days: int
    exact: timedelta

    def __post_init__(self) -> None:
        if self.days < 0 or self.exact < timedelta(0):
            raise ValueError("A duration is not negative.")

    @classmethod
    def of(cls, value: timedelta, *, exact: bool) -> Duration:
        """Give the duration of a measured length; unless exact, whole days become calendar days.

        Raises ValueError for a negative length.
        """
        if exact:
            return cls(days=0, exact=value)
        return cls(days=value.days, exact=value - timedelta(days=value.days))

    @property
    def value(self) -> timedelta:
        """Give the length by which durations are compared: a day counts 24 hours."""
        return timedelta(days=self.days) + self.exact

    def after(self, start: datetime, zone: ZoneInfo) -> datetime:
        """Give the instant (UTC) that lies this duration after the start."""
        return _move_days(start, self.days, zone) + self.exact

    def before(self, start: datetime, zone: ZoneInfo) -> datetime:
        """Give the instant (UTC) that lies this duration before the start."""
        return _move_days(start, -self.days, zone) - self.exact

    def __str__(self) -> str:
        date = f"{self.days}D" if self.days else ""
        minutes, seconds = divmod(self.exact.days * 86_400 + self.exact.seconds, 60)
        hours, minutes = divmod(minutes, 60)
        clock = f"{hours}H" if hours else ""
        clock += f"{minutes}M" if minutes else ""
        if self.exact.microseconds:
            clock += f"{seconds}.{self.exact.microseconds:06}".rstrip("0") + "S"
        elif seconds or not (date or clock):
            clock += f"{seconds}S"
        return f"P{date}T{clock}" if clock else f"P{date}"


def _move_days(start: datetime, days: int, zone: ZoneInfo) -> datetime:
    if not days:
        # Through local time, the second of two equal hours would become the first.
        return start.astimezone(UTC)
    local = start.astimezone(zone).replace(tzinfo=None, fold=0) + timedelta(days=days)
    # With fold=0 a time in a gap has the offset before it, and one that occurs twice is the first.
    return local.replace(tzinfo=zone).astimezone(UTC)


def unquote(text: str) -> str:
    """Remove one pair of surrounding double quotes, as sample requests carry them."""
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1]
    return text


def parse_duration(text: str, *, most: timedelta | None = limits.DURATION_MAX) -> Duration:
    """Read an ISO 8601 duration of weeks, days, hours, minutes and seconds.

    Raises ValueError for anything else: years and months, zero, less than a microsecond, and more
    than `most`.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(
            "A duration is written in ISO 8601 with weeks, days, hours, minutes and seconds,"
            " such as PT30M or P1D."
        )
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:5])
    microseconds = int((match[6] or "0").ljust(6, "0"))
    try:
        exact = timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=microseconds)
        duration = Duration(days=weeks * 7 + days, exact=exact)
        value = duration.value
    except OverflowError:
        raise ValueError("The duration is too long.") from None
    if not value:
        raise ValueError("A duration is longer than zero.")
    if most is not None and value > most:
        raise ValueError(f"The duration is longer than {Duration.of(most, exact=False)}.")
    return duration


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 date-time and give it in UTC, as which one without an offset is taken.

    Raises ValueError, also when the year is not among those the product can plan in.
    """
    match = _INSTANT.fullmatch(text) if len(text) <= _TEXT_LENGTH else None
    if match is None:
        raise ValueError("A date-time is written as in 2022-01-31T19:05:00Z (RFC 3339).")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    try:
        instant = datetime(
            year,
            month,
            day,
            hour,
            minute,
            second,
            int((match[7] or "0")[:6].ljust(6, "0")),
            tzinfo=_offset(match[8], match[9], match[10]),
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("There is no such date-time.") from None
    if not limits.YEAR_MIN <= instant.year <= limits.YEAR_MAX:
        raise ValueError(f"A date-time lies in the years {limits.YEAR_MIN} to {limits.YEAR_MAX}.")
    return instant


def _offset(sign: str | None, hours: str | None, minutes: str | None) -> timezone:
    if sign is None or hours is None or minutes is None:
        return UTC
    if int(minutes) > 59:
        raise ValueError(minutes)
    distance = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-distance if sign == "-" else distance)


def format_instant(instant: datetime) -> str:
    """Write an instant in UTC with the suffix Z; a fraction only when it is not zero.

    Raises ValueError for a date-time without a zone.
    """
    if instant.tzinfo is None:
        raise ValueError("A date-time without a zone is not an instant.")
    return instant.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def parse_zone(name: str) -> ZoneInfo:
    """Give the time zone of an IANA name.

    Raises ValueError for every other name.
    """
    if name not in _ZONES:
        raise ValueError("A time zone is an IANA name such as Europe/Berlin.")
    return _zone(name)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=1024)
def parse_locale(text: str) -> str:
    """Give a locale in its hyphen form: en_gb becomes en-GB.

    Raises ValueError when it is malformed or the locale data do not know it.
    """
    match = _LOCALE.fullmatch(text)
    if match is None:
        raise ValueError("A locale is written as in en-GB.")
    language, script, region = match.groups()
    parts = [language.lower(), script and script.title(), region and region.upper()]
    locale = "-".join(part for part in parts if part)
    try:
        Locale.parse(locale, sep="-")
    except (UnknownLocaleError, ValueError):
        raise ValueError(f"The locale {locale} is not known.") from None
    return locale
