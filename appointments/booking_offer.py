"""What the booking pages offer: subjects, ways to meet, and times, in the customer's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.units import format_unit
from django.utils.translation import gettext

from agents.models import Application
from appointments.availability import Wanted
from appointments.forms import zone_label
from appointments.forms_commands import text_in
from appointments.models import MeetingType, Office, Subject
from appointments.visit import When
from config.kernel import limits
from config.kernel.ids import parse_uuid, uuid7
from notifications.models import Channel
from notifications.services.direct import Words, by_carrier

if TYPE_CHECKING:
    from uuid import UUID

    from appointments.models.catalogue import SubjectQuerySet

# More than anybody chooses from on a page.
_SUBJECTS_AT_MOST = 200
_OFFICES_AT_MOST = 50
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class OfferedSubject:
    """A subject in the customer's language."""

    id: UUID
    name: str
    description: str
    length: str
    needs_acceptance: bool


@dataclass(frozen=True, kw_only=True)
class OfferedGroup:
    """Subjects that belong together; the colour is #rrggbb or empty."""

    name: str
    color: str
    subjects: tuple[OfferedSubject, ...]


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """A way to meet."""

    type: MeetingType
    office: Office | None = None

    @property
    def choice(self) -> dict[str, str]:
        """Give the parameters of an address that choose it."""
        at = {"officeId": str(self.office.pk)} if self.office else {}
        return {"meetingType": self.type.value, **at}

    @property
    def arrangement(self) -> dict[str, str]:
        """Give it as a booking says it."""
        at = {"office": str(self.office.pk)} if self.office else {}
        return {"meeting_type": self.type.value, **at}

    def label(self, language: str) -> str:
        """Give it in a customer's words."""
        match self.type:
            case MeetingType.VIDEO:
                return gettext("By video")
            case MeetingType.PHONE:
                return gettext("By phone")
            case _ if self.office is not None:
                name = text_in(self.office.name, language)
                return gettext("At the office: %(office)s") % {"office": name}
            case _:
                return gettext("At the office")


# --- Who offers -------------------------------------------------------------------------------


def find_bookable_application(text: str) -> Application | None:
    """Give the application with which customers may book; whatever it is not looks the same."""
    key = parse_uuid(text)
    rows = Application.objects.filter(organization__is_active=True, customers_may_book=True)
    return rows.select_related("organization").filter(pk=key).first() if key else None


def takes_sms(application: Application) -> bool:
    """Tell whether a code can reach a phone."""
    words = Words(
        id=uuid7(),
        organization_id=application.organization_id,
        application_id=application.pk,
        channel=Channel.SMS,
        address="",
        text="",
    )
    return None not in by_carrier([words])


# --- What -------------------------------------------------------------------------------------


def _subjects(application: Application) -> SubjectQuerySet:
    rows = Subject.objects.filter(organization_id=application.organization_id).bookable()
    # Free times are not looked for further.
    return rows.filter(duration__lte=limits.SLOT_LENGTH_MAX)


def find_offered_subject(application: Application, text: str) -> Subject | None:
    """Give a subject that customers may book; whatever it is not looks the same."""
    key = parse_uuid(text)
    rows = _subjects(application)
    return (
        rows.select_related("group", "questionnaire_form").filter(pk=key).first() if key else None
    )


def groups_offered(
    application: Application, *, language: str, locale: Locale
) -> list[OfferedGroup]:
    """Give what customers may book, by group and in order."""
    rows = (
        _subjects(application)
        .select_related("group")
        .order_by("group__order", "group__created_at", "group_id", "order", "created_at", "id")
    )
    by_group: dict[UUID, list[Subject]] = {}
    for one in rows[:_SUBJECTS_AT_MOST]:
        by_group.setdefault(one.group_id, []).append(one)
    return [
        OfferedGroup(
            name=text_in(subjects[0].group.name, language),
            color=subjects[0].group.color,
            subjects=tuple(offered(one, language=language, locale=locale) for one in subjects),
        )
        for subjects in by_group.values()
    ]


def offered(subject: Subject, *, language: str, locale: Locale) -> OfferedSubject:
    """Give a subject as customers see it."""
    return OfferedSubject(
        id=subject.pk,
        name=text_in(subject.name, language),
        description=text_in(subject.description, language),
        length=length_in_words(subject.duration, locale),
        needs_acceptance=subject.needs_acceptance,
    )


# --- How and when -----------------------------------------------------------------------------


def meetings_offered(application: Application) -> list[Meeting]:
    """Give the ways to meet: video and phone always, and every office that people can go to."""
    offices = Office.objects.filter(
        organization_id=application.organization_id, is_active=True, is_virtual=False
    ).order_by("created_at", "id")[:_OFFICES_AT_MOST]
    return [
        Meeting(type=MeetingType.VIDEO),
        Meeting(type=MeetingType.PHONE),
        *(Meeting(type=MeetingType.OFFICE, office=one) for one in offices),
    ]


def chosen_meeting(meetings: Sequence[Meeting], *, type: str, office_id: str) -> Meeting:
    """Give the way to meet that an address names, else the first of its type, else the first."""
    of_type = [one for one in meetings if one.type.value == type]
    exact = (one for one in of_type if one.office and str(one.office.pk) == office_id.lower())
    return next(exact, next(iter(of_type), meetings[0]))


def wanted_of(
    application: Application, subject: Subject, meeting: Meeting, *, zone: ZoneInfo, start: datetime
) -> Wanted:
    """Give what a free time is looked for, beginning with one start."""
    return Wanted(
        application=application,
        first=start,
        last=start + subject.duration,
        duration=subject.duration,
        zone=zone,
        office=meeting.office,
    )


def length_in_words(length: timedelta, locale: Locale) -> str:
    """Give a length in words: 45 minutes, 1 hour 30 minutes."""
    hours, rest = divmod(length, _HOUR)
    minutes = -(-rest // timedelta(minutes=1))
    parts = [(hours, "duration-hour"), (minutes, "duration-minute")]
    return " ".join(
        format_unit(number, unit, length="long", locale=locale) for number, unit in parts if number
    )


def time_in_words(start: datetime, length: timedelta, *, zone: ZoneInfo, locale: Locale) -> When:
    """Give a time in words, on the clock of a zone."""
    first, last = start.astimezone(zone), (start + length).astimezone(zone)
    begin, finish = (format_time(one, "short", locale=locale) for one in (first, last))
    if last.date() != first.date():
        finish = f"{format_date(last, 'medium', locale=locale)}, {finish}"
    return When(
        date=format_date(first, "full", locale=locale),
        start=begin,
        time=f"{begin} – {finish}",
        zone=zone_label(zone, start),
    )
