"""The wire of the Appointments API v2: what is read, and what is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from appointments.api.v2.bookings.arrangement import ArrangementRequest, arrangement_of
from appointments.models import (
    InteractionState,
    OrganizerType,
    ParticipantState,
    ParticipantType,
    RoutingType,
    TargetType,
)
from appointments.services import (
    Booking,
    CustomerChange,
    CustomerData,
    Draft,
    Routing,
    Target,
)
from config.kernel import limits
from config.kernel.fields import (
    HeadersField,
    InstantField,
    IsoDurationField,
    LocaleField,
    MailField,
    ObjectField,
    PhoneField,
    StringMapField,
    TextField,
    ZoneField,
)
from notifications.models import Channel, NotificationType, RecipientType, Status

# --- What is read ----------------------------------------------------------------------------


class NameRequest(serializers.Serializer[Any]):
    firstName = TextField(
        source="first_name",
        max_length=limits.NAME_LENGTH,
        required=False,
        allow_blank=True,
        allow_null=True,
    )
    lastName = TextField(
        source="last_name",
        max_length=limits.NAME_LENGTH,
        required=False,
        allow_blank=True,
        allow_null=True,
    )

    class Meta:
        ref_name = "Name"


class ContactRequest(serializers.Serializer[Any]):
    primaryEmail = MailField(
        source="email",
        max_length=limits.EMAIL_LENGTH,
        required=False,
        allow_blank=True,
        allow_null=True,
    )
    primaryPhone = PhoneField(
        source="phone",
        max_length=limits.PHONE_LENGTH,
        required=False,
        allow_blank=True,
        allow_null=True,
    )


class CustomerDetailsRequest(serializers.Serializer[Any]):
    contact = ContactRequest(required=False, allow_null=True)
    name = NameRequest(required=False, allow_null=True)
    username = TextField(
        max_length=limits.USERNAME_LENGTH, required=False, allow_blank=True, allow_null=True
    )
    metadata = ObjectField(required=False, allow_null=True)


def customer_fields(data: Mapping[str, Any]) -> dict[str, Any]:
    """Give the details that were sent, by the names of the participant's fields.

    An empty group clears its members, an empty value its own.
    """
    fields: dict[str, Any] = {}
    for group, names in (("name", ("first_name", "last_name")), ("contact", ("email", "phone"))):
        if group in data:
            given = data[group] or dict.fromkeys(names, "")
            fields |= {name: given[name] or "" for name in names if name in given}
    if "username" in data:
        fields["username"] = data["username"] or ""
    if "metadata" in data:
        fields["metadata"] = data["metadata"] or None
    return fields


class RoutingDataRequest(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=RoutingType.choices, required=False, allow_null=True)
    properties = StringMapField(required=False, allow_null=True)


class InteractionDataRequest(serializers.Serializer[Any]):
    routing = RoutingDataRequest()
    customFields = StringMapField(source="custom_fields", required=False, allow_null=True)


class TargetAssignmentRequest(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=TargetType.choices)
    id = TextField(max_length=limits.ID_LENGTH, required=False, allow_blank=True, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["type"] != TargetType.ANY and not attrs.get("id"):
            raise serializers.ValidationError({"id": ["This field is required."]})
        return attrs


class DraftRequest(ArrangementRequest):
    """Everything that is said of a new appointment but its time."""

    applicationId = TextField(source="application_id", max_length=limits.ID_LENGTH)
    timezone = ZoneField(source="zone")
    locale = LocaleField(required=False, allow_null=True)
    title = TextField(
        max_length=limits.TITLE_LENGTH, required=False, allow_blank=True, allow_null=True
    )
    notes = TextField(
        max_length=limits.NOTES_LENGTH, required=False, allow_blank=True, allow_null=True
    )
    metadata = ObjectField(required=False, allow_null=True)
    customers = CustomerDetailsRequest(  # type: ignore[call-arg]  # an option of lists
        many=True, required=False, allow_null=True, max_length=limits.CUSTOMERS_PER_APPOINTMENT
    )
    interaction = InteractionDataRequest(required=False, allow_null=True)
    notificationHeaders = HeadersField(
        source="notification_headers", required=False, allow_null=True
    )
    targetAssignment = TargetAssignmentRequest(source="target", required=False, allow_null=True)


class ScheduleAppointmentRequest(DraftRequest):
    start = InstantField()
    duration = IsoDurationField()


class ApplicationNamedRequest(serializers.Serializer[Any]):
    """As much of a booking as is needed to tell what a one-time password is for."""

    applicationId = TextField(source="application_id", max_length=limits.ID_LENGTH)


class CustomersTargetRequest(TargetAssignmentRequest):
    """Whoever books for itself names whom it wants: ANY is for the organization's own people."""

    type = serializers.ChoiceField(choices=[TargetType.AGENT, TargetType.QUEUE])


class ScheduleAsCustomerRequest(ScheduleAppointmentRequest):
    targetAssignment = CustomersTargetRequest(source="target", required=False, allow_null=True)


class UpdatedCustomerRequest(CustomerDetailsRequest):
    participantId = TextField(
        source="participant_id",
        max_length=limits.ID_LENGTH,
        required=False,
        allow_null=True,
    )


class EmptyAsNoneMixin:
    """An empty string stands for the absence of the value too (update.r6)."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return super().run_validation(None if data in ("", {}) else data)  # type: ignore[misc]  # mixed into a field


class ClearableObjectField(EmptyAsNoneMixin, ObjectField):
    pass


class ClearableHeadersField(EmptyAsNoneMixin, HeadersField):
    pass


class UpdateAppointmentRequest(ArrangementRequest):
    id = TextField(max_length=limits.ID_LENGTH)
    title = TextField(
        max_length=limits.TITLE_LENGTH, required=False, allow_blank=True, allow_null=True
    )
    notes = TextField(
        max_length=limits.NOTES_LENGTH, required=False, allow_blank=True, allow_null=True
    )
    metadata = ClearableObjectField(required=False, allow_null=True)
    notificationHeaders = ClearableHeadersField(
        source="notification_headers", required=False, allow_null=True
    )
    customer = UpdatedCustomerRequest(required=False, allow_null=True)


class RescheduleAppointmentRequest(serializers.Serializer[Any]):
    id = TextField(max_length=limits.ID_LENGTH)
    start = InstantField()
    duration = IsoDurationField()
    timezone = ZoneField(source="zone")
    locale = LocaleField(required=False, allow_null=True)


class ReassignAppointmentRequest(serializers.Serializer[Any]):
    id = TextField(max_length=limits.ID_LENGTH)
    userId = TextField(source="user_id", max_length=limits.ID_LENGTH)


class AddParticipantAgentRequest(ReassignAppointmentRequest):
    pass


class AddParticipantCustomerRequest(serializers.Serializer[Any]):
    id = TextField(max_length=limits.ID_LENGTH)
    customer = CustomerDetailsRequest()


class UpdateInteractionBody(serializers.Serializer[Any]):
    routing = RoutingDataRequest()
    customFields = StringMapField(source="custom_fields", required=False, allow_null=True)


class ParticipantStateBody(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=ParticipantState.choices, required=False)


def customer_of(data: Mapping[str, Any]) -> CustomerData:
    """Give a customer's details as the services take them."""
    return CustomerData(**customer_fields(data))


def routing_of(data: Mapping[str, Any]) -> Routing:
    """Give a routing as the services take it."""
    type_ = data.get("type")
    return Routing(
        type=RoutingType(type_) if type_ else None, properties=data.get("properties") or {}
    )


def booking_of(data: Mapping[str, Any]) -> Booking:
    """Give what is to be booked as the services take it."""
    return Booking(start=data["start"], duration=data["duration"], **_draft(data))


def draft_of(data: Mapping[str, Any]) -> Draft:
    """Give what is to be offered as the services take it."""
    return Draft(**_draft(data))


def _draft(data: Mapping[str, Any]) -> dict[str, Any]:
    interaction = data.get("interaction")
    target = data.get("target")
    return {
        "application_id": data["application_id"],
        "zone": data["zone"],
        "locale": data.get("locale") or "en-US",
        "title": data.get("title") or "",
        "notes": data.get("notes") or "",
        "metadata": data.get("metadata"),
        "customers": tuple(customer_of(customer) for customer in data.get("customers") or []),
        "routing": routing_of(interaction["routing"]) if interaction else None,
        "custom_fields": interaction.get("custom_fields") if interaction else None,
        "notification_headers": data.get("notification_headers"),
        "target": Target(type=TargetType(target["type"]), id=target.get("id") or "")
        if target
        else None,
        "about": arrangement_of(data),
    }


def changes_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is to be replaced, by the names of the appointment's fields."""
    texts = {name: data[name] or "" for name in ("title", "notes") if name in data}
    objects = {
        name: data[name] or None for name in ("metadata", "notification_headers") if name in data
    }
    return texts | objects


def customer_change_of(data: Mapping[str, Any]) -> CustomerChange | None:
    """Give the customer who is to be changed, where there is one."""
    customer = data.get("customer")
    if customer is None:
        return None
    return CustomerChange(
        participant_id=customer.get("participant_id"), fields=customer_fields(customer)
    )


# --- What is written: the schema of the answers that wire.py makes ----------------------------


class NameResponse(serializers.Serializer[Any]):
    firstName = serializers.CharField(required=False)
    lastName = serializers.CharField(required=False)

    class Meta:
        ref_name = "NameResponse"


class ContactResponse(serializers.Serializer[Any]):
    primaryEmail = serializers.CharField(required=False)
    primaryPhone = serializers.CharField(required=False)


class TicketResponse(serializers.Serializer[Any]):
    accessUrl = serializers.URLField(required=False)
    expiresAt = InstantField(required=False)


class ParticipantErrorResponse(serializers.Serializer[Any]):
    systemMessage = serializers.CharField(required=False)
    userMessage = serializers.CharField(required=False)


class ParticipantResponse(serializers.Serializer[Any]):
    id = serializers.CharField(required=False)
    type = serializers.ChoiceField(choices=ParticipantType.choices, required=False)
    state = serializers.ChoiceField(choices=ParticipantState.choices, required=False)
    ticket = TicketResponse(required=False)
    detailsAvailable = serializers.BooleanField(required=False)
    errorData = ParticipantErrorResponse(required=False)


class RoutingDataResponse(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=RoutingType.choices, required=False)
    properties = StringMapField(required=False)


class InteractionResponse(serializers.Serializer[Any]):
    customFields = StringMapField(required=False)
    properties = StringMapField(required=False)
    routing = RoutingDataResponse(required=False)
    state = serializers.ChoiceField(choices=InteractionState.choices, required=False)


class OrganizerResponse(serializers.Serializer[Any]):
    id = serializers.CharField(required=False)
    type = serializers.ChoiceField(choices=OrganizerType.choices, required=False)


class TargetAssignmentResponse(serializers.Serializer[Any]):
    id = serializers.CharField(required=False)
    type = serializers.ChoiceField(choices=TargetType.choices, required=False)


class AppointmentItem(serializers.Serializer[Any]):
    """An appointment in a list."""

    id = serializers.UUIDField(required=False)
    applicationId = serializers.CharField()
    title = serializers.CharField(required=False)
    notes = serializers.CharField(required=False)
    metadata = ObjectField(required=False)
    start = InstantField(required=False)
    end = InstantField(required=False)
    duration = IsoDurationField(required=False)
    timezone = serializers.CharField(required=False)
    locale = serializers.CharField(required=False)
    organizer = OrganizerResponse(required=False)
    targetAssignment = TargetAssignmentResponse(required=False)
    participants = ParticipantResponse(many=True, required=False)
    interaction = InteractionResponse(required=False)
    notificationsActive = serializers.BooleanField(required=False)
    notificationHeaders = StringMapField(required=False)

    class Meta:
        ref_name = "Appointment"


class AppointmentResponse(AppointmentItem):
    """A single appointment."""

    secureToken = serializers.CharField(required=False)

    class Meta:
        ref_name = "AppointmentResponse"


class ParticipantDetailsResponse(serializers.Serializer[Any]):
    id = serializers.CharField(required=False)
    type = serializers.ChoiceField(choices=ParticipantType.choices, required=False)
    name = NameResponse(required=False)
    contact = ContactResponse(required=False)
    username = serializers.CharField(required=False)
    metadata = ObjectField(required=False)
    ticket = TicketResponse(required=False)
    expiresAt = InstantField(required=False)

    class Meta:
        ref_name = "ParticipantDetails"


class AppointmentCountResponse(serializers.Serializer[Any]):
    count = serializers.IntegerField(required=False)
    start = InstantField(required=False)
    end = InstantField(required=False)
    duration = IsoDurationField(required=False)
    timezone = serializers.CharField(required=False)


class AppointmentOverlapResponse(serializers.Serializer[Any]):
    count = serializers.IntegerField(required=False)


class FindAppointmentsEligibleResponse(serializers.Serializer[Any]):
    id = serializers.UUIDField(required=False)
    start = InstantField(required=False)
    timezone = serializers.CharField(required=False)
    eligibleFrom = InstantField(required=False)


class NotificationRecipientResponse(serializers.Serializer[Any]):
    displayName = serializers.CharField(required=False)
    reasonCode = serializers.CharField(required=False)
    type = serializers.ChoiceField(choices=RecipientType.choices, required=False)

    class Meta:
        ref_name = "NotificationRecipient"


class _NotificationResponse(serializers.Serializer[Any]):
    """What a notification and a step of its delivery have in common."""

    id = serializers.UUIDField(required=False)
    appointmentId = serializers.UUIDField(required=False)
    type = serializers.ChoiceField(choices=NotificationType.choices, required=False)
    channel = serializers.ChoiceField(choices=Channel.choices, required=False)
    status = serializers.ChoiceField(choices=Status.choices, required=False)
    recipient = NotificationRecipientResponse(required=False)
    offset = IsoDurationField(required=False)
    scheduledFor = InstantField(required=False)
    providerStatus = serializers.CharField(required=False)
    retryCount = serializers.IntegerField(required=False)
    nextPollAt = InstantField(required=False)
    message = serializers.CharField(required=False)
    errorMessage = serializers.CharField(required=False)


class NotificationStatusResponse(_NotificationResponse):
    canRetry = serializers.BooleanField(required=False)
    createdAt = InstantField(required=False)
    updatedAt = InstantField(required=False)
    nextRetryAt = InstantField(required=False)

    class Meta:
        ref_name = "NotificationStatus"


class NotificationEventResponse(_NotificationResponse):
    statusId = serializers.UUIDField(required=False)
    timestamp = InstantField(required=False)
    pollAttempts = serializers.IntegerField(required=False)
    messageId = serializers.CharField(required=False)
    conversationId = serializers.CharField(required=False)

    class Meta:
        ref_name = "NotificationEvent"


class _PageResponse(serializers.Serializer[Any]):
    pageCount = serializers.IntegerField(required=False)
    pageNumber = serializers.IntegerField(required=False)
    pageSize = serializers.IntegerField(required=False)
    sortField = serializers.CharField(required=False)
    sortOrder = serializers.ChoiceField(choices=["asc", "desc"], required=False)
    total = serializers.IntegerField(required=False)


class FindAppointmentsResponsePaged(_PageResponse):
    content = AppointmentItem(many=True, required=False)


class ListAppointmentNotificationsResponsePaged(_PageResponse):
    content = NotificationStatusResponse(many=True, required=False)


class ListAppointmentNotificationEventsResponsePaged(_PageResponse):
    content = NotificationEventResponse(many=True, required=False)
