"""Who can do what, and how well: of many people at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction

from agents.models import Skill, User, UserSkill
from agents.services import abilities
from agents.services.abilities import Abilities
from agents.services.hours import lock_person
from config.kernel.actors import Actor
from config.kernel.database import retrying

# Somebody, and a skill.
Cell = tuple[UUID, UUID]


def levels_of(people: Iterable[User], skills: Iterable[Skill]) -> dict[Cell, int]:
    """Give the levels of those skills that people have."""
    rows = UserSkill.objects.filter(user__in=list(people), skill__in=list(skills))
    return {
        (user, skill): level
        for user, skill, level in rows.values_list("user_id", "skill_id", "level")
    }


@retrying
@transaction.atomic
def set_levels(changes: Mapping[Cell, int | None], *, actor: Actor, now: datetime) -> int:
    """Give people skills, or take them away with None, all or none; return of how many people.

    What is not among the changes stays as it is by then. Raises UserNotFound, HoursNotYours,
    InvalidAbilities.
    """
    by_person: dict[UUID, dict[UUID, int | None]] = defaultdict(dict)
    for (user_id, skill_id), level in changes.items():
        by_person[user_id][skill_id] = level
    # In one order, as others hold several people too.
    for user_id in sorted(by_person):
        present = abilities.abilities_of(lock_person(user_id, actor=actor)).skills
        wanted = {**present, **by_person[user_id]}
        skills = {key: level for key, level in wanted.items() if level is not None}
        abilities.set_abilities(
            user_id, Abilities(skills=skills), only={"skills"}, actor=actor, now=now
        )
    return len(by_person)
