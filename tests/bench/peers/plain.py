"""The plain way: a ModelViewSet with ModelSerializers over the same tables, and no more."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from rest_framework import serializers, viewsets

from appointments.models import Appointment, Participant


class ParticipantSerializer(serializers.ModelSerializer[Participant]):
    class Meta:
        model = Participant
        fields = [
            "id",
            "type",
            "role",
            "user",
            "state",
            "first_name",
            "last_name",
            "email",
            "phone",
        ]


class AppointmentSerializer(serializers.ModelSerializer[Appointment]):
    participants = ParticipantSerializer(many=True)

    class Meta:
        model = Appointment
        fields = [
            "id", "organization", "application", "title", "notes", "metadata", "start", "end",
            "duration", "timezone", "locale", "organizer_type", "organizer_id", "target_type",
            "target_id", "interaction_state", "routing_type", "routing_properties",
            "custom_fields", "interaction_properties", "notifications_active",
            "notification_headers", "participants",
        ]  # fmt: skip

    @transaction.atomic
    def create(self, validated_data: dict[str, Any]) -> Appointment:
        """Make the appointment and its participants."""
        participants = validated_data.pop("participants")
        appointment = Appointment.objects.create(master_key=b"", **validated_data)
        Participant.objects.bulk_create(
            Participant(
                organization_id=appointment.organization_id, appointment=appointment, **data
            )
            for data in participants
        )
        return appointment


class AppointmentViewSet(viewsets.ModelViewSet[Appointment]):
    queryset = Appointment.objects.all()
    serializer_class = AppointmentSerializer

    def get_queryset(self) -> QuerySet[Appointment]:
        """Keep an agent's appointments of a range, each with its participants."""
        found = super().get_queryset().prefetch_related("participants")
        if "agent" not in self.request.GET:
            return found
        first, last = self.request.GET["first"], self.request.GET["last"]
        return found.filter(
            organization_id=self.request.GET["organization"],
            involvements__agent_id=self.request.GET["agent"],
            involvements__is_assigned=True,
            involvements__start__range=(first, last),
            end__lte=last,
        ).order_by("start", "id")
