"""The demonstration organisations' hours, skills and languages: the same on every installation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from uuid import UUID

from agents.models import Holiday, Organization, Skill, User, UserSkill, WorkingHours

Key = Callable[[str], UUID]


@dataclass(frozen=True, kw_only=True)
class _Work:
    """What one of the agents does: its hours by weekday, its languages, a level for each skill."""

    hours: Mapping[int, tuple[tuple[str, str], ...]]
    languages: tuple[str, ...]
    levels: tuple[int | None, ...]


# Nine to five with a break for lunch.
_USUAL = dict.fromkeys(range(1, 6), (("09:00", "12:30"), ("13:30", "17:00")))
# Afternoons and evenings, and every Saturday.
_LATE = {**dict.fromkeys(range(1, 5), (("12:00", "20:00"),)), 6: (("10:00", "14:00"),)}
# In the order of the agents' user names.
_WORK = (
    _Work(hours=_USUAL, languages=("en", "de"), levels=(80, 40)),
    _Work(hours=_USUAL, languages=("en",), levels=(50, None)),
    _Work(hours=_LATE, languages=("en", "de", "el"), levels=(None, 70)),
)
_SKILLS = {
    "northwind": (
        ("Consultations", "First meetings and those that follow."),
        ("Care at home", "Visits and care plans."),
    ),
    "contoso": (
        ("Financing", "Mortgages, loans and their renewal."),
        ("Accounts", "Accounts and cards."),
    ),
}
_YEARS = range(2027, 2032)


def load_hours(organization: Organization, agents: Iterable[User], key: Key, *, word: str) -> None:
    """Make sure that an organisation keeps hours; what somebody has changed stays as it is.

    `agents` are in the order of their user names.
    """
    house = organization.pk
    # Each by itself: an older demonstration may lack some of it.
    if not WorkingHours.objects.filter(organization_id=house).exists():
        WorkingHours.objects.bulk_create(_hours(house, agents, key))
    if not Skill.objects.filter(organization_id=house).exists():
        _load_skills(house, agents, key, word=word)
    if not Holiday.objects.filter(organization_id=house).exists():
        Holiday.objects.bulk_create(
            Holiday(
                id=key(f"holiday/{year}"),
                organization_id=house,
                day=date(year, 1, 1),
                name="New Year's Day",
            )
            for year in _YEARS
        )


def _hours(house: UUID, agents: Iterable[User], key: Key) -> Iterator[WorkingHours]:
    for agent, work in zip(agents, _WORK, strict=True):
        for weekday, intervals in work.hours.items():
            for begin, end in intervals:
                yield WorkingHours(
                    id=key(f"hours/{agent.username}/{weekday}/{begin}"),
                    organization_id=house,
                    user=agent,
                    weekday=weekday,
                    starts_at=time.fromisoformat(begin),
                    ends_at=time.fromisoformat(end),
                )


def _load_skills(house: UUID, agents: Iterable[User], key: Key, *, word: str) -> None:
    skills = [
        Skill(id=key(f"skill/{number}"), organization_id=house, name=name, description=text)
        for number, (name, text) in enumerate(_SKILLS[word])
    ]
    Skill.objects.bulk_create(skills)
    for agent, work in zip(agents, _WORK, strict=True):
        agent.languages = list(work.languages)
        agent.save(update_fields=["languages"])
        UserSkill.objects.bulk_create(
            UserSkill(
                id=key(f"skill/{skill.name}/{agent.username}"),
                organization_id=house,
                user=agent,
                skill=skill,
                level=level,
            )
            for skill, level in zip(skills, work.levels, strict=True)
            if level is not None
        )
