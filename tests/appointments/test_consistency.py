"""The doctor: what is derived agrees with the rows, or is named."""

from __future__ import annotations

from datetime import datetime
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from appointments import services
from appointments.consistency import differences
from appointments.models import DayTotal, Involvement
from config.kernel.actors import Role
from notifications.models import Heartbeat
from tests import make

pytestmark = pytest.mark.django_db(transaction=True)


def test_nothing_differs_after_booking_moving_and_deleting(now: datetime) -> None:
    first, second = make.make_appointment(), make.make_appointment()
    supervisor = make.make_user(second.organization, [Role.SUPERVISOR])
    services.delete_appointment(second.id, actor=make.actor_for(supervisor), now=now)

    assert list(differences()) == []
    assert DayTotal.objects.filter(organization=first.organization).exists()


def test_a_wrong_total_is_named_with_both_numbers() -> None:
    appointment = make.make_appointment()
    DayTotal.objects.filter(agent_id__isnull=True).update(change=3)

    (wrong,) = differences()

    assert (wrong.what, wrong.is_now, wrong.should_be) == ("appointments of a day", 3, 1)
    assert str(appointment.application_id) in wrong.where


def test_a_missing_involvement_is_named() -> None:
    appointment = make.make_appointment()
    Involvement.objects.filter(appointment=appointment).delete()

    found = {wrong.what: (wrong.is_now, wrong.should_be) for wrong in differences()}

    assert found == {"agents of an appointment": (0, 1)}


def test_the_doctor_ends_with_an_error_when_something_is_wrong() -> None:
    make.make_appointment()
    DayTotal.objects.filter(agent_id__isnull=True).update(change=3)
    said = StringIO()

    with pytest.raises(SystemExit) as end:
        call_command("doctor", stdout=said, stderr=StringIO())

    assert end.value.code == 1
    assert "3 instead of 1" in said.getvalue()


def test_the_doctor_is_content_when_all_is_well() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        Heartbeat.objects.create(name="worker here", seen_at=cursor.fetchone()[0])
    said = StringIO()

    call_command("doctor", stdout=said)

    assert said.getvalue().endswith("Everything is as it should be.\n")
