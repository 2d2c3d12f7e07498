"""Reminders: claimed, rendered, sent over SMTP and settled, by one worker process.

Beside it, in the same run, what the parts cost alone: a kept `smtplib` connection that sends
finished mails, and Django's own `send()`.
"""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from email.policy import default as policy
from statistics import median

from django.core.mail import EmailMultiAlternatives, get_connection
from django.test import override_settings
from django.utils import timezone

from agents.models import Application
from notifications.models import Channel, Notification
from notifications.services import dispatch, queue
from notifications.transports.email import smtp
from tests.bench.sink import sink
from tests.notifications.ledger import make_application, make_notifications


@dataclass
class _Work:
    """One of the things measured: what a round does, and what the rounds took."""

    name: str
    run: Callable[[int], object]
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def go(self, count: int) -> None:
        begin, cpu = time.perf_counter(), time.process_time()
        self.run(count)
        self.rates.append(count / (time.perf_counter() - begin))
        self.cpu.append((time.process_time() - cpu) / count * 1000)


def measure(count: int = 10_000, *, rounds: int = 5) -> dict[str, float]:
    """Send `count` due reminders in rounds; give the medians of rates and of CPU time for each.

    Each round also does the two it stands beside. The rows are made in the database of the
    settings, and removed again.
    """
    application = make_application("Bench")
    try:
        with (
            sink() as port,
            override_settings(
                EMAIL_HOST="127.0.0.1",
                EMAIL_PORT=port,
                EMAIL_USE_TLS=False,
                EMAIL_USE_SSL=False,
                EMAIL_HOST_USER="",
            ),
        ):
            mail = _one_mail(application)
            works = [
                _Work("reminders", lambda _: _sweep()),
                _Work("kept_smtplib", lambda count: _smtplib(port, mail, count)),
                # A fifth is enough of it: it is slow.
                _Work("django_send", lambda count: _django(mail, count // 5)),
            ]
            for number in range(rounds + 1):
                make_notifications(
                    application, count=count // rounds, due_at=timezone.now() - timedelta(seconds=1)
                )
                for work in works:
                    work.go(count // rounds)
                if not number:
                    # Templates, plans and connections are warm in a worker that runs.
                    for work in works:
                        work.rates.clear()
                        work.cpu.clear()
    finally:
        smtp.hang_up()
        Notification.objects.filter(organization_id=application.organization_id).delete()
    works[2].rates = [rate / 5 for rate in works[2].rates]
    works[2].cpu = [cpu * 5 for cpu in works[2].cpu]
    return {
        **{f"{work.name}_per_second": median(work.rates) for work in works},
        **{f"{work.name}_cpu_ms": median(work.cpu) for work in works},
        "reminders_to_kept_smtplib": median(
            ours / theirs for ours, theirs in zip(works[0].rates, works[1].rates, strict=True)
        ),
    }


def _sweep() -> None:
    while dispatch.send_due(Channel.EMAIL):
        pass


def _one_mail(application: Application) -> bytes:
    make_notifications(application, count=1)
    [claim] = queue.claim_due(Channel.EMAIL, limit=1).claims
    with smtp.session([application.id]) as session:
        return session.build(claim.to_message()).data


def _smtplib(port: int, mail: bytes, count: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="localhost") as server:
        for _ in range(count):
            server.sendmail("frontdesk@localhost", ["ada@example.com"], mail)


def _django(template: bytes, count: int) -> None:
    """Send the same content as Django does it, with one connection kept, but without rendering."""
    parsed = message_from_bytes(template, policy=policy)
    text, html, calendar = (
        part.get_content()
        for kind in ("text/plain", "text/html", "text/calendar")
        for part in [next(each for each in parsed.walk() if each.get_content_type() == kind)]
    )
    with get_connection("django.core.mail.backends.smtp.EmailBackend") as kept:
        for number in range(count):
            mail = EmailMultiAlternatives(
                "Reminder", text, to=[f"ada{number}@example.com"], connection=kept
            )
            mail.attach_alternative(html, "text/html")
            mail.attach_alternative(calendar, "text/calendar")
            mail.send()
