"""What every request to a subscriber's side has in common: who we are, and where it may go."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from config.kernel.http import Reach, Request

USER_AGENT = f"Frontdesk/{settings.SPECTACULAR_SETTINGS['VERSION']}"
# Of an answer its status is looked at, and a token: less room, less to be flooded with.
_ANSWER_BYTES = 16 * 1024


def post(url: str, *, headers: Mapping[str, str], body: bytes, deadline: float) -> Request:
    """Give a request by https to a public host, or to any host where the settings say so."""
    reach = Reach.ANY if settings.WEBHOOKS_ALLOW_PRIVATE_ADDRESSES else Reach.PUBLIC
    return Request(
        method="POST",
        url=url,
        deadline=deadline,
        headers=headers,
        body=body,
        expect_max=_ANSWER_BYTES,
        https_only=reach is Reach.PUBLIC,
        reach=reach,
        # Receivers know a repetition by its webhook-id.
        is_repeatable=True,
    )
