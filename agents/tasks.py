"""What beat and the workers start here."""

from celery import shared_task
from django.utils import timezone

from agents.services import code_sending, desk_sessions, retention, waiting_calls


@shared_task(name="agents.send_codes", ignore_result=True)
def send_codes() -> None:
    """Send the one-time passwords that wait."""
    code_sending.send_codes()


@shared_task(name="agents.forget_expired", ignore_result=True)
def forget_expired() -> None:
    """Forget what is kept no longer."""
    retention.forget_expired(now=timezone.now())


@shared_task(name="agents.end_idle_desks", ignore_result=True)
def end_idle_desks() -> None:
    """Log out those whose desktops have disappeared."""
    desk_sessions.end_idle_sessions(now=timezone.now())


@shared_task(name="agents.move_waiting_calls", ignore_result=True)
def move_waiting_calls() -> None:
    """End what nobody answers or takes part in, and let calls ring where somebody is free."""
    waiting_calls.move_waiting_calls(now=timezone.now())
