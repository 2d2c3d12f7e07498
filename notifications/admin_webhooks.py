"""The admin of webhook subscriptions: every change is a command, and a secret is shown once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.template.response import TemplateResponse
from django.utils import timezone

from config.kernel.admin import OrganizationAdmin
from notifications.forms import SubscriptionForm
from notifications.models import SigningSecret, Subscription
from notifications.services import subscriptions, trial
from notifications.services.subscriptions import SubscriptionData, SubscriptionState, state_of
from notifications.webhook_rules import EVENT_TYPES

if TYPE_CHECKING:
    from django import forms
    from django.db import models
    from django.http import HttpRequest, HttpResponse

# Each test may take as long as a receiver is waited for.
_TESTS_AT_ONCE = 3


@admin.register(Subscription)
class SubscriptionAdmin(OrganizationAdmin):
    is_configuration = can_be_deleted = True
    form = SubscriptionForm
    list_display = (
        "label",
        "application",
        "state",
        "failing_since",
        "paused_at",
        "last_sequence",
        "created_at",
    )
    list_filter = ("is_active", "application", "paused_at")
    list_select_related = ("application",)
    search_fields = ("name", "url", "application__name")
    autocomplete_fields = ("application", "organization")
    date_hierarchy = "created_at"
    ordering = ("-id",)
    actions = ("send_test", "renew_secret", "switch_on")

    @admin.display(description="state")
    def state(self, subscription: Subscription) -> str:
        """Say in a word how it is doing."""
        return str(SubscriptionState(state_of(subscription)).label)

    # --- What is typed in -------------------------------------------------------------------

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Give every column, and for those who may change them the places for secrets."""
        names = list(super().get_fields(request, obj))
        if obj is None:
            # It is made to be told.
            names.remove("is_active")
        has_form = obj is None or self.has_change_permission(request, obj)
        return [*names, *SubscriptionForm.extra_names] if has_form else names

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Leave it with its application."""
        fixed = super().get_readonly_fields(request, obj)
        return fixed if obj is None else [*fixed, "application"]

    def choices_of(self, db_field: models.Field[Any, Any], choices: Iterable[Any]) -> list[Any]:
        """Offer the types that are sent as webhooks."""
        return list(EVENT_TYPES)

    # --- What becomes of it -----------------------------------------------------------------

    def save_model(
        self, request: HttpRequest, obj: Any, form: forms.BaseModelForm[Any], change: bool
    ) -> None:
        """Carry out the command that is behind what was typed in."""
        actor = self.actor(request, organization_id=obj.organization_id)
        data, now = cast("SubscriptionForm", form).subscription_data(), timezone.now()
        if change:
            subscriptions.update_subscription(obj.pk, data, actor=actor, now=now)
            return
        made = subscriptions.create_subscription(
            str(obj.application_id),
            data,
            default_contact=request.user.get_username(),
            actor=actor,
            now=now,
        )
        obj.pk = made.subscription.pk
        obj.refresh_from_db()
        # On its way to the one page that shows it; it is kept nowhere.
        obj.new_secret = made.secret

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the secret: a redirect would have to keep it somewhere."""
        return self._show_secret(request, obj, obj.new_secret)

    def _show_secret(self, request: HttpRequest, obj: Subscription, secret: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "The signing secret",
            "opts": self.opts,
            "subscription": obj,
            "secret": secret,
        }
        template = "admin/notifications/subscription/secret.html"
        response = TemplateResponse(request, template, context)
        response.headers["Cache-Control"] = "no-store"
        return response

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete it, and cancel what waits for it."""
        actor = self.actor(request, organization_id=obj.organization_id)
        subscriptions.delete_subscription(obj.pk, actor=actor, now=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        """Delete each of them."""
        for one in queryset:
            self.delete_model(request, one)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Let the secrets go with their subscription: by themselves nobody may delete them."""
        shown, counts, missing, protected = super().get_deleted_objects(objs, request)
        return shown, counts, missing - {SigningSecret._meta.verbose_name}, protected

    # --- What can be done with it -----------------------------------------------------------

    @admin.action(description="Send a test now", permissions=["change"])
    def send_test(self, request: HttpRequest, queryset: models.QuerySet[Subscription]) -> None:
        """Send a sample to each, and say what its receiver made of it."""
        for one in queryset.order_by("id")[:_TESTS_AT_ONCE]:
            actor = self.actor(request, organization_id=one.organization_id)
            found = trial.send_test(one.pk, actor=actor, now=timezone.now())
            if found.is_delivered:
                self.message_user(request, f"{one.label}: delivered ({found.status}).")
            else:
                self.message_user(request, f"{one.label}: {found.reason}", messages.ERROR)

    @admin.action(description="New signing secret", permissions=["change"])
    def renew_secret(
        self, request: HttpRequest, queryset: models.QuerySet[Subscription]
    ) -> HttpResponse | None:
        """Make a new secret of one subscription, and show it."""
        chosen = list(queryset[:2])
        if len(chosen) != 1:
            self.message_user(request, "Choose one: its secret is shown once.", messages.ERROR)
            return None
        actor = self.actor(request, organization_id=chosen[0].organization_id)
        made = subscriptions.renew_secret(chosen[0].pk, actor=actor, now=timezone.now())
        return self._show_secret(request, made.subscription, made.secret)

    @admin.action(description="Switch on again, as if it had never failed", permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: models.QuerySet[Subscription]) -> None:
        """Have each told again: it is neither failing, paused nor ended any more."""
        for one in queryset:
            subscriptions.update_subscription(
                one.pk,
                SubscriptionData(is_active=True),
                actor=self.actor(request, organization_id=one.organization_id),
                now=timezone.now(),
            )


@admin.register(SigningSecret)
class SigningSecretAdmin(OrganizationAdmin):
    """Since when and until when they are valid: they themselves are shown to nobody."""

    list_display = ("subscription", "created_at", "expires_at")
    list_filter = ("expires_at",)
    list_select_related = ("subscription",)
    search_ids = ("id", "subscription_id")
    ordering = ("-id",)
