"""A rescue: the appointments of an absent agent, given to colleagues in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.timezone import now as current_time

from appointments.errors import RescueNotFound
from appointments.models.kinds import OrganizerType, ParticipantRole, TargetType
from config.kernel import limits
from config.kernel.actors import ActorKind
from config.kernel.models import TenantModel, TenantQuerySet, unique_in_organization

if TYPE_CHECKING:
    from uuid import UUID


class RescueQuerySet(TenantQuerySet["Rescue"]):
    def lock(self, rescue_id: UUID) -> Rescue:
        """Fetch one row for writing. What is not visible does not exist.

        Raises RescueNotFound.
        """
        return self._only(self.select_for_update(of=("self",)), rescue_id)

    def fetch(self, rescue_id: UUID) -> Rescue:
        """Fetch one row with its agent and its moves.

        Raises RescueNotFound.
        """
        moves = RescueMove.objects.select_related("appointment", "to_user")
        rows = self.prefetch_related(
            models.Prefetch("moves", queryset=moves.order_by("start", "id"))
        )
        return self._only(rows, rescue_id)

    @staticmethod
    def _only(rows: RescueQuerySet, rescue_id: UUID) -> Rescue:
        try:
            return rows.select_related("agent").get(pk=rescue_id)
        except Rescue.DoesNotExist:
            raise RescueNotFound from None


class Rescue(TenantModel):
    """What of an agent was moved at once, by whom, and whether it was given back."""

    agent = models.ForeignKey(
        "agents.User",
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    # The period whose appointments were looked at; it excludes its end.
    start = models.DateTimeField()
    end = models.DateTimeField()
    made_at = models.DateTimeField(default=current_time)
    made_by_kind = models.CharField(max_length=10, choices=ActorKind.choices)
    made_by_id = models.CharField(max_length=limits.ID_LENGTH, blank=True)
    undone_at = models.DateTimeField(null=True)
    undone_by_kind = models.CharField(max_length=10, choices=ActorKind.choices, blank=True)
    undone_by_id = models.CharField(max_length=limits.ID_LENGTH, blank=True)

    objects = RescueQuerySet.as_manager()

    class Meta:
        constraints = [
            unique_in_organization("rescue"),
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="rescue_ends_after_start"),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True, undone_by_kind="")
                | Q(undone_at__isnull=False) & ~Q(undone_by_kind=""),
                name="rescue_undone_by_somebody",
            ),
        ]
        indexes = [
            # The list of an organisation, the newest first.
            models.Index(fields=["organization", "-made_at"], name="rescue_list"),
        ]

    def __str__(self) -> str:
        return f"{self.agent}, {self.start:%Y-%m-%d}"

    @property
    def is_undone(self) -> bool:
        return self.undone_at is not None

    @property
    def undone_by(self) -> str | None:
        """Give the id of whoever has given everything back."""
        return self.undone_by_id if self.is_undone else None


class RescueMove(TenantModel):
    """One appointment that went from the absent agent to a colleague."""

    rescue = models.ForeignKey(
        Rescue, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="moves"
    )
    # Null once the appointment has been deleted.
    appointment = models.ForeignKey(
        "appointments.Appointment",
        on_delete=models.SET_NULL,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    from_user = models.ForeignKey(
        "agents.User",
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    to_user = models.ForeignKey(
        "agents.User",
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    # The time that it had then.
    start = models.DateTimeField()
    end = models.DateTimeField()
    # Who was in charge before, and how the colleague took part already: undoing restores it.
    organizer_type = models.CharField(max_length=10, choices=OrganizerType.choices)
    organizer_id = models.CharField(max_length=limits.ID_LENGTH)
    target_type = models.CharField(max_length=10, choices=TargetType.choices, blank=True)
    target_id = models.CharField(max_length=limits.ID_LENGTH, blank=True)
    colleague_role = models.CharField(max_length=10, choices=ParticipantRole.choices, blank=True)
    # The appointments that the agent had at that time too: undoing lets them overlap again.
    overlapped = ArrayField(models.UUIDField(), default=list, blank=True)

    objects = TenantQuerySet["RescueMove"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("rescuemove"),
            models.UniqueConstraint(
                fields=["rescue", "appointment"], name="rescuemove_appointment_once"
            ),
            models.CheckConstraint(
                condition=~Q(from_user=F("to_user")), name="rescuemove_to_somebody_else"
            ),
        ]
        indexes = [
            # When an appointment is deleted, its move is kept without it.
            models.Index(
                fields=["appointment"],
                condition=Q(appointment__isnull=False),
                name="rescuemove_of",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_user_id} → {self.to_user_id}"
