"""Combinations of settings that cannot work."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register(Tags.security)
def check_webhooks_of_providers(**_context: Any) -> list[CheckMessage]:
    """Find signing keys without the secret that opens /anymail/, and a provider nobody hears."""
    if "WEBHOOK_SECRET" in settings.ANYMAIL:
        return []
    if settings.ANYMAIL:
        return [
            Error(
                "ANYMAIL_WEBHOOK_OPTIONS needs ANYMAIL_WEBHOOK_SECRET: without it no report of a"
                " provider is taken.",
                id="notifications.E001",
            )
        ]
    if settings.NOTIFICATIONS_EMAIL:
        return [
            Warning(
                "EMAIL_PROVIDER is set and ANYMAIL_WEBHOOK_SECRET is not: what bounces is not"
                " heard of.",
                id="notifications.W002",
            )
        ]
    return []
