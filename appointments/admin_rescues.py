"""What support sees of rescues: what was moved, and whether it was given back."""

from __future__ import annotations

from django.contrib import admin

from appointments.models import Rescue, RescueMove
from config.kernel.admin import OrganizationAdmin


@admin.register(Rescue)
class RescueAdmin(OrganizationAdmin):
    """They are made and undone on the pages of the back office, which show what they move."""

    list_display = ("__str__", "agent", "start", "end", "made_at", "undone_at")
    list_filter = ("made_at", "undone_at")
    list_select_related = ("agent",)
    search_ids = ("id", "agent_id")
    search_fields = ("agent__username", "agent__last_name")
    date_hierarchy = "made_at"
    ordering = ("-made_at", "id")


@admin.register(RescueMove)
class RescueMoveAdmin(OrganizationAdmin):
    list_display = ("__str__", "rescue", "from_user", "to_user", "start", "end")
    list_select_related = ("rescue", "rescue__agent", "from_user", "to_user", "appointment")
    search_ids = ("id", "rescue_id", "appointment_id")
    ordering = ("-id",)
