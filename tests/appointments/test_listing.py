"""The list in SQL is the plain list: the same items in the same order, in few statements."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from agents.models import Application, User
from appointments import listing, services
from appointments.api.v2 import wire
from appointments.generating import Place, write_chunk
from appointments.listing import ListFilter, list_appointments
from appointments.models import (
    Appointment,
    OrganizerType,
    Participant,
    ParticipantState,
    ParticipantType,
    State,
    TargetType,
)
from appointments.services import Case
from appointments.services.tickets import issue_ticket
from config.kernel.actors import Role
from config.kernel.json import dumps
from config.kernel.pagination import PageRequest, SortOrder
from config.kernel.time import parse_duration, parse_zone
from tests import make

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_django import DjangoDbBlocker

    from agents.models import ApiClient, Organization
    from config.kernel.actors import Actor
    from tests.contract.client import ApiClient as Api

pytestmark = pytest.mark.django_db

LIST = "/api/v2/appointments/"
NOW = datetime(2027, 3, 28, 0, 45, tzinfo=UTC)
# The hours around the night in which the clocks of Berlin skip one; not too many of them.
STARTS = [
    datetime(2027, 3, 27, 0, 30, tzinfo=UTC) + timedelta(hours=number * 5) for number in range(12)
]
DURATIONS = ["PT30M", "PT1H", "P1D", "PT24H", "PT0.25S", "P1DT1H"]
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Tokyo"]
TITLES = ["", "a", "a", "B", "b", "ä", "Z “z”"]
FREE = [None, {}, {"a": [1, None, 2.5, {"ü": '\\"\n\u2028'}]}, {"b": True}]
SORT_FIELDS = sorted(set(listing.SORT_FIELDS.values()))


# --- Random data ------------------------------------------------------------------------------


@dataclass
class Office:
    """An organisation with appointments of every kind, made by chance."""

    organization: Organization
    applications: list[Application]
    agents: list[User]
    callers: list[Actor]
    chance: random.Random

    @classmethod
    def by_chance(cls, seed: int) -> Office:
        """Make the organisation, with applications that have different options."""
        organization, chance = make.make_organization(), random.Random(seed)
        applications = [
            make.make_application(organization, agents_see_only_their_own=chance.random() < 0.5)
            for _ in range(3)
        ]
        agents = [make.make_user(organization) for _ in range(3)]
        both = make.make_user(organization, [Role.SUPERVISOR, Role.AGENT])
        client, _ = make.make_api_client(organization)
        holders: list[User | ApiClient] = [*agents, both, client]
        return cls(
            organization=organization,
            applications=applications,
            agents=agents,
            callers=[make.actor_for(one) for one in holders],
            chance=chance,
        )

    def fill(self, count: int) -> None:
        """Write appointments, and then change and delete some of them."""
        rows = [self._appointment() for _ in range(count)]
        Appointment.objects.bulk_create(rows)
        people = [self._participants(row) for row in rows]
        Participant.objects.bulk_create([one for some in people for one in some])
        for row, some in zip(rows, people, strict=True):
            customers = [one for one in some if one.type == ParticipantType.CUSTOMER]
            if customers and self.chance.random() < 0.2:
                row.organizer_type = OrganizerType.CUSTOMER
                row.organizer_id = str(self.chance.choice(customers).id)
                row.save()
        for row in self.chance.sample(rows, count // 4):
            self._disturb(row)

    def _appointment(self) -> Appointment:
        chance = self.chance
        zone = chance.choice(ZONES)
        start, duration = chance.choice(STARTS), parse_duration(chance.choice(DURATIONS))
        if chance.random() < 0.3:
            start += timedelta(microseconds=chance.randrange(3))
        has_time = chance.random() < 0.9
        target = chance.choice(["", *TargetType.values])
        ids = {"": "", "AGENT": str(chance.choice(self.agents).id), "QUEUE": "Loans", "ANY": ""}
        end = duration.after(start, parse_zone(zone))
        return Appointment(
            organization=self.organization,
            application=chance.choice(self.applications),
            title=chance.choice(TITLES),
            notes=chance.choice(["", "Notes\twith “quotes”"]),
            metadata=chance.choice(FREE),
            start=start if has_time else None,
            end=end if has_time else None,
            duration=duration.value if has_time else None,
            request_status="" if has_time else "OUTGOING_INVITE",
            timezone=zone,
            locale=chance.choice(["en-US", "de-DE"]),
            state=chance.choice(State.values),
            activated_at=chance.choice([None, NOW - timedelta(days=1)]),
            access_expires_at=chance.choice([None, end + timedelta(hours=4)]),
            details_expire_at=chance.choice([None, NOW, NOW + timedelta(microseconds=1)]),
            organizer_type=OrganizerType.AGENT,
            organizer_id=chance.choice(self.callers).id,
            target_type=target,
            target_id=ids[target],
            interaction_state=chance.choice(["PENDING", "COMPLETE"]),
            routing_type=chance.choice(["", "GENESYS_CLOUD_FLOW"]),
            routing_properties=chance.choice([{}, {"deploymentId": "7"}]),
            custom_fields=chance.choice([None, {}, {"line": "8"}]),
            interaction_properties=chance.choice([{}, {"acceptedBy": "x"}]),
            notifications_active=chance.random() < 0.5,
            notification_headers=chance.choice([None, {"X-A": "1"}]),
            master_key=chance.randbytes(32),
        )

    def _participants(self, appointment: Appointment) -> list[Participant]:
        chance = self.chance
        owner = {"organization": self.organization, "appointment": appointment}
        agents = [
            Participant(**owner, type=ParticipantType.AGENT, user=user)
            for user in chance.sample(self.agents, chance.randrange(3))
        ]
        customers = [
            Participant(**owner, type=ParticipantType.CUSTOMER, first_name="Ada")
            for _ in range(chance.randrange(3))
        ]
        for one in (*agents, *customers):
            one.state = chance.choice(["", *ParticipantState.values])
            one.error_data = chance.choice([None, {"userMessage": "No “sound”"}])
        for one in customers:
            if chance.random() < 0.7:
                issue_ticket(one, length=9)
            if chance.random() < 0.2:
                one.erased_at, one.first_name = NOW, ""
        everybody = [*agents, *customers]
        chance.shuffle(everybody)
        return everybody

    def _disturb(self, row: Appointment) -> None:
        rows, chance = Appointment.objects.filter(pk=row.pk), self.chance
        match chance.randrange(4):
            case 0:
                actor = make.actor_for(self.agents[0], [Role.SUPERVISOR])
                services.delete_appointment(row.id, actor=actor, now=NOW)
            case 1:
                rows.update(state=State.CANCELLED)
            case 2:
                rows.update(
                    state=State.ACTIVATED,
                    organizer_type=OrganizerType.AGENT,
                    organizer_id=str(chance.choice(self.agents).id),
                )
            case _:
                Participant.objects.filter(appointment=row, type=ParticipantType.AGENT).delete()

    def ask(self) -> tuple[ListFilter, PageRequest, Actor]:
        """Make a request by chance."""
        chance = self.chance
        customers = Participant.objects.filter(type=ParticipantType.CUSTOMER).order_by("id")
        people = [
            *[caller.id for caller in self.callers], "nobody", str(UUID(int=7)),
            *[str(one.id) for one in customers[:3]],
        ]  # fmt: skip
        durations = [parse_duration(text).value for text in chance.sample(DURATIONS, 3)]
        first, last = sorted(chance.sample(STARTS, 2))
        wanted = ListFilter(
            application_id=chance.choice([None, None, str(chance.choice(self.applications).id)]),
            agent_ids=chance.sample(people, chance.choice([0, 0, 1, 2])),
            # Users and services: what customers organize is found by no organizerId.
            organizer_ids=chance.sample(
                people[: len(self.callers) + 2], chance.choice([0, 0, 1, 2])
            ),
            organized_only=chance.choice([False, False, True]),
            durations=chance.choice([[], [], durations]),
            period=chance.choice([None, None, (first, last + timedelta(hours=1))]),
        )
        page = PageRequest(
            number=chance.choice([1, 1, 1, 2, 3, 9]),
            size=chance.choice([1, 3, 7, 7, 25, 1000]),
            sort_field=chance.choice(["start", *SORT_FIELDS]),
            sort_order=chance.choice(["asc", "desc"]),
        )
        return wanted, page, chance.choice(self.callers)


# --- The plain way ----------------------------------------------------------------------------


def plain_list(
    wanted: ListFilter, page: PageRequest, *, actor: Actor, now: datetime
) -> tuple[list[dict[str, Any]], int]:
    """Give the page and the total by models alone, and by the words of the contract."""
    order = [page.sort_field, "id"]
    rows = (
        Appointment.objects.visible_to(actor)
        .exclude(state=State.CANCELLED)
        .exclude(start=None)
        .order_by(*[f"-{name}" if page.is_descending else name for name in order])
        .select_related("application")
        .prefetch_related("participants__user")
    )
    cases = [
        Case(
            appointment=row,
            participants=sorted(row.participants.all(), key=attrgetter("id")),
            actor=actor,
            now=now,
        )
        for row in rows
    ]
    found = [case for case in cases if sees(case, wanted) and is_wanted(case, wanted)]
    shown = found[page.offset : page.offset + page.size]
    return [wire.appointment_item(case) for case in shown], len(found)


def sees(case: Case, wanted: ListFilter) -> bool:
    """Whose appointments somebody gets (list.r3 to r15)."""
    one, actor = case.appointment, case.actor
    assigned = {str(agent.user_id) for agent in case.agents}
    if one.target_type == TargetType.AGENT:
        assigned.add(one.target_id)
    if actor.has(Role.SUPERVISOR):
        if wanted.agent_ids:
            return bool(assigned & set(wanted.agent_ids))
        return not wanted.organizer_ids or one.organizer_id in wanted.organizer_ids
    if wanted.organized_only:
        return actor.id == one.organizer_id
    if one.application.agents_see_only_their_own:
        return actor.id in assigned | {one.organizer_id}
    return not wanted.agent_ids or bool(assigned & set(wanted.agent_ids))


def is_wanted(case: Case, wanted: ListFilter) -> bool:
    """What the other filters leave (list.r16 to r19)."""
    one = case.appointment
    assert one.start is not None
    assert one.end is not None
    return (
        wanted.application_id in (None, str(one.application_id))
        and (not wanted.durations or one.duration in wanted.durations)
        and (
            wanted.period is None or (wanted.period[0] <= one.start and one.end <= wanted.period[1])
        )
    )


def on_the_wire(items: Sequence[object]) -> Any:
    """Give what a client reads; booleans and numbers stay apart."""
    return json.loads(dumps(items))


Statement = tuple[str, dict[str, Any]]


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[Statement]:
    """Give the statements of the list with their parameters."""
    statements: list[Statement] = []
    fetch = listing._fetch

    def noted(statement: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
        statements.append((statement, params))
        return fetch(statement, params)

    monkeypatch.setattr(listing, "_fetch", noted)
    return statements


def same(wanted: ListFilter, page: PageRequest, actor: Actor) -> int:
    """Compare a page with the plain one; return how many items it has. Raises AssertionError."""
    expected, total = plain_list(wanted, page, actor=actor, now=NOW)
    found = list_appointments(wanted, page, actor=actor, now=NOW)
    asked = f"{wanted} {page} {actor}"
    assert found.total == total, asked
    shown = [wire.listed_item(item) for item in found.items]
    assert on_the_wire(shown) == on_the_wire(expected), asked
    return len(shown)


@pytest.mark.parametrize("seed", range(4))
def test_over_random_data_every_page_is_what_the_plain_way_gives(seed: int) -> None:
    office, others = Office.by_chance(seed), Office.by_chance(seed + 100)
    office.fill(80)
    others.fill(10)

    items = sum(same(*office.ask()) for _ in range(120))

    assert items > 200


@pytest.mark.parametrize("field", SORT_FIELDS)
@pytest.mark.parametrize("only_own", [False, True])
def test_all_pages_of_every_caller_are_what_the_plain_way_gives(
    field: str, only_own: bool, fetched: list[Statement], monkeypatch: pytest.MonkeyPatch
) -> None:
    # From the second row on: what is otherwise begun after thousands of rows.
    monkeypatch.setattr(listing, "_DEEP", 1)
    office = Office.by_chance(7)
    office.fill(30)
    Application.objects.update(agents_see_only_their_own=only_own)

    orders: list[SortOrder] = ["asc", "desc"]
    pages = [
        PageRequest(number=number, size=7, sort_field=field, sort_order=order)
        for order in orders
        for number in (1, 2, 3, 4, 5)
    ]
    items = sum(same(ListFilter(), page, actor) for page in pages for actor in office.callers)

    assert items > 50
    assert any("seek AS" in statement for statement, _ in fetched) == (field == "start")


# --- How many statements ----------------------------------------------------------------------


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give every statement that goes through the driver, Django's own ones among them."""
    statements: list[str] = []
    execute = psycopg.Cursor.execute

    def noted(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        statements.append(str(query))
        return execute(self, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.Cursor, "execute", noted)
    return statements


@pytest.mark.parametrize("rows", [1, 3, 30])
@pytest.mark.parametrize(
    "query",
    [
        {},
        {"pageSize": 1000},
        {"pageNumber": 2, "pageSize": 1},
        {"pageNumber": 99},
        {"sortField": "title", "sortOrder": "desc"},
        {"duration": "PT30M"},
        {"duration": "PT5M"},
        {"duration": "PT30M", "pageNumber": 99},
        {"range": "2027-01-01T00:00:00Z,2028-01-01T00:00:00Z"},
        {"agentId": str(UUID(int=7))},
        {"agentId": [str(UUID(int=7)), str(UUID(int=8))]},
        {"organizerId": str(UUID(int=7))},
    ],
)
@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR])
def test_a_page_takes_at_most_two_statements_besides_the_caller(
    api: Callable[[str], Api], sent: list[str], rows: int, query: dict[str, Any], role: Role
) -> None:
    application = make.make_application()
    make.make_application(application.organization, agents_see_only_their_own=False)
    caller = make.make_user(application.organization, [role])
    start = datetime(2027, 5, 1, tzinfo=UTC)
    agent = caller if role == Role.AGENT else None
    for _ in range(rows):
        make.make_appointment(application, agent=agent, start=start)
    client = api(make.token_for(caller))
    sent.clear()

    answer = client.get(LIST, **query)

    assert answer.status_code == 200
    assert "agents_user" in sent[0]
    assert len(sent[1:]) <= 2, sent


# --- How many rows ----------------------------------------------------------------------------

APPOINTMENTS, AGENTS, DAYS = 5_000, 20, 16


@pytest.fixture(scope="module")
def generated(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Place]:
    """Give an organisation with 5,000 appointments over 16 days, known to the planner.

    It is made once, in a transaction around those of the tests.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield generate()
        transaction.set_rollback(True)


def generate() -> Place:
    application = make.make_application()
    users = [make.make_user(application.organization) for _ in range(AGENTS)]
    place = Place(
        organization_id=application.organization_id,
        application_id=application.id,
        agent_ids=[user.id for user in users],
        first_day=datetime(2027, 3, 20, tzinfo=UTC),
        now=timezone.now(),
    )
    write_chunk(place, range(APPOINTMENTS))
    with connection.cursor() as cursor:
        for table in ("appointment", "participant", "involvement", "daytotal"):
            cursor.execute(f"ANALYZE appointments_{table}")
    return place


def rows_read(statement: str, params: dict[str, Any], *, seqscan: str = "on") -> int:
    """Give how many rows and index entries PostgreSQL looks at, those it drops among them."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL enable_seqscan = {seqscan}")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", params)
        [[[explained]]] = cursor.fetchall()
    return round(_looked_at(explained["Plan"]))


def _looked_at(node: dict[str, Any]) -> float:
    own = 0.0
    # A scan of a table or an index; what a CTE or a subquery gives was read before.
    if "Relation Name" in node or "Index Name" in node:
        dropped = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
        rows = node["Actual Rows"] + sum(node.get(name, 0) for name in dropped)
        own = rows * node["Actual Loops"]
    return own + sum(_looked_at(child) for child in node.get("Plans", []))


# A row of the page is found, read, and has two participants.
A_ROW = 5


@pytest.mark.parametrize(
    ("role", "page", "at_most"),
    [
        (Role.SUPERVISOR, {}, 25 * A_ROW),
        (Role.SUPERVISOR, {"sort_order": "desc"}, 25 * A_ROW),
        (Role.SUPERVISOR, {"sort_field": "end"}, 25 * A_ROW),
        (Role.SUPERVISOR, {"sort_field": "title"}, 25 * A_ROW),
        (Role.SUPERVISOR, {"size": 100}, 100 * A_ROW),
        (Role.AGENT, {}, 25 * A_ROW),
        (Role.AGENT, {"sort_order": "desc"}, 25 * A_ROW),
        # Skipped rows are looked at once, in the index.
        (Role.SUPERVISOR, {"number": 40}, 40 * 25 + 25 * A_ROW),
        (Role.AGENT, {"number": 4}, 4 * 25 * 2 + 25 * A_ROW),
    ],
)
def test_a_page_reads_as_many_rows_as_it_shows_and_skips(
    generated: Place, fetched: list[Statement], role: Role, page: dict[str, Any], at_most: int
) -> None:
    actor = caller(generated, role)
    wanted = {"number": 1, "size": 25, "sort_field": "start", "sort_order": "asc", **page}

    found = list_appointments(ListFilter(), PageRequest(**wanted), actor=actor, now=NOW)

    assert len(found.items) == wanted["size"]
    assert found.total == (APPOINTMENTS if role == Role.SUPERVISOR else APPOINTMENTS / AGENTS)
    [totals, rows] = fetched
    assert rows_read(*rows) <= at_most
    # The totals come from the roll-up: of each day a row for all, and one for this agent, found in
    # the index and read. So small a table would be read whole otherwise.
    assert rows_read(*totals, seqscan="off") <= 2 * 2 * DAYS + 1


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_deep_page_begins_with_its_day(
    generated: Place, fetched: list[Statement], order: SortOrder
) -> None:
    actor = caller(generated, Role.SUPERVISOR)
    page = PageRequest(number=APPOINTMENTS // 50, size=25, sort_field="start", sort_order=order)

    found = list_appointments(ListFilter(), page, actor=actor, now=NOW)

    expected, _ = plain_list(ListFilter(), page, actor=actor, now=NOW)
    assert [str(item.appointment.id) for item in found.items] == [one["id"] for one in expected]
    of_that_day = AGENTS * 16
    assert rows_read(*fetched[1], seqscan="off") <= DAYS + of_that_day + 25 * A_ROW


@pytest.mark.parametrize("field", ["start", "title"])
def test_the_largest_page_keeps_the_order_however_its_rows_are_found(
    generated: Place, field: str
) -> None:
    actor = caller(generated, Role.SUPERVISOR)
    page = PageRequest(number=2, size=1_000, sort_field=field, sort_order="desc")

    assert same(ListFilter(), page, actor) == 1_000


def caller(place: Place, role: Role) -> Actor:
    """Give one of the agents, as an agent or as a supervisor."""
    return make.actor_for(User.objects.get(pk=place.agent_ids[3]), [role])
