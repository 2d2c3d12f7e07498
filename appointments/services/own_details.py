"""What customers change of themselves: names at will, addresses once they have proven them.

Whoever has the link of an appointment can open this. So the address of a customer who booked by
itself stays: it was proven then, and by a link that fell into other hands nobody is to lead away
what is said about the appointment. Other addresses are changed with a code that is sent to the new
one: otherwise anybody could have our messages sent to a stranger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction

from agents.errors import CodeRefused
from agents.models import Application
from agents.services import codes
from agents.services.codes import ProvenCode
from appointments.models import Appointment, OrganizerType, Participant
from appointments.services.case import Case, open_case
from appointments.services.changes import CustomerChange, change_customer
from appointments.services.requests import check_not_begun
from config.kernel.actors import Actor
from config.kernel.database import retrying
from notifications.models import Channel, ChannelSettings

ADDRESSES = ("email", "phone")


@dataclass(frozen=True, kw_only=True)
class OwnDetails:
    """How a customer wants to be called and reached."""

    first_name: str
    last_name: str
    email: str
    phone: str


def addresses_to_change(appointment: Appointment, customer: Participant) -> list[str]:
    """Name the addresses that the customer can change or add."""
    application = appointment.application
    booked = appointment.organizer_type == OrganizerType.CUSTOMER
    is_organizer = booked and appointment.organizer_id == str(customer.pk)
    return [
        name
        for name in ADDRESSES
        if not (is_organizer and getattr(customer, name))
        # Where customers do not book, no codes are sent.
        and (application.customers_may_book or not _is_written_to(application, name))
    ]


def addresses_to_prove(
    customer: Participant, details: OwnDetails, application: Application
) -> list[str]:
    """Name the addresses that are new and get messages."""
    return [
        name
        for name in _new_addresses(customer, details, application)
        if _is_written_to(application, name)
    ]


def _new_addresses(
    customer: Participant, details: OwnDetails, application: Application
) -> list[str]:
    return [
        name
        for name in ADDRESSES
        if (new := _normal(getattr(details, name), application))
        and new != _normal(getattr(customer, name), application)
    ]


def _is_written_to(application: Application, name: str) -> bool:
    """Tell whether messages go there; a number that is only called needs no proof."""
    rows = ChannelSettings.objects.filter(application=application, channel=Channel.SMS, is_on=True)
    return name == "email" or rows.exists()


def _normal(address: str, application: Application) -> str:
    return codes.normalized(address, country=application.default_country) if address else ""


@dataclass(frozen=True, kw_only=True)
class Proofs:
    """What of the new addresses is proven, which were sent a code just now, which code is wrong."""

    proven: list[ProvenCode] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Tell whether every new address is proven."""
        return not (self.asked or self.refused)


def prove_addresses(
    customer: Participant,
    details: OwnDetails,
    application: Application,
    *,
    given: Mapping[str, str],
    sender: str,
    now: datetime,
) -> Proofs:
    """Give the proofs of new addresses by their codes; without one, it has one sent there.

    It stands outside the transaction of the change, which must not forget wrong guesses. Raises
    TooManyAttempts.
    """
    proofs = Proofs()
    for name in addresses_to_prove(customer, details, application):
        address, code = getattr(details, name), given.get(name, "")
        if not code:
            codes.ask_for_code(application, address, sender=sender, now=now)
            proofs.asked.append(name)
            continue
        try:
            proofs.proven.append(codes.check_code(application, address, code, now=now))
        except CodeRefused:
            proofs.refused.append(name)
    return proofs


@retrying
@transaction.atomic
def change_own_details(
    appointment_id: UUID,
    details: OwnDetails,
    *,
    proofs: Sequence[ProvenCode],
    actor: Actor,
    now: datetime,
) -> Case:
    """Write down how a customer wants to be called and reached; no address is taken away.

    Raises AppointmentNotFound, NotYourAppointment, AppointmentIsCancelled, AppointmentIsClosed,
    ParticipantNotFound, CodeRefused.
    """
    case = open_case(appointment_id, actor=actor, now=now)
    case.check_may_ask()
    check_not_begun(case)
    customer = case.find(actor.id)
    new = _new_addresses(customer, details, case.application)
    proven = {one.address for one in proofs}
    unproven = [
        name
        for name in addresses_to_prove(customer, details, case.application)
        if _normal(getattr(details, name), case.application) not in proven
    ]
    if unproven or not set(new) <= set(addresses_to_change(case.appointment, customer)):
        raise CodeRefused
    for proof in proofs:
        codes.use_code(proof, now=now)
    fields = {
        name: getattr(details, name)
        for name in ("first_name", "last_name", *new)
        if getattr(details, name) != getattr(customer, name)
    }
    if fields:
        change_customer(case, CustomerChange(participant_id=str(customer.pk), fields=fields))
        case.save()
    return case
