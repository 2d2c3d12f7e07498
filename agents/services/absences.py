"""Commands about days on which people do not work: absences of one, holidays of all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from agents.errors import (
    AbsenceNotFound,
    HolidayNotFound,
    HolidayTaken,
    InvalidAbsence,
    InvalidHoliday,
)
from agents.models import Absence, AbsenceReason, Holiday
from agents.services.hours import check_may_edit, house_of, lock_person
from agents.services.intervals import record_next
from config.kernel import limits
from config.kernel.actors import Actor
from config.kernel.database import constraint_of


@dataclass(frozen=True, kw_only=True)
class AbsenceData:
    """Whole days on which somebody is away, the last one included."""

    first_day: date
    last_day: date
    reason: AbsenceReason = AbsenceReason.VACATION
    note: str = ""


# --- Absences ---------------------------------------------------------------------------------


@transaction.atomic
def add_absence(user_id: UUID, data: AbsenceData, *, actor: Actor, now: datetime) -> Absence:
    """Write down that somebody is away; its appointments stay as they are.

    Raises UserNotFound, HoursNotYours, InvalidAbsence.
    """
    person = lock_person(user_id, actor=actor)
    absence = Absence(organization_id=house_of(person), user=person, created_at=now)
    _fill(absence, data)
    absence.save(force_insert=True)
    _record("absence.added", absence, actor=actor, now=now, after=_days_of(absence))
    return absence


@transaction.atomic
def change_absence(absence_id: UUID, data: AbsenceData, *, actor: Actor, now: datetime) -> Absence:
    """Say anew when and why somebody is away.

    Raises AbsenceNotFound, UserNotFound, HoursNotYours, InvalidAbsence.
    """
    absence = _lock_absence(absence_id, actor=actor)
    before = _days_of(absence)
    _fill(absence, data)
    absence.save()
    after = _days_of(absence)
    _record("absence.changed", absence, actor=actor, now=now, before=before, after=after)
    return absence


@transaction.atomic
def delete_absence(absence_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Take an absence back: the hours of those days hold again.

    Raises AbsenceNotFound, UserNotFound, HoursNotYours.
    """
    absence = _lock_absence(absence_id, actor=actor)
    _record("absence.deleted", absence, actor=actor, now=now, before=_days_of(absence))
    absence.delete()


def _lock_absence(absence_id: UUID, *, actor: Actor) -> Absence:
    rows = Absence.objects.visible_to(actor).filter(pk=absence_id)
    user_id = rows.values_list("user_id", flat=True).first()
    if user_id is None:
        raise AbsenceNotFound
    lock_person(user_id, actor=actor)
    # Under the person's lock: somebody may have taken it back meanwhile.
    found = rows.first()
    if found is None:
        raise AbsenceNotFound
    return found


def _fill(absence: Absence, data: AbsenceData) -> None:
    first, last = data.first_day, data.last_day
    if not (_is_within_the_years(first) and _is_within_the_years(last)):
        raise InvalidAbsence(errors={"first_day": [_YEARS]})
    if last < first:
        raise InvalidAbsence(errors={"last_day": ["The last day is before the first one."]})
    if len(data.note) > limits.NOTES_LENGTH:
        words = f"A note has at most {limits.NOTES_LENGTH} characters."
        raise InvalidAbsence(errors={"note": [words]})
    others = Absence.objects.filter(user_id=absence.user_id).exclude(pk=absence.pk)
    # Pressed twice, it is meant once; other absences may overlap, as sick days in a vacation do.
    if others.filter(starts_on=first, ends_on=last, reason=data.reason).exists():
        raise InvalidAbsence(errors={"first_day": ["This absence is written down already."]})
    absence.starts_on, absence.ends_on = first, last
    absence.reason, absence.note = data.reason, data.note


_YEARS = f"A day lies in the years {limits.YEAR_MIN} to {limits.YEAR_MAX}."


def _is_within_the_years(day: date) -> bool:
    return limits.YEAR_MIN <= day.year <= limits.YEAR_MAX


def _days_of(absence: Absence) -> dict[str, str]:
    # Neither reason nor note: the history cannot forget, and health is nobody else's business.
    return {"firstDay": absence.starts_on.isoformat(), "lastDay": absence.ends_on.isoformat()}


def _record(type_: str, absence: Absence, *, actor: Actor, now: datetime, **facts: Any) -> None:
    record_next(
        type_,
        absence.pk,
        absence.organization_id,
        actor=actor,
        now=now,
        facts={"user": str(absence.user_id)},
        **facts,
    )


# --- Holidays ---------------------------------------------------------------------------------


@transaction.atomic
def add_holiday(day: date, name: str, *, actor: Actor, now: datetime) -> Holiday:
    """Close the house on a day, but for those who have hours of their own on it.

    Raises HoursNotYours, InvalidHoliday, HolidayTaken.
    """
    check_may_edit(actor)
    if actor.organization_id is None:
        raise InvalidHoliday(errors={"organization": ["A holiday belongs to an organisation."]})
    holiday = Holiday(organization_id=actor.organization_id)
    _write_holiday(holiday, day, name, is_new=True)
    _record_holiday("added", holiday, actor=actor, now=now, after=_facts_of(holiday))
    return holiday


@transaction.atomic
def change_holiday(
    holiday_id: UUID, day: date, name: str, *, actor: Actor, now: datetime
) -> Holiday:
    """Move a holiday, or name it anew.

    Raises HolidayNotFound, HoursNotYours, InvalidHoliday, HolidayTaken.
    """
    holiday = _lock_holiday(holiday_id, actor=actor)
    before = _facts_of(holiday)
    _write_holiday(holiday, day, name, is_new=False)
    after = _facts_of(holiday)
    if after != before:
        _record_holiday("changed", holiday, actor=actor, now=now, before=before, after=after)
    return holiday


@transaction.atomic
def delete_holiday(holiday_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Let everybody work on a day again.

    Raises HolidayNotFound, HoursNotYours.
    """
    holiday = _lock_holiday(holiday_id, actor=actor)
    _record_holiday("deleted", holiday, actor=actor, now=now, before=_facts_of(holiday))
    holiday.delete()


def _lock_holiday(holiday_id: UUID, *, actor: Actor) -> Holiday:
    rows = Holiday.objects.visible_to(actor).select_for_update()
    found = rows.filter(pk=holiday_id).first()
    if found is None:
        raise HolidayNotFound
    check_may_edit(actor)
    return found


def _write_holiday(holiday: Holiday, day: date, name: str, *, is_new: bool) -> None:
    name = name.strip()
    if not _is_within_the_years(day):
        raise InvalidHoliday(errors={"day": [_YEARS]})
    if not name or len(name) > limits.NAME_LENGTH:
        words = f"A name has 1 to {limits.NAME_LENGTH} characters."
        raise InvalidHoliday(errors={"name": [words]})
    holiday.day, holiday.name = day, name
    try:
        with transaction.atomic():
            holiday.save(force_insert=is_new)
    except IntegrityError as error:
        if constraint_of(error) == "holiday_once":
            raise HolidayTaken(errors={"day": [HolidayTaken.message]}) from None
        raise


def _facts_of(holiday: Holiday) -> dict[str, str]:
    return {"day": holiday.day.isoformat(), "name": holiday.name}


def _record_holiday(
    what: str, holiday: Holiday, *, actor: Actor, now: datetime, **facts: Any
) -> None:
    record_next(
        f"holiday.{what}", holiday.pk, holiday.organization_id, actor=actor, now=now, **facts
    )
