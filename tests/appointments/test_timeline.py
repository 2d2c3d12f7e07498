"""The messages on the page of an appointment: what happens next, and what can be done about it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from appointments import services
from appointments.timeline import Told, read_timeline
from config.kernel.actors import Role
from notifications.models import (
    Channel,
    Notification,
    NotificationContent,
    Status,
    Undeliverable,
)
from notifications.services import undeliverable
from notifications.transports import Refused, Submitted, TryLater
from tests import make
from tests.appointments.scene import Scene, make_scene
from tests.appointments.told import only_due, send, the
from tests.contract.state import everything
from tests.notifications import scripted
from tests.notifications.ledger import ScriptedTransport

if TYPE_CHECKING:
    from pytest_django import Settings

    from agents.models import User

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
WITH_PHONE = make.make_customer(phone="+49 30 901820")


@pytest.fixture(autouse=True)
def provider(settings: Settings) -> ScriptedTransport:
    settings.NOTIFICATIONS_TRANSPORTS = dict.fromkeys(
        ("EMAIL", "SMS"), "tests.notifications.scripted"
    )
    scripted.transport.forget()
    return scripted.transport


def told_of(scene: Scene, type: str = "CREATE") -> Told:
    """Give the first message of a type on the timeline."""
    entries = read_timeline(
        scene.row(), [scene.customer, scene.agent_row], actor=scene.actor, now=timezone.now()
    )
    told = [one for one in entries if isinstance(one, Told)]
    return next(one for one in told if one.notification.type == type)


def next_of(scene: Scene, **facts: Any) -> tuple[str, bool]:
    """Give what happens next when these are the facts, and whether its moment is known."""
    Notification.objects.update(**facts)
    found = told_of(scene).next
    assert found is not None
    return found.words, found.at is not None


def page(scene: Scene, who: User, *, path: str = "", post: bool = False) -> Any:
    """Open the page of the appointment, or what is behind one of its messages."""
    browser = Client()
    browser.force_login(who)
    url = path or reverse("appointment", args=[scene.appointment.pk])
    return browser.post(url, follow=True) if post else browser.get(url)


def path_of(scene: Scene, what: str, one: Notification) -> str:
    return reverse(f"message-{what}", args=[scene.appointment.pk, one.pk])


# --- What is said -----------------------------------------------------------------------------


def test_what_happens_next_is_said_in_words() -> None:
    scene = make_scene(Channel.EMAIL)
    later = timezone.now() + HOUR

    assert next_of(scene) == ("Will be sent as soon as a worker is free", False)
    assert next_of(scene, due_at=later) == ("Will be sent", True)
    assert next_of(scene, status=Status.PENDING) == ("Will be sent again", True)
    assert next_of(scene, is_submitted=True) == ("The provider will be asked how it went", True)
    assert next_of(scene, lease_until=later) == ("The provider is being asked how it went", False)
    assert next_of(scene, is_submitted=False) == ("Is being sent", False)
    assert next_of(scene, is_held=True) == ("Held back until it is released", False)


def test_nothing_happens_next_at_the_end() -> None:
    scene = make_scene(Channel.EMAIL)
    send()

    assert told_of(scene).next is None


def test_attempts_are_counted_and_each_step_says_of_which_it_is(
    provider: ScriptedTransport,
) -> None:
    scene = make_scene(Channel.EMAIL)
    provider.answers = [TryLater(reason="451 busy"), Refused(reason="550 nobody")]
    send()
    send()
    page(scene, scene.supervisor, path=path_of(scene, "retry", the(scene, "CREATE")), post=True)
    send()

    told = told_of(scene)

    assert told.attempts == 3
    assert [(number, step.status) for number, step in told.steps] == [
        (0, "INITIALIZED"),
        (1, "PENDING"),
        (1, "PENDING"),
        (2, "FAILED"),
        (0, "PENDING"),
        (3, "DELIVERED"),
    ]


def test_questions_to_the_provider_are_no_attempts(provider: ScriptedTransport) -> None:
    scene = make_scene(Channel.SMS, customers=[WITH_PHONE])
    provider.answers = [Submitted(provider_status=word, message_id="SM1") for word in "ABC"]

    for _ in range(4):
        send(Channel.SMS)

    assert told_of(scene).attempts == 1
    assert "asked 3 times" in page(scene, scene.supervisor).content.decode()


def test_the_parts_of_an_sms_are_counted_with_the_link_at_its_length() -> None:
    scene = make_scene(Channel.SMS, customers=[WITH_PHONE])
    send(Channel.SMS)
    assert "1 SMS (GSM-7, 13 characters)" in page(scene, scene.supervisor).content.decode()

    NotificationContent.objects.update(text="x" * 150 + "q/***")

    segments = told_of(scene).segments
    assert segments is not None
    assert (segments.count, segments.length) == (2, 161)


def test_a_mail_has_no_parts() -> None:
    scene = make_scene(Channel.EMAIL)
    send()

    assert told_of(scene).segments is None


def test_an_address_that_mail_came_back_from_is_marked_on_its_mails() -> None:
    scene = make_scene(
        Channel.EMAIL, customers=[WITH_PHONE, make.make_customer(email="grace@example.org")]
    )
    undeliverable.remember(
        "Ada@Example.org",
        organization_id=scene.application.organization_id,
        reason=Undeliverable.Reason.BOUNCED,
        said="550 no such mailbox",
        notification_id=the_first(scene).pk,
        at=timezone.now(),
    )

    shown = page(scene, scene.supervisor).content.decode()

    assert shown.count("Mail to this address has come back") == 1
    assert "550 no such mailbox" in shown


def the_first(scene: Scene) -> Notification:
    return Notification.objects.filter(subject_id=scene.appointment.pk).order_by("id")[0]


def test_what_is_known_against_an_address_elsewhere_is_not_shown_here() -> None:
    scene, other = make_scene(Channel.EMAIL), make_scene(Channel.EMAIL)
    undeliverable.remember(
        "ada@example.org",
        organization_id=other.application.organization_id,
        reason=Undeliverable.Reason.COMPLAINED,
        said="",
        notification_id=the_first(other).pk,
        at=timezone.now(),
    )

    assert told_of(scene).undeliverable is None
    assert told_of(other).undeliverable is not None


# --- What can be done -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "can"),
    [
        ({"status": Status.INITIALIZED}, {"Cancel…"}),
        ({"status": Status.PENDING, "retry_count": 1}, {"Send now", "Cancel…"}),
        ({"status": Status.FAILED, "due_at": None}, {"Send again"}),
        ({"status": Status.DELIVERED, "due_at": None}, set()),
        ({"status": Status.PENDING, "is_submitted": True}, set()),
    ],
    ids=["planned", "waiting", "failed", "delivered", "polled"],
)
def test_only_what_is_possible_is_offered(facts: dict[str, Any], can: set[str]) -> None:
    scene = make_scene(Channel.EMAIL)
    Notification.objects.update(**facts)

    shown = page(scene, scene.supervisor).content.decode()

    assert {text for text in ("Send now", "Send again", "Cancel…") if text in shown} == can


def test_the_agent_in_charge_and_administrators_can_do_it_too() -> None:
    scene = make_scene(Channel.EMAIL)
    admin = make.make_user(scene.application.organization, [Role.ADMIN])
    one = only_due(scene)

    for who in (scene.agent, admin):
        Notification.objects.update(status=Status.FAILED, due_at=None)
        answer = page(scene, who, path=path_of(scene, "retry", one), post=True)
        assert "The message is being sent." in answer.content.decode()


def test_an_agent_who_may_only_read_is_offered_nothing_and_can_do_nothing() -> None:
    scene = make_scene(Channel.EMAIL, application=make.make_application())
    scene.application.agents_see_only_their_own = False
    scene.application.save()
    one = only_due(scene)
    before = everything()

    shown = page(scene, scene.colleague)
    refused = [
        page(scene, scene.colleague, path=path_of(scene, what, one), post=True)
        for what in ("retry", "cancel")
    ]

    assert shown.status_code == 200
    assert "Cancel…" not in shown.content.decode()
    assert page(scene, scene.colleague, path=path_of(scene, "cancel", one)).status_code == 404
    assert all("There is no such notification." in each.content.decode() for each in refused)
    after = everything()
    # Signing in is noted there.
    del before["agents_user"], after["agents_user"]
    assert after == before


def test_what_has_gone_out_meanwhile_is_not_cancelled_and_that_is_said() -> None:
    scene = make_scene(Channel.EMAIL)
    one = only_due(scene)
    send()

    answer = page(scene, scene.supervisor, path=path_of(scene, "cancel", one), post=True)

    assert "has been handed over, or is about to be" in answer.content.decode()
    assert the(scene, "CREATE").status == Status.DELIVERED


@pytest.mark.parametrize("what", ["retry", "cancel"])
def test_another_organisation_has_no_such_appointment(what: str) -> None:
    scene = make_scene(Channel.EMAIL)
    one = only_due(scene)
    stranger = make.make_user(make.make_organization(), [Role.SUPERVISOR, Role.ADMIN])

    answer = page(scene, stranger, path=path_of(scene, what, one), post=True)

    assert answer.status_code == 404
    assert the(scene, "CREATE").status == Status.INITIALIZED


@pytest.mark.parametrize("what", ["retry", "cancel"])
def test_no_other_site_can_do_it(what: str) -> None:
    scene = make_scene(Channel.EMAIL)
    one = only_due(scene)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(scene.supervisor)

    assert browser.post(path_of(scene, what, one)).status_code == 403


def test_the_timeline_says_who_cancelled_a_message() -> None:
    scene = make_scene(Channel.EMAIL)
    one = only_due(scene)

    answer = page(scene, scene.supervisor, path=path_of(scene, "cancel", one), post=True)

    shown = answer.content.decode()
    assert "The message will not be sent." in shown
    assert "E-mail: Booked, cancelled by hand" in shown
    assert f"by {scene.supervisor.get_full_name()}" in shown


def test_a_message_is_called_what_it_says() -> None:
    scene = make_scene(Channel.EMAIL)
    services.request_alternative(
        scene.appointment.id, actor=scene.actor, now=scene.appointment.created_at
    )

    content = page(scene, scene.supervisor).content.decode()

    assert "E-mail: Another date is wanted" in content
