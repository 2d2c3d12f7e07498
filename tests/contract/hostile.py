"""Bodies and values that have broken others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# A good body as bytes → bytes that no operation can take. Each is answered 400.
UNREADABLE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "blank": lambda _: b"  \n ",
    "half": lambda body: body[: len(body) // 2],
    "twice": lambda body: body + body,
    "closing comma": lambda body: body[:-1] + b',"x":1,}',
    "single quotes": lambda _: b"{'id': 'x'}",
    "a comment": lambda body: body + b" // hello",
    "no JSON": lambda _: b"<xml/>",
    "a form": lambda _: b"id=1&title=x",
    "NaN": lambda _: b'{"x": NaN}',
    "Infinity": lambda _: b'{"x": -Infinity}',
    "a number no double holds": lambda _: b'{"x": 1e999}',
    "thirty digits": lambda _: b'{"x": 123456789012345678901234567890}',
    "beyond 64 bits": lambda _: b'{"x": 18446744073709551616}',
    "ten thousand digits": lambda _: b'{"x": ' + b"9" * 10_000 + b"}",
    "leading zeros": lambda _: b'{"x": 007}',
    "the same member twice": lambda _: b'{"id": "a", "id": "b"}',
    "the same member twice, escaped": lambda _: b'{"id": "a", "\\u0069d": "b"}',
    "the same member twice, deep": lambda _: b'{"metadata": {"a": {"b": 1, "b": 2}}}',
    "a NUL in a text": lambda _: b'{"title": "a\\u0000b"}',
    "a NUL in a name": lambda _: b'{"a\\u0000b": 1}',
    "a NUL in a list": lambda _: b'{"metadata": {"x": ["a\\u0000b"]}}',
    "a bare NUL": lambda _: b'{"title": "a\0b"}',
    "a bare control character": lambda _: b'{"title": "a\x01b"}',
    "half a surrogate pair": lambda _: b'{"title": "\\ud800"}',
    "the other half": lambda _: b'{"title": "\\udc00x"}',
    "a pair the wrong way round": lambda _: b'{"title": "\\udc00\\ud800"}',
    "not UTF-8": lambda _: b'{"title": "\xff\xfe"}',
    "Latin-1": lambda _: '{"title": "Grüße"}'.encode("latin-1"),
    "UTF-16": lambda body: body.decode().encode("utf-16"),
    "overlong UTF-8": lambda _: b'{"title": "\xc0\xaf"}',
    "a surrogate in UTF-8": lambda _: b'{"title": "\xed\xa0\x80"}',
    "nested 33 deep": lambda _: b'{"metadata":' + b"[" * 33 + b"]" * 33 + b"}",
    "nested 33 objects deep": lambda _: b'{"a":' * 33 + b"1" + b"}" * 33,
    "nested a hundred thousand deep": lambda _: b"[" * 100_000 + b"]" * 100_000,
    "opened and never closed": lambda _: b'{"a":' * 50_000,
}

# JSON that no operation takes as a whole. Each is answered 400.
WRONG_SHAPES: dict[str, object] = {
    "null": None,
    "true": True,
    "a number": 42,
    "a fraction": 1.5,
    "an empty text": "",
    "an empty list": [],
    "a list of bodies": [{"id": "x"}],
}


# Values for any member of any body: never a 5xx, and what is taken comes back as documented.
VALUES: dict[str, object] = {
    "a very long text": "x" * 70_000,
    "a text with a line break": "a\r\nBcc: all@example.org",
    "a text that turns the writing": "a\u202eb\u2066c",
    "a text that is markup": "<script>alert(1)</script>{{7*7}}${7*7}",
    "a text that is SQL": "'; DROP TABLE appointments_appointment; --",
    "a text of combining marks": "Z" + "\u0351" * 500,
    "a text beyond the first plane": "😀" * 100,
    "a number": 7,
    "a large number": 2**63 - 1,
    "a small number": -(2**63),
    "a fraction": 1e300,
    "true": True,
    "null": None,
    "an empty list": [],
    "a list of lists": [[[[]]]],
    "a list of a thousand": ["x"] * 1000,
    "an empty object": {},
    "an object with an empty name": {"": ""},
    "an object with a thousand members": {str(number): "x" for number in range(1000)},
    "an object with its own prototype": {"__proto__": {"a": "b"}, "constructor": "x"},
}


STARTS = [
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "1899-12-31T23:59:59Z",
    "2201-01-01T00:00:00Z",
    "9999-12-31T23:59:59-14:00",
    "10000-01-01T00:00:00Z",
    "+12345-01-01T00:00:00Z",
    "2030-02-30T10:00:00Z",
    "2030-13-01T10:00:00Z",
    "2030-01-01T25:00:00Z",
    "2030-01-01T10:00:00+99:99",
    "2030-01-01",
    "10:00:00Z",
    "٢٠٣٠-٠١-٠١T١٠:٠٠:٠٠Z",
    "1893456000",
    "now",
    "",
    " ",
    '"',
    '""2030-01-01T10:00:00Z""',
    "2030-01-01T10:00:00Z\n",
]
DURATIONS = [
    "P367D",
    "P1000W",
    "P100Y",
    "P1Y",
    "P1M",
    "PT9999999999999999999999H",
    "P" + "9" * 5000 + "D",
    "PT0S",
    "P0D",
    "-PT1H",
    "PT-1H",
    "P",
    "PT",
    "P1DT",
    "PT1H30",
    "1:00:00",
    "3600",
    "PT١H",
    "pt1h1h",
    "PTNaNS",
    "PT1e5S",
    "",
    '"',
]
ZONES = [
    "Factory",
    "localtime",
    "Mars/Olympus",
    "Europe/Berlin\n",
    " Europe/Berlin",
    "../../etc/passwd",
    "/etc/localtime",
    "Europe",
    "posixrules",
    "GMT+25",
    "+02:00",
    "",
    "x" * 10_000,
]
LOCALES = ["x" * 100, "1", "en_", "-", "en US", "../../en", "<b>", "e\u0301n", "en-" * 50]
