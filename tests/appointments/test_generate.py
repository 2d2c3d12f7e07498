"""`manage.py generate`: plausible data that is whole, agrees with itself, and is not sent."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from agents.models import Application, Organization, User
from appointments import services
from appointments.consistency import differences
from appointments.generating import write_chunk
from appointments.management.commands import generate
from appointments.models import Appointment, Involvement, Participant, State
from appointments.services.upkeep import erase_expired_details
from config.kernel.actors import Role
from notifications.models import (
    Channel,
    Notification,
    NotificationContent,
    NotificationEvent,
    OutboxEvent,
    Status,
)
from notifications.services import erase_forgotten
from notifications.services.queue import claim_due
from tests import make

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from tests.contract.client import ApiClient as Api

pytestmark = pytest.mark.django_db


def run(**options: Any) -> str:
    """Generate 640 appointments of 8 agents over five days; give what was said about it."""
    said = io.StringIO()
    call_command(
        "generate", **{"appointments": 640, "agents": 8, **options}, stdout=said, stderr=said
    )
    return said.getvalue()


def test_every_appointment_has_its_agent_its_customer_and_its_history() -> None:
    run()

    told = Notification.objects.filter(status=Status.DELIVERED).count()
    assert Appointment.objects.count() == 640
    assert Participant.objects.filter(type="AGENT").count() == 640
    assert Participant.objects.filter(type="CUSTOMER").count() == 640
    assert Involvement.objects.filter(is_organizer=True, is_assigned=True).count() == 640
    assert OutboxEvent.objects.filter(published_at__isnull=False).count() == 640
    assert Notification.objects.count() == NotificationContent.objects.count() == 1280
    assert NotificationEvent.objects.count() == 1280 + told
    assert User.objects.agents().count() == 8


@pytest.mark.django_db(transaction=True)
def test_totals_and_involvements_agree_with_the_rows() -> None:
    run()

    assert list(differences()) == []


def test_the_list_shows_them_all(api: Callable[[str], Api]) -> None:
    run()
    organization = Organization.objects.get()
    supervisor = make.make_user(organization, [Role.SUPERVISOR])
    agent = User.objects.agents().first()
    assert agent is not None

    everything = api(make.token_for(supervisor)).get("/api/v2/appointments/").json()
    own = api(make.token_for(agent)).get("/api/v2/appointments/").json()

    assert (everything["total"], len(everything["content"])) == (640, 25)
    assert own["total"] == 80


def test_no_agent_has_two_appointments_at_a_time() -> None:
    run(appointments=645)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM appointments_appointment AS one"
            " JOIN appointments_appointment AS other ON other.organizer_id = one.organizer_id"
            ' AND other.id > one.id AND other.start < one."end" AND other."end" > one.start'
        )
        assert cursor.fetchone() == (0,)


def test_what_lies_in_the_past_has_ended_and_beat_finds_nothing_to_do() -> None:
    run(past=100, appointments=8 * 16 * 60, jobs=1)
    now = timezone.now()

    assert set(Appointment.objects.values_list("state", flat=True)) == {
        State.COMPLETED,
        State.NO_SHOW,
        State.FAILED,
    }
    # Details are kept for thirty days.
    assert 0 < Participant.objects.filter(erased_at__isnull=False).count() < 8 * 16 * 60
    assert services.finish_due_appointments(now=now) == 0
    assert erase_expired_details(now=now) == 0
    assert erase_forgotten(now=now) == 0


def test_nothing_is_sent() -> None:
    run(past=0)
    Notification.objects.filter(status=Status.INITIALIZED).update(due_at=timezone.now())

    assert Notification.objects.filter(due_at__isnull=False).exists()
    assert claim_due(Channel.EMAIL, limit=100).claims == []


def test_the_tickets_let_in(client: Client) -> None:
    run(past=0)
    customer = Participant.objects.filter(type="CUSTOMER", ticket_sealed__isnull=False).last()
    assert customer is not None
    url = services.access_url(customer)
    assert url is not None

    answer = client.get(url)

    assert answer.status_code == 200


def test_an_organization_that_is_there_is_filled_by_its_own_rules() -> None:
    application = make.make_application(prevent_overlaps=True, ticket_length=6)

    said = run(organization=application.organization.name, past=0)

    assert f"organization {application.organization_id}" in said
    assert Application.objects.get() == application
    assert Participant.objects.filter(is_exclusive=True).count() == 640


def test_two_tickets_that_are_the_same_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tickets = iter(["same-code", "same-code", "other-one", "third-one"])
    monkeypatch.setattr("appointments.generating._ticket", lambda _length: next(tickets))

    run(appointments=2, past=0)

    assert Participant.objects.filter(ticket_fingerprint__isnull=False).count() == 2


@pytest.mark.django_db(transaction=True)
def test_several_processes_share_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "CHUNK", 100)

    said = run(jobs=2)

    assert Appointment.objects.count() == 640
    assert len(set(Appointment.objects.values_list("notes", flat=True))) == 640
    assert list(differences()) == []
    assert "640 appointments of 8 agents" in said


@pytest.mark.django_db(transaction=True)
def test_what_was_written_before_an_interruption_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(place: Any, numbers: range) -> int:
        if numbers.start:
            raise KeyboardInterrupt
        return write_chunk(place, numbers)

    monkeypatch.setattr(generate, "CHUNK", 100)
    monkeypatch.setattr(generate, "write_chunk", interrupted)

    with pytest.raises(CommandError, match="Stopped"):
        run(jobs=1)

    assert Appointment.objects.count() == 100
    assert list(differences()) == []


def test_progress_is_told_where_nobody_watches() -> None:
    assert "] 640/640  " in run()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"appointments": 0}, "--appointments is at least 1."),
        ({"agents": 0}, "--agents is at least 1."),
        ({"jobs": 0}, "--jobs is at least 1."),
        ({"past": -1}, "--past is at least 0."),
        ({"past": 101}, "--past is at most 100."),
        ({"appointments": 6_000_000, "agents": 1}, "--agents is at least 52 for so many"),
        ({"organization": "Nowhere"}, "--organization: No organizations named Nowhere."),
    ],
)
def test_an_option_that_cannot_be_is_named(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        run(**options)

    assert not Organization.objects.exists()
