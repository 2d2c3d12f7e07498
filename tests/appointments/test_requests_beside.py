"""Requests, invites and reopened appointments beside everything else that can be done."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from agents.models import Application
from appointments import services
from appointments.errors import AppointmentIsARequest, AppointmentIsClosed, EntryNotActive
from appointments.models import (
    Appointment,
    MeetingType,
    Office,
    Participant,
    State,
    Subject,
    TargetType,
)
from appointments.services.catalogue import default_office, default_subject
from appointments.services.upkeep import is_to_come
from config.kernel.prepared import fetch
from notifications.models import Channel, Notification, Subscription
from tests import make
from tests.appointments.bookings import BERLIN, HALF_AN_HOUR, Desk, as_customer, make_desk
from tests.appointments.test_booking_payload import PLACE

pytestmark = pytest.mark.django_db
ANY = services.Target(type=TargetType.ANY)


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def told_people(desk: Desk) -> list[tuple[str, str]]:
    rows = Notification.objects.filter(channel=Channel.EMAIL).order_by("id")
    return [(one.type, one.status) for one in rows]


def row(one: Appointment) -> Appointment:
    return Appointment.objects.get(pk=one.pk)


# --- States ------------------------------------------------------------------------------------


def test_a_request_does_not_fail(desk: Desk) -> None:
    one = desk.requested()

    with pytest.raises(AppointmentIsARequest):
        services.report_failure(
            one.id, system_message="x", user_message=None, actor=desk.actor, now=desk.now
        )

    assert row(one).state == State.SCHEDULED


def test_what_had_failed_takes_up_time_again_once_it_has_a_new_one() -> None:
    desk = make_desk(prevent_overlaps=True)
    one = desk.booked()
    services.report_failure(
        one.id, system_message="x", user_message=None, actor=desk.actor, now=desk.now
    )
    services.request_alternative(one.id, actor=desk.actor, now=desk.now)

    services.choose_time(
        one.id, start=desk.start, duration=None, zone=None, actor=desk.actor, now=desk.now
    )

    assert row(one).state == State.ACTIVATED
    assert one.participants.get(user=desk.agent).occupies is not None


@pytest.mark.rule("webhook.appointment.post.r16")
def test_whoever_comes_later_has_a_later_moment(desk: Desk) -> None:
    one = desk.booked()
    desk.told()
    services.update_appointment(
        one.id,
        changes={"metadata": {"a": 1}},
        customer=None,
        actor=desk.actor,
        now=desk.now + timedelta(seconds=5),
    )

    # It was asked for before, and waited for the lock.
    services.cancel_appointment(one.id, actor=desk.actor, now=desk.now)

    first, second = (body["data"]["appointment"]["updatedAt"] for body in desk.told())
    assert second >= first


def test_a_customer_does_not_call_off_what_is_over(desk: Desk) -> None:
    one = desk.booked()

    with pytest.raises(AppointmentIsClosed):
        services.cancel_appointment(
            one.id,
            actor=as_customer(make.customers_of(one)[0]),
            now=desk.start + timedelta(days=1),
        )


def test_time_that_has_passed_refuses_nobody() -> None:
    desk = make_desk(prevent_overlaps=True)
    one = desk.booked()
    later = desk.start + timedelta(days=1)
    services.finish_due_appointments(now=later)
    other = desk.booked(actor=make.actor_for(desk.colleague))
    services.reassign_appointment(
        other.id, user_id=str(desk.agent.id), actor=desk.actor, now=desk.now
    )

    services.reopen_appointment(one.id, actor=desk.actor, now=later)
    services.update_appointment(
        one.id,
        changes={},
        customer=None,
        about={"trailing_buffer": timedelta(minutes=10)},
        actor=desk.actor,
        now=later,
    )

    assert not one.participants.get(user=desk.agent).is_exclusive


# --- Who takes it ------------------------------------------------------------------------------


def test_anybody_who_is_free_takes_what_a_customer_chooses(desk: Desk) -> None:
    draft = replace(services.Draft(**desk.draft()), target=ANY)
    one = services.invite_customers(draft, actor=desk.actor, now=desk.now).appointment

    services.choose_time(
        one.id,
        start=desk.start,
        duration=None,
        zone=None,
        actor=as_customer(make.customers_of(one)[0]),
        now=desk.now,
    )

    agent = Participant.objects.get(appointment=one, type="AGENT")
    assert agent.occupies is not None


def test_anybody_is_free_for_the_buffer_too() -> None:
    desk = make_desk(prevent_overlaps=True)
    after = replace(desk.booking(), start=desk.start + timedelta(minutes=30))
    services.schedule_appointment(after, actor=make.actor_for(desk.agent), now=desk.now)

    booking = replace(desk.booking(trailing_buffer=timedelta(minutes=15)), target=ANY)
    case = services.schedule_appointment(booking, actor=desk.actor, now=desk.now)

    assert case.agents[0].user == desk.colleague


def test_the_general_subject_rules_what_names_none(desk: Desk) -> None:
    subject = default_subject(desk.application.organization_id)
    Subject.objects.filter(pk=subject.pk).update(needs_acceptance=True)
    code = make.make_code(desk.application, "ada@example.org")
    booker = services.prove_booker(
        str(desk.application.id),
        address="ada@example.org",
        code=code,
        sender="127.0.0.1",
        now=desk.now,
    )

    case = services.schedule_as_customer(desk.booking(), booker=booker, origin="page", now=desk.now)

    assert case.appointment.booking_status == "INCOMING_REQUEST"


def test_an_office_that_is_closed_cannot_be_booked(desk: Desk) -> None:
    office = default_office(desk.application.organization_id)
    Office.objects.filter(pk=office.pk).update(is_active=False)

    with pytest.raises(EntryNotActive) as refusal:
        desk.booked(office=str(office.pk))

    assert list(refusal.value.errors) == ["officeId"]


# --- Who is told -------------------------------------------------------------------------------


@pytest.fixture
def mailing(desk: Desk) -> Desk:
    make.make_channel(desk.application, Channel.EMAIL, reminder_offsets=["PT1H"])
    return desk


def test_what_is_not_so_any_more_is_not_told(mailing: Desk) -> None:
    one = mailing.booked()
    services.request_alternative(one.id, actor=mailing.actor, now=mailing.now)
    services.choose_time(
        one.id,
        start=mailing.start + timedelta(days=1),
        duration=None,
        zone=None,
        actor=mailing.actor,
        now=mailing.now,
    )

    assert told_people(mailing) == [
        ("CREATE", "CANCELLED"),
        ("REMINDER", "CANCELLED"),
        ("CANCELLED", "CANCELLED"),
        ("RESCHEDULE", "INITIALIZED"),
        ("REMINDER", "INITIALIZED"),
    ]


def test_nobody_is_reminded_of_a_time_that_is_only_asked_for(mailing: Desk) -> None:
    one = mailing.requested()
    services.add_customer(
        one.id,
        data=make.make_customer(email="bob@example.org"),
        actor=mailing.actor,
        now=mailing.now,
    )
    services.reassign_appointment(
        one.id, user_id=str(mailing.colleague.id), actor=mailing.actor, now=mailing.now
    )

    assert {type_ for type_, _ in told_people(mailing)} == {"CREATE"}
    wordings = Notification.objects.filter(channel=Channel.EMAIL).values_list("snapshot", flat=True)
    assert [one["wording"] for one in wordings] == ["REQUESTED", "REQUESTED"]


def test_whoever_is_removed_from_a_request_reads_of_a_cancellation(mailing: Desk) -> None:
    one = mailing.requested()

    services.remove_participant(
        one.id,
        participant_id=make.customers_of(one)[0].wire_id,
        actor=mailing.actor,
        now=mailing.now,
    )

    cancelled = Notification.objects.get(type="CANCELLED", channel=Channel.EMAIL)
    assert "wording" not in cancelled.snapshot


def test_an_invite_that_waits_to_be_sent_stays_one_whatever_changes(mailing: Desk) -> None:
    one = mailing.invited()

    services.update_appointment(
        one.id, changes={"title": "Loans"}, customer=None, actor=mailing.actor, now=mailing.now
    )

    invite = Notification.objects.get(type="CREATE", channel=Channel.EMAIL)
    assert invite.snapshot["wording"] == "INVITED"
    assert invite.content.facts["title"] == "Loans"


def test_a_room_that_was_opened_by_hand_is_offered_for_the_new_time() -> None:
    desk = make_desk(activates_automatically=False)
    make.make_channel(desk.application, Channel.EMAIL, room_offsets=["PT30M"])
    one = desk.booked()
    services.activate_appointment(one.id, actor=desk.actor, now=desk.now)
    services.request_alternative(one.id, actor=desk.actor, now=desk.now)

    services.choose_time(
        one.id, start=desk.start, duration=None, zone=None, actor=desk.actor, now=desk.now
    )

    rooms = Notification.objects.filter(type="ROOM").order_by("id")
    assert [each.status for each in rooms] == ["CANCELLED", "INITIALIZED"]


def test_other_systems_do_not_hear_of_what_is_no_appointment_yet(desk: Desk) -> None:
    Subscription.objects.filter(pk=desk.hook.pk).update(format="appointment-event")
    one = desk.requested()
    services.reassign_appointment(
        one.id, user_id=str(desk.colleague.id), actor=desk.actor, now=desk.now
    )

    services.cancel_appointment(one.id, actor=desk.actor, now=desk.now)

    assert not Notification.objects.filter(channel=Channel.WEBHOOKS).exists()


# --- The booking webhook -----------------------------------------------------------------------


@pytest.mark.rule("webhook.appointment.post.r1", "webhook.appointment.post.r50")
def test_a_newcomer_who_takes_up_what_was_missed_is_one_event(desk: Desk) -> None:
    one = desk.booked()
    services.close_appointment(one.id, came=False, actor=desk.actor, now=desk.now)
    desk.told()

    services.accept_interaction(
        one.id,
        participant_id=str(desk.colleague.id),
        actor=make.actor_for(desk.colleague),
        now=desk.now,
    )

    assert desk.only()["eventType"] == "REOPEN"


@pytest.mark.rule("webhook.appointment.post.r49")
def test_another_language_is_a_change(desk: Desk) -> None:
    one = desk.booked()
    desk.told()

    services.reschedule_appointment(
        one.id,
        start=desk.start,
        duration=HALF_AN_HOUR,
        zone=BERLIN,
        locale="el-GR",
        actor=desk.actor,
        now=desk.now,
    )

    told = desk.only()
    assert told["eventType"] == "GENERIC_UPDATE"
    assert told["appointment"]["participants"][0]["customer"]["language"] == "el"


@pytest.mark.rule("webhook.appointment.post.r56")
def test_two_with_one_address_are_two_persons(desk: Desk) -> None:
    one = desk.booked()

    services.add_customer(
        one.id, data=make.make_customer(first_name="Bob"), actor=desk.actor, now=desk.now
    )

    people = desk.told()[-1]["data"]["appointment"]["participants"]
    numbers = [each["customer"]["id"] for each in people if each["type"] == "CUSTOMER"]
    assert len(set(numbers)) == len(numbers) == 2


@pytest.mark.rule("webhook.appointment.post.r66")
def test_who_made_it_stays_known_after_leaving(desk: Desk) -> None:
    code = make.make_code(desk.application, "ada@example.org")
    booker = services.prove_booker(
        str(desk.application.id),
        address="ada@example.org",
        code=code,
        sender="127.0.0.1",
        now=desk.now,
    )
    case = services.schedule_as_customer(desk.booking(), booker=booker, origin="page", now=desk.now)
    before = desk.only()["appointment"]["createdById"]

    services.remove_participant(
        case.appointment.id,
        participant_id=case.customers[0].wire_id,
        actor=desk.actor,
        now=desk.now,
    )

    assert desk.only()["appointment"]["createdById"] == before


# --- What is kept ------------------------------------------------------------------------------


def test_what_is_said_after_the_erasure_goes_too(desk: Desk) -> None:
    one = desk.booked(
        meeting_type=MeetingType.ON_LOCATION, location=PLACE, internal_notes="Third floor"
    )
    long_after = desk.start + timedelta(days=60)
    services.erase_expired_details(now=long_after)
    erased = row(one)
    services.cancel_appointment(
        one.id, actor=desk.actor, now=long_after, message="Ada Lovelace has moved"
    )

    services.erase_expired_details(now=long_after + timedelta(days=60))

    translations = (erased.location or {})["translations"]
    assert (erased.internal_notes, translations["street1"]) == ("", [])
    assert translations["city"] == PLACE["translations"]["city"]  # type: ignore[index]
    assert row(one).last_message == ""


def test_a_customer_of_an_old_invite_is_forgotten(desk: Desk) -> None:
    one = desk.invited()
    Appointment.objects.filter(pk=one.pk).update(details_expire_at=None)

    services.add_customer(
        one.id, data=make.make_customer(first_name="Bob"), actor=desk.actor, now=desk.now
    )

    kept_for = Application.objects.get(pk=desk.application.pk).details_kept_for
    assert row(one).details_expire_at == desk.now + kept_for


@pytest.mark.parametrize(("begin", "is_kept"), [("invited", True), ("cancelled", False)])
def test_the_history_of_an_invite_is_kept_while_it_is_open(
    desk: Desk, begin: str, is_kept: bool
) -> None:
    one = desk.invited()
    if begin == "cancelled":
        services.cancel_appointment(one.id, actor=desk.actor, now=desk.now)

    found = fetch(f"SELECT {is_to_come('%s::uuid')}", [one.id])

    assert found == [(is_kept,)]
