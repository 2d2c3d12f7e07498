"""What tests of who may come in have: customers whose tickets the test holds itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from django.utils import timezone

from agents.services import tokens
from agents.services.tokens import CustomerPass
from config.kernel.ids import uuid7

if TYPE_CHECKING:
    from collections.abc import Iterator


class Tickets:
    """Stands in for the appointments: passes by ticket, which can be revoked."""

    def __init__(self) -> None:
        self.passes: dict[str, CustomerPass] = {}

    def give(
        self, ticket: str, organization_id: UUID, *, expires_at: datetime | None = None
    ) -> CustomerPass:
        """Let a customer in by a ticket."""
        appointment_id = uuid7()
        customer = CustomerPass(
            participant_id=uuid7(),
            organization_id=organization_id,
            application_id=uuid7(),
            appointment_id=appointment_id,
            conference_id=appointment_id,
            ticket_fingerprint=ticket.encode(),
            expires_at=expires_at or timezone.now() + timedelta(hours=4),
        )
        self.passes[ticket] = customer
        return customer

    def of_participant(self, participant_id: UUID) -> CustomerPass | None:
        """Give the pass of a participant."""
        return next(
            (each for each in self.passes.values() if each.participant_id == participant_id), None
        )


@pytest.fixture
def tickets() -> Iterator[Tickets]:
    """Give a place of tickets that takes the place of the appointments' own."""
    held = Tickets()
    before = list(tokens._lookups)
    tokens.register_customer_lookup(
        lookup_ticket=held.passes.get, lookup_participant=held.of_participant
    )
    yield held
    tokens._lookups[:] = before
