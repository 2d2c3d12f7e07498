"""Who takes part in an appointment, and whose it is."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, Self
from uuid import UUID

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import Q

from appointments.errors import ParticipantNotFound
from appointments.models.kinds import ParticipantRole, ParticipantState, ParticipantType
from config.kernel import limits
from config.kernel.models import TenantModel, TenantQuerySet, unique_in_organization

__all__ = [
    "Involvement",
    "Participant",
    "ParticipantRole",
    "ParticipantState",
    "ParticipantType",
]


class ParticipantQuerySet(TenantQuerySet["Participant"]):
    def of(self, appointment_id: UUID) -> Self:
        """Keep those of one appointment, in the order in which they were added."""
        return self.filter(appointment_id=appointment_id).order_by("id")


class Participant(TenantModel):
    """An agent or a customer in an appointment.

    On the wire an agent is named by its user id, a customer by this row's id.
    """

    appointment = models.ForeignKey(
        "appointments.Appointment",
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="participants",
    )
    type = models.CharField(max_length=10, choices=ParticipantType.choices)
    role = models.CharField(
        max_length=10, choices=ParticipantRole.choices, default=ParticipantRole.PRIMARY
    )
    user = models.ForeignKey(
        "agents.User",
        on_delete=models.PROTECT,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    customer = models.ForeignKey(
        "agents.Customer",
        on_delete=models.SET_NULL,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    state = models.CharField(max_length=10, choices=ParticipantState.choices, blank=True)
    first_joined_at = models.DateTimeField(null=True)
    # Has joined by our own room: if its seat there is lost, somebody has to notice.
    is_in_room = models.BooleanField(default=False, db_default=False)
    error_data = models.JSONField(null=True)

    # The ticket: found by its fingerprint, shown by unsealing.
    ticket_fingerprint = models.BinaryField(null=True)
    ticket_sealed = models.BinaryField(null=True)
    ticket_used_at = models.DateTimeField(null=True)

    # An agent's time while the appointment takes it up; null for customers and what is over.
    occupies = DateTimeRangeField(null=True)
    # The application's prevent_overlaps when the time was taken.
    is_exclusive = models.BooleanField(default=False)

    # A customer's details, until they are erased.
    first_name = models.CharField(max_length=limits.NAME_LENGTH, blank=True)
    last_name = models.CharField(max_length=limits.NAME_LENGTH, blank=True)
    email = models.CharField(max_length=limits.EMAIL_LENGTH, blank=True)
    phone = models.CharField(max_length=limits.PHONE_LENGTH, blank=True)
    username = models.CharField(max_length=limits.USERNAME_LENGTH, blank=True)
    metadata = models.JSONField(null=True)
    erased_at = models.DateTimeField(null=True)

    objects = ParticipantQuerySet.as_manager()

    class Meta:
        constraints = [
            unique_in_organization("participant"),
            models.UniqueConstraint(fields=["appointment", "user"], name="participant_agent_once"),
            models.UniqueConstraint(
                fields=["ticket_fingerprint"], name="participant_ticket_unique"
            ),
            models.CheckConstraint(
                condition=Q(type=ParticipantType.AGENT, user__isnull=False)
                | Q(type=ParticipantType.CUSTOMER, user__isnull=True),
                name="participant_agent_is_a_user",
            ),
            models.CheckConstraint(
                condition=Q(occupies__isnull=True) | Q(type=ParticipantType.AGENT),
                name="participant_only_agents_are_occupied",
            ),
            # Two bookings of one agent's time: PostgreSQL has the last word.
            ExclusionConstraint(
                name="participant_agent_free",
                expressions=[
                    ("organization", RangeOperators.EQUAL),
                    ("user", RangeOperators.EQUAL),
                    ("occupies", RangeOperators.OVERLAPS),
                ],
                condition=Q(is_exclusive=True, occupies__isnull=False),
            ),
        ]
        indexes = [
            # The participants of a page of appointments.
            models.Index(fields=["appointment", "id"], name="participant_of"),
            # occupied: what an agent has at a time, exclusive or not.
            GistIndex(
                fields=["user", "occupies"],
                condition=Q(occupies__isnull=False),
                name="participant_occupied",
            ),
            # free_agents: who was given an appointment longest ago.
            models.Index(
                fields=["user", "-id"],
                condition=Q(type=ParticipantType.AGENT),
                name="participant_given",
            ),
            # The few who are in a room now.
            models.Index(fields=["id"], condition=Q(is_in_room=True), name="participant_in_room"),
            # The appointments of a customer.
            models.Index(
                fields=["customer"],
                condition=Q(customer__isnull=False),
                name="participant_customer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()} {self.wire_id}"

    @property
    def wire_id(self) -> str:
        """Give the id that callers know: an agent's is its user id."""
        return str(self.user_id or self.id)

    @property
    def is_customer(self) -> bool:
        return self.type == ParticipantType.CUSTOMER

    def set_state(self, state: ParticipantState, *, now: datetime) -> bool:
        """Take the new state; false when it is the old one."""
        if self.state == state:
            return False
        self.state = state
        if state == ParticipantState.JOINED and self.first_joined_at is None:
            self.first_joined_at = now
        return True


class HasDetails(Protocol):
    """A participant, however it was read."""

    @property
    def type(self) -> str: ...

    @property
    def erased_at(self) -> object: ...


def details_are_available(
    participant: HasDetails, *, expire_at: datetime | None, now: datetime
) -> bool:
    """Whether a participant's details can still be read: an agent's always."""
    return participant.type == ParticipantType.AGENT or (
        participant.erased_at is None and (expire_at is None or now < expire_at)
    )


def find_participant(participants: list[Participant], wire_id: str) -> Participant:
    """Give the participant that callers know by this id.

    Raises ParticipantNotFound.
    """
    for participant in participants:
        if participant.wire_id == wire_id:
            return participant
    raise ParticipantNotFound


class Involvement(TenantModel):
    """That an appointment is an agent's: as organizer, as participant or as target.

    Triggers derive it from appointments and participants in the same transaction, so that an
    agent's list is one index scan in the default order, at any size of the table.
    """

    application = models.ForeignKey(
        "agents.Application",
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    appointment = models.ForeignKey(
        "appointments.Appointment",
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="involvements",
    )
    # A user or an API client: whoever the appointment is to be found by.
    agent_id = models.UUIDField()
    is_organizer = models.BooleanField(default=False)
    is_assigned = models.BooleanField(default=False)
    start = models.DateTimeField(null=True)

    objects = TenantQuerySet["Involvement"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("involvement"),
            models.UniqueConstraint(fields=["appointment", "agent_id"], name="involvement_once"),
        ]
        indexes = [
            # An agent's list in the default order; its total is counted without the table.
            models.Index(
                fields=["agent_id", "start", "appointment"],
                include=["organization", "application", "is_assigned", "is_organizer"],
                name="involvement_list",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} in {self.appointment_id}"
