"""The page of the calendar feeds, and the admin's: who sees what, and what can be done there."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agents.models import User
from appointments.models import CalendarFeed, Office
from config.kernel.actors import Role
from tests import make
from tests.appointments.feeding import ask, make_office
from tests.appointments.scene import Scene, make_scene
from tests.contract.state import everything

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene() -> Scene:
    """Give an agent, a colleague and a supervisor."""
    return make_scene()


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(user: User) -> str:
    answer = browser_of(user).get("/calendars/")
    assert answer.status_code == 200
    return answer.content.decode()


def make_on_page(user: User, whose: User | Office, **facts: str) -> Any:
    kind = "agent" if isinstance(whose, User) else "office"
    return browser_of(user).post("/calendars/", {"whose": f"{kind} {whose.pk}", **facts})


def revoke_path(feed: CalendarFeed) -> str:
    return f"/calendars/{feed.pk}/revoke/"


def test_an_agent_makes_a_feed_and_finds_its_address_there(scene: Scene) -> None:
    answer = make_on_page(scene.agent, scene.agent, shows_customers="on")

    feed = CalendarFeed.objects.get()
    assert answer["Location"] == "/calendars/"
    assert (feed.agent, feed.shows_customers) == (scene.agent, True)
    page = page_of(scene.agent)
    assert f"http://127.0.0.1:8000/api/cal/feeds/{make.secret_of(feed)}.ics" in page
    assert f"webcal://127.0.0.1:8000/api/cal/feeds/{make.secret_of(feed)}.ics" in page
    assert ask(feed).status_code == 200


def test_a_feed_without_names_is_what_one_gets_unless_one_asks(scene: Scene) -> None:
    make_on_page(scene.supervisor, make_office(scene))

    assert not CalendarFeed.objects.get().shows_customers


def test_an_agent_sees_its_own_feeds_and_is_offered_nobody_elses(scene: Scene) -> None:
    office = make_office(scene)
    feeds = [make.make_feed(scene.agent), make.make_feed(office=office)]
    others = make.make_feed(scene.colleague)

    page = page_of(scene.colleague)

    assert make.secret_of(others) in page
    assert [one for one in feeds if make.secret_of(one) in page] == []
    assert str(scene.agent) not in page
    assert str(office.pk) not in page


def test_a_supervisor_sees_the_feeds_of_the_house_and_of_no_other(scene: Scene) -> None:
    strangers = make_scene()
    office = make_office(scene)
    feeds = [make.make_feed(scene.agent), make.make_feed(office=office)]
    theirs = make.make_feed(strangers.agent)

    page = page_of(scene.supervisor)

    assert [one for one in feeds if make.secret_of(one) not in page] == []
    assert make.secret_of(theirs) not in page
    assert str(strangers.agent.pk) not in page
    assert f"office {office.pk}" in page


def test_revoked_feeds_are_not_shown(scene: Scene) -> None:
    feed = make.make_feed(scene.agent)

    browser_of(scene.agent).post(revoke_path(feed))

    assert make.secret_of(feed) not in page_of(scene.agent)
    assert ask(feed).status_code == 404


def test_before_a_feed_ends_it_is_asked_whether_that_is_meant(scene: Scene) -> None:
    feed, browser = make.make_feed(scene.agent), browser_of(scene.agent)
    before = everything()

    page = browser.get(revoke_path(feed)).content.decode()

    assert "Revoke this feed?" in page
    assert make.secret_of(feed) not in page
    assert everything() == before


def test_what_somebody_may_not_see_cannot_be_ended_either(scene: Scene) -> None:
    feed, strangers = make.make_feed(scene.agent), make_scene()
    browsers = [browser_of(one) for one in (scene.colleague, strangers.supervisor)]
    before = CalendarFeed.objects.get()

    answers = [browser.get(revoke_path(feed)) for browser in browsers]
    answers += [browser.post(revoke_path(feed)) for browser in browsers]

    assert {answer.status_code for answer in answers} == {404}
    assert CalendarFeed.objects.get().revoked_at == before.revoked_at is None


def test_a_calendar_that_is_not_offered_cannot_be_taken(scene: Scene) -> None:
    strangers = make_scene()

    answers = [
        make_on_page(scene.agent, scene.colleague),
        make_on_page(scene.agent, make_office(scene)),
        make_on_page(scene.supervisor, strangers.agent),
    ]

    assert {answer.status_code for answer in answers} == {400}
    assert list(CalendarFeed.objects.all()) == []


def test_one_feed_too_many_is_refused_on_the_page(scene: Scene) -> None:
    for _ in range(10):
        make.make_feed(scene.agent)

    answer = browser_of(scene.agent).post(
        "/calendars/", {"whose": f"agent {scene.agent.pk}"}, follow=True
    )

    assert "There are 10 feeds of this calendar already" in answer.content.decode()
    assert CalendarFeed.objects.count() == 10


def test_somebody_without_a_calendar_is_offered_none() -> None:
    administrator = make.make_user(make.make_organization(), [Role.ADMIN])

    page = page_of(administrator)

    assert "There is no feed yet" in page
    assert "Make a feed</button>" not in page


def test_a_feed_whose_key_is_gone_can_still_be_ended(scene: Scene) -> None:
    feed = make.make_feed(scene.agent)
    CalendarFeed.objects.filter(pk=feed.pk).update(sealed=b"broken")

    page = page_of(scene.agent)

    assert "The key is gone" in page
    assert revoke_path(feed) in page


def test_nobody_keeps_the_page(scene: Scene) -> None:
    for path in ("/calendars/", revoke_path(make.make_feed(scene.agent))):
        assert "no-store" in browser_of(scene.agent).get(path)["Cache-Control"]


def test_who_has_not_signed_in_is_sent_to_the_door(scene: Scene) -> None:
    feed = make.make_feed(scene.agent)

    for path in ("/calendars/", revoke_path(feed)):
        assert Client().get(path)["Location"] == f"/login/?next={path}"


def test_the_page_takes_as_many_queries_whatever_is_on_it(scene: Scene) -> None:
    def queries() -> int:
        browser = browser_of(scene.supervisor)
        browser.get("/calendars/")
        with CaptureQueriesContext(connection) as captured:
            browser.get("/calendars/")
        return len(captured)

    make.make_feed(scene.agent)
    with_one = queries()
    make.make_feed(scene.colleague)
    make.make_feed(office=make_office(scene))

    assert queries() == with_one


def test_support_ends_feeds_and_never_sees_their_addresses(scene: Scene) -> None:
    feeds = [make.make_feed(scene.agent), make.make_feed(scene.colleague)]
    support = browser_of(scene.supervisor)
    changelist = reverse("admin:appointments_calendarfeed_changelist")

    shown = support.get(changelist).content.decode()
    shown += support.get(
        reverse("admin:appointments_calendarfeed_change", args=[feeds[0].pk])
    ).content.decode()
    support.post(changelist, {"action": "revoke", "_selected_action": [str(feeds[0].pk)]})

    assert [one for one in feeds if make.secret_of(one) in shown] == []
    assert [ask(one).status_code for one in feeds] == [404, 200]
