"""GET /api/v2/appointments/: which appointments a caller gets, narrowed, sorted and in pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from appointments import services
from appointments.models import Appointment, TargetType
from config.kernel.actors import Role
from config.kernel.time import format_instant
from tests import make
from tests.make import make_appointment

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.models import ApiClient, Application, Organization, User
    from tests.contract.client import ApiClient as Api

pytestmark = pytest.mark.django_db

LIST = "/api/v2/appointments/"
UNKNOWN = "0190a1b2-0000-7000-8000-00000000dead"
# The clocks of Berlin skip an hour in the night after this noon.
BEFORE_THE_GAP = datetime(2027, 3, 27, 11, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Office:
    """An organisation with everybody who asks for lists."""

    organization: Organization
    application: Application
    ada: User
    bob: User
    supervisor: User
    client: ApiClient

    @property
    def queue(self) -> services.Target:
        return services.Target(type=TargetType.QUEUE, id="Loans")

    def open_to_all(self) -> None:
        """Switch off that agents can only view appointments assigned to them."""
        self.application.agents_see_only_their_own = False
        self.application.save()


@pytest.fixture
def office() -> Office:
    application = make.make_application()
    organization = application.organization
    return Office(
        organization=organization,
        application=application,
        ada=make.make_user(organization),
        bob=make.make_user(organization),
        supervisor=make.make_user(organization, [Role.SUPERVISOR]),
        client=make.make_api_client(organization)[0],
    )


@pytest.fixture
def titles(api: Callable[[str], Api]) -> Callable[..., list[str]]:
    """Give the titles of the page that somebody gets, in its order."""

    def ask(holder: User | ApiClient, **query: Any) -> list[str]:
        answer = api(make.token_for(holder)).get(LIST, **query)
        assert answer.status_code == 200, answer.content
        return [item.get("title", "") for item in answer.json()["content"]]

    return ask


def book_all_kinds(office: Office) -> None:
    """Book one appointment of each relation that Ada can have to one, and two of others."""
    book = office.application
    make_appointment(book, organizer=office.ada, target=office.queue, title="organized")
    make_appointment(book, organizer=office.bob, agent=office.ada, title="assigned")
    make_appointment(book, agent=office.bob, title="Bob's")
    make_appointment(book, organizer=office.client, target=office.queue, title="queue")


# --- Whose appointments -----------------------------------------------------------------------


@pytest.mark.rule(
    "v2.appointments.list.r3", "v2.appointments.list.r4", "v2.appointments.list.r5",
    "v2.appointments.list.r7",
)  # fmt: skip
@pytest.mark.parametrize("named", [[], ["agentId"], ["organizerId"], ["agentId", "organizerId"]])
def test_an_agent_gets_what_it_organizes_or_is_assigned_to_whoever_is_named(
    office: Office, titles: Callable[..., list[str]], named: list[str]
) -> None:
    book_all_kinds(office)

    found = titles(office.ada, **{name: str(office.bob.id) for name in named})

    assert found == ["organized", "assigned"]


@pytest.mark.rule("v2.appointments.list.r6", "v2.appointments.list.r7")
@pytest.mark.parametrize("named", [[], ["agentId"], ["organizerId"], ["agentId", "organizerId"]])
def test_a_service_gets_its_own_appointments_whoever_is_named(
    office: Office, titles: Callable[..., list[str]], named: list[str]
) -> None:
    book_all_kinds(office)

    found = titles(office.client, **{name: str(office.bob.id) for name in named})

    assert found == ["queue"]


@pytest.mark.rule("v2.appointments.list.r3")
def test_an_appointment_without_an_agent_is_not_in_the_list_of_every_agent(
    office: Office, titles: Callable[..., list[str]]
) -> None:
    make_appointment(office.application, organizer=office.client, target=office.queue)

    assert titles(office.ada) == []


@pytest.mark.rule("v2.appointments.list.r8", "v2.appointments.list.r5")
@pytest.mark.parametrize("whose", ["ada", "client"])
@pytest.mark.parametrize("named", [[], ["organizerId"]])
def test_while_the_option_is_off_everybody_gets_the_appointments_of_all(
    office: Office, titles: Callable[..., list[str]], whose: str, named: list[str]
) -> None:
    office.open_to_all()
    book_all_kinds(office)

    found = titles(getattr(office, whose), **{name: str(office.bob.id) for name in named})

    assert found == ["organized", "assigned", "Bob's", "queue"]


@pytest.mark.rule("v2.appointments.list.r9")
@pytest.mark.parametrize("whose", ["ada", "client"])
def test_while_the_option_is_off_agent_id_names_whose_appointments_are_given(
    office: Office, titles: Callable[..., list[str]], whose: str
) -> None:
    office.open_to_all()
    book_all_kinds(office)

    found = titles(getattr(office, whose), agentId=str(office.bob.id))

    # Bob organizes what Ada was assigned to, but is not assigned to it.
    assert found == ["Bob's"]


@pytest.mark.rule("v2.appointments.list.r10")
def test_without_an_application_each_appointment_is_judged_by_its_own(
    office: Office, titles: Callable[..., list[str]]
) -> None:
    open_one = make.make_application(office.organization, agents_see_only_their_own=False)
    book_all_kinds(office)
    make_appointment(open_one, agent=office.bob, title="Bob's, open")
    make_appointment(open_one, organizer=office.bob, target=office.queue, title="queue, open")

    own = ["organized", "assigned"]
    assert titles(office.ada) == [*own, "Bob's, open", "queue, open"]
    assert titles(office.ada, agentId=str(office.bob.id)) == [*own, "Bob's, open"]
    assert titles(office.ada, organizerId=str(office.ada.id)) == titles(office.ada)
    assert titles(office.ada, applicationId=str(office.application.id)) == own


@pytest.mark.rule("v2.appointments.list.r11")
@pytest.mark.parametrize("roles", [[Role.SUPERVISOR], [Role.SUPERVISOR, Role.AGENT]])
def test_a_supervisor_gets_the_appointments_of_all_organizers_and_agents(
    office: Office, titles: Callable[..., list[str]], roles: list[Role]
) -> None:
    book_all_kinds(office)

    found = titles(make.make_user(office.organization, roles))

    assert found == ["organized", "assigned", "Bob's", "queue"]


@pytest.mark.rule("v2.appointments.list.r12", "v2.appointments.list.r22")
def test_a_supervisor_gets_the_appointments_assigned_to_the_agents_named(
    office: Office, titles: Callable[..., list[str]]
) -> None:
    cleo = make.make_user(office.organization)
    book_all_kinds(office)
    make_appointment(office.application, organizer=office.ada, agent=cleo, title="Cleo's")

    assert titles(office.supervisor, agentId=str(office.bob.id)) == ["Bob's"]
    assert titles(office.supervisor, agentId=f"{office.bob.id},{cleo.id}") == ["Bob's", "Cleo's"]
    assert titles(office.supervisor, agentId=f"{UNKNOWN},nobody") == []
    assert titles(office.supervisor, agentId=f"nobody,{cleo.id}") == ["Cleo's"]


@pytest.mark.rule("v2.appointments.list.r13")
def test_an_agent_is_assigned_as_participant_and_as_target(
    office: Office, titles: Callable[..., list[str]]
) -> None:
    actor, now = make.actor_for(office.supervisor), datetime.now(UTC)
    target = make_appointment(
        office.application, organizer=office.bob, agent=office.ada, title="target"
    )
    added = make_appointment(office.application, agent=office.bob, title="added")
    services.remove_participant(target.id, participant_id=str(office.ada.id), actor=actor, now=now)
    services.add_agent(added.id, user_id=str(office.ada.id), actor=actor, now=now)

    assert titles(office.supervisor, agentId=str(office.ada.id)) == ["target", "added"]
    assert titles(office.ada) == ["target", "added"]


@pytest.mark.rule("v2.appointments.list.r14", "v2.appointments.list.r22")
def test_a_supervisor_gets_the_appointments_organized_by_the_users_named(
    office: Office, titles: Callable[..., list[str]]
) -> None:
    book_all_kinds(office)

    two = f"{office.ada.id},{office.client.id}"
    assert titles(office.supervisor, organizerId=str(office.bob.id)) == ["assigned", "Bob's"]
    assert titles(office.supervisor, organizerId=two) == ["organized", "queue"]
    assert titles(office.supervisor, organizerId=UNKNOWN) == []


@pytest.mark.rule("v2.appointments.list.r15")
def test_a_supervisor_who_names_both_gets_what_agent_id_alone_gives(
    office: Office, titles: Callable[..., list[str]]
) -> None:
    book_all_kinds(office)

    both = titles(office.supervisor, agentId=str(office.ada.id), organizerId=str(office.client.id))

    assert both == titles(office.supervisor, agentId=str(office.ada.id)) == ["assigned"]


@pytest.mark.rule("v2.appointments.list.r16")
def test_an_application_limits_the_page_and_without_one_all_are_covered(
    office: Office, titles: Callable[..., list[str]]
) -> None:
    second = make.make_application(office.organization)
    make_appointment(office.application, agent=office.ada, title="first")
    make_appointment(second, agent=office.ada, title="second")
    make_appointment(agent=None, title="another organization's")

    for caller in (office.ada, office.supervisor):
        assert titles(caller) == ["first", "second"]
        assert titles(caller, applicationId=str(second.id)) == ["second"]
        assert titles(caller, applicationId=f'"{office.application.id}"') == ["first"]


@pytest.mark.rule("v2.appointments.list.r17")
@pytest.mark.parametrize("named", ["unknown", "malformed", "another organization's"])
def test_an_application_that_the_organization_does_not_have_is_answered_404(
    office: Office, api: Callable[[str], Api], named: str
) -> None:
    theirs = make_appointment().application_id
    key = {"unknown": UNKNOWN, "malformed": "x", "another organization's": str(theirs)}[named]

    answer = api(make.token_for(office.supervisor)).get(LIST, applicationId=key)

    assert (answer.status_code, answer.json()) == (
        404,
        {
            "code": "APPLICATION_NOT_FOUND",
            "message": "There is no such application.",
            "errors": {},
        },
    )


# --- Filters ----------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.list.r18", "v2.appointments.list.r23")
@pytest.mark.parametrize(
    ("durations", "expected"),
    [
        ("PT60M", ["an hour"]),
        ("PT5M,PT1H", ["five minutes", "an hour"]),
        (["PT300S", '"PT3600S"'], ["five minutes", "an hour"]),
        ('"PT5M,PT60M"', ["five minutes", "an hour"]),
        # A day counts 24 hours, also on the day that has 23 (P1D over the night of the gap).
        ("PT24H", ["a day", "a short day"]),
        ("P1D", ["a day", "a short day"]),
        ("PT23H", []),
    ],
)
def test_durations_are_compared_by_value(
    office: Office, titles: Callable[..., list[str]], durations: Any, expected: list[str]
) -> None:
    for title, duration in [("five minutes", "PT5M"), ("an hour", "PT1H"), ("a day", "PT24H")]:
        make_appointment(office.application, agent=office.ada, title=title, duration=duration)
    make_appointment(
        office.application, agent=office.ada, title="a short day", duration="P1D",
        start=BEFORE_THE_GAP,
    )  # fmt: skip

    assert titles(office.supervisor, duration=durations) == expected


@pytest.mark.rule("v2.appointments.list.r19")
def test_a_range_gives_what_lies_within_it_both_edges_included(
    office: Office, titles: Callable[..., list[str]]
) -> None:
    noon, minute = BEFORE_THE_GAP, timedelta(minutes=1)
    for title, start, duration in [
        ("begins too early", noon - minute, "PT30M"),
        ("begins a moment too early", noon - timedelta(microseconds=1), "PT30M"),
        ("whole", noon, "PT2H"),
        ("within", noon + minute, "PT30M"),
        ("ends too late", noon + 91 * minute, "PT30M"),
    ]:
        make_appointment(
            office.application, agent=office.ada, title=title, start=start, duration=duration
        )

    until = noon + timedelta(hours=2)
    for caller in (office.supervisor, office.ada):
        found = titles(caller, range=f"{format_instant(noon)},{format_instant(until)}")
        assert found == ["whole", "within"]


@pytest.mark.rule("v2.appointments.list.r20")
@pytest.mark.parametrize(
    "instants",
    [
        ["2027-03-28T01:00:00Z"],
        ["2027-03-28T01:00:00Z", "2027-03-28T02:00:00Z", "2027-03-28T03:00:00Z"],
        ["2027-03-28T01:00:01Z", "2027-03-28T01:00:00Z"],
        # 01:30 in Berlin is 00:30 in UTC: written later, and yet earlier.
        ["2027-03-28T01:00:00Z", "2027-03-28T01:30:00+01:00"],
    ],
)
def test_a_range_without_two_instants_in_their_order_is_answered_400(
    office: Office, api: Callable[[str], Api], instants: list[str]
) -> None:
    answer = api(make.token_for(office.ada)).get(LIST, range=instants)

    assert answer.status_code == 400
    assert answer.json()["errors"] == {"range": ["It has two date-times, the earlier one first."]}


@pytest.mark.rule("v2.appointments.list.r21")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("duration", "30 minutes"),
        ("duration", "PT0S"),
        ("duration", "-PT5M"),
        ("duration", "P1M"),
        ("duration", "PT5M,P1Y"),
        ("range", "2027-03-28,2027-03-29"),
        ("range", "2027-02-29T00:00:00Z,2027-03-29T00:00:00Z"),
        ("range", "0001-01-01T00:00:00Z,2027-03-29T00:00:00Z"),
        ("pageSize", "0"),
        ("pageSize", "1001"),
        ("pageSize", "2.5"),
        ("pageSize", "many"),
        ("pageSize", ""),
        ("pageNumber", "0"),
        ("pageNumber", "-1"),
        ("pageNumber", "99999999999999999999"),
        ("pageNumber", "٣"),
        ("sortOrder", "upwards"),
        ("sortOrder", "ASC"),
        ("sortField", "notes"),
        ("sortField", "start; DROP TABLE"),
        ("sortField", ""),
    ],
)
def test_a_parameter_that_cannot_be_read_is_answered_400_and_named(
    office: Office, api: Callable[[str], Api], name: str, value: str
) -> None:
    query: dict[str, Any] = {name: value}
    answer = api(make.token_for(office.ada)).get(LIST, **query)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [name]


@pytest.mark.rule("v2.appointments.list.r22")
def test_different_filters_all_hold_and_of_several_values_one(
    office: Office, titles: Callable[..., list[str]]
) -> None:
    second = make.make_application(office.organization)
    for application in (office.application, second):
        for agent in (office.ada, office.bob):
            for duration in ("PT5M", "PT30M", "PT1H"):
                name = "Ada" if agent == office.ada else "Bob"
                title = f"{name} {duration} {'second' if application == second else 'first'}"
                make_appointment(application, agent=agent, duration=duration, title=title)

    found = titles(
        office.supervisor,
        applicationId=str(second.id),
        agentId=f"{office.bob.id},{UNKNOWN}",
        duration="PT5M,PT60M",
    )

    assert found == ["Bob PT5M second", "Bob PT1H second"]


@pytest.mark.rule("v2.appointments.list.r23")
@pytest.mark.parametrize("name", ["agentId", "organizerId", "duration", "range"])
def test_values_in_one_parameter_and_repeated_parameters_are_the_same(
    office: Office, titles: Callable[..., list[str]], name: str
) -> None:
    book_all_kinds(office)
    make_appointment(office.application, organizer=make.make_user(office.organization))
    start = datetime.now(UTC)
    values = {
        "agentId": [str(office.ada.id), str(office.bob.id), UNKNOWN],
        "organizerId": [str(office.ada.id), str(office.client.id), UNKNOWN],
        "duration": ["PT30M", "PT1H", "PT2H"],
        "range": [format_instant(start), format_instant(start + timedelta(days=2))],
    }[name]

    together = titles(office.supervisor, **{name: ",".join(values)})

    assert together != []
    assert titles(office.supervisor, **{name: values}) == together
    assert titles(office.supervisor, **{name: [", ".join(values[:2]), *values[2:]]}) == together


# --- Pages ------------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.list.r24", "v2.appointments.list.r25")
def test_a_page_is_the_first_one_with_25_items_unless_asked_otherwise(
    office: Office, api: Callable[[str], Api]
) -> None:
    booked = [str(make_appointment(office.application, agent=office.ada).id) for _ in range(26)]

    body = api(make.token_for(office.supervisor)).get(LIST).json()

    assert [item["id"] for item in body.pop("content")] == booked[:25]
    assert body == {
        "pageCount": 2,
        "pageNumber": 1,
        "pageSize": 25,
        "sortField": "start",
        "sortOrder": "asc",
        "total": 26,
    }


@pytest.mark.rule("v2.appointments.list.r25")
@pytest.mark.parametrize("whose", ["ada", "supervisor"])
def test_the_envelope_echoes_the_values_in_force_and_counts_all_matches(
    office: Office, api: Callable[[str], Api], whose: str
) -> None:
    for title in ("e", "a", "d", "b", "c"):
        make_appointment(office.application, agent=office.ada, title=title, duration="PT1H")
    make_appointment(office.application, agent=office.ada, title="f", duration="PT5M")

    body = (
        api(make.token_for(getattr(office, whose)))
        .get(
            LIST, pageNumber=2, pageSize='"2"', sortField="name", sortOrder="desc", duration="PT1H"
        )
        .json()
    )

    assert [item["title"] for item in body.pop("content")] == ["c", "b"]
    assert body == {
        "pageCount": 3,
        "pageNumber": 2,
        "pageSize": 2,
        "sortField": "title",
        "sortOrder": "desc",
        "total": 5,
    }


@pytest.mark.rule("v2.appointments.list.r26", "v2.appointments.list.r27")
@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("field", ["start", "end", "duration", "id", "title", "name"])
def test_walking_all_pages_gives_every_match_once_and_desc_reverses_asc(
    office: Office, api: Callable[[str], Api], field: str, order: str
) -> None:
    # Two of each kind, so that every sort key but the id has an equal.
    for hours in (3, 1, 2, 3, 1, 2):
        make_appointment(
            office.application,
            agent=office.ada,
            start=BEFORE_THE_GAP + timedelta(hours=hours),
            duration=f"PT{hours}H",
            title=f"title {hours}",
        )
    key = {"name": "title"}.get(field, field)
    rows = Appointment.objects.order_by(key, "id").values_list("id", flat=True)
    expected = [str(one) for one in rows]

    client = api(make.token_for(office.supervisor))
    walked = [
        item["id"]
        for number in (1, 2, 3, 4)
        for item in client.get(
            LIST, sortField=field, sortOrder=order, pageSize=2, pageNumber=number
        ).json()["content"]
    ]

    assert walked == (expected if order == "asc" else expected[::-1])


@pytest.mark.rule("v2.appointments.list.r27")
def test_without_parameters_the_order_is_by_start(
    office: Office, titles: Callable[..., list[str]]
) -> None:
    # In the night of the change 01:30 UTC comes before 02:30 in Berlin would.
    for title, start in [
        ("late", datetime(2027, 10, 31, 1, 30, 0, 1, tzinfo=UTC)),
        ("early", datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),
        ("middle", datetime(2027, 10, 31, 1, 30, tzinfo=UTC)),
    ]:
        make_appointment(office.application, agent=office.ada, title=title, start=start)

    assert titles(office.ada) == titles(office.supervisor) == ["early", "middle", "late"]


@pytest.mark.rule("v2.appointments.list.r28")
@pytest.mark.parametrize("query", [{}, {"duration": "PT30M"}])
@pytest.mark.parametrize("number", [2, 2**31 - 1])
def test_a_page_beyond_the_last_one_is_empty_and_keeps_the_total(
    office: Office, api: Callable[[str], Api], number: int, query: dict[str, Any]
) -> None:
    make_appointment(office.application, agent=office.ada)

    body = api(make.token_for(office.ada)).get(LIST, pageNumber=number, **query).json()

    assert body == {
        "content": [],
        "pageCount": 1,
        "pageNumber": number,
        "pageSize": 25,
        "sortField": "start",
        "sortOrder": "asc",
        "total": 1,
    }


@pytest.mark.rule("v2.appointments.list.r29")
@pytest.mark.parametrize("query", [{}, {"duration": "PT1H"}, {"agentId": UNKNOWN}])
@pytest.mark.parametrize("whose", ["ada", "supervisor", "client"])
def test_nothing_found_is_an_empty_page(
    office: Office, api: Callable[[str], Api], whose: str, query: dict[str, Any]
) -> None:
    make_appointment()

    body = api(make.token_for(getattr(office, whose))).get(LIST, **query).json()

    assert body == {
        "content": [],
        "pageCount": 0,
        "pageNumber": 1,
        "pageSize": 25,
        "sortField": "start",
        "sortOrder": "asc",
        "total": 0,
    }


# --- Items ------------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.list.r30")
def test_an_item_is_the_whole_appointment_without_its_secure_token(
    office: Office, api: Callable[[str], Api]
) -> None:
    booked = make_appointment(
        office.application, agent=office.ada, title="Review", notes="Bring the contract",
        metadata={"case": [1, None, {"ä": 0.5}]}, start=BEFORE_THE_GAP, duration="P1D",
        locale="de-DE", custom_fields={"line": "7"}, notification_headers={"X-Case": "1"},
    )  # fmt: skip
    [customer] = make.customers_of(booked)

    [item] = api(make.token_for(office.ada)).get(LIST).json()["content"]

    assert item == {
        "id": str(booked.id),
        "applicationId": str(office.application.id),
        "title": "Review",
        "notes": "Bring the contract",
        "metadata": {"case": [1, None, {"ä": 0.5}]},
        "start": "2027-03-27T11:00:00Z",
        "end": "2027-03-28T10:00:00Z",
        "duration": "P1D",
        "timezone": "Europe/Berlin",
        "locale": "de-DE",
        "organizer": {"id": str(office.ada.id), "type": "AGENT"},
        "participants": [
            {
                "id": str(customer.id),
                "type": "CUSTOMER",
                "detailsAvailable": True,
                "ticket": {
                    "accessUrl": services.access_url(customer),
                    "expiresAt": "2027-03-28T14:00:00Z",
                },
            },
            {"id": str(office.ada.id), "type": "AGENT", "detailsAvailable": True},
        ],
        "interaction": {
            "customFields": {"line": "7"},
            "properties": {},
            "routing": {"type": "GENESYS_CLOUD_FLOW", "properties": booked.routing_properties},
            "state": "PENDING",
        },
        "notificationsActive": True,
        "notificationHeaders": {"X-Case": "1"},
    }


@pytest.mark.rule("v2.appointments.list.r31")
def test_a_deleted_appointment_is_in_no_page(
    office: Office, titles: Callable[..., list[str]]
) -> None:
    office.open_to_all()
    gone = make_appointment(office.application, agent=office.ada, title="gone")
    make_appointment(office.application, agent=office.ada, title="kept")

    services.delete_appointment(
        UUID(str(gone.id)), actor=make.actor_for(office.ada), now=datetime.now(UTC)
    )

    for caller in (office.ada, office.supervisor, office.client):
        assert titles(caller) == ["kept"]
        assert titles(caller, agentId=str(office.ada.id), duration="PT30M") == ["kept"]
