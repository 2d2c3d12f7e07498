"""Calendar feeds: who is let in by an address, and who may make and end one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from agents.errors import TooManyAttempts
from agents.models import Organization, SecurityCounter, User
from appointments.errors import (
    FeedNotFound,
    FeedNotYours,
    FeedOwnerNotFound,
    FeedUnknown,
    TooManyFeeds,
)
from appointments.models import CalendarFeed
from appointments.services.feeds import create_feed, feed_url, find_feed, revoke_feed
from config.kernel import limits
from config.kernel.actors import Role
from config.kernel.logging import redact
from notifications.models import OutboxEvent
from tests import make
from tests.appointments.feeding import SOMEWHERE, START, ask, make_office
from tests.appointments.scene import Scene, make_scene
from tests.contract.client import ApiClient

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene() -> Scene:
    """Give an appointment of Grace with Ada."""
    return make_scene(start=START, title="Loans")


@pytest.fixture
def feed(scene: Scene) -> CalendarFeed:
    """Give the feed of Grace."""
    return make.make_feed(scene.agent)


# --- Whose address it is --------------------------------------------------------------------


def end_employment(scene: Scene, feed: CalendarFeed) -> None:
    User.objects.filter(pk=scene.agent.pk).update(is_active=False)


def close_house(scene: Scene, feed: CalendarFeed) -> None:
    Organization.objects.filter(pk=scene.application.organization_id).update(is_active=False)


def revoke(scene: Scene, feed: CalendarFeed) -> None:
    revoke_feed(feed.pk, actor=scene.actor, now=timezone.now())


@pytest.mark.rule("frontdesk.cal.feed.r8")
@pytest.mark.parametrize("ends", [revoke, end_employment, close_house])
def test_an_address_that_leads_nowhere_looks_like_one_that_never_did(
    scene: Scene, feed: CalendarFeed, ends: Any
) -> None:
    assert ask(feed).status_code == 200
    ends(scene, feed)

    answers = [ask(feed), ApiClient().get("/api/cal/feeds/nobodys.ics")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert {answer["Cache-Control"] for answer in answers} == {"no-store"}


@pytest.mark.rule("frontdesk.cal.feed.r9")
def test_an_address_cannot_be_guessed_at_for_long(feed: CalendarFeed, now: datetime) -> None:
    for number in range(limits.CALENDAR_FAILURES_PER_ADDRESS):
        with pytest.raises(FeedUnknown):
            find_feed(f"guess{number}", address=SOMEWHERE, now=now)

    with pytest.raises(TooManyAttempts):
        find_feed(make.secret_of(feed), address=SOMEWHERE, now=now)
    assert find_feed(make.secret_of(feed), address="192.0.2.8", now=now) == feed
    later = now + limits.CALENDAR_WINDOW
    assert find_feed(make.secret_of(feed), address=SOMEWHERE, now=later) == feed


@pytest.mark.rule("frontdesk.cal.feed.r9")
def test_whoever_guesses_is_told_to_wait(feed: CalendarFeed) -> None:
    for number in range(limits.CALENDAR_FAILURES_PER_ADDRESS):
        ApiClient().get(f"/api/cal/feeds/guess{number}.ics")

    refused = ask(feed)

    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0


@pytest.mark.rule("frontdesk.cal.feed.r9")
def test_a_calendar_that_still_asks_for_a_revoked_address_guesses_nothing(
    scene: Scene, feed: CalendarFeed
) -> None:
    revoke(scene, feed)
    for _ in range(limits.CALENDAR_FAILURES_PER_ADDRESS + 1):
        assert ask(feed).status_code == 404

    assert not SecurityCounter.objects.exists()


def test_a_secret_is_in_no_row_and_in_no_log(feed: CalendarFeed) -> None:
    secret = make.secret_of(feed)

    row = CalendarFeed.objects.get(pk=feed.pk)

    assert len(secret) == 32
    assert secret.encode() not in bytes(row.fingerprint) + bytes(row.sealed)
    assert secret not in redact(f"Not Found: /api/cal/feeds/{secret}.ics")


def test_a_feed_whose_key_is_gone_is_shown_without_its_address(
    feed: CalendarFeed, settings: Any
) -> None:
    settings.SECRET_KEYS = ["another-key-of-more-than-32-characters"]

    assert feed_url(feed) is None


# --- Who may make and end one ---------------------------------------------------------------


def test_an_agent_makes_a_feed_of_its_own_calendar_and_of_no_other(
    scene: Scene, now: datetime
) -> None:
    actor, office = make.actor_for(scene.agent), make_office(scene)

    made = create_feed(agent_id=scene.agent.pk, shows_customers=True, actor=actor, now=now)

    assert (made.agent_id, made.created_by_id) == (scene.agent.pk, str(scene.agent.pk))
    for whose in ({"agent_id": scene.colleague.pk}, {"office_id": office.pk}, {}):
        with pytest.raises(FeedNotYours):
            create_feed(**whose, shows_customers=True, actor=actor, now=now)


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.ADMIN])
def test_who_looks_after_the_house_makes_feeds_of_everybody(
    scene: Scene, role: Role, now: datetime
) -> None:
    actor = make.actor_for(make.make_user(scene.agent.organization, [role]))
    office = make_office(scene)

    for whose in ({"agent_id": scene.agent.pk}, {"office_id": office.pk}):
        create_feed(**whose, shows_customers=False, actor=actor, now=now)

    assert CalendarFeed.objects.live().count() == 2


def test_nobody_makes_a_feed_of_somebody_elses_house(scene: Scene, now: datetime) -> None:
    others = make_scene()
    gone = make.make_user(scene.agent.organization, is_active=False)
    wishes: list[dict[str, Any]] = [
        {"agent_id": others.agent.pk},
        {"office_id": make_office(others).pk},
        {"agent_id": gone.pk},
        {"agent_id": scene.agent.pk, "office_id": make_office(scene).pk},
        {},
    ]

    for whose in wishes:
        with pytest.raises(FeedOwnerNotFound):
            create_feed(**whose, shows_customers=True, actor=scene.actor, now=now)
    assert list(CalendarFeed.objects.all()) == []


def test_there_are_so_many_feeds_of_a_calendar(scene: Scene, now: datetime) -> None:
    feeds = [make.make_feed(scene.agent) for _ in range(limits.CALENDAR_FEEDS)]

    with pytest.raises(TooManyFeeds):
        make.make_feed(scene.agent)
    make.make_feed(scene.colleague)
    revoke(scene, feeds[0])
    make.make_feed(scene.agent)


def test_only_who_may_see_a_feed_ends_it(scene: Scene, feed: CalendarFeed, now: datetime) -> None:
    strangers = [
        make.actor_for(scene.colleague),
        make_scene().actor,
        replace(scene.actor, roles=frozenset({Role.CLIENT_SERVICE})),
    ]

    for actor in strangers:
        with pytest.raises(FeedNotFound):
            revoke_feed(feed.pk, actor=actor, now=now)
    assert ask(feed).status_code == 200
    revoke_feed(feed.pk, actor=make.actor_for(scene.agent), now=now)
    assert ask(feed).status_code == 404


def test_to_end_a_feed_twice_changes_nothing(
    scene: Scene, feed: CalendarFeed, now: datetime
) -> None:
    for later in (timedelta(0), timedelta(days=1)):
        revoke_feed(feed.pk, actor=scene.actor, now=now + later)

    assert CalendarFeed.objects.get(pk=feed.pk).revoked_at == now


def test_who_made_and_who_ended_it_is_on_record(scene: Scene, feed: CalendarFeed) -> None:
    revoke(scene, feed)

    events = OutboxEvent.objects.of(feed.pk)

    assert [(one.type, one.facts, one.actor_id) for one in events] == [
        (
            "calendar_feed.created",
            {"agent": str(scene.agent.pk), "office": None, "showsCustomers": True},
            str(scene.agent.pk),
        ),
        (
            "calendar_feed.revoked",
            {"agent": str(scene.agent.pk), "office": None, "showsCustomers": True},
            str(scene.supervisor.pk),
        ),
    ]
