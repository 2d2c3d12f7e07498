"""What support sees of who was told what, and what administrators may set about it."""

from __future__ import annotations

from django import forms
from django.contrib import admin

from config.kernel.admin import OperatorAdmin, OrganizationAdmin, TenantForm
from notifications.models import (
    ChannelSettings,
    Heartbeat,
    MessageTemplate,
    Notification,
    NotificationContent,
    NotificationEvent,
    OutboxEvent,
    Subscription,
)


@admin.register(ChannelSettings)
class ChannelSettingsAdmin(OrganizationAdmin):
    is_configuration = can_be_deleted = True
    list_display = ("application", "channel", "is_on", "reminder_offsets", "sender")
    list_filter = ("channel", "is_on", "application")
    list_select_related = ("application",)
    search_fields = ("application__name", "sender")
    autocomplete_fields = ("application", "organization")
    ordering = ("application__name", "channel", "id")


class MessageTemplateForm(TenantForm):
    """A template that can be rendered: what does not parse is not saved."""

    class Meta:
        widgets = {
            "subject": forms.TextInput(attrs={"size": 80}),
            "text": forms.Textarea(attrs={"rows": 16, "cols": 90}),
            "html": forms.Textarea(attrs={"rows": 16, "cols": 90}),
        }


@admin.register(MessageTemplate)
class MessageTemplateAdmin(OrganizationAdmin):
    is_configuration = can_be_deleted = True
    form = MessageTemplateForm
    list_display = ("application", "type", "channel", "locale", "updated_at")
    list_filter = ("type", "channel", "locale", "application")
    list_select_related = ("application",)
    search_fields = ("subject", "text", "application__name")
    autocomplete_fields = ("application", "organization")
    date_hierarchy = "updated_at"
    ordering = ("application__name", "type", "channel", "locale", "id")


@admin.register(Subscription)
class SubscriptionAdmin(OrganizationAdmin):
    is_configuration = can_be_deleted = True
    list_display = ("url", "application", "is_active", "created_at")
    list_filter = ("is_active", "application")
    list_select_related = ("application",)
    search_fields = ("url", "application__name")
    autocomplete_fields = ("application", "organization")
    date_hierarchy = "created_at"
    ordering = ("-id",)


@admin.register(Notification)
class NotificationAdmin(OrganizationAdmin):
    """The queue and its record: only looked at."""

    list_display = (
        "type",
        "channel",
        "status",
        "recipient_type",
        "due_at",
        "attempt",
        "error_message",
        "created_at",
    )
    # A date hierarchy would read the whole table: these filters read what they show.
    list_filter = ("status", "channel", "type", "recipient_type", "is_held", "created_at")
    search_ids = ("id", "subject_id", "recipient_id")
    search_fields = ("=message_id",)
    ordering = ("-id",)


@admin.register(NotificationContent)
class NotificationContentAdmin(OrganizationAdmin):
    """What was said to whom, until it is erased."""

    list_display = ("notification", "subject", "address", "erased_at")
    list_filter = ("erased_at",)
    list_select_related = ("notification",)
    search_ids = ("notification_id", "notification__subject_id")
    search_fields = ("=address",)
    ordering = ("-notification",)


@admin.register(NotificationEvent)
class NotificationEventAdmin(OrganizationAdmin):
    list_display = (
        "at",
        "status",
        "provider_status",
        "attempt",
        "notification_id",
        "error_message",
    )
    list_filter = ("status", "at")
    search_ids = ("id", "notification_id")
    search_fields = ("=message_id",)
    ordering = ("-at", "-id")


@admin.register(OutboxEvent)
class OutboxEventAdmin(OrganizationAdmin):
    list_display = (
        "recorded_at",
        "type",
        "subject_type",
        "subject_id",
        "actor_kind",
        "origin",
        "published_at",
    )
    list_filter = ("subject_type", "actor_kind", "recorded_at")
    search_ids = ("id", "subject_id")
    search_fields = ("=correlation_id", "=type")
    ordering = ("-id",)


@admin.register(Heartbeat)
class HeartbeatAdmin(OperatorAdmin):
    list_display = ("name", "seen_at")
    search_fields = ("name",)
    search_ids = ()
    ordering = ("name",)
