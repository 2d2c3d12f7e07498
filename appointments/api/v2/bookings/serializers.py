"""The wire of requests, invites and the commands on a booking."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from appointments.api.v2 import serializers as wire
from appointments.api.v2.bookings.arrangement import answers_field
from appointments.models import BookingStatus, MeetingType
from config.kernel import limits
from config.kernel.fields import InstantField, IsoDurationField, TextField, ZoneField


class MessageRequest(serializers.Serializer[Any]):
    """What the acting person writes with a change."""

    message = TextField(
        max_length=limits.MESSAGE_LENGTH, required=False, allow_blank=True, allow_null=True
    )


class RequestRequest(MessageRequest, wire.ScheduleAppointmentRequest):
    """A booking that an employee is to accept."""

    class Meta:
        ref_name = "RequestAppointmentRequest"


class InviteRequest(MessageRequest, wire.DraftRequest):
    """A booking whose time the customer chooses."""

    class Meta:
        ref_name = "InviteCustomersRequest"


class TimeRequest(MessageRequest):
    """A time; without a duration the one that it had, or the subject's."""

    start = InstantField()
    duration = IsoDurationField(required=False, allow_null=True)
    timezone = ZoneField(source="zone", required=False, allow_null=True)


class ClosingRequest(MessageRequest):
    """What is said when an appointment is closed or called off."""

    answers = answers_field()


@extend_schema_field({"type": "object"})
class _PartField(serializers.JSONField):
    """A part of the booking that the contract of the webhook describes."""


def _moment(**options: Any) -> serializers.CharField:
    # Not the format date-time, which is sent with Z elsewhere in this API.
    return serializers.CharField(help_text="ISO 8601 with the offset +00:00.", **options)


class BookingResponse(serializers.Serializer[Any]):
    """A booking as the booking webhook shows it (docs/webhooks.md)."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=BookingStatus.choices)
    start = _moment(allow_null=True)
    end = _moment(allow_null=True)
    subject = _PartField()
    office = _PartField()
    participants = serializers.ListField(child=_PartField())
    answers = serializers.ListField(child=_PartField())
    callbackRequest = _PartField(allow_null=True)
    location = _PartField(allow_null=True)
    listing = _PartField(allow_null=True)
    leadSegment = _PartField(allow_null=True)
    meetingType = serializers.ChoiceField(choices=MeetingType.choices)
    externalId = serializers.CharField(allow_null=True)
    hybrid = serializers.BooleanField()
    trailingBufferTime = serializers.IntegerField()
    internalNotes = serializers.CharField(allow_null=True)
    metadata = _PartField()
    createdAt = _moment()
    createdById = serializers.CharField(allow_null=True)
    createdByType = serializers.CharField()
    createdFrom = serializers.CharField()
    updatedAt = _moment()
    updatedById = serializers.CharField(allow_null=True)
    updatedByType = serializers.CharField()
    updatedFrom = serializers.CharField()

    class Meta:
        ref_name = "Booking"


class BookingsPaged(serializers.Serializer[Any]):
    content = BookingResponse(many=True)
    pageCount = serializers.IntegerField()
    pageNumber = serializers.IntegerField()
    pageSize = serializers.IntegerField()
    sortField = serializers.CharField()
    sortOrder = serializers.ChoiceField(choices=["asc", "desc"])
    total = serializers.IntegerField()

    class Meta:
        ref_name = "BookingsPaged"
