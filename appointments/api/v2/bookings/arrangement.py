"""What a body may say of what an appointment is about, where it is and how people meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from rest_framework import serializers

from appointments.api.v2.catalogue.fields import LocationField, OptionalTextField
from appointments.models import MeetingType
from appointments.services import Arrangement, GivenAnswer
from config.kernel import limits
from config.kernel.fields import StrictBooleanField, TextField, WholeNumberField

_MINUTE = timedelta(minutes=1)


class AnswerRequest(serializers.Serializer[Any]):
    """An answer to a question of a form: a value, or options where one has to choose."""

    questionId = TextField(source="question_id", max_length=limits.ID_LENGTH)
    value = TextField(
        max_length=limits.NOTES_LENGTH, required=False, allow_blank=True, allow_null=True
    )
    optionIds = serializers.ListField(
        child=TextField(max_length=limits.ID_LENGTH),
        source="option_ids",
        max_length=limits.MAP_ENTRIES,
        required=False,
    )


def answers_field() -> Any:
    """Give the member that takes answers."""
    return AnswerRequest(  # type: ignore[call-arg]  # an option of lists
        many=True, required=False, max_length=limits.MAP_ENTRIES
    )


def answers_of(given: Sequence[Mapping[str, Any]]) -> list[GivenAnswer]:
    """Give answers as the services take them."""
    return [GivenAnswer(**answer) for answer in given]


class ArrangementRequest(serializers.Serializer[Any]):
    """Members that a booking may have; a documented body, which has none, means what it meant."""

    subjectId = OptionalTextField(max_length=limits.ID_LENGTH)
    officeId = OptionalTextField(max_length=limits.ID_LENGTH)
    listingId = OptionalTextField(max_length=limits.ID_LENGTH)
    leadSegmentId = WholeNumberField(
        min_value=0, max_value=2**31 - 1, required=False, allow_null=True
    )
    meetingType = serializers.ChoiceField(choices=MeetingType.choices, required=False)
    hybrid = StrictBooleanField(required=False)
    location = LocationField(required=False, allow_null=True)
    externalId = OptionalTextField(max_length=limits.EXTERNAL_ID_LENGTH)
    trailingBufferTime = WholeNumberField(
        min_value=0,
        max_value=limits.TRAILING_BUFFER_MAX // _MINUTE,
        required=False,
        help_text="Minutes after the end that count as occupied.",
    )
    internalNotes = OptionalTextField(max_length=limits.NOTES_LENGTH)
    callbackRequestId = OptionalTextField(max_length=limits.ID_LENGTH)
    answers = answers_field()


def _same(value: Any) -> Any:
    return value


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _minutes(value: int) -> timedelta:
    return value * _MINUTE


# The member of the body → the appointment's field, and what the service takes for the value.
_FIELDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "subjectId": ("subject", _same),
    "officeId": ("office", _same),
    "listingId": ("listing", _same),
    "leadSegmentId": ("lead_segment", _number),
    "meetingType": ("meeting_type", _same),
    "hybrid": ("is_hybrid", _same),
    "location": ("location", _same),
    "externalId": ("external_id", _same),
    "trailingBufferTime": ("trailing_buffer", _minutes),
    "internalNotes": ("internal_notes", _same),
    "callbackRequestId": ("callback_request_id", _same),
}


def arrangement_of(data: Mapping[str, Any]) -> Arrangement:
    """Give what was said of what an appointment is about, and nothing else."""
    about: dict[str, Any] = {
        field: convert(data[member])
        for member, (field, convert) in _FIELDS.items()
        if member in data
    }
    if "answers" in data:
        about["answers"] = answers_of(data["answers"])
    return about
