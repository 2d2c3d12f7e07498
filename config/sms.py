"""How SMS leave the installation, as SMS_URL has it: the transport, and what it must know.

- `twilio://ACCOUNT:TOKEN@api.twilio.com?from=%2B49…`: the account's SID and token, and the number
  or the messaging service (`MG…`) that it sends from. With an API key in place of the token it is
  `twilio://KEY:SECRET@api.twilio.com?account=ACCOUNT&from=…`.
- `gateway://`: any gateway with an HTTP API. SMS_GATEWAY holds its description, a JSON object, or
  SMS_GATEWAY_FILE names the file that does; `notifications.gateways` says what it can hold.
- `phone://`: the local phone at /dev/phone/; what `make run` has where nothing else is set.

Without a value there is no transport, and what is planned for SMS waits until it is too late.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from notifications.gateways import Gateway

_MODULES = "notifications.transports.sms"


@dataclass(frozen=True)
class Sms:
    """The transport of the installation; without one the module is empty."""

    module: str = ""
    options: Mapping[str, object] = field(default_factory=dict, repr=False)

    @property
    def transports(self) -> dict[str, str]:
        """Give the transport by its channel, as NOTIFICATIONS_TRANSPORTS wants it."""
        return {"SMS": self.module} if self.module else {}


def sms_of(url: str, *, gateway: Mapping[str, object] | None) -> Sms:
    """Read SMS_URL.

    Raises ValueError.
    """
    match url.partition("://")[0]:
        case "":
            return Sms()
        case "phone":
            return Sms(f"{_MODULES}.phone")
        case "gateway" if gateway is not None:
            return Sms(f"{_MODULES}.gateway", gateway)
        case "twilio":
            return Sms(f"{_MODULES}.twilio", _twilio(url))
        case _:
            raise ValueError(url)


def _twilio(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, strict_parsing=True))
    user, token = unquote(parts.username or ""), unquote(parts.password or "")
    sender = query.get("from", "")
    options = {
        "account": query.get("account", user),
        "key": user,
        "token": token,
        # A plus sign in a query means a space; nobody means one here.
        "from": f"+{sender[1:]}" if sender.startswith(" ") else sender,
    }
    has_more = parts.path not in {"", "/"} or query.keys() - {"account", "from"}
    if not parts.hostname or not all(options.values()) or has_more:
        raise ValueError(url)
    host = parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
    return {**options, "base": f"https://{host}"}


def gateway_of(text: str) -> dict[str, object] | None:
    """Read SMS_GATEWAY; None when it is empty.

    Raises ValueError.
    """
    if not text.strip():
        return None
    described = orjson.loads(text)
    if not isinstance(described, dict):
        raise ValueError(text)  # noqa: TRY004  # one kind of refusal for all
    Gateway.read(described)
    return described
