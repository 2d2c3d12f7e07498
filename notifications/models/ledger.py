"""The ledger: one row for each message that is to be told, and everything that became of it."""

from __future__ import annotations

from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.lookups import IsNull
from django.utils import timezone

from config.kernel import limits
from config.kernel.models import TenantModel, TenantQuerySet, unique_in_organization
from notifications.errors import NotificationNotFound
from notifications.models.kinds import (
    FINAL,
    SCHEDULED_TYPES,
    BookingEvent,
    Channel,
    NotificationType,
    RecipientType,
    Status,
    Wording,
)


class NotificationQuerySet(TenantQuerySet["Notification"]):
    def of(self, subject_id: UUID) -> NotificationQuerySet:
        """Keep the notifications of one subject."""
        return self.filter(subject_id=subject_id)

    def with_outdated(self) -> NotificationQuerySet:
        """Say of each, as `is_outdated`, whether a later one tells the same recipient the same."""
        later = Notification.objects.filter(
            subject_id=OuterRef("subject_id"),
            type=OuterRef("type"),
            recipient_id=OuterRef("recipient_id"),
            channel=OuterRef("channel"),
            created_at__gt=OuterRef("created_at"),
        ).filter(
            Q(offset=OuterRef("offset")) | Q(IsNull(OuterRef("offset"), True), offset__isnull=True)
        )
        return self.annotate(is_outdated=Exists(later))

    def lock(self, notification_id: UUID) -> Notification:
        """Fetch one row of those for writing. What is not visible does not exist.

        Raises NotificationNotFound.
        """
        try:
            return self.select_for_update(of=("self",)).get(pk=notification_id)
        except Notification.DoesNotExist:
            raise NotificationNotFound from None

    def unsent(self) -> NotificationQuerySet:
        """Keep those that were never handed over."""
        return self.filter(status=Status.INITIALIZED)


class Notification(TenantModel):
    """One message of one type to one recipient over one channel: the queue and its record.

    It is planned once, whatever runs twice: the unique key names its cause.
    """

    application_id = models.UUIDField()
    subject_type = models.CharField(max_length=30)
    subject_id = models.UUIDField()
    type = models.CharField(max_length=20, choices=NotificationType.choices)
    # For a webhook in the format of bookings: what it tells in that format's words.
    booking_event = models.CharField(
        max_length=30, choices=BookingEvent.choices, blank=True, default="", db_default=""
    )
    channel = models.CharField(max_length=10, choices=Channel.choices)
    recipient_type = models.CharField(max_length=10, choices=RecipientType.choices)
    # A participant, an agent's participant or a subscription.
    recipient_id = models.UUIDField()
    # Null and not empty: only the types with a time of their own have one.
    offset = models.CharField(max_length=40, null=True)  # noqa: DJ001
    # The event that caused it, or the schedule version for the types with an offset.
    cause = models.CharField(max_length=60)

    status = models.CharField(max_length=12, choices=Status.choices, default=Status.INITIALIZED)
    provider_status = models.CharField(max_length=60, blank=True)
    scheduled_for = models.DateTimeField(null=True)
    # When somebody has to do something next; null when nothing is to come.
    due_at = models.DateTimeField(null=True)
    # Sent later than this, it would be wrong: it is cancelled with the reason.
    not_after = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    # Grows with every claim: the fence between a frozen worker and its successor.
    attempt = models.PositiveIntegerField(default=0)
    retry_count = models.PositiveIntegerField(default=0)
    poll_attempts = models.PositiveIntegerField(default=0)
    # The place in the schedule of retries: counts like retry_count, but anew when somebody has it
    # sent again.
    schedule_step = models.PositiveIntegerField(default=0, db_default=0)
    # The provider has it: what is due is to ask how it went.
    is_submitted = models.BooleanField(default=False, db_default=False)
    # The subject's own count of events when this was planned: orders what one subject caused.
    subject_sequence = models.PositiveIntegerField(default=0, db_default=0)
    # Its number in the feed of its webhook subscription; null until services.feed gives it one.
    feed_sequence = models.PositiveBigIntegerField(null=True)
    is_held = models.BooleanField(default=False)
    message = models.CharField(max_length=500, blank=True)
    error_message = models.CharField(max_length=500, blank=True)
    message_id = models.CharField(max_length=255, blank=True)
    conversation_id = models.CharField(max_length=255, blank=True)
    # What is needed to render it even after its subject is gone; no names, addresses or links.
    snapshot = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        constraints = [
            unique_in_organization("notification"),
            models.UniqueConstraint(
                fields=[
                    "subject_id",
                    "type",
                    "recipient_id",
                    "channel",
                    "offset",
                    "cause",
                ],
                nulls_distinct=False,
                name="notification_planned_once",
            ),
            models.CheckConstraint(
                condition=Q(due_at__isnull=True) | ~Q(status__in=sorted(FINAL)),
                name="notification_final_is_not_due",
            ),
            models.CheckConstraint(
                condition=Q(type__in=sorted(SCHEDULED_TYPES), scheduled_for__isnull=False)
                | (
                    ~Q(type__in=sorted(SCHEDULED_TYPES))
                    & Q(scheduled_for__isnull=True, offset__isnull=True)
                ),
                name="notification_scheduled_types_have_a_time",
            ),
            # services.feed: a feed in its order, without gaps.
            models.UniqueConstraint(
                fields=["recipient_id", "feed_sequence"],
                condition=Q(feed_sequence__isnull=False),
                name="notification_numbered_once",
            ),
        ]
        indexes = [
            # services.queue: what is due, and the earliest row a worker sleeps until.
            models.Index(
                fields=["channel", "due_at"],
                condition=Q(due_at__isnull=False, is_held=False),
                name="notification_due",
            ),
            # The same, the organisations in turns, without reading anybody's backlog.
            models.Index(
                fields=["channel", "organization", "due_at"],
                condition=Q(due_at__isnull=False, is_held=False),
                name="notification_due_fairly",
            ),
            # services.feed: what has no number yet.
            models.Index(
                fields=["due_at"],
                condition=Q(
                    due_at__isnull=False, channel=Channel.WEBHOOKS, feed_sequence__isnull=True
                ),
                name="notification_unnumbered",
            ),
            # services.webhooks: what is due to one subscription. Many fall due in one moment: the
            # number puts them in order without sorting them.
            models.Index(
                fields=["recipient_id", "due_at", "feed_sequence"],
                condition=Q(due_at__isnull=False, is_held=False, channel=Channel.WEBHOOKS),
                name="notification_due_to",
            ),
            # services.webhooks: what of a subject waits to be told to one subscription.
            models.Index(
                fields=["recipient_id", "subject_id", "feed_sequence"],
                condition=Q(due_at__isnull=False, channel=Channel.WEBHOOKS),
                name="notification_in_order",
            ),
            # services.operations: nearly always empty.
            models.Index(fields=["channel"], condition=Q(is_held=True), name="notification_held"),
        ]

    def __str__(self) -> str:
        return f"{self.type} by {self.channel}: {self.status}"

    @property
    def tells(self) -> str:
        """Say in a word what is told: of a request or a booking event more than its type says."""
        if self.booking_event:
            return str(BookingEvent(self.booking_event).label)
        if self.channel != Channel.WEBHOOKS and (wording := self.snapshot.get("wording")):
            return str(Wording(wording).label)
        return str(NotificationType(self.type).label)

    @property
    def is_retrying(self) -> bool:
        """Whether it waits for another attempt, and is in no worker's hands."""
        return self.status == Status.PENDING and self.lease_until is None and not self.is_submitted

    @property
    def can_retry(self) -> bool:
        """Whether somebody may have it sent again; needs `with_outdated` (list.r9)."""
        return self.is_retrying or (self.status == Status.FAILED and not vars(self)["is_outdated"])

    @property
    def can_cancel(self) -> bool:
        """Whether it can still be kept from being sent."""
        return (
            self.status in (Status.INITIALIZED, Status.PENDING)
            and self.lease_until is None
            and not self.is_submitted
        )


class NotificationContent(models.Model):
    """Who it goes to and what it said: kept apart from the history, so that it can be erased."""

    notification = models.OneToOneField(
        Notification,
        on_delete=models.CASCADE,
        primary_key=True,
        db_constraint=False,
        related_name="content",
    )
    organization = models.ForeignKey(
        "agents.Organization",
        on_delete=models.CASCADE,
        db_index=False,
        db_constraint=False,
        related_name="+",
    )
    address = models.CharField(max_length=limits.EMAIL_LENGTH, blank=True)
    first_name = models.CharField(max_length=limits.NAME_LENGTH, blank=True)
    last_name = models.CharField(max_length=limits.NAME_LENGTH, blank=True)
    # Free text of the subject (title, names of others…) that tokens may ask for.
    facts = models.JSONField(default=dict)
    # The recipient's own link, sealed: it lets its bearer in.
    link = models.BinaryField(null=True)
    # The payload of a webhook, sealed: the very bytes that every attempt carries.
    body = models.BinaryField(null=True)
    # What was sent, links masked.
    subject = models.CharField(max_length=500, blank=True)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)
    # From then on it is forgotten, once nothing is to be sent any more.
    erase_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)

    objects = TenantQuerySet["NotificationContent"].as_manager()

    class Meta:
        indexes = [
            # services.forgetting: what is to be erased.
            models.Index(
                fields=["erase_at"],
                condition=Q(erase_at__isnull=False, erased_at__isnull=True),
                name="notificationcontent_erase",
            ),
        ]

    def __str__(self) -> str:
        return self.subject


class NotificationEvent(TenantModel):
    """One step in the delivery of a notification; append-only, partitioned by month of `at`."""

    notification_id = models.UUIDField()
    at = models.DateTimeField(default=timezone.now)
    status = models.CharField(max_length=12, choices=Status.choices)
    provider_status = models.CharField(max_length=60, blank=True)
    attempt = models.PositiveIntegerField(default=0)
    retry_count = models.PositiveIntegerField(default=0)
    poll_attempts = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    # What comes next is to ask the provider how it went.
    is_submitted = models.BooleanField(default=False, db_default=False)
    message = models.CharField(max_length=500, blank=True)
    error_message = models.CharField(max_length=500, blank=True)
    message_id = models.CharField(max_length=255, blank=True)
    conversation_id = models.CharField(max_length=255, blank=True)

    objects = TenantQuerySet["NotificationEvent"].as_manager()

    class Meta:
        db_table = "notification_event"
        indexes = [
            # The steps of one notification.
            models.Index(fields=["notification_id", "at"], name="notification_event_of"),
        ]

    def __str__(self) -> str:
        return self.status


class Undeliverable(TenantModel):
    """An address that mail came back from, or whose owner complained about our mail."""

    class Reason(models.TextChoices):
        BOUNCED = "BOUNCED", "Bounced"
        COMPLAINED = "COMPLAINED", "Complained"

    # Found by its fingerprint, shown by decryption; it goes when the history is purged.
    fingerprint = models.BinaryField()
    sealed_address = models.BinaryField()
    reason = models.CharField(max_length=10, choices=Reason.choices)
    said = models.CharField(max_length=500, blank=True)
    # Not a key: it stays when the notification is purged.
    notification_id = models.UUIDField(null=True)
    noted_at = models.DateTimeField(default=timezone.now)

    objects = TenantQuerySet["Undeliverable"].as_manager()

    class Meta:
        verbose_name = "undeliverable address"
        verbose_name_plural = "undeliverable addresses"
        constraints = [
            unique_in_organization("undeliverable"),
            models.UniqueConstraint(
                fields=["organization", "fingerprint"], name="undeliverable_once"
            ),
        ]

    def __str__(self) -> str:
        return self.get_reason_display()


class ProofRun(models.Model):
    """What a comparison of the ledger with what the planner says has found."""

    since = models.DateTimeField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    appointments = models.PositiveBigIntegerField(default=0)
    missing = models.PositiveBigIntegerField(default=0)
    doubled = models.PositiveBigIntegerField(default=0)
    late = models.PositiveBigIntegerField(default=0)
    # The first of them: ids, types and moments, no persons.
    findings = models.JSONField(default=list)

    objects = models.Manager()

    def __str__(self) -> str:
        return f"{self.missing} missing, {self.doubled} double, {self.late} late"


class HistoryPurge(models.Model):
    """Before when there is no history any more: nothing can be proved of that time."""

    purged_before = models.DateTimeField()
    ended_at = models.DateTimeField(default=timezone.now)
    notifications = models.PositiveBigIntegerField(default=0)

    objects = models.Manager()

    def __str__(self) -> str:
        return f"before {self.purged_before:%Y-%m-%d}"


class Heartbeat(models.Model):
    """When a part of the installation was last seen at work."""

    name = models.CharField(max_length=100, primary_key=True)
    seen_at = models.DateTimeField()

    objects = models.Manager()

    def __str__(self) -> str:
        return self.name
