"""The open counts, and what could be activated: figures without a person in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from appointments import services
from appointments.models import State
from config.kernel.actors import Role
from config.kernel.time import format_instant
from tests import make
from tests.contract.state import everything
from tests.make import make_appointment, make_customer

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.models import ApiClient, Application
    from tests.contract.client import ApiClient as Api

pytestmark = pytest.mark.django_db

COUNT, OVERLAP = "/api/v2/appointments/count", "/api/v2/appointments/overlap/count"
ELIGIBLE = "/api/v2/appointments/eligible"
UNKNOWN = "0190a1b2-0000-7000-8000-00000000dead"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MOMENT = timedelta(microseconds=1)
# Noon before the night in which Berlin's clocks skip an hour.
NOON = datetime(2027, 3, 27, 11, tzinfo=UTC)
FREE = [State.COMPLETED, State.FAILED, State.NO_SHOW, State.CANCELLED]
TAKEN = [State.SCHEDULED, State.ACTIVATED, State.IN_PROGRESS]


@pytest.fixture
def application() -> Application:
    return make.make_application()


@pytest.fixture
def service(application: Application) -> ApiClient:
    return make.make_api_client(application.organization)[0]


def asked(application: Application, length: str, **changes: str) -> dict[str, Any]:
    """Give the four parameters that both counts need: ten hours from noon on."""
    return {
        "applicationId": str(application.id),
        "organizationId": str(application.organization_id),
        "start": format_instant(NOON),
        length: "PT10H",
        **changes,
    }


# --- count ------------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.count.r3", "v2.appointments.count.r4")
@pytest.mark.parametrize("path", [COUNT, OVERLAP])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, value) for name in ("applicationId", "organizationId", "start", "length")
          for value in (None, "", '""', " ")],
        ("start", "yesterday"),
        ("start", "2027-02-29T00:00:00Z"),
        ("length", "10 hours"),
        ("length", "PT0S"),
        ("length", "P1M"),
        ("length", "-PT1H"),
    ],
)  # fmt: skip
@pytest.mark.rule("v2.appointments.overlap_count.r3")
def test_each_parameter_is_required_and_must_be_readable(
    api: Callable[[], Api], application: Application, path: str, name: str, value: str | None
) -> None:
    length = "timeFrame" if path == COUNT else "duration"
    name = length if name == "length" else name
    query: dict[str, Any] = asked(application, length)
    if value is None:
        del query[name]
    else:
        query[name] = value

    answer = api().get(path, **query)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [name]


@pytest.mark.rule("v2.appointments.count.r3")
def test_everything_that_is_missing_is_named(api: Callable[[], Api]) -> None:
    answer = api().get(COUNT)

    assert answer.json()["errors"] == {
        name: ["This field is required."]
        for name in ("organizationId", "applicationId", "start", "timeFrame")
    }


@pytest.mark.rule(
    "v2.appointments.count.r5", "v2.appointments.count.r7", "v2.appointments.count.r8",
    "v2.appointments.count.r9", "v2.appointments.count.r13",
)  # fmt: skip
def test_the_count_has_one_element_for_each_start_duration_and_timezone_in_order(
    api: Callable[[], Api], application: Application
) -> None:
    for hours, duration, zone in [
        (2, "PT30M", "Europe/Berlin"),
        (0, "PT60M", "Europe/Berlin"),
        (0, "PT1H", "Europe/Berlin"),
        (0, "PT1H", "Asia/Tokyo"),
        (0, "PT30M", "Europe/Berlin"),
    ]:
        make_appointment(
            application, start=NOON + hours * HOUR, duration=duration, zone=zone,
            title="Secret", customers=[make_customer(), make_customer()],
        )  # fmt: skip

    body = api().get(COUNT, **asked(application, "timeFrame")).json()

    noon, one = "2027-03-27T11:00:00Z", "2027-03-27T12:00:00Z"
    hour = {"start": noon, "end": one, "duration": "PT1H"}
    half = {"duration": "PT30M", "timezone": "Europe/Berlin", "count": 1}
    assert body == [
        {"start": noon, "end": "2027-03-27T11:30:00Z", **half},
        {**hour, "timezone": "Asia/Tokyo", "count": 1},
        {**hour, "timezone": "Europe/Berlin", "count": 2},
        {"start": "2027-03-27T13:00:00Z", "end": "2027-03-27T13:30:00Z", **half},
    ]


@pytest.mark.rule("v2.appointments.count.r5")
def test_a_day_and_24_hours_are_two_durations_where_the_clocks_change(
    api: Callable[[], Api], application: Application
) -> None:
    for duration in ("P1D", "PT24H"):
        make_appointment(application, start=NOON, duration=duration)

    body = api().get(COUNT, **asked(application, "timeFrame")).json()

    common = {"start": "2027-03-27T11:00:00Z", "timezone": "Europe/Berlin", "count": 1}
    assert body == [
        {**common, "end": "2027-03-28T10:00:00Z", "duration": "P1D"},
        {**common, "end": "2027-03-28T11:00:00Z", "duration": "PT24H"},
    ]


@pytest.mark.rule("v2.appointments.count.r6")
def test_only_what_starts_within_the_time_frame_is_counted(
    api: Callable[[], Api], application: Application
) -> None:
    for start in (NOON - MOMENT, NOON, NOON + 10 * HOUR - MOMENT, NOON + 10 * HOUR):
        make_appointment(application, start=start, duration="PT30M")

    body = api().get(COUNT, **asked(application, "timeFrame")).json()

    assert [slot["start"] for slot in body] == [
        "2027-03-27T11:00:00Z",
        "2027-03-27T20:59:59.999999Z",
    ]


@pytest.mark.rule("v2.appointments.count.r10")
def test_what_is_over_or_called_off_is_not_counted(
    api: Callable[[], Api], application: Application
) -> None:
    for number, state in enumerate([*TAKEN, *FREE]):
        make_appointment(application, start=NOON + number * MINUTE, state=state)
    deleted = make_appointment(application, start=NOON)
    actor = make.actor_for(make.make_user(application.organization, [Role.SUPERVISOR]))
    services.delete_appointment(deleted.id, actor=actor, now=datetime.now(UTC))

    body = api().get(COUNT, **asked(application, "timeFrame")).json()

    assert [(slot["start"], slot["count"]) for slot in body] == [
        (format_instant(NOON + number * MINUTE), 1) for number in range(len(TAKEN))
    ]


@pytest.mark.rule("v2.appointments.count.r11", "v2.appointments.overlap_count.r9")
@pytest.mark.parametrize("named", ["application", "organization"])
@pytest.mark.parametrize("value", [UNKNOWN, "x", "of another"])
def test_unknown_ids_and_ids_that_do_not_belong_together_count_nothing(
    api: Callable[[], Api], application: Application, named: str, value: str
) -> None:
    other = make.make_application()
    make_appointment(application, start=NOON)
    make_appointment(other, start=NOON)
    if value == "of another":
        value = str(other.id if named == "application" else other.organization_id)
    ids: dict[str, Any] = {f"{named}Id": value}

    count = api().get(COUNT, **asked(application, "timeFrame", **ids))
    overlap = api().get(OVERLAP, **asked(application, "duration", **ids))

    assert (count.status_code, count.json()) == (200, [])
    assert (overlap.status_code, overlap.json()) == (200, {"count": 0})


@pytest.mark.rule("v2.appointments.count.r11", "v2.appointments.overlap_count.r9")
def test_where_nothing_matches_nothing_is_counted(
    api: Callable[[], Api], application: Application
) -> None:
    make_appointment(application, start=NOON - 3 * HOUR)

    count = api().get(COUNT, **asked(application, "timeFrame"))
    overlap = api().get(OVERLAP, **asked(application, "duration"))

    assert (count.status_code, count.json()) == (200, [])
    assert (overlap.status_code, overlap.json()) == (200, {"count": 0})


@pytest.mark.rule("v2.appointments.count.r12", "v2.appointments.overlap_count.r10")
@pytest.mark.parametrize(("path", "length"), [(COUNT, "timeFrame"), (OVERLAP, "duration")])
@pytest.mark.parametrize(
    "changes",
    [
        {"start": '"2027-03-27T11:00:00.0Z"'},
        {"start": "2027-03-27T11:00:00"},
        {"start": "2027-03-27T12:00:00+01:00"},
        {"length": '"PT10H"'},
        {"length": "PT600M"},
        {"applicationId": '"{}"'},
    ],
)
def test_quotes_and_spellings_make_no_difference(
    api: Callable[[], Api], application: Application, path: str, length: str,
    changes: dict[str, str],
) -> None:  # fmt: skip
    # Outside by a moment: a start or a length that was read differently would show.
    for start in (NOON, NOON + 10 * HOUR - MOMENT, NOON + 10 * HOUR):
        make_appointment(application, start=start)
    query = asked(application, length)
    plain = api().get(path, **query).json()
    for name, value in changes.items():
        query[length if name == "length" else name] = value.format(application.id)

    answer = api().get(path, **query)

    assert (plain["count"] if path == OVERLAP else len(plain)) == 2
    assert answer.json() == plain


# --- overlap_count ----------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.overlap_count.r4", "v2.appointments.overlap_count.r5")
@pytest.mark.parametrize(
    ("start", "end", "count"),
    [
        (NOON - HOUR, NOON, 0),
        (NOON - HOUR, NOON + MOMENT, 1),
        (NOON - HOUR, NOON + 11 * HOUR, 1),
        (NOON + HOUR, NOON + 2 * HOUR, 1),
        (NOON, NOON + 10 * HOUR, 1),
        (NOON + 10 * HOUR - MOMENT, NOON + 11 * HOUR, 1),
        (NOON + 10 * HOUR, NOON + 11 * HOUR, 0),
    ],
)
def test_an_overlap_shares_a_moment_and_touching_is_none(
    api: Callable[[], Api], application: Application, start: datetime, end: datetime, count: int
) -> None:
    length = f"PT{(end - start).total_seconds():.6f}S"
    make_appointment(application, start=start, duration=length)

    assert api().get(OVERLAP, **asked(application, "duration")).json() == {"count": count}


@pytest.mark.rule("v2.appointments.overlap_count.r6", "v2.appointments.overlap_count.r7")
@pytest.mark.parametrize(
    ("state", "count"), [*[(state, 1) for state in TAKEN], *[(state, 0) for state in FREE]]
)
def test_only_what_takes_up_its_time_overlaps(
    api: Callable[[], Api], application: Application, state: State, count: int
) -> None:
    make_appointment(application, start=NOON, state=state)

    assert api().get(OVERLAP, **asked(application, "duration")).json() == {"count": count}


@pytest.mark.rule("v2.appointments.overlap_count.r7")
def test_a_deleted_appointment_overlaps_nothing(
    api: Callable[[], Api], application: Application
) -> None:
    gone, _ = (make_appointment(application, start=NOON) for _ in range(2))
    actor = make.actor_for(make.make_user(application.organization, [Role.SUPERVISOR]))
    services.delete_appointment(gone.id, actor=actor, now=datetime.now(UTC))

    assert api().get(OVERLAP, **asked(application, "duration")).json() == {"count": 1}


@pytest.mark.rule("v2.appointments.overlap_count.r8")
def test_only_appointments_of_the_application_overlap(
    api: Callable[[], Api], application: Application
) -> None:
    second = make.make_application(application.organization)
    for one in (application, second, second):
        make_appointment(one, start=NOON)

    counts = [api().get(OVERLAP, **asked(one, "duration")).json() for one in (application, second)]

    assert counts == [{"count": 1}, {"count": 2}]


# --- eligible ---------------------------------------------------------------------------------


@pytest.mark.rule(
    "v2.appointments.eligible.r3", "v2.appointments.eligible.r4", "v2.appointments.eligible.r8",
    "v2.appointments.eligible.r9",
)  # fmt: skip
def test_eligible_is_what_is_scheduled_not_activated_and_not_over(
    api: Callable[[str], Api], application: Application, service: ApiClient, now: datetime
) -> None:
    by_hand = make.make_application(application.organization, activates_automatically=False)
    theirs = make.make_application(activates_automatically=False)
    tomorrow = now + timedelta(days=1)
    make_appointment(application, start=tomorrow)  # activated when it was booked
    make_appointment(theirs, start=tomorrow)
    later = make_appointment(by_hand, start=tomorrow + HOUR, zone="Asia/Tokyo")
    under_way = make_appointment(by_hand, start=now - MINUTE, duration="PT1H")
    make_appointment(by_hand, start=now - 2 * HOUR, duration="PT2H")  # ends now
    for state in (*FREE, State.IN_PROGRESS):
        make_appointment(by_hand, start=tomorrow, state=state)

    body = api(make.token_for(service)).get(ELIGIBLE).json()

    assert body == [
        {
            "id": str(one.id),
            "start": format_instant(start),
            "timezone": one.timezone,
            "eligibleFrom": format_instant(one.created_at),
        }
        for one, start in [(under_way, now - MINUTE), (later, tomorrow + HOUR)]
    ]
    assert all(one.created_at <= datetime.now(UTC) for one in (under_way, later))


@pytest.mark.rule("v2.appointments.eligible.r5", "v2.appointments.eligible.r10")
def test_an_appointment_that_was_activated_is_not_eligible(
    api: Callable[[str], Api], application: Application, service: ApiClient
) -> None:
    by_hand = make.make_application(application.organization, activates_automatically=False)
    make_appointment(application)
    booked = make_appointment(by_hand)
    client = api(make.token_for(service))
    before = client.get(ELIGIBLE).json()

    client.post(f"/api/v2/appointments/activate/{booked.id}")

    after = client.get(ELIGIBLE)
    assert [one["id"] for one in before] == [str(booked.id)]
    assert (after.status_code, after.json()) == (200, [])


@pytest.mark.rule("v2.appointments.eligible.r6")
@pytest.mark.parametrize("frame", ["PT1S", '"PT1S"', "P1D", "P52W", ""])
def test_a_time_frame_makes_no_difference(
    api: Callable[[str], Api], application: Application, service: ApiClient, frame: str
) -> None:
    by_hand = make.make_application(application.organization, activates_automatically=False)
    booked = make_appointment(by_hand, start=datetime.now(UTC) + timedelta(days=300))

    body = api(make.token_for(service)).get(ELIGIBLE, timeFrame=frame).json()

    assert [one["id"] for one in body] == [str(booked.id)]


@pytest.mark.rule("v2.appointments.eligible.r7")
@pytest.mark.parametrize("frame", ["10 hours", "P1Y", "PT0S", "-PT1H", "PT"])
def test_a_time_frame_that_is_no_duration_is_answered_400(
    api: Callable[[str], Api], service: ApiClient, frame: str
) -> None:
    before = everything()

    answer = api(make.token_for(service)).get(ELIGIBLE, timeFrame=frame)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["timeFrame"]
    assert everything() == before


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("path", [COUNT, OVERLAP, ELIGIBLE])
def test_counting_takes_one_statement_besides_the_caller(
    api: Callable[..., Api], rows: int, path: str, django_assert_num_queries: Any
) -> None:
    by_hand = make.make_application(activates_automatically=False)
    for number in range(rows):
        make_appointment(by_hand, start=NOON + number * HOUR)
    client, query = api(), {**asked(by_hand, "timeFrame"), **asked(by_hand, "duration")}
    if path == ELIGIBLE:
        client = api(make.token_for(make.make_api_client(by_hand.organization)[0]))
        query = {}

    with django_assert_num_queries(2 if path == ELIGIBLE else 1):
        client.get(path, **query)
