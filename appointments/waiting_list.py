"""Requests and invites as the API lists them: whole bookings, in a bounded number of queries."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Prefetch

from appointments.booking_webhook import TOLD_ANSWERS
from appointments.models import Answer, Participant, RequestStatus
from appointments.services import Case
from appointments.waiting import waiting_for
from config.kernel.actors import Actor
from config.kernel.pagination import PageRequest
from notifications.history import Rows

# The names of the API and the columns they mean.
SORT_FIELDS = {"waitsSince": "waitsSince"}
_ENTRIES = ("subject__group", "office", "listing", "lead_segment")


def list_waiting(
    page: PageRequest, *, status: RequestStatus | None, actor: Actor, now: datetime
) -> Rows[Case]:
    """Give one page of what waits for somebody, the longest-waiting first unless told."""
    rows = waiting_for(actor)
    if status is not None:
        rows = rows.filter(request_status=status)
    order = ("-waits_since", "-id") if page.is_descending else ("waits_since", "id")
    people = Participant.objects.visible_to(actor).select_related("user", "customer")
    answers = Answer.objects.visible_to(actor).select_related("question").in_order()
    found = (
        rows.order_by(*order)
        .select_related("application__organization", *_ENTRIES)
        .prefetch_related(
            Prefetch("participants", queryset=people.order_by("id")),
            Prefetch("answers", queryset=answers, to_attr=TOLD_ANSWERS),
        )[page.offset : page.offset + page.size]
    )
    return Rows(
        rows=[
            Case(appointment=one, participants=list(one.participants.all()), actor=actor, now=now)
            for one in found
        ],
        total=rows.count(),
    )
