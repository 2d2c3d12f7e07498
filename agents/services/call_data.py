"""What is attached to calls: everybody in a call sees it on the desktop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from agents.models import Leg
from agents.services.calls import UserData, check_user_data, command
from agents.switch.exchange import Exchange
from agents.switch.selected import switch
from agents.switch.state import Operation
from config.kernel.actors import Actor


def attach_user_data(number: str, user_data: UserData, *, actor: Actor, now: datetime) -> None:
    """Attach data to a call; what is there stays. Raises as change_user_data."""

    def attached(present: UserData) -> UserData:
        return {**user_data, **present}

    _change_user_data(number, Operation.ATTACH_USER_DATA, attached, actor=actor, now=now)


def update_user_data(number: str, user_data: UserData, *, actor: Actor, now: datetime) -> None:
    """Overwrite data of a call. Raises CallNotFound, NotPossibleNow, UserDataTooLarge."""

    def updated(present: UserData) -> UserData:
        return {**present, **user_data}

    _change_user_data(number, Operation.UPDATE_USER_DATA, updated, actor=actor, now=now)


def delete_user_data(
    number: str, keys: Iterable[str] | None, *, actor: Actor, now: datetime
) -> None:
    """Remove some or all data of a call. Raises CallNotFound, NotPossibleNow."""
    gone = None if keys is None else set(keys)

    def left(present: UserData) -> UserData:
        return {} if gone is None else {k: v for k, v in present.items() if k not in gone}

    _change_user_data(number, Operation.DELETE_USER_DATA, left, actor=actor, now=now)


def delete_user_data_pair(number: str, key: str, *, actor: Actor, now: datetime) -> None:
    """Remove one key of a call's data. Raises CallNotFound, NotPossibleNow."""

    def left(present: UserData) -> UserData:
        return {k: v for k, v in present.items() if k != key}

    _change_user_data(number, Operation.DELETE_USER_DATA_PAIR, left, actor=actor, now=now)


def _change_user_data(
    number: str,
    operation: Operation,
    changed: Callable[[UserData], UserData],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    def change(exchange: Exchange, leg: Leg) -> None:
        after = changed(leg.call.user_data)
        check_user_data(after)
        switch().set_user_data(exchange, leg.call, after)

    command(number, operation, change, actor=actor, now=now)
