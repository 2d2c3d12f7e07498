"""Tickets: what a customer's link carries, found by fingerprint and shown by unsealing."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now

from agents.models import Application
from agents.services import counters
from agents.services.tokens import CustomerPass
from appointments.errors import TicketUnknown
from appointments.models import Participant, ParticipantType
from config.kernel import secrets

PURPOSE = "ticket"


def issue_ticket(participant: Participant, *, length: int) -> None:
    """Give a customer a way in; one that it has stays as it is."""
    if participant.ticket_sealed is not None:
        return
    ticket = secrets.new_ticket(length)
    # Of nine characters no two are alike; of six, with a million tickets, one in a thousand is.
    while length < 9 and _with_ticket(ticket).exists():
        ticket = secrets.new_ticket(length)
    participant.ticket_fingerprint = secrets.fingerprint(ticket, purpose=PURPOSE)
    participant.ticket_sealed = secrets.seal(ticket, purpose=PURPOSE)


def access_url(participant: Participant) -> str | None:
    """Give the personal link of a customer who has a ticket."""
    if participant.ticket_sealed is None:
        return None
    return access_url_of(participant.ticket_sealed)


def access_url_of(sealed: bytes | memoryview) -> str:
    """Give the personal link of a sealed ticket."""
    return f"{settings.PUBLIC_URL}/q/{secrets.unseal(sealed, purpose=PURPOSE)}"


def find_ticket(ticket: str, *, address: str, now: datetime) -> Participant:
    """Give the participant whose ticket this is, with its appointment and application.

    Unknown, revoked and expired tickets look the same. Raises TicketUnknown, TooManyAttempts.
    """
    attempt = counters.take(
        (counters.TICKETS_PER_ADDRESS, counters.network_of(address)),
        (counters.TICKETS_IN_ALL, ""),
        now=now,
    )
    participant = (
        _with_ticket(ticket).select_related("appointment__application__organization").first()
    )
    if participant is None or participant.appointment.has_expired(now):
        raise TicketUnknown
    attempt.give_back()
    return participant


def _with_ticket(ticket: str) -> QuerySet[Participant]:
    return Participant.objects.filter(
        organization__is_active=True,
        ticket_fingerprint__in=secrets.fingerprints(ticket, purpose=PURPOSE),
    )


def pass_of_ticket(ticket: str) -> CustomerPass | None:
    """Give what the ticket lets in to, expired or not; one for a single use, only once."""
    let_in = _pass(_with_ticket(ticket))
    if let_in is None or _is_reusable(let_in):
        return let_in
    unused = Participant.objects.filter(pk=let_in.participant_id, ticket_used_at__isnull=True)
    # Of two at once, one updates the row.
    return let_in if unused.update(ticket_used_at=Now()) else None


def _is_reusable(let_in: CustomerPass) -> bool:
    application = Application.objects.only("tickets_are_reusable").get(pk=let_in.application_id)
    return application.tickets_are_reusable


def pass_of_participant(participant_id: UUID) -> CustomerPass | None:
    """Give what a customer may reach; None when it was removed or its details were erased."""
    customers = Participant.objects.filter(
        organization__is_active=True, pk=participant_id, type=ParticipantType.CUSTOMER
    )
    return _pass(customers)


def _pass(participants: QuerySet[Participant]) -> CustomerPass | None:
    one = participants.filter(erased_at__isnull=True).select_related("appointment").first()
    expires_at = one.appointment.access_expires_at if one else None
    if one is None or expires_at is None:
        return None
    appointment = one.appointment
    return CustomerPass(
        participant_id=one.id,
        organization_id=one.organization_id,
        application_id=appointment.application_id,
        appointment_id=appointment.id,
        conference_id=appointment.id if appointment.is_active else None,
        ticket_fingerprint=bytes(one.ticket_fingerprint or b""),
        expires_at=expires_at,
    )
