from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta, timezone

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from notifications.transports.webhooks.signing import check_secret, new_secret, signed_headers

ID = "0190a1b2-0000-7000-8000-000000000001"
PAYLOAD = '{"title":"Größe ✓"}'.encode()
BODY = b'{"id":"1","payload":' + PAYLOAD + b"}"


def test_a_new_secret_is_32_random_bytes() -> None:
    secrets = {new_secret() for _ in range(20)}

    assert {len(check_secret(each)) for each in secrets} == {32}
    assert len(secrets) == 20
    assert all(each.startswith("whsec_") for each in secrets)


@pytest.mark.parametrize("length", [24, 64])
def test_a_secret_of_24_to_64_bytes_is_taken(length: int) -> None:
    key = bytes(range(length))

    assert check_secret("whsec_" + base64.b64encode(key).decode()) == key


@pytest.mark.parametrize(
    "secret",
    [
        *["", "whsec_", "whsec_%%%", "whsec_" + "A" * 31, "whsec_ä"],
        "whsec_" + base64.b64encode(b"a" * 23).decode(),
        "whsec_" + base64.b64encode(b"a" * 65).decode(),
        base64.b64encode(b"a" * 32).decode(),
    ],
)
def test_another_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes") as refusal:
        check_secret(secret)

    assert len(secret) < 7 or secret not in str(refusal.value)


def test_the_public_library_accepts_the_signature(now: datetime) -> None:
    secret = new_secret()

    headers = signed_headers(ID, BODY, PAYLOAD, secrets=[secret], now=now)

    assert Webhook(secret).verify(BODY, headers) == {"id": "1", "payload": {"title": "Größe ✓"}}
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == (ID, f"{now.timestamp():.0f}")


@pytest.mark.parametrize("place", range(0, len(BODY), 5))
def test_a_changed_byte_is_refused(now: datetime, place: int) -> None:
    secret = new_secret()
    headers = signed_headers(ID, BODY, PAYLOAD, secrets=[secret], now=now)
    changed = BODY[:place] + b"~" + BODY[place + 1 :]

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(changed.decode(errors="replace"), headers)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_a_changed_header_is_refused(now: datetime, name: str) -> None:
    secret = new_secret()
    headers = signed_headers(ID, BODY, PAYLOAD, secrets=[secret], now=now)
    headers[name] = headers[name][:-1] + ("1" if headers[name][-1] != "1" else "2")

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, headers)


def test_while_a_secret_is_replaced_either_is_accepted_the_newest_first(now: datetime) -> None:
    newest, older, foreign = new_secret(), new_secret(), new_secret()

    headers = signed_headers(ID, BODY, PAYLOAD, secrets=[newest, older], now=now)

    first, second = headers["webhook-signature"].split(" ")
    alone = signed_headers(ID, BODY, PAYLOAD, secrets=[newest], now=now)["webhook-signature"]
    assert first == alone != second
    for secret in (newest, older):
        Webhook(secret).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(foreign).verify(BODY, headers)


def test_the_other_signature_is_of_the_payload_alone_with_the_newest_secret(
    now: datetime,
) -> None:
    newest, older = new_secret(), new_secret()

    headers = signed_headers(ID, BODY, PAYLOAD, secrets=[newest, older], now=now)

    key = base64.b64decode(newest.removeprefix("whsec_"))
    assert headers["x-signature"] == hmac.new(key, PAYLOAD, hashlib.sha256).hexdigest()


def test_the_moment_is_the_same_in_every_zone(now: datetime) -> None:
    secret, there = new_secret(), now.astimezone(timezone(timedelta(hours=-8)))

    headers = signed_headers(ID, BODY, PAYLOAD, secrets=[secret], now=there)

    assert headers == signed_headers(ID, BODY, PAYLOAD, secrets=[secret], now=now)
    Webhook(secret).verify(BODY, headers)


@pytest.mark.parametrize("secrets", [[], ["whsec_"]])
def test_without_a_proper_secret_nothing_is_signed(now: datetime, secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="secret"):
        signed_headers(ID, BODY, PAYLOAD, secrets=secrets, now=now)
