"""What was told of an appointment, as far as the caller is concerned."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.db import transaction

from appointments.services.case import Case, fetch_case, open_case
from config.kernel.actors import Actor, Role
from config.kernel.pagination import PageRequest
from notifications import history
from notifications.errors import NotificationNotFound
from notifications.models import Notification
from notifications.services import by_hand


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


def retry_notification(
    appointment_id: UUID, notification_id: UUID, *, actor: Actor, now: datetime
) -> Notification:
    """Have a notification of an appointment sent again now.

    Raises AppointmentNotFound, NotificationNotFound, NotificationNotRetriable,
    NotificationTooLate, NotificationErased, SubscriptionEnded.
    """
    return _by_hand(
        by_hand.retry_notification,
        "notification.retried",
        appointment_id,
        notification_id,
        actor=actor,
        now=now,
    )


def cancel_notification(
    appointment_id: UUID, notification_id: UUID, *, actor: Actor, now: datetime
) -> Notification:
    """Keep a notification of an appointment from being sent.

    Raises AppointmentNotFound, NotificationNotFound, NotificationNotCancellable.
    """
    return _by_hand(
        by_hand.cancel_notification,
        "notification.cancelled",
        appointment_id,
        notification_id,
        actor=actor,
        now=now,
    )


class _ByHand(Protocol):
    def __call__(
        self, notification_id: UUID, *, subject_id: UUID, actor: Actor, now: datetime
    ) -> Notification: ...


@transaction.atomic
def _by_hand(
    command: _ByHand,
    event: str,
    appointment_id: UUID,
    notification_id: UUID,
    *,
    actor: Actor,
    now: datetime,
) -> Notification:
    case = open_case(appointment_id, actor=actor, now=now)
    if not (_is_concerned(case) or actor.has(Role.ADMIN)):
        raise NotificationNotFound
    notification = command(notification_id, subject_id=appointment_id, actor=actor, now=now)
    case.record(
        event,
        notificationId=str(notification.id),
        notificationType=notification.type,
        channel=notification.channel,
    )
    case.save()
    return notification


def _is_concerned(case: Case) -> bool:
    return case.actor.is_supervisor or any(agent.wire_id == case.actor.id for agent in case.agents)
