"""The operations page: who may see how sending is doing, of whom, and what it says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from agents.operations import Hook, spoken
from config.kernel.actors import Role
from config.kernel.ids import uuid7
from notifications.models import (
    Channel,
    Heartbeat,
    HistoryPurge,
    Notification,
    ProofRun,
    Subscription,
)
from notifications.services import operations
from tests.make import (
    make_application,
    make_channel,
    make_subscription,
    make_user,
)
from tests.notifications.ledger import make_notification

if TYPE_CHECKING:
    from uuid import UUID

    from django.test import Client

    from agents.models import Application, User

pytestmark = pytest.mark.django_db

PATH = "/operations/"


@pytest.fixture
def ours() -> Application:
    """Give the application of those who look."""
    return make_application(name="Loans")


@pytest.fixture
def theirs() -> Application:
    """Give somebody else's, with everything that could leak: a queue, a receiver, a finding."""
    application = make_application(name="Foreign")
    make_channel(application, Channel.WEBHOOKS)
    make_subscription(application, url="https://foreign.example.org/?key=secret")
    make_notification(application, due_at=timezone.now() - timedelta(minutes=5))
    make_notification(application, is_held=True)
    return application


def read(client: Client, user: User) -> Any:
    client.force_login(user)
    return client.get(PATH)


def state_of(client: Client, user: User) -> Any:
    return read(client, user).context["state"]


def supervisor_of(application: Application, *roles: Role) -> User:
    return make_user(application.organization, roles or (Role.SUPERVISOR,))


def make_operator() -> User:
    operator: User = make_user(make_application().organization, [])
    operator.organization, operator.is_superuser = None, True
    operator.save()
    return operator


def make_finding(organization_id: UUID, **facts: Any) -> dict[str, Any]:
    return {
        "kind": "missing",
        "organizationId": str(organization_id),
        "appointmentId": str(uuid7()),
        "type": "CREATE",
        "channel": "EMAIL",
        "recipientType": "CUSTOMER",
        "recipientId": str(uuid7()),
        "offset": None,
        "dueAt": "2027-05-03T10:00:00Z",
        "note": "of event 1",
        **facts,
    }


def make_proof(*findings: dict[str, Any], missing: int | None = None) -> ProofRun:
    return ProofRun.objects.create(
        since=timezone.now(),
        started_at=timezone.now(),
        ended_at=timezone.now(),
        missing=len(findings) if missing is None else missing,
        findings=list(findings),
    )


# --- Who may look ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("roles", "status"),
    [
        ([Role.SUPERVISOR], 200),
        ([Role.ADMIN], 200),
        ([Role.AGENT, Role.SUPERVISOR], 200),
        ([Role.AGENT], 403),
        ([Role.CLIENT_SERVICE], 403),
        ([], 403),
    ],
)
def test_who_looks_after_an_organisation_may_look(
    client: Client, ours: Application, roles: list[Role], status: int
) -> None:
    assert read(client, make_user(ours.organization, roles)).status_code == status


def test_strangers_are_sent_to_the_door(client: Client) -> None:
    assert client.get(PATH).headers["Location"] == "/login/?next=/operations/"


def test_operators_see_it_although_they_have_no_day(client: Client) -> None:
    operator = make_operator()

    assert read(client, operator).status_code == 200
    assert client.get("/").headers["Location"] == "/admin/"


@pytest.mark.parametrize(("role", "is_shown"), [(Role.SUPERVISOR, True), (Role.AGENT, False)])
def test_the_way_there_is_shown_to_those_who_may_go(
    client: Client, ours: Application, role: Role, is_shown: bool
) -> None:
    client.force_login(make_user(ours.organization, [role]))

    assert (b'href="/operations/"' in client.get("/").content) == is_shown


def test_nobody_keeps_it(client: Client, ours: Application) -> None:
    assert "no-store" in read(client, supervisor_of(ours)).headers["Cache-Control"]


# --- Whose ------------------------------------------------------------------------------------


def test_nothing_of_another_organisation_is_shown(
    client: Client, ours: Application, theirs: Application
) -> None:
    make_proof(make_finding(theirs.organization_id, type="REMINDER"))

    page = read(client, supervisor_of(ours))

    queues = page.context["state"].queues
    assert [(one.figures.due, one.figures.held) for one in queues] == [(0, 0)] * 3
    assert page.context["state"].hooks == []
    assert page.context["state"].proof.faults == []
    text = page.content.decode()
    assert not [word for word in ("Foreign", "foreign.example", "REMINDER") if word in text]
    assert "Everyone of your organisation was told once and in time." in text


def test_how_much_others_have_is_shown_to_nobody(client: Client, ours: Application) -> None:
    proof = make_proof(missing=1_733)
    ProofRun.objects.filter(pk=proof.pk).update(appointments=987_654, doubled=1_734, late=1_735)

    pages = [read(client, user).content.decode() for user in (supervisor_of(ours), make_operator())]

    figures = [proof for proof in ("987654", "1733", "1734", "1735") if proof in pages[1]]
    assert len(figures) == 4
    assert not [figure for figure in figures if figure in pages[0]]


def test_operators_see_all(client: Client, ours: Application, theirs: Application) -> None:
    make_notification(ours)
    make_proof(make_finding(theirs.organization_id), make_finding(ours.organization_id))

    state = state_of(client, make_operator())

    email = state.queues[0].figures
    assert (email.due, email.late, email.held) == (2, 1, 1)
    assert [hook.subscription.application for hook in state.hooks] == [theirs]
    assert len(state.proof.faults) == 2


def test_the_figures_of_an_organisation_are_its_own(ours: Application, theirs: Application) -> None:
    make_notification(ours, due_at=timezone.now() - timedelta(hours=1))

    email = operations(timezone.now(), organization_id=ours.organization_id).channels[0]

    assert (email.due, email.late, email.held) == (1, 1, 0)
    assert email.oldest_due >= timedelta(hours=1)


def test_an_address_of_a_receiver_is_not_shown_whole(client: Client, theirs: Application) -> None:
    page = read(client, supervisor_of(theirs)).content.decode()

    assert "foreign.example.org" in page
    assert "secret" not in page


# --- What it says -----------------------------------------------------------------------------


def test_an_empty_installation_says_what_is_to_be_done(client: Client, ours: Application) -> None:
    page = read(client, supervisor_of(ours)).content.decode()

    for said in (
        "No worker is at work",
        "No worker and no beat has been seen yet.",
        "Nobody has subscribed to webhooks yet.",
        "Nothing has been compared yet.",
        "Nothing has been taken away yet",
    ):
        assert said in page


def test_who_has_not_been_heard_of_is_silent(client: Client, ours: Application) -> None:
    now = timezone.now()
    for name, minutes in (("beat", 3), ("provider email", 300), ("worker one", 1)):
        Heartbeat.objects.create(name=name, seen_at=now - timedelta(minutes=minutes))

    state = state_of(client, supervisor_of(ours))

    assert {sign.name: (sign.ago, sign.is_silent) for sign in state.signs} == {
        "beat": ("3 minutes ago", True),
        "provider email": ("5 hours ago", False),
        "worker one": ("1 minute ago", False),
    }
    assert state.has_workers


NOW = datetime.fromisoformat("2027-05-03T10:00Z")


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "well"),
        ({"failing_since": NOW}, "failing"),
        ({"failing_since": NOW, "paused_at": NOW}, "paused"),
        ({"is_active": False}, "off"),
        ({"is_active": False, "ended_reason": "410", "failing_since": NOW}, "ended"),
    ],
)
def test_a_receiver_is_shown_as_it_is_doing(fields: dict[str, Any], state: str) -> None:
    assert Hook(subscription=Subscription(**fields), waiting=0).state == state


def test_what_waits_for_a_receiver_is_counted(client: Client, ours: Application) -> None:
    hook = make_subscription(ours, name="CRM")
    Subscription.objects.filter(pk=hook.pk).update(last_sequence=17)
    for minutes in (-5, -1, 60):
        row = make_notification(
            ours, channel=Channel.WEBHOOKS, due_at=timezone.now() + timedelta(minutes=minutes)
        )
        Notification.objects.filter(pk=row.pk).update(recipient_id=hook.id)

    [shown] = state_of(client, supervisor_of(ours)).hooks

    assert (shown.subscription.last_sequence, shown.waiting) == (17, 2)


def test_findings_lead_to_their_appointments(client: Client, ours: Application) -> None:
    finding = make_finding(ours.organization_id, offset="PT1H")
    make_proof(finding)

    for user, path in (
        (supervisor_of(ours), "/appointments/{}/"),
        (make_operator(), "/admin/appointments/appointment/{}/change/"),
    ):
        page = read(client, user).content.decode()
        assert f'href="{path.format(finding["appointmentId"])}"' in page
        assert "CREATE by EMAIL, PT1H" in page


def test_what_is_not_kept_is_not_called_well(
    client: Client, ours: Application, theirs: Application
) -> None:
    make_proof(make_finding(theirs.organization_id), missing=500)

    page = read(client, supervisor_of(ours)).content.decode()

    assert "More was found than is kept" in page
    assert "was told once and in time" not in page


def test_a_proof_that_has_not_ended_says_nothing(client: Client, ours: Application) -> None:
    make_proof()
    ProofRun.objects.create(since=NOW, started_at=NOW, missing=3)

    assert state_of(client, supervisor_of(ours)).proof.total == 0


def test_the_last_purge_is_shown(client: Client, ours: Application) -> None:
    for month in (1, 2):
        HistoryPurge.objects.create(purged_before=NOW.replace(month=month))

    assert "What is older than 3 Feb 2027" in read(client, supervisor_of(ours)).content.decode()


def test_the_page_asks_no_more_of_many_than_of_one(
    client: Client, ours: Application, django_assert_num_queries: Any
) -> None:
    user = supervisor_of(ours)
    make_subscription(ours)
    make_proof(make_finding(ours.organization_id))
    client.force_login(user)
    with django_assert_num_queries(10):
        client.get(PATH)
    for _ in range(2):
        make_subscription(ours)

    with django_assert_num_queries(10):
        client.get(PATH)


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(), "under a second"),
        (timedelta(seconds=1.9), "1 second"),
        (timedelta(seconds=119), "1 minute"),
        (timedelta(hours=23, minutes=59), "23 hours"),
        (timedelta(days=1200), "1,200 days"),
    ],
)
def test_a_length_of_time_is_said_in_its_largest_unit(length: timedelta, said: str) -> None:
    assert spoken(length) == said
