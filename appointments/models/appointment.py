"""An appointment, and the rules about one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import Q
from django.utils.timezone import now as current_time

from appointments.errors import (
    AppointmentHasNoTime,
    AppointmentIsARequest,
    AppointmentIsCancelled,
    AppointmentIsClosed,
    AppointmentNotActivatable,
    AppointmentNotClosed,
    AppointmentNotReschedulable,
    InteractionIsComplete,
)
from appointments.models.appointment_access import Guarded
from appointments.models.appointment_rows import LISTED, AppointmentQuerySet, Period
from appointments.models.appointment_time import check_end, nominal_duration
from appointments.models.catalogue import Subject
from appointments.models.kinds import (
    OCCUPYING,
    RESUMABLE,
    AnswerType,
    BookingStatus,
    InteractionState,
    MeetingType,
    OrganizerType,
    RequestStatus,
    RoutingType,
    State,
    TargetType,
)
from config.kernel import limits
from config.kernel.actors import ActorKind
from config.kernel.models import TenantModel, unique_in_organization
from config.kernel.time import Duration

if TYPE_CHECKING:
    from appointments.models.catalogue import Form

__all__ = [
    "Appointment",
    "InteractionState",
    "MeetingType",
    "OrganizerType",
    "RoutingType",
    "State",
    "TargetType",
]


# Members of the interaction's properties that hold what somebody said of a failure.
FAILURE_MESSAGES = frozenset({"systemMessage", "userMessage"})


# The column of an entry of the catalogue; one that is used cannot be deleted.
_ENTRY: dict[str, Any] = {
    "on_delete": models.PROTECT,
    "null": True,
    "blank": True,
    "db_constraint": False,
    "db_index": False,
    "related_name": "+",
}


class Appointment(Guarded, TenantModel):
    """One arranged meeting. `start` and `end` are both null while no time is fixed."""

    application = models.ForeignKey(
        "agents.Application",
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    external_id = models.CharField(max_length=limits.EXTERNAL_ID_LENGTH, blank=True)
    title = models.CharField(max_length=limits.TITLE_LENGTH, blank=True)
    notes = models.TextField(blank=True)
    metadata = models.JSONField(null=True, blank=True)
    internal_notes = models.TextField(blank=True, default="", db_default="")

    # What it is about and where; what is not named is the organisation's default.
    subject = models.ForeignKey("appointments.Subject", **_ENTRY)
    office = models.ForeignKey("appointments.Office", **_ENTRY)
    listing = models.ForeignKey("appointments.Listing", **_ENTRY)
    lead_segment = models.ForeignKey("appointments.LeadSegment", **_ENTRY)
    meeting_type = models.CharField(
        max_length=12,
        choices=MeetingType.choices,
        default=MeetingType.VIDEO,
        db_default=MeetingType.VIDEO,
    )
    is_hybrid = models.BooleanField(default=False, db_default=False)
    # Where they meet when it is not at the office (models.catalogue).
    location = models.JSONField(null=True, blank=True)
    # What whoever changed it last wrote with the change; it goes with the customers' details.
    last_message = models.TextField(blank=True, default="", db_default="")
    callback_request_id = models.CharField(
        max_length=limits.ID_LENGTH, blank=True, default="", db_default=""
    )

    start = models.DateTimeField(null=True)
    end = models.DateTimeField(null=True)
    # As it was asked for: a day is a day on the clock of `timezone`, so end − start may differ.
    duration = models.DurationField(null=True)
    # The agents' time before and after it, taken up with it.
    leading_buffer = models.DurationField(default=timedelta(0), db_default=timedelta(0))
    trailing_buffer = models.DurationField(default=timedelta(0))
    timezone = models.CharField(max_length=limits.ZONE_LENGTH)
    locale = models.CharField(max_length=limits.LOCALE_LENGTH, default="en-US")

    state = models.CharField(max_length=12, choices=State.choices, default=State.SCHEDULED)
    request_status = models.CharField(
        max_length=30, choices=RequestStatus.choices, blank=True, default=""
    )
    # The time that a customer asked for, or that was given up; `start` is null meanwhile.
    asked_start = models.DateTimeField(null=True)
    asked_end = models.DateTimeField(null=True)
    asked_duration = models.DurationField(null=True)
    # Since when its time is to be agreed on.
    waits_since = models.DateTimeField(null=True)
    # Reopened after its end: the clock, which would close it at once, leaves it alone.
    is_kept_open = models.BooleanField(default=False, db_default=False)
    activated_at = models.DateTimeField(null=True)
    # By the operation, not automatically: then ROOM invitations follow the schedule.
    was_activated_by_hand = models.BooleanField(default=False)
    access_expires_at = models.DateTimeField(null=True)
    details_expire_at = models.DateTimeField(null=True)
    # A ticket of the appointment itself, while it has no customer (v1: roomAccess).
    room_ticket_fingerprint = models.BinaryField(null=True, editable=False)
    room_ticket_sealed = models.BinaryField(null=True, editable=False)

    organizer_type = models.CharField(max_length=10, choices=OrganizerType.choices)
    organizer_id = models.CharField(max_length=limits.ID_LENGTH)
    target_type = models.CharField(max_length=10, choices=TargetType.choices, blank=True)
    target_id = models.CharField(max_length=limits.ID_LENGTH, blank=True)

    interaction_state = models.CharField(
        max_length=10, choices=InteractionState.choices, default=InteractionState.PENDING
    )
    routing_type = models.CharField(max_length=30, choices=RoutingType.choices, blank=True)
    routing_properties = models.JSONField(default=dict)
    custom_fields = models.JSONField(null=True)
    interaction_properties = models.JSONField(default=dict)

    notifications_active = models.BooleanField(default=True)
    notification_headers = models.JSONField(null=True)

    # A key of its own, from which secureToken is made; it opens nothing (contract, r11 of get).
    master_key = models.BinaryField(editable=False)
    # Moves when the time does: reminders are planned once for each version.
    schedule_version = models.PositiveIntegerField(default=1)
    # SEQUENCE of the calendar entry (RFC 5545, 3.8.7.4).
    sequence = models.PositiveIntegerField(default=0)
    # How many events the outbox has of it: gives the next one its number.
    event_count = models.PositiveIntegerField(default=0)

    created_at = models.DateTimeField(default=current_time)
    created_by_kind = models.CharField(max_length=10, choices=ActorKind.choices)
    created_by_id = models.CharField(max_length=limits.ID_LENGTH, blank=True)
    created_from = models.CharField(max_length=30, blank=True)
    # The number of the customer who made it, once somebody was told of it.
    created_by_number = models.PositiveIntegerField(null=True)
    updated_at = models.DateTimeField(default=current_time)
    updated_by_kind = models.CharField(max_length=10, choices=ActorKind.choices)
    updated_by_id = models.CharField(max_length=limits.ID_LENGTH, blank=True)
    updated_from = models.CharField(max_length=30, blank=True)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        constraints = [
            unique_in_organization("appointment"),
            models.CheckConstraint(
                condition=Q(start__isnull=True, end__isnull=True, duration__isnull=True)
                | Q(start__isnull=False, end__isnull=False, duration__isnull=False),
                name="appointment_has_a_whole_time_or_none",
            ),
            models.CheckConstraint(
                condition=Q(start__isnull=True) | Q(end__gt=models.F("start")),
                name="appointment_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(start__isnull=False) | ~Q(request_status=""),
                name="appointment_without_time_is_a_request",
            ),
            models.CheckConstraint(
                condition=Q(start__isnull=True) | Q(request_status=""),
                name="appointment_with_time_is_no_request",
            ),
            models.CheckConstraint(
                condition=Q(asked_start__isnull=True, asked_end__isnull=True)
                | Q(asked_end__gt=models.F("asked_start"), asked_duration__isnull=False),
                name="appointment_asks_for_a_whole_time",
            ),
            models.CheckConstraint(
                condition=~Q(request_status=RequestStatus.INCOMING_REQUEST)
                | Q(asked_start__isnull=False),
                name="appointment_request_asks_for_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(meeting_type=MeetingType.ON_LOCATION) | Q(location__isnull=False),
                name="appointment_on_location_has_one",
            ),
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="appointment_state_known"
            ),
            models.UniqueConstraint(
                fields=["room_ticket_fingerprint"],
                condition=Q(room_ticket_fingerprint__isnull=False),
                name="appointment_room_ticket_unique",
            ),
        ]
        indexes = [
            # The list of an organisation, and of one application, in the default order.
            # The state lies beside the key, so that skipping rows reads no row; the day's page
            # shows cancelled ones too.
            models.Index(
                fields=["organization", "start", "id"],
                include=["state"],
                name="appointment_list",
            ),
            models.Index(
                fields=["application", "start", "id"],
                condition=LISTED,
                name="appointment_list_app",
            ),
            # The other orders of the list.
            models.Index(
                fields=["organization", "end", "id"], condition=LISTED, name="appointment_by_end"
            ),
            models.Index(
                fields=["organization", "duration", "id"],
                condition=LISTED,
                name="appointment_by_duration",
            ),
            models.Index(
                fields=["organization", "title", "id"],
                condition=LISTED,
                name="appointment_by_title",
            ),
            # ended: what the clock has to wind up.
            models.Index(
                fields=["end"],
                condition=Q(state__in=sorted(OCCUPYING)),
                name="appointment_unfinished",
            ),
            # eligible: what waits to be activated.
            models.Index(
                fields=["organization", "start", "id"],
                condition=Q(state=State.SCHEDULED, activated_at__isnull=True),
                name="appointment_eligible",
            ),
            # overlapping: how many an application has at a time.
            GistIndex(
                "application",
                Period("start", "end"),
                condition=Q(state__in=sorted(OCCUPYING), start__isnull=False),
                name="appointment_overlap",
            ),
            # Requests and invites that somebody has to deal with.
            models.Index(
                fields=["organization", "waits_since", "id"],
                condition=~Q(request_status="") & ~Q(state=State.CANCELLED),
                name="appointment_requests",
            ),
            # Appointments of an office: its calendar.
            models.Index(
                fields=["office", "start"],
                condition=Q(office__isnull=False),
                name="appointment_of_office",
            ),
            # Details that are to be erased.
            models.Index(
                fields=["details_expire_at"],
                condition=Q(details_expire_at__isnull=False),
                name="appointment_details",
            ),
        ]

    def __str__(self) -> str:
        return self.title or f"Appointment {self.id}"

    # --- What it is -------------------------------------------------------------------------

    @property
    def nominal_duration(self) -> Duration | None:
        """Give the duration as it was asked for: in days where a day was not 24 hours."""
        return nominal_duration(self.start, self.end, self.duration)

    @property
    def is_occupying(self) -> bool:
        return self.state in OCCUPYING

    @property
    def booking_status(self) -> BookingStatus:
        """Give how it stands between customer and company (webhook.appointment.post.r32)."""
        match self.state:
            case State.CANCELLED | State.COMPLETED | State.NO_SHOW:
                return BookingStatus(self.state)
            case _:
                return BookingStatus(self.request_status or BookingStatus.ACCEPTED)

    @property
    def is_closed(self) -> bool:
        """Whether it took place, was missed or was called off."""
        return self.state in (State.COMPLETED, State.NO_SHOW, State.CANCELLED)

    @property
    def is_request(self) -> bool:
        """Whether its time is still to be agreed on."""
        return self.request_status != ""

    def has_expired(self, now: datetime) -> bool:
        """Whether the tickets' expiresAt has passed."""
        return self.access_expires_at is not None and self.access_expires_at <= now

    @property
    def subject_in_force(self) -> Subject | None:
        """Give its subject, else the organisation's general one, where that was made already."""
        named: Subject | None = self.subject
        return named or Subject.objects.general(self.organization_id)

    def form_for(self, occasion: AnswerType, *, by_customer: bool = False) -> Form | None:
        """Give the form that the subject has for an occasion."""
        subject = self.subject_in_force
        return subject.form_for(occasion, by_customer=by_customer) if subject else None

    # --- What happens to it -------------------------------------------------------------------

    def place(self, *, start: datetime, end: datetime, duration: timedelta, now: datetime) -> None:
        """Give it its time.

        Raises EndsInThePast, EndsTooLate.
        """
        check_end(end, now=now)
        self.start, self.end, self.duration = start, end, duration
        self.asked_start = self.asked_end = self.asked_duration = None
        self.request_status, self.waits_since = "", None
        self.is_kept_open = False
        self.access_expires_at = end + self.application.ticket_grace
        self.details_expire_at = end + self.application.details_kept_for

    def ask(self, *, start: datetime, end: datetime, duration: timedelta, now: datetime) -> None:
        """Note the time that a customer asks for; the one that it had is given up.

        Raises EndsInThePast, EndsTooLate.
        """
        check_end(end, now=now)
        self.give_up_time()
        self.asked_start, self.asked_end, self.asked_duration = start, end, duration
        self.request_status, self.waits_since = RequestStatus.INCOMING_REQUEST, now
        self.access_expires_at = end + self.application.ticket_grace
        self.details_expire_at = end + self.application.details_kept_for

    def invite(self, status: RequestStatus, *, now: datetime) -> None:
        """Leave it to the customer to choose a time; what is known of the old one stays known."""
        self.give_up_time()
        self.request_status, self.waits_since = status, now
        self.access_expires_at = now + limits.INVITE_OPEN_FOR
        self.details_expire_at = self.access_expires_at + self.application.details_kept_for

    def give_up_time(self) -> None:
        """Have no fixed time any more."""
        if self.start is None:
            return
        self.asked_start, self.asked_end, self.asked_duration = self.start, self.end, self.duration
        self.start = self.end = self.duration = None
        self.schedule_version += 1
        # Calendars take the entry out (RFC 5546, 3.2.5).
        self.sequence += 1

    def keep_details(self, *, now: datetime) -> None:
        """Have a customer's details erased in time, even if the others' are erased already."""
        if self.details_expire_at is None:
            self.details_expire_at = (self.end or now) + self.application.details_kept_for

    def reschedule(
        self, *, start: datetime, end: datetime, duration: timedelta, now: datetime
    ) -> None:
        """Move it; a failed or missed one is taken up again.

        Raises AppointmentNotReschedulable, EndsInThePast.
        """
        self.check_reschedulable()
        self.place(start=start, end=end, duration=duration, now=now)
        self.take_up_again()
        self.schedule_version += 1
        # Calendars ignore an update whose SEQUENCE has not grown (RFC 5545, 3.8.7.4).
        self.sequence += 1

    def take_up_again(self) -> bool:
        """Make a failed or missed one active or scheduled; false when it was neither."""
        if self.state not in (State.FAILED, State.NO_SHOW):
            return False
        self.state = State.ACTIVATED if self.is_active else State.SCHEDULED
        self.interaction_state = InteractionState.PENDING
        self.schedule_version += 1
        return True

    def check_not_closed(self) -> None:
        """Raises AppointmentIsClosed."""
        if self.is_closed:
            raise AppointmentIsClosed(state=self.get_state_display().lower())

    def check_reschedulable(self) -> None:
        """Raises AppointmentNotReschedulable."""
        if self.state in (State.IN_PROGRESS, State.COMPLETED, State.CANCELLED):
            raise AppointmentNotReschedulable(state=self.get_state_display().lower())

    def activate(self, *, now: datetime) -> bool:
        """Open conference and tickets; false when they were open already.

        Raises AppointmentNotActivatable.
        """
        if self.state == State.COMPLETED:
            raise AppointmentNotActivatable
        if self.is_active:
            return False
        if self.end is None or self.end <= now or self.state == State.CANCELLED:
            raise AppointmentNotActivatable
        self.activated_at = now
        if self.state == State.SCHEDULED:
            self.state = State.ACTIVATED
        return True

    def begin(self) -> bool:
        """Somebody joined or accepted; false when it was in progress or is over."""
        if self.state not in RESUMABLE or self.is_request:
            return False
        self.state = State.IN_PROGRESS
        return True

    def step_back(self) -> None:
        """Everybody left before the start: it is active, as if nobody had come."""
        self.state = State.ACTIVATED if self.is_active else State.SCHEDULED
        self.schedule_version += 1

    def complete(self) -> None:
        """Raises AppointmentHasNoTime."""
        if self.start is None:
            raise AppointmentHasNoTime
        self.state = State.COMPLETED
        self.interaction_state = InteractionState.COMPLETE

    def fail(self) -> None:
        """Raises AppointmentIsARequest."""
        if self.is_request:
            raise AppointmentIsARequest
        self.state = State.FAILED

    def forget_failure(self) -> None:
        """Drop the messages of a failure: they are somebody's words."""
        self.interaction_properties = {
            name: value
            for name, value in self.interaction_properties.items()
            if name not in FAILURE_MESSAGES
        }

    def miss(self) -> None:
        """Raises AppointmentHasNoTime."""
        if self.start is None:
            raise AppointmentHasNoTime
        self.state = State.NO_SHOW

    def reopen(self, *, now: datetime) -> None:
        """Make a closed or cancelled one an accepted one again.

        Raises AppointmentNotClosed, AppointmentHasNoTime.
        """
        if not self.is_closed:
            raise AppointmentNotClosed
        if self.start is None or self.end is None:
            raise AppointmentHasNoTime
        if self.state == State.CANCELLED:
            # To calendars it is a new version of the entry (RFC 5545, 3.8.7.4).
            self.sequence += 1
        self.state = State.ACTIVATED if self.is_active else State.SCHEDULED
        self.interaction_state = InteractionState.PENDING
        self.is_kept_open = self.end <= now
        self.schedule_version += 1

    def cancel(self) -> None:
        self.state = State.CANCELLED
        # A cancellation is a new version of the calendar entry too (RFC 5546, 3.2.5).
        self.sequence += 1

    def check_interaction_open(self) -> None:
        """Raises InteractionIsComplete, AppointmentIsCancelled."""
        if self.state == State.CANCELLED:
            raise AppointmentIsCancelled
        if self.interaction_state == InteractionState.COMPLETE:
            raise InteractionIsComplete
