"""The first answer to a POST, given again when the same request is repeated within 24 hours."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.db import connection, transaction

from agents.errors import IdempotencyKeyReused, InvalidIdempotencyKey
from agents.models import IdempotentRequest
from config.kernel import limits, secrets
from config.kernel.actors import Actor
from config.kernel.database import retrying
from config.kernel.ids import uuid7

HEADER = "HTTP_IDEMPOTENCY_KEY"
_PURPOSE = "idempotency"
_KEPT = limits.IDEMPOTENCY_KEPT.total_seconds()
_KEY = re.compile(rf"[!-~](?:[ -~]{{0,{limits.IDEMPOTENCY_KEY_LENGTH - 2}}}[!-~])?")

# Whoever comes second waits here for the first to commit; if that one rolls back, it is the first.
_TAKE = f"""
    INSERT INTO {IdempotentRequest._meta.db_table} AS kept
        (id, organization_id, key, body, created_at)
    VALUES (%s, %s, %s, %s, now())
    ON CONFLICT (organization_id, key) DO UPDATE
        SET id = excluded.id, body = excluded.body, status = NULL, answer = NULL,
            created_at = excluded.created_at
        WHERE kept.created_at <= now() - make_interval(secs => %s)
    RETURNING id
"""  # noqa: S608  # the name of our own table


@dataclass(frozen=True)
class Answer:
    """What a request was answered: the status, and the JSON of its body."""

    status: int
    body: bytes = field(repr=False)
    is_replayed: bool = False


def parse_key(text: str) -> str:
    """Give the key of a request: printable ASCII, and not too long.

    Raises InvalidIdempotencyKey.
    """
    if not _KEY.fullmatch(text):
        wanted = f"It is 1 to {limits.IDEMPOTENCY_KEY_LENGTH} printable ASCII characters."
        raise InvalidIdempotencyKey(errors={"Idempotency-Key": [wanted]})
    return text


def fingerprint_of(path: str, query: str, body: bytes) -> bytes:
    """Give what tells requests apart; the closing slash of the path does not."""
    head = f"{path.rstrip('/')}?{query}\0".encode()
    return hashlib.sha256(head + body).digest()


@retrying
def once(key: str, *, actor: Actor, body: bytes, command: Callable[[], Answer]) -> Answer:
    """Carry out a request unless it has been before; give its answer, or the first one again.

    The key, the change and the answer are one transaction: a crash leaves nothing behind, and a
    refusal is not kept. Raises IdempotencyKeyReused, and whatever the command raises.
    """
    if actor.organization_id is None:
        return command()
    # A plain hash: it must stay the same when our own keys are rotated.
    name = hashlib.sha256(f"{actor.kind}\0{actor.id}\0{key}".encode()).digest()
    with transaction.atomic():
        row_id = _take(actor.organization_id, name, body)
        if row_id is None:
            return _first_answer(actor.organization_id, name, body)
        answer = command()
        _keep(row_id, answer)
    return answer


def _take(organization_id: UUID, name: bytes, body: bytes) -> UUID | None:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [uuid7(), organization_id, name, body, _KEPT])
        row = cursor.fetchone()
    return row[0] if row else None


def _keep(row_id: UUID, answer: Answer) -> None:
    kept = IdempotentRequest.objects.filter(pk=row_id)
    if 200 <= answer.status < 300:
        # It may hold the addresses by which customers get in.
        sealed = secrets.seal(answer.body.decode(), purpose=_PURPOSE)
        kept.update(status=answer.status, answer=sealed)
    else:
        kept.delete()


def _first_answer(organization_id: UUID, name: bytes, body: bytes) -> Answer:
    kept = IdempotentRequest.objects.get(organization_id=organization_id, key=name)
    if bytes(kept.body) != body or kept.status is None or kept.answer is None:
        raise IdempotencyKeyReused
    text = secrets.unseal(kept.answer, purpose=_PURPOSE)
    return replace(Answer(kept.status, text.encode()), is_replayed=True)
