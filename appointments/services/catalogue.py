"""The catalogue: entries are made, replaced, deleted and found; each organisation has a default."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic

from django.db import IntegrityError, transaction

from appointments.errors import (
    EntryIsDefault,
    EntryNotFound,
    InvalidEntry,
    LeadSegmentUnknown,
    ListingUnknown,
    OfficeUnknown,
    SubjectUnknown,
)
from appointments.models import LeadSegment, Listing, Office, Subject
from appointments.services.catalogue_defaults import default_office, default_subject
from appointments.services.catalogue_kind import E, Kind
from appointments.services.catalogue_kinds import (
    FORMS,
    KINDS,
    LEAD_SEGMENTS,
    LISTINGS,
    OFFICES,
    SUBJECT_GROUPS,
    SUBJECTS,
)
from config.kernel.actors import Actor
from config.kernel.database import constraint_of
from config.kernel.errors import DomainError
from config.kernel.pagination import PageRequest
from notifications import outbox
from notifications.models import OutboxEvent

__all__ = [
    "FORMS",
    "KINDS",
    "LEAD_SEGMENTS",
    "LISTINGS",
    "OFFICES",
    "SUBJECTS",
    "SUBJECT_GROUPS",
    "Found",
    "Kind",
    "check_may_go",
    "create_entry",
    "default_office",
    "default_subject",
    "delete_entry",
    "find_lead_segment",
    "find_listing",
    "find_office",
    "find_subject",
    "list_entries",
    "read_entry",
    "replace_entry",
]

SUBJECT = "catalogue"


@dataclass(frozen=True)
class Found(Generic[E]):
    """One page of entries, and how many there are in all."""

    rows: list[E]
    total: int


# --- Commands ---------------------------------------------------------------------------------


@transaction.atomic
def create_entry(kind: Kind[E], values: Mapping[str, Any], *, actor: Actor, now: datetime) -> E:
    """Add an entry to the catalogue; what is left out of the values has its default.

    Raises InvalidEntry, CodeTaken.
    """
    organization_id = actor.organization_id
    if organization_id is None:
        raise InvalidEntry(errors={"organization": ["An entry belongs to an organisation."]})
    checked = kind.checked(values, organization_id=organization_id)
    entry = kind.model(organization_id=organization_id, created_at=now, updated_at=now)
    kind.fill(entry, checked)
    kind.number(entry)
    _write(kind, entry, is_new=True)
    kind.write_parts(entry, checked, now=now)
    _record("created", kind, entry, after=kind.facts(entry), actor=actor, now=now)
    return kind.with_parts(entry)


@transaction.atomic
def replace_entry(
    kind: Kind[E],
    entry_id: str,
    values: Mapping[str, Any],
    *,
    only: Collection[str] | None = None,
    actor: Actor,
    now: datetime,
) -> E:
    """Say anew what an entry is; one that is the same afterwards has not been updated.

    With `only`, what else it has stays as it is by then. Raises EntryNotFound, InvalidEntry,
    CodeTaken.
    """
    entry = _lock(kind, entry_id, actor=actor)
    if only is not None:
        meant = {name: value for name, value in values.items() if name in only}
        values = {**kind.values(entry), **meant}
    checked = kind.checked(values, organization_id=entry.organization_id)
    before, facts = kind.values(entry), kind.facts(entry)
    kind.fill(entry, checked)
    changed = [name for name, value in kind.values(entry).items() if value != before[name]]
    keeps_parts = only is not None and kind.parts not in only
    if not keeps_parts and kind.write_parts(entry, checked, now=now):
        changed.append(kind.parts)
    if changed:
        entry.updated_at = now
        _write(kind, entry, is_new=False)
        _record(
            "updated",
            kind,
            entry,
            before=facts,
            after=kind.facts(entry),
            changed=changed,
            actor=actor,
            now=now,
        )
    return kind.with_parts(entry)


@transaction.atomic
def delete_entry(kind: Kind[E], entry_id: str, *, actor: Actor, now: datetime) -> None:
    """Take an entry out of the catalogue; one that something else rests on stays.

    Raises EntryNotFound, EntryIsDefault, EntryInUse.
    """
    entry = _lock(kind, entry_id, actor=actor)
    check_may_go(kind, entry)
    _record("deleted", kind, entry, before=kind.facts(entry), actor=actor, now=now)
    kind.remove(entry, now=now)


def check_may_go(kind: Kind[E], entry: E) -> None:
    """Let an entry go on which nothing rests.

    Raises EntryIsDefault, EntryInUse.
    """
    if getattr(entry, "is_default", False):
        raise EntryIsDefault
    kind.check_unused(entry)


def _lock(kind: Kind[E], entry_id: str, *, actor: Actor) -> E:
    found = kind.find(kind.rows(actor).select_for_update(of=("self",)), entry_id)
    if found is None:
        raise EntryNotFound
    return found


def _write(kind: Kind[E], entry: E, *, is_new: bool) -> None:
    try:
        with transaction.atomic():
            entry.save(force_insert=is_new)
    except IntegrityError as error:
        refusal = kind.refusals.get(constraint_of(error))
        if refusal is None:
            raise
        raise refusal() from None


def _record(
    what: str,
    kind: Kind[E],
    entry: E,
    *,
    actor: Actor,
    now: datetime,
    changed: list[str] | None = None,
    **facts: Any,
) -> None:
    # The caller holds the row, or has just made it: nobody else writes its events meanwhile.
    sequence = OutboxEvent.objects.filter(subject_id=entry.pk).count() + 1
    outbox.record(
        f"catalogue.{what}",
        organization_id=entry.organization_id,
        application_id=None,
        subject_type=SUBJECT,
        subject_id=entry.pk,
        sequence=sequence,
        subject=entry,
        actor=actor,
        now=now,
        facts={"kind": kind.name} | ({"changed": changed} if changed else {}),
        **facts,
    )


# --- Questions --------------------------------------------------------------------------------


def read_entry(kind: Kind[E], entry_id: str, *, actor: Actor) -> E:
    """Give one entry.

    Raises EntryNotFound.
    """
    found = kind.find(kind.rows(actor), entry_id)
    if found is None:
        raise EntryNotFound
    return kind.with_parts(found)


def list_entries(
    kind: Kind[E], page: PageRequest, *, is_active: bool | None = None, actor: Actor
) -> Found[E]:
    """Give a page of entries: all, or those that are active, or those that are not."""
    rows = kind.rows(actor)
    if is_active is not None:
        rows = rows.filter(is_active=is_active)
    sign = "-" if page.is_descending else ""
    ordered = rows.order_by(sign + kind.sort_fields[page.sort_field], f"{sign}id")
    found = kind.with_all_parts(ordered)[page.offset : page.offset + page.size]
    return Found(rows=list(found), total=rows.count())


def find_subject(subject_id: str, *, actor: Actor) -> Subject:
    """Give the subject that a booking names.

    Raises SubjectUnknown.
    """
    return _named(SUBJECTS, subject_id, actor, SubjectUnknown, "subjectId")


def find_office(office_id: str, *, actor: Actor) -> Office:
    """Give the office that a booking names.

    Raises OfficeUnknown.
    """
    return _named(OFFICES, office_id, actor, OfficeUnknown, "officeId")


def find_listing(listing_id: str, *, actor: Actor) -> Listing:
    """Give the listing that a booking names.

    Raises ListingUnknown.
    """
    return _named(LISTINGS, listing_id, actor, ListingUnknown, "listingId")


def find_lead_segment(number: str, *, actor: Actor) -> LeadSegment:
    """Give the lead segment that a booking names by its number; a deleted one cannot be named.

    Raises LeadSegmentUnknown.
    """
    return _named(LEAD_SEGMENTS, number, actor, LeadSegmentUnknown, "leadSegmentId")


def _named(
    kind: Kind[E], entry_id: str, actor: Actor, refusal: type[DomainError], member: str
) -> E:
    found = kind.find(kind.rows(actor), entry_id)
    if found is None:
        raise refusal(errors={member: [refusal.message]})
    return found
