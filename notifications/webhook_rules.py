"""What a webhook subscription may say: where it leads, what it carries, how it proves itself."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from config.kernel import limits
from config.kernel.http import Blocked, check_addresses, check_port, destination_of, header_problem
from notifications.models import (
    BookingEvent,
    Channel,
    NotificationType,
    WebhookAuth,
    WebhookFormat,
    kinds,
)
from notifications.services.planning import CHANNELS
from notifications.transports.webhooks.delivery import Basic
from notifications.transports.webhooks.oauth import ClientCredentials
from notifications.transports.webhooks.wire import post

Auth = Basic | ClientCredentials | Literal[WebhookAuth.NONE]
Errors = dict[str, list[str]]

# What is told to subscribers; the invitation to the room and the follow-up are for persons.
TYPES = [type_ for type_ in NotificationType if Channel.WEBHOOKS in CHANNELS[type_]]
TYPES_OF: Mapping[WebhookFormat, Sequence[NotificationType | BookingEvent]] = {
    WebhookFormat.APPOINTMENT_EVENT: TYPES,
    WebhookFormat.BOOKING: list(BookingEvent),
}
# Of either format: what a feed can show, and what there is to be chosen from.
EVENT_TYPES = [
    choice for choice in kinds.EVENT_TYPES if any(choice[0] in types for types in TYPES_OF.values())
]

_OURS = frozenset({"content-type", "user-agent", "x-signature"})
# Names that mean something in one network only (RFC 6761, RFC 6762, RFC 8375, and habit).
_INNER_NAMES = re.compile(
    r"(?:[^.]+|(?:.*\.)?(?:localhost|local|localdomain|internal|intranet|corp|home|lan|arpa))"
)
# The system reads these as addresses: 127.1, 2130706433, 0x7f.1.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def problems_of(
    *,
    url: str | None,
    format: WebhookFormat,
    types: Collection[str] | None,
    contact: str | None,
    auth: Auth | None,
    headers: Mapping[str, str],
    secret_headers: Mapping[str, str],
    proves_itself: bool,
) -> Errors:
    """Give what is wrong with a subscription, by member; None stands for what does not change.

    `proves_itself` says whether its requests will carry an Authorization of ours.
    """
    errors: Errors = {}
    if url is not None and (problem := url_problem(url)):
        errors["url"] = [problem]
    if contact and not _is_address(contact):
        errors["contact"] = ["It is an e-mail address."]
    for number, type_ in enumerate(types or ()):
        if type_ not in TYPES_OF[format]:
            errors[f"eventTypes.{number}"] = [f"{type_} is never sent as {format}."]
    errors |= _auth_problems(auth)
    errors |= _header_problems(headers, secret_headers, proves_itself=proves_itself)
    return errors


def url_problem(url: str) -> str | None:
    """Say why no request can go to an address; None when nothing in it speaks against it.

    What its name leads to is looked at with each request.
    """
    if len(url) > limits.URL_LENGTH:
        return f"It has at most {limits.URL_LENGTH} characters."
    if "#" in url:
        return "It has no fragment."
    request = post(url, headers={}, body=b"", deadline=0)
    try:
        destination = destination_of(request)
        host, port = destination.host, destination.port
        check_port(host, port, reach=request.reach)
        if not _looks_public(host):
            check_addresses(host, port, [host], reach=request.reach)
    except Blocked as blocked:
        return blocked.reason
    return None


def _looks_public(host: str) -> bool:
    """Whether it is a name of the internet; an address in digits is judged as one."""
    name = host.lower().rstrip(".")
    is_address = ":" in name or _NUMBER.fullmatch(name.rpartition(".")[2])
    return not (is_address or _INNER_NAMES.fullmatch(name))


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= limits.EMAIL_LENGTH


def _auth_problems(auth: Auth | None) -> Errors:
    match auth:
        case Basic(username=username) if ":" in username:
            # RFC 7617, 2: the first colon ends it.
            return {"authentication.username": ["It has no colon."]}
        case ClientCredentials(token_url=token_url) if problem := url_problem(token_url):
            return {"authentication.tokenUrl": [problem]}
    return {}


def _header_problems(
    headers: Mapping[str, str], secret_headers: Mapping[str, str], *, proves_itself: bool
) -> Errors:
    if len(headers) + len(secret_headers) > limits.HEADERS_MAX:
        member = "headers" if headers else "secretHeaders"
        return {member: [f"There are at most {limits.HEADERS_MAX} headers in all."]}
    errors: Errors = {}
    seen: set[str] = set()
    for member, name, value in _each(headers, secret_headers):
        problem = _header_problem(name, value, proves_itself=proves_itself)
        if name.lower() in seen:
            problem = "The header is there twice."
        seen.add(name.lower())
        if problem:
            errors[f"{member}.{name}"] = [problem]
    return errors


def _each(
    headers: Mapping[str, str], secret_headers: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    for member, given in (("headers", headers), ("secretHeaders", secret_headers)):
        for name, value in given.items():
            yield member, name, value


def _header_problem(name: str, value: str, *, proves_itself: bool) -> str | None:
    lower = name.lower()
    if lower in _OURS or lower.startswith("webhook-"):
        return "This header is ours."
    if lower == "authorization" and proves_itself:
        return "The authentication says what is in this header."
    if len(name) > limits.MAP_KEY_LENGTH:
        return f"The name has at most {limits.MAP_KEY_LENGTH} characters."
    if len(value) > limits.HEADER_VALUE_LENGTH:
        return f"The value has at most {limits.HEADER_VALUE_LENGTH} characters."
    return header_problem(name, value)
