"""What desktops are told: the desk's own outbox, one ordered stream for each person."""

from __future__ import annotations

from django.db import models
from django.utils.timezone import now as current_time

from config.kernel import limits
from config.kernel.models import TenantModel, TenantQuerySet, unique_in_organization


class PushStream(TenantModel):
    """Everything that one person's desktops are told, in one order.

    Its row is locked by whoever adds to it until that is committed: so a number is never seen
    before a smaller one.
    """

    user = models.OneToOneField(
        "agents.User", on_delete=models.CASCADE, db_constraint=False, related_name="+"
    )
    sequence = models.BigIntegerField(default=0, db_default=0)

    objects = TenantQuerySet["PushStream"].as_manager()

    class Meta:
        constraints = [unique_in_organization("pushstream")]

    def __str__(self) -> str:
        return f"{self.user}: {self.sequence}"


class PushMessage(TenantModel):
    """One thing that a person's desktops are told, as it was at that moment.

    It is kept for as long as a desktop that was away may ask for it again.
    """

    user = models.ForeignKey(
        "agents.User",
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    sequence = models.BigIntegerField()
    topic = models.CharField(max_length=limits.NAME_LENGTH)
    # Addresses in it are paths: what comes before them depends on who asks.
    data = models.JSONField()
    made_at = models.DateTimeField(default=current_time)

    objects = TenantQuerySet["PushMessage"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("pushmessage"),
            models.UniqueConstraint(fields=["user", "sequence"], name="pushmessage_in_order"),
        ]
        indexes = [models.Index(fields=["made_at"], name="pushmessage_made")]

    def __str__(self) -> str:
        return f"{self.topic} {self.sequence}"
