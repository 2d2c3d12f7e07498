from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest

from config.kernel.ids import parse_uuid, uuid7


def test_a_key_is_a_uuid_of_version_7_with_the_present_moment() -> None:
    before = datetime.now(UTC)

    key = uuid7()

    moment = datetime.fromtimestamp((key.int >> 80) / 1000, UTC)
    assert (key.version, key.variant) == (7, RFC_4122)
    assert before - timedelta(milliseconds=2) <= moment <= datetime.now(UTC)


def test_keys_of_one_thread_grow() -> None:
    keys = [uuid7() for _ in range(5_000)]

    assert keys == sorted(keys)


def test_keys_of_many_threads_differ() -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(lambda _: uuid7(), range(4_000)))

    assert len(set(keys)) == 4_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "19",
        "{01a210ac-54d1-71a6-a0ac-e4f3c2d49fc1}",
        "urn:uuid:01a210ac-54d1-71a6-a0ac-e4f3c2d49fc1",
        "01a210ac54d171a6a0ace4f3c2d49fc1",
        "01a210ac-54d1-71a6-a0ac-e4f3c2d49fc1\n",
        "01a210ac-54d1-71a6-a0ac-e4f3c2d49fc",
    ],
)
def test_a_text_in_another_form_is_no_uuid(text: str) -> None:
    assert parse_uuid(text) is None


def test_a_uuid_is_read_whatever_its_case() -> None:
    text = "01a210ac-54d1-71a6-a0ac-e4f3c2d49fc1"

    assert parse_uuid(text.upper()) == UUID(text)
