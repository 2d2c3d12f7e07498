"""Tokens of an outside issuer: its keys, its claims, and what they can and cannot do."""

from __future__ import annotations

import base64
import hmac
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from agents.errors import Unauthenticated
from agents.models import ExternalIdentity, User
from agents.services import issuer
from agents.services.callers import actor_of
from config.kernel.actors import Actor, ActorKind, Role
from tests import make
from tests.agents.keys import AUDIENCE, ISSUER, Provider, ec_provider, rsa_provider

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django import Settings

    from tests.agents.conftest import Tickets

pytestmark = [pytest.mark.django_db, pytest.mark.rule("frontdesk.bearer.r9")]

ROLES = ["ROLE_AGENT", "ROLE_SUPERVISOR"]


def proven(token: str) -> Actor:
    return actor_of(token, origin="test")


def map_subject(user: User, subject: str, *, name: str = ISSUER) -> None:
    organization_id = user.organization_id
    assert organization_id is not None
    ExternalIdentity.objects.create(
        organization_id=organization_id, user=user, issuer=name, subject=subject
    )


@pytest.fixture(scope="module")
def rsa() -> Provider:
    return rsa_provider()


@pytest.fixture(autouse=True)
def _configured(settings: Settings, rsa: Provider) -> None:
    # A port of this machine may have served the keys of another test.
    issuer._key_sets.clear()
    settings.AGENTS_OUTSIDE_ISSUER = rsa.settings


@pytest.fixture
def ada() -> User:
    user = make.make_user(roles=[Role.AGENT, Role.SUPERVISOR])
    map_subject(user, "ada|42")
    return user


def test_a_mapped_subject_is_the_user(rsa: Provider, ada: User) -> None:
    actor = proven(rsa.token("ada|42", roles=ROLES))

    assert (actor.kind, actor.id, actor.organization_id) == (
        ActorKind.USER,
        str(ada.pk),
        ada.organization_id,
    )
    assert actor.roles == {Role.AGENT, Role.SUPERVISOR}


def test_es256_is_taken_where_the_settings_say_so(settings: Settings, ada: User) -> None:
    elliptic = ec_provider()
    settings.AGENTS_OUTSIDE_ISSUER = elliptic.settings

    assert proven(elliptic.token("ada|42", roles=ROLES)).id == str(ada.pk)


def test_our_own_tokens_are_taken_beside_it(ada: User) -> None:
    assert proven(make.token_for(ada)).id == str(ada.pk)


@pytest.mark.parametrize(
    "subject",
    ["somebody-else", "", "ADA|42", "ada|42 "],
)
def test_an_unmapped_subject_is_refused(rsa: Provider, ada: User, subject: str) -> None:
    with pytest.raises(Unauthenticated):
        proven(rsa.token(subject, roles=ROLES))


def test_the_id_of_a_user_of_ours_maps_nobody(rsa: Provider, ada: User) -> None:
    with pytest.raises(Unauthenticated):
        proven(rsa.token(str(ada.pk), roles=ROLES))


def test_the_same_subject_of_another_issuer_is_somebody_else(rsa: Provider) -> None:
    user = make.make_user()
    map_subject(user, "bob", name="https://other.example")

    with pytest.raises(Unauthenticated):
        proven(rsa.token("bob", roles=ROLES))


def test_roles_can_be_narrowed_but_not_widened(rsa: Provider, ada: User) -> None:
    token = rsa.token("ada|42", roles=["ROLE_AGENT", "ROLE_ADMIN", "ROLE_CLIENT_SERVICE"])

    assert proven(token).roles == {Role.AGENT}


def test_a_token_without_roles_has_none(rsa: Provider, ada: User) -> None:
    assert proven(rsa.token("ada|42")).roles == frozenset()


def test_without_a_name_for_the_claim_the_roles_are_the_users(
    rsa: Provider, ada: User, settings: Settings
) -> None:
    settings.AGENTS_OUTSIDE_ISSUER = rsa.settings | {"roles_claim": ""}

    assert proven(rsa.token("ada|42")).roles == {Role.AGENT, Role.SUPERVISOR}


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ROLES}}),
        ("https://example.org/roles", {"https://example.org/roles": ROLES}),
        ("scope", {"scope": " ".join(ROLES)}),
    ],
)
def test_claim_names_come_from_the_settings(
    rsa: Provider, ada: User, settings: Settings, name: str, claims: dict[str, Any]
) -> None:
    settings.AGENTS_OUTSIDE_ISSUER = rsa.settings | {"roles_claim": name}

    assert proven(rsa.token("ada|42", **claims)).roles == {Role.AGENT, Role.SUPERVISOR}


def test_another_organization_is_refused(rsa: Provider, ada: User) -> None:
    good = rsa.token("ada|42", roles=ROLES, organization_id=str(ada.organization_id))
    bad = rsa.token("ada|42", roles=ROLES, organization_id=str(make.make_organization().pk))

    assert proven(good).id == str(ada.pk)
    with pytest.raises(Unauthenticated):
        proven(bad)


def test_a_deactivated_user_is_refused(rsa: Provider, ada: User) -> None:
    ada.is_active = False
    ada.save()

    with pytest.raises(Unauthenticated):
        proven(rsa.token("ada|42", roles=ROLES))


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "somebody-else"},
        {"exp": int(time.time()) - 1},
        {"nbf": int(time.time()) + 86_400},
        {"iat": int(time.time()) + 86_400},
        {"exp": None},
        {"aud": None},
    ],
)
def test_what_is_not_for_us_or_not_for_now_is_refused(
    rsa: Provider, ada: User, claims: dict[str, Any]
) -> None:
    with pytest.raises(Unauthenticated):
        proven(rsa.token("ada|42", roles=ROLES, **claims))


def test_the_public_key_does_not_serve_as_a_secret(rsa: Provider, ada: User) -> None:
    public = rsa.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    _, payload, _ = rsa.token("ada|42", roles=ROLES).split(".")
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"first"}').rstrip(b"=").decode()
    signature = hmac.digest(public, f"{head}.{payload}".encode(), "sha256")
    forged = f"{head}.{payload}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"

    with pytest.raises(Unauthenticated):
        proven(forged)


def test_another_algorithm_of_the_same_key_is_refused(rsa: Provider, ada: User) -> None:
    claims = jwt.decode(rsa.token("ada|42", roles=ROLES), options={"verify_signature": False})

    for algorithm in ("RS512", "PS256"):
        token = jwt.encode(claims, rsa.key, algorithm=algorithm, headers={"kid": rsa.key_id})
        with pytest.raises(Unauthenticated):
            proven(token)


def test_a_stranger_who_names_the_issuer_is_refused(ada: User) -> None:
    with pytest.raises(Unauthenticated):
        proven(rsa_provider().token("ada|42", roles=ROLES))


def test_our_key_does_not_speak_for_the_issuer(ada: User, settings: Settings) -> None:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada|42", "iat": now, "exp": now + 60}
    token = jwt.encode(claims, settings.SECRET_KEYS[0], algorithm="HS256")

    with pytest.raises(Unauthenticated):
        proven(token)


def test_a_customer_is_looked_up_by_the_participant(rsa: Provider, tickets: Tickets) -> None:
    organization = make.make_organization()
    customer = tickets.give("ticket-one", organization.pk)
    claims: dict[str, Any] = {
        "roles": ["ROLE_CUSTOMER"],
        "organization_id": str(organization.pk),
        "conferenceId": str(customer.appointment_id),
    }

    actor = proven(rsa.token(str(customer.participant_id), **claims))

    assert (actor.kind, actor.id) == (ActorKind.CUSTOMER, str(customer.participant_id))
    wrongs: list[dict[str, Any]] = [{"conferenceId": str(uuid4())}, {"organization_id": None}]
    for wrong in wrongs:
        with pytest.raises(Unauthenticated):
            proven(rsa.token(str(customer.participant_id), **{**claims, **wrong}))


# --- Where the keys come from ---------------------------------------------------------------


class _Keys(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, _KeyServer)
        server.asked += 1
        body = server.jwks.encode()
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


class _KeyServer(ThreadingHTTPServer):
    jwks = ""
    status = 200
    asked = 0


@contextmanager
def serving(settings: Settings, jwks: str) -> Iterator[_KeyServer]:
    server = _KeyServer(("127.0.0.1", 0), _Keys)
    server.jwks = jwks
    host = f"127.0.0.1:{server.server_port}"
    settings.OUTGOING_ALLOWED_HOSTS = [host]
    settings.AGENTS_OUTSIDE_ISSUER = settings.AGENTS_OUTSIDE_ISSUER | {
        "jwks": f"http://{host}/keys"
    }
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_keys_are_read_from_a_file(
    rsa: Provider, ada: User, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "keys.json"
    file.write_text(rsa.jwks)
    settings.AGENTS_OUTSIDE_ISSUER = rsa.settings | {"jwks": str(file)}

    assert proven(rsa.token("ada|42", roles=ROLES)).id == str(ada.pk)


def test_keys_are_fetched_once(rsa: Provider, ada: User, settings: Settings) -> None:
    with serving(settings, rsa.jwks) as server:
        for _ in range(3):
            proven(rsa.token("ada|42", roles=ROLES))

        assert server.asked == 1


def test_an_unknown_key_makes_us_ask_again_but_not_each_time(
    rsa: Provider, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = rsa_provider("second")
    clock = Clock()
    monkeypatch.setattr(issuer, "time", clock)
    with serving(settings, rsa.jwks) as server:
        keys = issuer.KeySet(settings.AGENTS_OUTSIDE_ISSUER["jwks"], "RS256")
        keys.key("first")
        for _ in range(5):
            with pytest.raises(Unauthenticated):
                keys.key("second")
        assert server.asked == 1
        server.jwks = second.jwks
        clock.now += 61

        assert keys.key("second").key_id == "second"
        assert server.asked == 2
        with pytest.raises(Unauthenticated):
            keys.key("first")


def test_without_keys_nobody_is_let_in(
    rsa: Provider, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(issuer, "time", clock)
    with serving(settings, rsa.jwks) as server:
        keys = issuer.KeySet(settings.AGENTS_OUTSIDE_ISSUER["jwks"], "RS256")
        keys.key("first")
        server.status = 500
        clock.now += 2 * 60 * 60

        with pytest.raises(Unauthenticated):
            keys.key("first")
        with pytest.raises(Unauthenticated):
            keys.key("first")
        assert server.asked == 2

        server.status = 200
        clock.now += 61
        assert keys.key("first").key_id == "first"


class Clock:
    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.mark.parametrize(
    "jwks",
    [
        "",
        "{}",
        "[]",
        "nonsense",
        '{"keys": 1}',
        '{"keys": [1, {}, {"kty": "RSA", "kid": "first"}]}',
    ],
)
def test_a_key_set_that_cannot_be_read_lets_nobody_in(
    rsa: Provider, settings: Settings, jwks: str
) -> None:
    with serving(settings, jwks):
        keys = issuer.KeySet(settings.AGENTS_OUTSIDE_ISSUER["jwks"], "RS256")

        with pytest.raises(Unauthenticated):
            keys.key("first")


def test_a_key_for_something_else_is_left_out(rsa: Provider) -> None:
    jwks = json.dumps(
        {
            "keys": [
                rsa.jwk | {"kid": "encryption", "use": "enc"},
                rsa.jwk | {"kid": "another", "alg": "RS512"},
                ec_provider("elliptic").jwk,
                rsa.jwk,
            ]
        }
    )

    assert list(issuer.parse_keys(jwks, algorithm="RS256")) == ["first"]


def test_the_key_of_a_token_without_a_key_id_is_the_only_one(rsa: Provider, ada: User) -> None:
    token = rsa.token("ada|42", roles=ROLES, names_key=False)

    assert proven(token).id == str(ada.pk)
