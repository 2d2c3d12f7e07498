"""The open counts of the older version, which name no organisation, and what can be activated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from appointments.models import State
from config.kernel.time import format_instant
from tests import make
from tests.contract.client import ApiClient
from tests.make import make_appointment

pytestmark = pytest.mark.django_db

COUNT, OVERLAP = "/api/appointments/count", "/api/appointments/overlap/count"
ELIGIBLE = "/api/appointments/eligible/"
UNKNOWN = "0190a1b2-0000-7000-8000-00000000dead"
HOUR, MOMENT = timedelta(hours=1), timedelta(microseconds=1)
NOON = datetime(2027, 3, 27, 11, tzinfo=UTC)


def length_of(path: str) -> str:
    return "timeFrame" if path == COUNT else "duration"


def asked(application: object, path: str, **changes: Any) -> dict[str, Any]:
    """Give the three parameters of a count: ten hours from noon on."""
    named = {"applicationId": str(getattr(application, "id", application))}
    return {**named, "start": format_instant(NOON), length_of(path): "PT10H", **changes}


def get(path: str, query: dict[str, Any]) -> Any:
    answer = ApiClient().get(path, **query)
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.mark.rule("v1.appointments.count.r3", "v1.appointments.overlap_count.r3")
@pytest.mark.parametrize("path", [COUNT, OVERLAP])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, value) for name in ("applicationId", "start", "length") for value in ("", '""')],
        ("start", "yesterday"), ("length", "10 hours"), ("length", "PT0S"), ("length", "P1M"),
    ],
)  # fmt: skip
def test_each_parameter_is_required_and_must_be_readable(path: str, name: str, value: str) -> None:
    name = length_of(path) if name == "length" else name
    query = asked(make.make_application(), path)
    without = {key: query[key] for key in query if key != name}

    answers = [ApiClient().get(path, **{**query, name: value}), ApiClient().get(path, **without)]

    assert [list(answer.json()["errors"]) for answer in answers] == [[name], [name]]
    assert {answer.status_code for answer in answers} == {400}


@pytest.mark.rule(
    "v1.appointments.count.r4", "v1.appointments.count.r5", "v1.appointments.overlap_count.r4"
)
@pytest.mark.parametrize("path", [COUNT, OVERLAP])
def test_no_organization_is_asked_for_and_the_answer_is_that_of_the_applications_own(
    path: str,
) -> None:
    application, others = make.make_application(), make.make_application()
    for one in (application, application, others):
        make_appointment(one, start=NOON + HOUR)
    newer = path.replace("/api/", "/api/v2/")

    counted = get(path, asked(application, path))

    organization = {"organizationId": str(application.organization_id)}
    assert counted == get(newer, asked(application, path) | organization)
    for ignored in (str(others.organization_id), "x", "", "\0"):
        assert counted == get(path, asked(application, path, organizationId=ignored))


@pytest.mark.rule("v1.appointments.count.r6", "v1.appointments.count.r7")
def test_what_starts_in_the_time_frame_is_counted_by_slot() -> None:
    application = make.make_application()
    for start in (NOON - MOMENT, NOON, NOON, NOON + 10 * HOUR - MOMENT, NOON + 10 * HOUR):
        make_appointment(application, start=start, duration="PT5M")

    slots = get(COUNT, asked(application, COUNT))

    assert slots[0] == {
        "count": 2,
        "start": "2027-03-27T11:00:00Z",
        "end": "2027-03-27T11:05:00Z",
        "duration": "PT5M",
        "timezone": "Europe/Berlin",
    }
    assert [slot["count"] for slot in slots] == [2, 1]


@pytest.mark.rule("v1.appointments.count.r8", "v1.appointments.overlap_count.r8")
@pytest.mark.parametrize("application", ["empty", UNKNOWN, "x"])
def test_nothing_is_counted_where_nothing_is(application: str) -> None:
    make_appointment(start=NOON)
    key = make.make_application() if application == "empty" else application

    assert get(COUNT, asked(key, COUNT)) == []
    assert get(OVERLAP, asked(key, OVERLAP)) == {"count": 0}


@pytest.mark.rule("v1.appointments.count.r9")
@pytest.mark.parametrize("path", [COUNT, OVERLAP])
def test_quotes_around_a_value_make_no_difference(path: str) -> None:
    application = make.make_application()
    make_appointment(application, start=NOON)
    plain = asked(application, path)

    quoted = get(path, {name: f'"{value}"' for name, value in plain.items()})

    assert quoted == get(path, plain) == get(path, plain | {"start": "2027-03-27T11:00:00.0Z"})


@pytest.mark.rule("v1.appointments.overlap_count.r5", "v1.appointments.overlap_count.r6")
@pytest.mark.parametrize(
    ("start", "counted"),
    [
        (NOON - HOUR, 0), (NOON - HOUR + MOMENT, 1), (NOON, 1),
        (NOON + 10 * HOUR - MOMENT, 1), (NOON + 10 * HOUR, 0),
    ],
)  # fmt: skip
def test_what_begins_before_the_end_and_ends_after_the_start_overlaps(
    start: datetime, counted: int
) -> None:
    application = make.make_application()
    make_appointment(application, start=start, duration="PT1H")

    assert get(OVERLAP, asked(application, OVERLAP)) == {"count": counted}


@pytest.mark.rule("v1.appointments.overlap_count.r5", "v1.appointments.overlap_count.r7")
@pytest.mark.parametrize("state", State.values)
def test_what_is_over_overlaps_nothing(state: State) -> None:
    application = make.make_application()
    make_appointment(application, start=NOON, state=state)

    taken = state in (State.SCHEDULED, State.ACTIVATED, State.IN_PROGRESS)
    assert get(OVERLAP, asked(application, OVERLAP)) == {"count": int(taken)}


@pytest.mark.rule("v1.appointments.overlap_count.r7")
def test_what_is_deleted_overlaps_nothing() -> None:
    booked = make_appointment(start=NOON)
    service = make.make_api_client(booked.organization)[0]

    ApiClient(make.token_for(service)).delete(f"/api/appointments/{booked.id}")

    assert get(OVERLAP, asked(booked.application, OVERLAP)) == {"count": 0}


# --- What can be activated ------------------------------------------------------------------


@pytest.mark.rule(
    "v1.appointments.eligible.r3", "v1.appointments.eligible.r4", "v1.appointments.eligible.r5",
    "v1.appointments.eligible.r7",
)  # fmt: skip
def test_what_waits_to_be_activated_is_listed(now: datetime) -> None:
    application = make.make_application(activates_automatically=False)
    automatic = make.make_application(application.organization)
    client = ApiClient(make.token_for(make.make_api_client(application.organization)[0]))
    soon, later = (make_appointment(application, start=now + hours * HOUR) for hours in (1, 2))
    activated = make_appointment(application)
    make_appointment(automatic)
    make_appointment(application, start=now - HOUR)
    make_appointment(make.make_application(activates_automatically=False))
    client.post(f"/api/appointments/activate/{activated.id}")

    answer = client.get(ELIGIBLE)

    assert answer.json() == [
        {
            "id": str(one.id),
            "start": format_instant(one.start) if one.start else None,
            "timezone": "Europe/Berlin",
            "eligibleFrom": format_instant(one.created_at),
        }
        for one in (soon, later)
    ]


@pytest.mark.rule("v1.appointments.eligible.r6")
def test_a_time_frame_makes_no_difference_but_must_be_one() -> None:
    application = make.make_application(activates_automatically=False)
    make_appointment(application)
    client = ApiClient(make.token_for(make.make_api_client(application.organization)[0]))

    assert client.get(ELIGIBLE, timeFrame='"PT1S"').json() == client.get(ELIGIBLE).json() != []
    assert client.get(ELIGIBLE, timeFrame="soon").status_code == 400
