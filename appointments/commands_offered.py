"""What somebody can do with an appointment now: what a page offers, the command would carry out.

Only the time of an agent is left to the command: somebody else may take it meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from appointments.models import Appointment, BookingStatus, Participant, State
from appointments.services.offered_times import may_move_at_once, times_offered
from config.kernel.actors import Actor, ActorKind
from config.kernel.errors import DomainError


class Command(StrEnum):
    """What can be asked for of an appointment on its pages."""

    ACCEPT = "accept"
    ASK_AGAIN = "ask-again"
    CHOOSE_TIME = "choose-time"
    ASK_FOR_TIME = "ask-for-time"
    MOVE = "move"
    COMPLETE = "complete"
    NO_SHOW = "no-show"
    REOPEN = "reopen"
    CANCEL = "cancel"


_CHOOSING = frozenset({BookingStatus.OUTGOING_INVITE, BookingStatus.ALTERNATIVE_DATE_REQUESTED})
_ASKABLE = frozenset({BookingStatus.INCOMING_REQUEST, BookingStatus.ACCEPTED})


def commands_offered(
    appointment: Appointment, participants: list[Participant], *, actor: Actor, now: datetime
) -> frozenset[Command]:
    """Give what the actor can do with an appointment as it stands."""
    if actor.kind == ActorKind.CUSTOMER:
        return _offered_to_customer(appointment, participants, actor=actor, now=now)
    if not _is_let_through(appointment.check_may_delete, actor, participants):
        return frozenset()
    return frozenset(
        one for one, is_possible in _FOR_EMPLOYEES.items() if is_possible(appointment, now)
    )


def _is_let_through(check: Callable[..., None], *args: object) -> bool:
    try:
        check(*args)
    except DomainError:
        return False
    return True


def _offered_to_customer(
    appointment: Appointment, participants: list[Participant], *, actor: Actor, now: datetime
) -> frozenset[Command]:
    takes_part = any(one.is_customer and str(one.pk) == actor.id for one in participants)
    if not takes_part or _is_over(appointment, now):
        return frozenset()
    offered = {one for one, is_possible in _FOR_CUSTOMERS.items() if is_possible(appointment, now)}
    # Only among the free times, and only where somebody's are known.
    if Command.MOVE in offered and not times_offered(
        appointment, participants, zone=ZoneInfo(appointment.timezone), now=now
    ):
        offered.remove(Command.MOVE)
    return frozenset(offered)


# --- What each of them needs ------------------------------------------------------------------


def _is_over(one: Appointment, now: datetime) -> bool:
    """Whether nothing is left of it for a customer, whoever has noted that already."""
    return one.is_closed or (one.end is not None and one.end <= now)


def _can_accept(one: Appointment, now: datetime) -> bool:
    is_asked_for = one.booking_status is BookingStatus.INCOMING_REQUEST
    return is_asked_for and one.asked_end is not None and one.asked_end > now


def _can_ask_again(one: Appointment, _now: datetime) -> bool:
    return one.booking_status in _ASKABLE and one.state != State.IN_PROGRESS


def _can_choose_time(one: Appointment, _now: datetime) -> bool:
    return one.booking_status in _CHOOSING


def _can_ask_for_time(one: Appointment, _now: datetime) -> bool:
    return not one.is_closed and one.state != State.IN_PROGRESS


def _can_move(one: Appointment, _now: datetime) -> bool:
    return one.state != State.CANCELLED and _is_let_through(one.check_reschedulable)


def _can_move_itself(one: Appointment, now: datetime) -> bool:
    return _can_ask_for_time(one, now) and may_move_at_once(one)


def _can_close(one: Appointment, _now: datetime) -> bool:
    return not one.is_closed and one.start is not None


def _can_reopen(one: Appointment, _now: datetime) -> bool:
    return one.is_closed and one.start is not None


def _can_cancel(one: Appointment, _now: datetime) -> bool:
    return not one.is_closed


_Needs = Mapping[Command, Callable[[Appointment, datetime], bool]]
_FOR_EMPLOYEES: _Needs = {
    Command.ACCEPT: _can_accept,
    Command.ASK_AGAIN: _can_ask_again,
    Command.CHOOSE_TIME: _can_choose_time,
    Command.MOVE: _can_move,
    Command.COMPLETE: _can_close,
    Command.NO_SHOW: _can_close,
    Command.REOPEN: _can_reopen,
    Command.CANCEL: _can_cancel,
}
_FOR_CUSTOMERS: _Needs = {
    Command.CHOOSE_TIME: _can_choose_time,
    Command.MOVE: _can_move_itself,
    Command.ASK_FOR_TIME: _can_ask_for_time,
    Command.CANCEL: _can_cancel,
}
