"""Booking: what is read, what is made of it, and what is refused, for both ways of booking."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from agents.models import User
from appointments import services
from appointments.errors import EndsInThePast
from appointments.models import Appointment, State
from config.kernel.time import format_instant
from tests import make
from tests.appointments import ways
from tests.appointments.ways import By, both_ways, faults
from tests.contract.samples import booking
from tests.contract.state import everything

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.client import ApiClient

pytestmark = pytest.mark.django_db

FACTS: dict[str, Any] = {
    "title": "Mortgage  ☂ “first talk”",
    "notes": "",
    "metadata": {"crm": {"id": 7, "tags": ["a", None, 1.5]}, "empty": {}},
    "timezone": "America/New_York",
    "locale": "de-AT",
    "notificationHeaders": {"X-Trace": "abc"},
}


@pytest.mark.rule("v2.appointments.schedule.r3", "v2.appointments.schedule.r33")
def test_an_agent_gets_the_whole_appointment(api: Callable[..., ApiClient], now: datetime) -> None:
    application = make.make_application(deployment_id="dep-1", environment="mypurecloud.de")
    agent = make.make_user(application.organization)
    start = now + timedelta(days=3)

    answer = api(make.token_for(agent)).post(
        ways.APPOINTMENTS,
        booking(application, **FACTS, start=format_instant(start), duration="PT90M"),
    )

    made = Appointment.objects.get()
    assert answer.status_code == 200
    assert answer.json() == {
        "id": str(made.id),
        "applicationId": str(application.id),
        "title": FACTS["title"],
        "metadata": FACTS["metadata"],
        "start": format_instant(start),
        "end": format_instant(start + timedelta(minutes=90)),
        "duration": "PT1H30M",
        "timezone": "America/New_York",
        "locale": "de-AT",
        "organizer": {"id": str(agent.id), "type": "AGENT"},
        "participants": [
            {
                "id": str(make.customers_of(made)[0].id),
                "type": "CUSTOMER",
                "detailsAvailable": True,
                "ticket": {
                    "accessUrl": services.access_url(make.customers_of(made)[0]),
                    "expiresAt": format_instant(start + timedelta(hours=5, minutes=30)),
                },
            },
            {"id": str(agent.id), "type": "AGENT", "detailsAvailable": True},
        ],
        "interaction": {
            "state": "PENDING",
            "properties": {},
            "routing": {
                "type": "GENESYS_CLOUD_FLOW",
                "properties": {
                    "chatMode": "genesys-web-messaging",
                    "deploymentId": "dep-1",
                    "pcEnvironment": "mypurecloud.de",
                },
            },
        },
        "notificationsActive": True,
        "notificationHeaders": {"X-Trace": "abc"},
        "secureToken": answer.json()["secureToken"],
    }


@pytest.mark.rule("v2.appointments.schedule.r3", "v2.appointments.schedule_as_customer.r10")
@both_ways
def test_what_was_booked_is_what_is_read_afterwards(by: By, api: Callable[..., ApiClient]) -> None:
    application = make.make_application()

    booked = [by(application).book(**FACTS).json() for _ in range(2)]

    reader = api(make.token_for(make.make_api_client(application.organization)[0]))
    read = [reader.get(f"{ways.APPOINTMENTS}{one['id']}").json() for one in booked]
    assert len({UUID(one["id"]) for one in booked}) == 2
    for one in (*booked, *read):
        one.pop("secureToken", None)
        kept = {name: one[name] for name in FACTS if name != "notes"}
        assert kept | {"notes": ""} == FACTS
    assert read == booked


@pytest.mark.rule("v2.appointments.schedule.r3", "v2.appointments.schedule_as_customer.r10")
@both_ways
@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("{day}T00:00:00Z", "{day}T00:00:00Z"),
        ("{day}T23:30:00-01:30", "{next_day}T01:00:00Z"),
        ("{day}T12:00:00+05:45", "{day}T06:15:00Z"),
        ("{day}T12:00:00.25Z", "{day}T12:00:00.250000Z"),
        ("{day}T12:00", "{day}T12:00:00Z"),
    ],
)
def test_the_start_is_given_in_utc(by: By, written: str, instant: str, now: datetime) -> None:
    days = {"day": now.date() + timedelta(days=5), "next_day": now.date() + timedelta(days=6)}

    booked = by(make.make_application()).book(start=written.format(**days)).json()

    assert booked["start"] == instant.format(**days)
    start = datetime.fromisoformat(booked["start"])
    assert datetime.fromisoformat(booked["end"]) == start + timedelta(minutes=30)


@pytest.mark.rule("v2.appointments.schedule.r3")
@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        # Clocks go forward: a day on the clock is 23 hours, 24 hours are 24 hours.
        ("2027-03-27T11:00Z", "P1D", "2027-03-28T10:00Z"),
        ("2027-03-27T11:00Z", "PT24H", "2027-03-28T11:00Z"),
        # 02:30 does not exist: it has the offset before the gap.
        ("2027-03-27T01:30Z", "P1D", "2027-03-28T01:30Z"),
        # Clocks go back: 25 hours, and 02:30 is the first of two.
        ("2027-10-30T10:00Z", "P1D", "2027-10-31T11:00Z"),
        ("2027-10-30T00:30Z", "P1D", "2027-10-31T00:30Z"),
        ("2027-10-31T00:59:59.5Z", "PT0.5S", "2027-10-31T01:00Z"),
    ],
)
def test_the_end_keeps_the_clock_for_days_and_the_measure_for_hours(
    start: str, duration: str, end: str
) -> None:
    made = make.make_appointment(start=datetime.fromisoformat(start), duration=duration)

    assert made.end == datetime.fromisoformat(end)


@pytest.mark.rule("v2.appointments.schedule.r3", "v2.appointments.schedule_as_customer.r10")
@both_ways
def test_one_pair_of_double_quotes_is_no_part_of_the_value(by: By, now: datetime) -> None:
    start = format_instant(now + timedelta(days=1))

    booked = by(make.make_application()).book(
        start=f'"{start}"', duration='"PT5M"', timezone='"Asia/Tokyo"', locale='"ja-JP"', title='"'
    )

    members = ("start", "duration", "timezone", "locale", "title")
    assert [booked.json()[name] for name in members] == [start, "PT5M", "Asia/Tokyo", "ja-JP", '"']


@pytest.mark.rule("v2.appointments.schedule.r4", "v2.appointments.schedule_as_customer.r11")
@both_ways
@pytest.mark.parametrize("name", ["applicationId", "start", "duration", "timezone"])
def test_what_is_required_cannot_be_left_out(by: By, name: str) -> None:
    caller = by(make.make_application())
    body = booking(caller.application)
    del body[name]
    before = everything()

    answer = caller.send(body)

    assert faults(answer) == [name]
    assert everything() == before


@pytest.mark.rule("v2.appointments.schedule.r4", "v2.appointments.schedule_as_customer.r11")
@both_ways
def test_a_booking_without_a_body_is_refused(by: By) -> None:
    caller = by(make.make_application())
    before = everything()

    answer = caller.send()

    assert (answer.status_code, answer.json()["code"]) == (400, "MISSING_BODY")
    assert everything() == before


@pytest.mark.rule("v2.appointments.schedule.r5", "v2.appointments.schedule_as_customer.r12")
@both_ways
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("start", value)
            for value in ["tomorrow", "2027-02-29T10:00:00Z", "2027-01-01", "", 1_800_000_000, {}]
        ),
        *(
            ("duration", value)
            for value in ["PT0S", "-PT5M", "P1M", "P1Y", "PT", "30", "P367D", "", 30, None]
        ),
        *(
            ("timezone", value)
            for value in ["Mars/Phobos", "+01:00", "europe/berlin", "localtime", "", 1, None]
        ),
    ],
)
def test_a_time_that_cannot_be_read_is_refused(by: By, name: str, value: object) -> None:
    caller = by(make.make_application())
    before = everything()

    answer = caller.book(**{name: value})

    assert faults(answer) == [name]
    assert everything() == before


@pytest.mark.rule("v2.appointments.schedule.r6", "v2.appointments.schedule_as_customer.r13")
@both_ways
@pytest.mark.parametrize("ago", [timedelta(minutes=30), timedelta(minutes=31), timedelta(days=400)])
def test_what_would_be_over_cannot_be_booked(by: By, ago: timedelta, now: datetime) -> None:
    caller = by(make.make_application())
    before = everything()

    answer = caller.book(start=format_instant(now - ago), duration="PT30M")

    assert answer.json() == {
        "code": "ENDS_IN_THE_PAST",
        "message": "The end of the appointment is not in the future.",
        "errors": {"start": ["The end of the appointment is not in the future."]},
    }
    assert (answer.status_code, everything()) == (400, before)


@pytest.mark.rule("v2.appointments.schedule.r6")
def test_the_end_itself_is_too_late(now: datetime) -> None:
    moment = timedelta(microseconds=1)

    with pytest.raises(EndsInThePast):
        make.make_appointment(start=now, duration="PT30M", booked_at=now + timedelta(minutes=30))
    make.make_appointment(
        start=now, duration="PT30M", booked_at=now + timedelta(minutes=30) - moment
    )

    assert Appointment.objects.count() == 1


@pytest.mark.rule("v2.appointments.schedule.r6", "v2.appointments.schedule_as_customer.r13")
@both_ways
def test_what_has_just_begun_can_be_booked(by: By, now: datetime) -> None:
    start = format_instant(now - timedelta(minutes=29))

    answer = by(make.make_application()).book(start=start, duration="PT30M")

    assert (answer.status_code, answer.json()["start"]) == (200, start)


@pytest.mark.rule(
    "v2.appointments.schedule.r7",
    "v2.appointments.schedule.r8",
    "v2.appointments.schedule_as_customer.r14",
    "v2.appointments.schedule_as_customer.r15",
)
@both_ways
@pytest.mark.parametrize(
    ("members", "locale"),
    [
        ({}, "en-US"),
        ({"locale": None}, "en-US"),
        ({"locale": "en-GB"}, "en-GB"),
        ({"locale": "en_GB"}, "en-GB"),
        ({"locale": "zh_hant_tw"}, "zh-Hant-TW"),
    ],
)
def test_the_locale_is_shown_with_hyphens(by: By, members: dict[str, Any], locale: str) -> None:
    # The application's own default is for mails that name no appointment.
    booked = by(make.make_application(default_locale="de-DE")).book(**members).json()

    assert booked["locale"] == locale


@both_ways
@pytest.mark.parametrize("locale", ["", "english", "xx-YY-ZZ", 5])
def test_an_unknown_locale_is_refused(by: By, locale: object) -> None:
    caller = by(make.make_application())
    before = everything()

    answer = caller.book(locale=locale)

    assert (faults(answer), everything()) == (["locale"], before)


@pytest.mark.rule("v2.appointments.schedule.r9")
def test_an_application_that_is_not_ours_is_refused() -> None:
    caller, theirs = ways.agent(make.make_application()), make.make_application()
    before = everything()

    answers = [
        caller.book(applicationId=application)
        for application in (str(theirs.id), "0190a1b2-0000-7000-8000-00000000dead", "no uuid")
    ]

    for answer in answers:
        assert answer.status_code == 403
        assert answer.json() == {
            "code": "APPLICATION_NOT_YOURS",
            "message": "The application does not belong to your organization.",
            "errors": {},
        }
    assert everything() == before


def test_members_that_nobody_knows_are_ignored() -> None:
    answer = ways.agent(make.make_application()).book(state="COMPLETED", organizer={"id": "x"})

    assert (answer.status_code, Appointment.objects.get().state) == (200, State.ACTIVATED)


def test_who_booked_it_and_from_where_is_kept(now: datetime) -> None:
    ways.agent(make.make_application()).book()

    made, agent = Appointment.objects.get(), User.objects.get()
    assert (made.created_by_kind, made.created_by_id) == ("USER", str(agent.id))
    assert (made.created_from, made.updated_by_id) == ("api/v2", str(agent.id))
    assert now <= made.created_at == made.updated_at <= datetime.now(tz=UTC)
