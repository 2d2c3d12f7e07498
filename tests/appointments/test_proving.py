"""The proof: it finds what is missing, double or late, and nothing where everyone was told."""

from __future__ import annotations

import io
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from agents.models import Application
from appointments import proving, services
from appointments.models import Appointment, Participant
from appointments.proving import Tally, prove
from config.kernel.ids import uuid7
from config.kernel.time import parse_duration, parse_zone
from notifications.models import (
    Channel,
    ChannelSettings,
    HistoryPurge,
    Notification,
    NotificationContent,
    OutboxEvent,
    ProofRun,
    Subscription,
    WebhookFormat,
)
from notifications.services import dispatch
from notifications.services.proving import Finding, Scope
from tests import make
from tests.appointments import acts
from tests.appointments.acts import Act
from tests.appointments.scene import Scene, make_scene
from tests.contract.state import everything
from tests.notifications import scripted

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
OFFSETS = {
    "reminder_offsets": ["PT12H", "PT1H"],
    "room_offsets": ["PT30M"],
    "follow_up_offsets": ["PT2H"],
}


def make_told(*formats: WebhookFormat, **options: Any) -> Scene:
    """Make a scene of which everybody is told everything, over every channel."""
    application = make.make_application(
        **{"activates_automatically": False, "notify_agents": True, **options}
    )
    for channel in Channel:
        make.make_channel(application, channel, **OFFSETS)
    for format_ in formats or [WebhookFormat.APPOINTMENT_EVENT]:
        make.make_subscription(application, format=format_)
    return make_scene(application=application, customers=[make.make_customer(phone="+4930901820")])


def proof(**scope: Any) -> tuple[Tally, list[Finding]]:
    found: list[Finding] = []
    tally = prove(Scope(**scope), found=found.append)
    return tally, found


def found(**scope: Any) -> list[tuple[str, str, str, UUID]]:
    """Give what the proof finds: what is wrong with which type to whom."""
    _, findings = proof(**scope)
    return [(one.kind.value, one.type, one.channel, one.recipient_id) for one in findings]


def lose(**which: Any) -> None:
    rows = Notification.objects.filter(**which)
    NotificationContent.objects.filter(notification__in=rows).delete()
    assert rows.delete()[0] > 0


def repeat(cause: str = "again", **which: Any) -> None:
    row = Notification.objects.get(**which)
    row.pk, row.cause = uuid7(), cause
    row.save(force_insert=True)


def run(*arguments: str) -> tuple[int, str]:
    """Give the exit status of the command, and what it says."""
    said, status = io.StringIO(), 0
    try:
        call_command("prove_notifications", *arguments, stdout=said, stderr=said, no_color=True)
    except SystemExit as ended:
        status = int(str(ended.code))
    return status, said.getvalue()


# --- Nothing is found where nothing is wrong --------------------------------------------------

DAY: list[list[Act]] = [
    [acts.nothing],
    [acts.update, acts.reschedule, acts.activate],
    [acts.activate, acts.reschedule, acts.reschedule, acts.cancel],
    [acts.reassign, acts.update],
    [acts.add_agent, acts.add_customer, acts.remove],
    [acts.route, acts.delete],
    [acts.activate, acts.join, acts.fail, acts.reschedule],
    [acts.activate, acts.both_come_and_leave_after_the_end],
    [acts.activate, acts.accept, acts.both_come_and_leave_and_the_end_passes],
    [acts.a_customer_comes_and_the_end_passes],
    [acts.the_end_passes, acts.reschedule],
    [acts.ask_for_another_date, acts.choose, acts.cancel, acts.reopen],
    [acts.ask_for_another_time, acts.add_customer, acts.accept_request, acts.reassign],
    [acts.activate, acts.join, acts.close, acts.reopen],
]


@pytest.mark.parametrize("day", DAY, ids=lambda day: " ".join(act.__name__ for act in day))
@pytest.mark.parametrize("notify_agents", [True, False])
def test_nothing_is_missing_whatever_was_done(day: list[Act], notify_agents: bool) -> None:
    one = make_told(notify_agents=notify_agents)

    for act in day:
        act(one)

    assert found() == []


# What was deleted is not judged.
KEPT = [day for day in DAY if acts.delete not in day]


@pytest.mark.parametrize("day", KEPT, ids=lambda day: " ".join(act.__name__ for act in day))
def test_the_booking_webhook_is_proved_too(day: list[Act]) -> None:
    one = make_told(WebhookFormat.BOOKING)
    for act in day:
        act(one)
    assert found() == []

    lost = Notification.objects.filter(recipient_id=one.hook.pk).latest("id")
    lose(pk=lost.pk)

    assert found() == [("missing", lost.type, "WEBHOOKS", one.hook.pk)]


def test_what_was_done_is_judged_and_not_passed_over() -> None:
    one = make_told()
    acts.activate(one)
    acts.reschedule(one)
    acts.both_come_and_leave_after_the_end(one)

    tally, _ = proof()

    assert (tally.appointments, tally.faults) == (1, 0)
    assert tally.expected == Notification.objects.count()
    assert sum(tally.not_judged.values()) == 0


def test_a_proof_changes_nothing() -> None:
    one = make_told()
    acts.activate(one)
    acts.cancel(one)
    before = everything()

    proof()

    assert everything() == before


def test_what_was_sent_is_in_order(settings: Settings) -> None:
    settings.NOTIFICATIONS_TRANSPORTS = {"EMAIL": "tests.notifications.scripted"}
    scripted.transport.forget()
    make_told()

    dispatch.send_due(Channel.EMAIL)

    assert len(scripted.transport.sent) == 2
    assert found() == []


# --- Missing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", ["CREATE", "REMINDER"])
@pytest.mark.parametrize("channel", Channel.values)
def test_a_lost_row_is_missing(type_: str, channel: str) -> None:
    one = make_told(notify_agents=False)
    recipient = one.hook.id if channel == Channel.WEBHOOKS else one.customer.id

    lose(type=type_, channel=channel)

    rows = 1 if type_ == "CREATE" else 2
    assert found() == [("missing", type_, channel, recipient)] * rows


LATER: list[tuple[list[Act], str]] = [
    ([acts.update], "UPDATE"),
    ([acts.update], "PARTICIPANT_UPDATED"),
    ([acts.reschedule], "RESCHEDULE"),
    ([acts.reassign], "REASSIGN"),
    ([acts.activate], "ROOM"),
    ([acts.activate, acts.reschedule], "ROOM"),
    ([acts.cancel], "CANCELLED"),
    ([acts.add_agent], "PARTICIPANT_ADDED"),
    ([acts.remove], "PARTICIPANT_REMOVED"),
    ([acts.join], "IN_PROGRESS"),
    ([acts.fail], "FAILED"),
    ([acts.the_end_passes], "NO_SHOW"),
    ([acts.route], "INTERACTION_UPDATED"),
    ([acts.both_come_and_leave_after_the_end], "COMPLETED"),
    ([acts.both_come_and_leave_after_the_end], "FOLLOW_UP"),
]


@pytest.mark.parametrize(("done", "type_"), LATER)
def test_every_type_can_be_missing(done: list[Act], type_: str) -> None:
    one = make_told()
    for act in done:
        act(one)
    lost = {
        ("missing", row.type, row.channel, row.recipient_id)
        for row in Notification.objects.filter(type=type_, cause__gt="")
    }

    lose(type=type_)

    assert {finding[:2] for finding in found()} == {("missing", type_)}
    assert set(found()) == lost


def test_a_finding_names_what_was_to_be_told_and_no_person() -> None:
    one = make_told(notify_agents=False)
    row = Notification.objects.get(type="REMINDER", channel="EMAIL", offset="PT1H")
    due_at = row.due_at
    assert due_at

    lose(pk=row.pk)

    [finding] = proof()[1]
    assert finding.to_json() == {
        "kind": "missing",
        "organizationId": str(one.application.organization_id),
        "appointmentId": str(one.appointment.id),
        "type": "REMINDER",
        "channel": "EMAIL",
        "recipientType": "CUSTOMER",
        "recipientId": str(one.customer.id),
        "offset": "PT1H",
        "dueAt": due_at.isoformat().replace("+00:00", "Z"),
        "note": "of event 1",
    }


def test_reminders_of_the_newest_schedule_are_expected() -> None:
    one = make_told()
    acts.reschedule(one)

    lose(type="REMINDER", cause="schedule 2")

    assert {(kind, type_) for kind, type_, *_ in found()} == {("missing", "REMINDER")}


# --- What is not known any more is not judged -------------------------------------------------


def other_offsets(one: Scene) -> None:
    row = ChannelSettings.objects.get(application=one.application, channel="EMAIL")
    row.reminder_offsets = ["PT3H"]
    row.save()


def another_subscription(one: Scene) -> None:
    make.make_subscription(one.application)


def an_address(one: Scene) -> None:
    services.update_appointment(
        one.appointment.id,
        changes={},
        customer=services.CustomerChange(
            participant_id=None, fields={"email": "ada@example.com", "phone": "+4930901821"}
        ),
        actor=one.actor,
        now=timezone.now(),
    )


def agents_told(one: Scene) -> None:
    Application.objects.filter(pk=one.application.pk).update(notify_agents=True)


@pytest.mark.parametrize("change", [other_offsets, another_subscription, an_address, agents_told])
def test_what_was_set_later_says_nothing_of_before(change: Act) -> None:
    application = make.make_application()
    for channel in Channel:
        make.make_channel(application, channel, **OFFSETS)
    make.make_subscription(application)
    one = make_scene(application=application, customers=[make.make_customer(phone="")])

    change(one)

    tally, findings = proof()
    assert findings == []
    assert change is agents_told or sum(tally.not_judged.values()) > 0
    lose(type="CREATE", channel="WEBHOOKS")
    assert found() == [("missing", "CREATE", "WEBHOOKS", hook_of(application))]


def hook_of(application: Application) -> UUID:
    first = Subscription.objects.filter(application=application).order_by("created_at").first()
    assert first
    return first.id


def test_what_happens_after_a_change_of_the_settings_is_judged() -> None:
    one = make_told()
    other_offsets(one)
    services.reschedule_appointment(
        one.appointment.id,
        start=acts.end_of(one) + timedelta(days=2),
        duration=parse_duration("PT45M"),
        zone=parse_zone("UTC"),
        locale=None,
        actor=one.actor,
        now=timezone.now(),
    )
    assert found() == []

    lose(type="REMINDER", channel="EMAIL", offset="PT3H", recipient_type="CUSTOMER")

    assert found() == [("missing", "REMINDER", "EMAIL", one.customer.id)]


def test_who_was_added_was_not_told_before() -> None:
    one = make_told()
    acts.add_customer(one)
    acts.add_agent(one)
    [_, newcomer] = make.customers_of(one.appointment)

    assert found() == []

    lose(type="CREATE", recipient_id=newcomer.id, channel="EMAIL")
    assert found() == [("missing", "CREATE", "EMAIL", newcomer.id)]


def test_deleted_appointments_and_purged_times_are_counted(now: datetime) -> None:
    one, deleted = make_told(), make_told()
    acts.delete(deleted)
    lose(type="CREATE")
    HistoryPurge.objects.create(purged_before=now + HOUR)

    tally, findings = proof()

    assert findings == []
    assert tally.not_judged[proving._DELETED] == 1
    assert tally.not_judged[proving._PURGED] == 1
    assert one.row().event_count == 1


def test_an_appointment_that_changes_meanwhile_is_left_to_the_next_proof() -> None:
    one = make_told()
    lose(type="CREATE")
    Appointment.objects.filter(pk=one.appointment.pk).update(event_count=2)

    tally, findings = proof()

    assert (findings, tally.not_judged[proving._CHANGED]) == ([], 1)


def test_what_was_forgotten_is_not_expected(now: datetime) -> None:
    one = make_told()
    Participant.objects.filter(appointment=one.appointment).update(email="", phone="")
    lose(channel="SMS")

    assert found() == []


# --- Double -----------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", Channel.values)
@pytest.mark.parametrize("cause", ["again", "schedule 7"])
def test_a_second_reminder_of_one_moment_is_double(channel: str, cause: str) -> None:
    make_told(notify_agents=False)

    repeat(cause, type="REMINDER", offset="PT1H", channel=channel)

    assert [finding[:3] for finding in found()] == [("double", "REMINDER", channel)]


def test_what_was_told_again_for_another_event_is_double() -> None:
    one = make_told(notify_agents=False)
    acts.update(one)
    event = OutboxEvent.objects.get(type="appointment.updated")

    repeat(str(event.id), type="CREATE", channel="EMAIL")

    assert found() == [("double", "CREATE", "EMAIL", one.customer.id)]


@pytest.mark.parametrize("status", ["CANCELLED", "FAILED"])
def test_what_went_out_once_is_not_double(status: str) -> None:
    make_told(notify_agents=False)
    repeat(type="CREATE", channel="EMAIL")

    Notification.objects.filter(cause="again").update(status=status, due_at=None)

    assert found() == []


def test_two_of_a_kind_of_two_events_are_not_double() -> None:
    one = make_told()
    acts.update(one)
    services.update_appointment(
        one.appointment.id,
        changes={"title": "Newer"},
        customer=None,
        actor=one.actor,
        now=timezone.now(),
    )

    assert Notification.objects.filter(type="UPDATE").count() == 2
    assert found() == []


# --- Late -------------------------------------------------------------------------------------


@pytest.fixture
def _email_has_a_transport(settings: Settings) -> None:
    settings.NOTIFICATIONS_TRANSPORTS = {"EMAIL": "tests.notifications.scripted"}


@pytest.mark.usefixtures("_email_has_a_transport")
@pytest.mark.parametrize(("seconds", "is_late"), [(50, False), (70, True)])
def test_what_is_due_for_over_a_minute_is_late(seconds: int, is_late: bool) -> None:
    one = make_told(notify_agents=False)
    told = [("EMAIL", one.customer.id), ("WEBHOOKS", one.hook.id)]
    Notification.objects.filter(type="CREATE").update(
        due_at=timezone.now() - timedelta(seconds=seconds)
    )

    # SMS has no transport here.
    assert sorted(found()) == (
        [("late", "CREATE", channel, recipient) for channel, recipient in told] if is_late else []
    )


# --- Scope, cost, and who asks ----------------------------------------------------------------


def test_since_leaves_out_what_happened_before() -> None:
    one = make_told(notify_agents=False)
    lose(type="CREATE")
    acts.update(one)
    lose(type="UPDATE")
    booked = OutboxEvent.objects.get(type="appointment.scheduled").recorded_at

    later = booked + timedelta(microseconds=1)

    assert [finding[1] for finding in found(since=booked)][-1] == "UPDATE"
    assert {finding[1] for finding in found(since=booked)} == {"CREATE", "UPDATE"}
    assert found(since=later) == []


def test_one_organisation_is_looked_at_alone() -> None:
    ours, theirs = make_told(notify_agents=False), make_told(notify_agents=False)
    lose(type="CREATE")

    mine = found(organization_id=ours.application.organization_id)

    assert {finding[3] for finding in mine} == {ours.customer.id, ours.hook.id}
    assert theirs.hook.id in {finding[3] for finding in found()}


def test_a_proof_asks_no_more_of_many_than_of_one() -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            proof()
        return len(captured)

    one = make_told()
    with_one = queries()
    for _ in range(3):
        make_scene(application=one.application)
        make_told()

    assert queries() == with_one


def test_an_appointment_that_cannot_be_understood_hides_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken, other = make_told(), make_told(notify_agents=False)
    lose(subject_id=other.appointment.id, type="CREATE", channel="EMAIL")
    Appointment.objects.filter(pk=broken.appointment.pk).update(timezone="Mars/Olympus")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL frontdesk.purging = 'on'")
        cursor.execute(
            'UPDATE outbox_event SET after = after || \'{"timezone": "Mars/Olympus"}\''
            " WHERE subject_id = %s",
            [broken.appointment.id],
        )
        cursor.execute("SET LOCAL frontdesk.purging = 'off'")

    tally, [finding] = proof()

    assert finding.subject_id == other.appointment.id
    assert tally.not_judged[proving._BROKEN] == 1
    assert str(broken.appointment.id) in caplog.text


@pytest.mark.parametrize("arguments", [[], ["--json"], ["--since", "P1D"]])
def test_the_command_ends_with_the_verdict(arguments: list[str]) -> None:
    one = make_told(notify_agents=False)
    assert run(*arguments)[0] == 0

    lose(type="CREATE", channel="EMAIL")

    status, said = run(*arguments)
    assert status == 1
    assert str(one.appointment.id) in said
    assert "lovelace" not in said.lower()


def test_the_command_says_it_to_programs_too() -> None:
    make_told(notify_agents=False)
    lose(type="CREATE", channel="EMAIL")

    said = json.loads(run("--json")[1])

    numbers = {name: said[name] for name in ("appointments", "missing", "double", "late")}
    assert numbers == {"appointments": 1, "missing": 1, "double": 0, "late": 0}
    assert [finding["kind"] for finding in said["findings"]] == ["missing"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--since", "yesterday"], "--since: "),
        (["--since", "P1Y"], "--since: "),
        (["--organization", "7"], "--organization is the id"),
    ],
)
def test_an_option_that_cannot_be_is_named(arguments: list[str], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        run(*arguments)


def test_every_night_the_first_findings_are_kept(now: datetime, caplog: Any) -> None:
    one = make_told(notify_agents=False)
    lose(type="CREATE")
    ProofRun.objects.create(since=now, started_at=now - timedelta(days=91))

    proving.prove_lately(now=now + timedelta(seconds=5))

    run = ProofRun.objects.get()
    assert (run.appointments, run.missing, run.doubled, run.late) == (1, 3, 0, 0)
    assert run.ended_at
    assert {finding["appointmentId"] for finding in run.findings} == {str(one.appointment.id)}
    assert "3 missing" in caplog.text


def test_nothing_that_is_generated_is_missing() -> None:
    call_command("generate", appointments=320, agents=4, jobs=1, stdout=io.StringIO())

    tally, findings = proof()

    assert findings == []
    assert (tally.appointments, sum(tally.not_judged.values())) == (320, 0)
    assert tally.expected == 640
