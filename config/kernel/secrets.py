"""Secrets: sealed where they are read again, fingerprints where they are found, else hashes.

Every key is derived from the settings' SECRET_KEYS: the first seals and signs, all of them read.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

# 32 signs that cannot be taken for one another: no l and 1, no o and 0.
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_API_KEY_SECRET_LENGTH = 40  # 200 bits
_NONCE_LENGTH = 12


class SealBroken(Exception):
    """The text was sealed with a key that is gone, for another purpose, or has been changed."""


@dataclass(frozen=True)
class ApiKey:
    """A new API key; its text is shown once, its prefix and digest are kept."""

    text: str = field(repr=False)
    prefix: str
    digest: bytes = field(repr=False)


@dataclass(frozen=True)
class _Key:
    id: bytes
    cipher: AESGCM
    fingerprinting: bytes


def _derive(secret: str, use: str, length: int) -> bytes:
    expansion = HKDF(SHA256(), length, salt=b"frontdesk", info=use.encode())
    return expansion.derive(secret.encode())


@lru_cache(maxsize=8)
def _ring(texts: tuple[str, ...]) -> tuple[_Key, ...]:
    return tuple(
        _Key(
            id=_derive(text, "key id", 1),
            cipher=AESGCM(_derive(text, "seal", 32)),
            fingerprinting=_derive(text, "fingerprint", 32),
        )
        for text in texts
    )


def _keys() -> tuple[_Key, ...]:
    return _ring(tuple(settings.SECRET_KEYS))


def seal(text: str, *, purpose: str) -> bytes:
    """Encrypt a text so that only the same purpose can read it again."""
    key = _keys()[0]
    nonce = os.urandom(_NONCE_LENGTH)
    return key.id + nonce + key.cipher.encrypt(nonce, text.encode(), purpose.encode())


def unseal(data: bytes | memoryview, *, purpose: str) -> str:
    """Give the text that was sealed for this purpose with any key of the ring.

    Raises SealBroken.
    """
    data = bytes(data)
    key_id, nonce, sealed = data[:1], data[1 : _NONCE_LENGTH + 1], data[_NONCE_LENGTH + 1 :]
    for key in _keys():
        # Two keys may share an id by chance (1 of 256): the cipher tells which one it was.
        if key.id == key_id:
            try:
                return key.cipher.decrypt(nonce, sealed, purpose.encode()).decode()
            except (InvalidTag, ValueError):
                continue
    raise SealBroken("The sealed text cannot be read with any of the keys.")


def needs_resealing(data: bytes | memoryview) -> bool:
    """Tell whether a sealed text was sealed with another key than the newest."""
    return bytes(data[:1]) != _keys()[0].id


def fingerprint(text: str, *, purpose: str) -> bytes:
    """Give the HMAC by which a secret is found again, made with the newest key."""
    return _fingerprint(_keys()[0], text, purpose)


def fingerprints(text: str, *, purpose: str) -> list[bytes]:
    """Give the fingerprints of a secret by all keys, newest first, for looking it up."""
    return [_fingerprint(key, text, purpose) for key in _keys()]


def _fingerprint(key: _Key, text: str, purpose: str) -> bytes:
    message = purpose.encode() + b"\0" + text.encode("utf-8", "surrogatepass")
    return hmac.digest(key.fingerprinting, message, "sha256")


def new_ticket(length: int = 9) -> str:
    """Give a random code that a person can read aloud: five bits a sign."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def new_api_key(prefix: str) -> ApiKey:
    """Give a new API key; the prefix finds it, the digest proves it.

    Raises ValueError for a prefix that is not made of ASCII letters and digits.
    """
    if not (prefix.isascii() and prefix.isalnum()):
        raise ValueError("The prefix of a key is made of letters and digits.")
    text = f"fd_{prefix}_{new_ticket(_API_KEY_SECRET_LENGTH)}"
    return ApiKey(text=text, prefix=prefix, digest=digest_of(text))


def digest_of(key: str) -> bytes:
    """Give the digest by which a key is kept: 200 random bits need no slow hash."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def same(one: str | bytes, other: str | bytes) -> bool:
    """Compare two secrets in a time that does not depend on where they differ."""
    first, second = (
        text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        for text in (one, other)
    )
    return hmac.compare_digest(first, second)


def mask_link(link: str) -> str:
    """Give a link without what makes it a secret: its last segment, query and fragment."""
    parts = urlsplit(link)
    folder, slash, last = parts.path.rstrip("/").rpartition("/")
    path = f"{folder}{slash}***" if last else parts.path
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{path}" if parts.scheme else path
