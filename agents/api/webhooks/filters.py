"""Query parameters of the webhook subscriptions."""

from __future__ import annotations

from django.http import QueryDict

from config.kernel import limits
from config.kernel.pagination import InvalidParameter, PageRequest, parse_page
from config.kernel.time import unquote
from notifications.services.subscriptions import SORT_FIELDS

_SEQUENCE_MAX = 2**63 - 1


def list_page(params: QueryDict) -> PageRequest:
    """Read which page is wanted. Raises InvalidParameter."""
    names = {name: name for name in SORT_FIELDS}
    return parse_page(params, sort_fields=names, default_field=next(iter(names)))


def application_id(params: QueryDict) -> str | None:
    """Read which application's are wanted. Raises InvalidParameter."""
    text = unquote(params.get("applicationId", "").strip())
    if "\0" in text:
        raise InvalidParameter(errors={"applicationId": ["It holds a NUL character."]})
    return text or None


def feed_part(params: QueryDict) -> tuple[int, int]:
    """Read after which number events are wanted, and how many. Raises InvalidParameter."""
    errors: dict[str, list[str]] = {}
    after = _integer(params, "after", default=0, least=0, most=_SEQUENCE_MAX, errors=errors)
    limit = _integer(
        params,
        "limit",
        default=limits.FEED_PAGE_SIZE,
        least=1,
        most=limits.FEED_PAGE_SIZE_MAX,
        errors=errors,
    )
    if errors:
        raise InvalidParameter(errors=errors)
    return after, limit


def _integer(
    params: QueryDict,
    name: str,
    *,
    default: int,
    least: int,
    most: int,
    errors: dict[str, list[str]],
) -> int:
    text = unquote(params.get(name, str(default)))
    # Other digits than ASCII's are digits to Python too; a long row of them costs time to read.
    if text.isascii() and text.isdigit() and len(text) <= 19 and least <= int(text) <= most:
        return int(text)
    errors[name] = [f"It is a whole number from {least} to {most}."]
    return default
