"""One row of every model of recordings and of HTTP sessions."""

from __future__ import annotations

import os

from django.utils import timezone

from agents.models import DeskCookie, Recording, RecordingMedia, User
from tests.agents.desk.desk import house_of


def fill_recordings(agent: User) -> None:
    """Let somebody have been recorded, and have a desktop that stays logged in."""
    house, now = house_of(agent), timezone.now()
    recording = Recording.objects.create(
        organization_id=house,
        caller_number="5001",
        dialed_number="5002",
        caller_key="5001",
        dialed_key="5002",
        user_name=agent.username,
        started_at=now,
    )
    RecordingMedia.objects.create(
        organization_id=house,
        recording=recording,
        name=f"{recording.pk}.mp3",
        content_type="audio/mpeg",
        path="recordings/nowhere",
        size=5,
        call_uuid="0123456789abcdef",
        started_at=now,
    )
    DeskCookie.objects.create(digest=os.urandom(32), user=agent, made_at=now, seen_at=now)
