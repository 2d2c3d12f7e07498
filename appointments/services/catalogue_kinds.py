"""The six kinds of entries: what each consists of, what is well-formed, and what rests on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from agents.models import Organization
from appointments.errors import CodeTaken, EntryInUse
from appointments.models import (
    CalendarFeed,
    Form,
    LeadSegment,
    Listing,
    Office,
    Subject,
    SubjectGroup,
)
from appointments.services import forms
from appointments.services.catalogue_kind import Kind, Rule
from config.kernel import limits
from config.kernel.actors import Actor
from config.kernel.time import parse_zone
from config.kernel.wording import Malformed, checked_location, checked_texts

_NUMBER_MAX = 2**31 - 1


# --- What is well-formed ----------------------------------------------------------------------

_name: Rule = partial(checked_texts, longest=limits.TITLE_LENGTH, is_needed=True)


def _text(value: str, *, longest: int) -> str:
    if len(value) > longest:
        raise Malformed({"": [f"It has at most {longest} characters."]})
    return value


def _zone(value: str) -> str:
    try:
        return parse_zone(value).key
    except ValueError as error:
        raise Malformed({"": [str(error)]}) from None


def _zone_or_none(value: str) -> str:
    return _zone(value) if value else ""


def _place_or_none(value: object) -> dict[str, Any] | None:
    return None if value is None else checked_location(value)


def _length(value: timedelta) -> timedelta:
    if not timedelta(0) < value <= limits.DURATION_MAX:
        raise Malformed({"": [f"It is longer than zero and at most {limits.DURATION_MAX}."]})
    return value


def _tags(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(tag, str) and tag for tag in value):
        raise Malformed({"": ["It is a list of words."]})
    if len(value) > limits.TAGS_MAX or any(len(tag) > limits.TITLE_LENGTH for tag in value):
        raise Malformed(
            {"": [f"At most {limits.TAGS_MAX} tags, each of {limits.TITLE_LENGTH} characters."]}
        )
    return list(dict.fromkeys(value))


# --- Kinds ------------------------------------------------------------------------------------


class SubjectGroupKind(Kind[SubjectGroup]):
    def check_unused(self, entry: SubjectGroup) -> None:
        """Refuse while it has subjects. Raises EntryInUse."""
        if entry.subjects.exists():
            raise EntryInUse("It has subjects: delete them or give them another group first.")


class OfficeKind(Kind[Office]):
    def check_unused(self, entry: Office) -> None:
        """Refuse while appointments or calendars have it. Raises EntryInUse."""
        super().check_unused(entry)
        if CalendarFeed.objects.filter(office=entry, revoked_at=None).exists():
            raise EntryInUse("It has calendar feeds that somebody reads: revoke them first.")

    def remove(self, entry: Office, *, now: datetime) -> None:
        """Delete it with its revoked feeds, which nobody can read."""
        CalendarFeed.objects.filter(office=entry).delete()
        super().remove(entry, now=now)


class LeadSegmentKind(Kind[LeadSegment]):
    def rows(self, actor: Actor) -> QuerySet[LeadSegment]:
        """Give those that have not been deleted."""
        return LeadSegment.objects.visible_to(actor).existing()

    def find(self, rows: QuerySet[LeadSegment], entry_id: str) -> LeadSegment | None:
        """Give the row with this number."""
        # Other digits than ASCII's are digits to Python too; a long row of them costs time.
        is_number = entry_id.isascii() and entry_id.isdigit() and len(entry_id) <= 10
        if not is_number or int(entry_id) > _NUMBER_MAX:
            return None
        return rows.filter(number=int(entry_id)).first()

    def number(self, entry: LeadSegment) -> None:
        """Take the organisation's next number; those who make one wait for each other."""
        # Without touching its key: bookings of the organisation go on.
        rows = Organization.objects.select_for_update(no_key=True)
        organization = rows.get(pk=entry.organization_id)
        entry.number = organization.next_lead_segment_number
        organization.next_lead_segment_number += 1
        organization.save(update_fields=["next_lead_segment_number"])

    def check_unused(self, entry: LeadSegment) -> None:
        """Let it go: its row stays for the appointments that have it (r72)."""

    def remove(self, entry: LeadSegment, *, now: datetime) -> None:
        """Keep the row, and when it was deleted."""
        entry.deleted_at = entry.updated_at = now
        entry.save(update_fields=["deleted_at", "updated_at"])


class FormKind(Kind[Form]):
    def checked(self, values: Mapping[str, Any], *, organization_id: UUID) -> dict[str, Any]:
        """Give the columns, and the questions. Raises InvalidEntry."""
        checked = super().checked(values, organization_id=organization_id)
        return checked | {"questions": forms.checked_questions(values.get("questions", ()))}

    def check_unused(self, entry: Form) -> None:
        """Refuse while subjects have it, or answers need it. Raises EntryInUse."""
        forms.check_unused(entry)

    def remove(self, entry: Form, *, now: datetime) -> None:
        """Delete it with its questions."""
        forms.delete_questions(list(entry.questions.all()))
        super().remove(entry, now=now)

    def write_parts(self, entry: Form, values: Mapping[str, Any], *, now: datetime) -> bool:
        """Write the questions. Raises InvalidEntry."""
        return forms.write_questions(entry, values["questions"], now=now)

    def with_parts(self, entry: Form) -> Form:
        """Give the form with its questions in their order."""
        return self.with_all_parts(Form.objects.filter(pk=entry.pk)).get()

    def with_all_parts(self, rows: QuerySet[Form]) -> QuerySet[Form]:
        """Let forms come with their questions."""
        return rows.prefetch_related(forms.CURRENT_QUESTIONS)


_DATES = {"createdAt": "created_at", "updatedAt": "updated_at", "externalId": "external_id"}
_NAMES = {
    "name": "translations.name",
    "description": "translations.description",
    "timezone": "timeZone",
}

SUBJECT_GROUPS = SubjectGroupKind(
    name="subject_group",
    model=SubjectGroup,
    columns=("name", "external_id", "order", "color", "image"),
    rules={"name": _name, "image": partial(_text, longest=limits.IMAGE_LENGTH)},
    members=_NAMES,
    sort_fields={"order": "order", **_DATES},
)
SUBJECTS = Kind(
    name="subject",
    model=Subject,
    columns=(
        "name",
        "external_id",
        "group_id",
        "order",
        "is_for_customers",
        "is_for_employees",
        "needs_acceptance",
        "duration",
        "description",
        "instructions",
        "questionnaire_form_id",
        "cancellation_by_agent_form_id",
        "cancellation_by_customer_form_id",
        "completion_by_agent_form_id",
    ),
    rules={
        "name": _name,
        "duration": _length,
        "description": checked_texts,
        "instructions": checked_texts,
    },
    references={
        "group_id": SubjectGroup,
        "questionnaire_form_id": Form,
        "cancellation_by_agent_form_id": Form,
        "cancellation_by_customer_form_id": Form,
        "completion_by_agent_form_id": Form,
    },
    members={
        **_NAMES,
        "group_id": "subjectGroup.id",
        "instructions": "translations.instructions",
        "is_for_customers": "enabledForCustomerUse",
        "is_for_employees": "enabledForInternalUse",
    },
    sort_fields={"order": "order", **_DATES},
    used_as="subject_id",
    in_use="Appointments are about it: set enabledForCustomerUse and enabledForInternalUse to"
    " false, and nobody books it any more.",
)
OFFICES = OfficeKind(
    name="office",
    model=Office,
    columns=(
        "name",
        "external_id",
        "is_active",
        "is_virtual",
        "uses_independent_agents",
        "email",
        "phone",
        "timezone",
        "location",
        "description",
        "directions",
        "parking",
    ),
    rules={
        "name": _name,
        "timezone": _zone,
        "location": checked_location,
        "description": checked_texts,
        "directions": checked_texts,
        "parking": checked_texts,
    },
    members={
        **_NAMES,
        "phone": "phoneNumber",
        "directions": "translations.directions",
        "parking": "translations.parkingInfo",
    },
    sort_fields=_DATES,
    used_as="office_id",
    in_use="Appointments belong to it: set active to false instead.",
)
LISTINGS = Kind(
    name="listing",
    model=Listing,
    columns=("name", "external_id", "is_active", "timezone", "location", "tags", "description"),
    rules={
        "name": _name,
        "timezone": _zone_or_none,
        "location": _place_or_none,
        "tags": _tags,
        "description": checked_texts,
    },
    members=_NAMES,
    sort_fields=_DATES,
    used_as="listing_id",
    in_use="Appointments are about it: set active to false instead.",
)
LEAD_SEGMENTS = LeadSegmentKind(
    name="lead_segment",
    model=LeadSegment,
    columns=("code", "description", "is_active"),
    rules={"description": partial(_text, longest=limits.NOTES_LENGTH)},
    sort_fields={
        "id": "number",
        "code": "code",
        "createdAt": "created_at",
        "updatedAt": "updated_at",
    },
    refusals={"leadsegment_code_unique": CodeTaken},
)
FORMS = FormKind(
    name="form",
    model=Form,
    columns=("name", "external_id"),
    sort_fields={"name": "name", **_DATES},
    parts="questions",
)
KINDS: tuple[Kind[Any], ...] = (
    SUBJECT_GROUPS,
    SUBJECTS,
    OFFICES,
    LISTINGS,
    LEAD_SEGMENTS,
    FORMS,
)
