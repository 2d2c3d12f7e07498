"""Commands about skills as desktops give and take them: one at a time."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from agents.errors import SkillNotFound
from agents.errors_desk import SkillNotHeld
from agents.models import Skill, UserSkill
from agents.services import abilities, accounts
from config.kernel.actors import Actor


def skills_of(user_id: UUID) -> QuerySet[UserSkill]:
    """Give what somebody can do, with the skill at hand."""
    rows = UserSkill.objects.filter(user_id=user_id).select_related("skill")
    return rows.order_by("skill__name", "skill_id")


def skill_of(user_id: UUID, skill_id: UUID) -> UserSkill:
    """Give one skill that somebody has. Raises SkillNotHeld."""
    found = skills_of(user_id).filter(skill_id=skill_id).first()
    if found is None:
        raise SkillNotHeld
    return found


def skill_seen_by(actor: Actor, skill_id: UUID) -> Skill:
    """Give one skill of the actor's organisation. Raises SkillNotFound."""
    found = Skill.objects.visible_to(actor).filter(pk=skill_id).first()
    if found is None:
        raise SkillNotFound
    return found


@transaction.atomic
def assign_skill(user_id: UUID, skill_id: UUID, *, level: int, actor: Actor, now: datetime) -> None:
    """Let somebody have a skill with this level, whether or not it had it before.

    Raises UserNotFound, SkillNotFound, HoursNotYours, InvalidAbilities.
    """
    accounts.user_seen_by(actor, user_id)
    skill_seen_by(actor, skill_id)
    abilities.give_skill(user_id, skill_id, level, actor=actor, now=now)


@transaction.atomic
def take_skill(user_id: UUID, skill_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Let somebody not have a skill any more; the skill itself stays.

    Raises UserNotFound, SkillNotHeld, HoursNotYours.
    """
    accounts.user_seen_by(actor, user_id)
    skill_of(user_id, skill_id)
    abilities.give_skill(user_id, skill_id, None, actor=actor, now=now)
