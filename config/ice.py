"""Servers that help browsers to reach each other (STUN, TURN), as ICE_SERVERS has them.

A JSON list in the form that browsers take (W3C WebRTC, RTCIceServer):
`[{"urls": "stun:stun.example.org"}, {"urls": ["turn:turn.example.org?transport=udp"]}]`. A TURN
server has a fixed `username` and `credential`, or none: then TURN_SECRET, which the server knows
too, makes credentials that end with the room.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson

IceServer = Mapping[str, object]

# RFC 7064 and 7065: scheme, host, port, and for TURN a transport.
_URL = re.compile(
    r"(?P<scheme>stuns?|turns?):(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?:\?(?P<query>transport=(?:udp|tcp)))?"
)
_SERVERS_MOST = 10


def ice_servers_of(text: str, *, has_secret: bool) -> list[IceServer]:
    """Read ICE_SERVERS.

    Raises ValueError.
    """
    if not text.strip():
        return []
    listed = orjson.loads(text)
    if not isinstance(listed, list) or len(listed) > _SERVERS_MOST:
        raise ValueError(text)
    return [_server(one, has_secret=has_secret) for one in listed]


def _server(described: object, *, has_secret: bool) -> IceServer:
    if not isinstance(described, dict) or described.keys() - {"urls", "username", "credential"}:
        raise ValueError(described)
    urls = described.get("urls")
    urls = [urls] if isinstance(urls, str) else urls
    if not isinstance(urls, list) or not urls:
        raise ValueError(described)
    relays = {_is_relay(url) for url in urls}
    fixed = {name: described[name] for name in ("username", "credential") if name in described}
    if not all(isinstance(value, str) and value for value in fixed.values()):
        raise ValueError(described)
    # What needs credentials has them, both; what needs none has none.
    wanted = {2} | ({0} if has_secret else set()) if relays == {True} else {0}
    if len(relays) != 1 or len(fixed) not in wanted:
        raise ValueError(described)
    return {"urls": urls, **fixed}


def _is_relay(url: object) -> bool:
    match = _URL.fullmatch(url) if isinstance(url, str) else None
    if match is None or not 0 < int(match["port"] or 1) < 65536:
        raise ValueError(url)
    is_relay = match["scheme"].startswith("turn")
    if match["query"] and not is_relay:
        raise ValueError(url)
    return is_relay
