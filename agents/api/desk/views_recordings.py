"""Recordings: finding them, and playing their files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import FileResponse

from agents.api.desk.addresses import ROOT
from agents.api.desk.base import LEADERS, DeskRequest, DeskView, Members, Operation, id_of
from agents.errors_desk import MemberInvalid
from agents.models import Recording, RecordingMedia
from agents.models.tenancy import Feature
from agents.services import recordings
from agents.services.recordings import Search
from config.kernel.time import format_instant, parse_instant

_FEATURE = Feature.SUPERVISOR_RECORDING


def path_of(recording: Recording) -> str:
    """Give where a recording is read."""
    return f"{ROOT}/recordings/{recording.pk}"


def recording_json(recording: Recording) -> dict[str, Any]:
    """Give a recording with its files as desktops read it."""
    members: dict[str, Any] = {
        "id": str(recording.pk),
        "uri": path_of(recording),
        "callerPhoneNumber": recording.caller_number,
        "dialedPhoneNumber": recording.dialed_number,
        "startTime": format_instant(recording.started_at),
    }
    if recording.stopped_at is not None:
        members["stopTime"] = format_instant(recording.stopped_at)
    if recording.user_name:
        members["userName"] = recording.user_name
    files = sorted(recording.media.all(), key=lambda one: (one.started_at, one.name))
    members["mediaFiles"] = [_media_json(one) for one in files]
    return members


def _media_json(media: RecordingMedia) -> dict[str, str]:
    members = {
        "mediaUri": f"{ROOT}/recordings/{media.recording_id}/play/{media.name}",
        "mediaId": media.name,
        "type": media.content_type,
        "startTime": format_instant(media.started_at),
        "callUUID": media.call_uuid,
        "size": str(media.size),
    }
    if media.stopped_at is not None:
        length = media.stopped_at - media.started_at
        members["stopTime"] = format_instant(media.stopped_at)
        members["duration"] = str(round(length.total_seconds() * 1000))
    return members


def list_recordings(asked: DeskRequest) -> Members:
    """Give the recordings that match every filter, newest first."""
    found = recordings.find_recordings(
        Search(
            started_from=_moment(asked, "startTime"),
            started_before=_moment(asked, "endTime"),
            caller_number=asked.text("callerPhoneNumber"),
            dialed_number=asked.text("dialedPhoneNumber"),
            user_name=asked.text("userName"),
        ),
        offset=asked.number("offset") or 0,
        limit=asked.number("limit"),
        actor=asked.actor,
    )
    if asked.fields is None:
        return {"uris": [path_of(one) for one in found]}
    return {"recordings": [asked.chosen(recording_json(one)) for one in found]}


def _moment(asked: DeskRequest, name: str) -> datetime | None:
    """Give a time of the query: ISO 8601, or milliseconds since 1970. Raises MemberInvalid."""
    text = asked.text(name)
    if text is None:
        return None
    try:
        if text.isascii() and text.isdigit():
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        # In a query a plus sign that is not escaped is read as a blank.
        return parse_instant(text.replace(" ", "+"))
    except (ValueError, OverflowError, OSError):
        why = "it is a date-time of ISO 8601, or milliseconds since 1970"
        raise MemberInvalid(name=name, why=why) from None


def read_recording(asked: DeskRequest, recording_id: str) -> Members:
    """Give one recording. Raises RecordingNotFound."""
    found = recordings.recording_seen_by(asked.actor, id_of(recording_id, what="recording"))
    return {"recording": recording_json(found)}


def play(asked: DeskRequest, recording_id: str, name: str) -> FileResponse:
    """Give a file of a recording. Raises RecordingNotFound."""
    wanted = id_of(recording_id, what="recording")
    media, file = recordings.open_media(wanted, name, actor=asked.actor)
    return FileResponse(file, content_type=media.content_type, filename=media.name)


class RecordingsView(DeskView):
    get = Operation(list_recordings, LEADERS, feature=_FEATURE)


class RecordingView(DeskView):
    get = Operation(read_recording, LEADERS, feature=_FEATURE)


class RecordingMediaView(DeskView):
    get = Operation(play, LEADERS, feature=_FEATURE)
