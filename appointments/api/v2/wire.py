"""A case as the Appointments API v2 shows it: plain members, those without a value left out.

One function for each schema, used by every operation; they cost microseconds where a
serializer costs milliseconds, and the schema's serializers check them in the tests.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from appointments.counting import SlotCount
from appointments.listing import Listed, ListedAppointment
from appointments.models import Appointment, Participant, ParticipantType
from appointments.models.appointment_time import nominal_duration
from appointments.models.participant import details_are_available
from appointments.services import Case, access_url
from appointments.services.tickets import access_url_of
from config.kernel.actors import ActorKind, Role
from config.kernel.time import Duration, format_instant
from notifications.history import Step
from notifications.models import Channel, Notification

JsonObject = dict[str, Any]


def _present(**members: object) -> JsonObject:
    """Leave out what has no value (conventions)."""
    return {name: value for name, value in members.items() if value is not None}


def _instant(moment: datetime | None) -> str | None:
    return format_instant(moment) if moment is not None else None


def _duration(start: datetime | None, end: datetime | None, length: timedelta | None) -> str | None:
    duration = nominal_duration(start, end, length)
    return str(duration) if duration else None


def appointment_item(case: Case) -> JsonObject:
    """Give an appointment as lists show it (schema Appointment)."""
    one = case.appointment
    return shared_members(one) | _present(
        targetAssignment=_target(one),
        participants=[participant_item(case, participant) for participant in case.participants],
        interaction=interaction(one),
        notificationHeaders=one.notification_headers,
    )


def shared_members(one: Appointment) -> JsonObject:
    """Give what an appointment shows alike in every version."""
    return _present(
        id=str(one.id),
        applicationId=str(one.application_id),
        title=one.title or None,
        notes=one.notes or None,
        metadata=one.metadata,
        start=_instant(one.start),
        end=_instant(one.end),
        duration=_duration(one.start, one.end, one.duration),
        timezone=one.timezone,
        locale=one.locale,
        organizer={"id": one.organizer_id, "type": one.organizer_type},
        notificationsActive=one.notifications_active,
    )


def appointment_response(case: Case) -> JsonObject:
    """Give a single appointment (schema AppointmentResponse)."""
    item = appointment_item(case)
    if case.actor.kind != ActorKind.CUSTOMER:
        item["secureToken"] = secure_token(case.appointment)
    return item


def secure_token(appointment: Appointment) -> str:
    """Give the HMAC that belongs to the appointment; it opens nothing (get.r10, r11)."""
    return hmac.new(
        bytes(appointment.master_key), str(appointment.id).encode(), hashlib.sha256
    ).hexdigest()


def _target(one: Appointment) -> JsonObject | None:
    if not one.target_type:
        return None
    return _present(type=one.target_type, id=one.target_id or None)


def interaction(one: Appointment) -> JsonObject:
    """Give the interaction (schemas InteractionData, InteractionResponse)."""
    return _present(
        customFields=one.custom_fields,
        properties=one.interaction_properties,
        routing=_present(type=one.routing_type or None, properties=one.routing_properties),
        state=one.interaction_state,
    )


def participant_item(case: Case, participant: Participant) -> JsonObject:
    """Give a participant as an appointment lists it (schema Participant)."""
    return _present(
        id=participant.wire_id,
        type=participant.type,
        state=participant.state or None,
        ticket=_ticket(case, participant),
        detailsAvailable=details_are_available(
            participant, expire_at=case.appointment.details_expire_at, now=case.now
        ),
        errorData=participant.error_data,
    )


def _ticket(case: Case, participant: Participant) -> JsonObject | None:
    is_hidden = case.actor.has(Role.CUSTOMER) and case.actor.id != str(participant.id)
    if is_hidden or not case.appointment.is_active:
        return None
    url = access_url(participant)
    if url is None:
        return None
    return _present(accessUrl=url, expiresAt=_instant(case.appointment.access_expires_at))


def listed_item(item: Listed) -> orjson.Fragment:
    """Give `appointment_item` of a row of the list, written out already."""
    one = item.appointment
    return written_out(
        shared_listed_members(one)
        | {
            "targetAssignment": _listed_target(one.target_type, one.target_id),
            "participants": _listed_participants(item),
            "interaction": listed_interaction(one),
            "notificationHeaders": _unparsed(one.notification_headers),
        }
    )


def written_out(members: JsonObject) -> orjson.Fragment:
    """Give an item of the list as it is sent, without what has no value."""
    present = {name: value for name, value in members.items() if value is not None}
    return orjson.Fragment(orjson.dumps(present, option=orjson.OPT_UTC_Z))


def shared_listed_members(one: ListedAppointment) -> JsonObject:
    """Give `shared_members` of a row of the list, for `written_out`.

    Of a page this is the part that grows with its size: no call for each member. orjson writes
    instants in UTC as `format_instant` does.
    """
    return {
        "id": one.id,
        "applicationId": one.application_id,
        "title": one.title or None,
        "notes": one.notes or None,
        "metadata": _unparsed(one.metadata),
        "start": one.start,
        "end": one.end,
        "duration": _written(one.duration, one.end - one.start == one.duration),
        "timezone": one.timezone,
        "locale": one.locale,
        "organizer": {"id": one.organizer_id, "type": one.organizer_type},
        "notificationsActive": one.notifications_active,
    }


# A page has few different ones.
@lru_cache(maxsize=256)
def _written(length: timedelta, is_exact: bool) -> str:
    return str(Duration.of(length, exact=is_exact))


def _unparsed(text: str | None) -> orjson.Fragment | None:
    return orjson.Fragment(text) if text is not None else None


def _listed_target(type_: str, id_: str) -> JsonObject | None:
    if not type_:
        return None
    return {"type": type_, "id": id_} if id_ else {"type": type_}


def listed_interaction(one: ListedAppointment) -> JsonObject:
    routing: JsonObject = {"properties": orjson.Fragment(one.routing_properties)}
    if one.routing_type:
        routing["type"] = one.routing_type
    members = {
        "properties": orjson.Fragment(one.interaction_properties),
        "routing": routing,
        "state": one.interaction_state,
    }
    if one.custom_fields is not None:
        members["customFields"] = orjson.Fragment(one.custom_fields)
    return members


def _listed_participants(item: Listed) -> list[JsonObject]:
    one, actor = item.appointment, item.actor
    others_are_hidden = actor.has(Role.CUSTOMER)
    are_kept = one.details_expire_at is None or item.now < one.details_expire_at
    participants = []
    for id_, user_id, type_, state, sealed, erased_at, error_data in orjson.loads(
        one.participants_json
    ):
        members: JsonObject = {
            "id": user_id or id_,
            "type": type_,
            "detailsAvailable": type_ == ParticipantType.AGENT or (are_kept and erased_at is None),
        }
        if state:
            members["state"] = state
        if sealed and one.activated_at and not (others_are_hidden and actor.id != id_):
            ticket = members["ticket"] = {"accessUrl": access_url_of(bytes.fromhex(sealed))}
            if one.access_expires_at is not None:
                ticket["expiresAt"] = one.access_expires_at
        if error_data is not None:
            members["errorData"] = error_data
        participants.append(members)
    return participants


def participant_details(case: Case, participant: Participant) -> JsonObject:
    """Give everything that is known of a participant (schema ParticipantDetails)."""
    details = person(case, participant)
    if _is_another_customer(case, participant):
        return details
    return details | _present(
        ticket=_ticket(case, participant),
        expiresAt=_instant(case.appointment.details_expire_at) if participant.is_customer else None,
    )


def _is_another_customer(case: Case, participant: Participant) -> bool:
    return case.actor.kind == ActorKind.CUSTOMER and case.actor.id != str(participant.id)


def person(case: Case, participant: Participant) -> JsonObject:
    """Give who a participant is.

    A customer sees of another customer the name, and no more (participants.get.r11).
    """
    user = participant.user
    details = _present(
        id=participant.wire_id,
        type=participant.type,
        name=_present(
            firstName=(user.first_name if user else participant.first_name) or None,
            lastName=(user.last_name if user else participant.last_name) or None,
        )
        or None,
    )
    if _is_another_customer(case, participant):
        return details
    return details | _present(
        contact=_present(
            primaryEmail=(user.username if user else participant.email) or None,
            primaryPhone=participant.phone or None,
        )
        or None,
        username=(user.username if user else participant.username) or None,
        metadata=participant.metadata,
    )


def slot(counted: SlotCount) -> JsonObject:
    """Give how many appointments a slot has (schema AppointmentCountResponse)."""
    return {
        "count": counted.total,
        "start": format_instant(counted.start),
        "end": format_instant(counted.end),
        "duration": _duration(counted.start, counted.end, counted.duration),
        "timezone": counted.timezone,
    }


def eligible_item(one: Appointment) -> JsonObject:
    """Give an appointment that can be activated (schema FindAppointmentsEligibleResponse)."""
    return _present(
        id=str(one.id),
        start=_instant(one.start),
        timezone=one.timezone,
        # There is no time window any more: it has been eligible since it was booked.
        eligibleFrom=_instant(one.created_at),
    )


def notification(one: Notification) -> JsonObject:
    """Give where a notification stands (schema NotificationStatus)."""
    return _told(one) | _present(
        id=str(one.id),
        status=one.status,
        providerStatus=one.provider_status or None,
        retryCount=one.retry_count,
        message=one.message or None,
        errorMessage=one.error_message or None,
        canRetry=one.can_retry,
        createdAt=_instant(one.created_at),
        updatedAt=_instant(one.updated_at),
        nextRetryAt=_instant(one.due_at) if one.is_retrying else None,
        nextPollAt=_instant(one.due_at) if one.is_submitted else None,
    )


def notification_event(step: Step) -> JsonObject:
    """Give one step in the delivery of a notification (schema NotificationEvent)."""
    event = step.event
    has_provider = step.notification.channel != Channel.WEBHOOKS
    return _told(step.notification) | _present(
        id=str(event.id),
        statusId=str(event.notification_id),
        timestamp=_instant(event.at),
        status=event.status,
        providerStatus=event.provider_status or None,
        retryCount=event.retry_count,
        pollAttempts=event.poll_attempts,
        message=event.message or None,
        errorMessage=event.error_message or None,
        messageId=event.message_id or None if has_provider else None,
        conversationId=event.conversation_id or None if has_provider else None,
        nextPollAt=_instant(event.next_at) if event.is_submitted else None,
    )


def _told(one: Notification) -> JsonObject:
    """Give who is told what, without a word of the message or an address."""
    content = getattr(one, "content", None)
    name = f"{content.first_name} {content.last_name}".strip() if content else ""
    is_forgotten = content is None or content.erased_at is not None
    return _present(
        appointmentId=str(one.subject_id),
        type=one.type,
        channel=one.channel,
        recipient=_present(
            type=one.recipient_type,
            displayName=name or "-",
            reasonCode=None if name else "PDM_EXPIRED" if is_forgotten else "NOT_FOUND",
        ),
        offset=one.offset,
        scheduledFor=_instant(one.scheduled_for),
    )
