"""GET /api/appointments/: whose appointments a caller gets, which goes by organizer alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from agents.models import ApiClient as Service
from agents.models import Application, User
from appointments import listing, services
from appointments.generating import Place, write_chunk
from appointments.listing import list_appointments
from appointments.listing_scope import ListFilter
from appointments.models import Appointment, State, TargetType
from config.kernel.actors import Role
from config.kernel.pagination import PageRequest
from config.kernel.time import format_instant
from tests import make
from tests.appointments import older
from tests.contract.client import ApiClient
from tests.make import make_appointment

if TYPE_CHECKING:
    from agents.models import Organization

pytestmark = pytest.mark.django_db

LIST = older.APPOINTMENTS
UNKNOWN = "0190a1b2-0000-7000-8000-00000000dead"
NOON = datetime(2027, 3, 27, 11, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Office:
    """An organisation with one appointment of each relation that Ada can have to one."""

    application: Application
    ada: User
    bob: User
    supervisor: User
    service: Service

    @property
    def organization(self) -> Organization:
        return self.application.organization

    def titles(self, who: User | Service, **query: Any) -> list[str]:
        """Give the titles of the page that somebody gets, in its order."""
        answer = ApiClient(make.token_for(who)).get(LIST, **query)
        assert answer.status_code == 200, answer.content
        return [item.get("title", "") for item in answer.json()["content"]]


@pytest.fixture
def office() -> Office:
    application = make.make_application()
    organization = application.organization
    queue = services.Target(type=TargetType.QUEUE, id="Loans")
    one = Office(
        application=application,
        ada=make.make_user(organization),
        bob=make.make_user(organization),
        supervisor=make.make_user(organization, [Role.SUPERVISOR]),
        service=make.make_api_client(organization)[0],
    )
    make_appointment(application, organizer=one.ada, target=queue, title="Ada organizes")
    make_appointment(application, organizer=one.bob, agent=one.ada, title="Ada is assigned")
    added = make_appointment(application, agent=one.bob, title="Ada was added")
    make_appointment(application, organizer=one.service, target=queue, title="the service's")
    services.add_agent(
        added.id, user_id=str(one.ada.id), actor=make.actor_for(one.supervisor), now=timezone.now()
    )
    make_appointment(title="another organization's")
    return one


EVERYTHING = ["Ada organizes", "Ada is assigned", "Ada was added", "the service's"]


# --- Whose appointments ---------------------------------------------------------------------


@pytest.mark.rule(
    "v1.appointments.list.r5", "v1.appointments.list.r6", "v1.appointments.list.r7",
    "v1.appointments.list.r8", "v1.appointments.list.r9",
)  # fmt: skip
@pytest.mark.parametrize("only_own", [True, False])
@pytest.mark.parametrize("named", ["", "organizerId", "agentId"])
def test_who_is_no_supervisor_gets_what_it_organizes_whatever_is_asked_for(
    office: Office, named: str, *, only_own: bool
) -> None:
    Application.objects.update(agents_see_only_their_own=only_own)
    query = {named: str(office.bob.id)} if named else {}

    assert office.titles(office.ada, **query) == ["Ada organizes"]
    assert office.titles(office.bob, **query) == ["Ada is assigned", "Ada was added"]
    assert office.titles(office.service, **query) == ["the service's"]


@pytest.mark.rule("v1.appointments.list.r3", "v1.appointments.list.r17")
def test_a_supervisor_names_whose_appointments_it_wants(office: Office) -> None:
    ada, service = str(office.ada.id), str(office.service.id)
    of_two = ["Ada organizes", "the service's"]

    assert office.titles(office.supervisor, organizerId=ada) == ["Ada organizes"]
    assert office.titles(office.supervisor, organizerId=f"{ada},{service}") == of_two
    assert office.titles(office.supervisor, organizerId=[ada, service]) == of_two
    assert office.titles(office.supervisor, organizerId=f"{UNKNOWN},nobody") == []


@pytest.mark.rule("v1.appointments.list.r4", "v1.appointments.list.r9")
@pytest.mark.parametrize("roles", [[Role.SUPERVISOR], [Role.SUPERVISOR, Role.AGENT]])
@pytest.mark.parametrize("query", [{}, {"agentId": UNKNOWN}, {"agentId": "\0"}])
def test_a_supervisor_gets_those_of_all_organizers(
    office: Office, roles: list[Role], query: dict[str, str]
) -> None:
    supervisor = make.make_user(office.organization, roles)

    assert office.titles(supervisor, **query) == EVERYTHING


@pytest.mark.rule("v1.appointments.list.r10", "v1.appointments.list.r11")
def test_an_application_limits_the_page_and_must_be_the_organizations(office: Office) -> None:
    second = make.make_application(office.organization)
    make_appointment(second, agent=office.ada, title="second")
    theirs = str(Appointment.objects.get(title="another organization's").application_id)
    client = ApiClient(make.token_for(office.ada))

    assert office.titles(office.ada) == ["Ada organizes", "second"]
    assert office.titles(office.ada, applicationId=str(second.id)) == ["second"]
    for key in (theirs, UNKNOWN, "x"):
        answer = client.get(LIST, applicationId=key)
        assert (answer.status_code, answer.json()["code"]) == (404, "APPLICATION_NOT_FOUND")


@pytest.mark.parametrize("who", ["ada", "supervisor"])
def test_what_was_cancelled_is_in_no_list(office: Office, who: str) -> None:
    Appointment.objects.filter(title="Ada organizes").update(state=State.CANCELLED)

    answer = ApiClient(make.token_for(getattr(office, who))).get(LIST)

    left = [title for title in EVERYTHING if who != "ada" and title != "Ada organizes"]
    assert [item["title"] for item in answer.json()["content"]] == left
    assert answer.json()["total"] == len(left)


# --- Filters, order and pages ---------------------------------------------------------------


@pytest.fixture
def ada() -> User:
    """An agent who organizes four appointments of different times and lengths."""
    application = make.make_application()
    agent = make.make_user(application.organization)
    for title, start, duration in [
        ("c", NOON, "PT2H"), ("a", NOON + MINUTE, "PT30M"), ("b", NOON - MINUTE, "PT30M"),
        ("d", NOON + 91 * MINUTE, "P1D"),
    ]:  # fmt: skip
        make_appointment(application, agent=agent, title=title, start=start, duration=duration)
    return agent


def titles(who: User, **query: Any) -> str:
    """Give the titles of a page in one word."""
    body = ApiClient(make.token_for(who)).get(LIST, **query).json()
    return "".join(item["title"] for item in body["content"])


@pytest.mark.rule("v1.appointments.list.r12", "v1.appointments.list.r17")
@pytest.mark.parametrize(
    ("durations", "found"),
    [
        ("PT1800S", "ba"), ("PT120M,PT30M", "bca"), (["PT2H", '"PT30M"'], "bca"), ("PT23H", "d"),
        ("PT24H", "d"), ("PT5M", ""),
    ],
)  # fmt: skip
def test_durations_are_compared_by_value(ada: User, durations: Any, found: str) -> None:
    # The night in which clocks go forward lies in P1D: it is a day all the same.
    expected = "" if durations == "PT23H" else found

    assert titles(ada, duration=durations) == expected


@pytest.mark.rule("v1.appointments.list.r13", "v1.appointments.list.r17")
def test_a_range_gives_what_lies_within_it_both_ends_included(ada: User) -> None:
    within = f"{format_instant(NOON)},{format_instant(NOON + 120 * MINUTE)}"

    assert titles(ada, range=within) == "ca"
    assert titles(ada, range=within.split(","), duration="PT30M") == "a"


@pytest.mark.rule("v1.appointments.list.r14", "v1.appointments.list.r15")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("range", ["2027-03-28T01:00:00Z"]), ("range", ["2027-03-28T01:00:00Z"] * 3),
        ("range", ["2027-03-28T01:00:01Z", "2027-03-28T01:00:00Z"]), ("range", "a,b"),
        ("duration", "30 minutes"), ("duration", "PT0S"), ("pageSize", "0"), ("pageSize", "1001"),
        ("pageNumber", "0"), ("pageNumber", "x"), ("sortOrder", "up"), ("sortField", "notes"),
        ("sortField", "name"),
    ],
)  # fmt: skip
def test_a_parameter_that_cannot_be_is_answered_400(ada: User, name: str, value: Any) -> None:
    answer = ApiClient(make.token_for(ada)).get(LIST, **{name: value})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [name])


@pytest.mark.rule("v1.appointments.list.r16", "v1.appointments.list.r18")
@pytest.mark.parametrize(
    ("field", "found"),
    [("start", "bcad"), ("end", "bacd"), ("duration", "abcd"), ("id", "cabd"), ("title", "abcd")],
)
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_page_is_sorted_by_each_field_both_ways(
    ada: User, field: str, found: str, order: str
) -> None:
    expected = found if order == "asc" else found[::-1]

    assert titles(ada, sortField=field, sortOrder=order) == expected


@pytest.mark.rule("v1.appointments.list.r18", "v1.appointments.list.r19")
@pytest.mark.parametrize(
    ("query", "shown", "page"),
    [
        ({}, "bcad", {"pageCount": 1, "pageNumber": 1, "pageSize": 25}),
        ({"pageSize": 3, "pageNumber": 2}, "d", {"pageCount": 2, "pageNumber": 2, "pageSize": 3}),
        ({"pageNumber": 9}, "", {"pageCount": 1, "pageNumber": 9, "pageSize": 25}),
        ({"duration": "PT5M"}, "",
         {"pageCount": 0, "pageNumber": 1, "pageSize": 25, "total": 0}),
    ],
)  # fmt: skip
def test_a_page_says_where_it_stands(
    ada: User, query: dict[str, Any], shown: str, page: dict[str, Any]
) -> None:
    body = ApiClient(make.token_for(ada)).get(LIST, **query).json()

    assert "".join(item["title"] for item in body.pop("content")) == shown
    assert body == {"total": 4, "sortField": "start", "sortOrder": "asc"} | page


@pytest.mark.rule("v1.appointments.list.r20")
def test_an_item_is_the_appointment_without_its_room(now: datetime) -> None:
    application = make.make_application()
    ada = make.make_user(application.organization)
    start = now + timedelta(days=2)
    booked = make_appointment(
        application, agent=ada, start=start, title="Review", notes="Bring it",
        metadata={"case": [1]}, custom_fields={"line": "7"}, notification_headers={"X-A": "1"},
        target=services.Target(type=TargetType.AGENT, id=str(ada.id)),
    )  # fmt: skip
    [customer] = make.customers_of(booked)

    [item] = ApiClient(make.token_for(ada)).get(LIST).json()["content"]

    assert item == {
        "id": str(booked.id),
        "applicationId": str(application.id),
        "title": "Review",
        "notes": "Bring it",
        "metadata": {"case": [1]},
        "start": format_instant(start),
        "end": format_instant(start + timedelta(minutes=30)),
        "duration": "PT30M",
        "timezone": "Europe/Berlin",
        "locale": "en-US",
        "organizer": {"id": str(ada.id), "type": "AGENT"},
        "participantIds": [
            {"id": str(customer.id), "type": "CUSTOMER"},
            {"id": str(ada.id), "type": "AGENT"},
        ],
        "interaction": {
            "state": "PENDING",
            "customFields": {"line": "7"},
            "routing": booked.routing_properties
            and {"type": booked.routing_type, "properties": booked.routing_properties},
        },
        "notificationsActive": True,
    }


# --- How much is read -----------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(
    "query",
    [
        {}, {"pageSize": 1000}, {"pageNumber": 2, "pageSize": 1}, {"sortField": "title"},
        {"duration": "PT30M"}, {"range": "2027-01-01T00:00:00Z,2028-01-01T00:00:00Z"},
        {"organizerId": str(UUID(int=7))},
    ],
)  # fmt: skip
@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR])
def test_a_page_takes_two_statements_besides_the_caller(
    monkeypatch: pytest.MonkeyPatch, rows: int, query: dict[str, Any], role: Role
) -> None:
    application = make.make_application()
    caller = make.make_user(application.organization, [role])
    for _ in range(rows):
        make_appointment(application, organizer=caller, start=NOON)
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def noted(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        sent.append(str(query))
        return execute(self, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.Cursor, "execute", noted)

    answer = ApiClient(make.token_for(caller)).get(LIST, **query)

    assert answer.status_code == 200
    assert len(sent) <= 3, sent


APPOINTMENTS, AGENTS = 2_000, 10
# A row of the page is found, read, and has two participants; what other tests have rolled back may
# lie on the way.
A_ROW = 8


@pytest.mark.parametrize(
    ("period", "counted"),
    [(None, APPOINTMENTS // AGENTS), ((NOON, NOON + timedelta(days=2)), None)],
)
def test_an_organizers_page_is_read_in_its_own_index(
    monkeypatch: pytest.MonkeyPatch, period: Any, counted: int | None
) -> None:
    application = make.make_application()
    agents = [make.make_user(application.organization) for _ in range(AGENTS)]
    place = Place(
        organization_id=application.organization_id, application_id=application.id,
        agent_ids=[agent.id for agent in agents], first_day=datetime(2027, 3, 20, tzinfo=UTC),
        now=timezone.now(),
    )  # fmt: skip
    write_chunk(place, range(APPOINTMENTS))
    with connection.cursor() as cursor:
        for table in ("appointment", "participant", "involvement"):
            cursor.execute(f"ANALYZE appointments_{table}")
    statements: list[tuple[str, dict[str, Any]]] = []
    fetch = listing._fetch

    def noted(statement: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
        statements.append((statement, params))
        return fetch(statement, params)

    monkeypatch.setattr(listing, "_fetch", noted)
    wanted = ListFilter(organized_only=True, period=period)
    page = PageRequest(number=1, size=10, sort_field="start", sort_order="asc")

    found = list_appointments(
        wanted, page, actor=make.actor_for(agents[3], [Role.AGENT]), now=timezone.now()
    )

    total = Appointment.objects.filter(organizer_id=str(agents[3].id))
    if period:
        total = total.filter(start__gte=period[0], end__lte=period[1])
    assert found.total == total.count() == (counted or total.count()) > 10
    # The total in the index alone, once the table is vacuumed: here each entry has its row looked
    # at. And the page's ten rows.
    assert rows_read(*statements[1]) <= 2 * found.total + 10 * A_ROW


def rows_read(statement: str, params: dict[str, Any]) -> int:
    """Give how many rows and index entries PostgreSQL looks at, those it drops among them."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", params)
        [[[explained]]] = cursor.fetchall()
    return round(_looked_at(explained["Plan"]))


def _looked_at(node: dict[str, Any]) -> float:
    own = 0.0
    if "Relation Name" in node or "Index Name" in node:
        dropped = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
        own = (node["Actual Rows"] + sum(node.get(name, 0) for name in dropped)) * node[
            "Actual Loops"
        ]
    return own + sum(_looked_at(child) for child in node.get("Plans", []))
