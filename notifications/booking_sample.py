"""A booking that never was, as the booking webhook tells it: what a test of a receiver carries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

JsonObject = dict[str, Any]

MESSAGE = "Test of a webhook subscription: this appointment does not exist."
# Ids that nothing has.
_APPOINTMENT = "00000000-0000-7000-8000-000000000001"
_EMPLOYEE = "00000000-0000-7000-8000-000000000002"
_SUBJECT = "00000000-0000-7000-8000-000000000003"
_GROUP = "00000000-0000-7000-8000-000000000004"
_OFFICE = "00000000-0000-7000-8000-000000000005"


def booking_sample(*, now: datetime) -> JsonObject:
    """Give the part of the body that does not name the subscription."""
    moment = now.astimezone(UTC).isoformat()
    start = now.replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    times = {
        "start": start.astimezone(UTC).isoformat(),
        "end": (start + timedelta(minutes=30)).astimezone(UTC).isoformat(),
    }
    dates = {"createdAt": moment, "updatedAt": moment}
    return {
        "correlationId": str(uuid4()),
        "version": "1",
        "entity": "Appointment",
        "data": {
            "eventType": "GENERIC_UPDATE",
            "message": MESSAGE,
            "appointment": {
                "id": _APPOINTMENT,
                "subject": _subject(dates),
                "office": _office(dates),
                "participants": [_customer(dates), _employee(dates)],
                **dict.fromkeys(("callbackRequest", "location", "listing", "leadSegment")),
                "answers": [],
                "meetingType": "VIDEO",
                "externalId": None,
                "hybrid": False,
                "trailingBufferTime": 0,
                "internalNotes": None,
                "metadata": {"test": True},
                **dates,
                **_by("created"),
                **_by("updated"),
                "status": "ACCEPTED",
                **times,
            },
            "previousAppointment": {
                "subject": {"id": _SUBJECT},
                "office": {"id": _OFFICE},
                "participants": [
                    {**_member("CUSTOMER"), "customer": {"id": 0}},
                    {**_member("EMPLOYEE"), "employee": {"id": _EMPLOYEE}},
                ],
                **dict.fromkeys(("location", "listing", "leadSegment", "externalId")),
                "status": "ACCEPTED",
                **times,
            },
        },
    }


def _by(what: str) -> JsonObject:
    return {f"{what}ById": None, f"{what}ByType": "OTHER", f"{what}From": "OTHER"}


def _texts(value: str) -> list[JsonObject]:
    return [{"value": value, "language": "en"}]


def _subject(dates: JsonObject) -> JsonObject:
    return {
        "id": _SUBJECT,
        "externalId": None,
        "enabledForCustomerUse": True,
        "enabledForInternalUse": True,
        "order": 0,
        "cancellationByAgentFormId": None,
        "cancellationByCustomerFormId": None,
        "completionByAgentFormId": None,
        "questionnaireFormId": None,
        "subjectGroup": {
            "id": _GROUP,
            "externalId": None,
            "order": 0,
            "color": None,
            "image": None,
            "translations": {"name": _texts("General")},
            **dates,
        },
        "translations": {"name": _texts("Appointment"), "description": [], "instructions": []},
        **dates,
    }


def _office(dates: JsonObject) -> JsonObject:
    return {
        "id": _OFFICE,
        "active": True,
        "email": None,
        "externalId": None,
        "phoneNumber": None,
        "timeZone": "UTC",
        "usesIndependentAgents": False,
        "virtual": True,
        "location": {
            "postalCode": None,
            "countryCode": "US",
            "geolocation": {"latitude": 0, "longitude": 0},
            "translations": {"city": _texts("Online"), "street1": [], "street2": [], "state": []},
        },
        "translations": {
            "name": _texts("Online"),
            "description": [],
            "directions": [],
            "parkingInfo": [],
        },
        **dates,
    }


def _member(type: str) -> JsonObject:
    return {
        "role": "PRIMARY",
        "type": type,
        "token": f"test-{type.lower()}",
        "videoUrl": "https://example.com/video",
        "videoTestUrl": "https://example.com/video-test",
    }


def _participant(type: str, dates: JsonObject) -> JsonObject:
    addresses = ("cancelUrl", "editUrl", "inviteUrl", "icalUrl")
    calendars = ("office365CalendarUrl", "googleCalendarUrl")
    return {
        **_member(type),
        **dict.fromkeys((*addresses, *calendars)),
        "createdAt": dates["createdAt"],
    }


def _customer(dates: JsonObject) -> JsonObject:
    return {
        **_participant("CUSTOMER", dates),
        "customer": {
            "id": 0,
            "firstName": "Test",
            "lastName": "Customer",
            "language": "en",
            "timeZone": "UTC",
            **dict.fromkeys(("externalId", "email", "phoneNumber", "location")),
            **dates,
        },
    }


def _employee(dates: JsonObject) -> JsonObject:
    texts = ("communicationEmail", "externalId", "language", "phoneNumber")
    urls = ("profilePictureUrl", "staticVideoUrl", "timeZone", "userId")
    return {
        **_participant("EMPLOYEE", dates),
        "employee": {
            "id": _EMPLOYEE,
            "email": "test@example.com",
            "firstName": "Test",
            "lastName": "Employee",
            "onlinePlanning": True,
            "translations": {"function": []},
            "availableRoles": ["AGENT"],
            "status": "ACTIVE",
            **dict.fromkeys((*texts, *urls)),
            **dates,
        },
    }
