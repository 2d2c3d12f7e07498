"""Entries of the catalogue for tests, and the bodies that make them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time
from itertools import count
from typing import Any

from django.utils import timezone

from agents.models import Organization
from appointments.models import (
    Answer,
    AnswerType,
    Appointment,
    Form,
    LeadSegment,
    Listing,
    Office,
    OfficeDay,
    OfficeHours,
    QuestionKind,
    Subject,
    SubjectGroup,
)
from appointments.services import catalogue
from appointments.services.catalogue import Kind
from appointments.services.forms import OptionData, QuestionData
from config.kernel.actors import Actor, ActorKind, Role

_numbers = count(1)

BERLIN: dict[str, Any] = {
    "postalCode": "10117",
    "countryCode": "DE",
    "geolocation": {"latitude": 52.517, "longitude": 13.389},
    "translations": {
        "city": [{"value": "Berlin", "language": "de"}],
        "street1": [{"value": "Unter den Linden 21", "language": "de"}],
        "street2": [],
        "state": [],
    },
}


def administrator(organization: Organization) -> Actor:
    """Give somebody who may change the catalogue."""
    return Actor(
        kind=ActorKind.USER,
        id=f"admin-{next(_numbers)}",
        organization_id=organization.id,
        roles=frozenset({Role.ADMIN}),
        origin="test",
    )


def _make(kind: Kind[Any], organization: Organization, **values: Any) -> Any:
    return catalogue.create_entry(
        kind, values, actor=administrator(organization), now=timezone.now()
    )


def make_group(organization: Organization, **values: Any) -> SubjectGroup:
    """Make a group of subjects."""
    made: SubjectGroup = _make(
        catalogue.SUBJECT_GROUPS, organization, **{"name": {"en": "Loans"}} | values
    )
    return made


def make_subject(organization: Organization, **values: Any) -> Subject:
    """Make a subject, in a group of its own unless one is given."""
    group = values.pop("group", None) or make_group(organization)
    given = {"name": {"en": "Mortgages"}, "group_id": group.id} | values
    made: Subject = _make(catalogue.SUBJECTS, organization, **given)
    return made


def make_office(organization: Organization, **values: Any) -> Office:
    """Make an office in Berlin."""
    given = {"name": {"en": "Berlin"}, "location": BERLIN, "timezone": "Europe/Berlin"} | values
    made: Office = _make(catalogue.OFFICES, organization, **given)
    return made


def make_office_hours(
    office: Office,
    starts_at: str = "09:00",
    ends_at: str = "17:00",
    *,
    weekdays: Iterable[int] = range(1, 6),
) -> list[OfficeHours]:
    """Let an office be open on some days of every week; one more call adds another interval."""
    return OfficeHours.objects.bulk_create(
        OfficeHours(
            organization_id=office.organization_id,
            office=office,
            weekday=weekday,
            starts_at=time.fromisoformat(starts_at),
            ends_at=time.fromisoformat(ends_at),
        )
        for weekday in weekdays
    )


def make_office_day(office: Office, day: date, *intervals: tuple[str, str]) -> list[OfficeDay]:
    """Give an office other hours on one day: ("09:00", "12:00"), …; without any it is closed."""
    return OfficeDay.objects.bulk_create(
        OfficeDay(
            organization_id=office.organization_id,
            office=office,
            day=day,
            starts_at=time.fromisoformat(starts_at) if starts_at else None,
            ends_at=time.fromisoformat(ends_at) if ends_at else None,
        )
        for starts_at, ends_at in intervals or [("", "")]
    )


def make_listing(organization: Organization, **values: Any) -> Listing:
    """Make a listing without a place."""
    made: Listing = _make(catalogue.LISTINGS, organization, **{"name": {"en": "A house"}} | values)
    return made


def new_code() -> str:
    """Give a code that no lead segment has."""
    return f"L{next(_numbers)}"


def make_lead_segment(organization: Organization, **values: Any) -> LeadSegment:
    """Make a lead segment with a code of its own."""
    made: LeadSegment = _make(
        catalogue.LEAD_SEGMENTS, organization, **{"code": new_code()} | values
    )
    return made


def make_form(organization: Organization, *questions: QuestionData, **values: Any) -> Form:
    """Make a form with these questions."""
    made: Form = _make(
        catalogue.FORMS, organization, **{"name": "Before we meet", "questions": questions} | values
    )
    return made


def fill_catalogue(booked: Appointment) -> None:
    """Make one entry of each kind, and let an appointment have them all, and an answer."""
    house = booked.organization
    form = make_form(
        house,
        QuestionData(
            label={"en": "How?"}, kind=QuestionKind.CHOICE, options=(OptionData(value="By mail"),)
        ),
    )
    names = ("questionnaire", "cancellation_by_agent", "cancellation_by_customer")
    forms = {f"{name}_form_id": form.id for name in (*names, "completion_by_agent")}
    Appointment.objects.filter(pk=booked.pk).update(
        subject=make_subject(house, **forms),
        office=make_office(house),
        listing=make_listing(house),
        lead_segment=make_lead_segment(house),
    )
    Answer.objects.create(
        organization=house,
        appointment=booked,
        question=form.questions.get(),
        type=AnswerType.SUBJECT_QUESTIONNAIRE,
        value="By mail",
    )
