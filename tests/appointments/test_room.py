"""The room: who may go in and when, what browsers hear of each other, and what is noted of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from agents.models import Application, User
from appointments import services, tasks
from appointments.errors import RoomNotOpen
from appointments.models import (
    Appointment,
    MeetingType,
    Participant,
    ParticipantState,
    RequestStatus,
    State,
)
from appointments.room import rooms
from appointments.services import meeting
from appointments.services.page_tokens import page_url, token_of
from config.kernel import limits
from config.kernel.actors import ActorKind
from notifications.models import OutboxEvent
from tests import make
from tests.appointments.scene import Scene, make_scene
from tests.contract import state

if TYPE_CHECKING:
    import redis as redis_client
    from pytest_django import DjangoAssertNumQueries, Settings

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]

NOWHERE = "redis://127.0.0.1:9/0"
OFFER = {"description": {"type": "offer", "sdp": "v=0"}}
# Longer than a page may be silent.
SILENCE = limits.ROOM_GONE_AFTER + timedelta(seconds=1)
_numbers = count(1)


@dataclass
class Browser:
    """A page in the hands of a participant."""

    token: str
    peer: str = field(default_factory=lambda: f"{next(_numbers):032x}")
    room: str = ""
    got: int = 0
    client: Client = field(default_factory=lambda: Client(enforce_csrf_checks=True))

    def ask(self, what: str, body: Any, **headers: str) -> Any:
        """Ask as the script of the page does."""
        return self.client.post(
            f"/a/room/{what}/{self.token}",
            body,
            content_type="application/json",
            headers={"Sec-Fetch-Site": "same-origin", **headers},
        )

    def join(self) -> Any:
        answer = self.ask("join", {"peer": self.peer})
        body = answer.json()
        self.room = body.get("room", self.room)
        return body

    def poll(self) -> Any:
        asked = {"peer": self.peer, "room": self.room, "got": self.got}
        return self.ask("poll", asked).json()

    def send(self, to: Browser, *signals: object) -> Any:
        listed = [{"to": to.peer, "data": signal} for signal in signals]
        return self.ask("send", {"peer": self.peer, "room": self.room, "signals": listed})

    def leave(self, *, for_good: bool) -> Any:
        return self.ask("leave", {"peer": self.peer, "room": self.room, "forGood": for_good})

    def sees(self) -> set[str]:
        """Give the browsers that are in the room, as this one is told."""
        return {person["peer"] for person in self.poll()["people"]}


def browser_of(one: Participant) -> Browser:
    return Browser(token_of(one.pk))


@pytest.fixture
def scene(now: datetime) -> Scene:
    """Give an appointment by video that begins in five minutes."""
    return make_scene(start=now + timedelta(minutes=5), title="Consultation")


@pytest.fixture
def customer(scene: Scene) -> Browser:
    return browser_of(scene.customer)


@pytest.fixture
def agent(scene: Scene) -> Browser:
    return browser_of(scene.agent_row)


def move(scene: Scene, **times: object) -> None:
    """Set the times of the appointment, without its history."""
    Appointment.objects.filter(pk=scene.appointment.pk).update(**times)


def silence(scene: Scene, one: Participant) -> None:
    """Let nothing have been heard of somebody for too long."""
    heard = f"frontdesk:room:{scene.appointment.pk}:heard"
    rooms()._redis.zincrby(heard, -SILENCE.total_seconds(), str(one.pk))


def everything() -> dict[str, str]:
    """Give a digest of what is stored, but for the counter of looks at links."""
    return {name: digest for name, digest in state.everything().items() if "counter" not in name}


def video_path(one: Participant) -> str:
    return urlsplit(page_url(one.pk, "video")).path


# --- Two people meet --------------------------------------------------------------------------


def test_who_goes_in_is_told_who_is_there(scene: Scene, customer: Browser, agent: Browser) -> None:
    alone = customer.join()
    together = agent.join()

    ada = {"peer": customer.peer, "name": "Ada Lovelace", "isCustomer": True}
    grace = {"peer": agent.peer, "name": "Grace Hopper", "isCustomer": False}
    room = str(scene.appointment.pk)
    assert alone == {"room": room, "people": [ada], "iceServers": []}
    assert together == {"room": room, "people": [ada, grace], "iceServers": []}
    assert customer.poll() == {"people": [ada, grace], "signals": []}


def test_an_agent_without_a_name_is_called_by_the_house(
    scene: Scene, customer: Browser, agent: Browser
) -> None:
    User.objects.filter(pk=scene.agent.pk).update(first_name="", last_name="")

    agent.join()

    names = {person["name"] for person in customer.join()["people"]}
    assert names == {scene.application.organization.name, "Ada Lovelace"}


def test_a_signal_reaches_the_other_browser_alone(customer: Browser, agent: Browser) -> None:
    customer.join()
    agent.join()

    answer = agent.send(customer, OFFER, {"candidate": {"candidate": "a=b"}})

    assert (answer.status_code, answer.json()) == (200, {"gone": []})
    assert agent.poll()["signals"] == []
    assert customer.poll()["signals"] == [
        {"number": 1, "from": agent.peer, "data": OFFER},
        {"number": 2, "from": agent.peer, "data": {"candidate": {"candidate": "a=b"}}},
    ]


def test_what_was_told_is_told_again_until_it_came(customer: Browser, agent: Browser) -> None:
    customer.join()
    agent.join()
    agent.send(customer, OFFER, {"n": 2})

    first, again = customer.poll(), customer.poll()
    customer.got = 1
    rest = customer.poll()
    customer.got = 2

    assert first == again
    assert [signal["number"] for signal in rest["signals"]] == [2]
    assert customer.poll()["signals"] == []
    agent.send(customer, OFFER)
    assert [signal["number"] for signal in customer.poll()["signals"]] == [3]


def test_a_signal_to_who_has_gone_is_reported(customer: Browser, agent: Browser) -> None:
    customer.join()
    agent.join()
    customer.leave(for_good=True)

    assert agent.send(customer, OFFER, OFFER).json() == {"gone": [customer.peer]}


def test_nothing_is_asked_of_the_database_while_nothing_changes(
    customer: Browser, agent: Browser, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    customer.join()
    agent.join()

    with django_assert_num_queries(0):
        agent.send(customer, OFFER)
        assert len(customer.poll()["signals"]) == 1


def test_people_of_another_appointment_are_never_seen(
    scene: Scene, customer: Browser, now: datetime
) -> None:
    other = make_scene(application=scene.application, start=now)
    stranger = browser_of(other.customer)
    customer.join()
    stranger.join()

    assert stranger.sees() == {stranger.peer}
    assert stranger.send(customer, OFFER).json() == {"gone": [customer.peer]}
    stranger.room = customer.room
    assert stranger.poll()["code"] == "NOT_IN_ROOM"
    assert stranger.send(customer, OFFER).json()["code"] == "NOT_IN_ROOM"
    assert stranger.leave(for_good=True).status_code == 204
    assert customer.poll()["signals"] == []
    assert customer.sees() == {customer.peer}


def test_nobody_takes_the_name_of_another_browser(customer: Browser, agent: Browser) -> None:
    agent.join()
    customer.peer = agent.peer

    assert customer.join()["code"] == "SEAT_TAKEN"
    assert len(agent.poll()["people"]) == 1


# --- How many, how much, how often ------------------------------------------------------------


def crowd(now: datetime, size: int) -> list[Browser]:
    """Give browsers of customers of one appointment."""
    people = [make.make_customer(email=f"{number}@example.org") for number in range(size)]
    booked = make.make_appointment(start=now, customers=people)
    return [browser_of(one) for one in make.customers_of(booked)]


def test_the_fifth_is_refused_until_somebody_leaves(now: datetime) -> None:
    *four, fifth = crowd(now, limits.ROOM_PEOPLE + 1)
    for one in four:
        one.join()
    before = everything()

    assert fifth.join() == {
        "code": "ROOM_FULL",
        "message": "The room is full: 4 people are in it.",
        "errors": {},
    }
    assert everything() == before
    assert four[0].join()["people"] != []
    four[0].leave(for_good=True)
    assert len(fifth.join()["people"]) == limits.ROOM_PEOPLE


def test_a_signal_has_a_largest_size(customer: Browser, agent: Browser) -> None:
    customer.join()
    agent.join()
    room = limits.ROOM_SIGNAL_BYTES - len('{"sdp":""}')

    assert agent.send(customer, {"sdp": "x" * room}).status_code == 200
    answer = agent.send(customer, {"sdp": "x" * (room + 1)})

    assert answer.status_code == 400
    assert answer.json()["errors"] == {"signals.0.data": ["It is larger than 32768 bytes."]}


def test_as_many_signals_wait_as_fit(customer: Browser, agent: Browser) -> None:
    customer.join()
    agent.join()
    full = limits.ROOM_SIGNALS_QUEUED // limits.ROOM_SIGNALS_AT_ONCE
    for _ in range(full):
        agent.send(customer, *[OFFER] * limits.ROOM_SIGNALS_AT_ONCE)

    answer = agent.send(customer, OFFER)

    assert (answer.status_code, answer.json()["code"]) == (429, "TOO_MANY_SIGNALS")
    assert answer["Retry-After"] == "1"
    customer.got = 1
    customer.poll()
    assert agent.send(customer, OFFER).status_code == 200


def test_one_request_carries_so_many_signals(customer: Browser, agent: Browser) -> None:
    customer.join()
    agent.join()

    assert agent.send(customer, *[OFFER] * 17).json()["errors"].keys() == {"signals"}
    assert agent.send(customer).status_code == 400


def test_a_page_that_asks_without_end_is_told_to_wait(customer: Browser) -> None:
    customer.join()

    answers = [customer.poll() for _ in range(limits.ROOM_REQUESTS_PER_MINUTE)]

    assert answers[0].get("code") is None
    assert answers[-1]["code"] == "TOO_MANY_SIGNALS"


def test_a_page_that_comes_and_goes_without_end_is_told_to_wait(customer: Browser) -> None:
    for _ in range(limits.ROOM_MOVES_PER_MINUTE // 2):
        assert "room" in customer.join()
        assert customer.leave(for_good=True).status_code == 204

    answer = customer.ask("join", {"peer": customer.peer})

    assert (answer.status_code, answer.json()["code"]) == (429, "TOO_MANY_SIGNALS")


@pytest.mark.parametrize("what", ["join", "poll", "send", "leave"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"peer": 7, "room": 7, "got": "x", "signals": 7, "forGood": 7}', 400),
        (b'{"peer": "../x", "room": "x", "got": -1, "signals": [7], "forGood": null}', 400),
        (b'{"peer": "' + b"A" * 32 + b'", "signals": [{"to": "x", "data": []}]}', 400),
        (b"x" * (limits.BODY_BYTES + 1), 413),
    ],
)
def test_a_body_that_makes_no_sense_is_refused(
    customer: Browser, what: str, body: bytes, status: int
) -> None:
    customer.join()
    before = everything()

    answer = customer.ask(what, body)

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/json"
    assert everything() == before


@pytest.mark.parametrize("what", ["join", "poll", "send", "leave"])
def test_only_our_own_page_may_ask(customer: Browser, what: str) -> None:
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ):
        assert customer.ask(what, {"peer": customer.peer}, **headers).status_code == 403
    foreign = {"Origin": "https://evil.example"}
    path = f"/a/room/{what}/{customer.token}"
    asked = customer.client.post(path, {}, content_type="application/json", headers=foreign)
    # What a form of a foreign page could send.
    form = customer.client.post(path, b"{}", content_type="text/plain")

    assert (asked.status_code, form.status_code) == (403, 415)
    assert customer.client.get(path).status_code == 405


def test_older_browsers_say_where_they_come_from(customer: Browser) -> None:
    path, body = f"/a/room/join/{customer.token}", {"peer": customer.peer}
    own = {"Origin": "http://testserver"}

    answer = customer.client.post(path, body, content_type="application/json", headers=own)

    assert answer.status_code == 200


# --- What opens nothing -----------------------------------------------------------------------


@pytest.mark.parametrize("what", ["join", "poll", "send", "leave"])
def test_an_address_that_opens_nothing_is_answered_alike_whatever_the_reason(
    scene: Scene, customer: Browser, what: str, now: datetime
) -> None:
    removed, expired, off = (
        make_scene(application=scene.application, start=now).customer for _ in range(3)
    )
    Participant.objects.filter(pk=removed.pk).delete()
    Appointment.objects.filter(pk=expired.appointment_id).update(access_expires_at=now)
    services.delete_appointment(off.appointment_id, actor=scene.actor, now=now)
    tokens = ["x", token_of(uuid4()), *(token_of(one.pk) for one in (removed, expired, off))]
    customer.join()
    body = {
        "peer": customer.peer,
        "room": customer.room,
        "got": 0,
        "forGood": True,
        "signals": [{"to": customer.peer, "data": {}}],
    }

    answers = [Browser(token).ask(what, body) for token in tokens]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert {answer["Cache-Control"] for answer in answers} == {"no-store"}
    assert customer.sees() == {customer.peer}


@pytest.mark.parametrize("ask", ["poll", "send"])
def test_a_link_that_dies_ends_the_call_within_a_minute(
    redis: redis_client.Redis, scene: Scene, customer: Browser, agent: Browser, ask: str
) -> None:
    customer.join()
    agent.join()
    checked = f"frontdesk:room:{customer.room}:checked:{scene.customer.pk}"
    assert 0 < redis.ttl(checked) <= 60
    Participant.objects.filter(pk=scene.customer.pk).delete()

    redis.delete(checked)

    answer = customer.poll() if ask == "poll" else customer.send(agent, OFFER).json()
    assert answer["code"] == "TICKET_UNKNOWN"
    assert agent.sees() == {agent.peer}


@pytest.mark.parametrize("ask", ["poll", "send"])
def test_who_is_in_a_room_that_closes_has_left(
    redis: redis_client.Redis, scene: Scene, customer: Browser, agent: Browser, ask: str
) -> None:
    customer.join()
    agent.join()
    services.cancel_appointment(
        scene.appointment.pk, actor=make.actor_for(scene.agent), now=timezone.now()
    )

    redis.delete(f"frontdesk:room:{customer.room}:checked:{scene.customer.pk}")

    answer = customer.poll() if ask == "poll" else customer.send(agent, OFFER).json()
    assert answer["code"] == "ROOM_NOT_OPEN"
    assert scene.customer.state == ParticipantState.LEFT
    assert rooms().seat_of(scene.appointment.pk, scene.customer.pk) is None


# --- When it is open --------------------------------------------------------------------------


def test_the_room_opens_a_while_before_the_start(
    client: Client, scene: Scene, customer: Browser, now: datetime
) -> None:
    move(scene, start=now + limits.ROOM_OPENS_BEFORE + timedelta(minutes=1))
    early = client.get(video_path(scene.customer)).content.decode()
    assert customer.join()["code"] == "ROOM_NOT_OPEN"

    move(scene, start=now + limits.ROOM_OPENS_BEFORE)
    page = client.get(video_path(scene.customer)).content.decode()

    assert "The room opens on" in early
    assert 'id="room"' not in early
    assert f'data-join="/a/room/join/{customer.token}"' in page
    assert customer.join()["room"] == str(scene.appointment.pk)


@pytest.mark.parametrize(
    "facts",
    [
        {"state": State.CANCELLED},
        {"state": State.COMPLETED},
        {
            "start": None,
            "end": None,
            "duration": None,
            "request_status": RequestStatus.OUTGOING_INVITE,
        },
        {"meeting_type": MeetingType.PHONE},
        {"activated_at": None, "state": State.SCHEDULED},
    ],
)
def test_nobody_goes_in_where_nobody_meets(
    client: Client, scene: Scene, agent: Browser, facts: dict[str, Any]
) -> None:
    move(scene, **facts)
    before = everything()

    assert agent.join()["code"] == "ROOM_NOT_OPEN"
    assert 'id="room"' not in client.get(video_path(scene.agent_row)).content.decode()
    assert everything() == before


def test_a_room_elsewhere_has_none_here(scene: Scene, agent: Browser) -> None:
    Application.objects.filter(pk=scene.application.pk).update(video_url="https://meet.example.org")

    assert agent.join()["code"] == "ROOM_NOT_OPEN"


def test_who_talks_on_is_let_in_again_until_the_links_end(
    scene: Scene, customer: Browser, agent: Browser, now: datetime
) -> None:
    move(scene, start=now - timedelta(hours=1), end=now - timedelta(minutes=1))
    customer.join()
    assert agent.join()["room"]

    move(scene, access_expires_at=now)

    assert agent.join()["code"] == "ROOM_NOT_OPEN"
    assert customer.join()["code"] == "TICKET_UNKNOWN"


def test_a_call_ends_when_the_room_closes(scene: Scene, agent: Browser, now: datetime) -> None:
    agent.join()
    room, over = scene.appointment.pk, scene.appointment.access_expires_at
    assert over is not None
    knock = meeting.Knock(token=agent.token, address="192.0.2.1", now=over)

    with pytest.raises(RoomNotOpen):
        meeting.hear(knock, room=room, peer=agent.peer, got=0)


# --- What is noted of it ----------------------------------------------------------------------


def test_coming_and_leaving_set_the_states(
    scene: Scene, customer: Browser, agent: Browser, now: datetime
) -> None:
    customer.join()
    agent.join()
    assert scene.customer.state == scene.agent_row.state == ParticipantState.JOINED
    assert scene.state() == State.IN_PROGRESS

    agent.leave(for_good=True)

    assert customer.sees() == {customer.peer}
    assert scene.customer.state == ParticipantState.JOINED
    assert scene.agent_row.state == ParticipantState.LEFT
    last = OutboxEvent.objects.order_by("-id")[0]
    assert (last.actor_kind, last.actor_id) == (ActorKind.USER, str(scene.agent.pk))
    assert last.origin == "room"


def test_the_last_who_leaves_after_the_end_completes_it(
    scene: Scene, customer: Browser, agent: Browser, now: datetime
) -> None:
    move(scene, start=now - timedelta(hours=1), end=now - timedelta(minutes=1))
    customer.join()
    agent.join()

    customer.leave(for_good=True)
    agent.leave(for_good=True)

    assert scene.state() == State.COMPLETED


def test_a_reload_is_no_leaving(scene: Scene, customer: Browser, agent: Browser) -> None:
    customer.join()
    agent.join()
    told = OutboxEvent.objects.count()

    assert agent.leave(for_good=False).status_code == 204
    assert customer.sees() == {customer.peer}
    reloaded = Browser(agent.token)
    reloaded.join()

    assert customer.sees() == {customer.peer, reloaded.peer}
    assert OutboxEvent.objects.count() == told
    assert scene.agent_row.state == ParticipantState.JOINED


def test_a_farewell_that_comes_after_the_reload_changes_nothing(
    customer: Browser, agent: Browser
) -> None:
    customer.join()
    agent.join()
    reloaded = Browser(agent.token)
    reloaded.join()

    agent.leave(for_good=True)

    assert customer.sees() == {customer.peer, reloaded.peer}


def test_a_page_that_comes_back_out_of_memory_is_seen_again(
    customer: Browser, agent: Browser
) -> None:
    customer.join()
    agent.join()
    agent.leave(for_good=False)

    agent.poll()

    assert customer.sees() == {customer.peer, agent.peer}


def test_who_asks_next_notices_who_has_vanished(
    scene: Scene, customer: Browser, agent: Browser
) -> None:
    customer.join()
    agent.join()
    silence(scene, scene.customer)

    agent.poll()

    assert agent.sees() == {agent.peer}
    assert scene.customer.state == ParticipantState.LEFT
    last = OutboxEvent.objects.order_by("-id")[0]
    assert (last.actor_kind, last.origin) == (ActorKind.SYSTEM, "room")


def test_the_clock_notices_when_nobody_asks(scene: Scene, customer: Browser) -> None:
    customer.join()
    silence(scene, scene.customer)

    tasks.note_who_vanished()
    told = OutboxEvent.objects.count()
    tasks.note_who_vanished()

    assert scene.customer.state == ParticipantState.LEFT
    assert scene.state() == State.ACTIVATED
    assert rooms().rooms() == []
    assert OutboxEvent.objects.count() == told


def test_a_short_silence_is_no_leaving(scene: Scene, customer: Browser, now: datetime) -> None:
    customer.join()

    assert meeting.note_all_who_vanished(now=now + timedelta(seconds=29)) == 0
    assert scene.customer.state == ParticipantState.JOINED


def test_who_was_silent_for_too_long_goes_in_again(scene: Scene, customer: Browser) -> None:
    customer.join()
    silence(scene, scene.customer)
    tasks.note_who_vanished()

    assert customer.poll()["code"] == "NOT_IN_ROOM"
    customer.join()
    assert scene.customer.state == ParticipantState.JOINED


def test_nothing_is_noted_of_who_takes_part_no_more(scene: Scene, customer: Browser) -> None:
    customer.join()
    Participant.objects.filter(pk=scene.customer.pk).delete()
    before = everything()

    vanished = meeting.note_who_vanished(
        scene.appointment.pk, now=scene.appointment.start or scene.appointment.created_at
    )

    assert vanished == 1
    assert everything() == before
    assert rooms().seats(scene.appointment.pk) == ()


def test_a_second_page_of_the_same_person_takes_its_place(
    scene: Scene, customer: Browser, agent: Browser
) -> None:
    agent.join()
    customer.join()
    second = Browser(customer.token)

    second.join()

    assert agent.sees() == {agent.peer, second.peer}
    assert customer.poll()["code"] == "SEAT_TAKEN"


# --- Without Redis ----------------------------------------------------------------------------


def test_when_redis_has_forgotten_everything_browsers_go_in_again(
    redis: redis_client.Redis, scene: Scene, customer: Browser, agent: Browser
) -> None:
    customer.join()
    agent.join()
    told = OutboxEvent.objects.count()

    redis.flushdb()

    assert customer.poll()["code"] == agent.poll()["code"] == "NOT_IN_ROOM"
    customer.join()
    agent.join()
    assert customer.sees() == {customer.peer, agent.peer}
    assert OutboxEvent.objects.count() == told


def test_who_does_not_come_again_after_redis_was_lost_has_left(
    redis: redis_client.Redis, scene: Scene, customer: Browser, agent: Browser, now: datetime
) -> None:
    customer.join()
    agent.join()
    redis.flushdb()
    assert meeting.note_all_who_vanished(now=now) == 0
    agent.join()

    assert meeting.note_all_who_vanished(now=now + timedelta(seconds=29)) == 0
    assert meeting.note_all_who_vanished(now=now + limits.ROOM_GONE_AFTER) == 1

    assert scene.customer.state == ParticipantState.LEFT
    assert scene.agent_row.state == ParticipantState.JOINED


def test_who_joined_elsewhere_is_not_missed_in_our_room(scene: Scene, now: datetime) -> None:
    services.set_participant_state(
        scene.appointment.pk,
        participant_id=scene.customer.wire_id,
        state=ParticipantState.JOINED,
        actor=make.actor_for(scene.agent),
        now=now,
    )

    for later in (timedelta(0), limits.ROOM_GONE_AFTER):
        assert meeting.note_all_who_vanished(now=now + later) == 0
    assert scene.customer.state == ParticipantState.JOINED


def test_while_redis_is_away_the_page_is_told_to_try_again(
    settings: Settings, customer: Browser
) -> None:
    customer.join()
    settings.REDIS_URL = NOWHERE

    answer = customer.ask("poll", {"peer": customer.peer, "room": customer.room, "got": 0})

    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
    assert answer["Retry-After"] == "1"
    assert meeting.note_all_who_vanished(now=datetime.now().astimezone()) == 0


def test_nothing_stays_in_redis_for_long(
    redis: redis_client.Redis, customer: Browser, agent: Browser
) -> None:
    customer.join()
    agent.join()
    agent.send(customer, OFFER)

    kept = [redis.ttl(key) for key in redis.scan_iter("frontdesk:room*")]

    assert len(kept) >= 5
    assert all(0 < seconds <= 3_600 for seconds in kept)


# --- The page ---------------------------------------------------------------------------------


def test_the_page_may_use_the_camera_and_nothing_else(client: Client, scene: Scene) -> None:
    response = client.get(video_path(scene.customer))

    policy = response["Content-Security-Policy"]
    assert response["Permissions-Policy"].startswith("camera=(self), microphone=(self)")
    for rule in ("default-src 'self'", "connect-src 'self'", "media-src 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert response["Cache-Control"] == "no-store"


def test_the_page_of_the_trial_may_use_the_camera_too(client: Client, scene: Scene) -> None:
    response = client.get(urlsplit(page_url(scene.customer.pk, "video-test")).path)

    assert response["Permissions-Policy"].startswith("camera=(self), microphone=(self)")
    assert "Try camera and microphone" in response.content.decode()


# --- Ways through the network -----------------------------------------------------------------


def test_a_relay_gets_credentials_that_end_with_the_room(
    settings: Settings, scene: Scene, customer: Browser
) -> None:
    settings.TURN_SECRET = "north-of-the-river"
    settings.ICE_SERVERS = [
        {"urls": ["stun:stun.example.org"]},
        {"urls": ["turn:turn.example.org"]},
        {"urls": ["turns:other.example.org"], "username": "u", "credential": "c"},
    ]

    stun, timed, fixed = customer.join()["iceServers"]

    closes_at = scene.row().access_expires_at
    assert closes_at is not None
    expiry = int(closes_at.timestamp()) + 3_600
    assert stun == {"urls": ["stun:stun.example.org"]}
    username = f"{expiry}:{scene.customer.pk}"
    proof = hmac.new(b"north-of-the-river", username.encode(), hashlib.sha1).digest()
    assert timed == {
        "urls": ["turn:turn.example.org"],
        "username": username,
        "credential": base64.b64encode(proof).decode(),
    }
    assert fixed == settings.ICE_SERVERS[2]
