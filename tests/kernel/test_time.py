from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.time import (
    Duration,
    format_instant,
    parse_duration,
    parse_instant,
    parse_locale,
    parse_zone,
    unquote,
)

BERLIN = parse_zone("Europe/Berlin")
DAY = Duration(days=1, exact=timedelta())
FIRST, LAST = parse_instant("1900-01-03T00:00Z"), parse_instant("2200-12-29T00:00Z")
INSTANTS = st.timedeltas(timedelta(0), LAST - FIRST).map(lambda passed: FIRST + passed)
DURATIONS = st.builds(
    Duration,
    days=st.integers(0, 300),
    exact=st.timedeltas(timedelta(microseconds=1), timedelta(days=60)),
)


@pytest.mark.parametrize(
    ("text", "days", "exact", "canonical"),
    [
        ("PT5M", 0, timedelta(minutes=5), "PT5M"),
        ("PT24H", 0, timedelta(hours=24), "PT24H"),
        ("PT90S", 0, timedelta(seconds=90), "PT1M30S"),
        ("P1D", 1, timedelta(), "P1D"),
        ("P1W", 7, timedelta(), "P7D"),
        ("P1W2DT3H4M5S", 9, timedelta(hours=3, minutes=4, seconds=5), "P9DT3H4M5S"),
        ("PT0.5S", 0, timedelta(milliseconds=500), "PT0.5S"),
        ("PT0,000001S", 0, timedelta(microseconds=1), "PT0.000001S"),
        ("P366D", 366, timedelta(), "P366D"),
    ],
)
def test_a_duration_is_read_and_written_in_one_form(
    text: str, days: int, exact: timedelta, canonical: str
) -> None:
    duration = parse_duration(text)

    assert duration == Duration(days=days, exact=exact)
    assert str(duration) == canonical


@pytest.mark.parametrize(
    "text",
    [
        *["", "P", "PT", "P1DT", "T5M", "5", "5M", "PT5", "PT5m", "pt5m", " PT5M", "PT5M\n"],
        *["P1Y", "P1M", "P1Y2M", "PT0S", "P0D", "P0W", "-PT5M", "+PT5M", "PT-5M", "P-1D"],
        *["PT0.5M", "PT0.5H", "P0.5D", "PT.5S", "PT1.S", "PT1.1234567S", "PT5M4H", "P1D1W"],
        *["P٣D", "PT५M", "PT5M0s (5 minutes)", "P1D2D", "PT1e3S", "P0001-00-01T00:00:00"],
        *["P367D", "PT8785H", "P99999999999D", "P999999999W", "PT" + "9" * 5_000 + "S"],
    ],
)
def test_what_is_no_positive_duration_of_at_most_a_year_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        parse_duration(text)


def test_the_longest_duration_can_be_chosen() -> None:
    assert parse_duration("P400D", most=None).days == 400
    with pytest.raises(ValueError, match="longer than P1D"):
        parse_duration("PT24H1S", most=timedelta(days=1))


@given(DURATIONS)
def test_a_written_duration_reads_as_the_same(duration: Duration) -> None:
    assert parse_duration(str(duration), most=None) == duration


def test_an_empty_duration_is_written_too() -> None:
    assert str(Duration(days=0, exact=timedelta())) == "PT0S"


def test_a_measured_length_keeps_its_hours_unless_it_is_nominal() -> None:
    length = timedelta(days=1, hours=2)

    assert str(Duration.of(length, exact=True)) == "PT26H"
    assert str(Duration.of(length, exact=False)) == "P1DT2H"


def test_a_negative_length_is_no_duration() -> None:
    with pytest.raises(ValueError, match="not negative"):
        Duration.of(timedelta(seconds=-1), exact=False)


def test_durations_are_compared_by_value() -> None:
    assert parse_duration("P1D").value == parse_duration("PT24H").value


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        # The day on which clocks are put forward has 23 hours, the other one 25.
        ("2024-03-30T11:00:00Z", "P1D", "2024-03-31T10:00:00Z"),
        ("2024-03-30T11:00:00Z", "PT24H", "2024-03-31T11:00:00Z"),
        ("2024-10-26T10:00:00Z", "P1D", "2024-10-27T11:00:00Z"),
        ("2024-10-26T10:00:00Z", "PT24H", "2024-10-27T10:00:00Z"),
        # 02:30 does not exist on March 31: with the offset before the gap it is 03:30.
        ("2024-03-30T01:30:00Z", "P1D", "2024-03-31T01:30:00Z"),
        ("2024-03-30T01:30:00Z", "P1DT1H", "2024-03-31T02:30:00Z"),
        # 02:30 occurs twice on October 27: the first is meant.
        ("2024-10-26T00:30:00Z", "P1D", "2024-10-27T00:30:00Z"),
        # Hours pass both of them.
        ("2024-10-27T00:30:00Z", "PT1H", "2024-10-27T01:30:00Z"),
        ("2024-10-27T01:30:00Z", "PT1H", "2024-10-27T02:30:00Z"),
        # The second 02:30 is left as it was found.
        ("2024-10-27T01:30:00Z", "P1D", "2024-10-28T01:30:00Z"),
        ("2024-03-24T01:30:00Z", "P1W", "2024-03-31T01:30:00Z"),
    ],
)
def test_days_keep_the_wall_clock_and_hours_are_measured(
    start: str, duration: str, end: str
) -> None:
    assert format_instant(parse_duration(duration).after(parse_instant(start), BERLIN)) == end


@pytest.mark.parametrize(
    ("start", "duration", "due"),
    [
        ("2024-03-31T10:00:00Z", "P1D", "2024-03-30T11:00:00Z"),
        ("2024-03-31T10:00:00Z", "PT24H", "2024-03-30T10:00:00Z"),
        ("2024-04-01T00:30:00Z", "P1D", "2024-03-31T01:30:00Z"),
        ("2024-10-28T01:30:00Z", "P1D", "2024-10-27T00:30:00Z"),
        ("2024-10-27T11:00:00Z", "P1DT1H", "2024-10-26T09:00:00Z"),
    ],
)
def test_an_offset_before_a_start_follows_the_same_clock(
    start: str, duration: str, due: str
) -> None:
    assert format_instant(parse_duration(duration).before(parse_instant(start), BERLIN)) == due


def test_a_zone_that_skipped_a_whole_day_has_no_hole() -> None:
    # Samoa had no December 30 in 2011.
    apia = parse_zone("Pacific/Apia")

    assert DAY.after(parse_instant("2011-12-29T22:00:00Z"), apia) == parse_instant(
        "2011-12-30T22:00:00Z"
    )


@given(INSTANTS, st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Tehran"]))
def test_exact_durations_do_not_know_the_zone(instant: datetime, name: str) -> None:
    duration = Duration(days=0, exact=timedelta(hours=25, seconds=1))

    assert duration.after(instant, parse_zone(name)) == instant + duration.exact
    assert duration.before(instant, parse_zone(name)) == instant - duration.exact


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2022-01-31T19:00:00.0Z", "2022-01-31T19:00:00Z"),
        ("2022-01-31T19:00:00Z", "2022-01-31T19:00:00Z"),
        ("2022-01-31T19:00Z", "2022-01-31T19:00:00Z"),
        ("2022-01-31t19:00:00z", "2022-01-31T19:00:00Z"),
        ("2022-01-31T19:00:00", "2022-01-31T19:00:00Z"),
        ("2022-01-31T19:00:00+02:30", "2022-01-31T16:30:00Z"),
        ("2022-01-31T19:00:00-00:00", "2022-01-31T19:00:00Z"),
        ("2022-01-31T19:00:00.123456789Z", "2022-01-31T19:00:00.123456Z"),
        ("2022-01-31T19:00:00.5Z", "2022-01-31T19:00:00.500000Z"),
        ("2024-02-29T23:59:59-23:59", "2024-03-01T23:58:59Z"),
        ("1900-01-01T00:00:00Z", "1900-01-01T00:00:00Z"),
        ("2200-12-31T23:59:59.999999Z", "2200-12-31T23:59:59.999999Z"),
    ],
)
def test_an_instant_is_read_from_rfc_3339_and_written_in_utc(text: str, written: str) -> None:
    assert format_instant(parse_instant(text)) == written


@pytest.mark.parametrize(
    "text",
    [
        *["", "now", "1643655600", "2022-01-31", "19:00:00Z", "2022-01-31T19Z", "2022-W05-1"],
        *["2022-01-31 19:00:00Z", "20220131T190000Z", "2022-01-31T19:00:00 00:00"],
        *["2022-01-31T19:00:60Z", "2022-01-31T24:00:00Z", "2022-02-29T00:00:00Z"],
        *["2022-00-01T00:00:00Z", "2022-13-01T00:00:00Z", "2022-01-31T19:60:00Z"],
        *["2022-01-31T19:00:00+24:00", "2022-01-31T19:00:00+01:60", "2022-01-31T19:00:00+0100"],
        *["0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "-2022-01-31T19:00:00Z"],
        *["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"],
        *["1899-12-31T23:59:59Z", "1900-01-01T00:00:00+00:01", "2201-01-01T00:00:00Z"],
        *["٢٠٢٢-01-31T19:00:00Z", "2022-01-31T19:00:00Z\n", "2022-01-31T19:00:00." + "1" * 60],
    ],
)
def test_what_is_no_instant_of_our_years_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        parse_instant(text)


@given(INSTANTS)
def test_a_written_instant_reads_as_the_same(instant: datetime) -> None:
    assert parse_instant(format_instant(instant)) == instant


def test_an_instant_is_written_in_utc_whatever_its_zone() -> None:
    instant = datetime(2022, 1, 31, 19, tzinfo=timezone(timedelta(hours=-5)))

    assert format_instant(instant) == "2022-02-01T00:00:00Z"


def test_a_date_time_without_a_zone_is_not_written() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        format_instant(datetime(2022, 1, 31))  # noqa: DTZ001  # what is to be refused


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Salta", "Etc/GMT+5"])
def test_a_zone_is_found_by_its_iana_name(name: str) -> None:
    assert parse_zone(name).key == name


@pytest.mark.parametrize(
    "name",
    [
        *["", "Factory", "localtime", "europe/berlin", "Europe/Berlin ", "Mars/Olympus", "CEST"],
        *["+01:00", "GMT+1:00", "../../etc/passwd", "/etc/localtime", "posix/UTC", "Europe", "."],
    ],
)
def test_another_name_is_no_zone(name: str) -> None:
    with pytest.raises(ValueError, match="IANA"):
        parse_zone(name)


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("en-US", "en-US"),
        ("en_GB", "en-GB"),
        ("EN_gb", "en-GB"),
        ("de", "de"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("zh-TW", "zh-TW"),
        ("es-419", "es-419"),
        ("sr_latn", "sr-Latn"),
    ],
)
def test_a_locale_is_written_with_hyphens(text: str, locale: str) -> None:
    assert parse_locale(text) == locale


@pytest.mark.parametrize(
    "text",
    [
        *["", "e", "english", "xx", "xx-YY", "en-XX", "en-", "-GB", "en--GB", "en-GB-x-a"],
        *["en GB", "root", "C", "POSIX", "en.UTF-8", "ен", "en-GB\n", "en-" + "GB-" * 50],
    ],
)
def test_what_the_locale_data_do_not_know_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="locale"):
        parse_locale(text)


@pytest.mark.parametrize(
    ("text", "bare"),
    [('"PT5M"', "PT5M"), ("PT5M", "PT5M"), ('""x""', '"x"'), ('"', '"'), ('""', ""), ('"a', '"a')],
)
def test_one_pair_of_double_quotes_is_removed(text: str, bare: str) -> None:
    assert unquote(text) == bare
