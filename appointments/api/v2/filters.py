"""Query parameters of the Appointments API v2."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.http import QueryDict

from appointments.listing import SORT_FIELDS, ListFilter
from appointments.models import ParticipantState, RequestStatus
from config.kernel import limits
from config.kernel.pagination import InvalidParameter, PageRequest, multi_values, parse_page
from config.kernel.time import parse_duration, parse_instant, unquote
from notifications.history import HistoryFilter
from notifications.models import Channel, NotificationType, Status

T = TypeVar("T")
UTC = ZoneInfo("UTC")


def list_page(params: QueryDict) -> PageRequest:
    """Read which page is wanted. Raises InvalidParameter."""
    return parse_page(params, sort_fields=SORT_FIELDS, default_field="start")


def list_filter(params: QueryDict) -> ListFilter:
    """Read what the list is narrowed to.

    Raises InvalidParameter.
    """
    return replace(shared_filter(params), agent_ids=multi_values(params, "agentId"))


def shared_filter(params: QueryDict) -> ListFilter:
    """Read what the list of either version can be narrowed to.

    Raises InvalidParameter.
    """
    instants = _each(params, "range", parse_instant)
    if instants and (len(instants) != 2 or instants[0] > instants[1]):
        raise InvalidParameter(errors={"range": ["It has two date-times, the earlier one first."]})
    return ListFilter(
        application_id=text_of(params, "applicationId"),
        organizer_ids=multi_values(params, "organizerId"),
        durations=[one.value for one in _each(params, "duration", parse_duration)],
        period=(instants[0], instants[1]) if instants else None,
    )


def needed(params: QueryDict, *names: str) -> list[str]:
    """Give the values of parameters that must be there.

    Raises InvalidParameter with all that are missing.
    """
    values = [text_of(params, name) for name in names]
    missing = [name for name, value in zip(names, values, strict=True) if value is None]
    if missing:
        raise InvalidParameter(errors={name: ["This field is required."] for name in missing})
    return [value for value in values if value is not None]


def period(params: QueryDict, *, length: str) -> tuple[datetime, datetime]:
    """Read start and a duration as an interval that excludes its end.

    Raises InvalidParameter.
    """
    start_text, length_text = needed(params, "start", length)
    start = read("start", start_text, parse_instant)
    duration = read(
        length, length_text, lambda text: parse_duration(text, most=limits.TIME_FRAME_MAX)
    )
    return start, duration.after(start, UTC)


def optional_duration(params: QueryDict, name: str) -> timedelta | None:
    """Read a duration that may be left out. Raises InvalidParameter."""
    text = text_of(params, name)
    return read(name, text, parse_duration).value if text is not None else None


def request_status(params: QueryDict) -> RequestStatus | None:
    """Read which requests or invites are wanted. Raises InvalidParameter."""
    text = text_of(params, "status")
    return read("status", text, RequestStatus) if text is not None else None


def participant_state(params: QueryDict, body: object) -> ParticipantState:
    """Read the state from the query, or else from the body (update_state.r5 to r7).

    Raises InvalidParameter.
    """
    in_body = body.get("state") if isinstance(body, dict) else body
    given = {unquote(str(state)) for state in (text_of(params, "state"), in_body) if state}
    if len(given) != 1 or not given <= set(ParticipantState.values):
        problem = f"Exactly one of {', '.join(ParticipantState.values)}."
        raise InvalidParameter(errors={"state": [problem]})
    return ParticipantState(given.pop())


def messages(params: QueryDict, *names: str) -> list[str | None]:
    """Read texts that may be left out. Raises InvalidParameter."""
    texts = [text_of(params, name) for name in names]
    for name, text in zip(names, texts, strict=True):
        if text is not None and len(text) > limits.MESSAGE_LENGTH:
            raise InvalidParameter(
                errors={name: [f"It has at most {limits.MESSAGE_LENGTH} characters."]}
            )
    return texts


def text_of(params: QueryDict, name: str) -> str | None:
    """Give what was sent, or None. Raises InvalidParameter."""
    text = unquote(params.get(name, "").strip())
    if "\0" in text:
        raise InvalidParameter(errors={name: ["It holds a NUL character."]})
    return text or None


def _each(params: QueryDict, name: str, parse: Callable[[str], T]) -> Sequence[T]:
    return [read(name, value, parse) for value in multi_values(params, name)]


def read(name: str, text: str, parse: Callable[[str], T]) -> T:
    """Read a text that must be well-formed. Raises InvalidParameter."""
    try:
        return parse(text)
    except ValueError as error:
        raise InvalidParameter(errors={name: [str(error)]}) from None


def history_page(params: QueryDict, sort_fields: Mapping[str, str]) -> PageRequest:
    """Read which page of a history is wanted; the newest comes first unless told.

    Raises InvalidParameter.
    """
    names = {name: name for name in sort_fields}
    return parse_page(
        params, sort_fields=names, default_field=next(iter(names)), default_order="desc"
    )


def history_filter(params: QueryDict) -> HistoryFilter:
    """Read what a history is narrowed to; the words may be in any case.

    Raises InvalidParameter.
    """
    return HistoryFilter(
        types=_words(params, "type", NotificationType.values),
        channels=_words(params, "channel", Channel.values),
        statuses=_words(params, "status", Status.values),
        notification_ids=multi_values(params, "statusId"),
    )


def _words(params: QueryDict, name: str, known: Sequence[str]) -> list[str]:
    words = [word.upper() for word in multi_values(params, name)]
    if not set(words) <= set(known):
        raise InvalidParameter(errors={name: [f"Each is one of {', '.join(known)}."]})
    return words
