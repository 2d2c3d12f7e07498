"""Every operation with each role alone, without a token, and with tokens that are no good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract import contract
from tests.contract.client import ApiClient
from tests.contract.samples import SAMPLES, Side
from tests.contract.state import everything
from tests.contract.tokens import BAD

if TYPE_CHECKING:
    from tests.contract.contract import Operation

ROLES = ("AGENT", "SUPERVISOR", "ADMIN", "CLIENT_SERVICE", "CUSTOMER")
GUARDED = [each for each in contract.operations() if each.roles]
BY_TOKEN = [pytest.param(each, id=each.id) for each in GUARDED if each.roles != ("OTP",)]
# Free times are told to everybody, and whose they are to those with a token: tests of their own.
OPEN = [
    pytest.param(each, id=each.id)
    for each in contract.operations()
    if not each.roles and each.id in SAMPLES and each.id != "frontdesk.availability.get"
]

# The ways in which a token can be wrong that every operation is tried with.
A_FEW = ["alg none", "a stranger's key", "expired", "another audience", "signature cut", "one word"]


@pytest.mark.parametrize(
    ("operation", "role"),
    [pytest.param(each, role, id=f"{each.id}-{role}") for each in GUARDED for role in each.roles],
)
def test_each_role_of_an_operation_is_enough_by_itself(
    operation: Operation, role: str, ours: Side
) -> None:
    answer = SAMPLES[operation.id](ours).send(operation, ours.headers(role))

    assert answer.status_code in {200, 201, 202, 204}, answer.content


@pytest.mark.rule(
    "v2.appointments.list.r2",
    "v2.appointments.schedule.r2",
    "v2.appointments.schedule.r32",
    "v2.appointments.update.r2",
    "v2.appointments.activate.r2",
    "v2.appointments.activate.r8",
    "v2.appointments.reassign.r2",
    "v2.appointments.reassign.r13",
    "v2.appointments.reschedule.r2",
    "v2.appointments.delete.r2",
    "v2.appointments.get.r2",
    "v2.appointments.eligible.r2",
    "v2.participants.add_agent.r2",
    "v2.participants.add_agent.r10",
    "v2.participants.add_customer.r2",
    "v2.participants.remove.r2",
    "v2.participants.get.r2",
    "v2.participants.get.r13",
    "v2.participants.update_state.r2",
    "v2.interaction.accept.r2",
    "v2.interaction.accept.r14",
    "v2.interaction.failed.r2",
    "v2.interaction.failed.r14",
    "v2.interaction.get.r2",
    "v2.interaction.get.r8",
    "v2.interaction.update.r2",
    "v2.interaction.update.r13",
    "v2.notifications.list.r2",
    "v2.notifications.list.r23",
    "v2.notifications.events.r2",
    "v2.notifications.events.r20",
    "frontdesk.notifications.retry.r2",
    "frontdesk.webhooks.r2",
    "frontdesk.catalogue.r2",
    "frontdesk.rescues.r2",
    "v1.appointments.list.r2",
    "v1.appointments.schedule.r2",
    "v1.appointments.schedule.r24",
    "v1.appointments.update.r2",
    "v1.appointments.delete.r2",
    "v1.appointments.get.r2",
    "v1.appointments.end.r2",
    "v1.appointments.end.r10",
    "v1.participants.remove.r2",
    "v1.participants.get.r2",
    "v1.appointments.activate.r2",
    "v1.appointments.activate.r9",
    "v1.appointments.eligible.r2",
    "v1.participants.add_agent.r2",
    "v1.participants.add_customer.r2",
    "v1.appointments.reassign.r2",
    "v1.appointments.reschedule.r2",
    "v1.notifications.emails.verify.r2",
    "v1.notifications.emails.verify.r9",
    "v1.notifications.emails.confirm.r2",
    "v1.notifications.emails.confirm.r11",
    "v1.notifications.emails.test.r2",
    "v1.notifications.emails.test.r17",
)
@pytest.mark.parametrize(
    ("operation", "role"),
    [
        pytest.param(each, role, id=f"{each.id}-{role}")
        for each in GUARDED
        for role in ROLES
        if each.roles != ("OTP",) and role not in each.roles
    ],
)
def test_a_caller_with_none_of_the_roles_is_refused_and_changes_nothing(
    operation: Operation, role: str, ours: Side
) -> None:
    headers, sample = ours.headers(role), SAMPLES[operation.id](ours)
    before = everything()

    answer = sample.send(operation, headers)

    assert answer.status_code == 403
    assert everything() == before


@pytest.mark.rule(
    "v2.appointments.list.r1",
    "v2.appointments.schedule.r1",
    "v2.appointments.update.r1",
    "v2.appointments.activate.r1",
    "v2.appointments.reassign.r1",
    "v2.appointments.reschedule.r1",
    "v2.appointments.delete.r1",
    "v2.appointments.get.r1",
    "v2.appointments.get.r12",
    "v2.appointments.eligible.r1",
    "v2.participants.add_agent.r1",
    "v2.participants.add_customer.r1",
    "v2.participants.remove.r1",
    "v2.participants.get.r1",
    "v2.participants.update_state.r1",
    "v2.interaction.accept.r1",
    "v2.interaction.failed.r1",
    "v2.interaction.get.r1",
    "v2.interaction.update.r1",
    "v2.notifications.list.r1",
    "v2.notifications.events.r1",
    "frontdesk.notifications.retry.r1",
    "frontdesk.webhooks.r1",
    "frontdesk.catalogue.r1",
    "frontdesk.rescues.r1",
    "v1.appointments.list.r1",
    "v1.appointments.schedule.r1",
    "v1.appointments.update.r1",
    "v1.appointments.delete.r1",
    "v1.appointments.get.r1",
    "v1.appointments.get.r7",
    "v1.appointments.end.r1",
    "v1.participants.remove.r1",
    "v1.participants.get.r1",
    "v1.appointments.activate.r1",
    "v1.appointments.eligible.r1",
    "v1.participants.add_agent.r1",
    "v1.participants.add_customer.r1",
    "v1.appointments.reassign.r1",
    "v1.appointments.reschedule.r1",
    "v1.notifications.emails.verify.r1",
    "v1.notifications.emails.confirm.r1",
    "v1.notifications.emails.test.r1",
    "frontdesk.bearer.r8",
)
@pytest.mark.parametrize("operation", BY_TOKEN)
def test_without_a_good_token_nothing_is_shown_and_nothing_changes(
    operation: Operation, ours: Side
) -> None:
    sample = SAMPLES[operation.id](ours)
    good = ours.token(operation.roles[0])
    headers = [{"Authorization": f"Bearer {BAD[name](good)}"} for name in A_FEW]
    before = everything()

    answers = [sample.send(operation, header) for header in [{}, *headers]]

    assert {answer.status_code for answer in answers} == {401}
    # One body for all: which part of the proof was wrong is nobody's business.
    assert len({answer.content for answer in answers[1:]}) == 1
    assert everything() == before


@pytest.mark.rule(
    "v2.appointments.schedule_as_customer.r3", "v1.appointments.schedule_as_customer.r3"
)
@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("role", ROLES)
def test_a_token_does_not_stand_in_for_a_one_time_password(
    role: str, version: str, ours: Side
) -> None:
    operation = contract.operation(f"{version}.appointments.schedule_as_customer")
    headers, before = ours.headers(role), everything()

    answer = SAMPLES[operation.id](ours).send(operation, headers)

    assert answer.status_code == 401
    assert everything() == before


@pytest.mark.rule(
    "v2.appointments.count.r1",
    "v2.appointments.count.r2",
    "v2.appointments.overlap_count.r1",
    "v2.appointments.overlap_count.r2",
    "v1.appointments.count.r1",
    "v1.appointments.count.r2",
    "v1.appointments.overlap_count.r1",
    "v1.appointments.overlap_count.r2",
    "v1.cal.google.r1",
    "v1.cal.google.r2",
    "v1.cal.ical.r1",
    "v1.cal.ical.r2",
    "frontdesk.cal.office365.r1",
)
@pytest.mark.parametrize("operation", OPEN)
def test_an_open_operation_looks_at_no_token(operation: Operation, ours: Side) -> None:
    sample = SAMPLES[operation.id](ours)
    good = ours.token("AGENT")
    headers = [{"Authorization": f"Bearer {BAD[name](good)}"} for name in A_FEW]

    answers = [
        sample.send(operation, header)
        for header in [{}, {"Authorization": f"Bearer {good}"}, *headers]
    ]

    assert {answer.status_code for answer in answers} <= {200, 302}
    assert len({(answer.content, answer.get("Location")) for answer in answers}) == 1


@pytest.mark.rule(
    "frontdesk.bearer.r2", "frontdesk.bearer.r3", "frontdesk.bearer.r4", "frontdesk.bearer.r6"
)
@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("role", ["AGENT", "CLIENT_SERVICE"])
def test_a_bad_token_is_answered_401(role: str, name: str, ours: Side) -> None:
    bad = BAD[name](ours.token(role))
    path = f"/api/v2/appointments/{ours.appointment_id}"

    as_bearer = ApiClient().get(path, headers={"Authorization": f"Bearer {bad}"})
    bare = ApiClient().get(path, headers={"Authorization": bad})

    assert (as_bearer.status_code, bare.status_code) == (401, 401)


@pytest.mark.rule("frontdesk.bearer.r1")
@pytest.mark.parametrize("prefix", ["Bearer ", "bearer ", "BEARER ", ""])
def test_a_good_token_is_taken_with_and_without_the_word_bearer(prefix: str, ours: Side) -> None:
    header = {"Authorization": prefix + ours.token("AGENT")}

    answer = ApiClient().get(f"/api/v2/appointments/{ours.appointment_id}", headers=header)

    assert answer.status_code == 200
