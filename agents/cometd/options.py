"""How the notification endpoint behaves: the contract's figures, and what the settings change."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from config.kernel import limits

PATH = "/api/v2/notifications"


@dataclass(frozen=True, kw_only=True)
class Options:
    """The figures of the endpoint, times in milliseconds."""

    # How long a /meta/connect is held at most.
    timeout: int = 30_000
    # How long a client may be without one until it is forgotten.
    max_interval: int = 10_000
    multi_session_interval: int = 2_000
    # Held /meta/connect of one browser; 0 is any number.
    clients_per_browser: int = 0
    has_callback_polling: bool = False
    max_queue: int = limits.COMETD_QUEUE
    # Of one answer.
    max_events: int = limits.COMETD_EVENTS_PER_ANSWER
    max_bytes: int = limits.COMETD_BYTES_PER_ANSWER
    max_clients: int = limits.COMETD_CLIENTS_PER_USER
    max_subscriptions: int = limits.COMETD_SUBSCRIPTIONS
    max_messages: int = limits.COMETD_MESSAGES_PER_BODY

    @classmethod
    def of_settings(cls) -> Options:
        """Read the settings."""
        return cls(
            timeout=settings.AGENTS_COMETD_TIMEOUT,
            clients_per_browser=settings.AGENTS_COMETD_CLIENTS_PER_BROWSER,
            has_callback_polling=settings.AGENTS_COMETD_CALLBACK_POLLING,
        )

    @property
    def connection_types(self) -> list[str]:
        """Give the transports that are served."""
        return ["long-polling", *(["callback-polling"] if self.has_callback_polling else [])]
