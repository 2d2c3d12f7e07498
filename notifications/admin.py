"""What support sees of who was told what, and what administrators may set about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin

from config.kernel.actors import Role
from config.kernel.admin import JsonField, OperatorAdmin, OrganizationAdmin, TenantForm, holds
from notifications import admin_webhooks  # noqa: F401  # registers its own
from notifications.errors import InvalidProvider
from notifications.models import (
    Channel,
    ChannelSettings,
    Heartbeat,
    HistoryPurge,
    MessageTemplate,
    Notification,
    NotificationContent,
    NotificationEvent,
    OutboxEvent,
    ProofRun,
    Undeliverable,
)
from notifications.services import provider_accounts, undeliverable

if TYPE_CHECKING:
    from django.http import HttpRequest


class ChannelSettingsForm(TenantForm):
    """Channel settings with the account at the provider, which is written and never shown."""

    provider = forms.ChoiceField(
        required=False,
        choices=[
            ("", "The installation's own"),
            *(
                (channel.label, [(name, name) for name in provider_accounts.providers_of(channel)])
                for channel in (Channel.EMAIL, Channel.SMS)
            ),
        ],
        help_text=ChannelSettings._meta.get_field("provider").help_text,
    )
    account = JsonField(
        required=False,
        label="Provider options",
        widget=forms.Textarea(attrs={"rows": 4, "cols": 90}),
        help_text='What the provider must know, as a JSON object: {"api_key": "…"}. It is sealed'
        " and not shown again; leave this empty to keep what there is.",
    )

    def clean(self) -> dict[str, Any]:
        """Refuse a provider that could not be opened."""
        cleaned = super().clean()
        provider, account = cleaned.get("provider", ""), cleaned.get("account")
        if not provider or not (self.is_new_account or "provider" in self.errors):
            return cleaned
        if not isinstance(account, dict):
            self.add_error("account", "A provider needs its options, as a JSON object.")
            return cleaned
        try:
            channel = Channel(cleaned.get("channel", self.instance.channel))
            provider_accounts.check_options(channel, provider, account)
        except ValueError:
            return cleaned  # The channel's own error says so.
        except InvalidProvider as refusal:
            for name, problems in refusal.errors.items():
                for problem in problems:
                    self.add_error(
                        "provider" if name == "provider" else "account", f"{name}: {problem}"
                    )
        return cleaned

    @property
    def is_new_account(self) -> bool:
        """Whether something is to be sealed anew."""
        return bool({"provider", "account", "channel"} & set(self.changed_data))


@admin.register(ChannelSettings)
class ChannelSettingsAdmin(OrganizationAdmin):
    is_configuration = can_be_deleted = True
    form = ChannelSettingsForm
    list_display = ("application", "channel", "is_on", "provider", "verified_at", "sender")
    list_filter = ("channel", "is_on", "application")
    list_select_related = ("application",)
    search_fields = ("application__name", "sender")
    autocomplete_fields = ("application", "organization")
    ordering = ("application__name", "channel", "id")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Give every column, and for those who may change them the options of the provider."""
        names = list(super().get_fields(request, obj))
        may_change = self.has_change_permission(request, obj)
        return [*names, "account"] if may_change else names

    def save_model(
        self, request: HttpRequest, obj: Any, form: forms.BaseModelForm[Any], change: bool
    ) -> None:
        """Write what was changed; the options of a provider are sealed."""
        is_new_account = getattr(form, "is_new_account", False)
        if is_new_account:
            account = form.cleaned_data.get("account") or {}
            provider_accounts.choose_provider(obj, form.cleaned_data["provider"], account)
        super().save_model(request, obj, form, change)
        if is_new_account and change:
            obj.save(update_fields=["provider", "provider_options", "verified_at"])


@admin.register(Undeliverable)
class UndeliverableAdmin(OrganizationAdmin):
    """Addresses that take no mail of ours; who mends one can have it forgotten."""

    secret_fields = frozenset({"fingerprint", "sealed_address"})
    list_display = ("address", "reason", "said", "noted_at", "notification_id")
    list_filter = ("reason", "noted_at")
    search_ids = ("id", "notification_id")
    search_fields = ("=said",)
    ordering = ("-noted_at", "-id")

    @admin.display(description="Address")
    def address(self, row: Undeliverable) -> str:
        return undeliverable.address_of(row)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let administrators have an address forgotten that is good again."""
        return self._is_own(request, obj) and holds(request, Role.ADMIN)


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


@admin.register(ProofRun)
class ProofRunAdmin(OperatorAdmin):
    """What was found missing, double or late; it spans all organisations."""

    list_display = ("started_at", "since", "appointments", "missing", "doubled", "late", "ended_at")
    list_filter = ("started_at",)
    ordering = ("-started_at", "-id")
    search_ids = ()


@admin.register(HistoryPurge)
class HistoryPurgeAdmin(OperatorAdmin):
    list_display = ("purged_before", "notifications", "ended_at")
    list_filter = ("ended_at",)
    ordering = ("-ended_at", "-id")
    search_ids = ()
