"""Pages: how a list is asked for and how it is enveloped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from config.kernel import limits
from config.kernel.errors import DomainError, Kind
from config.kernel.time import unquote

if TYPE_CHECKING:
    from django.http import QueryDict

SortOrder = Literal["asc", "desc"]


class InvalidParameter(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "A query parameter is not valid."


@dataclass(frozen=True, kw_only=True)
class PageRequest:
    """Which page of a list is wanted, and in which order."""

    number: int
    size: int
    sort_field: str
    sort_order: SortOrder

    @property
    def offset(self) -> int:
        """Give how many rows stand before the page."""
        return (self.number - 1) * self.size

    @property
    def is_descending(self) -> bool:
        """Tell whether the greatest comes first."""
        return self.sort_order == "desc"


def parse_page(
    params: QueryDict,
    *,
    sort_fields: Mapping[str, str],
    default_field: str,
    default_order: SortOrder = "asc",
) -> PageRequest:
    """Read pageNumber, pageSize, sortField and sortOrder.

    `sort_fields` maps each name that may be sent to the one that is in force, so that an alias
    is read as its field. Raises InvalidParameter with what is wrong with each of them.
    """
    errors: dict[str, list[str]] = {}
    number = _integer(params, "pageNumber", 1, limits.PAGE_NUMBER_MAX, errors)
    size = _integer(params, "pageSize", limits.PAGE_SIZE, limits.PAGE_SIZE_MAX, errors)
    sort_field = unquote(params.get("sortField", default_field))
    if sort_field not in sort_fields:
        errors["sortField"] = [f"It is one of {', '.join(sort_fields)}."]
    sort_order = unquote(params.get("sortOrder", default_order))
    if sort_order not in {"asc", "desc"}:
        errors["sortOrder"] = ["It is asc or desc."]
    if errors:
        raise InvalidParameter(errors=errors)
    return PageRequest(
        number=number,
        size=size,
        sort_field=sort_fields[sort_field],
        sort_order=cast("SortOrder", sort_order),
    )


def _integer(
    params: QueryDict, name: str, default: int, most: int, errors: dict[str, list[str]]
) -> int:
    text = unquote(params.get(name, str(default)))
    # Other digits than ASCII's are digits to Python too; a long row of them costs time to read.
    if text.isascii() and text.isdigit() and len(text) <= 19 and 1 <= int(text) <= most:
        return int(text)
    errors[name] = [f"It is a whole number from 1 to {most}."]
    return default


def multi_values(params: QueryDict, name: str) -> list[str]:
    """Give the values of a parameter, separated by commas or repeated, without blanks.

    Raises InvalidParameter when there are too many, or one holds a NUL character.
    """
    values = [
        value
        for text in params.getlist(name)
        for piece in _unquote_all(text).split(",")
        if (value := unquote(piece.strip()).strip())
    ]
    if len(values) > limits.QUERY_VALUES_MAX:
        problem = f"It takes at most {limits.QUERY_VALUES_MAX} values."
    elif any("\0" in value for value in values):
        problem = "It holds a NUL character."
    else:
        return values
    raise InvalidParameter(errors={name: [problem]})


def _unquote_all(text: str) -> str:
    # "a,b" is quoted as a whole; in "a","b" each value is.
    return text if '"' in text[1:-1] else unquote(text)


def envelope(content: object, total: int, page: PageRequest) -> dict[str, object]:
    """Give the body of a page; the members echo the values in force."""
    return {
        "content": content,
        "pageCount": -(-total // page.size),
        "pageNumber": page.number,
        "pageSize": page.size,
        "sortField": page.sort_field,
        "sortOrder": page.sort_order,
        "total": total,
    }
