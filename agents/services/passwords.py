"""Commands that change passwords; how each one went is told to desktops (cc.me.ChangePassword)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import Error, transaction
from django.db.models import Q

from agents.errors import UserNotFound, WeakPassword
from agents.models import User
from agents.services import counters, push
from agents.services.intervals import record_next
from agents.services.push import Told
from agents.services.staff import check_password
from config.kernel.actors import Actor, Role
from config.kernel.database import retrying

logger = logging.getLogger(__name__)

OWN_TOPIC, OTHERS_TOPIC = "/v2/me", "/v2/users"
_GUIDELINES, _OLD_IS_WRONG, _INTERNAL = 1, 2, 3
_WRONG_WORDS = "The old password is wrong."
_INTERNAL_WORDS = "The password could not be changed."


@dataclass(frozen=True)
class _Outcome:
    """How it went; None when the password was changed."""

    error_code: int | None = None
    error_message: str = ""


def change_own_password(
    user_id: UUID, *, old: str, new: str, actor: Actor, now: datetime
) -> str | None:
    """Let somebody change its own password, and tell its desktops how that went.

    Gives the hash that is kept now, None when it is as before. Raises UserNotFound,
    TooManyAttempts.
    """
    return _told(
        user_id,
        lambda person: _change(person, old=old, new=new, is_own=True, actor=actor, now=now),
        is_own=True,
        actor=actor,
        now=now,
    )


def change_password_of(user_id: UUID, *, old: str, new: str, actor: Actor, now: datetime) -> None:
    """Change somebody's password, knowing the old one, and tell the leaders how that went.

    Raises UserNotFound, TooManyAttempts.
    """
    _told(
        user_id,
        lambda person: _change(person, old=old, new=new, is_own=False, actor=actor, now=now),
        is_own=False,
        actor=actor,
        now=now,
    )


def reset_password(user_id: UUID, *, new: str, actor: Actor, now: datetime) -> None:
    """Give somebody a new password, and tell the leaders how that went. Raises UserNotFound."""
    _told(
        user_id,
        lambda person: _set(person, new, is_own=False, actor=actor, now=now),
        is_own=False,
        actor=actor,
        now=now,
    )


Attempt = Callable[[User], _Outcome]


def _told(
    user_id: UUID, attempt: Attempt, *, is_own: bool, actor: Actor, now: datetime
) -> str | None:
    try:
        return _carry_out(user_id, attempt, is_own=is_own, actor=actor, now=now)
    except Error as error:
        # The request was well formed, so what became of it is told as well (r6).
        logger.warning("A password was not changed.", exc_info=error)
        failed = _Outcome(_INTERNAL, _INTERNAL_WORDS)
        return _carry_out(user_id, lambda _: failed, is_own=is_own, actor=actor, now=now)


@retrying
@transaction.atomic
def _carry_out(
    user_id: UUID, attempt: Attempt, *, is_own: bool, actor: Actor, now: datetime
) -> str | None:
    people = User.objects.visible_to(actor).filter(is_active=True)
    # An operator changes its own; nobody of an organisation changes one of an operator.
    people = people if is_own else people.filter(is_superuser=False)
    person: User | None = people.select_for_update(no_key=True).filter(pk=user_id).first()
    if person is None:
        raise UserNotFound
    outcome = attempt(person)
    if person.organization_id is not None:
        told = _own(person, outcome) if is_own else _others(person, outcome)
        push.tell(told, organization_id=person.organization_id, now=now)
    return person.password if outcome.error_code is None else None


def _change(
    person: User, *, old: str, new: str, is_own: bool, actor: Actor, now: datetime
) -> _Outcome:
    attempt = counters.take((counters.PASSWORD_CHANGES, str(person.pk)), now=now)
    if not person.check_password(old):
        return _Outcome(_OLD_IS_WRONG, _WRONG_WORDS)
    attempt.give_back()
    return _set(person, new, is_own=is_own, actor=actor, now=now)


def _set(person: User, new: str, *, is_own: bool, actor: Actor, now: datetime) -> _Outcome:
    try:
        check_password(new, person)
    except WeakPassword as error:
        return _Outcome(_GUIDELINES, " ".join(error.errors["password"]))
    person.set_password(new)
    if is_own:
        person.change_password_on_first_login = False
    person.save(update_fields=["password", "change_password_on_first_login", "updated_at"])
    if person.organization_id is not None:
        record_next(
            "user.password_changed", person.pk, person.organization_id, actor=actor, now=now
        )
    return _Outcome()


def _own(person: User, outcome: _Outcome) -> list[Told]:
    return [Told(user_id=person.pk, topic=OWN_TOPIC, data=_message(outcome))]


def _others(person: User, outcome: _Outcome) -> list[Told]:
    """Tell every supervisor and administrator: it is theirs to know who can get in."""
    leads = Q(roles__overlap=[Role.SUPERVISOR, Role.ADMIN])
    leaders = User.objects.filter(leads, organization=person.organization_id, is_active=True)
    data = {
        **_message(outcome),
        "userUri": f"/api/v2/users/{person.pk}",
        "userId": str(person.pk),
    }
    ids = leaders.order_by("pk").values_list("pk", flat=True)
    return [Told(user_id=user_id, topic=OTHERS_TOPIC, data=data) for user_id in ids]


def _message(outcome: _Outcome) -> dict[str, object]:
    message: dict[str, object] = {"messageType": "UserNotificationMessage"}
    if outcome.error_code is None:
        return message | {"notificationType": "PasswordChangeSuccessful"}
    return message | {
        "notificationType": "PasswordChangeError",
        "errorMessage": outcome.error_message,
        "errorCode": outcome.error_code,
    }
