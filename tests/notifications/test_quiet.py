"""Quiet hours: when they are, what is planned in them, and what becomes due in them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.actors import Role
from notifications.models import Channel, ChannelSettings, Notification, NotificationEvent
from notifications.models.kinds import Status
from notifications.quiet import quiet_until
from notifications.services import Planner, dispatch
from notifications.transports import Submitted, TryLater
from tests.make import make_user
from tests.notifications import scripted
from tests.notifications.ledger import ScriptedTransport, make_application, make_notification
from tests.notifications.planned import make_recipient, make_topic, switch_on, tell

if TYPE_CHECKING:
    from pytest_django import Settings

    from agents.models import Application

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = {"quiet_from": time(22), "quiet_until": time(8)}


def at(text: str) -> datetime:
    """Give a moment of the clock in Berlin; `+` and an offset where it occurs twice."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=BERLIN)).astimezone(UTC)


def until(moment: str, begin: str, end: str, *, zone: ZoneInfo = BERLIN) -> datetime | None:
    return quiet_until(
        at(moment), zone=zone, begin=time.fromisoformat(begin), end=time.fromisoformat(end)
    )


# --- When they are ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "wanted"),
    [
        ("2027-03-10T21:59:59.999999", None),
        ("2027-03-10T22:00", "2027-03-11T08:00"),
        ("2027-03-10T23:59", "2027-03-11T08:00"),
        ("2027-03-11T00:00", "2027-03-11T08:00"),
        ("2027-03-11T07:59:59.999999", "2027-03-11T08:00"),
        ("2027-03-11T08:00", None),
        ("2027-03-11T12:00", None),
    ],
)
def test_they_go_over_midnight_and_exclude_their_end(moment: str, wanted: str | None) -> None:
    assert until(moment, "22:00", "08:00") == (at(wanted) if wanted else None)


@pytest.mark.parametrize(
    ("moment", "wanted"),
    [("11:59", None), ("12:00", "14:00"), ("13:59", "14:00"), ("14:00", None), ("23:00", None)],
)
def test_they_can_lie_within_a_day(moment: str, wanted: str | None) -> None:
    quiet = until(f"2027-03-10T{moment}", "12:00", "14:00")

    assert quiet == (at(f"2027-03-10T{wanted}") if wanted else None)


def test_hours_that_end_when_they_begin_are_none() -> None:
    assert until("2027-03-10T08:00", "08:00", "08:00") is None


def test_they_follow_the_clock_of_the_zone() -> None:
    auckland = ZoneInfo("Pacific/Auckland")

    # Ten in the morning in Berlin is ten in the evening there.
    assert until("2027-03-10T10:00", "22:00", "08:00", zone=auckland) == datetime(
        2027, 3, 10, 19, 0, tzinfo=UTC
    )


# On 28 March 2027 the clock goes from 2:00 to 3:00, on 31 October from 3:00 back to 2:00.
@pytest.mark.parametrize(
    ("moment", "begin", "end", "wanted"),
    [
        pytest.param(
            "2027-03-28T01:59", "22:00", "02:30", "2027-03-28T03:00", id="the end is skipped"
        ),
        pytest.param("2027-03-28T03:00", "22:00", "02:30", None, id="the skipped end is over"),
        pytest.param(
            "2027-03-28T03:00", "02:30", "06:00", "2027-03-28T06:00", id="the beginning is skipped"
        ),
        pytest.param("2027-03-28T01:59", "02:30", "06:00", None, id="before the skipped beginning"),
        pytest.param("2027-03-28T03:00", "02:10", "02:50", None, id="all of it is skipped"),
        pytest.param(
            "2027-10-31T02:15+02:00",
            "22:00",
            "02:30",
            "2027-10-31T02:30+01:00",
            id="the end comes twice",
        ),
        pytest.param(
            "2027-10-31T02:29+01:00",
            "22:00",
            "02:30",
            "2027-10-31T02:30+01:00",
            id="before the second end",
        ),
        pytest.param("2027-10-31T02:30+01:00", "22:00", "02:30", None, id="the second end is over"),
        pytest.param(
            "2027-10-31T02:30+02:00",
            "02:30",
            "06:00",
            "2027-10-31T06:00",
            id="the beginning comes twice",
        ),
        pytest.param(
            "2027-10-31T02:10+01:00",
            "02:30",
            "06:00",
            "2027-10-31T06:00",
            id="before the second beginning",
        ),
        pytest.param(
            "2027-10-31T02:29+02:00", "02:30", "06:00", None, id="before the first beginning"
        ),
    ],
)
def test_they_are_exact_when_the_clock_is_set(
    moment: str, begin: str, end: str, wanted: str | None
) -> None:
    assert until(moment, begin, end) == (at(wanted) if wanted else None)


@given(
    seconds=st.integers(0, 2 * 365 * 86_400),
    zone=st.sampled_from(
        ["Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu"]
    ),
    begin=st.times(),
    end=st.times(),
)
def test_when_they_are_over_nothing_is_quiet(
    seconds: int, zone: str, begin: time, end: time
) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)

    over = quiet_until(moment, zone=ZoneInfo(zone), begin=begin, end=end)

    if over is not None:
        assert moment < over <= moment + timedelta(hours=50)
        assert quiet_until(over, zone=ZoneInfo(zone), begin=begin, end=end) is None


# --- What is planned in them -----------------------------------------------------------------


@pytest.fixture
def application() -> Application:
    return make_application()


def sms() -> Notification:
    return Notification.objects.get(channel=Channel.SMS)


def steps_of(notification: Notification) -> list[tuple[str, str, int]]:
    return list(
        NotificationEvent.objects.filter(notification_id=notification.id)
        .order_by("at", "id")
        .values_list("status", "message", "retry_count")
    )


@pytest.mark.django_db
def test_what_would_be_due_in_them_is_planned_for_their_end(application: Application) -> None:
    switch_on(application, Channel.SMS, **NIGHT)
    switch_on(application, Channel.EMAIL)
    late = at("2027-03-20T23:10")

    tell(make_topic(application), make_recipient(), now=late)

    assert sms().due_at == at("2027-03-21T08:00")
    assert steps_of(sms()) == [("INITIALIZED", "Held back until 08:00: quiet hours.", 0)]
    assert Notification.objects.get(channel=Channel.EMAIL).due_at == late


@pytest.mark.django_db
def test_what_is_due_at_other_hours_is_planned_as_always(application: Application) -> None:
    switch_on(application, Channel.SMS, **NIGHT)
    noon = at("2027-03-20T12:00")

    tell(make_topic(application), make_recipient(), now=noon)

    assert sms().due_at == noon
    assert steps_of(sms()) == [("INITIALIZED", "", 0)]


@pytest.mark.django_db
@pytest.mark.rule("v2.notifications.list.r28")
def test_a_reminder_is_held_back_and_still_says_when_it_was_meant(application: Application) -> None:
    switch_on(application, Channel.SMS, reminder_offsets=["PT13H"], **NIGHT)
    # It begins at noon, after a night in which the clock is set.
    planner = Planner(make_topic(application), now=at("2027-03-20T12:00"))

    planner.remind([make_recipient()], cause="1", webhooks=False)
    planner.write()

    assert sms().scheduled_for == at("2027-03-27T22:00")
    assert sms().due_at == at("2027-03-28T08:00")


@pytest.mark.django_db
def test_what_would_come_too_late_after_them_is_cancelled_at_once(application: Application) -> None:
    switch_on(application, Channel.SMS, reminder_offsets=["PT1H"], **NIGHT)
    start = at("2027-03-22T07:30")
    topic = make_topic(application, start=start, end=start + timedelta(hours=1))
    planner = Planner(topic, now=at("2027-03-20T12:00"))

    planner.remind([make_recipient()], cause="1", webhooks=False)
    planner.write()

    reason = "Not sent: quiet hours until 08:00, and its time has passed then."
    assert (sms().status, sms().due_at, sms().message) == (Status.CANCELLED, None, reason)
    assert sms().scheduled_for == at("2027-03-22T06:30")
    assert steps_of(sms()) == [("CANCELLED", reason, 0)]


# --- What becomes due in them ----------------------------------------------------------------


@pytest.fixture
def provider(settings: Settings) -> ScriptedTransport:
    """Give the transport of SMS and e-mail, which does as the test says."""
    settings.NOTIFICATIONS_TRANSPORTS = dict.fromkeys(
        ["SMS", "EMAIL"], "tests.notifications.scripted"
    )
    settings.NOTIFICATIONS_RETRIES = {"SMS": [timedelta(minutes=1)], "EMAIL": []}
    scripted.transport.forget()
    return scripted.transport


def quiet_now(application: Application, channel: Channel = Channel.SMS) -> datetime:
    """Let it be quiet for the hour around now; give when it is over."""
    now = timezone.now().astimezone(BERLIN)
    end = (now + timedelta(minutes=30)).replace(second=0, microsecond=0)
    begin = (now - timedelta(minutes=30)).time().replace(second=0, microsecond=0)
    ChannelSettings.objects.create(
        organization=application.organization,
        application=application,
        channel=channel,
        is_on=True,
        quiet_from=begin,
        quiet_until=end.time(),
    )
    return end


@pytest.mark.django_db
def test_what_becomes_due_in_them_waits_until_they_are_over(
    provider: ScriptedTransport, application: Application
) -> None:
    over = quiet_now(application)
    due = make_notification(application, channel=Channel.SMS, address="+491711234567")

    dispatch.send_due(Channel.SMS)

    due.refresh_from_db()
    assert provider.sent == []
    assert (due.status, due.due_at, due.lease_until) == (Status.INITIALIZED, over, None)
    assert (due.retry_count, due.schedule_step) == (0, 0)
    assert steps_of(due)[-1] == ("INITIALIZED", f"Held back until {over:%H:%M}: quiet hours.", 0)
    assert dispatch.send_due(Channel.SMS) == 0


@pytest.mark.django_db
def test_a_retry_that_becomes_due_in_them_waits_too(
    provider: ScriptedTransport, application: Application
) -> None:
    provider.answers = [TryLater(reason="Busy.")]
    due = make_notification(application, channel=Channel.SMS)
    dispatch.send_due(Channel.SMS)
    over = quiet_now(application)
    Notification.objects.update(due_at=timezone.now())

    dispatch.send_due(Channel.SMS)

    due.refresh_from_db()
    assert len(provider.sent) == 1
    assert (due.status, due.due_at, due.retry_count) == (Status.PENDING, over, 1)


@pytest.mark.django_db
def test_what_is_too_late_when_they_are_over_is_cancelled(
    provider: ScriptedTransport, application: Application
) -> None:
    over = quiet_now(application)
    due = make_notification(application, channel=Channel.SMS, not_after=over)

    dispatch.send_due(Channel.SMS)

    due.refresh_from_db()
    reason = f"Not sent: quiet hours until {over:%H:%M}, and its time has passed then."
    assert provider.sent == []
    assert (due.status, due.due_at, due.message) == (Status.CANCELLED, None, reason)
    assert steps_of(due)[-1] == ("CANCELLED", reason, 0)


@pytest.mark.django_db
def test_what_was_held_back_is_sent_when_they_are_over(
    provider: ScriptedTransport, application: Application
) -> None:
    quiet_now(application)
    due = make_notification(application, channel=Channel.SMS)
    dispatch.send_due(Channel.SMS)
    ChannelSettings.objects.update(quiet_from=None, quiet_until=None)
    Notification.objects.update(due_at=timezone.now())

    dispatch.send_due(Channel.SMS)

    due.refresh_from_db()
    assert (due.status, due.retry_count, due.message) == (Status.DELIVERED, 0, "")


@pytest.mark.django_db
def test_how_it_went_is_asked_in_them_too(
    provider: ScriptedTransport, application: Application
) -> None:
    provider.answers = [Submitted(provider_status="queued", message_id="SM1")]
    due = make_notification(application, channel=Channel.SMS)
    dispatch.send_due(Channel.SMS)
    quiet_now(application)
    Notification.objects.update(due_at=timezone.now())

    dispatch.send_due(Channel.SMS)

    due.refresh_from_db()
    assert (len(provider.polled), due.status) == (1, Status.DELIVERED)


@pytest.mark.django_db
def test_they_do_not_hold_back_mail(provider: ScriptedTransport, application: Application) -> None:
    quiet_now(application, Channel.EMAIL)
    due = make_notification(application, channel=Channel.EMAIL)

    dispatch.send_due(Channel.EMAIL)

    due.refresh_from_db()
    assert due.status == Status.DELIVERED


# --- What can be set -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        (
            {"quiet_from": time(22)},
            {"quiet_until": ["Quiet hours have a beginning and an end, or neither."]},
        ),
        (
            {"quiet_until": time(8)},
            {"quiet_from": ["Quiet hours have a beginning and an end, or neither."]},
        ),
        (
            {"quiet_from": time(8), "quiet_until": time(8)},
            {"quiet_until": ["Quiet hours end at another time."]},
        ),
        (
            {"channel": Channel.EMAIL, **NIGHT},
            {"quiet_from": ["Only SMS has quiet hours."]},
        ),
    ],
)
def test_hours_that_mean_nothing_are_refused(
    fields: dict[str, object], problems: dict[str, list[str]]
) -> None:
    with pytest.raises(ValidationError) as refusal:
        ChannelSettings(**{"channel": Channel.SMS, **fields}).clean()

    assert refusal.value.message_dict == problems


def test_hours_of_the_night_are_taken() -> None:
    ChannelSettings(channel=Channel.SMS, **NIGHT).clean()
    ChannelSettings(channel=Channel.EMAIL).clean()


@pytest.mark.django_db
def test_an_administrator_sets_both_ends_or_neither(application: Application) -> None:
    row = ChannelSettings.objects.create(
        organization=application.organization, application=application, channel=Channel.SMS
    )
    browser = Client()
    browser.force_login(make_user(application.organization, [Role.ADMIN]))
    page = reverse("admin:notifications_channelsettings_change", args=[row.pk])
    given = {"application": str(application.pk), "channel": "SMS", "is_on": "on"}

    form = browser.get(page).content.decode()
    refused = browser.post(page, {**given, "quiet_from": "22:00"})
    taken = browser.post(page, {**given, "quiet_from": "22:00", "quiet_until": "08:00"})

    assert "by the clock of the appointment" in form
    assert "Quiet hours have a beginning and an end, or neither." in refused.content.decode()
    assert taken.status_code == 302
    row.refresh_from_db()
    assert (row.quiet_from, row.quiet_until) == (time(22), time(8))
