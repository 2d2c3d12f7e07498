"""GET /api/v2/availability, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agents.models import Application, Organization, User
from config.kernel.actors import Role
from config.kernel.time import format_instant
from tests import make
from tests.appointments import entries
from tests.contract.client import ApiClient

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries, Settings

pytestmark = pytest.mark.django_db

AVAILABILITY = "/api/v2/availability"
HOUR = timedelta(hours=1)


@pytest.fixture
def application() -> Application:
    return make.make_application(
        default_timezone="Europe/Berlin", slot_step=60, booking_horizon=timedelta(days=30)
    )


@pytest.fixture
def monday(now: datetime) -> datetime:
    """Give the next Monday but one, midnight in Greenwich."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + timedelta(days=14 - day.weekday())


@pytest.fixture
def agent(application: Application) -> User:
    """Give an agent who works on Mondays from nine to eleven in Greenwich."""
    user = make.make_user(
        application.organization, first_name="Ben", last_name="Larsen", timezone="UTC"
    )
    make.make_hours(user, "09:00", "11:00", weekdays=[1])
    return user


def ask(application: Application, monday: datetime, token: str | None = None, **query: Any) -> Any:
    given = {
        "applicationId": str(application.pk),
        "from": format_instant(monday),
        "to": format_instant(monday + timedelta(days=1)),
        "duration": "PT1H",
    }
    wanted = {name: value for name, value in {**given, **query}.items() if value is not None}
    return ApiClient(token).get(AVAILABILITY, **wanted)


def starts(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [slot["start"][11:16] for slot in answer.json()["slots"]]


def slot(monday: datetime, hour: int) -> dict[str, Any]:
    begin = monday.replace(hour=hour)
    return {"start": format_instant(begin), "end": format_instant(begin + HOUR)}


@pytest.mark.rule(
    "frontdesk.availability.get.r1",
    "frontdesk.availability.get.r2",
    "frontdesk.availability.get.r3",
    "frontdesk.availability.get.r6",
)
def test_everybody_reads_the_free_times(
    application: Application, agent: User, monday: datetime
) -> None:
    answer = ask(application, monday)

    assert answer.status_code == 200
    assert answer.json() == {
        "applicationId": str(application.pk),
        "duration": "PT1H",
        "timezone": "Europe/Berlin",
        "slots": [slot(monday, 9), slot(monday, 10)],
    }
    assert answer["Cache-Control"] == "no-store"
    for secret in (str(agent.pk), "Ben", "Larsen"):
        assert secret not in answer.content.decode()


@pytest.mark.rule("frontdesk.availability.get.r6")
@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR, Role.ADMIN])
def test_who_works_here_reads_who_could_take_them(
    application: Application, agent: User, monday: datetime, role: Role
) -> None:
    caller = make.make_user(application.organization, [role], plans_online=False)

    answer = ask(application, monday, make.token_for(caller))

    shown = [{**slot(monday, hour), "agentIds": [str(agent.pk)]} for hour in (9, 10)]
    assert answer.json()["slots"] == shown


@pytest.mark.rule("frontdesk.availability.get.r6", "frontdesk.availability.get.r7")
def test_a_customer_with_a_token_reads_no_more_than_others(
    application: Application, agent: User, monday: datetime
) -> None:
    booked = make.make_appointment(application)
    token = make.customer_token(make.customers_of(booked)[0])

    answer = ask(application, monday, token)

    assert answer.json()["slots"] == [slot(monday, 9), slot(monday, 10)]
    explained = ask(application, monday, token, explain=format_instant(monday))
    assert explained.status_code == 403


@pytest.mark.rule("frontdesk.availability.get.r2")
def test_what_is_booked_is_not_free(
    application: Application, agent: User, monday: datetime
) -> None:
    make.make_appointment(application, agent=agent, start=monday.replace(hour=9, minute=30))

    assert starts(ask(application, monday)) == ["10:00"]


@pytest.mark.rule("frontdesk.availability.get.r3")
def test_notice_and_horizon_are_kept(
    application: Application, agent: User, monday: datetime, now: datetime
) -> None:
    Application.objects.update(booking_horizon=monday.replace(hour=9) - now + HOUR / 2)
    assert starts(ask(application, monday)) == ["09:00"]

    Application.objects.update(minimum_notice=timedelta(days=20))
    assert starts(ask(application, monday)) == []


@pytest.mark.rule("frontdesk.availability.get.r3")
def test_the_grid_is_on_the_clock_that_is_asked_for(
    application: Application, agent: User, monday: datetime
) -> None:
    answer = ask(application, monday, timezone="Asia/Kathmandu")

    assert (starts(answer), answer.json()["timezone"]) == (["09:15"], "Asia/Kathmandu")


@pytest.mark.rule("frontdesk.availability.get.r4")
def test_an_office_is_open(application: Application, agent: User, monday: datetime) -> None:
    office = entries.make_office(application.organization, timezone="UTC")
    entries.make_office_hours(office, "10:00", "12:00", weekdays=[1])

    assert starts(ask(application, monday, officeId=str(office.pk))) == ["10:00"]


@pytest.mark.rule("frontdesk.availability.get.r4")
def test_who_cannot_be_booked_online_is_left_out(
    application: Application, agent: User, monday: datetime
) -> None:
    User.objects.filter(pk=agent.pk).update(plans_online=False)

    assert starts(ask(application, monday)) == []


@pytest.mark.rule("frontdesk.availability.get.r5")
def test_agents_are_chosen_by_id_skill_and_language(
    application: Application, agent: User, monday: datetime
) -> None:
    skill = make.make_skill(agent, "Loans")
    User.objects.filter(pk=agent.pk).update(languages=["de"])

    def found(**query: Any) -> bool:
        return bool(starts(ask(application, monday, **query)))

    chosen = {"agentId": str(agent.pk), "skill": "loans", "language": "de"}
    assert all(found(**{name: value}) for name, value in chosen.items())
    assert found(skill=str(skill.pk))
    others = {"agentId": [str(uuid4()), "x"], "skill": ["Loans", "Cards"], "language": "el"}
    assert not any(found(**{name: value}) for name, value in others.items())


@pytest.mark.rule("frontdesk.availability.get.r1")
def test_a_subject_says_how_long_it_takes(
    application: Application, agent: User, monday: datetime
) -> None:
    subject = entries.make_subject(application.organization, duration=2 * HOUR)

    answer = ask(application, monday, duration=None, subjectId=str(subject.pk))

    assert (starts(answer), answer.json()["duration"]) == (["09:00"], "PT2H")


@pytest.mark.rule("frontdesk.availability.get.r7", "frontdesk.availability.get.r11")
def test_who_works_here_asks_why_a_time_is_not_offered(
    application: Application, agent: User, monday: datetime
) -> None:
    token = make.token_for(make.make_user(application.organization, [Role.SUPERVISOR]))

    def verdict(hour: int) -> Any:
        instant = format_instant(monday.replace(hour=hour))
        answer = ask(application, monday, token, explain=instant, **{"from": None, "to": None})
        assert "slots" not in answer.json()
        return answer.json()["verdicts"]

    about = {"agentId": str(agent.pk), "name": "Ben Larsen"}
    assert verdict(10) == [{**about, "isFree": True, "reason": None}]
    assert verdict(11) == [{**about, "isFree": False, "reason": "NOT_WORKING"}]


@pytest.mark.rule("frontdesk.availability.get.r8")
def test_an_application_that_is_not_open_is_unknown(
    application: Application, agent: User, monday: datetime
) -> None:
    elsewhere = make.token_for(make.make_user(roles=[Role.SUPERVISOR]))
    closed = make.make_application(customers_may_book=False)
    gone = make.make_application()
    Organization.objects.filter(pk=gone.organization_id).update(is_active=False)

    answers = [
        ask(application, monday, applicationId=str(uuid4())),
        ask(application, monday, applicationId="x"),
        ask(application, monday, elsewhere),
        ask(closed, monday),
        ask(gone, monday),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    own = make.token_for(make.make_user(closed.organization, [Role.SUPERVISOR]))
    assert ask(closed, monday, own).status_code == 200


@pytest.mark.rule("frontdesk.availability.get.r9")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("applicationId", None), ("from", None), ("to", None), ("from", "tomorrow"), ("to", "x"),
        ("to", "1999-01-01T00:00:00Z"), ("to", "2199-01-01T00:00:00Z"), ("duration", "x"),
        ("duration", None), ("duration", "P2D"), ("duration", "PT30S"), ("timezone", "Mars"),
        ("language", "german"), ("subjectId", "x"), ("officeId", "x"), ("explain", "now"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_by_name(
    application: Application, agent: User, monday: datetime, name: str, value: str | None
) -> None:
    token = make.token_for(agent)

    answer = ask(application, monday, token, **{name: value})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [name])


@pytest.mark.rule("frontdesk.availability.get.r9")
def test_nothing_of_another_organisation_can_be_named(
    application: Application, agent: User, monday: datetime
) -> None:
    other = make.make_organization()
    subject, office = entries.make_subject(other), entries.make_office(other)

    for name, entry in (("subjectId", subject), ("officeId", office)):
        answer = ask(application, monday, **{name: str(entry.pk)})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [name])


@pytest.mark.rule("frontdesk.availability.get.r9")
def test_a_subject_for_employees_is_unknown_to_customers(
    application: Application, agent: User, monday: datetime
) -> None:
    subject = entries.make_subject(application.organization, is_for_customers=False)

    refused = ask(application, monday, subjectId=str(subject.pk))

    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["subjectId"])
    assert ask(application, monday, make.token_for(agent), subjectId=str(subject.pk)).json()[
        "slots"
    ]


@pytest.mark.rule("frontdesk.availability.get.r10")
@pytest.mark.parametrize("header", ["Bearer x", "Basic eDp5", "x"])
def test_a_token_that_is_not_valid_is_refused(
    application: Application, monday: datetime, header: str
) -> None:
    answer = ApiClient().get(AVAILABILITY, headers={"Authorization": header}, applicationId="x")

    assert answer.status_code == 401


@pytest.mark.rule("frontdesk.availability.get.r9")
def test_an_empty_explain_asks_for_free_times(
    application: Application, agent: User, monday: datetime
) -> None:
    for token in (None, make.token_for(agent)):
        assert "slots" in ask(application, monday, token, explain="").json()


# --- Cost -----------------------------------------------------------------------------------


def test_many_skills_are_one_query(
    application: Application,
    agent: User,
    monday: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    skill = make.make_skill(agent, "Loans")
    with CaptureQueriesContext(connection) as one:
        assert ask(application, monday, skill="LOANS").json()["slots"]

    with django_assert_num_queries(len(one)):
        known = ask(application, monday, skill=["loans", str(skill.pk)])
    with django_assert_num_queries(len(one)):
        unknown = ask(application, monday, skill=[f"s{number}" for number in range(100)])

    assert starts(known) == starts(ask(application, monday))
    assert starts(unknown) == []


@pytest.mark.rule("frontdesk.availability.get.r9")
@pytest.mark.parametrize(("agents", "days", "is_known"), [(1, 35, False), (12, 30, True)])
def test_an_answer_has_a_largest_size(
    now: datetime, agents: int, days: int, is_known: bool
) -> None:
    application = make.make_application(slot_step=5)
    people = [make.make_user(application.organization) for _ in range(agents)]
    begin = now + timedelta(days=1)
    asked = {
        "from": format_instant(begin),
        "to": format_instant(begin + timedelta(days=days)),
        "duration": "PT5M",
    }
    token = make.token_for(people[0]) if is_known else None

    refused = ask(application, begin, token, **asked)
    shorter = {**asked, "to": format_instant(begin + timedelta(days=days * 0.9))}

    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["to"])
    assert len(starts(ask(application, begin, token, **shorter))) > 7_000


@pytest.mark.usefixtures("redis")
def test_who_asks_too_often_is_told_to_wait(
    application: Application, agent: User, monday: datetime, settings: Settings
) -> None:
    settings.FREE_TIMES_RATE = "1/day"
    client = Client(REMOTE_ADDR="198.51.100.7")
    client.get(AVAILABILITY)

    answer = client.get(AVAILABILITY)

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    # A program with a token has a limit of its own.
    assert ask(application, monday, make.token_for(agent)).status_code == 200
