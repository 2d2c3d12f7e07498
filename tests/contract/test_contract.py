"""Every operation has a route, every route an operation, and every rule a test that cites it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command
from django.urls import resolve

from tests.contract import contract, desk, openapi, routes
from tests.contract.citations import citations

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.contract import Operation

OPERATIONS = [pytest.param(each, id=each.id) for each in contract.operations()]
DESCRIBED = [
    pytest.param(each, id=each.id)
    for each in contract.operations()
    if each.id not in openapi.LEFT_OUT
]

# How the ids of rules begin that may wait for their tests; test_desk_contract.py says which.
MAY_BE_PENDING: tuple[str, ...] = ("cc.",)


def sample_url(operation: Operation) -> str:
    sample = "0190a1b2-0000-7000-8000-000000000001"
    return operation.url(**dict.fromkeys(operation.path_parameters, sample))


# --- Routes ---------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_has_a_route(operation: Operation) -> None:
    view = resolve(sample_url(operation)).func

    assert operation.method in routes.methods_of(view)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_closing_slash_makes_no_difference(operation: Operation) -> None:
    path = sample_url(operation).rstrip("/")

    without, with_slash = resolve(path), resolve(f"{path}/")

    assert routes.view_of(without.func) == routes.view_of(with_slash.func)
    assert without.kwargs == with_slash.kwargs


@pytest.mark.django_db
def test_every_api_route_is_in_a_contract() -> None:
    documented = {
        routes.Route(path=openapi.comparable(each.path), method=each.method)
        for each in contract.operations()
    }

    assert sorted(routes.api_routes() - documented - desk.served_routes()) == []


# --- Rules ----------------------------------------------------------------------------------


def test_every_rule_is_cited_by_a_test_or_pending() -> None:
    cited = {citation.rule for citation in citations()}

    missing = [rule for rule in contract.rules() if rule not in cited | set(contract.pending())]

    assert missing == []


def test_every_cited_rule_exists() -> None:
    unknown = [
        f"{citation.place}: {citation.rule}"
        for citation in citations()
        if citation.rule not in contract.rules()
    ]

    assert unknown == []


def test_only_what_may_be_pending_is_pending() -> None:
    wrong = [
        rule
        for rule in contract.pending()
        if rule not in contract.rules() or not rule.startswith(MAY_BE_PENDING)
    ]

    assert wrong == []


def test_a_citation_that_never_runs_does_not_count(tmp_path: Path) -> None:
    source = """
import pytest
pytestmark = pytest.mark.rule("a.r1")
CASES = [pytest.param(1, marks=pytest.mark.rule("a.r2"))]
@pytest.mark.rule("a.r3", "a.r4")
def test_runs(): ...
@pytest.mark.skip(reason="later")
@pytest.mark.rule("a.r5")
def test_never_runs(): ...
@pytest.mark.rule("a.r6")
def no_test(): ...
"""
    (tmp_path / "test_sample.py").write_text(source)
    (tmp_path / "sample.py").write_text(source.replace("a.r", "b.r"))

    found = {citation.rule for citation in citations(tmp_path)}

    assert found == {"a.r1", "a.r2", "a.r3", "a.r4"}


def test_a_cited_rule_must_be_a_literal(tmp_path: Path) -> None:
    (tmp_path / "test_sample.py").write_text("pytestmark = pytest.mark.rule(RULE)\n")

    with pytest.raises(ValueError, match=r"test_sample\.py:1: a cited rule must be"):
        citations(tmp_path)


# --- OpenAPI --------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", DESCRIBED)
def test_openapi_describes_the_operation_as_the_contract_does(operation: Operation) -> None:
    entry = openapi.described(operation)

    assert entry is not None
    parameters = entry.get("parameters", [])
    assert entry["operationId"] == operation.id
    assert {each["name"] for each in parameters if each["in"] == "query"} == {
        each.name for each in operation.query
    }
    assert {each["name"] for each in parameters if each["in"] == "path"} == set(
        operation.path_parameters
    )
    assert {str(status) for status in operation.responses} <= set(entry["responses"])
    assert bool(entry.get("deprecated")) == operation.deprecated


@pytest.mark.rule("frontdesk.schema.get.r1")
def test_openapi_has_the_operations_of_the_contract_and_no_others() -> None:
    described = {
        entry["operationId"]
        for path in openapi.document()["paths"].values()
        for entry in path.values()
    }

    wanted = {each.id for each in contract.operations()} - openapi.LEFT_OUT
    assert described == wanted
    assert openapi.document()["openapi"].startswith("3.1")


def test_openapi_is_made_without_a_warning_and_is_valid(tmp_path: Path) -> None:
    call_command("spectacular", "--fail-on-warn", "--validate", "--file", tmp_path / "openapi.yaml")
