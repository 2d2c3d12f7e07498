"""Shaking hands: who gets a client, and what everybody else is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from agents.models import User
from agents.services.desk_cookies import CSRF_HEADER, csrf_token
from config.kernel import limits
from tests.agents.cometd.serving import Client, Served, basic
from tests.make import make_application, make_user, token_for

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis as redis_client
    from pytest_django import Settings

    from agents.cometd.protocol import Message

RETRY = {"reconnect": "retry", "interval": 0, "timeout": 2_000, "maxInterval": 3_000}
NONE = {"reconnect": "none", "interval": 0, "timeout": 2_000}
HANDSHAKE = {"reconnect": "handshake", "interval": 0, "timeout": 2_000}
SHAKE = {
    "channel": "/meta/handshake",
    "version": "1.0",
    "supportedConnectionTypes": ["long-polling"],
}


@pytest.mark.rule(
    "cc.cometd.protocol.r6",
    "cc.cometd.protocol.r7",
    "cc.cometd.protocol.r8",
    "cc.cometd.protocol.r15",
    "cc.cometd.protocol.r53",
)
def test_a_handshake_gives_a_client(desktop: Client) -> None:
    offered = ["websocket", "long-polling", "callback-polling"]

    first, second = (desktop.handshake(id="1", supportedConnectionTypes=offered) for _ in "12")

    assert first == {
        "channel": "/meta/handshake",
        "successful": True,
        "id": "1",
        "clientId": first["clientId"],
        "version": "1.0",
        "minimumVersion": "1.0",
        "supportedConnectionTypes": ["long-polling"],
        "advice": RETRY,
    }
    assert first["clientId"].isascii()
    assert first["clientId"].isalnum()
    # 36 letters and digits hold 5.16 bits each.
    assert len(first["clientId"]) * 5.16 >= 128
    assert second["clientId"] != first["clientId"]


@pytest.mark.rule("cc.cometd.protocol.r53")
def test_an_extension_is_on_when_it_is_asked_for(desktop: Client) -> None:
    assert desktop.handshake(ext={"ack": True, "unknown": 7})["ext"] == {"ack": True}
    assert desktop.handshake(ext={"replay": True})["ext"] == {"replay": True}
    assert "ext" not in desktop.handshake(ext={"ack": False})


@pytest.mark.rule("cc.cometd.protocol.r4")
def test_members_that_nobody_knows_are_ignored(desktop: Client) -> None:
    assert desktop.handshake(wish="x", ext={"wish": {}}, advice=7)["successful"]
    assert desktop.subscribe("/v2/me", wish=1, ext=7)["successful"]


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"version": None}, "400::Version missing"),
        ({"version": 1}, "400::Version missing"),
        ({"supportedConnectionTypes": ["websocket"]}, "400::No connection type in common"),
        ({"supportedConnectionTypes": []}, "400::No connection type in common"),
    ],
)
@pytest.mark.rule("cc.cometd.protocol.r3", "cc.cometd.protocol.r9", "cc.cometd.protocol.r10")
def test_a_handshake_that_cannot_be_kept_is_refused(
    desktop: Client, members: Message, error: str
) -> None:
    assert desktop.handshake(id="1", **members) == {
        "channel": "/meta/handshake",
        "successful": False,
        "id": "1",
        "error": error,
        "advice": NONE,
    }


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic", "Basic !", "Bearer x", basic("nobody@example.org"), "wrong password"],
)
@pytest.mark.rule("cc.cometd.post.r6", "cc.cometd.protocol.r3", "cc.cometd.protocol.r11")
def test_without_valid_credentials_there_is_no_client(
    served: Served, agent: User, redis: redis_client.Redis, authorization: str
) -> None:
    if authorization == "wrong password":
        authorization = basic(agent.username, "wrong")
    stranger = Client(served.port, authorization)

    assert stranger.post({**SHAKE, "id": "1"}) == [
        {
            "channel": "/meta/handshake",
            "successful": False,
            "id": "1",
            "error": "401::Unauthorized",
            "advice": NONE,
        }
    ]
    assert redis.keys("frontdesk:cometd:s:*") == []


@pytest.mark.rule("cc.cometd.post.r6", "cc.cometd.protocol.r12")
def test_other_messages_without_credentials_know_no_client(desktop: Client) -> None:
    desktop.handshake()
    desktop.authorization = ""
    unknown = {
        "successful": False,
        "clientId": desktop.id,
        "error": f"402:{desktop.id}:Unknown client",
        "advice": HANDSHAKE,
    }
    channels = ["/meta/connect", "/meta/subscribe", "/meta/disconnect", "/v2/me/calls"]

    replies = desktop.post(*(desktop.say(one) for one in channels))

    assert replies == [{"channel": channel, **unknown} for channel in channels]


@pytest.mark.rule("cc.cometd.protocol.r13")
def test_nothing_else_is_carried_out_beside_a_handshake(desktop: Client) -> None:
    desktop.handshake()
    others = (desktop.say("/meta/disconnect"), SHAKE, desktop.say("/meta/connect"))

    first, *replies = desktop.post(SHAKE, *others)

    assert first["successful"]
    assert {reply["error"] for reply in replies} == {"400::Not carried out beside a handshake"}
    assert desktop.subscribe("/v2/me/calls")["successful"]


@pytest.mark.rule("cc.cometd.protocol.r14")
def test_a_browser_gets_a_cookie_unless_it_has_one(served: Served, agent: User) -> None:
    desktop = Client(served.port, basic(agent.username))

    new = desktop.request(_body(SHAKE))
    known = desktop.request(_body(SHAKE), Cookie="BAYEUX_BROWSER=abc123")

    bayeux = [one for one in new.cookies if one.startswith("BAYEUX")]
    assert len(bayeux) == 1
    assert bayeux[0].partition("=")[0] == "BAYEUX_BROWSER"
    assert "; Path=/; HttpOnly" in bayeux[0]
    assert [one for one in known.cookies if one.startswith("BAYEUX")] == []


def test_the_cookie_of_the_session_stands_for_the_password(served: Served, agent: User) -> None:
    first = Client(served.port, basic(agent.username)).request(_body(SHAKE))
    (session,) = [one for one in first.cookies if one.startswith("JSESSIONID")]

    later = Client(served.port, headers={"Cookie": session.partition(";")[0]})

    assert later.handshake()["successful"]


def test_where_cookies_need_a_word_beside_them_this_one_does_too(
    served: Served, agent: User, settings: Settings
) -> None:
    settings.AGENTS_DESK_CSRF = True
    first = Client(served.port, basic(agent.username)).request(_body(SHAKE))
    (session,) = [one for one in first.cookies if one.startswith("JSESSIONID")]
    name, _, text = session.partition(";")[0].partition("=")
    cookie = {"Cookie": f"{name}={text}"}

    bare = Client(served.port, headers=cookie)
    with_word = Client(served.port, headers={**cookie, CSRF_HEADER: csrf_token(text)})

    assert bare.handshake()["error"] == "401::Unauthorized"
    assert with_word.handshake()["successful"]


def test_a_token_of_ours_opens_too(served: Served, agent: User) -> None:
    make_application(agent.organization)

    assert Client(served.port, f"Bearer {token_for(agent)}").handshake()["successful"]


@pytest.mark.rule("cc.cometd.protocol.r52")
def test_a_client_that_keeps_no_cookies_is_served_alike(desktop: Client) -> None:
    desktop.ready("/v2/me/calls")

    assert desktop.connect(advice={"timeout": 0})[-1]["successful"]


def test_a_password_that_has_to_be_changed_opens_nothing(desktop: Client, agent: User) -> None:
    User.objects.filter(pk=agent.pk).update(change_password_on_first_login=True)

    reply = desktop.handshake()

    assert reply["error"] == "403::The password has to be changed"
    assert reply["advice"] == NONE


def test_too_many_wrong_passwords_are_told_apart(served: Served, agent: User) -> None:
    wrong = Client(served.port, basic(agent.username, "wrong"))

    errors = [wrong.handshake()["error"] for _ in range(limits.LOGIN_FAILURES + 1)]

    assert errors[0] == "401::Unauthorized"
    assert errors[-1] == "429::Too many attempts"


def test_a_user_has_a_limited_number_of_clients(desktop: Client, agent: User) -> None:
    replies = [desktop.handshake() for _ in range(limits.COMETD_CLIENTS_PER_USER + 1)]

    assert all(reply["successful"] for reply in replies[:-1])
    assert replies[-1]["error"] == "403::Too many clients"
    assert replies[-1]["advice"] == {**HANDSHAKE, "interval": 10_000}


def test_another_users_clients_do_not_count(
    desktop_of: Callable[[User], Client], agent: User
) -> None:
    for _ in range(limits.COMETD_CLIENTS_PER_USER):
        desktop_of(agent).handshake()

    assert desktop_of(make_user(agent.organization)).handshake()["successful"]


def _body(*messages: Message) -> str:
    return json.dumps(messages)
