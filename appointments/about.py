"""What an appointment is about and where, in words for whoever works here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appointments.models import Answer, Appointment

if TYPE_CHECKING:
    from config.kernel.actors import Actor


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A question with what was answered, and on what occasion."""

    occasion: str
    question: str
    answer: str


def read_answers(appointment: Appointment, *, actor: Actor) -> list[Answered]:
    """Give what was answered about an appointment, by occasion and in the order of the form."""
    if appointment.subject_id is None:
        # Only a subject has questions.
        return []
    rows = Answer.objects.visible_to(actor).filter(appointment=appointment)
    return [
        Answered(
            occasion=row.get_type_display(),
            question=str(row.question),
            answer=", ".join(one["value"] for one in row.selected) if row.selected else row.value,
        )
        for row in rows.select_related("question").order_by(
            "-type", "created_at", "question__order", "id"
        )
    ]


def place_of(appointment: Appointment) -> str:
    """Give where people meet that is not the office: one line, or nothing."""
    return line_of(appointment.location) if appointment.location else ""


def buffer_of(appointment: Appointment) -> str:
    """Give how long its agent stays occupied after its end, or nothing."""
    minutes = appointment.trailing_buffer.total_seconds() / 60
    return f"{minutes:g} minutes" if minutes else ""


def line_of(location: Mapping[str, Any], *, language: str = "en") -> str:
    """Give a location as one line: street, city and country."""
    texts = {
        name: _text(entries, language) for name, entries in location.get("translations", {}).items()
    }
    city = f"{location.get('postalCode') or ''} {texts.get('city', '')}".strip()
    country = location.get("countryCode") or ""
    parts = [texts.get("street1"), texts.get("street2"), city, texts.get("state"), country]
    return ", ".join(part for part in parts if part)


def _text(entries: list[Mapping[str, str]] | None, language: str) -> str:
    by_language = {one["language"]: one["value"] for one in entries or ()}
    return (
        by_language.get(language) or by_language.get("en") or next(iter(by_language.values()), "")
    )
