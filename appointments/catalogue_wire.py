"""Entries of the catalogue exactly as the booking webhook and the API show them.

What has no value is null, and every member is there (contract, appointment-webhook, conventions).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from appointments.models import (
    Answer,
    LeadSegment,
    Listing,
    Office,
    Question,
    Subject,
    SubjectGroup,
)
from config.kernel.wording import entries_of

JsonObject = dict[str, Any]


def instant(moment: datetime) -> str:
    """Give a moment with the offset +00:00, which the webhook wants (r31)."""
    return moment.astimezone(UTC).isoformat()


def translations(texts: Mapping[str, str]) -> list[JsonObject]:
    """Give a text in its languages, one entry for each, in the order of their codes (r63)."""
    return list(entries_of(texts))


def location(place: Mapping[str, Any] | None) -> JsonObject | None:
    """Give a place (schema Location), or null where there is none."""
    if place is None:
        return None
    return {
        "postalCode": place.get("postalCode") or None,
        "countryCode": place["countryCode"],
        "geolocation": {
            "latitude": place["geolocation"]["latitude"],
            "longitude": place["geolocation"]["longitude"],
        },
        "translations": {
            name: _in_order(place["translations"].get(name, []))
            for name in ("city", "street1", "street2", "state")
        },
    }


def subject(one: Subject) -> JsonObject:
    """Give a subject with its group (schema Subject); the caller has fetched the group."""
    return {
        "id": str(one.id),
        "externalId": one.external_id or None,
        "enabledForCustomerUse": one.is_for_customers,
        "enabledForInternalUse": one.is_for_employees,
        "order": one.order,
        "cancellationByAgentFormId": _id(one.cancellation_by_agent_form_id),
        "cancellationByCustomerFormId": _id(one.cancellation_by_customer_form_id),
        "completionByAgentFormId": _id(one.completion_by_agent_form_id),
        "questionnaireFormId": _id(one.questionnaire_form_id),
        "subjectGroup": subject_group(one.group),
        "translations": {
            "name": translations(one.name),
            "description": translations(one.description),
            "instructions": translations(one.instructions),
        },
        **_dates(one),
    }


def subject_group(one: SubjectGroup) -> JsonObject:
    """Give a group of subjects (schema SubjectGroup)."""
    return {
        "id": str(one.id),
        "externalId": one.external_id or None,
        "order": one.order,
        "color": one.color or None,
        "image": one.image or None,
        "translations": {"name": translations(one.name)},
        **_dates(one),
    }


def office(one: Office) -> JsonObject:
    """Give an office (schema Office)."""
    return {
        "id": str(one.id),
        "active": one.is_active,
        "email": one.email or None,
        "externalId": one.external_id or None,
        "phoneNumber": one.phone or None,
        "timeZone": one.timezone,
        "usesIndependentAgents": one.uses_independent_agents,
        "virtual": one.is_virtual,
        "location": location(one.location),
        "translations": {
            "name": translations(one.name),
            "description": translations(one.description),
            "directions": translations(one.directions),
            "parkingInfo": translations(one.parking),
        },
        **_dates(one),
    }


def listing(one: Listing) -> JsonObject:
    """Give a listing (schema Listing)."""
    return {
        "id": str(one.id),
        "active": one.is_active,
        "externalId": one.external_id or None,
        "timeZone": one.timezone or None,
        "location": location(one.location),
        "tags": list(one.tags),
        "translations": {
            "name": translations(one.name),
            "description": translations(one.description),
        },
        **_dates(one),
    }


def lead_segment(one: LeadSegment) -> JsonObject:
    """Give a lead segment (schema LeadSegment); its id is the number, also once it is deleted."""
    return {
        "id": one.number,
        "active": one.is_active,
        "code": one.code,
        "description": one.description or None,
        **_dates(one),
        "deletedAt": instant(one.deleted_at) if one.deleted_at else None,
    }


def question(one: Question) -> JsonObject:
    """Give a question as answers show it (schema Question)."""
    return {
        "id": str(one.id),
        "externalId": one.external_id or None,
        "order": one.order,
        "translations": {"label": translations(one.label)},
    }


def answer(one: Answer) -> JsonObject:
    """Give an answer (schema Answer); the caller has fetched the question."""
    return {
        "id": str(one.id),
        "form": {"id": str(one.question.form_id)},
        "question": question(one.question),
        "answerType": one.type,
        "value": one.value or None,
        "selectedAnswerOptions": one.selected,
        **_dates(one),
    }


def _dates(one: Subject | SubjectGroup | Office | Listing | LeadSegment | Answer) -> JsonObject:
    return {"createdAt": instant(one.created_at), "updatedAt": instant(one.updated_at)}


def _id(key: UUID | None) -> str | None:
    return str(key) if key else None


def _in_order(entries: list[Mapping[str, str]]) -> list[JsonObject]:
    return translations({one["language"]: one["value"] for one in entries})
