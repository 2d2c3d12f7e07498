"""Tokens that must not be taken, made from one that must."""

from __future__ import annotations

import base64
import json
import time
import uuid
import warnings
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.conf import settings
from jwt.warnings import InsecureKeyLengthWarning

if TYPE_CHECKING:
    from collections.abc import Callable

Claims = dict[str, Any]
STRANGER = "a-key-of-somebody-else-that-is-long-enough-for-any-of-the-algorithms-0123456789"


def claims_of(token: str) -> Claims:
    """Give the claims of a token, unchecked."""
    claims: Claims = jwt.decode(token, options={"verify_signature": False})
    return claims


def signed(claims: Claims, *, key: str | None = None, algorithm: str = "HS256") -> str:
    """Sign claims, with our own key unless another is given."""
    with warnings.catch_warnings():
        # PyJWT warns of a key that is short for SHA-512; nobody is to take such a token anyway.
        warnings.simplefilter("ignore", InsecureKeyLengthWarning)
        return jwt.encode(claims, key or settings.SIMPLE_JWT["SIGNING_KEY"], algorithm=algorithm)


def _segment(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _headed(header: object) -> Callable[[str], str]:
    return lambda good: ".".join([_segment(header), *good.split(".")[1:]])


def _unsigned(name: str) -> Callable[[str], str]:
    return lambda good: f"{_segment({'alg': name, 'typ': 'JWT'})}.{good.split('.')[1]}."


def _with(**changes: object) -> Callable[[str], str]:
    return lambda good: signed(claims_of(good) | changes)


def _lacking(name: str) -> Callable[[str], str]:
    return lambda good: signed({k: v for k, v in claims_of(good).items() if k != name})


def _by(make_key: Callable[[], Any], algorithm: str) -> Callable[[str], str]:
    def make(good: str) -> str:
        pem = make_key().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return jwt.encode(claims_of(good), pem, algorithm=algorithm)

    return make


def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _ec() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _cut(good: str) -> str:
    return good[:-5]


def _payload_changed(good: str) -> str:
    head, _, tail = good.split(".")
    roles = ["ROLE_SUPERVISOR", "ROLE_ADMIN", "ROLE_CLIENT_SERVICE"]
    return ".".join([head, _segment(claims_of(good) | {"roles": roles}), tail])


def _now() -> int:
    return int(time.time())


# name → the Authorization header, from a token that is good
BAD: dict[str, Callable[[str], str]] = {
    "alg none": _unsigned("none"),
    "alg None": _unsigned("None"),
    "alg NONE": _unsigned("NONE"),
    "alg nOnE": _unsigned("nOnE"),
    "alg empty": _unsigned(""),
    "alg none with the old signature": _headed({"alg": "none", "typ": "JWT"}),
    "alg missing": _headed({"typ": "JWT"}),
    "alg null": _headed({"alg": None}),
    "alg a list": _headed({"alg": ["HS256"]}),
    "alg HS512 claimed, HS256 signed": _headed({"alg": "HS512", "typ": "JWT"}),
    "alg HS384 with our key": lambda good: signed(claims_of(good), algorithm="HS384"),
    "alg HS512 with our key": lambda good: signed(claims_of(good), algorithm="HS512"),
    "alg RS256 claimed": _headed({"alg": "RS256", "typ": "JWT"}),
    "RS256 by a stranger": _by(_rsa, "RS256"),
    "PS256 by a stranger": _by(_rsa, "PS256"),
    "ES256 by a stranger": _by(_ec, "ES256"),
    "a stranger's key": lambda good: signed(claims_of(good), key=STRANGER),
    "a stranger's key, another issuer": lambda good: signed(
        claims_of(good) | {"iss": "https://stranger.example"}, key=STRANGER
    ),
    "key taken from the header": lambda good: jwt.encode(
        claims_of(good), STRANGER, algorithm="HS256", headers={"jwk": {"kty": "oct", "k": STRANGER}}
    ),
    "key address in the header": lambda good: jwt.encode(
        claims_of(good), STRANGER, algorithm="HS256", headers={"jku": "http://127.0.0.1:9/jwks"}
    ),
    "kid that climbs": lambda good: jwt.encode(
        claims_of(good), STRANGER, algorithm="HS256", headers={"kid": "../../../../dev/null"}
    ),
    "kid that injects": lambda good: jwt.encode(
        claims_of(good), STRANGER, algorithm="HS256", headers={"kid": "x' UNION SELECT 'k"}
    ),
    "critical extension nobody knows": lambda good: jwt.encode(
        claims_of(good),
        settings.SIMPLE_JWT["SIGNING_KEY"],
        algorithm="HS256",
        headers={"crit": ["exp2"], "exp2": 1},
    ),
    "signature cut": _cut,
    "signature empty": lambda good: good.rpartition(".")[0] + ".",
    "signature missing": lambda good: good.rpartition(".")[0],
    "signature of another token": lambda good: (
        good.rpartition(".")[0] + "." + signed({"sub": "x"}).rpartition(".")[2]
    ),
    "payload changed": _payload_changed,
    "payload empty": lambda good: ".".join([good.split(".")[0], "", good.split(".")[2]]),
    "payload no JSON": lambda good: ".".join(
        [good.split(".")[0], _segment(b"hello"), good.split(".")[2]]
    ),
    "payload a list": lambda good: ".".join(
        [good.split(".")[0], _segment([1]), good.split(".")[2]]
    ),
    "expired": _with(exp=1),
    "expired a minute ago": lambda good: signed(claims_of(good) | {"exp": _now() - 60}),
    "exp a text": _with(exp="tomorrow"),
    "exp null": _with(exp=None),
    "exp negative": _with(exp=-1),
    "iat in the future": lambda good: signed(claims_of(good) | {"iat": _now() + 3600}),
    "iat a text": _with(iat="yesterday"),
    "nbf in the future": lambda good: signed(claims_of(good) | {"nbf": _now() + 3600}),
    "another audience": _with(aud="somebody-else"),
    "no audience in the list": _with(aud=[]),
    "audience null": _with(aud=None),
    "another issuer": _with(iss="somebody-else"),
    "issuer empty": _with(iss=""),
    "no iss": _lacking("iss"),
    "no aud": _lacking("aud"),
    "no exp": _lacking("exp"),
    "no iat": _lacking("iat"),
    "no sub": _lacking("sub"),
    "sub empty": _with(sub=""),
    "sub null": _with(sub=None),
    "sub a number": _with(sub=1),
    "sub with a NUL": _with(sub="a\0b"),
    "sub nobody": _with(sub=str(uuid.UUID(int=1))),
    "another organization": _with(organization_id=str(uuid.UUID(int=2))),
    "organization no UUID": _with(organization_id="1 OR 1=1"),
    "refresh in place of access": _with(token_type="refresh"),
    "three dots": lambda _: "...",
    "one word": lambda _: "token",
    "empty": lambda _: "",
    "not ASCII": lambda _: "tökén.tökén.tökén",
    "very long": lambda good: good + "A" * 5_000,
    "twice": lambda good: f"{good} {good}",
}
