"""Tokens of participants: what their own links carry (webhook.appointment.post.r57, r59).

A token is the participant's id with a proof that we gave it out, so that it needs no column and is
the same for as long as the participant takes part.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from uuid import UUID

from django.conf import settings

from agents.services import counters
from appointments.errors import TicketUnknown
from appointments.models import Participant
from config.kernel import secrets

_PURPOSE = "participant-page"
_PROOF_BYTES = 16


def token_of(participant_id: UUID) -> str:
    """Give the token of a participant."""
    # By the oldest key: a new one put before it changes no link that is out in the world.
    proof = secrets.fingerprints(str(participant_id), purpose=_PURPOSE)[-1]
    return (
        base64.urlsafe_b64encode(participant_id.bytes + proof[:_PROOF_BYTES]).decode().rstrip("=")
    )


def page_url(participant_id: UUID, page: str) -> str:
    """Give the address of one of a participant's own pages; what is secret comes last in it."""
    return f"{settings.PUBLIC_URL}/a/{page}/{token_of(participant_id)}"


def find_participant_by_token(token: str, *, address: str, now: datetime) -> Participant:
    """Give the participant whose token this is, with its appointment and application.

    A customer's opens what its ticket would, an employee's while it is an agent. Whatever opens
    nothing looks the same. Raises TicketUnknown, TooManyAttempts.
    """
    attempt = counters.take(
        (counters.TICKETS_PER_ADDRESS, counters.network_of(address)),
        (counters.TICKETS_IN_ALL, ""),
        now=now,
    )
    participant_id = proven_participant(token)
    found = (
        Participant.objects.filter(
            pk=participant_id, organization__is_active=True, erased_at__isnull=True
        )
        .select_related("user", "appointment__application__organization", "appointment__subject")
        .first()
        if participant_id
        else None
    )
    if found is None or not _is_let_in(found, now=now):
        raise TicketUnknown
    attempt.give_back()
    return found


def _is_let_in(one: Participant, *, now: datetime) -> bool:
    if one.user is None:
        return not one.appointment.has_expired(now)
    return one.user.is_agent and not one.user.change_password_on_first_login


def proven_participant(token: str) -> UUID | None:
    """Give whose token we once gave out, without asking whether it still opens anything."""
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(data) != 16 + _PROOF_BYTES:
        return None
    key, proof = UUID(bytes=data[:16]), data[16:]
    proofs = secrets.fingerprints(str(key), purpose=_PURPOSE)
    return key if any(secrets.same(proof, one[:_PROOF_BYTES]) for one in proofs) else None
