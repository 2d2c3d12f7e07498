"""Commands about calendar feeds: made, revoked, and read by whoever has the address."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from agents.models import User
from agents.services import counters
from appointments.errors import (
    FeedNotFound,
    FeedNotYours,
    FeedOwnerNotFound,
    FeedUnknown,
    TooManyFeeds,
)
from appointments.feed_file import write_feed
from appointments.feed_stamp import stamp_of
from appointments.models import CalendarFeed, Office
from config.kernel import limits, secrets
from config.kernel.actors import Actor, Role
from notifications import outbox

PURPOSE = "calendar feed"
# 160 bits: nobody has to read it out, and nobody guesses it.
_SECRET_LENGTH = 32
_NOTED_EVERY = timedelta(hours=1)


@transaction.atomic
def create_feed(
    *,
    agent_id: UUID | None = None,
    office_id: UUID | None = None,
    shows_customers: bool,
    actor: Actor,
    now: datetime,
) -> CalendarFeed:
    """Make an address at which the calendar of an agent, or of an office, can be read.

    Raises FeedNotYours, FeedOwnerNotFound, TooManyFeeds.
    """
    if not may_make_all(actor) and (office_id is not None or str(agent_id) != actor.id):
        raise FeedNotYours
    owner = _lock_owner(agent_id, office_id, actor=actor)
    whose = {
        "organization_id": owner.organization_id,
        "agent_id": agent_id,
        "office_id": office_id,
    }
    # Under the lock: two at once cannot both be the last.
    if CalendarFeed.objects.live().filter(**whose).count() >= limits.CALENDAR_FEEDS:
        raise TooManyFeeds(most=limits.CALENDAR_FEEDS)
    secret = secrets.new_ticket(_SECRET_LENGTH)
    feed = CalendarFeed.objects.create(
        **whose,
        fingerprint=secrets.fingerprint(secret, purpose=PURPOSE),
        sealed=secrets.seal(secret, purpose=PURPOSE),
        shows_customers=shows_customers,
        created_at=now,
        created_by_kind=actor.kind,
        created_by_id=actor.id,
    )
    _record("calendar_feed.created", feed, sequence=1, actor=actor, now=now)
    return feed


def may_make_all(actor: Actor) -> bool:
    """Tell whether somebody may make feeds of others and of offices too."""
    return actor.has(Role.SUPERVISOR, Role.ADMIN)


def _lock_owner(agent_id: UUID | None, office_id: UUID | None, *, actor: Actor) -> User | Office:
    found: User | Office | None = None
    if agent_id is not None and office_id is None:
        agents = User.objects.select_for_update().visible_to(actor)
        found = agents.filter(pk=agent_id, is_active=True).first()
    elif office_id is not None and agent_id is None:
        offices = Office.objects.select_for_update().visible_to(actor)
        found = offices.filter(pk=office_id).first()
    if found is None:
        raise FeedOwnerNotFound
    return found


@transaction.atomic
def revoke_feed(feed_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Shut the address at once; whoever subscribes to it gets nothing any more.

    Raises FeedNotFound.
    """
    feed = (
        CalendarFeed.objects.visible_to(actor)
        .concerning(actor)
        .select_for_update()
        .filter(pk=feed_id)
        .first()
    )
    if feed is None:
        raise FeedNotFound
    if feed.revoked_at is not None:
        return
    feed.revoked_at = now
    feed.save(update_fields=["revoked_at"])
    _record("calendar_feed.revoked", feed, sequence=2, actor=actor, now=now)


def _record(type_: str, feed: CalendarFeed, *, sequence: int, actor: Actor, now: datetime) -> None:
    outbox.record(
        type_,
        organization_id=feed.organization_id,
        application_id=None,
        subject_type="calendar_feed",
        subject_id=feed.id,
        sequence=sequence,
        actor=actor,
        now=now,
        facts={
            "agent": str(feed.agent_id) if feed.agent_id else None,
            "office": str(feed.office_id) if feed.office_id else None,
            "showsCustomers": feed.shows_customers,
        },
    )


def feed_url(feed: CalendarFeed) -> str | None:
    """Give the address of a feed; None when the key is gone with which it was sealed."""
    try:
        secret = secrets.unseal(feed.sealed, purpose=PURPOSE)
    except secrets.SealBroken:
        return None
    return f"{settings.PUBLIC_URL}{reverse('calendar-feed', args=[secret])}"


def find_feed(secret: str, *, address: str, now: datetime) -> CalendarFeed:
    """Give the feed behind a secret; unknown and revoked ones look the same.

    Raises FeedUnknown, TooManyAttempts.
    """
    failures = (
        (counters.CALENDARS_PER_ADDRESS, counters.network_of(address)),
        (counters.CALENDARS_IN_ALL, ""),
    )
    counters.check(*failures, now=now)
    feed = (
        CalendarFeed.objects.filter(fingerprint__in=secrets.fingerprints(secret, purpose=PURPOSE))
        .select_related("organization", "agent", "office")
        .first()
    )
    if feed is None:
        counters.take(*failures, now=now)
        raise FeedUnknown
    # A calendar asks for years after the address was revoked, from where many others ask too:
    # that is nobody who guesses.
    if not _is_open(feed):
        raise FeedUnknown
    return feed


def _is_open(feed: CalendarFeed) -> bool:
    works_here = feed.agent is None or feed.agent.is_active
    return feed.revoked_at is None and feed.organization.is_active and works_here


@dataclass(frozen=True, kw_only=True)
class FeedReading:
    """Which file it is now, and since when; the file itself where it had to be written."""

    digest: bytes
    changed_at: datetime
    is_second_shared: bool
    content: bytes | None = field(default=None, repr=False)

    def is_unchanged_since(self, moment: int) -> bool:
        """Tell whether this is what was read at a moment, in seconds since 1970.

        Two versions of one second cannot be told apart by it (RFC 9110, 8.8.2.2).
        """
        return not self.is_second_shared and int(self.changed_at.timestamp()) <= moment


def look_at_feed(feed: CalendarFeed, *, now: datetime) -> FeedReading:
    """Say which file a feed has now; it is written only if what it is made of has changed."""
    stamp = stamp_of(feed, now=now)
    if feed.digest is None or bytes(feed.stamp or b"") != stamp:
        return _write(feed, stamp, now=now)
    _note_reading(feed, now=now)
    return _reading(feed, now=now)


def read_feed(feed: CalendarFeed, *, now: datetime) -> FeedReading:
    """Give the file of a feed as it now is.

    Its digest is that of the bytes themselves, so that it cannot overlook anything: a name, an
    absence, an appointment that is gone.
    """
    # Before the file: what changes between them is seen the next time.
    return _write(feed, stamp_of(feed, now=now), now=now)


def _write(feed: CalendarFeed, stamp: bytes, *, now: datetime) -> FeedReading:
    content = write_feed(feed, now=now)
    digest = hashlib.sha256(content).digest()
    if bytes(feed.digest or b"") != digest or bytes(feed.stamp or b"") != stamp:
        feed = _note_change(feed, digest, stamp, now=now)
    else:
        _note_reading(feed, now=now)
    return replace(_reading(feed, now=now), digest=digest, content=content)


def _reading(feed: CalendarFeed, *, now: datetime) -> FeedReading:
    return FeedReading(
        digest=bytes(feed.digest or b""),
        changed_at=feed.changed_at or now,
        is_second_shared=feed.is_second_shared,
    )


def _note_reading(feed: CalendarFeed, *, now: datetime) -> None:
    if feed.last_read_at is None or now - feed.last_read_at >= _NOTED_EVERY:
        CalendarFeed.objects.filter(pk=feed.pk).update(last_read_at=now)


@transaction.atomic
def _note_change(feed: CalendarFeed, digest: bytes, stamp: bytes, *, now: datetime) -> CalendarFeed:
    """Write down that the file is another one now than when it was read last."""
    # Of two readers at once the second sees what the first wrote.
    row = CalendarFeed.objects.select_for_update().get(pk=feed.pk)
    if bytes(row.digest or b"") != digest:
        before = row.changed_at
        # Clocks of two machines may differ: the date never goes back.
        row.changed_at = max(now, before) if before else now
        row.is_second_shared = before is not None and int(before.timestamp()) == int(
            row.changed_at.timestamp()
        )
        row.digest = digest
    row.stamp, row.last_read_at = stamp, now
    row.save(update_fields=["digest", "stamp", "changed_at", "is_second_shared", "last_read_at"])
    return row
