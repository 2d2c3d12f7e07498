"""The admin of when offices are open: every change is the command of the page."""

from __future__ import annotations

from django.contrib import admin

from agents.admin_hours import SingleAdmin, WeeklyAdmin
from appointments.models import OfficeDay, OfficeHours
from appointments.services import office_hours


@admin.register(OfficeHours)
class OfficeHoursAdmin(WeeklyAdmin):
    book = office_hours.OFFICES
    fixed_fields = ("office",)
    list_display = ("office", "weekday", "starts_at", "ends_at")
    list_select_related = ("office",)
    search_ids = ("id", "office_id")
    search_fields = ("office__email",)
    autocomplete_fields = ("office", "organization")


@admin.register(OfficeDay)
class OfficeDayAdmin(SingleAdmin):
    book = office_hours.OFFICES
    fixed_fields = ("office", "day")
    list_display = ("office", "day", "starts_at", "ends_at")
    list_select_related = ("office",)
    search_ids = ("id", "office_id")
    search_fields = ("office__email",)
    autocomplete_fields = ("office", "organization")
