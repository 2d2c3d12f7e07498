"""What another organization owns is answered exactly as what does not exist: every operation.

Operations and the ids they take are read from the contract; one that nobody knows how to fill
fails here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract import contract
from tests.contract.samples import SAMPLES, UNKNOWN, Sample, Side, kind_of, slots
from tests.contract.undone import undone

if TYPE_CHECKING:
    from tests.contract.contract import Operation

NEEDS_A_SAMPLE = [each for each in contract.operations() if each.roles or slots(each)]
PROBED = [pytest.param(each, id=each.id) for each in NEEDS_A_SAMPLE if each.id in SAMPLES]
GUARDED = [
    pytest.param(each, id=each.id)
    for each in NEEDS_A_SAMPLE
    # A one-time password belongs to an address, not to an organization.
    if each.roles and each.roles != ("OTP",) and each.id in SAMPLES
]

# Callers here have no organization before they name an application, so another one is no
# stranger to them; that a code holds for one application only is schedule_as_customer.r6.
NAMED_BY_ANYBODY = {
    ("v2.appointments.schedule_as_customer", ("json", "applicationId")),
    ("v1.appointments.schedule_as_customer", ("json", "applicationId")),
    # Figures without a person in them; the older version has no organization to ask for.
    ("v1.appointments.count", ("query", "applicationId")),
    ("v1.appointments.overlap_count", ("query", "applicationId")),
    # For whoever knows the id; what they show is no secret (v1.cal.google.r8, v1.cal.ical.r9).
    ("v1.cal.google", ("path", "id")),
    ("v1.cal.ical", ("path", "id")),
    ("frontdesk.cal.office365", ("path", "id")),
    # The secret is the proof itself.
    ("frontdesk.cal.feed", ("path", "secret")),
}


def answer_to(sample: Sample, operation: Operation, headers: dict[str, str]) -> Any:
    with undone():
        return sample.send(operation, headers)


def without(text: str, *sent: str) -> str:
    """Give a body without the ids that the request itself named, and without new ones."""
    for each in sent:
        text = text.replace(each, "…")
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "…", text)
    # Tickets and tokens are new for every appointment that is made.
    text = re.sub(r'"(accessUrl|secureToken|acceptedAt)":"[^"]*"', r'"\1":"…"', text)
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", "…", text)


def secrets_of(side: Side) -> set[str]:
    return {*side.ids().values(), side.organization.name, side.agent.username, str(side.agent.id)}


def callers(operation: Operation) -> tuple[str, ...]:
    return operation.roles or ("AGENT",)


def test_every_operation_that_needs_a_sample_has_one() -> None:
    assert [each.id for each in NEEDS_A_SAMPLE if each.id not in SAMPLES] == []


@pytest.mark.rule("frontdesk.tenancy.r1", "frontdesk.tenancy.r3")
@pytest.mark.parametrize("operation", PROBED)
def test_a_foreign_id_is_answered_as_an_unknown_one(
    operation: Operation, ours: Side, theirs: Side
) -> None:
    sample = SAMPLES[operation.id](ours)

    for slot in slots(operation):
        if (operation.id, slot) in NAMED_BY_ANYBODY:
            continue
        foreign = theirs.ids()[kind_of(operation, slot)]
        for role in callers(operation):
            headers = ours.headers(role)
            known = answer_to(sample.put(slot, foreign), operation, headers)
            unknown = answer_to(sample.put(slot, str(UNKNOWN)), operation, headers)

            where = f"{operation.id} as {role}, {slot}"
            assert known.status_code == unknown.status_code, where
            seen = without(known.content.decode(), foreign)
            assert seen == without(unknown.content.decode(), str(UNKNOWN)), where
            leaked = {
                each for each in secrets_of(theirs) - {foreign} if each in known.content.decode()
            }
            assert leaked == set(), where


@pytest.mark.rule("frontdesk.tenancy.r1", "frontdesk.tenancy.r3")
@pytest.mark.parametrize("operation", GUARDED)
def test_foreign_credentials_find_nothing(operation: Operation, ours: Side, theirs: Side) -> None:
    known = unknown = SAMPLES[operation.id](ours)
    for slot in slots(operation):
        if slot[0] == "path" or slot_is_set(known, slot):
            unknown = unknown.put(slot, str(UNKNOWN))

    for role in callers(operation):
        headers = theirs.headers(role)
        seen = answer_to(known, operation, headers)
        expected = answer_to(unknown, operation, headers)

        assert seen.status_code == expected.status_code, role
        assert without(seen.content.decode(), *ours.ids().values()) == without(
            expected.content.decode(), str(UNKNOWN)
        ), role
        leaked = {each for each in secrets_of(ours) if each in seen.content.decode()}
        assert leaked <= set(sent_in(known)), role


@pytest.mark.rule("frontdesk.tenancy.r2")
@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("role", ["AGENT", "SUPERVISOR", "CLIENT_SERVICE"])
def test_the_list_holds_our_appointments_and_nothing_of_theirs(
    role: str, version: str, ours: Side, theirs: Side
) -> None:
    operation = contract.operation(f"{version}.appointments.list")

    text = Sample().send(operation, ours.headers(role)).content.decode()

    # A service sees what it organized: none of these (v2.appointments.list.r6).
    assert (ours.appointment_id in text) == (role != "CLIENT_SERVICE")
    assert {each for each in secrets_of(theirs) if each in text} == set()


@pytest.mark.rule("frontdesk.tenancy.r2")
@pytest.mark.parametrize("name", ["v2.appointments.count", "v2.appointments.overlap_count"])
def test_counts_need_organization_and_application_of_one_house(
    name: str, ours: Side, theirs: Side
) -> None:
    operation = contract.operation(name)
    sample = SAMPLES[name](ours)
    mixed = sample.put(("query", "organizationId"), str(theirs.organization.id))

    counted = sample.send(operation, {}).json()
    nothing = mixed.send(operation, {}).json()

    assert [each["count"] for each in as_list(counted)] == [1]
    assert [each["count"] for each in as_list(nothing)] in ([], [0])


def as_list(counted: Any) -> list[dict[str, Any]]:
    return counted if isinstance(counted, list) else [counted]


def slot_is_set(sample: Sample, slot: tuple[str, ...]) -> bool:
    target: Any = {"path": sample.path, "query": sample.query, "json": sample.json}
    for step in slot:
        if not isinstance(target, dict) or step not in target:
            return False
        target = target[step]
    return True


def sent_in(sample: Sample) -> list[str]:
    return re.findall(r"[0-9a-f-]{36}", f"{sample.path} {sample.query} {sample.json}")
