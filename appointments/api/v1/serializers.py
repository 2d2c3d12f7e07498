"""The wire of the Appointments API v1: what differs from v2.

A schema that both have names its members here: what v2 gains does not reach v1, whose callers
would be refused for members that were ignored before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from rest_framework import serializers

from appointments.api.v2 import serializers as newer
from appointments.models import ParticipantType
from appointments.services import OLDER_ROUTING, Booking
from config.kernel.fields import InstantField

MULTI_USE_TICKET = "MULTI_USE_TICKET"


class OlderMembersMixin:
    """Gives a schema that inherits from a newer one the members that it has, and no others."""

    members: ClassVar[tuple[str, ...]]

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()  # type: ignore[misc]  # mixed into a serializer
        return {name: fields[name] for name in self.members}


# --- What is read ----------------------------------------------------------------------------


class ScheduleAppointmentRequest(OlderMembersMixin, newer.ScheduleAppointmentRequest):
    members = (
        "applicationId",
        "start",
        "duration",
        "timezone",
        "locale",
        "title",
        "notes",
        "metadata",
        "interaction",
        "customer",
    )
    customer = newer.CustomerDetailsRequest(required=False, allow_null=True)

    class Meta:
        ref_name = "V1ScheduleAppointmentRequest"


class UpdateAppointmentRequest(OlderMembersMixin, newer.UpdateAppointmentRequest):
    members = ("id", "title", "notes", "metadata")

    class Meta:
        ref_name = "V1UpdateAppointmentRequest"


def booking_of(data: Mapping[str, Any]) -> Booking:
    """Give what is to be booked as the services take it."""
    customer = data.get("customer")
    customers = [customer] if customer is not None else []
    booking = newer.booking_of({**data, "customers": customers})
    return replace(booking, routing_rules=OLDER_ROUTING)


# --- What is written: the schema of the answers that wire.py makes ----------------------------


class ParticipantIdResponse(serializers.Serializer[Any]):
    id = serializers.CharField(required=False)
    type = serializers.ChoiceField(choices=ParticipantType.choices, required=False)

    class Meta:
        ref_name = "V1ParticipantId"


class RoomAccessResponse(serializers.Serializer[Any]):
    url = serializers.URLField(required=False)
    expires = InstantField(required=False)
    type = serializers.ChoiceField(choices=[MULTI_USE_TICKET], required=False)

    class Meta:
        ref_name = "V1RoomAccess"


class InteractionResponse(OlderMembersMixin, newer.InteractionResponse):
    members = ("customFields", "routing", "state")

    class Meta:
        ref_name = "V1InteractionData"


class AppointmentItem(OlderMembersMixin, newer.AppointmentItem):
    """An appointment in a list."""

    members: ClassVar[tuple[str, ...]] = (
        "id",
        "applicationId",
        "title",
        "notes",
        "metadata",
        "start",
        "end",
        "duration",
        "timezone",
        "locale",
        "organizer",
        "notificationsActive",
        "interaction",
        "participantIds",
    )
    interaction = InteractionResponse(required=False)
    participantIds = ParticipantIdResponse(many=True, required=False)

    class Meta:
        ref_name = "V1Appointment"


class GetAppointmentResponse(AppointmentItem):
    """A single appointment."""

    members = (*AppointmentItem.members, "roomAccess")
    roomAccess = RoomAccessResponse(required=False)

    class Meta:
        ref_name = "V1GetAppointmentResponse"


class FindAppointmentsResponsePaged(newer.FindAppointmentsResponsePaged):
    content = AppointmentItem(many=True, required=False)

    class Meta:
        ref_name = "V1FindAppointmentsResponsePaged"


class GetParticipantDetailsResponse(OlderMembersMixin, newer.ParticipantDetailsResponse):
    members = ("id", "type", "name", "contact", "username", "metadata")

    class Meta:
        ref_name = "V1GetParticipantDetailsResponse"
