"""HTTP sessions of desktops: what stands for the credentials of a request that carries none."""

from __future__ import annotations

from django.db import models


class DeskCookie(models.Model):
    """That a session cookie was used, or is over; one that was only given out has no row.

    The cookie itself says whose it is, and since when: agents.services.desk_cookies.
    """

    # A fingerprint, never the cookie.
    digest = models.BinaryField(primary_key=True)
    user = models.ForeignKey(
        "agents.User", on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    made_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    objects = models.Manager()

    class Meta:
        # Those that nobody could use any more.
        indexes = [models.Index(fields=["made_at"], name="deskcookie_made")]

    def __str__(self) -> str:
        return f"{self.user_id} since {self.made_at}"
