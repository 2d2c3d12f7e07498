"""What beat and the workers start here."""

from celery import shared_task
from django.utils import timezone

from agents.services import code_sending, retention


@shared_task(name="agents.send_codes", ignore_result=True)
def send_codes() -> None:
    """Send the one-time passwords that wait."""
    code_sending.send_codes()


@shared_task(name="agents.forget_expired", ignore_result=True)
def forget_expired() -> None:
    """Forget what is kept no longer."""
    retention.forget_expired(now=timezone.now())
