"""Calendar feeds: when it is told that nothing is new, and that something is."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from agents.models import Organization, User
from appointments import services
from appointments.models import CalendarFeed
from appointments.services.feeds import look_at_feed
from config.kernel import ids
from tests import make
from tests.appointments.feeding import START, ask, change, path_of, reading_of
from tests.appointments.scene import Scene, make_scene

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _keys_do_not_stay_in_the_future(monkeypatch: pytest.MonkeyPatch) -> None:
    # Keys only grow: those that are made on a journey would be followed by all later ones.
    monkeypatch.setattr(ids, "_latest", ids._latest)


@pytest.fixture
def scene() -> Scene:
    """Give an appointment of Grace with Ada."""
    return make_scene(start=START, title="Loans")


@pytest.fixture
def feed(scene: Scene) -> CalendarFeed:
    """Give the feed of Grace."""
    return make.make_feed(scene.agent)


def feed_row(feed: CalendarFeed) -> CalendarFeed:
    return CalendarFeed.objects.get(pk=feed.pk)


@pytest.mark.rule("frontdesk.cal.feed.r6", "frontdesk.cal.feed.r10")
def test_what_the_caller_has_is_not_sent_again(feed: CalendarFeed) -> None:
    first = ask(feed)

    by_tag = ask(feed, If_None_Match=f'"other", W/{first["ETag"]}')
    by_date = ask(feed, If_Modified_Since=first["Last-Modified"])

    for answer in (by_tag, by_date):
        assert (answer.status_code, answer.content) == (304, b"")
    for answer in (first, by_tag, by_date):
        assert answer["ETag"] == first["ETag"]
        assert answer["Last-Modified"] == first["Last-Modified"]
        assert answer["Cache-Control"] == "private, no-cache"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["X-Robots-Tag"] == "noindex, nofollow"


@pytest.mark.rule("frontdesk.cal.feed.r6")
def test_the_tag_counts_before_the_date(feed: CalendarFeed) -> None:
    first = ask(feed)

    answer = ask(feed, If_None_Match='"other"', If_Modified_Since=first["Last-Modified"])

    assert answer.status_code == 200
    assert ask(feed, If_None_Match="*").status_code == 304


@pytest.mark.parametrize(
    "headers",
    [
        {"If_None_Match": "other"},
        {"If_Modified_Since": "yesterday"},
        {"If_Modified_Since": "Mon, 01 Jan 1990 00:00:00 GMT"},
        {"If_Modified_Since": "Mon, 99 Jan 9999 99:99:99 GMT"},
        {"If_None_Match": '"' + "x" * 5_000},
    ],
)
def test_headers_that_say_nothing_are_no_reason_to_be_silent(
    feed: CalendarFeed, headers: dict[str, str]
) -> None:
    assert ask(feed, **headers).status_code == 200


def rename_agent(scene: Scene) -> None:
    User.objects.filter(pk=scene.agent.pk).update(last_name="Murray")


def rename_customer(scene: Scene) -> None:
    services.update_appointment(
        scene.appointment.pk,
        changes={},
        customer=services.CustomerChange(participant_id=None, fields={"last_name": "King"}),
        actor=scene.actor,
        now=timezone.now(),
    )


def rename_organization(scene: Scene) -> None:
    Organization.objects.filter(pk=scene.application.organization_id).update(name="Renamed")


def give_away(scene: Scene) -> None:
    services.reassign_appointment(
        scene.appointment.pk,
        user_id=str(scene.colleague.pk),
        actor=scene.actor,
        now=timezone.now(),
    )


def go_away(scene: Scene) -> None:
    make.make_absence(scene.agent, date(2027, 2, 8), date(2027, 2, 8))


def forget(scene: Scene) -> None:
    change(scene, details_expire_at=timezone.now())


def erase(scene: Scene) -> None:
    forget(scene)
    services.erase_expired_details(now=timezone.now() + timedelta(seconds=1))


CHANGES = [
    rename_agent,
    rename_customer,
    rename_organization,
    give_away,
    go_away,
    forget,
    erase,
    lambda scene: change(scene, title="Other"),
    lambda scene: change(scene, end=START + timedelta(hours=2)),
    lambda scene: change(scene, timezone="Asia/Kathmandu"),
    lambda scene: make.make_appointment(scene.application, agent=scene.agent),
]


@pytest.mark.rule("frontdesk.cal.feed.r7")
@pytest.mark.parametrize("happens", CHANGES)
def test_the_tag_changes_with_everything_that_is_shown(
    scene: Scene, feed: CalendarFeed, happens: Any
) -> None:
    before = ask(feed)
    happens(scene)

    after = ask(feed, If_None_Match=before["ETag"])

    assert after.status_code == 200
    assert after["ETag"] != before["ETag"]
    assert ask(feed, If_None_Match=after["ETag"]).status_code == 304


@pytest.mark.rule("frontdesk.cal.feed.r7")
def test_the_tag_stays_with_what_is_not_shown(scene: Scene, feed: CalendarFeed) -> None:
    before = ask(feed)["ETag"]
    change(scene, notes="New", metadata={"x": "y"}, internal_notes="New")
    make.make_appointment(scene.application, agent=scene.colleague)
    make.make_absence(scene.colleague, date(2027, 2, 8), date(2027, 2, 8))

    assert ask(feed)["ETag"] == before


@pytest.mark.rule("frontdesk.cal.feed.r6", "frontdesk.cal.feed.r7")
@pytest.mark.parametrize("happens", [give_away, rename_agent])
def test_the_date_moves_although_nothing_that_is_left_was_changed(
    scene: Scene, feed: CalendarFeed, happens: Any
) -> None:
    with time_machine.travel(START - timedelta(days=3), tick=False):
        before = ask(feed)
        happens(scene)
    with time_machine.travel(START - timedelta(days=2), tick=False):
        after = ask(feed, If_Modified_Since=before["Last-Modified"])

        assert after.status_code == 200
        assert after["Last-Modified"] == "Sat, 30 Jan 2027 09:00:00 GMT"
        assert ask(feed, If_Modified_Since=after["Last-Modified"]).status_code == 304


@pytest.mark.rule("frontdesk.cal.feed.r6")
def test_two_versions_of_one_second_are_not_taken_for_one(scene: Scene, feed: CalendarFeed) -> None:
    with time_machine.travel(START - timedelta(days=3), tick=False):
        first = ask(feed)
        change(scene, title="Other")

        second = ask(feed, If_Modified_Since=first["Last-Modified"])

        assert second.status_code == 200
        assert second["Last-Modified"] == first["Last-Modified"]
        # The date does not say which of the two the caller has; the tag does.
        assert ask(feed, If_Modified_Since=second["Last-Modified"]).status_code == 200
        assert ask(feed, If_None_Match=second["ETag"]).status_code == 304


def test_what_the_clock_takes_away_is_noticed(
    scene: Scene, feed: CalendarFeed, now: datetime
) -> None:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    change(scene, details_expire_at=midnight + timedelta(hours=1))

    def digest(after: timedelta) -> bytes:
        return look_at_feed(feed_row(feed), now=midnight + after).digest

    named, still, forgotten = (digest(timedelta(minutes=at)) for at in (0, 59, 61))

    assert named == still != forgotten


def test_a_file_is_written_when_something_is_new_or_wanted_alone(
    scene: Scene, feed: CalendarFeed, now: datetime
) -> None:
    first, second = (look_at_feed(feed_row(feed), now=now) for _ in range(2))
    change(scene, title="Other")
    third = look_at_feed(feed_row(feed), now=now)

    assert [one.content is not None for one in (first, second, third)] == [True, False, True]
    assert first.digest == second.digest != third.digest


def test_a_clock_that_was_set_back_does_not_set_the_date_back(
    scene: Scene, feed: CalendarFeed, now: datetime
) -> None:
    first = reading_of(feed, now=now)
    change(scene, title="Other")

    second = reading_of(feed, now=now - timedelta(minutes=5))

    assert second.changed_at == first.changed_at
    assert not second.is_unchanged_since(int(first.changed_at.timestamp()))


def test_head_is_answered_as_get_is(feed: CalendarFeed) -> None:
    read = ask(feed)

    asked = Client().head(path_of(feed))

    assert (asked.status_code, asked.content) == (200, b"")
    for name in ("ETag", "Last-Modified", "Content-Type", "Content-Length"):
        assert asked[name] == read[name]


def test_a_reading_is_noted_once_an_hour(feed: CalendarFeed, now: datetime) -> None:
    def noted() -> datetime | None:
        return CalendarFeed.objects.get(pk=feed.pk).last_read_at

    for minutes, expected in ((0, 0), (59, 0), (60, 60), (61, 60)):
        at = now + timedelta(minutes=minutes)
        reading_of(feed, now=at)
        assert noted() == now + timedelta(minutes=expected)
