"""The payload of the booking webhook: an appointment after a change, and what it was before.

The contract calls agents employees, and shows customers by a number. Every member of a schema is
there, with null where there is nothing (contract, appointment-webhook).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import orjson

from agents.models import Customer, User
from agents.services.customers import known_customer
from appointments import catalogue_wire as catalogue
from appointments import video
from appointments.catalogue_wire import instant
from appointments.models import (
    Answer,
    BookingStatus,
    LeadSegment,
    Office,
    Participant,
    ParticipantType,
    Subject,
)
from appointments.services.case import Case
from appointments.services.catalogue import default_office, default_subject
from appointments.services.page_tokens import page_url, token_of
from appointments.services.standing import Member, Standing, told_period
from config.kernel.actors import ActorKind, Role
from config.kernel.ids import moment_of
from notifications.models import BookingEvent

JsonObject = dict[str, Any]

VERSION = "1"
# Where a list keeps the answers of its appointments.
TOLD_ANSWERS = "told_answers"
_CORRELATION_LENGTH = 36
_MINUTE = timedelta(minutes=1)
_ROLES = {
    Role.ADMIN: "ADMIN",
    Role.AGENT: "AGENT",
    # Plans for everybody, which supervisors may.
    Role.SUPERVISOR: "CENTRAL_PLANNER",
}
_FROM = {
    "office": "BACKOFFICE_APP",
    "admin": "BACKOFFICE_APP",
    "page": "PLUGIN",
    "partner": "PARTNER_BOOKING_APP",
}
_BY = {ActorKind.CUSTOMER: "CUSTOMER", ActorKind.USER: "EMPLOYEE"}
_WITHOUT_TIME = frozenset({BookingStatus.OUTGOING_INVITE, BookingStatus.ALTERNATIVE_DATE_REQUESTED})


def payload_of(case: Case, event: BookingEvent, before: Standing | None) -> Callable[[], bytes]:
    """Give what builds the part of the body that all subscriptions share."""
    return partial(_payload, case, event, before)


def bookings_of(cases: Sequence[Case]) -> list[JsonObject]:
    """Give appointments of one organisation as they are written down (schema Appointment)."""
    defaults = _Defaults(cases[0].appointment.organization_id) if cases else None
    return [_Told(case, defaults=defaults, is_written=True).appointment() for case in cases]


def _payload(case: Case, event: BookingEvent, before: Standing | None) -> bytes:
    told = _Told(case, is_new=before is None)
    return orjson.dumps(
        {
            "correlationId": _correlation_id(case.actor.correlation_id),
            "version": VERSION,
            "entity": "Appointment",
            "data": {
                "eventType": event,
                "message": case.message or None,
                "appointment": told.appointment(),
                "previousAppointment": told.previous(before) if before else None,
            },
        }
    )


def _correlation_id(text: str) -> str:
    """Give the caller's id; one that is too long for the payload by one that stands for it."""
    if len(text) > _CORRELATION_LENGTH:
        return str(uuid5(NAMESPACE_URL, text))
    return text or str(uuid4())


class _Defaults:
    """The entries of the catalogue that stand for what nobody has named."""

    def __init__(self, organization_id: UUID) -> None:
        self._organization_id = organization_id

    @cached_property
    def subject(self) -> Subject:
        return default_subject(self._organization_id)

    @cached_property
    def office(self) -> Office:
        return default_office(self._organization_id)


class _Told:
    """A case, and what it takes to tell of it."""

    def __init__(
        self,
        case: Case,
        *,
        defaults: _Defaults | None = None,
        is_new: bool = False,
        is_written: bool = False,
    ) -> None:
        self.case = case
        self.defaults = defaults or _Defaults(case.appointment.organization_id)
        self.is_new = is_new
        # Whether the row says already who has changed it.
        self.is_written = is_written
        self.one = case.appointment

    # --- What it needs besides -----------------------------------------------------------------

    def customer(self, participant: Participant) -> Customer:
        """Give who a participant is to the organisation; the first time a number is given out."""
        if participant.customer is None:
            taken = {one.customer_id for one in self.case.participants}
            known = self._known(participant)
            if known.pk in taken:
                # Nobody takes part twice (r56): of two with one address the second is another.
                known = known_customer(self.one.organization_id)
            participant.customer = known
            if not participant._state.adding:
                # One who was removed meanwhile is left alone.
                rows = Participant.objects.filter(pk=participant.pk, customer__isnull=True)
                rows.update(customer=known)
        return participant.customer

    def _known(self, participant: Participant) -> Customer:
        return known_customer(
            self.one.organization_id,
            email=participant.email,
            phone=participant.phone,
            country=self.case.application.default_country,
        )

    @cached_property
    def _by_id(self) -> Mapping[UUID, Participant]:
        return {one.id: one for one in self.case.participants}

    # --- As it is now ---------------------------------------------------------------------------

    def appointment(self) -> JsonObject:
        """Give the appointment in the variant of its status."""
        one, case = self.one, self.case
        start, end = told_period(one)
        return {
            "id": str(one.id),
            "subject": catalogue.subject(one.subject or self.defaults.subject),
            "office": catalogue.office(one.office or self.defaults.office),
            "participants": [self._participant(each) for each in case.participants],
            "answers": [catalogue.answer(each) for each in self._answers()],
            "callbackRequest": _reference(one.callback_request_id),
            "location": catalogue.location(one.location),
            "listing": catalogue.listing(one.listing) if one.listing else None,
            "leadSegment": catalogue.lead_segment(one.lead_segment) if one.lead_segment else None,
            "meetingType": one.meeting_type,
            "externalId": one.external_id or None,
            "hybrid": one.is_hybrid,
            "trailingBufferTime": one.trailing_buffer // _MINUTE,
            "internalNotes": one.internal_notes or None,
            "metadata": one.metadata or {},
            "createdAt": instant(one.created_at),
            **self._change("created"),
            "updatedAt": instant(one.updated_at if self.is_written else case.now),
            **self._change("updated"),
            "status": one.booking_status,
            "start": _instant(start),
            "end": _instant(end),
        }

    def _answers(self) -> Sequence[Answer]:
        fetched: list[Answer] | None = getattr(self.one, TOLD_ANSWERS, None)
        if fetched is not None:
            return fetched
        rows = Answer.objects.filter(organization_id=self.one.organization_id)
        return list(rows.filter(appointment_id=self.one.id).select_related("question").in_order())

    def _change(self, what: str) -> JsonObject:
        """Give by whom and from where it was created or changed (r66 to r68)."""
        actor = self.case.actor
        if self.is_new or (what == "updated" and not self.is_written):
            kind, key, origin = actor.kind, actor.id, actor.origin
        else:
            kind, key, origin = (
                getattr(self.one, f"{what}_{name}") for name in ("by_kind", "by_id", "from")
            )
        by = _BY.get(kind, "OTHER")
        return {
            f"{what}ById": self._id_of(what, by, key),
            f"{what}ByType": by,
            f"{what}From": _FROM.get(origin, "OTHER"),
        }

    def _id_of(self, what: str, by: str, key: str) -> str | None:
        match by:
            case "CUSTOMER":
                return self._number_of(what, key)
            case "EMPLOYEE":
                return key
            case _:
                return None

    def _number_of(self, what: str, key: str) -> str:
        """Give the number of the customer who made or changed it, also once it has left."""
        if what == "created" and self.one.created_by_number is not None:
            return str(self.one.created_by_number)
        one = next((each for each in self.case.participants if str(each.id) == key), None)
        if one is None:
            return key
        number = self.customer(one).number
        if what == "created":
            self.one.created_by_number = number
        return str(number)

    def _participant(self, each: Participant) -> JsonObject:
        made_at = moment_of(each.id) or self.one.created_at
        common = {
            **self._ways_in(each.id, each.role, self.one.meeting_type, self.one.is_hybrid),
            "cancelUrl": page_url(each.id, "cancel"),
            "editUrl": page_url(each.id, "edit"),
            "inviteUrl": page_url(each.id, "invite")
            if self.one.booking_status in _WITHOUT_TIME
            else None,
            **{
                name: page_url(each.id, f"calendar/{page}") if self.one.start else None
                for name, page in (
                    ("office365CalendarUrl", "office365"),
                    ("googleCalendarUrl", "google"),
                    ("icalUrl", "ical"),
                )
            },
            "createdAt": instant(made_at),
        }
        if each.user is not None:
            return {**common, "type": "EMPLOYEE", "employee": _employee(each.user)}
        return {**common, "type": "CUSTOMER", "customer": self._customer(each)}

    def _ways_in(
        self, participant_id: UUID, role: str, meeting_type: str, is_hybrid: bool
    ) -> JsonObject:
        """Give the token of a participant, and where it meets the others by video (r58)."""
        has_video = video.has_video(meeting_type, is_hybrid=is_hybrid)
        return {
            "role": role,
            "token": token_of(participant_id),
            "videoUrl": self._video_url(participant_id) if has_video else None,
            "videoTestUrl": self._video_test_url(participant_id) if has_video else None,
        }

    def _video_url(self, participant_id: UUID) -> str:
        elsewhere = video.room_elsewhere(self.one, self.case.participants, participant_id)
        return elsewhere or page_url(participant_id, "video")

    def _video_test_url(self, participant_id: UUID) -> str:
        elsewhere = video.trial_elsewhere(self.one, participant_id)
        return elsewhere or page_url(participant_id, "video-test")

    def _customer(self, each: Participant) -> JsonObject:
        known = self.customer(each)
        return {
            "id": known.number,
            "externalId": known.external_id or None,
            "email": each.email or None,
            "firstName": each.first_name or None,
            "language": _language(self.one.locale),
            "lastName": each.last_name or None,
            "phoneNumber": each.phone or None,
            "timeZone": known.timezone or self.one.timezone,
            "location": catalogue.location(known.location),
            "createdAt": instant(known.created_at),
            "updatedAt": instant(known.updated_at),
        }

    # --- As it was before ------------------------------------------------------------------------

    def previous(self, before: Standing) -> JsonObject:
        """Give what can change as it was, reduced to ids (r34 to r36)."""
        return {
            "subject": {"id": str(before.subject_id or self.defaults.subject.id)},
            "office": {"id": str(before.office_id or self.defaults.office.id)},
            "participants": [self._former(member, before) for member in before.members],
            "location": catalogue.location(before.location),
            "listing": _reference(before.listing_id),
            # A string here, as in the contract's example.
            "leadSegment": _reference(self._former_segment(before)),
            "externalId": before.external_id or None,
            "status": before.status,
            "start": _instant(before.start),
            "end": _instant(before.end),
        }

    def _former_segment(self, before: Standing) -> int | None:
        if before.lead_segment_id is None:
            return None
        return LeadSegment.objects.values_list("number", flat=True).get(pk=before.lead_segment_id)

    def _former(self, member: Member, before: Standing) -> JsonObject:
        common = self._ways_in(member.id, member.role, before.meeting_type, before.is_hybrid)
        if member.user_id is not None:
            return {**common, "type": "EMPLOYEE", "employee": {"id": str(member.user_id)}}
        # Whoever leaves is still there while the event is written.
        participant = self._by_id.get(member.id) or Participant.objects.select_related(
            "customer"
        ).get(pk=member.id, type=ParticipantType.CUSTOMER)
        number = self.customer(participant).number
        return {**common, "type": "CUSTOMER", "customer": {"id": number}}


def _employee(user: User) -> JsonObject:
    """Give somebody who works here (schema Employee)."""
    return {
        "id": str(user.id),
        "communicationEmail": user.communication_email or None,
        "email": user.username,
        "externalId": user.external_id or None,
        "firstName": user.first_name or None,
        "language": user.language or None,
        "lastName": user.last_name or None,
        "onlinePlanning": user.plans_online,
        "phoneNumber": user.phone or None,
        "profilePictureUrl": user.picture_url or None,
        "staticVideoUrl": user.static_video_url or None,
        "translations": {"function": catalogue.translations(user.function)},
        "availableRoles": sorted({_ROLES[Role(role)] for role in user.roles if role in _ROLES}),
        "status": _status_of(user),
        "timeZone": user.timezone or None,
        "userId": str(user.id),
        "createdAt": instant(user.created_at),
        "updatedAt": instant(user.updated_at),
    }


def _status_of(user: User) -> str:
    if not user.is_active:
        return "SUSPENDED"
    return "PENDING" if user.change_password_on_first_login else "ACTIVE"


def _language(locale: str) -> str | None:
    language = locale.partition("-")[0].lower()
    return language if len(language) == 2 else None


def _reference(key: object) -> JsonObject | None:
    return {"id": str(key)} if key else None


def _instant(moment: datetime | None) -> str | None:
    return instant(moment) if moment else None
