"""How a webhook proves where it comes from: Standard Webhooks, and `x-signature` beside it."""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

PREFIX = "whsec_"
_KEY_LENGTH = 32
_KEY_LENGTHS = range(24, 65)


def new_secret() -> str:
    """Give a new signing secret."""
    return PREFIX + base64.b64encode(os.urandom(_KEY_LENGTH)).decode()


def check_secret(secret: str) -> bytes:
    """Give the key that a signing secret stands for.

    Raises ValueError when it is not `whsec_` and 24 to 64 bytes in base64.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(PREFIX) or len(key) not in _KEY_LENGTHS:
        # The text is not repeated: it is a secret.
        raise ValueError("A signing secret is whsec_ and 24 to 64 bytes in base64.")
    return key


def signed_headers(
    id: str, body: bytes, payload: bytes, *, secrets: Sequence[str], now: datetime
) -> dict[str, str]:
    """Give the headers that prove a webhook, with one signature for each secret, newest first.

    Raises ValueError when there is no secret, or one is malformed.
    """
    if not secrets:
        raise ValueError("There is no signing secret.")
    keys = [check_secret(secret) for secret in secrets]
    text, at = body.decode(), now.astimezone(UTC)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(key).sign(id, at, text) for key in keys),
        "x-signature": hmac.digest(keys[0], payload, "sha256").hex(),
    }
