"""Skills: those of the contact center, those of somebody, and the caller's own."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from agents.api.desk.addresses import ROOT
from agents.api.desk.base import (
    ADMINS,
    STAFF,
    DeskRequest,
    DeskView,
    Members,
    Operation,
    id_of,
)
from agents.errors_desk import MemberInvalid
from agents.models import Skill, UserSkill
from agents.models.tenancy import Feature
from agents.services import abilities, accounts, desk_skills
from config.kernel import limits

_READING, _WRITING = Feature.PROVISIONING_READ, Feature.PROVISIONING_WRITE
_MINE = f"{ROOT}/me/skills"


def _of_user(user_id: UUID) -> str:
    return f"{ROOT}/users/{user_id}/skills"


def skill_json(skill: Skill, *, level: int = 0, root: str = f"{ROOT}/skills") -> Members:
    """Give a skill with a level as desktops read it: of nobody in particular it is 0."""
    members = {
        "id": str(skill.pk),
        "uri": f"{root}/{skill.pk}",
        "name": skill.name,
        "description": skill.description,
        "level": str(level),
    }
    return {name: value for name, value in members.items() if value}


def held_json(held: UserSkill, *, root: str) -> Members:
    """Give a skill as somebody has it."""
    return skill_json(held.skill, level=held.level, root=root)


def list_skills(asked: DeskRequest) -> Members:
    """Give the skills of the contact center."""
    rows = Skill.objects.visible_to(asked.actor).order_by("name", "pk")
    return asked.listing("skills", rows, uri=lambda one: f"{ROOT}/skills/{one.pk}", wire=skill_json)


def read_skill(asked: DeskRequest, skill_id: str) -> Members:
    """Give one of them. Raises SkillNotFound."""
    found = desk_skills.skill_seen_by(asked.actor, id_of(skill_id, what="skill"))
    return {"skill": skill_json(found)}


def create_skill(asked: DeskRequest) -> Members:
    """Make a skill, and say where it is read."""
    body = asked.body
    name = body.text("name")
    description = body.text_or_none("description", most=limits.TITLE_LENGTH) or ""
    skill = abilities.add_skill(name, description, actor=asked.actor, now=asked.now)
    return {"id": str(skill.pk), "uri": f"{ROOT}/skills/{skill.pk}"}


def _listing(asked: DeskRequest, user_id: UUID, root: str) -> Members:
    return asked.listing(
        "skills",
        desk_skills.skills_of(user_id),
        uri=lambda held: f"{root}/{held.skill_id}",
        wire=partial(held_json, root=root),
    )


def list_skills_of_user(asked: DeskRequest, user_id: str) -> Members:
    """Give what somebody can do. Raises UserNotFound."""
    person = accounts.user_seen_by(asked.actor, id_of(user_id, what="user"))
    return _listing(asked, person.pk, _of_user(person.pk))


def read_skill_of_user(asked: DeskRequest, user_id: str, skill_id: str) -> Members:
    """Give one skill that somebody has. Raises UserNotFound, SkillNotHeld."""
    person = accounts.user_seen_by(asked.actor, id_of(user_id, what="user"))
    held = desk_skills.skill_of(person.pk, id_of(skill_id, what="skill"))
    return {"skill": held_json(held, root=_of_user(person.pk))}


def assign_skill(asked: DeskRequest, user_id: str) -> None:
    """Let somebody have a skill, with a level."""
    wanted = asked.body.reference("id", "uri")
    desk_skills.assign_skill(
        id_of(user_id, what="user"),
        id_of(wanted, what="skill"),
        level=_level_in(asked),
        actor=asked.actor,
        now=asked.now,
    )


def _level_in(asked: DeskRequest) -> int:
    text = asked.body.text_or_none("level") or "0"
    if not (text.isascii() and text.isdigit() and int(text) <= limits.SKILL_LEVEL_MAX):
        why = f"it is a number from 0 to {limits.SKILL_LEVEL_MAX}, written as a text"
        raise MemberInvalid(name="level", why=why)
    return int(text)


def take_skill(asked: DeskRequest, user_id: str, skill_id: str) -> None:
    """Let somebody not have a skill any more."""
    desk_skills.take_skill(
        id_of(user_id, what="user"),
        id_of(skill_id, what="skill"),
        actor=asked.actor,
        now=asked.now,
    )


def list_my_skills(asked: DeskRequest) -> Members:
    """Give what the caller can do."""
    return _listing(asked, asked.caller.user_id, _MINE)


def read_my_skill(asked: DeskRequest, skill_id: str) -> Members:
    """Give one skill that the caller has. Raises SkillNotHeld."""
    held = desk_skills.skill_of(asked.caller.user_id, id_of(skill_id, what="skill"))
    return {"skill": held_json(held, root=_MINE)}


class SkillsView(DeskView):
    get = Operation(list_skills, ADMINS, feature=_READING)
    post = Operation(create_skill, ADMINS, feature=_WRITING)


class SkillView(DeskView):
    get = Operation(read_skill, ADMINS, feature=_READING)


class SkillsOfUserView(DeskView):
    get = Operation(list_skills_of_user, ADMINS, feature=_READING)
    post = Operation(assign_skill, ADMINS, feature=_WRITING)


class SkillOfUserView(DeskView):
    get = Operation(read_skill_of_user, ADMINS, feature=_READING)
    delete = Operation(take_skill, ADMINS, feature=_WRITING)


class MySkillsView(DeskView):
    get = Operation(list_my_skills, STAFF)


class MySkillView(DeskView):
    get = Operation(read_my_skill, STAFF)
