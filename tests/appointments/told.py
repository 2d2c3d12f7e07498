"""An appointment whose people are told by a provider that answers as it is told."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from notifications.models import Channel, Notification, NotificationType, Status
from notifications.services import dispatch
from tests.appointments.scene import Scene

Item = dict[str, Any]


def listed(scene: Scene, who: Any = None, **query: Any) -> list[Item]:
    """Give the items of the first page of the notifications."""
    return page(scene, who, **query)["content"]  # type: ignore[no-any-return]  # JSON


def page(scene: Scene, who: Any = None, *, events: bool = False, **query: Any) -> Item:
    """Give a page of the notifications, or of their events, as somebody sees it."""
    path = f"{scene.path}/notifications{'/events' * events}"
    answer = scene.by(who or scene.supervisor).get(path, **query)
    assert answer.status_code == 200, answer.content
    return answer.json()  # type: ignore[no-any-return]  # JSON


def the(scene: Scene, type: str, channel: str = "EMAIL") -> Notification:
    """Give the only notification of this type and channel."""
    return Notification.objects.get(subject_id=scene.appointment.id, type=type, channel=channel)


def kinds(items: list[Item]) -> list[tuple[str, str]]:
    """Give type and channel of each item."""
    return [(item["type"], item["channel"]) for item in items]


def send(channel: Channel = Channel.EMAIL) -> None:
    """Send what is due, and what waits for a retry or a poll as if its time had come."""
    Notification.objects.filter(status=Status.PENDING, lease_until=None).update(
        due_at=timezone.now()
    )
    dispatch.send_due(channel)


def only_due(scene: Scene, type: NotificationType = NotificationType.CREATE) -> Notification:
    """Leave one notification of the scene to be sent."""
    one = the(scene, type)
    Notification.objects.exclude(pk=one.pk).delete()
    return one
