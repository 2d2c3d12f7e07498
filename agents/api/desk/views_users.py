"""Users: who works for the contact center, and their passwords."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from agents import desk_wire
from agents.agent_states import Descriptors
from agents.api.desk.addresses import ROOT
from agents.api.desk.base import (
    ADMINS,
    LEADERS,
    STAFF,
    DeskRequest,
    DeskView,
    Members,
    Operation,
    Operations,
    id_of,
)
from agents.api.desk.views_skills import held_json
from agents.errors_desk import MemberInvalid
from agents.models import Device, User, UserSkill
from agents.models.tenancy import Feature
from agents.services import accounts, passwords, staff
from agents.services.accounts import ROLES, UserChanges
from config.kernel import limits
from config.kernel.actors import Role

_READING, _WRITING = Feature.PROVISIONING_READ, Feature.PROVISIONING_WRITE
_COLLECTIONS = ("skills", "devices", "settings")


def path_of(user: User) -> str:
    """Give where somebody is read."""
    return f"{ROOT}/users/{user.pk}"


def user_json(user: User) -> dict[str, Any]:
    """Give somebody as desktops read it, without skills, devices and channels."""
    return {
        "id": str(user.pk),
        "uri": path_of(user),
        "userName": user.username,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "roles": [role.value for role in ROLES if role in user.roles],
        "doNotDisturb": desk_wire.on_or_off(user.do_not_disturb),
        "changePasswordOnFirstLogin": user.change_password_on_first_login,
        "employeeId": user.employee_id,
    }


def collections_of(
    asked: DeskRequest, users: Sequence[User], wanted: Sequence[str]
) -> dict[UUID, dict[str, Any]]:
    """Give the wanted collections of everybody, each with one question to the database."""
    ids = [user.pk for user in users]
    found: dict[UUID, dict[str, Any]] = {user_id: {} for user_id in ids}
    if "skills" in wanted:
        _add(found, "skills", _skills_of(ids))
    if "devices" in wanted and asked.has_feature(Feature.VOICE):
        _add(found, "devices", _devices_of(asked, ids))
    elif "devices" in wanted:
        _add(found, "devices", {})
    if "settings" in wanted:
        for user_id in ids:
            found[user_id]["settings"] = {}
    return found


def _add(found: dict[UUID, dict[str, Any]], name: str, given: Mapping[UUID, list[Members]]) -> None:
    for user_id, members in found.items():
        members[name] = given.get(user_id, [])


def _skills_of(ids: Sequence[UUID]) -> dict[UUID, list[Members]]:
    rows = UserSkill.objects.filter(user_id__in=ids).select_related("skill")
    given: dict[UUID, list[Members]] = {}
    for held in rows.order_by("skill__name", "skill_id"):
        root = f"{ROOT}/users/{held.user_id}/skills"
        given.setdefault(held.user_id, []).append(held_json(held, root=root))
    return given


def _devices_of(asked: DeskRequest, ids: Sequence[UUID]) -> dict[UUID, list[Members]]:
    viewer = desk_wire.Viewer.of_actor(asked.actor)
    descriptors = Descriptors.of(asked.organization_id)
    rows = Device.objects.filter(user_id__in=ids).select_related("monitored_by").order_by("pk")
    given: dict[UUID, list[Members]] = {}
    for device in rows:
        if device.user_id is not None:
            shown = desk_wire.device_json(device, viewer, descriptors)
            given.setdefault(device.user_id, []).append(shown)
    return given


def list_users(asked: DeskRequest) -> Members:
    """Give the users; with `subresources` whole objects, and their collections."""
    wanted = asked.subresources(*_COLLECTIONS)
    rows = accounts.users_of(asked.actor)
    if not wanted:
        return asked.listing("users", rows, uri=path_of, wire=user_json)
    users = list(asked.page(rows))
    more = collections_of(asked, users, wanted)
    return {"users": [{**asked.chosen(user_json(one)), **more[one.pk]} for one in users]}


def read_user(asked: DeskRequest, user_id: str) -> Members:
    """Give one user; collections stand in it and on the top level. Raises UserNotFound."""
    user = accounts.user_seen_by(asked.actor, id_of(user_id, what="user"))
    wanted = asked.subresources(*_COLLECTIONS)
    more = collections_of(asked, [user], wanted)[user.pk]
    shown = {**user_json(user), **more}
    return {"user": shown, **({"id": str(user.pk)} if wanted else {}), **more}


def create_user(asked: DeskRequest) -> Members:
    """Make a user, and say where it is read."""
    body = asked.body
    user = staff.create_user(
        body.text("userName", most=limits.USERNAME_LENGTH),
        organization_id=asked.organization_id,
        roles=_roles_in(asked) or {Role.AGENT},
        password=body.text_or_none("password", most=limits.PASSWORD_LENGTH),
        first_name=body.text_or_none("firstName") or "",
        last_name=body.text_or_none("lastName") or "",
        employee_id=body.text_or_none("employeeId", most=limits.EXTERNAL_ID_LENGTH) or "",
        must_change_password=body.flag("changePasswordOnFirstLogin") or False,
        actor=asked.actor,
        now=asked.now,
    )
    return {"id": str(user.pk), "uri": path_of(user)}


def _roles_in(asked: DeskRequest) -> frozenset[Role] | None:
    names = asked.body.texts("roles")
    if names is None:
        return None
    known = {role.value: role for role in ROLES}
    if not known.keys() >= set(names):
        raise MemberInvalid(name="roles", why=f"they are some of {', '.join(known)}")
    return frozenset(known[name] for name in names)


def update_user(asked: DeskRequest, user_id: str) -> None:
    """Change the members that the body holds."""
    body = asked.body
    changes = UserChanges(
        username=_username_in(asked),
        first_name=body.changed_text("firstName"),
        last_name=body.changed_text("lastName"),
        employee_id=body.changed_text("employeeId", most=limits.EXTERNAL_ID_LENGTH),
        password=body.text_or_none("password", most=limits.PASSWORD_LENGTH),
        roles=_roles_in(asked),
        must_change_password=body.flag("changePasswordOnFirstLogin"),
    )
    accounts.change_user(id_of(user_id, what="user"), changes, actor=asked.actor, now=asked.now)


def _username_in(asked: DeskRequest) -> str | None:
    text = asked.body.text_or_none("userName", most=limits.USERNAME_LENGTH)
    return None if text is None else text.strip().lower()


def delete_user(asked: DeskRequest, user_id: str) -> None:
    """Take a user away."""
    accounts.delete_user(id_of(user_id, what="user"), actor=asked.actor, now=asked.now)


# --- Passwords ----------------------------------------------------------------------------------


def password_in(asked: DeskRequest, name: str) -> str:
    """Give a password that is sent in base64. Raises MemberMissing, MemberInvalid."""
    text = asked.body.text(name, most=8 * limits.PASSWORD_LENGTH)
    try:
        password = base64.b64decode(text.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise MemberInvalid(name=name, why="it is base64 of UTF-8") from None
    if not password or "\0" in password or len(password) > limits.PASSWORD_LENGTH:
        why = f"it has 1 to {limits.PASSWORD_LENGTH} characters"
        raise MemberInvalid(name=name, why=why)
    return password


def change_password(asked: DeskRequest, user_id: str) -> None:
    """Change somebody's password, knowing the old one; /v2/users says how that went."""
    asked.body.require("oldPassword", "newPassword")
    passwords.change_password_of(
        id_of(user_id, what="user"),
        old=password_in(asked, "oldPassword"),
        new=password_in(asked, "newPassword"),
        actor=asked.actor,
        now=asked.now,
    )


def reset_password(asked: DeskRequest, user_id: str) -> None:
    """Give somebody a new password; /v2/users says how that went."""
    passwords.reset_password(
        id_of(user_id, what="user"),
        new=password_in(asked, "newPassword"),
        actor=asked.actor,
        now=asked.now,
    )


class UsersView(DeskView):
    get = Operation(list_users, STAFF, feature=_READING)
    post = Operation(create_user, ADMINS, feature=_WRITING)


class UserView(DeskView):
    get = Operation(read_user, STAFF, feature=_READING)
    put = Operation(update_user, STAFF, feature=_WRITING)
    delete = Operation(delete_user, STAFF, feature=_WRITING)
    post = Operations(
        {
            "ChangePassword": Operation(change_password, LEADERS, feature=_WRITING),
            "ResetPassword": Operation(reset_password, ADMINS, feature=_WRITING),
        },
        otherwise=Operation(update_user, STAFF, feature=_WRITING),
    )
