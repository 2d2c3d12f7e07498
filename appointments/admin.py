"""What support sees of appointments; they change by their commands only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from appointments import (
    admin_catalogue,  # noqa: F401  # registers its own
    admin_feeds,  # noqa: F401  # registers its own
    admin_office_hours,  # noqa: F401  # registers its own
    admin_rescues,  # noqa: F401  # registers its own
    services,
)
from appointments.models import Appointment, DayTotal, Involvement, Participant, Tombstone
from config.kernel.actors import Role
from config.kernel.admin import OrganizationAdmin, holds
from config.kernel.errors import DomainError

if TYPE_CHECKING:
    from django.db import models
    from django.http import HttpRequest, HttpResponse

_AT_ONCE = 50


@admin.register(Appointment)
class AppointmentAdmin(OrganizationAdmin):
    list_display = ("start", "title", "state", "application", "timezone", "created_from")
    list_display_links = ("start", "title")
    list_filter = ("state", "application", "start", "target_type")
    list_select_related = ("application",)
    search_fields = ("^title", "=external_id")
    date_hierarchy = "start"
    ordering = ("-start", "-id")
    actions = ("cancel", "delete")

    def view_on_site(self, obj: Appointment) -> str:
        """Lead to the page with the timeline."""
        return reverse("appointment", args=[obj.pk])

    def has_command_permission(self, request: HttpRequest) -> bool:
        """Let those act who may change every appointment of the organisation."""
        return holds(request, Role.SUPERVISOR)

    @admin.action(description="Cancel: the row stays", permissions=["command"])
    def cancel(
        self, request: HttpRequest, queryset: models.QuerySet[Appointment]
    ) -> HttpResponse | None:
        """Call the chosen appointments off."""
        return self._carry_out(request, queryset, services.cancel_appointment, name="cancel")

    @admin.action(description="Delete for good, and tell everybody", permissions=["command"])
    def delete(
        self, request: HttpRequest, queryset: models.QuerySet[Appointment]
    ) -> HttpResponse | None:
        """Delete the chosen appointments."""
        return self._carry_out(request, queryset, services.delete_appointment, name="delete")

    def _carry_out(
        self,
        request: HttpRequest,
        queryset: models.QuerySet[Appointment],
        command: Callable[..., object],
        *,
        name: str,
    ) -> HttpResponse | None:
        chosen = list(queryset.order_by("start", "id")[:_AT_ONCE])
        if "confirmed" not in request.POST:
            return self._ask(request, chosen, name)
        done = 0
        for one in chosen:
            actor = self.actor(request, organization_id=one.organization_id)
            try:
                command(one.pk, actor=actor, now=timezone.now())
            except DomainError as refusal:
                self.message_user(request, f"{one}: {refusal}", messages.ERROR)
            else:
                done += 1
        self.message_user(request, f"Done for {done} of {len(chosen)}.", messages.SUCCESS)
        return None

    def _ask(self, request: HttpRequest, chosen: list[Appointment], name: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Are you sure?",
            "opts": self.opts,
            "command": name,
            "chosen": chosen,
        }
        return TemplateResponse(request, "admin/appointments/appointment/confirm.html", context)


@admin.register(Participant)
class ParticipantAdmin(OrganizationAdmin):
    list_display = ("appointment", "type", "role", "state", "user", "last_name", "first_name")
    list_filter = ("type", "role", "state")
    list_select_related = ("appointment", "user")
    search_ids = ("id", "appointment_id", "user_id")
    search_fields = ("=email", "^last_name", "=phone")
    ordering = ("-id",)


@admin.register(Involvement)
class InvolvementAdmin(OrganizationAdmin):
    list_display = ("agent_id", "appointment", "is_organizer", "is_assigned", "start")
    list_filter = ("is_organizer", "is_assigned", "start")
    list_select_related = ("appointment",)
    search_ids = ("id", "agent_id", "appointment_id")
    ordering = ("-id",)


@admin.register(DayTotal)
class DayTotalAdmin(OrganizationAdmin):
    list_display = ("day", "application_id", "agent_id", "change")
    list_filter = ("day",)
    search_ids = ("application_id", "agent_id")
    ordering = ("-id",)


@admin.register(Tombstone)
class TombstoneAdmin(OrganizationAdmin):
    list_display = ("id", "application", "start", "deleted_at", "deleted_by_kind")
    list_filter = ("application", "deleted_at")
    list_select_related = ("application",)
    search_ids = ("id",)
    date_hierarchy = "deleted_at"
    ordering = ("-deleted_at", "id")
