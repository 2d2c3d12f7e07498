"""Tickets: what a customer's link carries, found by fingerprint and shown by unsealing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now

from agents.models import Application
from agents.services import counters
from agents.services.tokens import CustomerPass
from appointments.errors import TicketUnknown
from appointments.models import Appointment, Participant, ParticipantType
from appointments.models.appointment_rows import AppointmentQuerySet
from appointments.services.case import Case
from config.kernel import secrets
from config.kernel.actors import Role

PURPOSE = "ticket"


@dataclass(frozen=True, kw_only=True)
class Admission:
    """What a ticket opens, and whose it is: the appointment's own one is nobody's."""

    appointment: Appointment
    customer: Participant | None


def issue_ticket(participant: Participant, *, length: int) -> None:
    """Give a customer a way in; one that it has stays as it is."""
    if participant.ticket_sealed is not None:
        return
    ticket = _new_ticket(length)
    participant.ticket_fingerprint = secrets.fingerprint(ticket, purpose=PURPOSE)
    participant.ticket_sealed = secrets.seal(ticket, purpose=PURPOSE)


def keep_a_way_in(case: Case) -> bool:
    """Give an active appointment without customers a ticket of its own; false when it needs none.

    Whoever was given its address before the first customer came can still use it afterwards.
    """
    appointment = case.appointment
    if not appointment.is_active or case.customers or appointment.room_ticket_sealed is not None:
        return False
    ticket = _new_ticket(case.application.ticket_length)
    appointment.room_ticket_fingerprint = secrets.fingerprint(ticket, purpose=PURPOSE)
    appointment.room_ticket_sealed = secrets.seal(ticket, purpose=PURPOSE)
    return True


def _new_ticket(length: int) -> str:
    ticket = secrets.new_ticket(length)
    # Of nine characters no two are alike; of six, with a million tickets, one in a thousand is.
    while length < 9 and (_with_ticket(ticket).exists() or _with_room_ticket(ticket).exists()):
        ticket = secrets.new_ticket(length)
    return ticket


def open_where_automatic(case: Case) -> None:
    """Activate what has got its first time, where the application does that by itself."""
    appointment = case.appointment
    if appointment.is_active or not case.application.activates_automatically:
        return
    appointment.activate(now=case.now)
    for customer in case.customers:
        issue_ticket(customer, length=case.application.ticket_length)
    Participant.objects.bulk_update(case.customers, ["ticket_fingerprint", "ticket_sealed"])
    keep_a_way_in(case)


def room_url(case: Case) -> str | None:
    """Give the one link by which somebody who knows of one customer only comes in.

    It is the first customer's, or the appointment's own while it has none; to a customer its own
    is given, because another's would let it pass for the other. None while it is not active.
    """
    appointment = case.appointment
    if not appointment.is_active:
        return None
    customers = case.customers
    if case.actor.has(Role.CUSTOMER):
        customers = [one for one in customers if str(one.id) == case.actor.id]
    elif not customers and appointment.room_ticket_sealed is not None:
        return access_url_of(appointment.room_ticket_sealed)
    return access_url(customers[0]) if customers else None


def access_url(participant: Participant) -> str | None:
    """Give the personal link of a customer who has a ticket."""
    if participant.ticket_sealed is None:
        return None
    return access_url_of(participant.ticket_sealed)


def access_url_of(sealed: bytes | memoryview) -> str:
    """Give the personal link of a sealed ticket."""
    return f"{settings.PUBLIC_URL}/q/{secrets.unseal(sealed, purpose=PURPOSE)}"


def find_ticket(ticket: str, *, address: str, now: datetime) -> Admission:
    """Give the appointment that the ticket opens, with its application, and whose ticket it is.

    Unknown, revoked and expired tickets look the same. Raises TicketUnknown, TooManyAttempts.
    """
    attempt = counters.take(
        (counters.TICKETS_PER_ADDRESS, counters.network_of(address)),
        (counters.TICKETS_IN_ALL, ""),
        now=now,
    )
    admission = _admission(ticket)
    if admission is None or admission.appointment.has_expired(now):
        raise TicketUnknown
    attempt.give_back()
    return admission


def _admission(ticket: str) -> Admission | None:
    customer = _with_ticket(ticket).select_related("appointment__application__organization").first()
    if customer is not None:
        return Admission(appointment=customer.appointment, customer=customer)
    appointment = _with_room_ticket(ticket).select_related("application__organization").first()
    return Admission(appointment=appointment, customer=None) if appointment else None


def _with_room_ticket(ticket: str) -> AppointmentQuerySet:
    return Appointment.objects.filter(
        organization__is_active=True,
        room_ticket_fingerprint__in=secrets.fingerprints(ticket, purpose=PURPOSE),
    )


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
