"""What a browser is told of the servers by which it reaches the others."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

# A call that goes on to the last minute is not cut off by a clock that is ahead.
_LONGER = timedelta(hours=1)


def ice_servers_for(participant_id: UUID, *, until: datetime) -> list[Mapping[str, object]]:
    """Give the servers, relays with credentials that end soon after the room is closed."""
    return [
        {**server, **_credentials(participant_id, until=until + _LONGER)}
        if _needs_credentials(server)
        else server
        for server in settings.ICE_SERVERS
    ]


def _needs_credentials(server: Mapping[str, object]) -> bool:
    urls = server["urls"]
    return "credential" not in server and isinstance(urls, list) and urls[0].startswith("turn")


def _credentials(participant_id: UUID, *, until: datetime) -> dict[str, str]:
    """Give what the relay verifies by itself (draft-uberti-behave-turn-rest-00, 2.2)."""
    username = f"{int(until.timestamp())}:{participant_id}"
    proof = hmac.digest(settings.TURN_SECRET.encode(), username.encode(), "sha1")
    return {"username": username, "credential": base64.b64encode(proof).decode()}
