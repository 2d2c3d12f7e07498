"""The contract of agents' desktops: every operation has a route, and every route an operation."""

from __future__ import annotations

import json

import pytest
from django.http import HttpResponse
from django.urls import resolve

from tests.contract import contract, desk, routes

OPERATIONS = [pytest.param(each, id=each.id) for each in desk.served_operations()]
SAMPLE = "0190a1b2-0000-7000-8000-000000000001"


def sample_url(operation: contract.Operation) -> str:
    return operation.url(**dict.fromkeys(operation.path_parameters, SAMPLE))


def test_the_contract_has_all_operations_and_those_of_later_are_41() -> None:
    later = [each for each in contract.desk_operations() if each.group in desk.LATER_GROUPS]

    assert len(contract.desk_operations()) == 144
    assert len(later) == 41


@pytest.mark.django_db
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_of_the_desk_has_a_route(operation: contract.Operation) -> None:
    path = sample_url(operation)

    without, with_slash = resolve(path), resolve(f"{path}/")

    assert without.route != resolve("/api/v2/me/nothing/of/this/kind").route
    assert operation.method in routes.methods_of(without.func)
    assert routes.view_of(without.func) == routes.view_of(with_slash.func)
    assert without.kwargs == with_slash.kwargs


def test_only_rules_of_later_are_pending() -> None:
    pending = {rule for rule in contract.pending() if rule.startswith("cc.")}

    assert pending == desk.rules_of_later()


def test_an_operation_is_found_by_the_name_that_the_body_holds() -> None:
    def ids(name: str) -> list[str]:
        return [one.id for one in desk.matching("POST", "/api/v2/me/", {"operationName": name})]

    assert ids("Ready") == ["cc.me.Ready"]
    assert ids("OutToLunch") == ["cc.me.AgentState"]


@pytest.mark.parametrize(
    "body",
    [
        {"statusCode": 0, "status": "ok", "more": 1},
        {"statusCode": 0},
        {"statusCode": 1, "status": "ok"},
    ],
)
def test_what_nobody_promised_is_noticed(body: dict[str, object]) -> None:
    answer = HttpResponse(json.dumps(body), content_type="application/json")

    with pytest.raises(AssertionError, match="/api/v2/me"):
        desk.check("POST", "/api/v2/me", {"operationName": "Ready"}, answer)
