"""What support sees of calendar feeds: never their addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.utils import timezone

from appointments.models import CalendarFeed
from appointments.services.feeds import revoke_feed
from config.kernel.actors import Role
from config.kernel.admin import OrganizationAdmin, holds

if TYPE_CHECKING:
    from django.db import models
    from django.http import HttpRequest


@admin.register(CalendarFeed)
class CalendarFeedAdmin(OrganizationAdmin):
    """Feeds are made on the page of the back office, and ended there or here."""

    list_display = (
        "__str__",
        "shows_customers",
        "created_at",
        "last_read_at",
        "revoked_at",
    )
    list_filter = ("shows_customers", "revoked_at", "created_at")
    list_select_related = ("agent", "office")
    search_ids = ("id", "agent_id", "office_id")
    search_fields = ("agent__username", "agent__last_name")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "id")
    actions = ("revoke",)

    def has_command_permission(self, request: HttpRequest) -> bool:
        """Let those act who may end every feed of the organisation."""
        return holds(request, Role.SUPERVISOR, Role.ADMIN)

    @admin.action(description="Revoke: the address leads nowhere", permissions=["command"])
    def revoke(self, request: HttpRequest, queryset: models.QuerySet[CalendarFeed]) -> None:
        """End the chosen feeds at once."""
        chosen = list(queryset.live())  # type: ignore[attr-defined]  # the stubs forget the manager
        for feed in chosen:
            actor = self.actor(request, organization_id=feed.organization_id)
            revoke_feed(feed.pk, actor=actor, now=timezone.now())
        self.message_user(request, f"Revoked {len(chosen)}.", messages.SUCCESS)
