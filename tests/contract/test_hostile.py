"""Inputs that have broken others, against every operation that takes a body, a query or an id."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract import contract
from tests.contract.client import UNSET, ApiClient
from tests.contract.hostile import (
    DURATIONS,
    LOCALES,
    STARTS,
    UNREADABLE,
    VALUES,
    WRONG_SHAPES,
    ZONES,
)
from tests.contract.samples import SAMPLES, Side
from tests.contract.state import everything

if TYPE_CHECKING:
    from tests.contract.client import Value
    from tests.contract.contract import Operation

SAMPLED = [each for each in contract.operations() if each.id in SAMPLES]
TAKE_A_BODY = [each for each in contract.operations() if each.request]
TAKE_AN_ID = [each for each in SAMPLED if "id" in each.path_parameters]

# Their body may be left out (frontdesk.bookings.accept.r6).
MAY_SAY_NOTHING = {
    f"frontdesk.bookings.{name}"
    for name in ("accept", "ask_for_alternative", "complete", "no_show", "cancel", "reopen")
}
TOKEN_BODIES: dict[str, Any] = {
    "frontdesk.token.obtain": {"username": "ada@example.org", "password": "wrong"},
    "frontdesk.token.refresh": {"refresh": "wrong"},
    "frontdesk.token.client": {"client_id": "wrong", "client_secret": "wrong"},
    "frontdesk.token.customer": {"ticket": "wrong"},
}


def good_body(operation: Operation, side: Side) -> Any:
    if operation.id in TOKEN_BODIES:
        return TOKEN_BODIES[operation.id]
    return SAMPLES[operation.id](side).json


def url_and_headers(operation: Operation, side: Side) -> tuple[str, dict[str, str]]:
    if operation.id in TOKEN_BODIES:
        return operation.path, {}
    path = SAMPLES[operation.id](side).path
    return operation.url(**path), side.headers(operation.roles[0])


@pytest.mark.rule(
    "frontdesk.input.r2",
    "frontdesk.input.r4",
    "frontdesk.input.r5",
    "frontdesk.input.r6",
)
@pytest.mark.parametrize("name", UNREADABLE)
def test_a_body_that_cannot_be_read_is_refused_by_every_operation(name: str, ours: Side) -> None:
    for operation in TAKE_A_BODY:
        if name in {"empty", "blank"} and operation.id in MAY_SAY_NOTHING:
            continue
        url, headers = url_and_headers(operation, ours)
        body = UNREADABLE[name](json.dumps(good_body(operation, ours)).encode())
        before = everything()

        answer = ApiClient().send(operation.method, url, body=body, headers=headers)

        assert answer.status_code == 400, (operation.id, answer.content)
        assert everything() == before, operation.id


@pytest.mark.parametrize("name", WRONG_SHAPES)
def test_a_body_of_another_shape_is_refused_by_every_operation(name: str, ours: Side) -> None:
    for operation in TAKE_A_BODY:
        url, headers = url_and_headers(operation, ours)

        answer = ApiClient().send(operation.method, url, json=WRONG_SHAPES[name], headers=headers)

        assert answer.status_code == 400, (operation.id, answer.content)


@pytest.mark.rule("frontdesk.input.r1")
def test_a_body_over_a_mebibyte_is_refused_by_every_operation(ours: Side) -> None:
    large = json.dumps({"title": "a" * (1024 * 1024)}).encode()

    for operation in TAKE_A_BODY:
        url, headers = url_and_headers(operation, ours)
        answer = ApiClient().send(operation.method, url, body=large, headers=headers)

        assert answer.status_code == 413, operation.id


@pytest.mark.rule("frontdesk.input.r11")
@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/octet-stream",
        "text/html",
        "nonsense",
    ],
)
def test_a_body_of_another_type_is_refused_by_every_operation(
    content_type: str, ours: Side
) -> None:
    for operation in TAKE_A_BODY:
        url, headers = url_and_headers(operation, ours)
        body = json.dumps(good_body(operation, ours)).encode()

        answer = ApiClient().send(
            operation.method, url, body=body, content_type=content_type, headers=headers
        )

        assert answer.status_code == 415, operation.id


@pytest.mark.rule("frontdesk.input.r15")
@pytest.mark.parametrize("name", VALUES)
def test_no_value_of_any_member_breaks_anything(name: str, ours: Side) -> None:
    for operation in TAKE_A_BODY:
        url, headers = url_and_headers(operation, ours)
        good = good_body(operation, ours)
        if not isinstance(good, dict):
            continue
        schema = contract.schemas(operation.surface)[str(operation.request)]
        for field in schema.fields:
            body = good | {field.name: VALUES[name]}
            # The client holds every answer against what is documented, 500 included.
            ApiClient().send(operation.method, url, json=body, headers=headers)


@pytest.mark.rule("frontdesk.input.r7", "frontdesk.input.r8", "frontdesk.input.r12")
@pytest.mark.parametrize(
    ("member", "value"),
    [
        *(("start", value) for value in STARTS),
        *(("duration", value) for value in DURATIONS),
        *(("timezone", value) for value in ZONES),
        *(("locale", value) for value in LOCALES),
    ],
)
def test_a_time_or_place_that_does_not_exist_is_refused_by_name(
    member: str, value: str, ours: Side
) -> None:
    for name in (
        "v2.appointments.schedule",
        "v2.appointments.reschedule",
        "v1.appointments.schedule",
        "v1.appointments.reschedule",
    ):
        operation = contract.operation(name)
        url, headers = url_and_headers(operation, ours)
        body = good_body(operation, ours) | {member: value}

        answer = ApiClient().send(operation.method, url, json=body, headers=headers)

        assert answer.status_code == 400, (name, answer.content)
        assert list(answer.json()["errors"]) == [member], name


@pytest.mark.rule("frontdesk.input.r9", "frontdesk.input.r12")
@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("title", "x" * 256),
        ("notes", "x" * 10_001),
        ("customers", [{}] * 101),
        ("metadata", {"x": "y" * (64 * 1024)}),
        ("notificationHeaders", {f"X-{number}": "x" for number in range(21)}),
        ("notificationHeaders", {"X-Long": "x" * 1_001}),
    ],
)
def test_what_is_longer_than_its_limit_is_refused_by_name(
    member: str, value: object, ours: Side
) -> None:
    operation = contract.operation("v2.appointments.schedule")
    url, headers = url_and_headers(operation, ours)
    body = good_body(operation, ours) | {member: value}

    answer = ApiClient().send(operation.method, url, json=body, headers=headers)

    assert answer.status_code == 400
    assert [name.partition(".")[0] for name in answer.json()["errors"]] == [member]


@pytest.mark.rule("frontdesk.input.r3")
@pytest.mark.parametrize("operation", [each for each in SAMPLED if each.query])
def test_a_nul_in_a_query_parameter_is_refused(operation: Operation, ours: Side) -> None:
    sample = SAMPLES[operation.id](ours)
    role = operation.roles[0] if operation.roles else "AGENT"

    for parameter in operation.query:
        query = {**sample.query, parameter.name: "a\0b"}
        answer = ApiClient(ours.token(role)).send(
            operation.method, operation.url(**sample.path), json=sample.json, query=query
        )

        assert answer.status_code == 400, parameter.name


@pytest.mark.rule("frontdesk.input.r3")
@pytest.mark.parametrize("operation", TAKE_AN_ID)
@pytest.mark.parametrize(
    "wrong",
    ["%00", "a%00b", "x" * 5_000, "%ff", "%F0%9F%98%80", "0", "-1", "null", "%27", "%25", "..%2F"],
)
def test_a_path_with_what_is_no_id_is_answered_404(
    operation: Operation, wrong: str, ours: Side
) -> None:
    sample = SAMPLES[operation.id](ours)
    path = operation.url(**{**sample.path, "id": wrong})
    role = operation.roles[0] if operation.roles else "AGENT"

    answer = ApiClient(ours.token(role)).send(
        operation.method, path, json=sample.json, query=sample.query
    )

    assert answer.status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        {"pageSize": "0"},
        {"pageSize": "-1"},
        {"pageSize": "1001"},
        {"pageSize": "1.5"},
        {"pageSize": "1e2"},
        {"pageSize": "٢٥"},
        {"pageSize": "9" * 5_000},
        {"pageSize": ""},
        {"pageNumber": "0"},
        {"pageNumber": "9223372036854775808"},
        {"pageNumber": "x"},
        {"sortOrder": "up"},
        {"sortField": "secureToken"},
        {"sortField": "organization__name"},
        {"sortField": "-start"},
        {"duration": "x"},
        {"duration": "P1Y"},
        {"range": "2030-01-01T00:00:00Z"},
        {"range": "2030-01-01T00:00:00Z,2029-01-01T00:00:00Z"},
        {"range": "0000-01-01T00:00:00Z,10000-01-01T00:00:00Z"},
        {"range": ",".join(["2030-01-01T00:00:00Z"] * 3)},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/api/appointments/", "/api/v2/appointments/"])
def test_a_query_that_makes_no_sense_is_refused_by_name(
    query: dict[str, Value], path: str, ours: Side
) -> None:
    answer = ApiClient(ours.token("SUPERVISOR")).send("GET", path, query=query)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == list(query)


@pytest.mark.rule("frontdesk.input.r10")
@pytest.mark.parametrize("operation", [pytest.param(each, id=each.id) for each in SAMPLED])
def test_a_method_that_the_path_does_not_have_is_answered_405(
    operation: Operation, ours: Side
) -> None:
    path = operation.url(**SAMPLES[operation.id](ours).path)
    known = {each.method for each in contract.operations() if each.path == operation.path}

    answer = ApiClient(ours.token("AGENT")).send("PATCH", path, json={})

    assert answer.status_code == 405
    assert known <= {method.strip() for method in answer["Allow"].split(",")}


@pytest.mark.rule("frontdesk.input.r13")
@pytest.mark.parametrize(
    "path", ["/api/", "/api/nothing", "/api/v2/nothing/", "/api/v2/appointments/a/b/c/d"]
)
def test_an_unknown_path_is_answered_404_in_json(path: str) -> None:
    answer = ApiClient().get(path)

    assert answer.status_code == 404
    assert answer.json()["errors"] == {}


def test_the_bodies_of_token_operations_are_all_known() -> None:
    assert {each.id for each in TAKE_A_BODY} <= set(SAMPLES) | set(TOKEN_BODIES)
    assert UNSET not in [TOKEN_BODIES[name] for name in TOKEN_BODIES]
