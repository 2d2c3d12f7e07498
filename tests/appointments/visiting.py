"""What tests of the customer's pages have in common."""

from __future__ import annotations

from appointments.models import Appointment
from appointments.services.tickets import access_url
from tests import make
from tests.contract import state

PAGES = ["", "/calendar.ics", "/move/", "/cancel/", "/details/"]


def path_of(appointment: Appointment, page: str = "") -> str:
    """Give the path of one of the pages behind the first customer's ticket.

    Raises LookupError when the customer has none.
    """
    link = access_url(make.customers_of(appointment)[0])
    if link is None:
        raise LookupError("The appointment is not active.")
    return f"{link[link.index('/q/') :]}{page}"


def row(appointment: Appointment) -> Appointment:
    """Give the appointment as it is stored now."""
    return Appointment.objects.get(pk=appointment.pk)


def everything() -> dict[str, str]:
    """Give a digest of what is stored, but for the counter of looks at links."""
    return {name: digest for name, digest in state.everything().items() if "counter" not in name}
