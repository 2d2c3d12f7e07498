"""What was told of an appointment, as far as the caller is concerned."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from appointments.services.case import Case, fetch_case
from config.kernel.actors import Actor
from config.kernel.pagination import PageRequest
from notifications import history
from notifications.models import Notification


def read_notifications(
    appointment_id: UUID,
    wanted: history.HistoryFilter,
    page: PageRequest,
    *,
    actor: Actor,
    now: datetime,
) -> history.Rows[Notification]:
    """Give one page of the notifications of an appointment.

    An agent to whom it is not assigned gets an empty page. Raises AppointmentNotFound.
    """
    if not _is_concerned(fetch_case(appointment_id, actor=actor, now=now)):
        return history.Rows(rows=[], total=0)
    return history.notifications_of(appointment_id, wanted, page, actor=actor)


def read_notification_events(
    appointment_id: UUID,
    wanted: history.HistoryFilter,
    page: PageRequest,
    *,
    actor: Actor,
    now: datetime,
) -> history.Rows[history.Step]:
    """Give one page of the steps in which the notifications of an appointment were delivered.

    An agent to whom it is not assigned gets an empty page. Raises AppointmentNotFound.
    """
    if not _is_concerned(fetch_case(appointment_id, actor=actor, now=now)):
        return history.Rows(rows=[], total=0)
    return history.events_of(appointment_id, wanted, page, actor=actor)


def _is_concerned(case: Case) -> bool:
    return case.actor.is_supervisor or any(agent.wire_id == case.actor.id for agent in case.agents)
