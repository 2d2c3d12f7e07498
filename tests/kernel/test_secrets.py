from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel import secrets
from config.kernel.secrets import (
    ALPHABET,
    SealBroken,
    digest_of,
    fingerprint,
    fingerprints,
    mask_link,
    needs_resealing,
    new_api_key,
    new_ticket,
    same,
    seal,
    unseal,
)

if TYPE_CHECKING:
    from pytest_django import Settings

OLD, NEW = "old-" + "a" * 40, "new-" + "b" * 40
LINK = "https://desk.example/q/abcdefghj"


@given(st.text())
def test_what_was_sealed_is_read_again(text: str) -> None:
    assert unseal(seal(text, purpose="link"), purpose="link") == text


def test_two_seals_of_one_text_differ_and_do_not_show_it() -> None:
    one, other = seal(LINK, purpose="link"), seal(LINK, purpose="link")

    assert one != other
    assert b"desk" not in one


def test_a_seal_is_read_from_what_the_database_gives() -> None:
    assert unseal(memoryview(seal(LINK, purpose="link")), purpose="link") == LINK


def test_another_purpose_cannot_read_a_seal() -> None:
    sealed = seal(LINK, purpose="link")

    with pytest.raises(SealBroken):
        unseal(sealed, purpose="password")


@pytest.mark.parametrize("position", [0, 1, 12, 13, -1])
def test_a_changed_seal_is_refused(position: int) -> None:
    sealed = bytearray(seal(LINK, purpose="link"))
    sealed[position] ^= 1

    with pytest.raises(SealBroken):
        unseal(bytes(sealed), purpose="link")


@pytest.mark.parametrize("length", [0, 1, 12, 13, 20])
def test_a_shortened_seal_is_refused(length: int) -> None:
    with pytest.raises(SealBroken):
        unseal(seal(LINK, purpose="link")[:length], purpose="link")


def test_a_new_key_seals_and_the_old_one_still_reads(settings: Settings) -> None:
    settings.SECRET_KEYS = [OLD]
    sealed = seal(LINK, purpose="link")

    settings.SECRET_KEYS = [NEW, OLD]

    assert unseal(sealed, purpose="link") == LINK
    assert needs_resealing(sealed)
    assert not needs_resealing(seal(LINK, purpose="link"))


def test_a_key_that_is_gone_reads_nothing(settings: Settings) -> None:
    settings.SECRET_KEYS = [OLD]
    sealed = seal(LINK, purpose="link")

    settings.SECRET_KEYS = [NEW]

    with pytest.raises(SealBroken):
        unseal(sealed, purpose="link")


def test_keys_that_share_an_id_do_not_hide_each_other(settings: Settings) -> None:
    # Among 257 keys two begin with the same byte.
    seen: dict[bytes, str] = {}
    for number in range(257):
        key = f"{number:040}"
        settings.SECRET_KEYS = [key]
        other = seen.setdefault(seal("", purpose="x")[:1], key)
        if other != key:
            break
    sealed = seal(LINK, purpose="link")

    settings.SECRET_KEYS = [other, key]

    assert unseal(sealed, purpose="link") == LINK


def test_a_fingerprint_finds_a_secret_after_the_key_was_changed(
    settings: Settings,
) -> None:
    settings.SECRET_KEYS = [OLD]
    kept = fingerprint("abcdefghj", purpose="ticket")

    settings.SECRET_KEYS = [NEW, OLD]

    newest, old = fingerprints("abcdefghj", purpose="ticket")
    assert (newest, old) == (fingerprint("abcdefghj", purpose="ticket"), kept)
    assert newest != old


def test_fingerprints_differ_by_purpose_and_by_text() -> None:
    prints = {
        fingerprint("abc", purpose="ticket"),
        fingerprint("abc", purpose="code"),
        fingerprint("abd", purpose="ticket"),
        fingerprint("\0abc", purpose="ticke"),
    }

    assert {len(each) for each in prints} == {32}
    assert len(prints) == 4


def test_a_text_that_no_client_can_write_has_a_fingerprint_too() -> None:
    assert len(fingerprint("\ud800", purpose="ticket")) == 32


def test_a_ticket_is_made_of_signs_that_cannot_be_confused() -> None:
    tickets = [new_ticket() for _ in range(500)]

    assert len(set(ALPHABET)) == 32
    assert not set("lo01") & set(ALPHABET)
    assert {len(ticket) for ticket in tickets} == {9}
    assert set("".join(tickets)) == set(ALPHABET)
    assert len(set(tickets)) == 500


def test_an_api_key_is_found_by_its_prefix_and_proven_by_its_digest() -> None:
    key = new_api_key("ab12cd34")

    assert key.text.startswith("fd_ab12cd34_")
    assert len(key.text) == len("fd_ab12cd34_") + 40
    assert key.prefix == "ab12cd34"
    assert key.digest == digest_of(key.text)
    assert key.text not in repr(key)


@pytest.mark.parametrize("prefix", ["", "a_b", "ä", "a b"])
def test_a_prefix_that_would_blur_the_key_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        new_api_key(prefix)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [("a", "a", True), ("a", b"a", True), ("ä", "ä", True), ("a", "b", False), ("a", "", False)],
)
def test_secrets_are_compared_as_texts_or_bytes(
    one: str | bytes, other: str | bytes, equal: bool
) -> None:
    assert same(one, other) is equal


@pytest.mark.parametrize(
    ("link", "masked"),
    [
        (LINK, "https://desk.example/q/***"),
        (f"{LINK}/?a=b#c", "https://desk.example/q/***"),
        ("https://user:secret@desk.example:8443/q/x", "https://desk.example:8443/q/***"),
        ("https://desk.example/", "https://desk.example/"),
        ("https://desk.example?token=x", "https://desk.example"),
        ("/q/abcdefghj", "/q/***"),
    ],
)
def test_a_masked_link_shows_where_it_leads_and_no_secret(link: str, masked: str) -> None:
    assert mask_link(link) == masked


def test_keys_are_derived_once_for_each_ring(settings: Settings) -> None:
    settings.SECRET_KEYS = [OLD]

    assert secrets._keys() is secrets._keys()
