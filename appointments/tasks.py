"""What beat asks for."""

from celery import shared_task
from django.utils import timezone

from appointments import proving, services
from appointments.services import meeting


@shared_task(name="appointments.finish_due_appointments")
def finish_due_appointments() -> None:
    services.finish_due_appointments(now=timezone.now())


@shared_task(name="appointments.erase_expired_details")
def erase_expired_details() -> None:
    services.erase_expired_details(now=timezone.now())


@shared_task(name="appointments.compact_totals")
def compact_totals() -> None:
    services.compact_totals()


@shared_task(name="appointments.prove_notifications")
def prove_notifications() -> None:
    proving.prove_lately(now=timezone.now())


@shared_task(name="appointments.note_who_vanished")
def note_who_vanished() -> None:
    meeting.note_all_who_vanished(now=timezone.now())
