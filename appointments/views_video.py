"""The pages where people meet by video: the room itself, or the way to it; and a trial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from babel.dates import format_date, format_time
from csp.constants import NONE, SELF
from csp.decorators import csp_update
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.decorators import method_decorator

from appointments.video import meeting_place, trial_elsewhere
from appointments.views_participant import ParticipantPage
from appointments.visit import Phase

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

# Pictures and sound come as streams, which have no address; nothing is fetched from anywhere.
_POLICY = {
    "connect-src": [SELF],
    "media-src": [NONE],
    "worker-src": [NONE],
    "frame-src": [NONE],
}


@dataclass(frozen=True)
class _Moment:
    date: str
    time: str


@method_decorator(csp_update(_POLICY), name="dispatch")
class _PageWithCamera(ParticipantPage):
    """A page that may use camera, microphone and screen; no page in it could."""

    HEADERS: ClassVar[dict[str, str]] = {
        **ParticipantPage.HEADERS,
        "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), "
        "geolocation=(), payment=(), usb=()",
    }


class VideoPage(_PageWithCamera):
    """Where people meet by video, or the way there."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Show the room, lead to where it is instead, or say when it opens."""
        place = meeting_place(self.appointment, self.everyone, self.participant.pk, now=self.now)
        if place.elsewhere and self.has_video and self.visit.phase in (Phase.AHEAD, Phase.NOW):
            return HttpResponseRedirect(place.elsewhere)
        if place.is_open_here:
            return self.show(request, "participant_room")
        is_ahead = place.opens_at is not None and self.now < place.opens_at
        return self.show(
            request,
            "participant_video",
            has_video=self.has_video,
            room_phase="" if place.elsewhere else place.phase,
            opens=self._moment(place.opens_at) if place.opens_at and is_ahead else None,
        )

    def _moment(self, instant: datetime) -> _Moment:
        local, locale = instant.astimezone(self.zone), self.visit.words_locale
        return _Moment(
            date=format_date(local, "full", locale=locale),
            time=format_time(local, "short", locale=locale),
        )


class VideoTestPage(_PageWithCamera):
    """Where camera and sound can be tried out."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Lead there, or let it be tried here."""
        if self.has_video and (place := trial_elsewhere(self.appointment, self.participant.pk)):
            return HttpResponseRedirect(place)
        return self.show(request, "participant_video_test", has_video=self.has_video)
