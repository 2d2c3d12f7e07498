"""What is left of an appointment that was deleted."""

from __future__ import annotations

from django.db import models

from config.kernel import limits
from config.kernel.actors import ActorKind
from config.kernel.models import TenantModel, TenantQuerySet, unique_in_organization


class Tombstone(TenantModel):
    """What is left of a deleted appointment: enough to take it out of calendars and to tell why."""

    application = models.ForeignKey(
        "agents.Application", on_delete=models.CASCADE, db_constraint=False, related_name="+"
    )
    start = models.DateTimeField(null=True)
    end = models.DateTimeField(null=True)
    timezone = models.CharField(max_length=limits.ZONE_LENGTH)
    sequence = models.PositiveIntegerField()
    event_count = models.PositiveIntegerField()
    deleted_at = models.DateTimeField()
    deleted_by_kind = models.CharField(max_length=10, choices=ActorKind.choices)
    deleted_by_id = models.CharField(max_length=limits.ID_LENGTH, blank=True)

    objects = TenantQuerySet["Tombstone"].as_manager()

    class Meta:
        constraints = [unique_in_organization("tombstone")]

    def __str__(self) -> str:
        return f"Deleted appointment {self.id}"
