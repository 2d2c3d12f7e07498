"""What was recorded of calls, and the files that hold it."""

from __future__ import annotations

from django.db import models

from config.kernel import limits
from config.kernel.models import TenantModel, TenantQuerySet, unique_in_organization


class Recording(TenantModel):
    """That a call was recorded: who spoke, from when to when."""

    caller_number = models.CharField(max_length=limits.PHONE_LENGTH)
    dialed_number = models.CharField(max_length=limits.PHONE_LENGTH)
    # Letters and digits of the two: searches compare nothing else (cc.recordings.list.r4).
    caller_key = models.CharField(max_length=limits.PHONE_LENGTH, editable=False)
    dialed_key = models.CharField(max_length=limits.PHONE_LENGTH, editable=False)
    # The name stays when the user goes.
    user_name = models.CharField(max_length=limits.USERNAME_LENGTH, blank=True)
    started_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)

    objects = TenantQuerySet["Recording"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("recording"),
            models.CheckConstraint(
                condition=models.Q(stopped_at__isnull=True)
                | models.Q(stopped_at__gte=models.F("started_at")),
                name="recording_stops_after_start",
            ),
        ]
        indexes = [
            # A search, newest first.
            models.Index(
                fields=["organization", "-started_at", "-id"], name="recording_newest_first"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.caller_number} → {self.dialed_number}, {self.started_at:%Y-%m-%d %H:%M}"


class RecordingMedia(TenantModel):
    """One file of a recording."""

    recording = models.ForeignKey(
        Recording,
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="media",
    )
    # What it is called in its address.
    name = models.CharField(max_length=limits.ID_LENGTH)
    content_type = models.CharField(max_length=limits.ID_LENGTH)
    # Under the default storage of the settings.
    path = models.CharField(max_length=limits.TITLE_LENGTH, editable=False)
    size = models.PositiveBigIntegerField()
    call_uuid = models.CharField(max_length=limits.ID_LENGTH)
    started_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)

    objects = TenantQuerySet["RecordingMedia"].as_manager()

    class Meta:
        verbose_name_plural = "recording media"
        constraints = [
            unique_in_organization("recordingmedia"),
            models.UniqueConstraint(fields=["recording", "name"], name="recordingmedia_once"),
        ]

    def __str__(self) -> str:
        return self.name
