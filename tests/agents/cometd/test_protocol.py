"""Bodies in, replies out."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from agents.cometd import protocol
from agents.cometd.options import Options
from agents.cometd.protocol import FORM, Unreadable, parse

ONE, TWO = {"channel": "/meta/connect", "id": "1"}, {"channel": "/x", "data": {"ü": 1}}


def read(body: object, kind: str = "application/json") -> list[protocol.Message]:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse(text, kind, most=3)


@pytest.mark.rule("cc.cometd.post.r1")
def test_a_body_is_an_array_of_messages_or_one_message() -> None:
    assert read([ONE, TWO]) == [ONE, TWO]
    assert read(ONE) == [ONE]


@pytest.mark.parametrize("kind", [FORM, f"{FORM}; charset=UTF-8", FORM.upper()])
@pytest.mark.rule("cc.cometd.post.r5")
def test_a_form_holds_messages_in_its_fields(kind: str) -> None:
    fields = [("message", json.dumps([ONE])), ("other", "x"), ("message", json.dumps(TWO))]

    assert read(urlencode(fields).encode(), kind) == [ONE, TWO]


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"[", b"\xff", b"7", [], [7], [[ONE]], {}, [{"channel": 7}], [ONE, {"id": "1"}]],
)
@pytest.mark.rule("cc.cometd.post.r4")
def test_what_holds_no_messages_cannot_be_read(body: object) -> None:
    with pytest.raises(Unreadable) as unreadable:
        read(body)

    assert unreadable.value.status == 400


@pytest.mark.parametrize("body", [b"message=x", b"other=1", b"message", b"message=%ff"])
def test_a_form_without_messages_cannot_be_read(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(body, FORM)


def test_more_messages_than_may_come_at_once_are_too_much() -> None:
    with pytest.raises(Unreadable) as unreadable:
        read([ONE] * 4)

    assert unreadable.value.status == 413


@pytest.mark.parametrize("id_", ["7", 7, "", None, {"a": 1}])
@pytest.mark.rule("cc.cometd.protocol.r1")
def test_a_reply_repeats_the_id_as_it_was_sent(id_: object) -> None:
    message = {"channel": "/meta/subscribe", "id": id_}

    assert protocol.reply(message) == {"channel": "/meta/subscribe", "successful": True, "id": id_}
    assert protocol.refusal(message, "403:x:y")["id"] == id_
    assert "id" not in protocol.reply({"channel": "/meta/subscribe"})


@pytest.mark.rule("cc.cometd.protocol.r5", "cc.cometd.protocol.r29")
def test_an_advice_is_whole() -> None:
    retry = {"reconnect": "retry", "interval": 0, "timeout": 30_000, "maxInterval": 10_000}

    assert protocol.advice(Options()) == retry
    for reconnect in ("handshake", "none"):
        expected = {"reconnect": reconnect, "interval": 0, "timeout": 30_000}
        assert protocol.advice(Options(), reconnect) == expected


@pytest.mark.rule("cc.cometd.protocol.r2")
def test_a_body_is_one_array_with_events_as_they_are() -> None:
    body = protocol.body_of([b'{"channel":"/a","data":1}', {"channel": "/meta/connect"}])

    assert body == b'[{"channel":"/a","data":1},{"channel":"/meta/connect"}]'
