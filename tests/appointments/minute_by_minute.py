"""Free times found the slow way: every condition is asked of every minute, by the wall clock.

It shares no code with what it checks but the models, and does all sums in datetimes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from agents.models import Absence, Application, Holiday, User, UserSkill, WorkingDay, WorkingHours
from appointments.availability import Wanted
from appointments.models import Appointment, Office, OfficeDay, OfficeHours, Participant, State

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
Interval = tuple[datetime, datetime]


def free_minutes(wanted: Wanted, *, now: datetime) -> dict[datetime, set[str]]:
    """Give every start that is free, with the ids of those who could take it."""
    agents = [
        _Agent(user, wanted.application)
        for user in User.objects.filter(organization=wanted.application.organization)
        if user.is_active and "ROLE_AGENT" in user.roles
        if wanted.agent_ids is None or user.pk in wanted.agent_ids
    ]
    office = _Place(wanted.office) if wanted.office else None
    found: dict[datetime, set[str]] = {}
    for start in _minutes(wanted.first, wanted.last - wanted.duration):
        if _is_bookable(start, wanted, office, now):
            takers = {str(one.user.pk) for one in agents if one.can_take(start, wanted)}
            if takers:
                found[start] = takers
    return found


def _minutes(first: datetime, last: datetime) -> Iterator[datetime]:
    at = first.replace(second=0, microsecond=0)
    while at <= last:
        if at >= first:
            yield at
        at += MINUTE


def _is_bookable(start: datetime, wanted: Wanted, office: _Place | None, now: datetime) -> bool:
    application = wanted.application
    if start < now:
        return False
    if wanted.for_customer:
        local = start.astimezone(wanted.zone)
        if start < now + application.minimum_notice or start > now + application.booking_horizon:
            return False
        if local.minute % application.slot_step or local.second:
            return False
    return office is None or all(
        office.is_open(at) for at in _minutes(start, start + wanted.duration - MINUTE)
    )


@dataclass
class _Wall:
    """Hours by the wall clock."""

    zone: ZoneInfo

    def weekly(self) -> list[tuple[int, time, time]]:
        raise NotImplementedError

    def single(self) -> list[tuple[date, time | None, time | None]]:
        raise NotImplementedError

    @cached_property
    def _kept(
        self,
    ) -> tuple[list[tuple[int, time, time]], list[tuple[date, time | None, time | None]]]:
        return self.weekly(), self.single()

    @cached_property
    def _days(self) -> dict[date, list[Interval]]:
        return {}

    def covers(self, instant: datetime) -> bool:
        """Whether an instant lies within the hours of its day, or of one beside it."""
        today = instant.astimezone(self.zone).date()
        return any(
            begin <= instant < end
            for day in (today - DAY, today, today + DAY)
            for begin, end in self._on(day)
        )

    def _on(self, day: date) -> list[Interval]:
        if day not in self._days:
            weekly, single = self._kept
            own = [(begin, end) for on, begin, end in single if on == day]
            usual = [(begin, end) for on, begin, end in weekly if on == day.isoweekday()]
            self._days[day] = [
                self._instants(day, begin, end)
                for begin, end in (own or usual)
                if begin is not None and end is not None and self._exists(day)
            ]
        return self._days[day]

    def _exists(self, day: date) -> bool:
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=self.zone)
        return noon.astimezone(UTC).astimezone(self.zone).date() == day

    def _instants(self, day: date, begin: time, end: time) -> Interval:
        last = day + DAY if end == time(0) else day
        first = datetime.combine(day, begin).replace(tzinfo=self.zone)
        return (
            first.astimezone(UTC),
            datetime.combine(last, end).replace(tzinfo=self.zone).astimezone(UTC),
        )


class _Agent(_Wall):
    def __init__(self, user: User, application: Application) -> None:
        house = Application.objects.get(organization=application.organization, is_default=True)
        super().__init__(ZoneInfo(user.timezone or house.default_timezone))
        self.user = user
        self.holidays = {
            one.day for one in Holiday.objects.filter(organization=application.organization)
        }
        self.absences = list(Absence.objects.filter(user=user))
        self.taken = list(
            Participant.objects.filter(user=user, occupies__isnull=False).select_related(
                "appointment"
            )
        )
        self.given = [
            one.appointment
            for one in Participant.objects.filter(user=user).select_related("appointment")
            if one.role == "PRIMARY" and one.appointment.state != State.CANCELLED
        ]
        self.skills = set(UserSkill.objects.filter(user=user).values_list("skill_id", flat=True))
        self.keeps_hours = WorkingHours.objects.filter(
            organization=application.organization
        ).exists()

    def weekly(self) -> list[tuple[int, time, time]]:
        if not self.keeps_hours:
            return [(weekday, time(0), time(0)) for weekday in range(1, 8)]
        rows = WorkingHours.objects.filter(user=self.user)
        return list(rows.values_list("weekday", "starts_at", "ends_at"))

    def single(self) -> list[tuple[date, time | None, time | None]]:
        rows = WorkingDay.objects.filter(user=self.user)
        return list(rows.values_list("day", "starts_at", "ends_at"))

    def can_take(self, start: datetime, wanted: Wanted) -> bool:
        """Whether this agent could take an appointment that starts then."""
        user = self.user
        if wanted.for_customer and not user.plans_online:
            return False
        if not set(wanted.skill_ids) <= self.skills:
            return False
        if wanted.language and wanted.language not in (user.languages or [user.language]):
            return False
        end = start + wanted.duration
        if self._is_full(start, wanted) or self._is_busy(start, end, wanted):
            return False
        return all(self.is_at_work(at) for at in _minutes(start, end - MINUTE))

    def is_at_work(self, instant: datetime) -> bool:
        """Whether this agent works at an instant."""
        today = instant.astimezone(self.zone).date()
        is_away = any(one.starts_on <= today <= one.ends_on for one in self.absences)
        has_own = any(day == today for day, _, _ in self._kept[1])
        is_closed = today in self.holidays and not has_own
        return not is_away and not is_closed and self.covers(instant)

    def _is_full(self, start: datetime, wanted: Wanted) -> bool:
        if self.user.daily_maximum is None:
            return False
        today = start.astimezone(self.zone).date()
        days = [
            one.start.astimezone(self.zone).date()
            for one in self.given
            if one.start and one.pk != wanted.ignoring
        ]
        return days.count(today) >= self.user.daily_maximum

    def _is_busy(self, start: datetime, end: datetime, wanted: Wanted) -> bool:
        first, last = start - wanted.leading, end + wanted.trailing
        return any(
            first < _end_of(one.appointment) and _start_of(one.appointment) < last
            for one in self.taken
            if one.appointment_id != wanted.ignoring
        )


def _start_of(one: Appointment) -> datetime:
    assert one.start
    assert one.state not in (State.CANCELLED, State.COMPLETED)
    return one.start - one.leading_buffer


def _end_of(one: Appointment) -> datetime:
    assert one.end
    return one.end + one.trailing_buffer


class _Place(_Wall):
    def __init__(self, office: Office) -> None:
        super().__init__(ZoneInfo(office.timezone))
        self.office = office

    def weekly(self) -> list[tuple[int, time, time]]:
        rows = list(
            OfficeHours.objects.filter(office=self.office).values_list(
                "weekday", "starts_at", "ends_at"
            )
        )
        return rows or [(weekday, time(0), time(0)) for weekday in range(1, 8)]

    def single(self) -> list[tuple[date, time | None, time | None]]:
        rows = OfficeDay.objects.filter(office=self.office)
        return list(rows.values_list("day", "starts_at", "ends_at"))

    def is_open(self, instant: datetime) -> bool:
        """Whether the office is open at an instant."""
        return self.covers(instant)
