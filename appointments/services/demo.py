"""The demonstration organisations' catalogue: the same on every installation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from agents.services.demo import PLANS
from appointments.models import (
    AnswerOption,
    Form,
    LeadSegment,
    Listing,
    Office,
    OfficeHours,
    Question,
    QuestionKind,
    Subject,
    SubjectGroup,
)
from appointments.services.catalogue import LEAD_SEGMENTS
from config.kernel.wording import entries_of

Texts = dict[str, str]
Key = Callable[[str], UUID]


def _in(en: str, de: str, el: str) -> Texts:
    return {"en": en, "de": de, "el": el}


@dataclass(frozen=True, kw_only=True)
class _Subject:
    word: str
    name: Texts
    minutes: int = 30
    needs_acceptance: bool = False
    has_questionnaire: bool = False


@dataclass(frozen=True, kw_only=True)
class _Group:
    word: str
    name: Texts
    color: str
    subjects: tuple[_Subject, ...]


@dataclass(frozen=True, kw_only=True)
class _Place:
    postal_code: str
    country: str
    latitude: float
    longitude: float
    city: Texts
    street: Texts

    @property
    def location(self) -> dict[str, Any]:
        """The place as it travels."""
        return {
            "postalCode": self.postal_code,
            "countryCode": self.country,
            "geolocation": {"latitude": self.latitude, "longitude": self.longitude},
            "translations": {
                "city": entries_of(self.city),
                "street1": entries_of(self.street),
                "street2": [],
                "state": [],
            },
        }


@dataclass(frozen=True, kw_only=True)
class _Office:
    word: str
    name: Texts
    timezone: str
    place: _Place
    phone: str = ""
    directions: Texts = field(default_factory=dict)
    parking: Texts = field(default_factory=dict)
    # By weekday; without any it is open whenever somebody works.
    hours: dict[int, tuple[time, time]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Listing:
    name: Texts
    place: _Place
    timezone: str
    tags: tuple[str, ...]


_BERLIN = _Place(
    postal_code="10117",
    country="DE",
    latitude=52.5128,
    longitude=13.389,
    city=_in("Berlin", "Berlin", "Βερολίνο"),
    street={"de": "Friedrichstraße 68"},
)
_ATHENS = _Place(
    postal_code="105 63",
    country="GR",
    latitude=37.9763,
    longitude=23.7322,
    city=_in("Athens", "Athen", "Αθήνα"),
    street={"en": "Ermou 12", "el": "Ερμού 12"},
)
_OFFICES = (
    _Office(
        word="berlin",
        name=_in("Berlin Mitte", "Berlin-Mitte", "Βερολίνο"),
        timezone="Europe/Berlin",
        place=_BERLIN,
        # Numbers that are kept for films, and belong to nobody.
        phone="+49 30 23125 100",
        directions=_in(
            "Two minutes from the station Stadtmitte.",
            "Zwei Minuten vom U-Bahnhof Stadtmitte.",
            "Δύο λεπτά από τον σταθμό Stadtmitte.",
        ),
        parking=_in(
            "In the courtyard, for an hour.",
            "Im Hof, für eine Stunde.",
            "Στην αυλή, για μία ώρα.",
        ),
        hours={**dict.fromkeys(range(1, 6), (time(8), time(18))), 6: (time(10), time(14))},
    ),
    _Office(
        word="athens",
        name=_in("Athens", "Athen", "Αθήνα"),
        timezone="Europe/Athens",
        place=_ATHENS,
        directions=_in("At Syntagma square.", "Am Syntagma-Platz.", "Στην πλατεία Συντάγματος."),
    ),
)
_LEAD_SEGMENTS = {
    "NEW": "People who ask for the first time.",
    "LOYAL": "Customers for more than five years.",
}
_GROUPS: dict[str, tuple[_Group, ...]] = {
    "northwind": (
        _Group(
            word="consultations",
            name=_in("Consultations", "Beratung", "Συμβουλευτική"),
            color="#0a84ff",
            subjects=(
                _Subject(
                    word="first",
                    name=_in("First consultation", "Erstgespräch", "Πρώτη συνάντηση"),
                    minutes=45,
                    has_questionnaire=True,
                ),
                _Subject(
                    word="follow-up",
                    name=_in("Follow-up consultation", "Folgegespräch", "Επόμενη συνάντηση"),
                ),
            ),
        ),
        _Group(
            word="home",
            name=_in("Care at home", "Pflege zu Hause", "Φροντίδα στο σπίτι"),
            color="#34a853",
            subjects=(
                _Subject(
                    word="visit",
                    name=_in("Home visit", "Hausbesuch", "Επίσκεψη στο σπίτι"),
                    minutes=60,
                    needs_acceptance=True,
                ),
                _Subject(
                    word="plan",
                    name=_in("Care plan", "Pflegeplan", "Πλάνο φροντίδας"),
                ),
            ),
        ),
    ),
    "contoso": (
        _Group(
            word="financing",
            name=_in("Financing", "Finanzierung", "Χρηματοδότηση"),
            color="#7a4fd0",
            subjects=(
                _Subject(
                    word="mortgage",
                    name=_in("Mortgage advice", "Baufinanzierung", "Στεγαστικό δάνειο"),
                    minutes=60,
                    has_questionnaire=True,
                ),
                _Subject(
                    word="renewal",
                    name=_in("Loan renewal", "Anschlussfinanzierung", "Ανανέωση δανείου"),
                    needs_acceptance=True,
                ),
            ),
        ),
        _Group(
            word="accounts",
            name=_in("Accounts", "Konten", "Λογαριασμοί"),
            color="#f29900",
            subjects=(
                _Subject(
                    word="opening",
                    name=_in("Account opening", "Kontoeröffnung", "Άνοιγμα λογαριασμού"),
                ),
                _Subject(
                    word="card",
                    name=_in("New card", "Neue Karte", "Νέα κάρτα"),
                    minutes=15,
                ),
            ),
        ),
    ),
}
_LISTINGS = {
    "northwind": _Listing(
        name=_in(
            "A flat with care in Athens", "Betreutes Wohnen in Athen", "Διαμέρισμα στην Αθήνα"
        ),
        place=_ATHENS,
        timezone="Europe/Athens",
        tags=("flat", "lift"),
    ),
    "contoso": _Listing(
        name=_in("A flat in Berlin", "Wohnung in Berlin", "Διαμέρισμα στο Βερολίνο"),
        place=_BERLIN,
        timezone="Europe/Berlin",
        tags=("flat", "balcony"),
    ),
}


@transaction.atomic
def load_catalogue() -> None:
    """Make sure that the demonstration organisations have their catalogue; nothing twice.

    The organisations themselves are there already.
    """
    for plan in PLANS:
        organization_id = plan.id("organization")
        form = _form(organization_id, plan.id)
        for order, group in enumerate(_GROUPS[plan.word]):
            _group(group, order, organization_id, plan.id, form)
        for office in _OFFICES:
            _office(office, organization_id, plan.id, word=plan.word)
        _listing(_LISTINGS[plan.word], organization_id, plan.id)
        for code, description in _LEAD_SEGMENTS.items():
            _lead_segment(code, description, organization_id, plan.id)


def _form(organization_id: UUID, key: Key) -> Form:
    form, is_new = Form.objects.get_or_create(
        id=key("form"), defaults={"organization_id": organization_id, "name": "Before we meet"}
    )
    if not is_new:
        return form
    Question.objects.create(
        id=key("form/about"),
        organization_id=organization_id,
        form=form,
        order=1,
        is_required=True,
        label=_in("What is it about?", "Worum geht es?", "Περί τίνος πρόκειται;"),
    )
    how = Question.objects.create(
        id=key("form/how"),
        organization_id=organization_id,
        form=form,
        order=2,
        kind=QuestionKind.CHOICE,
        label=_in("How do we reach you?", "Wie erreichen wir Sie?", "Πώς σας βρίσκουμε;"),
    )
    for order, value in enumerate(("By phone", "By e-mail"), 1):
        AnswerOption.objects.create(
            id=key(f"form/how/{order}"),
            organization_id=organization_id,
            question=how,
            order=order,
            value=value,
        )
    return form


def _group(group: _Group, order: int, organization_id: UUID, key: Key, form: Form) -> None:
    row, _ = SubjectGroup.objects.get_or_create(
        id=key(f"group/{group.word}"),
        defaults={
            "organization_id": organization_id,
            "name": group.name,
            "order": order,
            "color": group.color,
        },
    )
    for place, subject in enumerate(group.subjects):
        Subject.objects.get_or_create(
            id=key(f"subject/{subject.word}"),
            defaults={
                "organization_id": organization_id,
                "group": row,
                "name": subject.name,
                "order": place,
                "duration": timedelta(minutes=subject.minutes),
                "needs_acceptance": subject.needs_acceptance,
                "questionnaire_form": form if subject.has_questionnaire else None,
            },
        )


def _office(office: _Office, organization_id: UUID, key: Key, *, word: str) -> None:
    row, _ = Office.objects.get_or_create(
        id=key(f"office/{office.word}"),
        defaults={
            "organization_id": organization_id,
            "name": office.name,
            "email": f"{office.word}@{word}.example",
            "phone": office.phone,
            "timezone": office.timezone,
            "location": office.place.location,
            "directions": office.directions,
            "parking": office.parking,
        },
    )
    # What somebody has changed stays as it is.
    if not OfficeHours.objects.filter(office=row).exists():
        OfficeHours.objects.bulk_create(
            OfficeHours(
                id=key(f"office/{office.word}/hours/{weekday}"),
                organization_id=organization_id,
                office=row,
                weekday=weekday,
                starts_at=opens_at,
                ends_at=closes_at,
            )
            for weekday, (opens_at, closes_at) in office.hours.items()
        )


def _listing(listing: _Listing, organization_id: UUID, key: Key) -> None:
    Listing.objects.get_or_create(
        id=key("listing"),
        defaults={
            "organization_id": organization_id,
            "name": listing.name,
            "timezone": listing.timezone,
            "location": listing.place.location,
            "tags": list(listing.tags),
        },
    )


def _lead_segment(code: str, description: str, organization_id: UUID, key: Key) -> None:
    rows = LeadSegment.objects.filter(organization_id=organization_id)
    segment = LeadSegment(
        id=key(f"lead-segment/{code}"),
        organization_id=organization_id,
        code=code,
        description=description,
    )
    # Somebody may have made one with this code.
    if not (rows.filter(pk=segment.pk) | rows.existing().filter(code=code)).exists():
        LEAD_SEGMENTS.number(segment)
        segment.save(force_insert=True)
