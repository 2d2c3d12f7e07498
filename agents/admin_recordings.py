"""The admin of recordings and of desktops' HTTP sessions: looked at, never changed."""

from __future__ import annotations

from django.contrib import admin

from agents.models import DeskCookie, Recording, RecordingMedia
from config.kernel.admin import OperatorAdmin, OrganizationAdmin


@admin.register(Recording)
class RecordingAdmin(OrganizationAdmin):
    list_display = ("caller_number", "dialed_number", "user_name", "started_at", "stopped_at")
    list_filter = ("started_at",)
    search_fields = ("caller_number", "dialed_number", "user_name")
    ordering = ("-started_at", "-id")


@admin.register(RecordingMedia)
class RecordingMediaAdmin(OrganizationAdmin):
    list_display = ("name", "recording", "content_type", "size", "started_at")
    list_filter = ("content_type",)
    list_select_related = ("recording",)
    ordering = ("-started_at", "-id")


@admin.register(DeskCookie)
class DeskCookieAdmin(OperatorAdmin):
    """Which desktops stay logged in, by fingerprint."""

    list_display = ("user", "made_at", "seen_at", "ended_at")
    list_display_links = None
    list_select_related = ("user",)
    ordering = ("-seen_at",)
    search_ids = ()
