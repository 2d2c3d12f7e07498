"""Where a customer meets whom it has an appointment with: a place, a number, or the room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext

from appointments.about import line_of
from appointments.forms_commands import text_in
from appointments.models import MeetingType, Office

if TYPE_CHECKING:
    from appointments.models import Appointment
    from appointments.visit import Visit


@dataclass(frozen=True, kw_only=True)
class Whereabouts:
    """How people meet, with what is needed for it; what is not known is empty."""

    how: str
    name: str = ""
    address: str = ""
    # Where the customer is called, and where it can call.
    called_at: str = ""
    phone: str = ""
    directions: str = ""
    parking: str = ""


def read_whereabouts(visit: Visit) -> Whereabouts:
    """Give how and where people meet, in the language of the page."""
    one = visit.appointment
    match MeetingType(one.meeting_type):
        case MeetingType.VIDEO:
            return Whereabouts(how=gettext("By video"))
        case MeetingType.PHONE:
            office = _office_of(one)
            return Whereabouts(
                how=gettext("By phone"),
                called_at=visit.customer.phone if visit.customer else "",
                phone=office.phone if office else "",
            )
        case MeetingType.ON_LOCATION:
            return Whereabouts(
                how=gettext("On location"),
                address=line_of(one.location or {}, language=visit.language),
            )
        case MeetingType.OFFICE:
            return _at_the_office(one, visit.language)


def _at_the_office(one: Appointment, language: str) -> Whereabouts:
    office = _office_of(one)
    if office is None:
        return Whereabouts(how=gettext("At our office"))
    return Whereabouts(
        how=gettext("At our office"),
        name=text_in(office.name, language),
        address=line_of(office.location, language=language),
        phone=office.phone,
        directions=text_in(office.directions, language),
        parking=text_in(office.parking, language),
    )


def _office_of(one: Appointment) -> Office | None:
    """Give its office, else the organisation's general one, where that was made already."""
    default = Office.objects.filter(organization_id=one.organization_id, is_default=True)
    named: Office | None = one.office
    return named or default.first()
