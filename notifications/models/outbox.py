"""The outbox: what happened, by whom, before and after; append-only."""

from __future__ import annotations

from uuid import UUID

from django.db import models
from django.utils import timezone

from config.kernel import limits
from config.kernel.actors import ActorKind
from config.kernel.models import TenantModel, TenantQuerySet


class OutboxEventQuerySet(TenantQuerySet["OutboxEvent"]):
    def of(self, subject_id: UUID) -> OutboxEventQuerySet:
        """Keep the events of one subject, the oldest first: its audit trail."""
        return self.filter(subject_id=subject_id).order_by("subject_sequence", "id")


class OutboxEvent(TenantModel):
    """One thing that happened. Facts hold no person's name or address: those can be forgotten.

    The table is partitioned by month of `recorded_at` (primary key: id, recorded_at), and a
    trigger refuses changes of everything but `published_at`.
    """

    application_id = models.UUIDField(null=True)
    type = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=30)
    subject_id = models.UUIDField()
    # Grows by one with each event of the subject: the order that a reader may rely on.
    subject_sequence = models.PositiveIntegerField()
    actor_kind = models.CharField(max_length=10, choices=ActorKind.choices)
    actor_id = models.CharField(max_length=limits.ID_LENGTH, blank=True)
    origin = models.CharField(max_length=30, blank=True)
    correlation_id = models.CharField(max_length=100, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    facts = models.JSONField(default=dict)
    recorded_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True)

    objects = OutboxEventQuerySet.as_manager()

    class Meta:
        db_table = "outbox_event"
        indexes = [
            # The timeline of an appointment, and its audit trail.
            models.Index(fields=["subject_id", "subject_sequence"], name="outbox_event_subject"),
        ]

    def __str__(self) -> str:
        return self.type
