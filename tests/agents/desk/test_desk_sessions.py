"""The contact center session: logging in on places and channels, and out of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from agents.models import DeskSession, Device, MediaChannel, PlaceDevice, PushMessage, User
from agents.models.tenancy import Feature
from agents.services import desk_calls, desk_sessions, desk_states
from agents.services.push import Told
from agents.tasks import end_idle_desks
from config.kernel import limits
from tests.agents.desk.desk import (
    LOGGED_OUT,
    NOT_READY,
    OK,
    READY,
    Desktop,
    history,
    make_active_device,
    make_agent,
    make_device,
    make_house,
    make_login,
    make_place,
    make_seat,
    stored,
    told,
    told_of_channels,
    told_of_devices,
)
from tests.make import actor_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent() -> User:
    """Give an agent with a login, whose organisation has a place called Desk 7 with two devices."""
    person = make_agent()
    make_login(person, f"login of {person.username}")
    make_place(
        make_device(house=person.organization),
        make_device(house=person.organization),
        name="Desk 7",
    )
    return person


def start(agent: User, *channels: str, **members: object) -> tuple[int, int]:
    """Start a session and give HTTP status and statusCode."""
    answer = Desktop(agent).post(
        "/me", "StartContactCenterSession", channels=list(channels), **members
    )
    return answer.status_code, answer.json()["statusCode"]


def devices_of(agent: User) -> list[Device]:
    return list(Device.objects.filter(user=agent).order_by("pk"))


# --- Beginning ----------------------------------------------------------------------------------


@pytest.mark.rule("cc.me.StartContactCenterSession.r2", "cc.me.StartContactCenterSession.r3")
@pytest.mark.rule("cc.me.StartContactCenterSession.r10", "cc.lifecycle.user_state.r6")
def test_all_devices_of_the_place_and_the_channels_are_logged_in(agent: User) -> None:
    answer = Desktop(agent).post(
        "/me", "StartContactCenterSession", channels=["voice", "email"], place="Desk 7"
    )

    desktop = Desktop(agent)
    devices = desktop.get("/me/devices", fields="*").json()["devices"]
    channels = desktop.get("/me/channels", fields="*").json()["channels"]
    assert answer.json() == OK
    assert [(one["deviceState"], one["userState"]) for one in devices] == [
        ("Active", NOT_READY),
        ("Active", NOT_READY),
    ]
    assert [one["userState"] for one in channels] == [NOT_READY, LOGGED_OUT]


@pytest.mark.rule("cc.me.StartContactCenterSession.r11")
@pytest.mark.parametrize(
    ("channels", "messages"),
    [
        (["voice"], ["DeviceStateChangeMessage"]),
        (["email", "chat"], ["ChannelStateChangeMessage"]),
        (["voice", "chat"], ["DeviceStateChangeMessage", "ChannelStateChangeMessage"]),
    ],
)
def test_what_was_logged_in_is_told(agent: User, channels: list[str], messages: list[str]) -> None:
    start(agent, *channels, place="Desk 7")

    assert [one["messageType"] for one in told(agent)] == messages


@pytest.mark.rule("cc.me.StartContactCenterSession.r1")
@pytest.mark.parametrize(
    ("channels", "code"), [(None, 1), ("", 1), (["fax"], 2), (["Voice"], 2), ("voice", 2), ([1], 2)]
)
def test_channels_are_those_that_there_are(agent: User, channels: object, code: int) -> None:
    answer = Desktop(agent).post("/me", "StartContactCenterSession", channels=channels)

    assert (answer.status_code, answer.json()["statusCode"]) == (400, code)
    assert not DeskSession.objects.exists()


@pytest.mark.rule("cc.me.StartContactCenterSession.r4", "cc.lifecycle.session.r5")
@pytest.mark.rule("cc.lifecycle.device.r4")
def test_a_place_where_somebody_else_sits_is_refused_as_a_whole(agent: User) -> None:
    last = PlaceDevice.objects.order_by("order").last()
    assert last is not None
    Device.objects.filter(pk=last.device_id).update(user=make_agent(agent.organization))
    before = stored()

    refused = start(agent, "voice", "email", place="Desk 7")

    assert refused == (400, 2)
    assert stored() == before


@pytest.mark.rule("cc.me.StartContactCenterSession.r5")
@pytest.mark.parametrize("place", ["Desk 8", "Elsewhere"])
def test_a_place_that_there_is_not_is_refused(agent: User, place: str) -> None:
    make_place(make_device(), name="Elsewhere")

    assert start(agent, "voice", place=place) == (400, 2)


@pytest.mark.rule("cc.me.StartContactCenterSession.r6")
def test_without_a_place_it_is_the_persons_own_one(agent: User) -> None:
    own = make_device(agent)
    default = make_place(make_device(house=agent.organization))
    make_seat(agent, default)

    assert start(agent, "voice") == (200, 0)

    own.refresh_from_db()
    assert default.devices.get().is_active
    assert not own.is_active


@pytest.mark.rule("cc.me.StartContactCenterSession.r6")
def test_without_any_place_it_is_the_persons_own_devices(agent: User) -> None:
    assert start(agent, "voice") == (400, 2)
    own = make_device(agent)

    assert start(agent, "voice") == (200, 0)

    own.refresh_from_db()
    assert own.is_active


@pytest.mark.rule("cc.me.StartContactCenterSession.r7", "cc.me.StartContactCenterSession.r9")
def test_the_first_login_is_taken_and_a_queue_written_down(agent: User) -> None:
    make_login(agent, "second")

    start(agent, "voice", place="Desk 7", queue="4000")

    session = DeskSession.objects.get(user=agent)
    assert (session.login_code, session.queue) == (f"login of {agent.username}", "4000")


@pytest.mark.rule("cc.me.StartContactCenterSession.r7")
def test_voice_needs_a_login(agent: User) -> None:
    agent.logins.all().delete()
    make_login(make_agent(agent.organization))

    assert start(agent, "voice", place="Desk 7") == (400, 2)
    assert start(agent, "email") == (200, 0)


@pytest.mark.rule("cc.me.StartContactCenterSession.r8")
def test_a_login_is_the_persons_own(agent: User) -> None:
    make_login(agent, "mine")
    make_login(make_agent(agent.organization), "theirs")

    assert start(agent, "voice", place="Desk 7", loginCode="theirs") == (400, 2)
    assert start(agent, "voice", place="Desk 7", loginCode="mine") == (200, 0)
    assert DeskSession.objects.get(user=agent).login_code == "mine"


@pytest.mark.rule("cc.me.StartContactCenterSession.r12")
@pytest.mark.parametrize(
    ("feature", "missing"), [(Feature.VOICE, "email"), (Feature.MULTIMEDIA, "voice")]
)
def test_a_channel_whose_feature_is_missing_is_refused(feature: Feature, missing: str) -> None:
    agent = make_agent(make_house(feature))
    make_login(agent)
    make_device(agent)

    assert start(agent, missing) == (400, 2)


@pytest.mark.rule("cc.me.StartContactCenterSession.r13", "cc.lifecycle.session.r1")
@pytest.mark.rule("cc.lifecycle.session.r2")
def test_again_it_adds_what_is_new_and_leaves_the_rest(agent: User) -> None:
    start(agent, "email")
    Desktop(agent).post("/me", "Ready")

    assert start(agent, "email", "chat", "voice", place="Desk 7") == (200, 0)

    channels = Desktop(agent).get("/me/channels").json()["channels"]
    assert [one["userState"] for one in channels] == [READY, NOT_READY]
    assert [one.is_active for one in devices_of(agent)] == [True, True]
    assert DeskSession.objects.get(user=agent).media == ["email", "voice", "chat"]


@pytest.mark.rule("cc.me.StartContactCenterSession.r14")
def test_unknown_members_are_ignored(agent: User) -> None:
    assert start(agent, "email", mobileSession=True, devicePath=["x"]) == (200, 0)


def test_a_new_session_while_nobody_may_disturb_keeps_it_so(agent: User) -> None:
    Desktop(agent).post("/me", "DoNotDisturbOn")

    start(agent, "voice", place="Desk 7")

    assert [one.do_not_disturb for one in devices_of(agent)] == [True, True]


# --- Ending -------------------------------------------------------------------------------------


@pytest.mark.rule("cc.me.EndContactCenterSession.r1")
def test_ending_is_fine_without_a_session() -> None:
    agent = make_agent()

    answer = Desktop(agent).post("/me", "EndContactCenterSession")

    assert (answer.status_code, answer.json()) == (200, OK)
    assert told(agent) == []


@pytest.mark.rule("cc.me.EndContactCenterSession.r3", "cc.me.EndContactCenterSession.r4")
def test_everything_is_logged_out_and_borrowed_devices_are_nobodys_again(agent: User) -> None:
    own = make_device(agent)
    place = make_place(own, make_device(house=agent.organization))
    start(agent, "voice", "email", place=place.name)

    Desktop(agent).post("/me", "EndContactCenterSession")

    first, second = place.devices.order_by("pk")
    assert [(one.user, one.is_active, one.state) for one in (first, second)] == [
        (agent, False, "Logout"),
        (None, False, "Logout"),
    ]
    assert {one.state for one in MediaChannel.objects.filter(user=agent)} == {"Logout"}
    assert not DeskSession.objects.exists()


@pytest.mark.rule("cc.me.EndContactCenterSession.r5")
def test_the_logout_is_told_of_each_device_and_channel(agent: User) -> None:
    start(agent, "voice", "email", place="Desk 7")
    PushMessage.objects.all().delete()

    Desktop(agent).post("/me", "EndContactCenterSession")

    (devices,), ((email,),) = told_of_devices(agent), told_of_channels(agent)
    assert [(one["deviceState"], one["userState"]) for one in devices] == [
        ("Inactive", LOGGED_OUT),
        ("Inactive", LOGGED_OUT),
    ]
    assert (email["channel"], email["userState"]) == ("email", LOGGED_OUT)


@pytest.mark.rule("cc.lifecycle.dnd.r5")
def test_the_end_switches_do_not_disturb_off(agent: User) -> None:
    start(agent, "voice", "email", place="Desk 7")
    Desktop(agent).post("/me", "DoNotDisturbOn")

    Desktop(agent).post("/me", "EndContactCenterSession")

    agent.refresh_from_db()
    rows = [*Device.objects.all(), *MediaChannel.objects.all()]
    assert (agent.do_not_disturb, {one.do_not_disturb for one in rows}) == (False, {False})


@pytest.mark.rule("cc.me.EndContactCenterSession.r6", "cc.lifecycle.session.r3")
def test_the_cookie_counts_no_longer(agent: User) -> None:
    first, second = Desktop(agent), Desktop(agent)
    first.get("/me")
    second.get("/me")

    first.post("/me", "EndContactCenterSession")

    # The second has a cookie of its own.
    assert first.client.get("/api/v2/me").status_code == 401
    assert second.client.get("/api/v2/me").status_code == 200


def test_a_device_that_was_given_meanwhile_stays(agent: User, now: datetime) -> None:
    start(agent, "voice", place="Desk 7")
    kept, _ = devices_of(agent)
    session = DeskSession.objects.get(user=agent)
    session.borrowed.remove(kept.pk)
    session.save()

    desk_sessions.end_session(agent.pk, actor=actor_for(agent), now=now)

    assert devices_of(agent) == [kept]


def test_history_goes_on_over_the_end_and_the_next_beginning(agent: User, now: datetime) -> None:
    actor, hours = actor_for(agent), [now + timedelta(hours=number) for number in range(3)]

    desk_sessions.start_session(["voice"], place="Desk 7", actor=actor, now=hours[0])
    desk_sessions.end_session(agent.pk, actor=actor, now=hours[1])
    desk_sessions.start_session(["voice"], place="Desk 7", actor=actor, now=hours[2])

    whole = [
        ("NotReady", hours[0], hours[1]),
        ("Logout", hours[1], hours[2]),
        ("NotReady", hours[2], None),
    ]
    assert sorted(history(agent), key=str) == sorted(whole * 2, key=str)


# --- Disappearing -------------------------------------------------------------------------------


@pytest.mark.rule("cc.lifecycle.session.r4")
def test_a_session_without_a_sign_ends_after_a_while(agent: User, now: datetime) -> None:
    gone = make_agent(agent.organization)
    for person, seen in ((agent, timedelta(minutes=29)), (gone, timedelta(minutes=30))):
        actor = actor_for(person)
        desk_sessions.start_session(["email"], actor=actor, now=now - seen)

    assert desk_sessions.end_idle_sessions(now=now) == 1

    assert [one.user for one in DeskSession.objects.all()] == [agent]
    assert told_of_channels(gone)[-1][0]["userState"] == LOGGED_OUT


def test_a_session_that_cannot_be_ended_keeps_no_other_open(
    agent: User, now: datetime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stuck, free = agent, make_agent(agent.organization)
    for person, hours in ((stuck, 2), (free, 1)):
        before = now - timedelta(hours=hours)
        desk_sessions.start_session(["email"], actor=actor_for(person), now=before)

    def release(user_id: UUID, **_: object) -> list[Told]:
        if user_id == stuck.pk:
            raise RuntimeError("The switch does not answer.")
        return []

    monkeypatch.setattr(desk_calls, "release_calls_of", release)

    assert desk_sessions.end_idle_sessions(now=now) == 1

    assert [one.user for one in DeskSession.objects.all()] == [stuck]
    assert f"user {stuck.pk} could not be ended" in caplog.text


def test_a_sign_keeps_a_session_open(agent: User, now: datetime) -> None:
    desk_sessions.start_session(["email"], actor=actor_for(agent), now=now - timedelta(hours=1))

    desk_sessions.note_seen(agent.pk, seen_at=now - timedelta(hours=1), now=now)

    assert desk_sessions.end_idle_sessions(now=now) == 0


def test_signs_are_seldom_written(agent: User, now: datetime) -> None:
    desk_sessions.start_session(["email"], actor=actor_for(agent), now=now)
    seen = [
        now + limits.DESK_SEEN_EVERY,
        now + limits.DESK_SEEN_EVERY + timedelta(seconds=1),
        now + 2 * limits.DESK_SEEN_EVERY,
    ]

    found = [now]
    for moment in seen:
        desk_sessions.note_seen(agent.pk, seen_at=found[-1], now=moment)
        found.append(DeskSession.objects.get(user=agent).seen_at)

    assert found == [now, seen[0], seen[0], seen[2]]


def test_channels_without_a_session_stay_as_they_are(agent: User, now: datetime) -> None:
    desk_states.set_state("Ready", actor=actor_for(agent), now=now - timedelta(days=1))

    end_idle_desks()

    assert {one.state for one in MediaChannel.objects.filter(user=agent)} == {"Ready"}


def test_a_request_is_a_sign(agent: User, now: datetime) -> None:
    long_ago = now - timedelta(minutes=20)
    desk_sessions.start_session(["email"], actor=actor_for(agent), now=long_ago)

    Desktop(agent).get("/me/channels")

    assert DeskSession.objects.get(user=agent).seen_at >= now


def test_somebody_elses_session_stays(agent: User, now: datetime) -> None:
    colleague = make_agent(agent.organization)
    telephone = make_active_device(colleague)
    desk_sessions.start_session(["email"], actor=actor_for(colleague), now=now)

    desk_sessions.end_session(agent.pk, actor=actor_for(agent), now=now)

    telephone.refresh_from_db()
    assert telephone.is_active
    assert DeskSession.objects.filter(user=colleague).exists()
