"""What free times look like on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from appointments.availability import Reason, Slot, Verdict, Wanted
from config.kernel.time import format_instant


class SlotResponse(serializers.Serializer[Any]):
    """A free time; who could take it is told to those who work here."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    agentIds = serializers.ListField(child=serializers.UUIDField(), required=False)


class VerdictResponse(serializers.Serializer[Any]):
    """Whether one agent could take the time, or the first reason why not."""

    agentId = serializers.UUIDField()
    name = serializers.CharField()
    isFree = serializers.BooleanField()
    reason = serializers.ChoiceField(choices=[one.value for one in Reason], allow_null=True)


class AvailabilityResponse(serializers.Serializer[Any]):
    """Free times, or with `explain` the verdicts on one."""

    applicationId = serializers.UUIDField()
    duration = serializers.CharField()
    timezone = serializers.CharField()
    slots = serializers.ListField(child=SlotResponse(), required=False)
    verdicts = serializers.ListField(child=VerdictResponse(), required=False)


def common_of(wanted: Wanted, *, duration: str) -> dict[str, Any]:
    """Give what every answer repeats of its question."""
    return {
        "applicationId": str(wanted.application.pk),
        "duration": duration,
        "timezone": wanted.zone.key,
    }


def slots_of(slots: Sequence[Slot], *, names_agents: bool) -> list[dict[str, Any]]:
    """Give free times, in order."""
    return [_slot(one, names_agents=names_agents) for one in slots]


def _slot(one: Slot, *, names_agents: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"start": format_instant(one.start), "end": format_instant(one.end)}
    if names_agents:
        shown["agentIds"] = [str(key) for key in one.agent_ids]
    return shown


def verdicts_of(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Give verdicts, agent by agent."""
    return [
        {
            "agentId": str(agent.pk),
            "name": agent.get_full_name(),
            "isFree": reason is None,
            "reason": reason,
        }
        for agent, reason in verdicts
    ]
