"""What a time of an appointment may be."""

from __future__ import annotations

from datetime import datetime, timedelta

from appointments.errors import EndsInThePast, EndsTooLate
from config.kernel import limits
from config.kernel.time import Duration


def check_end(end: datetime, *, now: datetime) -> None:
    """Refuse an end that is not to come, or comes in a year that nobody can mean.

    Raises EndsInThePast, EndsTooLate.
    """
    if end <= now:
        raise EndsInThePast(errors={"start": [EndsInThePast.message]})
    if end.year > limits.YEAR_MAX:
        raise EndsTooLate(errors={"start": [EndsTooLate.message]})


def nominal_duration(
    start: datetime | None, end: datetime | None, length: timedelta | None
) -> Duration | None:
    """Give a duration that was kept as a length: exact, unless the clock made its days unequal."""
    if start is None or end is None or length is None:
        return None
    return Duration.of(length, exact=end - start == length)
