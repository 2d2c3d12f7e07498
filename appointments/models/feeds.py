"""Feeds: calendars of an agent or an office, to which other calendars subscribe."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.timezone import now as current_time

from config.kernel import limits
from config.kernel.actors import Actor, ActorKind, Role
from config.kernel.models import TenantModel, TenantQuerySet, unique_in_organization


class CalendarFeedQuerySet(TenantQuerySet["CalendarFeed"]):
    def live(self) -> Self:
        """Keep those that have not been revoked."""
        return self.filter(revoked_at__isnull=True)

    def concerning(self, actor: Actor) -> Self:
        """Keep what the actor may see: agents their own, who looks after the house all."""
        if actor.kind == ActorKind.SYSTEM or actor.has(Role.SUPERVISOR, Role.ADMIN):
            return self
        return self.filter(agent_id=actor.id)


class CalendarFeed(TenantModel):
    """An address at which the calendar of one agent or one office can be read."""

    agent = models.ForeignKey(
        "agents.User",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    office = models.ForeignKey(
        "appointments.Office",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    # The secret of the address: found by its fingerprint, shown by unsealing.
    fingerprint = models.BinaryField(editable=False)
    sealed = models.BinaryField(editable=False)
    shows_customers = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=current_time, editable=False)
    created_by_kind = models.CharField(max_length=10, choices=ActorKind.choices, editable=False)
    created_by_id = models.CharField(max_length=limits.ID_LENGTH, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)
    # To within an hour: whether anybody subscribes to it.
    last_read_at = models.DateTimeField(null=True, editable=False)

    # What was read last, what it was made of, and since when it is so (Last-Modified).
    digest = models.BinaryField(null=True, editable=False)
    stamp = models.BinaryField(null=True, editable=False)
    changed_at = models.DateTimeField(null=True, editable=False)
    # Whether another version was told of the same second, so that the second says nothing.
    is_second_shared = models.BooleanField(default=False, editable=False)

    objects = CalendarFeedQuerySet.as_manager()

    class Meta:
        constraints = [
            unique_in_organization("calendarfeed"),
            models.UniqueConstraint(fields=["fingerprint"], name="calendarfeed_secret_unique"),
            models.CheckConstraint(
                condition=Q(agent__isnull=False, office__isnull=True)
                | Q(agent__isnull=True, office__isnull=False),
                name="calendarfeed_of_an_agent_or_an_office",
            ),
        ]
        indexes = [
            # live: the feeds of an organisation, and those of one agent in it.
            models.Index(
                fields=["organization", "agent", "created_at"],
                condition=Q(revoked_at__isnull=True),
                name="calendarfeed_live",
            ),
        ]

    def __str__(self) -> str:
        return f"Calendar of {self.agent or self.office}"
