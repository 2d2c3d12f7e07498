"""What callers ask of free times, in the organisation of the application that they name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.db.models.functions import Lower

from agents.models import Application, Skill
from appointments.availability import Wanted
from appointments.errors import (
    ApplicationNotFound,
    EntryNotActive,
    SlotLengthMissing,
    SlotLengthNotWhole,
    SubjectUnknown,
)
from appointments.services.catalogue import find_office, find_subject
from config.kernel.actors import Actor, ActorKind, Role
from config.kernel.ids import parse_uuid
from config.kernel.time import parse_zone

_EMPLOYEES = (Role.AGENT, Role.SUPERVISOR, Role.ADMIN, Role.CLIENT_SERVICE)
_NOBODYS = UUID(int=0)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class SlotQuestion:
    """What a caller asks, as it was sent; ids are texts, and empty where nothing is asked."""

    application_id: str
    first: datetime
    last: datetime
    duration: timedelta | None = None
    zone: ZoneInfo | None = None
    subject_id: str = ""
    office_id: str = ""
    agent_ids: tuple[str, ...] = ()
    # By id or by name.
    skills: tuple[str, ...] = ()
    language: str = ""

    @property
    def is_about_one_start(self) -> bool:
        """Whether it asks why one time is not offered, and not for those that are."""
        return self.first == self.last


def works_here(actor: Actor | None) -> bool:
    """Tell whether somebody may learn who could take a time."""
    return actor is not None and actor.has(*_EMPLOYEES)


def wanted_of(question: SlotQuestion, *, actor: Actor | None) -> Wanted:
    """Give what a question looks for; who does not work here asks as a customer.

    Raises ApplicationNotFound, SubjectUnknown, OfficeUnknown, EntryNotActive, SlotLengthMissing,
    SlotLengthNotWhole.
    """
    application = _application(question.application_id, actor)
    asker = Actor(
        kind=ActorKind.CUSTOMER,
        id="",
        organization_id=application.organization_id,
        roles=frozenset(),
        origin="",
    )
    subject = find_subject(question.subject_id, actor=asker) if question.subject_id else None
    if subject is not None and not works_here(actor) and not subject.is_for_customers:
        raise SubjectUnknown(errors={"subjectId": [SubjectUnknown.message]})
    office = find_office(question.office_id, actor=asker) if question.office_id else None
    if office is not None and not office.is_active:
        raise EntryNotActive(errors={"officeId": [EntryNotActive.message]})
    length = question.duration or (subject.duration if subject else None)
    if length is None:
        raise SlotLengthMissing(errors={"duration": [SlotLengthMissing.message]})
    if length % _MINUTE:
        raise SlotLengthNotWhole(errors={"duration": [SlotLengthNotWhole.message]})
    wanted = Wanted(
        application=application,
        first=question.first,
        last=question.last,
        duration=length,
        zone=question.zone or parse_zone(application.default_timezone),
        office=office,
        skill_ids=_skills(question.skills, application),
        language=question.language,
    )
    if not question.agent_ids:
        return wanted
    # Who is unknown is never free.
    return replace(wanted, agent_ids=[parse_uuid(key) or _NOBODYS for key in question.agent_ids])


def _application(text: str, actor: Actor | None) -> Application:
    key = parse_uuid(text)
    rows = Application.objects.filter(organization__is_active=True)
    if works_here(actor) and actor is not None:
        rows = rows.visible_to(actor)
    else:
        rows = rows.filter(customers_may_book=True)
    found = rows.select_related("organization").filter(pk=key).first() if key else None
    if found is None:
        raise ApplicationNotFound
    return found


def _skills(texts: tuple[str, ...], application: Application) -> tuple[UUID, ...]:
    if not texts:
        return ()
    keys = {text: parse_uuid(text) for text in texts}
    rows = Skill.objects.filter(organization_id=application.organization_id)
    named = rows.annotate(lower=Lower("name")).filter(
        Q(pk__in=[key for key in keys.values() if key])
        | Q(lower__in=[one.lower() for one in texts])
    )
    known: dict[object, UUID] = {}
    for one in named:
        known |= {one.name.lower(): one.pk, one.pk: one.pk}
    return tuple(known.get(keys[text]) or known.get(text.lower()) or _NOBODYS for text in texts)
