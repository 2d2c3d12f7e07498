"""Why a time is not offered, in words for those who plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appointments.availability import Reason


@dataclass(frozen=True)
class ReasonWords:
    """What is said of somebody in a list, and what it means."""

    short: str
    meaning: str


REASONS: Mapping[Reason, ReasonWords] = {
    Reason.TOO_SOON: ReasonWords(
        "too soon", "The time is over, or sooner than the notice that the application asks for."
    ),
    Reason.TOO_FAR_AHEAD: ReasonWords(
        "too far ahead", "Customers cannot book as far ahead with this application."
    ),
    Reason.NOT_A_STARTING_TIME: ReasonWords(
        "not a starting time", "Appointments of this application do not start at this minute."
    ),
    Reason.OFFICE_CLOSED: ReasonWords(
        "office closed", "The office is not open from the start to the end."
    ),
    Reason.NOT_ONLINE: ReasonWords("not bookable online", "Customers cannot book this agent."),
    Reason.SKILL_MISSING: ReasonWords(
        "lacks the skill", "The agent does not have the skill that was asked for."
    ),
    Reason.LANGUAGE_MISSING: ReasonWords(
        "does not speak the language", "The agent does not speak it with customers."
    ),
    Reason.NOT_WORKING: ReasonWords(
        "not working then", "The agent's working hours do not cover the whole time."
    ),
    Reason.HOLIDAY: ReasonWords("holiday", "The house is closed, and the agent has no own hours."),
    Reason.ABSENT: ReasonWords("absent", "The agent is absent on this day."),
    Reason.DAILY_MAXIMUM: ReasonWords(
        "no more on this day", "The agent has as many appointments as it is given in a day."
    ),
    Reason.OCCUPIED: ReasonWords(
        "occupied", "The agent has something else, with the time before and after it."
    ),
}
