"""What an appointment is about, where it is and how people meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from appointments.errors import EntryNotActive, LocationNeeded, SubjectNotBookable
from appointments.models import AnswerType, Appointment, MeetingType
from appointments.services.answers import record_answers
from appointments.services.case import Case
from appointments.services.catalogue import (
    find_lead_segment,
    find_listing,
    find_office,
    find_subject,
)
from config.kernel.actors import Actor, ActorKind

# By the appointment's fields, what was said and nothing else: an entry of the catalogue by its
# id, and empty where there is to be none; under "answers" a list of GivenAnswer.
Arrangement = Mapping[str, Any]

_ENTRIES: Mapping[str, Callable[..., object]] = {
    "subject": find_subject,
    "office": find_office,
    "listing": find_listing,
    "lead_segment": find_lead_segment,
}
_MEMBERS = {"office": "officeId", "listing": "listingId", "lead_segment": "leadSegmentId"}
_ANSWERS = "answers"


def arrange(case: Case, wanted: Arrangement) -> list[str]:
    """Set what was said of an appointment, and give the names of what has changed.

    Raises SubjectUnknown, OfficeUnknown, ListingUnknown, LeadSegmentUnknown, EntryNotActive,
    SubjectNotBookable, LocationNeeded.
    """
    appointment = case.appointment
    changed = []
    for name, value in wanted.items():
        if name == _ANSWERS:
            continue
        new = _entry(name, value, case.actor) if name in _ENTRIES else value
        if getattr(appointment, name) != new:
            setattr(appointment, name, new)
            changed.append(name)
    _check_subject(case, changed)
    if appointment.meeting_type == MeetingType.ON_LOCATION and not appointment.location:
        raise LocationNeeded(errors={"location": [LocationNeeded.message]})
    return changed


def needs_acceptance(appointment: Appointment) -> bool:
    """Tell whether what a customer books is a request until somebody accepts it."""
    subject = appointment.subject_in_force
    return subject is not None and subject.needs_acceptance


def answer_questionnaire(case: Case, wanted: Arrangement) -> list[str]:
    """Keep the answers to the questionnaire of the subject, where some were given.

    Gives the name of what has changed. Raises what `record_answers` raises.
    """
    if _ANSWERS not in wanted:
        return []
    has_changed = record_answers(
        case,
        wanted[_ANSWERS],
        form=case.appointment.form_for(AnswerType.SUBJECT_QUESTIONNAIRE),
        type=AnswerType.SUBJECT_QUESTIONNAIRE,
    )
    case.answers += has_changed
    return [_ANSWERS] if has_changed else []


def _entry(name: str, value: str, actor: Actor) -> object | None:
    if not value:
        return None
    entry = _ENTRIES[name](value, actor=actor)
    if not getattr(entry, "is_active", True):
        raise EntryNotActive(errors={_MEMBERS[name]: [EntryNotActive.message]})
    return entry


def _check_subject(case: Case, changed: list[str]) -> None:
    is_customer = case.actor.kind == ActorKind.CUSTOMER
    # Customers who name none book the general one.
    subject = case.appointment.subject_in_force if is_customer else case.appointment.subject
    if subject is None or ("subject" not in changed and not is_customer):
        return
    if not (subject.is_for_customers if is_customer else subject.is_for_employees):
        raise SubjectNotBookable(errors={"subjectId": [SubjectNotBookable.message]})
