"""What an application has set: channels, offsets, templates, subscriptions."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from config.kernel import limits
from config.kernel.models import TenantModel, TenantQuerySet, unique_in_organization
from config.kernel.time import parse_duration
from notifications.cleaning import clean_html, validate_template
from notifications.models.kinds import (
    EVENT_TYPES,
    TEMPLATE_TYPES,
    BookingEvent,
    Channel,
    NotificationType,
    WebhookAuth,
    WebhookFormat,
)


def validate_offset(text: str) -> None:
    """Accept an ISO 8601 duration.

    Raises ValidationError.
    """
    try:
        parse_duration(text)
    except ValueError as error:
        raise ValidationError(str(error)) from None


def _offsets(help_text: str) -> ArrayField[list[str], list[str]]:
    return ArrayField(
        models.CharField(max_length=40, validators=[validate_offset]),
        default=list,
        blank=True,
        size=20,
        help_text=help_text,
    )


class ChannelSettings(TenantModel):
    """One channel of one application. Without a row a channel is off."""

    application = models.ForeignKey(
        "agents.Application",
        on_delete=models.CASCADE,
        db_constraint=False,
        related_name="channel_settings",
    )
    channel = models.CharField(max_length=10, choices=Channel.choices)
    is_on = models.BooleanField(default=False)
    reminder_offsets = _offsets("How long before the start, for instance PT24H, PT1H.")
    room_offsets = _offsets("How long before the start the invitation to the room goes out.")
    follow_up_offsets = _offsets("How long after completion, for instance PT2H.")
    sender = models.CharField(
        max_length=limits.EMAIL_LENGTH, blank=True, help_text="Shown as the sender."
    )
    provider = models.CharField(
        max_length=40,
        blank=True,
        help_text="Who carries the messages of this application; empty: the installation's own.",
    )
    # What the provider must know, sealed JSON: keys, domains, regions.
    provider_options = models.BinaryField(null=True, editable=False)
    verified_at = models.DateTimeField(
        null=True, editable=False, help_text="When a code mailed through it was confirmed."
    )
    quiet_from = models.TimeField(
        null=True,
        blank=True,
        help_text="From then on, by the clock of the appointment's zone, no SMS is sent …",
    )
    quiet_until = models.TimeField(null=True, blank=True, help_text="… until then.")
    changed_at = models.DateTimeField(auto_now=True)

    objects = TenantQuerySet["ChannelSettings"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "channel settings"
        constraints = [
            unique_in_organization("channelsettings"),
            models.UniqueConstraint(
                fields=["application", "channel"], name="channelsettings_one_per_channel"
            ),
            models.CheckConstraint(
                condition=models.Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | models.Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="channelsettings_quiet_hours_begin_and_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}: {'on' if self.is_on else 'off'}"

    def clean(self) -> None:
        """Refuse quiet hours that are none, or that nobody would keep.

        Raises ValidationError, by field.
        """
        begin, end = self.quiet_from, self.quiet_until
        if (begin is None) != (end is None):
            missing = "quiet_from" if begin is None else "quiet_until"
            raise ValidationError({missing: "Quiet hours have a beginning and an end, or neither."})
        if begin is not None and begin == end:
            raise ValidationError({"quiet_until": "Quiet hours end at another time."})
        if begin is not None and self.channel in (Channel.EMAIL, Channel.WEBHOOKS):
            raise ValidationError({"quiet_from": "Only SMS has quiet hours."})

    def offsets_of(self, type: NotificationType) -> list[str]:
        """Give the offsets that are set for a scheduled type."""
        match type:
            case NotificationType.REMINDER:
                return self.reminder_offsets
            case NotificationType.ROOM:
                return self.room_offsets
            case NotificationType.FOLLOW_UP:
                return self.follow_up_offsets
            case _:
                return []


class MessageTemplate(TenantModel):
    """What a message says, for one type, channel and locale; without a row the built-in text."""

    application = models.ForeignKey(
        "agents.Application", on_delete=models.CASCADE, db_constraint=False, related_name="+"
    )
    type = models.CharField(max_length=20, choices=TEMPLATE_TYPES)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    locale = models.CharField(
        max_length=limits.LOCALE_LENGTH, help_text="A language (de) or a locale (de-AT)."
    )
    subject = models.CharField(max_length=limits.TITLE_LENGTH, blank=True)
    text = models.TextField(max_length=50_000)
    html = models.TextField(max_length=200_000, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TenantQuerySet["MessageTemplate"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("messagetemplate"),
            models.UniqueConstraint(
                fields=["application", "type", "channel", "locale"],
                name="messagetemplate_one_per_locale",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.channel} {self.locale}"

    def clean(self) -> None:
        """Refuse what could not be sent, and keep of the HTML what is harmless.

        Raises ValidationError, by field.
        """
        if self.channel not in Channel.values:
            return  # The field's own error says so.
        errors = validate_template(
            self.subject, self.text, self.html, channel=Channel(self.channel)
        )
        if errors:
            raise ValidationError(errors)
        self.html = clean_html(self.html)


class Subscription(TenantModel):
    """A webhook that an application's events go to: where, how, and how it is doing.

    It is told only while `is_active`. While `paused_at` is set, what is planned for it waits and
    its receiver is asked now and then (`probe_at`) whether it is back.
    """

    application = models.ForeignKey(
        "agents.Application", on_delete=models.CASCADE, db_constraint=False, related_name="+"
    )
    name = models.CharField(max_length=limits.NAME_LENGTH, blank=True)
    url = models.URLField(max_length=2_000)
    format = models.CharField(
        max_length=30, choices=WebhookFormat.choices, default=WebhookFormat.APPOINTMENT_EVENT
    )
    types = ArrayField(
        models.CharField(max_length=30, choices=EVENT_TYPES),
        default=list,
        blank=True,
        help_text="Empty: all of its format.",
    )
    headers = models.JSONField(
        default=dict, blank=True, help_text="Sent along with every request, by name."
    )
    # Sealed JSON, by name: sent along too, and never shown again.
    secret_headers = models.BinaryField(null=True, editable=False)
    auth = models.CharField(max_length=10, choices=WebhookAuth.choices, default=WebhookAuth.NONE)
    # Sealed JSON: user name and password, or address, client and secret of the token service.
    auth_secrets = models.BinaryField(null=True, editable=False)
    contact = models.EmailField(blank=True, help_text="Is told when the receiver is away.")
    is_active = models.BooleanField(default=True)
    # The last number that was given out in its feed.
    last_sequence = models.PositiveBigIntegerField(default=0, editable=False)
    # Since when no request has succeeded; null after one that has.
    failing_since = models.DateTimeField(null=True, editable=False)
    paused_at = models.DateTimeField(null=True, editable=False)
    probe_at = models.DateTimeField(null=True, editable=False)
    # The owner is told of each pause once.
    owner_told_at = models.DateTimeField(null=True, editable=False)
    # Why it is not active any more, when it was not switched off by hand.
    ended_reason = models.CharField(max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects = TenantQuerySet["Subscription"].as_manager()

    class Meta:
        constraints = [unique_in_organization("subscription")]
        # Who of an application wants to be told.
        indexes = [models.Index(fields=["application"], name="subscription_application")]

    def __str__(self) -> str:
        # The admin writes this into its history: an address may hold a secret.
        return self.label

    @property
    def label(self) -> str:
        """Give what it can be called before anybody: its name, or the host of its receiver."""
        # A subject of mail is one line.
        name = " ".join(self.name.split())
        return name or (urlsplit(self.url).hostname or "")[: limits.NAME_LENGTH]

    def wants(self, type: NotificationType | BookingEvent) -> bool:
        """Tell whether it is to hear of an event in the words of its format."""
        return not self.types or type in self.types


class SigningSecret(TenantModel):
    """What a subscription's requests are signed with; several are valid while one is replaced."""

    subscription = models.ForeignKey(
        Subscription, on_delete=models.CASCADE, db_constraint=False, related_name="secrets"
    )
    # `whsec_…`, sealed: it must be read to sign.
    sealed = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)
    # Null: until it is replaced.
    expires_at = models.DateTimeField(null=True)

    objects = TenantQuerySet["SigningSecret"].as_manager()

    class Meta:
        constraints = [unique_in_organization("signingsecret")]

    def __str__(self) -> str:
        return f"of {self.created_at:%Y-%m-%d}"
