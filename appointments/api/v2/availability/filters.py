"""Query parameters of the question for free times."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from django.http import QueryDict

from appointments.api.v2.filters import needed, optional_duration, read, text_of
from appointments.slot_question import SlotQuestion
from config.kernel import limits
from config.kernel.pagination import InvalidParameter, multi_values
from config.kernel.time import Duration, parse_instant, parse_zone


def slot_question(params: QueryDict) -> SlotQuestion:
    """Read what is asked; of one instant with `explain`, else from `from` to `to`.

    Raises InvalidParameter.
    """
    explained = text_of(params, "explain")
    (application_id,) = needed(params, "applicationId")
    length = optional_duration(params, "duration")
    if length is not None and length > limits.SLOT_LENGTH_MAX:
        most = Duration.of(limits.SLOT_LENGTH_MAX, exact=False)
        raise InvalidParameter(errors={"duration": [f"It is at most {most}."]})
    first, last = _one(explained) if explained else _window(params)
    zone = text_of(params, "timezone")
    return SlotQuestion(
        application_id=application_id,
        first=first,
        last=last,
        duration=length,
        zone=read("timezone", zone, parse_zone) if zone else None,
        subject_id=text_of(params, "subjectId") or "",
        office_id=text_of(params, "officeId") or "",
        agent_ids=tuple(multi_values(params, "agentId")),
        skills=tuple(multi_values(params, "skill")),
        language=read("language", text_of(params, "language") or "", _language),
    )


def _one(text: str) -> tuple[datetime, datetime]:
    instant = read("explain", text, parse_instant)
    return instant, instant


def _window(params: QueryDict) -> tuple[datetime, datetime]:
    first_text, last_text = needed(params, "from", "to")
    first, last = read("from", first_text, parse_instant), read("to", last_text, parse_instant)
    if not timedelta(0) < last - first <= limits.SLOT_WINDOW_MAX:
        days = limits.SLOT_WINDOW_MAX.days
        raise InvalidParameter(errors={"to": [f"It lies after from, at most {days} days."]})
    return first, last


def _language(text: str) -> str:
    if not re.fullmatch(r"([a-z]{2})?", text):
        raise ValueError("A language is two small letters, such as de.")
    return text
