"""Booking on our own pages: the time is looked at once more, and pressing twice books once."""

from __future__ import annotations

import hashlib
from datetime import datetime
from uuid import UUID

from agents.errors import CodeRefused
from agents.models import Application
from agents.services import idempotency
from appointments.availability import Wanted, free_slots, starting
from appointments.errors import AppointmentNotFound, TimeNotOffered
from appointments.models import Participant
from appointments.services.booking import Booker, Booking, prove_booker, schedule_as_customer
from config.kernel.actors import Actor, ActorKind
from config.kernel.correlation import current_correlation_id
from config.kernel.time import format_instant

ORIGIN = "page"


def is_offered(wanted: Wanted, start: datetime, *, now: datetime) -> bool:
    """Tell whether customers can have this very start."""
    found = free_slots(starting(wanted, start), now=now, names_agents=False)
    return any(slot.start == start for slot in found)


def book_online(
    booking: Booking,
    *,
    application: Application,
    wanted: Wanted,
    address: str,
    code: str,
    key: str,
    sender: str,
    now: datetime,
) -> Participant:
    """Book as the customer who proves an address, and give its participation.

    Whoever books the same again with the same key is given what it has booked, though its code is
    used.
    Raises TimeNotOffered, AppointmentNotFound, and what `prove_booker` and `schedule_as_customer`
    raise.
    """
    if not code:
        # To prove_booker that would be a wish for a new one.
        raise CodeRefused
    booker = _prove(application, address=address, code=code, sender=sender, now=now)

    def carry_out() -> idempotency.Answer:
        if booker is None:
            raise CodeRefused
        if not is_offered(wanted, booking.start, now=now):
            raise TimeNotOffered
        case = schedule_as_customer(booking, booker=booker, origin=ORIGIN, now=now)
        return idempotency.Answer(200, case.actor.id.encode())

    what = _what(booking, address)
    answer = idempotency.once(
        # One page can book several times, with a code for each.
        f"{key}:{what.hex()}",
        actor=_nobody(application),
        body=what,
        command=carry_out,
    )
    rows = Participant.objects.select_related("appointment")
    booked = rows.filter(pk=UUID(answer.body.decode())).first()
    if booked is None:
        # It was taken back meanwhile.
        raise AppointmentNotFound
    return booked


def _prove(
    application: Application, *, address: str, code: str, sender: str, now: datetime
) -> Booker | None:
    try:
        return prove_booker(str(application.pk), address=address, code=code, sender=sender, now=now)
    except CodeRefused:
        # It is counted; perhaps it was used a moment ago, by this very booking.
        return None


def _what(booking: Booking, address: str) -> bytes:
    facts = [format_instant(booking.start), str(booking.duration), address, repr(booking.about)]
    return hashlib.sha256("\0".join(facts).encode()).digest()


def _nobody(application: Application) -> Actor:
    """Give whom the key of a booking is kept for: it stands for whoever holds the page."""
    return Actor(
        kind=ActorKind.CUSTOMER,
        id=str(application.pk),
        organization_id=application.organization_id,
        roles=frozenset(),
        origin=ORIGIN,
        correlation_id=current_correlation_id(),
    )
