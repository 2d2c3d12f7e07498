"""Which topics there are, how they are spelled, and who may have them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.cometd.topics import Depth, Subscription, TopicRefused, hidden_from, parse
from config.kernel.actors import Role

AGENT, SUPERVISOR, ADMIN = [Role.AGENT], [Role.SUPERVISOR], [Role.ADMIN]


def refusal(topic: object, roles: list[Role] = AGENT) -> str:
    with pytest.raises(TopicRefused) as refused:
        parse(topic, roles)
    return str(refused.value)


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        (
            "/v2/me/calls",
            Subscription(written="/v2/me/calls", prefix="/v2/me/calls", depth=Depth.EXACT),
        ),
        (
            "/me/calls/",
            Subscription(
                written="/me/calls/",
                prefix="/v2/me/calls",
                depth=Depth.EXACT,
                is_short=True,
                tail="/",
            ),
        ),
        (
            "/v2/me/*",
            Subscription(written="/v2/me/*", prefix="/v2/me", depth=Depth.ONE_SEGMENT),
        ),
        (
            "/me/**",
            Subscription(
                written="/me/**", prefix="/v2/me", depth=Depth.ANY_SEGMENTS, is_short=True
            ),
        ),
        ("/**", Subscription(written="/**", prefix="", depth=Depth.ANY_SEGMENTS)),
    ],
)
@pytest.mark.rule("cc.cometd.protocol.r33", "cc.cometd.protocol.r38", "cc.cometd.protocol.r39")
def test_a_topic_is_read_in_each_of_its_spellings(topic: str, expected: Subscription) -> None:
    assert parse(topic, AGENT) == expected


@pytest.mark.parametrize(
    "topic",
    ["/v2/me", "/v2/me/workitems", "/v2/me/a/b/c", "/notifications/x", "/me", "/notifications/**"],
)
@pytest.mark.parametrize("roles", [AGENT, SUPERVISOR, ADMIN, []])
@pytest.mark.rule("cc.cometd.protocol.r37")
def test_everybody_may_have_what_is_about_itself(topic: str, roles: list[Role]) -> None:
    assert parse(topic, roles) is not None


@pytest.mark.parametrize(
    "topic",
    [
        *("/v2", "/v2/agents", "/v2/users/7", "/v2/users/*", "/nothing", "/notifications", "/"),
        *("", "me", "/v2//me", "/v2/*/calls", "/v2/me/a*", "/v2/me/***", "//", "/*x", 7, None),
        "/v2/me/" + "x" * 300,
    ],
)
@pytest.mark.rule("cc.cometd.protocol.r36")
def test_a_topic_that_does_not_exist_is_said_to_be_unknown(topic: object) -> None:
    shown = topic if isinstance(topic, str) else ""

    assert refusal(topic) == f"404:{shown}:Unknown Channel"


@pytest.mark.parametrize("topic", ["/v2/users", "/users", "/users/"])
@pytest.mark.rule("cc.cometd.protocol.r36", "cc.cometd.topics.r4")
def test_what_is_about_others_is_for_those_who_lead_them(topic: str) -> None:
    assert refusal(topic, AGENT) == f"403:{topic}:Subscription denied"
    assert parse(topic, SUPERVISOR) is not None
    assert parse(topic, ADMIN) is not None


@pytest.mark.rule("cc.cometd.protocol.r40")
def test_meta_channels_are_refused_and_service_channels_have_no_effect() -> None:
    assert refusal("/meta/connect") == "403:/meta/connect:Subscription denied"
    assert refusal("/meta/**", ADMIN) == "403:/meta/**:Subscription denied"
    assert parse("/service/anything", AGENT) is None


@pytest.mark.rule("cc.cometd.protocol.r38")
def test_a_wildcard_hides_what_one_may_not_hear() -> None:
    assert hidden_from(AGENT) == ("/v2/users", "/v2/board")
    assert hidden_from([*AGENT, *SUPERVISOR]) == ()


@given(st.text(max_size=40))
def test_any_text_is_a_topic_or_is_refused(text: str) -> None:
    error = "404:"
    try:
        parse(text, AGENT)
    except TopicRefused as refused:
        error = str(refused)

    assert error.startswith(("403:", "404:"))
