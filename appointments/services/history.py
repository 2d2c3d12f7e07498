"""What was told of an appointment, as far as the caller is concerned."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction

from appointments.models import Participant, ParticipantType
from appointments.services.case import fetch_case, open_case
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
    case = fetch_case(appointment_id, actor=actor, now=now)
    if not _is_concerned(actor, case.participants):
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
    case = fetch_case(appointment_id, actor=actor, now=now)
    if not _is_concerned(actor, case.participants):
        return history.Rows(rows=[], total=0)
    return history.events_of(appointment_id, wanted, page, actor=actor)


def retry_notification(
    appointment_id: UUID, notification_id: UUID, *, actor: Actor, now: datetime
) -> Notification:
    """Have a notification of an appointment sent again now.

    Raises AppointmentNotFound, NotificationNotFound, NotificationNotRetriable,
    NotificationTooLate, NotificationErased, SubscriptionEnded.
    """
    command = partial(
        by_hand.retry_notification,
        notification_id,
        subject_id=appointment_id,
        actor=actor,
        now=now,
    )
    return _by_hand(command, "notification.retried", appointment_id, actor=actor, now=now)


def cancel_notification(
    appointment_id: UUID, notification_id: UUID, *, actor: Actor, now: datetime
) -> Notification:
    """Keep a notification of an appointment from being sent.

    Raises AppointmentNotFound, NotificationNotFound, NotificationNotCancellable.
    """
    command = partial(
        by_hand.cancel_notification, notification_id, subject_id=appointment_id, actor=actor
    )
    return _by_hand(command, "notification.cancelled", appointment_id, actor=actor, now=now)


@transaction.atomic
def _by_hand(
    command: Callable[[], Notification],
    event: str,
    appointment_id: UUID,
    *,
    actor: Actor,
    now: datetime,
) -> Notification:
    case = open_case(appointment_id, actor=actor, now=now)
    if not may_act_by_hand(actor, case.participants):
        raise NotificationNotFound
    notification = command()
    case.record(
        event,
        notificationId=str(notification.id),
        notificationType=notification.type,
        channel=notification.channel,
    )
    case.save()
    return notification


def may_act_by_hand(actor: Actor, participants: Iterable[Participant]) -> bool:
    """Tell whether somebody may retry and cancel what is told of an appointment."""
    # Administrators look after the whole organisation in the back office.
    return actor.has(Role.ADMIN) or _is_concerned(actor, participants)


def _is_concerned(actor: Actor, participants: Iterable[Participant]) -> bool:
    return actor.is_supervisor or any(
        one.type == ParticipantType.AGENT and one.wire_id == actor.id for one in participants
    )
