"""Persons are forgotten; that something was told stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agents.models import Application
from notifications.models import (
    Notification,
    NotificationContent,
)
from notifications.models.kinds import FINAL, Status
from notifications.services import (
    erase_forgotten,
    forget,
)
from tests.notifications.ledger import make_application
from tests.notifications.planned import (
    HOUR,
    NOW,
    make_planned,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def application() -> Application:
    return make_application()


# --- Forgetting -------------------------------------------------------------------------------

SAID = {
    "subject": "Hello Ada",
    "text": "Dear Ada",
    "html": "<p>Dear Ada</p>",
    "link": b"sealed",
    "body": b"sealed",
}


def make_said(application: Application, **facts: Any) -> Notification:
    """Make a message that was sent, and can be read again."""
    one = make_planned(application, **facts)
    Notification.objects.filter(pk=one.pk).update(status=Status.DELIVERED, due_at=None)
    NotificationContent.objects.filter(pk=one.pk).update(**SAID)
    return one


def forget_all(one: Notification, **facts: Any) -> None:
    forget(one.subject_id, organization_id=one.organization_id, now=NOW, **facts)


def test_a_person_is_forgotten_and_that_something_was_told_stays(
    application: Application,
) -> None:
    one = make_said(application)
    before = list(Notification.objects.values())

    forget_all(one)
    assert erase_forgotten(now=NOW) == 1

    [left] = NotificationContent.objects.values()
    assert left == {
        "notification_id": one.id,
        "organization_id": one.organization_id,
        "address": "",
        "first_name": "",
        "last_name": "",
        "facts": {},
        "link": None,
        "body": None,
        "subject": "",
        "text": "",
        "html": "",
        "erase_at": NOW,
        "erased_at": NOW,
    }
    assert list(Notification.objects.values()) == before


@pytest.mark.parametrize("status", sorted(set(Status) - set(FINAL)))
def test_what_is_still_to_be_sent_keeps_its_address(
    status: Status, application: Application
) -> None:
    one = make_said(application)
    Notification.objects.update(status=status, due_at=NOW)
    forget_all(one)

    assert erase_forgotten(now=NOW + 1000 * HOUR) == 0
    Notification.objects.update(status=Status.CANCELLED, due_at=None)
    assert erase_forgotten(now=NOW) == 1


@pytest.mark.parametrize(("early", "erased"), [(timedelta(microseconds=1), 0), (timedelta(0), 1)])
def test_nothing_is_erased_before_its_time(
    early: timedelta, erased: int, application: Application
) -> None:
    forget_all(make_said(application))

    assert erase_forgotten(now=NOW - early) == erased


def test_only_who_is_meant_is_forgotten(application: Application) -> None:
    one = make_said(application)
    same_subject = make_said(application, subject_id=one.subject_id)
    theirs = make_said(make_application("Southwind"), subject_id=one.subject_id)
    make_said(application)

    forget_all(one, recipient_ids=[one.recipient_id])
    assert erase_forgotten(now=NOW) == 1
    forget_all(one)
    assert erase_forgotten(now=NOW) == 1

    erased = NotificationContent.objects.filter(erased_at__isnull=False)
    assert {each.notification_id for each in erased} == {one.id, same_subject.id}
    assert NotificationContent.objects.get(pk=theirs.id).erase_at is None


def test_the_first_moment_to_forget_counts(application: Application) -> None:
    one = make_said(application)
    forget_all(one)

    forget(one.subject_id, organization_id=one.organization_id, now=NOW + HOUR)

    assert NotificationContent.objects.get().erase_at == NOW


def test_the_oldest_are_erased_first_and_no_more_than_asked_for(application: Application) -> None:
    later, first = make_said(application), make_said(application)
    forget(later.subject_id, organization_id=later.organization_id, now=NOW)
    forget(first.subject_id, organization_id=first.organization_id, now=NOW - HOUR)

    assert erase_forgotten(now=NOW, limit=1) == 1

    assert NotificationContent.objects.get(erased_at__isnull=False).notification_id == first.id
    assert [erase_forgotten(now=NOW), erase_forgotten(now=NOW)] == [1, 0]
