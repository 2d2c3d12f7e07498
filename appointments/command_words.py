"""What commands are called in the back office, in the order of their buttons."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from appointments.commands_offered import Command


@dataclass(frozen=True, kw_only=True)
class Wording:
    """What a command is called on its page, and what is said of it."""

    button: str
    question: str
    consequence: str
    message: str
    done: str
    # Whether it is asked first if it is meant, and what is to be said with it.
    is_asked_first: bool = True
    # On the button of the page that asks, where the short one could mean to leave it.
    confirm: str = ""


WORDINGS: Mapping[Command, Wording] = {
    Command.ACCEPT: Wording(
        button="Accept",
        question="Accept this request?",
        consequence="The time that was asked for is fixed, and everybody who takes part is told.",
        message="Message (optional)",
        done="The request is accepted.",
        is_asked_first=False,
    ),
    Command.ASK_AGAIN: Wording(
        button="Ask for another date",
        question="Ask for another date?",
        consequence="The present time is given up; the customer is asked to choose another one.",
        message="Message (optional)",
        done="The customer is asked for another date.",
    ),
    Command.COMPLETE: Wording(
        button="Complete",
        question="Did it take place?",
        consequence="The appointment is closed as completed.",
        message="Message (optional)",
        done="The appointment is completed.",
    ),
    Command.NO_SHOW: Wording(
        button="No-show",
        question="Did the customer not come?",
        consequence="The appointment is closed as a no-show.",
        message="Message (optional)",
        done="The appointment is closed as a no-show.",
    ),
    Command.REOPEN: Wording(
        button="Reopen",
        question="Open it again?",
        consequence="It is an appointment like all others again, at the time that it had.",
        message="Message (optional)",
        done="The appointment is open again.",
        is_asked_first=False,
    ),
    Command.CANCEL: Wording(
        button="Cancel",
        confirm="Cancel the appointment",
        question="Cancel this appointment?",
        consequence="Everybody who takes part is told, and its time is free for others.",
        message="Reason (optional)",
        done="The appointment is cancelled.",
    ),
}


def buttons_for(offered: Collection[Command]) -> list[tuple[Command, Wording]]:
    """Give the buttons of what is offered; what only a participant's own page does has none."""
    return [(command, words) for command, words in WORDINGS.items() if command in offered]
