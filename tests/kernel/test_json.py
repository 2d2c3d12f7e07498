import contextlib
import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from io import BytesIO
from uuid import UUID

import orjson
import pytest
from django.test import RequestFactory
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request

from config.kernel import limits
from config.kernel.actors import Role
from config.kernel.json import (
    BodyTooLarge,
    JSONOnly,
    JSONRenderer,
    MalformedJson,
    MissingBody,
    StrictJSONParser,
    TextParser,
    body_of,
    dumps,
    loads,
)
from config.kernel.time import parse_duration

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(-(2.0**62), 2.0**62)
    | TEXTS,
    lambda children: st.lists(children) | st.dictionaries(TEXTS, children),
    max_leaves=20,
)


def make_request(body: bytes, *, content_type: str = "application/json", **headers: str) -> Request:
    request = RequestFactory().post("/api/x", data=body, content_type=content_type, **headers)  # type: ignore[arg-type]  # the environ of WSGI
    return Request(request, parsers=[StrictJSONParser()], negotiator=JSONOnly())


@given(VALUES)
def test_whatever_is_proper_json_is_read(value: object) -> None:
    assert loads(json.dumps(value).encode()) == value
    assert loads(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\\u0d8e1-.tfn ').map(str.encode))
def test_whatever_else_is_refused_and_nothing_else_happens(body: bytes) -> None:
    with contextlib.suppress(MalformedJson):
        value = loads(body)
        assert loads(orjson.dumps(value)) == value


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "expecting value at character 0"),
        (b"{", "expecting property name enclosed in double quotes at character 1"),
        (b"{} x", "extra data at character 3"),
        (b"{'a': 1}", "expecting property name enclosed in double quotes at character 1"),
        (b"01", "extra data at character 1"),
        (b'{"a": 1, "a": 2}', "a name occurs twice in one object"),
        (b'[{"b": {"a": 1, "\\u0061": 1}}]', "a name occurs twice in one object"),
        (b"NaN", "NaN and Infinity are not numbers"),
        (b"[-Infinity]", "NaN and Infinity are not numbers"),
        (b"1e999", "a number is too large"),
        (b"[-1e999]", "a number is too large"),
        (b"9223372036854775808", "a number is too large"),
        (b'{"a": -9223372036854775809}', "a number is too large"),
        (b"1" * 5_000, "a number is too large"),
        (b'"\\u0000"', "a text holds the NUL character"),
        (b'{"\\u0000": 1}', "a text holds the NUL character"),
        (b'["\\ud800"]', "a text holds half of a surrogate pair"),
        (b'{"\\udc00": 1}', "a text holds half of a surrogate pair"),
        (b'"\\ude00\\ud83d"', "a text holds half of a surrogate pair"),
        (b'"\x01"', "invalid control character at at character 1"),
        (b'"\xff"', "it is not UTF-8"),
        (b'"\xed\xa0\x80"', "it is not UTF-8"),
        ("{}".encode("utf-16"), "it is not UTF-8"),
        (b"\xef\xbb\xbf{}", "it begins with a byte order mark"),
        (b"[" * 33 + b"]" * 33, "it is nested deeper than 32 levels"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "it is nested deeper than 32 levels"),
        (b"[" * 500_000, "it is nested deeper than 32 levels"),
    ],
)
def test_a_malformed_body_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(MalformedJson) as refusal:
        loads(body)

    assert refusal.value.text == f"The body cannot be read as JSON: {reason}."


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 32 + b"]" * 32,
        b'{"a":' * 32 + b"1" + b"}" * 32,
        b"[-9223372036854775808, 9223372036854775807]",
        b'"\\ud83d\\ude00"',
        b' {"a": 1}\r\n\t',
    ],
)
def test_what_is_just_within_the_limits_is_read(body: bytes) -> None:
    assert loads(body) == json.loads(body)


def test_a_body_of_the_greatest_size_is_read_and_a_byte_more_is_not() -> None:
    body = b'"' + b"a" * (limits.BODY_BYTES - 2) + b'"'

    assert len(loads(body)) == limits.BODY_BYTES - 2
    with pytest.raises(BodyTooLarge):
        loads(body + b" ")


def test_the_parser_reads_the_body_of_a_request() -> None:
    assert body_of(make_request(b'{"a": 1}')) == {"a": 1}
    assert body_of(make_request(b"{}", content_type="application/json; charset=utf-8")) == {}
    assert body_of(make_request(b"{}", content_type="Application/JSON")) == {}


@pytest.mark.parametrize("body", [b"", b" \r\n"])
def test_an_empty_body_is_missing_and_not_an_empty_object(body: bytes) -> None:
    with pytest.raises(MissingBody):
        body_of(make_request(body))


def test_an_empty_body_is_nothing_to_complain_of_where_none_is_needed() -> None:
    assert make_request(b"").data == {}


def test_the_declared_size_is_enough_to_refuse_a_body() -> None:
    request = make_request(b"{}", CONTENT_LENGTH=str(limits.BODY_BYTES + 1))

    with pytest.raises(BodyTooLarge):
        body_of(request)


def test_a_body_whose_size_was_not_declared_is_not_read_to_its_end() -> None:
    stream = BytesIO(b"[" + b" " * (2 * limits.BODY_BYTES))

    with pytest.raises(BodyTooLarge):
        StrictJSONParser().parse(stream)

    assert stream.tell() == limits.BODY_BYTES + 1


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/xml", "nonsense", "a/b/c"])
def test_another_media_type_is_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        body_of(make_request(b"{}", content_type=content_type))


def test_a_text_is_read_without_the_white_space_around_it() -> None:
    assert TextParser().parse(BytesIO(" größer\n".encode())) == "größer"
    assert TextParser().parse(BytesIO(b" \n")) == {}


@pytest.mark.parametrize("body", [b"\xff", b"a\0b", b"\xef\xbb\xbfa"])
def test_a_text_that_cannot_be_kept_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedJson):
        TextParser().parse(BytesIO(body))


@pytest.mark.parametrize("accept", ["text/html", "application/xml;q=0.9", "nonsense", ""])
def test_json_is_answered_whatever_would_be_accepted(accept: str) -> None:
    request = make_request(b"{}", HTTP_ACCEPT=accept)

    renderer, media_type = JSONOnly().select_renderer(request, [JSONRenderer()])

    assert isinstance(renderer, JSONRenderer)
    assert media_type == "application/json"


def test_values_are_written_as_the_contract_wants_them() -> None:
    written = dumps(
        {
            "instant": datetime(2022, 1, 31, 20, tzinfo=timezone(timedelta(hours=1))),
            "exact": datetime(2022, 1, 31, 19, 0, 0, 5, tzinfo=UTC),
            "date": date(2022, 1, 31),
            "time": time(19, 0),
            "length": timedelta(hours=25),
            "duration": parse_duration("P1DT1H"),
            "id": UUID(int=1),
            "role": Role.AGENT,
            "price": Decimal("1.10"),
            "lazy": gettext_lazy("Monday"),
            "tuple": (1, None),
            "set": {1},
            "fragment": orjson.Fragment(b'{"as":"it is"}'),
            3: True,
        }
    )

    assert json.loads(written) == {
        "instant": "2022-01-31T19:00:00Z",
        "exact": "2022-01-31T19:00:00.000005Z",
        "date": "2022-01-31",
        "time": "19:00:00",
        "length": "PT25H",
        "duration": "P1DT1H",
        "id": "00000000-0000-0000-0000-000000000001",
        "role": "ROLE_AGENT",
        "price": "1.10",
        "lazy": "Monday",
        "tuple": [1, None],
        "set": [1],
        "fragment": {"as": "it is"},
        "3": True,
    }


def test_what_has_no_place_in_json_is_not_guessed_at() -> None:
    with pytest.raises(TypeError, match="object"):
        dumps({"a": object()})


def test_the_renderer_writes_no_body_for_nothing() -> None:
    assert JSONRenderer().render(None) == b""
    assert JSONRenderer().render({"a": "ä"}) == '{"a":"ä"}'.encode()


@pytest.mark.parametrize("number", ["1e20", "-1e300", "9223372036854775808.0"])
def test_a_fraction_that_would_come_back_as_a_large_integer_is_refused(number: str) -> None:
    with pytest.raises(MalformedJson):
        loads(f'{{"n": {number}}}'.encode())
