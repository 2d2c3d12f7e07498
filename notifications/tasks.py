"""What Celery can be asked: to look now, and the chores that beat reminds us of."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from notifications import worker
from notifications.models.kinds import Channel
from notifications.services import forgetting, purging, upkeep


@shared_task(name="notifications.send_due")
def send_due(channel: str) -> None:
    """Look what is due on a channel."""
    worker.look(Channel(channel))


@shared_task(name="notifications.make_partitions")
def make_partitions() -> None:
    """Make the partitions of the months to come."""
    upkeep.make_partitions(timezone.now())


@shared_task(name="notifications.erase_forgotten")
def erase_forgotten() -> None:
    """Erase the persons who are to be forgotten."""
    forgetting.erase_forgotten(now=timezone.now())


@shared_task(name="notifications.note_beat")
def note_beat() -> None:
    """Write down that beat is at work, and a worker with it."""
    upkeep.note_heartbeat("beat")


@shared_task(name="notifications.purge_history")
def purge_history() -> None:
    """Take away the history that has become old."""
    purging.purge(before=timezone.now() - settings.NOTIFICATIONS_HISTORY_KEPT)
