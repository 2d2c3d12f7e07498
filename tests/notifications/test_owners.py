"""Owners of webhook subscriptions: told of each pause once, whoever else cannot be told."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction
from django.utils import timezone

from notifications.models import Subscription
from notifications.services import owners
from tests.notifications.hooks import make_hook
from tests.notifications.ledger import make_application

if TYPE_CHECKING:
    from agents.models import Application
    from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db


def make_paused(application: Application, contact: str) -> Subscription:
    now = timezone.now()
    return make_hook(
        application,
        contact=contact,
        paused_at=now,
        failing_since=now - timedelta(days=1),
        last_sequence=7,
    )


def test_an_owner_who_cannot_be_told_keeps_nobody_else_from_it(mailbox: Mailbox) -> None:
    application = make_application()
    _, somebody = (
        make_paused(application, f"{name}@example.org") for name in ("nobody", "somebody")
    )
    mailbox.refused["nobody@example.org"] = "550 No such user"

    for _ in range(3):
        owners.tell_owners()

    assert len(mailbox.to("somebody@example.org")) == 1
    somebody.refresh_from_db()
    assert somebody.owner_told_at is not None


def test_an_owner_who_could_not_be_told_is_tried_again_later(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_paused(make_application(), "ops@example.org")
    mailbox.replies.append("451 Later")

    assert (owners.tell_owners(), owners.tell_owners()) == (0, 0)
    monkeypatch.setattr(owners, "_again_at", {})

    assert owners.tell_owners() == 1
    assert len(mailbox.to("ops@example.org")) == 1


@pytest.mark.django_db(transaction=True)
def test_while_the_mail_server_thinks_the_subscription_is_nobodys(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = make_paused(make_application(), "ops@example.org")
    mail, came_back = owners._mail, []

    def come_back_meanwhile(subscription: Subscription) -> object:
        def come_back() -> None:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '1s'")
                came_back.append(Subscription.objects.filter(pk=hook.pk).update(paused_at=None))
            connection.close()

        thread = threading.Thread(target=come_back)
        thread.start()
        thread.join()
        return mail(subscription)

    monkeypatch.setattr(owners, "_mail", come_back_meanwhile)

    owners.tell_owners()

    hook.refresh_from_db()
    assert (came_back, hook.paused_at, hook.owner_told_at) == ([1], None, None)
