"""What OpenAPI says of each operation; the ids are those of the contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from agents.api.openapi import refusals
from agents.api.webhooks import serializers as wire
from agents.services.demo import PLANS

View = TypeVar("View", bound=Callable[..., Any])


def _query(name: str, type: Any = OpenApiTypes.STR, **options: Any) -> OpenApiParameter:
    return OpenApiParameter(name, type, **options)


@dataclass(frozen=True, kw_only=True)
class Described:
    """One operation: its summary and its shapes."""

    summary: str
    answer: Any = wire.SubscriptionResponse
    body: Any = None
    query: list[OpenApiParameter] = field(default_factory=list)
    refused: tuple[int, ...] = (401, 403, 404, 500)
    examples: list[OpenApiExample] = field(default_factory=list)
    success: int = 200


_LIST = [
    _query("applicationId"),
    _query("pageSize", OpenApiTypes.INT64, description="25 unless told, at most 1000."),
    _query("pageNumber", OpenApiTypes.INT64, description="From 1."),
    _query("sortField", description="createdAt, name or url."),
    _query("sortOrder", enum=["asc", "desc"]),
]
_FEED = [
    _query(
        "after", OpenApiTypes.INT64, description="The last number that you have; 0 unless told."
    ),
    _query("limit", OpenApiTypes.INT64, description="100 unless told, at most 1000."),
]
_NEW = OpenApiExample(
    "Bookings and cancellations",
    value={
        # The demonstration's: it has the same id on every machine.
        "applicationId": str(PLANS[0].id("application")),
        "url": "https://hooks.example.org/frontdesk",
        "format": "appointment-event",
        "eventTypes": ["CREATE", "RESCHEDULE", "CANCELLED"],
        "name": "The CRM",
        "headers": {"X-Source": "frontdesk"},
    },
    request_only=True,
)
_PASSWORD = OpenApiExample(
    "With a password",
    value={"authentication": {"type": "BASIC", "username": "frontdesk", "password": "…"}},
    request_only=True,
)
_AGAIN = OpenApiExample("Switched on again", value={"active": True}, request_only=True)
_FROM_NUMBER = OpenApiExample("From a number", value={"from_sequence": 1}, request_only=True)
_SINCE = OpenApiExample(
    "Since a moment", value={"since": "2026-03-28T00:00:00Z"}, request_only=True
)

OPERATIONS = {
    "frontdesk.webhooks.list": Described(
        summary="One page of webhook subscriptions",
        # A page is one object, whatever the method is called.
        answer=forced_singular_serializer(wire.SubscriptionsPaged),  # type: ignore[no-untyped-call]  # untyped there
        query=_LIST,
        refused=(400, 401, 403, 404, 500),
    ),
    "frontdesk.webhooks.create": Described(
        summary="Has the events of an application sent to an address; shows the secret this once",
        answer=wire.NewSubscriptionResponse,
        body=wire.CreateSubscriptionRequest,
        refused=(400, 401, 403, 404, 409, 500),
        examples=[_NEW],
        success=201,
    ),
    "frontdesk.webhooks.get": Described(summary="One webhook subscription and how it is doing"),
    "frontdesk.webhooks.update": Described(
        summary="Changes a webhook subscription, and switches it off or on again",
        body=wire.UpdateSubscriptionRequest,
        refused=(400, 401, 403, 404, 500),
        examples=[_AGAIN, _PASSWORD],
    ),
    "frontdesk.webhooks.delete": Described(
        summary="Deletes a webhook subscription; its history stays", answer=None, success=204
    ),
    "frontdesk.webhooks.secret": Described(
        summary="A new signing secret, shown this once; the old one stays valid for 24 hours",
        answer=wire.NewSubscriptionResponse,
    ),
    "frontdesk.webhooks.test": Described(
        summary="Sends one signed sample now, and says what the receiver made of it",
        answer=wire.TestResultResponse,
        refused=(401, 403, 404, 429, 500),
    ),
    "frontdesk.webhooks.events": Described(
        summary="The feed: what was or should have been sent, in its order",
        answer=wire.EventsResponse,
        query=_FEED,
        refused=(400, 401, 403, 404, 500),
    ),
    "frontdesk.webhooks.replay": Described(
        summary="Sends the events of the feed again, with the same ids",
        answer=wire.ReplayResponse,
        body=wire.ReplayRequest,
        refused=(400, 401, 403, 404, 409, 500),
        examples=[_FROM_NUMBER, _SINCE],
        success=202,
    ),
}


def documented(operation_id: str) -> Callable[[View], View]:
    """Describe a view method as the operation of this id."""
    one = OPERATIONS[operation_id]
    return extend_schema(
        operation_id=operation_id,
        summary=one.summary,
        tags=["Webhook Subscriptions"],
        parameters=one.query,
        request=one.body,
        responses={one.success: one.answer, **refusals(*one.refused)},
        examples=one.examples,
    )
