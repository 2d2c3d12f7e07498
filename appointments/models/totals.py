"""How many appointments a day has: what makes an exact total cheap."""

from __future__ import annotations

from django.db import models

from config.kernel.models import TenantQuerySet


class DayTotal(models.Model):
    """A change of the number of listed appointments that start on one UTC day.

    Triggers on appointment and involvement write these rows in the same transaction; nobody
    waits for anybody, because rows are only added. Beat adds them up (`compact_totals`), and
    `manage.py doctor` compares the sums with count(*).
    """

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(
        "agents.Organization",
        on_delete=models.CASCADE,
        db_index=False,
        db_constraint=False,
        related_name="+",
    )
    application_id = models.UUIDField()
    # Null: all appointments of the application; else those that are this agent's.
    agent_id = models.UUIDField(null=True)
    day = models.DateField()
    change = models.BigIntegerField()
    # Not added up yet; the triggers leave it to the database.
    is_new = models.BooleanField(db_default=True, default=True)

    objects = TenantQuerySet["DayTotal"].as_manager()

    class Meta:
        indexes = [
            # Sums over days, from the index alone.
            models.Index(
                fields=["organization", "agent_id", "day"],
                include=["application_id", "change"],
                name="daytotal_sum",
            ),
            # compact_totals: what has come since.
            models.Index(fields=["id"], condition=models.Q(is_new=True), name="daytotal_new"),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.change:+}"
