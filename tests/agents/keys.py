"""An identity provider of the tests' own: its keys, and tokens that it signs."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ISSUER = "https://login.example.org"
AUDIENCE = "frontdesk-of-example"


@dataclass(frozen=True, kw_only=True)
class Provider:
    """One key with its id; RS256 or ES256."""

    algorithm: str
    key_id: str
    key: Any

    @property
    def jwk(self) -> dict[str, Any]:
        """Give the public half."""
        kind = RSAAlgorithm if self.algorithm == "RS256" else ECAlgorithm
        entry: dict[str, Any] = kind.to_jwk(self.key.public_key(), as_dict=True)
        return entry | {"kid": self.key_id, "use": "sig", "alg": self.algorithm}

    @property
    def jwks(self) -> str:
        """Give the key set as it would be published."""
        return json.dumps({"keys": [self.jwk]})

    @property
    def settings(self) -> dict[str, str]:
        """Give AGENTS_OUTSIDE_ISSUER with the keys inline."""
        return {
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "jwks": self.jwks,
            "algorithm": self.algorithm,
            "roles_claim": "roles",
            "organization_claim": "organization_id",
            "conference_claim": "conferenceId",
        }

    def token(self, subject: str, *, names_key: bool = True, **claims: Any) -> str:
        """Sign a token that is good for five minutes, unless the claims say otherwise."""
        now = int(time.time())
        usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + 300}
        return jwt.encode(
            {**usual, "jti": uuid.uuid4().hex, **claims},
            self.key,
            algorithm=self.algorithm,
            headers={"kid": self.key_id} if names_key else None,
        )


def rsa_provider(key_id: str = "first") -> Provider:
    """Make a provider that signs with RS256."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return Provider(algorithm="RS256", key_id=key_id, key=key)


def ec_provider(key_id: str = "first") -> Provider:
    """Make a provider that signs with ES256."""
    return Provider(algorithm="ES256", key_id=key_id, key=ec.generate_private_key(ec.SECP256R1()))
