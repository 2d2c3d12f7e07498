"""The calendar's operations: each reads, asks once, and answers with a file or an address."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpResponse
from django.utils import timezone
from django.utils.http import http_date, parse_etags, parse_http_date_safe, quote_etag
from rest_framework.request import Request

from agents.api.base import Roles, SurfaceViewSet
from appointments.api.cal.schema import documented
from appointments.calendar_links import find_open, google_url, office365_url, open_entry
from appointments.errors import AppointmentNotFound
from appointments.services.feeds import FeedReading, find_feed, look_at_feed, read_feed
from config.kernel.ids import parse_uuid
from config.kernel.throttling import client_address
from notifications.calendar import CalendarEntry, Method, calendar_file

_CALENDAR = "text/calendar; charset=utf-8"


def _entry(id: str, *, to_add: bool) -> CalendarEntry:
    """Give the entry of an appointment that has a time; one to be added is not cancelled.

    Raises AppointmentNotFound.
    """
    key = parse_uuid(id)
    appointment = find_open(key) if key else None
    entry = open_entry(appointment) if appointment else None
    if entry is None or (to_add and entry.method is Method.CANCEL):
        raise AppointmentNotFound
    return entry


def _leading_to(address: str) -> HttpResponse:
    return HttpResponse(status=302, headers={"Location": address})


class EventViewSet(SurfaceViewSet):
    """One appointment, for whoever knows its id: no person, no link, no notes."""

    surface = "api/v1"
    roles: ClassVar[Roles] = {"google": None, "ical": None, "office365": None}

    @documented("v1.cal.google")
    def google(self, _request: Request, id: str) -> HttpResponse:
        entry = _entry(id, to_add=True)
        return _leading_to(
            google_url(title=entry.summary, start=entry.start, end=entry.end, zone=entry.zone)
        )

    @documented("v1.cal.ical")
    def ical(self, _request: Request, id: str) -> HttpResponse:
        # A cancelled one too: in a calendar that has the entry, the file takes it away.
        return HttpResponse(
            calendar_file(_entry(id, to_add=False), in_utc=True),
            content_type=_CALENDAR,
            headers={"Content-Disposition": 'attachment; filename="appointment.ics"'},
        )

    @documented("frontdesk.cal.office365")
    def office365(self, _request: Request, id: str) -> HttpResponse:
        entry = _entry(id, to_add=True)
        return _leading_to(office365_url(title=entry.summary, start=entry.start, end=entry.end))


class FeedViewSet(SurfaceViewSet):
    """The calendar behind a secret address; what the caller has already is not sent again."""

    roles: ClassVar[Roles] = {"retrieve": None}

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Keep the address, which is a secret, from other sites and from search engines."""
        return {
            **super().default_response_headers,
            "Referrer-Policy": "no-referrer",
            "X-Robots-Tag": "noindex, nofollow",
        }

    @documented("frontdesk.cal.feed")
    def retrieve(self, request: Request, secret: str) -> HttpResponse:
        now = timezone.now()
        feed = find_feed(secret, address=client_address(request), now=now)
        # The caller may keep it, unlike any other answer, because it asks each time if it is new.
        self.headers["Cache-Control"] = "private, no-cache"
        reading = look_at_feed(feed, now=now)
        if _has_it(request, reading):
            return HttpResponse(status=304, headers=_headers_of(reading))
        if reading.content is None:
            reading = read_feed(feed, now=now)
        return HttpResponse(
            reading.content or b"", content_type=_CALENDAR, headers=_headers_of(reading)
        )


def _headers_of(reading: FeedReading) -> dict[str, str]:
    return {
        "ETag": quote_etag(reading.digest.hex()),
        "Last-Modified": http_date(reading.changed_at.timestamp()),
    }


def _has_it(request: Request, reading: FeedReading) -> bool:
    """Tell whether the caller has this very file; its ETag counts before its date (RFC 9110)."""
    etag = quote_etag(reading.digest.hex())
    if known := request.META.get("HTTP_IF_NONE_MATCH"):
        # A proxy that compresses makes the tag a weak one, which is as good here.
        return known.strip() == "*" or etag in {
            one.removeprefix("W/") for one in parse_etags(known)
        }
    since = parse_http_date_safe(request.META.get("HTTP_IF_MODIFIED_SINCE", ""))
    return since is not None and reading.is_unchanged_since(since)
