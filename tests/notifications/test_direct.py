"""Words that are no notification: who carries them, and that they leave no trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from config.kernel.ids import uuid7
from notifications.errors import CannotBuild
from notifications.models import Channel, Notification, NotificationEvent
from notifications.services import direct
from notifications.services.direct import Carrier, Words
from notifications.transports import Accepted, Outcome, Refused, Submitted, TryLater
from tests import make
from tests.notifications.sms import NUMBER

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries, Settings

    from agents.models import Application
    from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db

ADA = "ada@example.org"
BOTH_CHANNELS = (Channel.EMAIL, Channel.SMS)
BOTH = {
    "EMAIL": "notifications.transports.email.smtp",
    "SMS": "notifications.transports.sms.phone",
}


def words(application: Application, channel: Channel = Channel.EMAIL, **more: Any) -> Words:
    return Words(
        id=uuid7(),
        organization_id=application.organization_id,
        application_id=application.id,
        channel=channel,
        address=NUMBER if channel is Channel.SMS else ADA,
        text="See you at 10",
        **more,
    )


@pytest.fixture
def application(settings: Settings) -> Application:
    settings.NOTIFICATIONS_TRANSPORTS = BOTH
    return make.make_application()


def carrier(one: Words) -> Carrier | None:
    [found] = direct.by_carrier([one])
    return found


def test_a_mail_goes_by_the_installation_where_nothing_is_set(application: Application) -> None:
    assert carrier(words(application)) == Carrier(Channel.EMAIL, None)


@pytest.mark.parametrize("is_on", [True, False])
def test_an_sms_goes_where_somebody_has_switched_them_on(
    application: Application, *, is_on: bool
) -> None:
    make.make_channel(application, Channel.SMS)
    application.channel_settings.update(is_on=is_on)

    expected = Carrier(Channel.SMS, None) if is_on else None
    assert carrier(words(application, Channel.SMS)) == expected


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.SMS])
def test_an_application_has_its_own_provider_for_each_channel(
    application: Application, channel: Channel
) -> None:
    for each in BOTH_CHANNELS:
        make.make_channel(application, each, provider="own" if each is channel else "")

    carriers = set(direct.by_carrier([words(application, each) for each in BOTH_CHANNELS]))

    other = Channel.SMS if channel is Channel.EMAIL else Channel.EMAIL
    assert carriers == {Carrier(channel, application.id), Carrier(other, None)}


@pytest.mark.parametrize("many", [1, 3])
def test_who_carries_what_takes_one_query(
    application: Application, many: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ours = [words(make.make_application()) for _ in range(many)]

    with django_assert_num_queries(1):
        direct.by_carrier(ours)


def test_a_mail_says_what_it_was_given_and_leaves_no_trace(
    application: Application, mailbox: Mailbox
) -> None:
    make.make_channel(application, sender="Desk <desk@northwind.example>")
    [(found, [ready])] = direct.by_carrier([words(application, subject="Hello")]).items()
    assert found is not None

    with direct.opened(found, ready) as session:
        outcome = direct.hand_over(session, ready, now=timezone.now())

    assert isinstance(outcome, Accepted)
    [delivery] = mailbox.deliveries
    assert (delivery.sender, delivery.recipients) == ("desk@northwind.example", (ADA,))
    assert delivery.message["Subject"] == "Hello"
    assert delivery.message.get_content().strip() == "See you at 10"
    assert not Notification.objects.exists()
    assert not NotificationEvent.objects.exists()


def test_webhooks_are_told_nothing_in_this_way(application: Application) -> None:
    mail = words(application)

    with (
        direct.opened(Carrier(Channel.EMAIL, None), mail) as session,
        pytest.raises(CannotBuild),
    ):
        direct.hand_over(session, words(application, Channel.WEBHOOKS), now=timezone.now())


def test_nobody_reads_address_and_text_in_a_traceback(application: Application) -> None:
    shown = repr(words(application, Channel.SMS))

    assert NUMBER not in shown
    assert "See you" not in shown


@pytest.mark.parametrize(
    ("outcome", "is_unsent"),
    [
        (TryLater(reason="The provider cannot be reached.", is_away=True), True),
        (TryLater(reason="Busy.", provider_status="503", is_away=True), False),
        (TryLater(reason="The answer was lost."), False),
        (Refused(reason="No."), False),
        (Accepted(provider_status="", message_id=""), False),
        (Submitted(provider_status="", message_id=""), False),
    ],
)
def test_only_who_cannot_be_reached_has_surely_got_nothing(
    outcome: Outcome, *, is_unsent: bool
) -> None:
    assert direct.is_unsent(outcome) is is_unsent
