"""The wire of rescues: what is asked for, the plan, and what was done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rest_framework import serializers

from appointments.availability import Reason
from appointments.models import Rescue, RescueMove
from appointments.services.rescue import Move, Plan, PlannedMove
from config.kernel import limits
from config.kernel.fields import InstantField, TextField
from config.kernel.ids import parse_uuid


def _id(source: str) -> TextField:
    return TextField(source=source, max_length=limits.ID_LENGTH)


class _Period(serializers.Serializer[Any]):
    agentId = _id("agent_id")
    start = InstantField()
    end = InstantField(help_text="It is not a part of the period.")


class RescueWish(serializers.Serializer[Any]):
    """Who is to take an appointment, or nobody."""

    appointmentId = _id("appointment_id")
    agentId = _id("agent_id")

    class Meta:
        ref_name = "RescueWish"


class RescuePreviewRequest(_Period):
    excludedAgents = serializers.ListField(
        child=TextField(max_length=limits.ID_LENGTH),
        source="excluded",
        max_length=limits.QUERY_VALUES_MAX,
        required=False,
        help_text="Ids of colleagues who are to take nothing.",
    )
    wishes = RescueWish(  # type: ignore[call-arg]  # an option of lists
        many=True, required=False, max_length=limits.RESCUE_MOVES_MAX
    )

    class Meta:
        ref_name = "RescuePreviewRequest"


class RescueMoveRequest(serializers.Serializer[Any]):
    """An appointment as the preview showed it, and who is to take it."""

    appointmentId = _id("appointment_id")
    start = InstantField()
    end = InstantField()
    agentId = _id("agent_id")

    class Meta:
        ref_name = "RescueMoveRequest"


class RescueRequest(_Period):
    moves = RescueMoveRequest(  # type: ignore[call-arg]  # an option of lists
        many=True, max_length=limits.RESCUE_MOVES_MAX
    )

    class Meta:
        ref_name = "RescueRequest"


def excluded_of(ids: Sequence[str]) -> list[UUID]:
    """Give the ids of colleagues; what has not the form of one leaves out nobody."""
    return [key for one in ids if (key := parse_uuid(one))]


def wishes_of(given: Sequence[dict[str, str]]) -> dict[UUID, UUID]:
    """Give who is wished for which appointment; what has not the form of an id is nobody's."""
    pairs = [(parse_uuid(one["appointment_id"]), parse_uuid(one["agent_id"])) for one in given]
    return {key: user or UUID(int=0) for key, user in pairs if key}


def moves_of(given: Sequence[dict[str, Any]]) -> list[Move]:
    """Give the moves as the service takes them."""
    return [
        Move(
            appointment_id=parse_uuid(one["appointment_id"]),
            start=one["start"],
            end=one["end"],
            user_id=parse_uuid(one["agent_id"]),
        )
        for one in given
    ]


# --- What is answered -------------------------------------------------------------------------


class VerdictResponse(serializers.Serializer[Any]):
    agentId = serializers.UUIDField(source="agent.pk")
    reason = serializers.ChoiceField(
        choices=[(one.value, one.value) for one in Reason],
        allow_null=True,
        help_text="Null: it could, but something else was wished for.",
    )

    class Meta:
        ref_name = "RescueVerdict"


class PlannedMoveResponse(serializers.Serializer[PlannedMove]):
    appointmentId = serializers.UUIDField(source="appointment.pk")
    start = InstantField(source="appointment.start")
    end = InstantField(source="appointment.end")
    title = serializers.CharField(source="appointment.title")
    agentId = serializers.UUIDField(
        source="to.pk", allow_null=True, help_text="Null: nobody takes it."
    )
    freeAgents = serializers.ListField(
        child=serializers.UUIDField(), source="free_ids", help_text="Whose turn it is comes first."
    )
    reasons = VerdictResponse(source="verdicts", many=True)

    class Meta:
        ref_name = "PlannedRescueMove"


class PlanResponse(serializers.Serializer[Plan]):
    agentId = serializers.UUIDField(source="agent.pk")
    start = InstantField()
    end = InstantField()
    complete = serializers.BooleanField(
        source="is_complete", help_text="Whether there is somebody for each of them."
    )
    moves = PlannedMoveResponse(many=True)

    class Meta:
        ref_name = "RescuePlan"


class MoveResponse(serializers.Serializer[RescueMove]):
    appointmentId = serializers.UUIDField(
        source="appointment_id", allow_null=True, help_text="Null once it has been deleted."
    )
    start = InstantField(help_text="As it was when it was moved.")
    end = InstantField()
    agentId = serializers.UUIDField(source="to_user_id", help_text="Who was given it.")

    class Meta:
        ref_name = "RescueMove"


class RescueResponse(serializers.Serializer[Rescue]):
    id = serializers.UUIDField()
    agentId = serializers.UUIDField(source="agent_id")
    start = InstantField()
    end = InstantField()
    madeAt = InstantField(source="made_at")
    madeById = serializers.CharField(source="made_by_id")
    undoneAt = InstantField(source="undone_at", allow_null=True)
    undoneById = serializers.CharField(source="undone_by", allow_null=True)
    moves = MoveResponse(many=True)

    class Meta:
        ref_name = "Rescue"
