"""Random requests made from our own OpenAPI document: no 5xx, no undocumented answer.

A few hundred requests by default; with FUZZ_FULL=1 fifty thousand, spread over the operations.
"""

from __future__ import annotations

import copy
import os
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http import HttpResponse
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.contract import contract, openapi
from tests.contract.client import check_operation
from tests.contract.samples import SAMPLES, Side, kind_of, slots
from tests.contract.undone import undone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.contract import Operation

    Case = schemathesis.Case[Any]

FULL = bool(os.environ.get("FUZZ_FULL"))
FUZZED = [each for each in contract.operations() if each.id not in openapi.LEFT_OUT]
EXAMPLES = 50_000 // len(FUZZED) + 1 if FULL else 20

APPLICATION = WSGIHandler()


@cache
def schema() -> Any:
    """Give the document without its security: tokens that are no good are tried elsewhere."""
    document = copy.deepcopy(openapi.document())
    document.get("components", {}).pop("securitySchemes", None)
    document.pop("security", None)
    for path in document["paths"].values():
        for entry in path.values():
            entry.pop("security", None)
    return schemathesis.openapi.from_dict(document)


def cases(operation: Operation) -> st.SearchStrategy[Case]:
    """Make requests that the document allows, and such that it does not."""
    api: Any = schema().find_operation_by_id(operation.id)
    return st.one_of(
        api.as_strategy(generation_mode=GenerationMode.POSITIVE),
        api.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )


def name_what_exists(case: Case, operation: Operation, side: Side) -> None:
    """Replace random ids, which nobody has, by ids of ours: the code behind them is reached."""
    for slot in slots(operation):
        target: Any = {"path": case.path_parameters, "query": case.query, "json": case.body}
        for step in slot[:-1]:
            target = target.get(step) if isinstance(target, dict) else None
        if isinstance(target, dict) and slot[-1] in target and slot != ("json",):
            target[slot[-1]] = side.ids()[kind_of(operation, slot)]


def keep_one_member(case: Case, operation: Operation, side: Side, which: int) -> None:
    """Put one random member into a good request: what is behind the first check is reached."""
    if operation.id not in SAMPLES:
        return
    good = SAMPLES[operation.id](side)
    case.path_parameters = dict(good.path)
    case.query = {**good.query, **one_of(case.query, which)}
    if isinstance(case.body, dict) and isinstance(good.json, dict):
        case.body = {**good.json, **one_of(case.body, which)}


def one_of(members: dict[str, Any], which: int) -> dict[str, Any]:
    name = sorted(members)[which % len(members)] if members else None
    return {} if name is None else {name: members[name]}


@contextmanager
def one_connection() -> Iterator[None]:
    """Keep the connection of the test over requests, as Django's own test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


@pytest.mark.rule("frontdesk.input.r15", "frontdesk.input.r12")
@pytest.mark.parametrize("operation", [pytest.param(each, id=each.id) for each in FUZZED])
def test_no_request_whatever_is_answered_with_what_is_not_documented(
    operation: Operation, ours: Side
) -> None:
    proofs = [ours.headers(role) for role in operation.roles] or [{}]

    @settings(
        max_examples=EXAMPLES,
        derandomize=not FULL,
        database=None,
        deadline=None,
        # The first failing request says enough; making it small takes half a minute.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(operation), proof=st.sampled_from(proofs), which=st.integers(-6, 11))
    def send(case: Case, proof: dict[str, str], which: int) -> None:
        if which >= 0:
            keep_one_member(case, operation, ours, which)
        elif which % 3:
            name_what_exists(case, operation, ours)
        with undone():
            response = case.call(app=APPLICATION, headers=proof)
        assert response.status_code != 503
        headers = {name: ", ".join(values) for name, values in response.headers.items()}
        check_operation(
            operation,
            HttpResponse(response.content, status=response.status_code, headers=headers),
        )

    with one_connection():
        send()


def test_the_fuzzer_knows_every_operation_with_a_sample() -> None:
    assert set(SAMPLES) <= {each.id for each in FUZZED}
