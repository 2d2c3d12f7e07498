"""The caller: who it is, what it has, and what can be asked of it by name."""

from __future__ import annotations

from typing import Any

from agents.api.desk.base import ANYBODY, DeskRequest, DeskView, Members, Operation, Operations
from agents.api.desk.shapes import ERROR_STATUS, OK
from agents.api.desk.views_features import assigned_to, feature_json
from agents.api.desk.views_presence import ME_OPERATIONS, my_channels, state_by_name
from agents.api.desk.views_settings import AGENT_STATES, GENERAL, states_json
from agents.api.desk.views_users import collections_of, password_in, user_json
from agents.errors import PasswordChangeNeeded
from agents.errors_desk import MemberInvalid
from agents.general_settings import general_settings_of
from agents.models import User
from agents.services import desk_cookies, passwords

_COLLECTIONS = ("devices", "skills", "channels", "features", "settings")


def read_me(asked: DeskRequest) -> Members:
    """Give the caller; collections stand in it and on the top level."""
    user = User.objects.get(pk=asked.caller.user_id)
    wanted = asked.subresources(*_COLLECTIONS)
    more = _collections(asked, user, wanted)
    shown = {**user_json(user), **more}
    return {"user": shown, **({"id": str(user.pk)} if wanted else {}), **more}


def _collections(asked: DeskRequest, user: User, wanted: list[str]) -> dict[str, Any]:
    if user.organization_id is None:
        # Operators have nothing that a desk could show.
        return {name: {} if name == "settings" else [] for name in wanted}
    more = collections_of(asked, [user], wanted)[user.pk]
    if "channels" in wanted:
        more["channels"] = my_channels(asked)
    if "features" in wanted:
        more["features"] = [feature_json(one) for one in assigned_to(asked)]
    if "settings" in wanted:
        general = general_settings_of(asked.organization_id)
        more["settings"] = {GENERAL: general, AGENT_STATES: states_json(asked)}
    return more


def change_password(asked: DeskRequest) -> None:
    """Change the caller's password; /v2/me says how that went.

    Raises PasswordChangeNeeded, MemberMissing, MemberInvalid, TooManyAttempts.
    """
    is_first = _is_first_login(asked)
    if asked.caller.must_change_password and not is_first:
        raise PasswordChangeNeeded
    asked.body.require("oldPassword", "newPassword")
    stored = passwords.change_own_password(
        asked.caller.user_id,
        old=password_in(asked, "oldPassword"),
        new=password_in(asked, "newPassword"),
        actor=asked.actor,
        now=asked.now,
    )
    if stored is not None and (asked.caller.cookie or asked.caller.cookie_to_set):
        # The old cookie has ended with the old password; the new one is needed at the next login.
        asked.cookie_to_set = desk_cookies.make(asked.caller.user_id, stored, now=asked.now)


def _is_first_login(asked: DeskRequest) -> bool:
    text = asked.text("firstLogin") or "false"
    if text not in {"true", "false"}:
        raise MemberInvalid(name="firstLogin", why="it is true or false")
    return text == "true"


class MeView(DeskView):
    shape = ERROR_STATUS
    get = Operation(read_me, ANYBODY, shape=ERROR_STATUS)
    post = Operations(
        {
            "ChangePassword": Operation(change_password, ANYBODY, before_change=True),
            **ME_OPERATIONS,
        },
        by_name=state_by_name,
        shape=OK,
    )
