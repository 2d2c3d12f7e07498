"""Days on which clocks change: when a reminder is due, worked out by hand.

Each line was reckoned from the dates and offsets that the zone's law names, not by a program that
reads the same database as ours. `PT24H` is measured from the instant; `P1D` keeps the time on the
wall, with the offset before a gap, and at the first of two.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dated:
    """An appointment, and when its two reminders are due."""

    why: str
    zone: str
    start: str
    hours: str
    day: str


# Old dates can only be booked with the clock of that time, new ones over HTTP.
DATED = (
    Dated(
        "ten o'clock on the day that begins summer (2 → 3)", "Europe/Berlin",
        "2035-03-25T08:00:00Z", "2035-03-24T08:00:00Z", "2035-03-24T09:00:00Z",
    ),
    Dated(
        "the day before, 02:30 does not exist", "Europe/Berlin",
        "2035-03-26T00:30:00Z", "2035-03-25T00:30:00Z", "2035-03-25T01:30:00Z",
    ),
    Dated(
        "ten o'clock on the day that ends summer (3 → 2)", "Europe/Berlin",
        "2035-10-28T09:00:00Z", "2035-10-27T09:00:00Z", "2035-10-27T08:00:00Z",
    ),
    Dated(
        "the day before, 02:30 comes twice", "Europe/Berlin",
        "2035-10-29T01:30:00Z", "2035-10-28T01:30:00Z", "2035-10-28T00:30:00Z",
    ),
    Dated(
        "nine o'clock on the day that begins summer", "America/New_York",
        "2035-03-11T13:00:00Z", "2035-03-10T13:00:00Z", "2035-03-10T14:00:00Z",
    ),
    Dated(
        "the day before, 02:30 does not exist", "America/New_York",
        "2035-03-12T06:30:00Z", "2035-03-11T06:30:00Z", "2035-03-11T07:30:00Z",
    ),
    Dated(
        "nine o'clock on the day that ends summer", "America/New_York",
        "2035-11-04T14:00:00Z", "2035-11-03T14:00:00Z", "2035-11-03T13:00:00Z",
    ),
    Dated(
        "the day before, 01:30 comes twice", "America/New_York",
        "2035-11-05T06:30:00Z", "2035-11-04T06:30:00Z", "2035-11-04T05:30:00Z",
    ),
    Dated(
        "three quarters of an hour, all year", "Asia/Kathmandu",
        "2035-07-01T03:15:00Z", "2035-06-30T03:15:00Z", "2035-06-30T03:15:00Z",
    ),
    Dated(
        "the night of 1986 in which +05:30 became +05:45", "Asia/Kathmandu",
        "1986-01-01T04:15:00Z", "1985-12-31T04:15:00Z", "1985-12-31T04:30:00Z",
    ),
    Dated(
        "beyond the date line, without summer since 2021", "Pacific/Apia",
        "2035-03-31T20:00:00Z", "2035-03-30T20:00:00Z", "2035-03-30T20:00:00Z",
    ),
    Dated(
        "its last day with summer's end, 4 April 2021 (+14 → +13)", "Pacific/Apia",
        "2021-04-03T21:00:00Z", "2021-04-02T21:00:00Z", "2021-04-02T20:00:00Z",
    ),
    Dated(
        "30 December 2011, which the islands left out (-10 → +14)", "Pacific/Apia",
        "2011-12-30T20:00:00Z", "2011-12-29T20:00:00Z", "2011-12-30T20:00:00Z",
    ),
    Dated(
        "ten o'clock on the day whose clocks go back half an hour", "Australia/Lord_Howe",
        "2035-03-31T23:30:00Z", "2035-03-30T23:30:00Z", "2035-03-30T23:00:00Z",
    ),
    Dated(
        "the day before, 01:45 comes twice", "Australia/Lord_Howe",
        "2035-04-01T15:15:00Z", "2035-03-31T15:15:00Z", "2035-03-31T14:45:00Z",
    ),
    Dated(
        "ten o'clock on the day whose clocks go forward half an hour", "Australia/Lord_Howe",
        "2035-10-06T23:00:00Z", "2035-10-05T23:00:00Z", "2035-10-05T23:30:00Z",
    ),
    Dated(
        "the day before, 02:15 does not exist", "Australia/Lord_Howe",
        "2035-10-07T15:15:00Z", "2035-10-06T15:15:00Z", "2035-10-06T15:45:00Z",
    ),
)  # fmt: skip
