"""Commands about what people can do: skills, languages, and how much in a day."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from agents.errors import InvalidAbilities, SkillNotFound, SkillTaken
from agents.models import Skill, User, UserSkill
from agents.services.hours import check_may_edit, house_of, lock_person
from agents.services.intervals import record_next
from config.kernel import limits
from config.kernel.actors import Actor
from config.kernel.database import constraint_of

# What the column holds.
_MOST_A_DAY = 32_767


@dataclass(frozen=True, kw_only=True)
class Abilities:
    """What somebody can do."""

    # The level by the id of the skill.
    skills: Mapping[UUID, int] = field(default_factory=dict)
    # ISO 639-1, in small letters.
    languages: Sequence[str] = ()
    daily_maximum: int | None = None


def abilities_of(person: User) -> Abilities:
    """Give what somebody can do now."""
    rows = UserSkill.objects.filter(user=person).order_by("skill__name", "skill_id")
    return Abilities(
        skills=dict(rows.values_list("skill_id", "level")),
        languages=tuple(person.languages),
        daily_maximum=person.daily_maximum,
    )


@transaction.atomic
def set_abilities(
    user_id: UUID,
    wanted: Abilities,
    *,
    only: Collection[str] | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Say anew what somebody can do; with `only`, what else it can stays as it is by then.

    Raises UserNotFound, HoursNotYours, InvalidAbilities.
    """
    person = lock_person(user_id, actor=actor)
    present = abilities_of(person)
    if only is not None:
        wanted = Abilities(
            **{
                name: getattr(wanted if name in only else present, name)
                for name in ("skills", "languages", "daily_maximum")
            }
        )
    wanted = _checked(wanted, person)
    if wanted == present:
        return
    _write_skills(person, present.skills, wanted.skills)
    person.languages, person.daily_maximum = list(wanted.languages), wanted.daily_maximum
    person.save(update_fields=["languages", "daily_maximum", "updated_at"])
    record_next(
        "user.abilities_changed",
        person.pk,
        person.organization_id,
        actor=actor,
        now=now,
        before=_facts_of(present),
        after=_facts_of(wanted),
    )


@transaction.atomic
def give_skill(
    user_id: UUID, skill_id: UUID, level: int | None, *, actor: Actor, now: datetime
) -> None:
    """Give somebody one skill with a level, or take it away with None; others stay.

    Raises UserNotFound, HoursNotYours, InvalidAbilities.
    """
    present = dict(abilities_of(lock_person(user_id, actor=actor)).skills)
    present.pop(skill_id, None)
    if level is not None:
        present[skill_id] = level
    set_abilities(user_id, Abilities(skills=present), only={"skills"}, actor=actor, now=now)


def _checked(wanted: Abilities, person: User) -> Abilities:
    problems: dict[str, list[str]] = {}
    known = Skill.objects.filter(organization_id=house_of(person), pk__in=wanted.skills)
    names = dict(known.order_by("name", "pk").values_list("pk", "name"))
    if len(names) < len(wanted.skills):
        problems["skills"] = ["There is no such skill."]
    elif any(not 0 <= level <= limits.SKILL_LEVEL_MAX for level in wanted.skills.values()):
        problems["skills"] = [f"A level is a number from 0 to {limits.SKILL_LEVEL_MAX}."]
    languages = list(dict.fromkeys(wanted.languages))
    if wrong := [one for one in languages if not _is_language(one)]:
        problems["languages"] = [f"{one[:20]!r} is no language: write de, en." for one in wrong]
    if len(languages) > limits.QUERY_VALUES_MAX:
        problems["languages"] = [f"At most {limits.QUERY_VALUES_MAX} languages."]
    most = wanted.daily_maximum
    if most is not None and not 1 <= most <= _MOST_A_DAY:
        problems["daily_maximum"] = [f"A daily maximum is a number from 1 to {_MOST_A_DAY}."]
    if problems:
        raise InvalidAbilities(errors=problems)
    return Abilities(
        skills={skill_id: wanted.skills[skill_id] for skill_id in names},
        languages=tuple(languages),
        daily_maximum=most,
    )


def _is_language(text: str) -> bool:
    return len(text) == 2 and text.isascii() and text.isalpha() and text.islower()


def _write_skills(person: User, present: Mapping[UUID, int], wanted: Mapping[UUID, int]) -> None:
    changed = {key: level for key, level in wanted.items() if present.get(key) != level}
    gone = present.keys() - wanted.keys()
    UserSkill.objects.filter(user=person, skill_id__in=gone).delete()
    for skill_id, level in changed.items():
        UserSkill.objects.update_or_create(
            user=person,
            skill_id=skill_id,
            defaults={"level": level},
            create_defaults={"organization_id": house_of(person), "level": level},
        )


def _facts_of(abilities: Abilities) -> dict[str, Any]:
    return {
        "skills": {str(key): level for key, level in abilities.skills.items()},
        "languages": list(abilities.languages),
        "dailyMaximum": abilities.daily_maximum,
    }


# --- The skills that there are ----------------------------------------------------------------


@transaction.atomic
def add_skill(name: str, description: str = "", *, actor: Actor, now: datetime) -> Skill:
    """Make a skill that people of the organisation can have.

    Raises HoursNotYours, InvalidAbilities, SkillTaken.
    """
    check_may_edit(actor)
    if actor.organization_id is None:
        raise InvalidAbilities(errors={"organization": ["A skill belongs to an organisation."]})
    skill = Skill(organization_id=actor.organization_id)
    _write_skill(skill, name, description, is_new=True)
    _record_skill("added", skill, actor=actor, now=now, after=_words_of(skill))
    return skill


@transaction.atomic
def change_skill(
    skill_id: UUID, name: str, description: str = "", *, actor: Actor, now: datetime
) -> Skill:
    """Name a skill anew: whoever has it has it still.

    Raises SkillNotFound, HoursNotYours, InvalidAbilities, SkillTaken.
    """
    skill = _lock_skill(skill_id, actor=actor)
    before = _words_of(skill)
    _write_skill(skill, name, description, is_new=False)
    after = _words_of(skill)
    if after != before:
        _record_skill("changed", skill, actor=actor, now=now, before=before, after=after)
    return skill


@transaction.atomic
def delete_skill(skill_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Take a skill away, from everybody who has it too.

    Raises SkillNotFound, HoursNotYours.
    """
    skill = _lock_skill(skill_id, actor=actor)
    _record_skill("deleted", skill, actor=actor, now=now, before=_words_of(skill))
    skill.delete()


def _lock_skill(skill_id: UUID, *, actor: Actor) -> Skill:
    rows = Skill.objects.visible_to(actor).select_for_update()
    found = rows.filter(pk=skill_id).first()
    if found is None:
        raise SkillNotFound
    check_may_edit(actor)
    return found


def _write_skill(skill: Skill, name: str, description: str, *, is_new: bool) -> None:
    name, description = name.strip(), description.strip()
    if not name or len(name) > limits.NAME_LENGTH:
        words = f"A name has 1 to {limits.NAME_LENGTH} characters."
        raise InvalidAbilities(errors={"name": [words]})
    if len(description) > limits.TITLE_LENGTH:
        words = f"A description has at most {limits.TITLE_LENGTH} characters."
        raise InvalidAbilities(errors={"description": [words]})
    skill.name, skill.description = name, description
    try:
        with transaction.atomic():
            skill.save(force_insert=is_new)
    except IntegrityError as error:
        if constraint_of(error) == "skill_name_unique":
            raise SkillTaken(errors={"name": [SkillTaken.message]}) from None
        raise


def _words_of(skill: Skill) -> dict[str, str]:
    return {"name": skill.name, "description": skill.description}


def _record_skill(what: str, skill: Skill, *, actor: Actor, now: datetime, **facts: Any) -> None:
    record_next(f"skill.{what}", skill.pk, skill.organization_id, actor=actor, now=now, **facts)
