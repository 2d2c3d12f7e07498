"""Calls, as the switch has them: who talks with whom, on which telephone, and how it stands."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.timezone import now as current_time

from config.kernel import limits
from config.kernel.models import TenantModel, TenantQuerySet, unique_in_organization


class CallType(models.TextChoices):
    INTERNAL = "Internal", "Between colleagues"
    INBOUND = "Inbound", "From outside"
    OUTBOUND = "Outbound", "To the outside"
    CONSULT = "Consult", "To ask somebody during another one"


class LegState(models.TextChoices):
    """How a call stands for one of its parties (cc.lifecycle.call_state)."""

    DIALING = "Dialing", "Dialing"
    RINGING = "Ringing", "Ringing"
    ESTABLISHED = "Established", "Talking"
    HELD = "Held", "Held"
    RELEASED = "Released", "Over"


class Call(TenantModel):
    """A conversation of two or more parties; its row is the lock of whatever happens to it."""

    # What desktops know it by: 16 hexadecimal digits, and 32 capital letters and digits.
    number = models.CharField(max_length=16, unique=True)
    uuid = models.CharField(max_length=32, unique=True)
    type = models.CharField(max_length=10, choices=CallType.choices)
    # The number that it came from, and the one that was dialled.
    ani = models.CharField(max_length=limits.PHONE_LENGTH, blank=True)
    dnis = models.CharField(max_length=limits.PHONE_LENGTH, blank=True)
    user_data = models.JSONField(default=dict)
    dtmf = models.TextField(blank=True)
    # The call during which somebody is asked, and for what.
    consults = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        db_constraint=False,
        related_name="consultations",
    )
    consult_purpose = models.CharField(
        max_length=10,
        choices=[("TRANSFER", "Transfer"), ("CONFERENCE", "Conference")],
        blank=True,
    )
    # Nobody was free in the queue that was dialled: it rings as soon as somebody is.
    waits_in = models.ForeignKey(
        "agents.Queue",
        on_delete=models.SET_NULL,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    began_at = models.DateTimeField(default=current_time)
    ended_at = models.DateTimeField(null=True)
    event_count = models.PositiveIntegerField(default=0)

    objects = TenantQuerySet["Call"].as_manager()

    class Meta:
        constraints = [unique_in_organization("call")]
        indexes = [
            # What goes on now: the board, and what waits in queues.
            models.Index(
                fields=["organization", "began_at"],
                condition=Q(ended_at__isnull=True),
                name="call_going_on",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class Leg(TenantModel):
    """One party of a call: an agent's device, or a number outside."""

    call = models.ForeignKey(
        Call, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="legs"
    )
    device = models.ForeignKey(
        "agents.Device",
        on_delete=models.SET_NULL,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="legs",
    )
    # Whoever was on the device then; parties outside are nobody's.
    user = models.ForeignKey(
        "agents.User",
        on_delete=models.SET_NULL,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    phone_number = models.CharField(max_length=limits.PHONE_LENGTH)
    state = models.CharField(max_length=12, choices=LegState.choices)
    is_muted = models.BooleanField(default=False)
    # A supervisor who takes part in the calls of somebody else.
    monitoring_kind = models.CharField(max_length=10, blank=True)
    began_at = models.DateTimeField(default=current_time)
    established_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)

    objects = TenantQuerySet["Leg"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("leg"),
            models.CheckConstraint(
                condition=Q(state=LegState.RELEASED, released_at__isnull=False)
                | ~Q(state=LegState.RELEASED) & Q(released_at__isnull=True),
                name="leg_released_at_some_time",
            ),
            # A device has one place in a call.
            models.UniqueConstraint(
                fields=["call", "device"],
                condition=Q(released_at__isnull=True),
                name="leg_device_once",
            ),
            # On a device one call at a time is dialled, rings or goes on; others are held.
            models.UniqueConstraint(
                fields=["device"],
                condition=Q(state__in=["Dialing", "Ringing", "Established"]),
                name="leg_device_busy_once",
            ),
        ]
        indexes = [
            models.Index(fields=["call", "id"], name="leg_of_call"),
            # The calls of a device, and of a person, that are not over.
            models.Index(
                fields=["device"], condition=Q(released_at__isnull=True), name="leg_on_device"
            ),
            models.Index(
                fields=["user"], condition=Q(released_at__isnull=True), name="leg_of_user"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.phone_number}: {self.get_state_display()}"
