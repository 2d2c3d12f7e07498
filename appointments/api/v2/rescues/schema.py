"""What OpenAPI says of the operations on rescues; the ids are those of the contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from appointments.api.v2.rescues import serializers as wire
from appointments.api.v2.schema import Described, describe

View = TypeVar("View", bound=Callable[..., Any])

_GROUP = "Rescues"

OPERATIONS = {
    "frontdesk.rescues.preview": Described(
        group=_GROUP,
        summary="Who would take the appointments of an absent agent",
        answer=wire.PlanResponse,
        body=wire.RescuePreviewRequest,
        refused=(400, 401, 403, 404, 500),
    ),
    "frontdesk.rescues.create": Described(
        group=_GROUP,
        summary="Moves appointments of an absent agent to colleagues, all or none",
        answer=wire.RescueResponse,
        body=wire.RescueRequest,
        refused=(400, 401, 403, 404, 409, 500),
        success=201,
    ),
    "frontdesk.rescues.get": Described(
        group=_GROUP,
        summary="What was moved from whom to whom, and whether it was given back",
        answer=wire.RescueResponse,
        refused=(401, 403, 404, 500),
    ),
    "frontdesk.rescues.undo": Described(
        group=_GROUP,
        summary="Gives back what was moved, all or nothing",
        answer=wire.RescueResponse,
        refused=(401, 403, 404, 409, 500),
    ),
}


def documented(operation_id: str) -> Callable[[View], View]:
    """Describe a view method as the operation of this id."""
    return describe(operation_id, OPERATIONS[operation_id])
