"""What was recorded of calls: storing it, finding it, and handing it out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any
from uuid import UUID

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, Lookup, QuerySet

from agents.errors_desk import InvalidRecording, RecordingNotFound, SearchTooWide
from agents.models import Recording, RecordingMedia
from agents.services.intervals import record_next
from config.kernel import limits
from config.kernel.actors import Actor
from config.kernel.ids import uuid7

FILTERS = ("startTime", "endTime", "callerPhoneNumber", "dialedPhoneNumber", "userName")

# It stands in addresses and paths.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
# Whatever a browser would run stays out.
_TYPE = re.compile(r"(audio|video)/[A-Za-z0-9.+-]{1,80}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class NewMedia:
    """A file that holds (a part of) what was said."""

    name: str
    content_type: str
    call_uuid: str
    started_at: datetime
    stopped_at: datetime | None = None
    file: IO[bytes] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Search:
    """Which recordings are wanted; None wants any."""

    started_from: datetime | None = None
    started_before: datetime | None = None
    # Letters and digits count, and `*` stands for any number of characters.
    caller_number: str | None = None
    dialed_number: str | None = None
    user_name: str | None = None


class _Like(Lookup):
    """SQL's LIKE, which takes its pattern as it is."""

    lookup_name = "like"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Give the comparison and its parameters."""
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} LIKE {right}", (*left_params, *right_params)


def find_recordings(
    search: Search, *, offset: int = 0, limit: int | None = None, actor: Actor
) -> QuerySet[Recording]:
    """Give the recordings that are wanted, newest first, with their files; a hundred at most.

    Raises SearchTooWide when any would do.
    """
    if search == Search():
        raise SearchTooWide(names=", ".join(FILTERS))
    rows = Recording.objects.visible_to(actor)
    if search.started_from is not None:
        rows = rows.filter(started_at__gte=search.started_from)
    if search.started_before is not None:
        rows = rows.filter(started_at__lt=search.started_before)
    if search.user_name is not None:
        rows = rows.filter(user_name=search.user_name.strip().lower())
    if search.caller_number is not None:
        rows = rows.filter(_Like(F("caller_key"), _pattern(search.caller_number)))
    if search.dialed_number is not None:
        rows = rows.filter(_Like(F("dialed_key"), _pattern(search.dialed_number)))
    most = limits.RECORDINGS_PAGE_MAX
    end = offset + (most if limit is None else min(limit, most))
    return _with_media(rows).order_by("-started_at", "-pk")[offset:end]


def recording_seen_by(actor: Actor, recording_id: UUID) -> Recording:
    """Give one recording with its files. Raises RecordingNotFound."""
    rows = Recording.objects.visible_to(actor).filter(pk=recording_id)
    found = _with_media(rows).first()
    if found is None:
        raise RecordingNotFound
    return found


def open_media(
    recording_id: UUID, name: str, *, actor: Actor
) -> tuple[RecordingMedia, File[bytes]]:
    """Give a file of a recording, opened. Raises RecordingNotFound."""
    rows = RecordingMedia.objects.visible_to(actor)
    media = rows.filter(recording_id=recording_id, name=name).first()
    if media is None:
        raise RecordingNotFound
    try:
        return media, default_storage.open(media.path)
    except FileNotFoundError:
        raise RecordingNotFound from None


def _with_media(rows: QuerySet[Recording]) -> QuerySet[Recording]:
    return rows.prefetch_related("media")


def store_recording(
    *,
    caller_number: str,
    dialed_number: str,
    user_name: str = "",
    started_at: datetime,
    stopped_at: datetime | None = None,
    media: Sequence[NewMedia],
    organization_id: UUID,
    actor: Actor,
    now: datetime,
) -> Recording:
    """Keep what a switch has recorded of a call.

    Raises InvalidRecording.
    """
    _check(media)
    recording = Recording(
        organization_id=organization_id,
        caller_number=caller_number,
        dialed_number=dialed_number,
        caller_key=_key(caller_number),
        dialed_key=_key(dialed_number),
        user_name=user_name.strip().lower(),
        started_at=started_at,
        stopped_at=stopped_at,
    )
    # Files are no part of a transaction: first they are there, then it is said that they are.
    rows = [_stored(one, recording) for one in media]
    try:
        with transaction.atomic():
            recording.save(force_insert=True)
            RecordingMedia.objects.bulk_create(rows)
            # Without numbers and names: the event is kept for longer than the recording.
            record_next("recording.stored", recording.pk, organization_id, actor=actor, now=now)
    except BaseException:
        for row in rows:
            default_storage.delete(row.path)
        raise
    return recording


def _check(media: Sequence[NewMedia]) -> None:
    names = [one.name for one in media]
    if len(set(names)) < len(names) or not all(_NAME.fullmatch(name) for name in names):
        words = "Each file has a name of its own, of letters, digits, dots and dashes."
        raise InvalidRecording(errors={"media": [words]})
    if not all(_TYPE.fullmatch(one.content_type) for one in media):
        raise InvalidRecording(errors={"media": ["The type of a file is audio/… or video/…."]})


def _stored(new: NewMedia, recording: Recording) -> RecordingMedia:
    folder = f"recordings/{recording.organization_id}/{recording.pk}"
    path = default_storage.save(f"{folder}/{uuid7()}", File(new.file))
    return RecordingMedia(
        organization_id=recording.organization_id,
        recording=recording,
        name=new.name,
        content_type=new.content_type,
        path=path,
        size=default_storage.size(path),
        call_uuid=new.call_uuid,
        started_at=new.started_at,
        stopped_at=new.stopped_at,
    )


def _key(number: str) -> str:
    return "".join(sign for sign in number if sign.isalnum())


def _pattern(number: str) -> str:
    """Give what LIKE takes: only letters, digits and wildcards are left, so nothing is escaped."""
    kept = "".join(sign for sign in number if sign.isalnum() or sign == "*")
    return re.sub(r"\*+", "%", kept)
