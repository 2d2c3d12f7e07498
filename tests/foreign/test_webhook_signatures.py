"""The libraries of Standard Webhooks accept what we sign, and nothing that was touched."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import orjson
import pytest
from django.utils import timezone

from config.kernel.secrets import seal
from notifications.models import SigningSecret
from notifications.transports.webhooks.signing import new_secret, signed_headers
from notifications.webhook_lane import deliver_due
from tests.foreign.packages import HERE, LOCK
from tests.foreign.verifiers import Signed
from tests.notifications.hooks import make_event, make_hook
from tests.notifications.ledger import make_application
from tests.notifications.webhooks import receivers

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_django import Settings

    from tests.foreign.verifiers import Verifier

ID = "0190a1b2-0000-7000-8000-000000000001"
PAYLOAD = '{"title":"Größe ✓ 😀"}'.encode()
BODY = b'{"id":"1","payload":' + PAYLOAD + b"}"
OLD = timedelta(minutes=6)


def signed(*secrets: str, at: datetime) -> Signed:
    headers = signed_headers(ID, BODY, PAYLOAD, secrets=secrets, now=at)
    return Signed(body=BODY, headers=headers)


def test_what_we_sign_is_accepted_and_read(verifier: Verifier, now: datetime) -> None:
    secret = new_secret()

    verdict = verifier(signed(secret, at=now), secret)

    assert verdict.is_accepted
    assert verdict.read == json.loads(BODY)


def test_no_byte_of_the_body_may_change(verifier: Verifier, now: datetime) -> None:
    secret = new_secret()
    ours = signed(secret, at=now)
    places = [0, len(BODY) // 2, len(BODY) - 1]
    touched = [BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :] for at in places]

    verdicts = [
        verifier(Signed(body=body, headers=ours.headers), secret)
        for body in (*touched, BODY[:-1], BODY + b" ", b"")
    ]

    assert not any(verdict.is_accepted for verdict in verdicts)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", "0190a1b2-0000-7000-8000-000000000002"),
        ("webhook-signature", "v1,AAAA"),
        ("webhook-signature", ""),
        ("webhook-timestamp", "soon"),
    ],
)
def test_no_header_of_the_signature_may_change(
    verifier: Verifier, now: datetime, name: str, value: str
) -> None:
    secret = new_secret()
    ours = signed(secret, at=now)

    touched = Signed(body=BODY, headers={**ours.headers, name: value})

    assert not verifier(touched, secret).is_accepted


def test_the_moment_is_signed_too(verifier: Verifier, now: datetime) -> None:
    secret = new_secret()
    ours = signed(secret, at=now)
    later = str(int(ours.headers["webhook-timestamp"]) + 1)

    touched = Signed(body=BODY, headers={**ours.headers, "webhook-timestamp": later})

    assert not verifier(touched, secret).is_accepted


@pytest.mark.parametrize("away", [-OLD, OLD], ids=["old", "of the future"])
def test_a_request_of_another_time_is_refused(
    verifier: Verifier, now: datetime, away: timedelta
) -> None:
    secret = new_secret()

    assert not verifier(signed(secret, at=now + away), secret).is_accepted


def test_another_subscriptions_secret_is_refused(verifier: Verifier, now: datetime) -> None:
    assert not verifier(signed(new_secret(), at=now), new_secret()).is_accepted


def test_while_a_secret_is_replaced_both_are_accepted(verifier: Verifier, now: datetime) -> None:
    newest, older, foreign = new_secret(), new_secret(), new_secret()

    request = signed(newest, older, at=now)

    assert verifier(request, newest).is_accepted
    assert verifier(request, older).is_accepted
    assert not verifier(request, foreign).is_accepted


@pytest.mark.django_db
def test_what_arrives_is_accepted_with_every_secret_that_is_valid(
    verifier: Verifier, settings: Settings
) -> None:
    settings.WEBHOOKS_ALLOW_PRIVATE_ADDRESSES = True
    now = timezone.now()
    valid, ended = new_secret(), new_secret()
    with receivers() as receiver_of:
        receiver = receiver_of()
        hook = make_hook(make_application(), receiver)
        for secret, until in ((valid, timedelta(hours=1)), (ended, -timedelta(seconds=1))):
            SigningSecret.objects.create(
                organization=hook.organization,
                subscription=hook,
                sealed=seal(secret, purpose="signing-secret"),
                created_at=now - timedelta(days=1),
                expires_at=now + until,
            )
        one = make_event(hook, payload={"title": "Größe ✓ 😀"})

        assert deliver_due() == 1

    request = Signed(body=receiver.bodies[0], headers=receiver.headers())
    verdict = verifier(request, valid)
    assert verdict.is_accepted
    assert (verdict.read["id"], verdict.read["payload"]) == (
        str(one.id),
        {"title": "Größe ✓ 😀"},
    )
    assert not verifier(request, ended).is_accepted


def test_the_lock_file_names_no_registry_and_has_every_hash() -> None:
    lock = orjson.loads(LOCK.read_bytes())
    packages = {name: facts for name, facts in lock["packages"].items() if name}

    assert "standardwebhooks" in {name.rpartition("/")[2] for name in packages}
    assert all(facts["integrity"].startswith("sha512-") for facts in packages.values())
    assert not any("resolved" in facts for facts in packages.values())
    assert b"://" not in LOCK.read_bytes() + (HERE / "package.json").read_bytes()
