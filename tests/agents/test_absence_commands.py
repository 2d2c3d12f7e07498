"""Commands about absences, holidays, skills and languages: what they keep, and what history may."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from uuid import UUID

import pytest
from django.utils import timezone

from agents.errors import (
    AbsenceNotFound,
    HolidayNotFound,
    HolidayTaken,
    HoursNotYours,
    InvalidAbilities,
    InvalidAbsence,
    InvalidHoliday,
    SkillNotFound,
    SkillTaken,
    UserNotFound,
)
from agents.models import Absence, AbsenceReason, Holiday, Organization, Skill, User, UserSkill
from agents.services import abilities, absences
from agents.services.abilities import Abilities
from agents.services.absences import AbsenceData
from config.kernel import limits
from config.kernel.actors import Actor, Role
from config.kernel.ids import uuid7
from notifications.models import OutboxEvent
from tests import make
from tests.appointments.races import run_together
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
MONDAY = date(2027, 2, 8)
NOW = timezone.now()
SICK = AbsenceData(
    first_day=MONDAY, last_day=MONDAY + DAY, reason=AbsenceReason.SICK, note="Appendix"
)


@pytest.fixture
def house() -> Organization:
    """Give an organisation."""
    return make.make_organization()


@pytest.fixture
def grace(house: Organization) -> User:
    """Give an agent."""
    return make.make_user(house, first_name="Grace", last_name="Hopper")


@pytest.fixture
def actor(house: Organization) -> Actor:
    """Give a supervisor."""
    return make.actor_for(make.make_user(house, [Role.SUPERVISOR]))


@pytest.fixture
def stranger() -> Actor:
    """Give somebody who may change everything of another organisation."""
    return make.actor_for(make.make_user(None, [Role.SUPERVISOR, Role.ADMIN]))


def add(grace: User, actor: Actor, data: AbsenceData = SICK) -> Absence:
    return absences.add_absence(grace.pk, data, actor=actor, now=NOW)


def set_abilities(grace: User, actor: Actor, wanted: Abilities) -> None:
    abilities.set_abilities(grace.pk, wanted, actor=actor, now=NOW)


# --- Absences ---------------------------------------------------------------------------------


def test_an_absence_is_added_changed_and_taken_back(grace: User, actor: Actor) -> None:
    made = add(grace, actor)
    later = AbsenceData(first_day=MONDAY, last_day=MONDAY + 4 * DAY)
    absences.change_absence(made.pk, later, actor=actor, now=NOW)
    written = Absence.objects.get()
    absences.delete_absence(made.pk, actor=actor, now=NOW)

    assert (written.user, written.ends_on, written.reason) == (grace, date(2027, 2, 12), "VACATION")
    assert list(Absence.objects.all()) == []


def test_history_says_when_somebody_was_away_and_neither_why_nor_who_by_name(
    grace: User, actor: Actor
) -> None:
    made = add(grace, actor)
    later = AbsenceData(first_day=MONDAY, last_day=MONDAY, reason=AbsenceReason.SICK, note="Flu")
    absences.change_absence(made.pk, later, actor=actor, now=NOW)
    absences.delete_absence(made.pk, actor=actor, now=NOW)

    two = {"firstDay": "2027-02-08", "lastDay": "2027-02-09"}
    one = {"firstDay": "2027-02-08", "lastDay": "2027-02-08"}
    of = {"user": str(grace.pk)}
    assert [
        (event.type, event.before, event.after, event.facts)
        for event in OutboxEvent.objects.of(made.pk)
    ] == [
        ("absence.added", None, two, of),
        ("absence.changed", two, one, of),
        ("absence.deleted", one, None, of),
    ]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (AbsenceData(first_day=MONDAY, last_day=MONDAY - DAY), "last_day"),
        (AbsenceData(first_day=date(1899, 12, 31), last_day=MONDAY), "first_day"),
        (AbsenceData(first_day=MONDAY, last_day=date(2201, 1, 1)), "first_day"),
        (AbsenceData(first_day=MONDAY, last_day=MONDAY, note="n" * 10_001), "note"),
    ],
)
def test_an_absence_that_makes_no_sense_is_refused(
    grace: User, actor: Actor, data: AbsenceData, name: str
) -> None:
    made = add(grace, actor)
    before = everything()

    with pytest.raises(InvalidAbsence) as refused:
        add(grace, actor, data)
    with pytest.raises(InvalidAbsence):
        absences.change_absence(made.pk, data, actor=actor, now=NOW)

    assert list(refused.value.errors) == [name]
    assert everything() == before


def test_pressed_twice_an_absence_is_written_down_once(grace: User, actor: Actor) -> None:
    add(grace, actor)
    before = everything()

    with pytest.raises(InvalidAbsence):
        add(grace, actor)

    assert everything() == before


def test_sick_days_may_lie_in_a_vacation(grace: User, actor: Actor) -> None:
    add(grace, actor, AbsenceData(first_day=MONDAY, last_day=MONDAY + 9 * DAY))
    add(grace, actor)

    assert Absence.objects.count() == 2


def test_an_agent_does_not_write_its_own_absences_down(grace: User, actor: Actor) -> None:
    made, itself = add(grace, actor), make.actor_for(grace)
    before = everything()

    with pytest.raises(HoursNotYours):
        add(grace, itself, AbsenceData(first_day=MONDAY, last_day=MONDAY))
    with pytest.raises(HoursNotYours):
        absences.change_absence(made.pk, SICK, actor=itself, now=NOW)
    with pytest.raises(HoursNotYours):
        absences.delete_absence(made.pk, actor=itself, now=NOW)

    assert everything() == before


def test_absences_of_another_organisation_do_not_exist(
    grace: User, actor: Actor, stranger: Actor
) -> None:
    made = add(grace, actor)
    before = everything()

    with pytest.raises(UserNotFound):
        add(grace, stranger)
    with pytest.raises(AbsenceNotFound):
        absences.change_absence(made.pk, SICK, actor=stranger, now=NOW)
    with pytest.raises(AbsenceNotFound):
        absences.delete_absence(made.pk, actor=stranger, now=NOW)

    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_an_absence_back_one_is_told_that_it_is_gone() -> None:
    grace = make.make_user()
    actor = make.actor_for(make.make_user(grace.organization, [Role.SUPERVISOR]))
    made = add(grace, actor)

    outcomes = run_together(
        [partial(absences.delete_absence, made.pk, actor=actor, now=NOW) for _ in range(2)]
    )

    assert sorted(type(one).__name__ for one in outcomes) == ["AbsenceNotFound", "NoneType"]
    assert OutboxEvent.objects.of(made.pk).count() == 2


# --- Holidays ---------------------------------------------------------------------------------


def test_a_holiday_is_added_changed_and_taken_out(actor: Actor) -> None:
    made = absences.add_holiday(MONDAY, " Carnival ", actor=actor, now=NOW)
    absences.change_holiday(made.pk, MONDAY + DAY, "Carnival", actor=actor, now=NOW)
    written = Holiday.objects.get()
    absences.delete_holiday(made.pk, actor=actor, now=NOW)

    assert str(written) == "Carnival, 2027-02-09"
    assert list(Holiday.objects.all()) == []
    monday = {"day": "2027-02-08", "name": "Carnival"}
    tuesday = {"day": "2027-02-09", "name": "Carnival"}
    assert [
        (event.type, event.before, event.after) for event in OutboxEvent.objects.of(made.pk)
    ] == [
        ("holiday.added", None, monday),
        ("holiday.changed", monday, tuesday),
        ("holiday.deleted", tuesday, None),
    ]


def test_a_day_is_a_holiday_once(actor: Actor, stranger: Actor) -> None:
    absences.add_holiday(MONDAY, "Carnival", actor=actor, now=NOW)
    other = absences.add_holiday(MONDAY + DAY, "Another", actor=actor, now=NOW)
    absences.add_holiday(MONDAY, "Elsewhere too", actor=stranger, now=NOW)
    before = everything()

    with pytest.raises(HolidayTaken):
        absences.add_holiday(MONDAY, "Again", actor=actor, now=NOW)
    with pytest.raises(HolidayTaken):
        absences.change_holiday(other.pk, MONDAY, "Again", actor=actor, now=NOW)

    assert everything() == before


@pytest.mark.parametrize(
    ("day", "name", "field"),
    [(MONDAY, " ", "name"), (MONDAY, "n" * 151, "name"), (date(2201, 1, 1), "Far", "day")],
)
def test_a_holiday_that_makes_no_sense_is_refused(
    actor: Actor, day: date, name: str, field: str
) -> None:
    with pytest.raises(InvalidHoliday) as refused:
        absences.add_holiday(day, name, actor=actor, now=NOW)

    assert list(refused.value.errors) == [field]


def test_holidays_are_not_for_agents_nor_for_others(
    grace: User, actor: Actor, stranger: Actor
) -> None:
    made, itself = (
        absences.add_holiday(MONDAY, "Carnival", actor=actor, now=NOW),
        make.actor_for(grace),
    )
    before = everything()

    for who, refusal in ((itself, HoursNotYours), (stranger, HolidayNotFound)):
        with pytest.raises(refusal):
            absences.change_holiday(made.pk, MONDAY, "Mine", actor=who, now=NOW)
        with pytest.raises(refusal):
            absences.delete_holiday(made.pk, actor=who, now=NOW)
    with pytest.raises(HoursNotYours):
        absences.add_holiday(MONDAY, "Mine", actor=itself, now=NOW)

    assert everything() == before


# --- What people can do -----------------------------------------------------------------------


def test_skills_languages_and_the_daily_maximum_are_said_anew(grace: User, actor: Actor) -> None:
    loans, cards = (abilities.add_skill(name, actor=actor, now=NOW) for name in ("Loans", "Cards"))
    set_abilities(grace, actor, Abilities(skills={loans.pk: 50}, languages=["de", "en", "de"]))
    set_abilities(grace, actor, Abilities(skills={cards.pk: 0}, languages=["el"], daily_maximum=8))

    grace.refresh_from_db()
    assert (grace.languages, grace.daily_maximum) == (["el"], 8)
    assert list(UserSkill.objects.values_list("skill__name", "level")) == [("Cards", 0)]
    last = OutboxEvent.objects.of(grace.pk).last()
    assert last is not None
    assert (last.type, last.before, last.after) == (
        "user.abilities_changed",
        {"skills": {str(loans.pk): 50}, "languages": ["de", "en"], "dailyMaximum": None},
        {"skills": {str(cards.pk): 0}, "languages": ["el"], "dailyMaximum": 8},
    )


def test_one_skill_is_given_and_taken_and_others_stay(grace: User, actor: Actor) -> None:
    make.make_skill(grace, "Loans", level=5)
    cards = abilities.add_skill("Cards", actor=actor, now=NOW)

    abilities.give_skill(grace.pk, cards.pk, 7, actor=actor, now=NOW)
    given = dict(UserSkill.objects.values_list("skill__name", "level"))
    abilities.give_skill(grace.pk, cards.pk, None, actor=actor, now=NOW)

    assert given == {"Loans": 5, "Cards": 7}
    assert list(UserSkill.objects.values_list("skill__name", flat=True)) == ["Loans"]


def test_what_is_not_meant_stays_as_it_is(grace: User, actor: Actor) -> None:
    make.make_skill(grace, "Loans")

    abilities.set_abilities(
        grace.pk, Abilities(languages=["de"]), only={"languages"}, actor=actor, now=NOW
    )

    assert UserSkill.objects.filter(user=grace).exists()


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Abilities(skills={uuid7(): 1}), "skills"),
        (Abilities(languages=["de", "Greek"]), "languages"),
        (Abilities(languages=["DE"]), "languages"),
        (Abilities(daily_maximum=0), "daily_maximum"),
        (Abilities(daily_maximum=32_768), "daily_maximum"),
    ],
)
def test_abilities_that_there_are_not_are_refused(
    grace: User, actor: Actor, wanted: Abilities, field: str
) -> None:
    before = everything()

    with pytest.raises(InvalidAbilities) as refused:
        set_abilities(grace, actor, wanted)

    assert list(refused.value.errors) == [field]
    assert everything() == before


@pytest.mark.parametrize("level", [-1, limits.SKILL_LEVEL_MAX + 1])
def test_a_level_has_its_bounds(grace: User, actor: Actor, level: int) -> None:
    skill = abilities.add_skill("Loans", actor=actor, now=NOW)

    with pytest.raises(InvalidAbilities):
        abilities.give_skill(grace.pk, skill.pk, level, actor=actor, now=NOW)


def test_a_skill_of_another_organisation_cannot_be_given(
    grace: User, actor: Actor, stranger: Actor
) -> None:
    theirs = abilities.add_skill("Loans", actor=stranger, now=NOW)

    with pytest.raises(InvalidAbilities):
        set_abilities(grace, actor, Abilities(skills={theirs.pk: 1}))
    with pytest.raises(UserNotFound):
        set_abilities(grace, stranger, Abilities(skills={theirs.pk: 1}))


def test_a_skill_is_named_once_named_anew_and_taken_from_everybody(
    grace: User, actor: Actor
) -> None:
    loans = make.make_skill(grace, "Loans")
    cards = abilities.add_skill("Cards", "Plastic", actor=actor, now=NOW)

    with pytest.raises(SkillTaken):
        abilities.add_skill("Loans", actor=actor, now=NOW)
    with pytest.raises(SkillTaken):
        abilities.change_skill(cards.pk, "Loans", actor=actor, now=NOW)
    with pytest.raises(InvalidAbilities):
        abilities.add_skill(" ", actor=actor, now=NOW)
    abilities.change_skill(cards.pk, "New cards", actor=actor, now=NOW)
    abilities.delete_skill(loans.pk, actor=actor, now=NOW)

    assert list(Skill.objects.values_list("name", "description")) == [("New cards", "")]
    assert list(UserSkill.objects.all()) == []


def test_skills_are_not_for_agents_nor_for_others(
    grace: User, actor: Actor, stranger: Actor
) -> None:
    loans: UUID = make.make_skill(grace, "Loans").pk
    itself = make.actor_for(grace)
    before = everything()

    for who, refusal in ((itself, HoursNotYours), (stranger, SkillNotFound)):
        with pytest.raises(refusal):
            abilities.change_skill(loans, "Mine", actor=who, now=NOW)
        with pytest.raises(refusal):
            abilities.delete_skill(loans, actor=who, now=NOW)
    with pytest.raises(HoursNotYours):
        abilities.add_skill("Mine", actor=itself, now=NOW)
    with pytest.raises(HoursNotYours):
        set_abilities(grace, itself, Abilities(daily_maximum=1))

    assert everything() == before
