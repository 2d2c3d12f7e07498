"""What an application has set: channels, offsets, templates, subscriptions."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models

from config.kernel import limits
from config.kernel.models import TenantModel, TenantQuerySet, unique_in_organization
from config.kernel.time import parse_duration
from notifications.cleaning import clean_html, validate_template
from notifications.models.kinds import Channel, NotificationType


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

    objects = TenantQuerySet["ChannelSettings"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "channel settings"
        constraints = [
            unique_in_organization("channelsettings"),
            models.UniqueConstraint(
                fields=["application", "channel"], name="channelsettings_one_per_channel"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}: {'on' if self.is_on else 'off'}"

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
    type = models.CharField(max_length=20, choices=NotificationType.choices)
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
    """A webhook that an application's events go to."""

    application = models.ForeignKey(
        "agents.Application", on_delete=models.CASCADE, db_constraint=False, related_name="+"
    )
    url = models.URLField(max_length=2_000)
    types = ArrayField(
        models.CharField(max_length=20, choices=NotificationType.choices),
        default=list,
        blank=True,
        help_text="Empty: all types.",
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantQuerySet["Subscription"].as_manager()

    class Meta:
        constraints = [unique_in_organization("subscription")]
        # Who of an application wants to be told.
        indexes = [models.Index(fields=["application"], name="subscription_application")]

    def __str__(self) -> str:
        return self.url

    def wants(self, type: NotificationType) -> bool:
        return not self.types or type in self.types
