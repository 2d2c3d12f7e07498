"""The catalogue over HTTP: what is made, shown and listed, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.kernel.actors import Role
from tests import make
from tests.appointments import entries
from tests.appointments.entries import BERLIN
from tests.appointments.house import (
    CATALOGUE,
    NAME,
    NAMED,
    House,
    every_kind,
    make_house,
    ours,
    path_of,
    question,
)
from tests.appointments.scene import UNKNOWN
from tests.contract.client import ApiClient
from tests.contract.state import everything

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> House:
    """Give an organisation without a catalogue."""
    return make_house()


# --- Made and shown ---------------------------------------------------------------------------


@pytest.mark.rule("frontdesk.catalogue.subject_groups.create.r1", "frontdesk.catalogue.r4")
def test_a_group_is_made_as_it_is_said(house: House) -> None:
    made = house.add("subject-groups", order=3, color="#0a84ff", externalId="G", image="data:,")

    assert ours(made) == {
        "externalId": "G",
        "order": 3,
        "color": "#0a84ff",
        "image": "data:,",
        "translations": {"name": NAME},
    }
    assert made["createdAt"].endswith("+00:00")


@pytest.mark.rule("frontdesk.catalogue.subjects.create.r1", "frontdesk.catalogue.r4")
def test_a_subject_has_defaults_and_its_group(house: House) -> None:
    made = house.add("subjects")

    assert ours(made, "subjectGroup") == {
        "externalId": None,
        "enabledForCustomerUse": True,
        "enabledForInternalUse": True,
        "needsAcceptance": False,
        "duration": "PT30M",
        "order": 0,
        "cancellationByAgentFormId": None,
        "cancellationByCustomerFormId": None,
        "completionByAgentFormId": None,
        "questionnaireFormId": None,
        "translations": {"name": NAME, "description": [], "instructions": []},
    }
    assert ours(made["subjectGroup"]) == {
        "externalId": None,
        "order": 0,
        "color": None,
        "image": None,
        "translations": {"name": [{"value": "Loans", "language": "en"}]},
    }


def test_a_subject_is_made_as_it_is_said(house: House) -> None:
    form = house.add("forms")

    made = house.add(
        "subjects",
        enabledForCustomerUse=False,
        enabledForInternalUse=False,
        needsAcceptance=True,
        duration="PT1H30M",
        completionByAgentFormId=form["id"],
    )

    assert (made["enabledForCustomerUse"], made["enabledForInternalUse"]) == (False, False)
    assert (made["needsAcceptance"], made["duration"]) == (True, "PT1H30M")
    assert made["completionByAgentFormId"] == form["id"]


@pytest.mark.rule("frontdesk.catalogue.offices.create.r1", "frontdesk.catalogue.r4")
def test_an_office_is_made_as_it_is_said(house: House) -> None:
    made = house.add(
        "offices",
        email="berlin@example.org",
        phoneNumber="+49 30 123",
        timeZone="Europe/Berlin",
        usesIndependentAgents=True,
        translations={"name": NAME, "parkingInfo": [{"value": "Hof", "language": "de"}]},
    )

    assert ours(made) == {
        "active": True,
        "email": "berlin@example.org",
        "externalId": None,
        "phoneNumber": "+49 30 123",
        "timeZone": "Europe/Berlin",
        "usesIndependentAgents": True,
        "virtual": False,
        "location": BERLIN,
        "translations": {
            "name": NAME,
            "description": [],
            "directions": [],
            "parkingInfo": [{"value": "Hof", "language": "de"}],
        },
    }
    assert house.add("offices")["timeZone"] == "UTC"


@pytest.mark.rule("frontdesk.catalogue.listings.create.r1", "frontdesk.catalogue.r4")
def test_a_listing_is_made_as_it_is_said(house: House) -> None:
    made = house.add("listings", tags=["garden", "new", "garden"], location=BERLIN)
    bare = house.add("listings", location=None, timeZone=None)

    assert ours(made) == {
        "active": True,
        "externalId": None,
        "timeZone": None,
        "location": BERLIN,
        "tags": ["garden", "new"],
        "translations": {"name": NAME, "description": []},
    }
    assert (bare["location"], bare["timeZone"], bare["tags"]) == (None, None, [])


@pytest.mark.rule("frontdesk.catalogue.lead_segments.create.r1", "frontdesk.catalogue.r4")
def test_a_lead_segment_has_a_number_for_its_id(house: House) -> None:
    first = house.add("lead-segments", code="VIP", description=None)
    second = house.add("lead-segments", code="OLD", active=False)

    assert (first["id"], second["id"]) == (1, 2)
    assert ours(first) == {"active": True, "code": "VIP", "description": None}
    assert (first["deletedAt"], second["active"]) == (None, False)


@pytest.mark.rule("frontdesk.catalogue.lead_segments.create.r2")
def test_a_code_that_is_taken_is_refused(house: House) -> None:
    house.add("lead-segments", code="VIP")
    before = everything()

    answer = house.client.post(f"{CATALOGUE}/lead-segments/", {"code": "VIP"})

    assert (answer.status_code, answer.json()["code"]) == (409, "CODE_TAKEN")
    assert everything() == before


@pytest.mark.rule("frontdesk.catalogue.forms.create.r1", "frontdesk.catalogue.r4")
def test_a_form_is_made_with_its_questions_in_their_order(house: House) -> None:
    options = [{"value": "Two", "order": 2}, {"value": "One", "order": 1, "externalId": "1"}]

    made = house.add(
        "forms",
        questions=[
            question("Second", order=2),
            question("First", order=1, kind="CHOICE", required=True, options=options),
        ],
    )

    first, second = made["questions"]
    assert (first.pop("id"), second.pop("id")) != ("", "")
    assert [option.pop("id") != "" for option in first["options"]] == [True, True]
    assert first == {
        **question("First", order=1, kind="CHOICE", required=True, externalId=None),
        "options": [
            {"externalId": "1", "order": 1, "value": "One"},
            {"externalId": None, "order": 2, "value": "Two"},
        ],
    }
    assert second == question(
        "Second", order=2, kind="TEXT", required=False, externalId=None, options=[]
    )


@pytest.mark.rule("frontdesk.catalogue.forms.create.r2")
@pytest.mark.parametrize(
    ("wrong", "member"),
    [
        ({"translations": {}}, "translations.label"),
        (question("A", kind="CHOICES"), "options"),
        (question("A", options=[{"value": "B"}]), "options"),
        (question("A", kind="ESSAY"), "kind"),
        (question("A", kind="CHOICE", options=[{}]), "options.0.value"),
    ],
)
def test_a_question_that_cannot_be_put_is_refused_by_its_place(
    wrong: dict[str, Any], member: str, house: House
) -> None:
    body = {"name": "A", "questions": [question("Fine"), wrong]}

    answer = house.client.post(f"{CATALOGUE}/forms/", body)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [f"questions.1.{member}"]


@pytest.mark.rule("frontdesk.catalogue.r3")
@every_kind
def test_what_was_made_is_read_by_every_role(kind: str, house: House) -> None:
    made = house.add(kind)
    readers = [
        make.token_for(make.make_user(house.organization, [role]))
        for role in (Role.AGENT, Role.SUPERVISOR)
    ]
    readers.append(make.token_for(make.make_api_client(house.organization)[0]))

    for token in readers:
        assert ApiClient(token).get(path_of(kind, made)).json() == made


@pytest.mark.rule("frontdesk.catalogue.r3")
@every_kind
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_is_unknown_or_foreign_is_not_found_and_nothing_changes(
    method: str, kind: str, house: House
) -> None:
    theirs = make_house().add(kind)
    body, before = house.body(kind), everything()

    answers = [
        house.client.send(method, f"{CATALOGUE}/{kind}/{one}", json=body)
        for one in (theirs["id"], UNKNOWN, "999", "x")
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert everything() == before


# --- Refused ----------------------------------------------------------------------------------

_TWICE = {"name": [*NAME, NAME[0]]}
_OF_NO_LANGUAGE = {"name": [{"value": "A", "language": "xx"}]}


@pytest.mark.rule("frontdesk.catalogue.r5", "frontdesk.catalogue.r6")
@pytest.mark.parametrize(
    ("member", "value", "path"),
    [
        ("translations", None, "translations"),
        ("translations", {}, "translations.name"),
        ("translations", {"name": []}, "translations.name"),
        ("translations", {"name": "A"}, "translations.name"),
        ("translations", _TWICE, "translations.name.2.language"),
        ("translations", _OF_NO_LANGUAGE, "translations.name.0"),
        ("translations", {"name": NAME, "directions": [{}]}, "translations.directions.0"),
        ("location", None, "location"),
        ("location", {**BERLIN, "countryCode": "de"}, "location.countryCode"),
        ("location", {**BERLIN, "translations": {}}, "location.translations.city"),
        (
            "location",
            {**BERLIN, "geolocation": {"latitude": -90.1, "longitude": 0}},
            "location.geolocation.latitude",
        ),
        ("timeZone", "Europe/Atlantis", "timeZone"),
        ("email", "nobody", "email"),
        ("phoneNumber", "1" * 41, "phoneNumber"),
        ("externalId", "x" * 256, "externalId"),
        ("active", "yes", "active"),
    ],
)
def test_what_is_wrong_with_an_office_is_named(
    member: str, value: object, path: str, house: House
) -> None:
    body = {**NAMED, "location": BERLIN, member: value}
    before = everything()

    answer = house.client.post(f"{CATALOGUE}/offices/", body)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [path]
    assert everything() == before


@pytest.mark.rule("frontdesk.catalogue.subjects.create.r2")
@pytest.mark.parametrize("member", ["subjectGroup", "questionnaireFormId"])
@pytest.mark.parametrize("wrong", ["unknown", "foreign", "malformed"])
def test_a_subject_names_a_group_and_forms_of_its_own_organisation(
    member: str, wrong: str, house: House
) -> None:
    other = make.make_organization()
    theirs = entries.make_group(other) if member == "subjectGroup" else entries.make_form(other)
    key = {"unknown": UNKNOWN, "foreign": str(theirs.id), "malformed": "x"}[wrong]
    value = {"id": key} if member == "subjectGroup" else key

    answer = house.client.post(f"{CATALOGUE}/subjects/", house.body("subjects") | {member: value})

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [
        "subjectGroup.id" if member == "subjectGroup" else member
    ]


@pytest.mark.rule("frontdesk.catalogue.subject_groups.create.r1")
@pytest.mark.parametrize("color", ["red", "#12345", "#1234567", "0a84ff", "#gggggg"])
def test_a_colour_has_six_digits(color: str, house: House) -> None:
    answer = house.client.post(f"{CATALOGUE}/subject-groups/", {**NAMED, "color": color})

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["color"]


# --- Listed -----------------------------------------------------------------------------------


@pytest.mark.rule(
    "frontdesk.catalogue.subject_groups.list.r1",
    "frontdesk.catalogue.subjects.list.r1",
    "frontdesk.catalogue.offices.list.r1",
    "frontdesk.catalogue.listings.list.r1",
    "frontdesk.catalogue.lead_segments.list.r1",
    "frontdesk.catalogue.forms.list.r1",
    "frontdesk.tenancy.r2",
)
@every_kind
def test_a_page_holds_what_the_organisation_has(kind: str, house: House) -> None:
    make_house().add(kind)
    first, second = house.add(kind), house.add(kind)

    page = house.client.get(f"{CATALOGUE}/{kind}/", pageSize="1", pageNumber="2").json()

    assert page.pop("sortField") in {"order", "createdAt", "id", "name"}
    assert first != second
    # Subjects were made with a group each.
    assert page == {
        "content": [second],
        "pageCount": 2,
        "pageNumber": 2,
        "pageSize": 1,
        "sortOrder": "asc",
        "total": 2,
    }


@every_kind
def test_a_page_takes_as_many_queries_with_three_rows_as_with_one(kind: str, house: House) -> None:
    def make_one() -> None:
        members = {"questions": [question("Why?")]} if kind == "forms" else {}
        house.add(kind, **members)

    make_one()
    client = house.client
    with CaptureQueriesContext(connection) as one:
        client.get(f"{CATALOGUE}/{kind}/")
    make_one()
    make_one()

    with CaptureQueriesContext(connection) as three:
        assert client.get(f"{CATALOGUE}/{kind}/").json()["total"] == 3

    assert len(three) == len(one)


@pytest.mark.parametrize(
    ("kind", "names"),
    [("subjects", ["a", "b"]), ("subject-groups", ["a", "b"]), ("offices", ["b", "a"])],
)
def test_entries_come_in_their_order(kind: str, names: list[str], house: House) -> None:
    later = {"order": 2} if kind != "offices" else {}
    house.add(kind, externalId="b", **later)
    house.add(kind, externalId="a")

    page = house.client.get(f"{CATALOGUE}/{kind}/").json()
    reverse = house.client.get(f"{CATALOGUE}/{kind}/", sortOrder="desc").json()

    assert [one["externalId"] for one in page["content"]] == names
    assert [one["externalId"] for one in reverse["content"]] == names[::-1]


@pytest.mark.rule(
    "frontdesk.catalogue.offices.list.r2",
    "frontdesk.catalogue.listings.list.r2",
    "frontdesk.catalogue.lead_segments.list.r2",
)
@pytest.mark.parametrize("kind", ["offices", "listings", "lead-segments"])
def test_a_page_can_be_limited_to_what_is_active(kind: str, house: House) -> None:
    on, off = house.add(kind, active=True), house.add(kind, active=False)

    pages = {
        word: house.client.get(f"{CATALOGUE}/{kind}/", active=word).json()
        for word in ("true", "false", "")
    }
    wrong = house.client.get(f"{CATALOGUE}/{kind}/", active="maybe")

    assert [pages[word]["content"] for word in pages] == [[on], [off], [on, off]]
    assert (wrong.status_code, list(wrong.json()["errors"])) == (400, ["active"])


@pytest.mark.rule("frontdesk.catalogue.r10")
@every_kind
@pytest.mark.parametrize(
    "query", [{"pageSize": "0"}, {"pageNumber": "x"}, {"sortField": "x"}, {"sortOrder": "up"}]
)
def test_a_page_that_makes_no_sense_is_refused(
    query: dict[str, str], kind: str, house: House
) -> None:
    answer = house.client.send("GET", f"{CATALOGUE}/{kind}/", query={**query})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, list(query))
