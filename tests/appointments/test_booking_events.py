"""Which event of the booking webhook a change is, and what it was before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from appointments import services
from appointments.errors import AppointmentNotFound
from appointments.models import (
    Appointment,
    Participant,
    ParticipantState,
    State,
    Subject,
    TargetType,
)
from appointments.services.catalogue import default_office
from notifications.models import Notification
from tests import make
from tests.appointments.bookings import (
    BERLIN,
    HALF_AN_HOUR,
    Desk,
    as_customer,
    make_desk,
)
from tests.contract import outgoing

pytestmark = pytest.mark.django_db
Act = Callable[[Desk, Appointment], object]


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def customer_of(one: Appointment) -> Participant:
    return make.customers_of(one)[0]


# --- What can be done --------------------------------------------------------------------------


def accept(desk: Desk, one: Appointment) -> None:
    services.accept_request(one.id, actor=desk.actor, now=desk.now, message="Gladly")


def choose(desk: Desk, one: Appointment) -> None:
    services.choose_time(
        one.id,
        start=desk.start,
        duration=None,
        zone=None,
        actor=as_customer(customer_of(one)),
        now=desk.now,
    )


def move(desk: Desk, one: Appointment) -> None:
    services.reschedule_appointment(
        one.id,
        start=desk.start + timedelta(days=1),
        duration=HALF_AN_HOUR,
        zone=BERLIN,
        locale=None,
        actor=desk.actor,
        now=desk.now,
    )


def ask_for_another_time(desk: Desk, one: Appointment) -> None:
    services.request_other_time(
        one.id,
        start=desk.start + timedelta(days=2),
        duration=None,
        zone=None,
        actor=as_customer(customer_of(one)),
        now=desk.now,
        message="I am away",
    )


def ask_for_another_date(desk: Desk, one: Appointment) -> None:
    services.request_alternative(one.id, actor=desk.actor, now=desk.now)


def hand_over(desk: Desk, one: Appointment) -> None:
    services.reassign_appointment(
        one.id, user_id=str(desk.colleague.id), actor=desk.actor, now=desk.now
    )


def cancel(desk: Desk, one: Appointment) -> None:
    services.cancel_appointment(one.id, actor=desk.actor, now=desk.now, message="Too late")


def delete(desk: Desk, one: Appointment) -> None:
    services.delete_appointment(one.id, actor=desk.actor, now=desk.now)


def complete(desk: Desk, one: Appointment) -> None:
    services.close_appointment(one.id, came=True, actor=desk.actor, now=desk.now)


def miss(desk: Desk, one: Appointment) -> None:
    services.close_appointment(one.id, came=False, actor=desk.actor, now=desk.now)


def reopen(desk: Desk, one: Appointment) -> None:
    services.reopen_appointment(one.id, actor=desk.actor, now=desk.now)


def change(desk: Desk, one: Appointment) -> None:
    services.update_appointment(
        one.id,
        changes={"metadata": {"vip": True}},
        customer=None,
        actor=desk.actor,
        now=desk.now,
    )


def add_colleague(desk: Desk, one: Appointment) -> None:
    services.add_agent(one.id, user_id=str(desk.colleague.id), actor=desk.actor, now=desk.now)


def booked(desk: Desk) -> Appointment:
    return desk.booked()


def requested(desk: Desk) -> Appointment:
    return desk.requested()


def invited(desk: Desk) -> Appointment:
    return desk.invited()


def postponed(desk: Desk) -> Appointment:
    one = desk.booked()
    ask_for_another_date(desk, one)
    return one


def cancelled(desk: Desk) -> Appointment:
    one = desk.booked()
    cancel(desk, one)
    return one


def completed(desk: Desk) -> Appointment:
    one = desk.booked()
    complete(desk, one)
    return one


def missed(desk: Desk) -> Appointment:
    one = desk.booked()
    miss(desk, one)
    return one


# --- New ones ----------------------------------------------------------------------------------


@pytest.mark.rule("webhook.appointment.post.r33", "webhook.appointment.post.r39")
@pytest.mark.parametrize(("begin", "status"), [(booked, "ACCEPTED"), (invited, "OUTGOING_INVITE")])
def test_what_is_booked_or_offered_is_created(
    desk: Desk, begin: Callable[[Desk], Appointment], status: str
) -> None:
    begin(desk)

    told = desk.only()

    assert (told["eventType"], told["appointment"]["status"]) == ("CREATE", status)
    assert told["previousAppointment"] is None


@pytest.mark.rule("webhook.appointment.post.r33", "webhook.appointment.post.r40")
def test_what_is_asked_for_is_a_request(desk: Desk) -> None:
    desk.requested()

    told = desk.only()

    assert (told["eventType"], told["previousAppointment"]) == ("CREATE_REQUEST", None)
    assert told["appointment"]["status"] == "INCOMING_REQUEST"


@pytest.mark.rule("webhook.appointment.post.r40")
def test_what_a_customer_books_is_a_request_where_the_subject_says_so(desk: Desk) -> None:
    subject = desk.needing_acceptance()
    code = make.make_code(desk.application, "ada@example.org")
    booker = services.prove_booker(
        str(desk.application.id),
        address="ada@example.org",
        code=code,
        sender="127.0.0.1",
        now=desk.now,
    )

    case = services.schedule_as_customer(
        desk.booking(subject=str(subject.id)), booker=booker, origin="page", now=desk.now
    )

    told = desk.only()
    assert (told["eventType"], told["appointment"]["createdFrom"]) == ("CREATE_REQUEST", "PLUGIN")
    assert case.appointment.start is None


# --- What becomes of them ----------------------------------------------------------------------

Change = tuple[Callable[[Desk], Appointment], Act, str, str, str]
CHANGES: list[Change] = [
    (requested, accept, "ACCEPT", "INCOMING_REQUEST", "ACCEPTED"),
    (invited, choose, "ACCEPT", "OUTGOING_INVITE", "ACCEPTED"),
    (postponed, choose, "ACCEPT", "ALTERNATIVE_DATE_REQUESTED", "ACCEPTED"),
    (requested, move, "ACCEPT", "INCOMING_REQUEST", "ACCEPTED"),
    (booked, move, "RESCHEDULE", "ACCEPTED", "ACCEPTED"),
    (booked, ask_for_another_time, "RESCHEDULE_REQUEST", "ACCEPTED", "INCOMING_REQUEST"),
    (requested, ask_for_another_time, "RESCHEDULE_REQUEST", "INCOMING_REQUEST", "INCOMING_REQUEST"),
    (invited, ask_for_another_time, "RESCHEDULE_REQUEST", "OUTGOING_INVITE", "INCOMING_REQUEST"),
    (
        *(postponed, ask_for_another_time, "RESCHEDULE_REQUEST"),
        *("ALTERNATIVE_DATE_REQUESTED", "INCOMING_REQUEST"),
    ),
    (
        *(requested, ask_for_another_date, "REQUEST_ALTERNATIVE_DATE"),
        *("INCOMING_REQUEST", "ALTERNATIVE_DATE_REQUESTED"),
    ),
    (
        *(booked, ask_for_another_date, "REQUEST_ALTERNATIVE_DATE"),
        *("ACCEPTED", "ALTERNATIVE_DATE_REQUESTED"),
    ),
    (booked, hand_over, "REASSIGN", "ACCEPTED", "ACCEPTED"),
    (requested, hand_over, "REASSIGN", "INCOMING_REQUEST", "INCOMING_REQUEST"),
    (invited, hand_over, "REASSIGN", "OUTGOING_INVITE", "OUTGOING_INVITE"),
    (booked, cancel, "CANCEL", "ACCEPTED", "CANCELLED"),
    (requested, cancel, "CANCEL", "INCOMING_REQUEST", "CANCELLED"),
    (invited, cancel, "CANCEL", "OUTGOING_INVITE", "CANCELLED"),
    (postponed, cancel, "CANCEL", "ALTERNATIVE_DATE_REQUESTED", "CANCELLED"),
    (booked, delete, "CANCEL", "ACCEPTED", "CANCELLED"),
    (booked, complete, "COMPLETE", "ACCEPTED", "COMPLETED"),
    (booked, miss, "COMPLETE", "ACCEPTED", "NO_SHOW"),
    (completed, reopen, "REOPEN", "COMPLETED", "ACCEPTED"),
    (missed, reopen, "REOPEN", "NO_SHOW", "ACCEPTED"),
    (cancelled, reopen, "REOPEN", "CANCELLED", "ACCEPTED"),
    (booked, change, "GENERIC_UPDATE", "ACCEPTED", "ACCEPTED"),
    (booked, add_colleague, "GENERIC_UPDATE", "ACCEPTED", "ACCEPTED"),
]


@pytest.mark.rule(
    "webhook.appointment.post.r33",
    "webhook.appointment.post.r37",
    "webhook.appointment.post.r41",
    "webhook.appointment.post.r42",
    "webhook.appointment.post.r43",
    "webhook.appointment.post.r44",
    "webhook.appointment.post.r45",
    "webhook.appointment.post.r46",
    "webhook.appointment.post.r47",
    "webhook.appointment.post.r48",
    "webhook.appointment.post.r49",
    "webhook.appointment.post.r53",
)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_one_event_with_both_states(desk: Desk, change: Change) -> None:
    begin, act, event, was, is_ = change
    one = begin(desk)
    desk.told()

    act(desk, one)

    told = desk.only()
    assert told["eventType"] == event
    assert (told["previousAppointment"]["status"], told["appointment"]["status"]) == (was, is_)


def test_every_type_of_event_of_the_contract_is_among_them() -> None:
    assert {event for _, _, event, _, _ in CHANGES} | {"CREATE", "CREATE_REQUEST"} == set(
        outgoing.event_types()
    )


@pytest.mark.rule("webhook.appointment.post.r48")
def test_what_was_deleted_cannot_be_reopened(desk: Desk) -> None:
    one = desk.booked()
    delete(desk, one)

    with pytest.raises(AppointmentNotFound):
        reopen(desk, one)


@pytest.mark.rule("webhook.appointment.post.r53")
def test_to_delete_what_was_cancelled_is_no_second_cancellation(desk: Desk) -> None:
    one = cancelled(desk)
    desk.told()

    delete(desk, one)

    assert desk.told() == []


@pytest.mark.rule("webhook.appointment.post.r45")
def test_another_office_is_a_reassignment(desk: Desk) -> None:
    one = desk.booked()
    office = default_office(one.organization_id)
    desk.told()

    services.update_appointment(
        one.id,
        changes={},
        customer=None,
        about={"office": str(office.id)},
        actor=desk.actor,
        now=desk.now,
    )

    assert desk.only()["eventType"] == "REASSIGN"


@pytest.mark.rule("webhook.appointment.post.r50")
def test_another_office_comes_before_other_values(desk: Desk) -> None:
    one = desk.booked()
    office = default_office(one.organization_id)
    desk.told()

    services.update_appointment(
        one.id,
        changes={"metadata": {"vip": True}},
        customer=None,
        about={"office": str(office.id), "external_id": "7"},
        actor=desk.actor,
        now=desk.now,
    )

    assert desk.only()["eventType"] == "REASSIGN"


@pytest.mark.rule("webhook.appointment.post.r50")
def test_an_agent_who_accepts_what_is_nobodys_has_accepted_it(desk: Desk) -> None:
    booking = replace(desk.booking(), target=services.Target(type=TargetType.QUEUE, id="7"))
    agent = make.actor_for(desk.agent)
    case = services.request_appointment(booking, actor=agent, now=desk.now)
    desk.told()

    services.accept_request(case.appointment.id, actor=agent, now=desk.now)

    told = desk.only()
    assert told["eventType"] == "ACCEPT"
    assert [one["type"] for one in told["previousAppointment"]["participants"]] == ["CUSTOMER"]
    assert [one["type"] for one in told["appointment"]["participants"]] == ["CUSTOMER", "EMPLOYEE"]


@pytest.mark.rule("webhook.appointment.post.r51")
@pytest.mark.parametrize(
    "act",
    [
        lambda desk, one: services.update_appointment(
            one.id, changes={"title": ""}, customer=None, actor=desk.actor, now=desk.now
        ),
        lambda desk, one: services.reassign_appointment(
            one.id, user_id=str(desk.agent.id), actor=desk.actor, now=desk.now
        ),
        lambda desk, one: services.reschedule_appointment(
            one.id,
            start=desk.start,
            duration=HALF_AN_HOUR,
            zone=BERLIN,
            locale=None,
            actor=desk.actor,
            now=desk.now,
        ),
    ],
    ids=["the same texts", "the same agent", "the same time"],
)
def test_what_changes_nothing_is_no_event_and_no_new_version(desk: Desk, act: Act) -> None:
    one = desk.booked()
    desk.told()
    before = Appointment.objects.get(pk=one.pk).updated_at

    desk.now += timedelta(minutes=1)
    act(desk, one)

    assert desk.told() == []
    assert Appointment.objects.get(pk=one.pk).updated_at == before


@pytest.mark.rule("webhook.appointment.post.r52")
def test_a_change_of_the_subject_alone_is_no_event(desk: Desk) -> None:
    one = desk.booked()
    desk.told()

    Subject.objects.filter(organization_id=one.organization_id).update(name={"en": "Mortgages"})
    assert desk.told() == []
    change(desk, one)

    names = desk.only()["appointment"]["subject"]["translations"]["name"]
    assert names == [{"value": "Mortgages", "language": "en"}]


def test_what_happens_in_the_conference_is_not_told(desk: Desk) -> None:
    one = desk.booked()
    desk.told()

    services.accept_interaction(
        one.id,
        participant_id=str(desk.agent.id),
        actor=make.actor_for(desk.agent),
        now=desk.now,
    )

    assert Appointment.objects.get(pk=one.pk).state == State.IN_PROGRESS
    assert desk.told() == []


def test_the_clock_closes_what_has_ended(desk: Desk) -> None:
    one = desk.booked()
    agent = one.participants.get(user=desk.agent)
    for each in (agent, customer_of(one)):
        services.set_participant_state(
            one.id,
            participant_id=each.wire_id,
            state=ParticipantState.JOINED,
            actor=desk.actor,
            now=desk.now,
        )
    desk.told()

    services.finish_due_appointments(now=desk.start + timedelta(days=1))

    told = desk.only()
    assert (told["eventType"], told["appointment"]["updatedByType"]) == ("COMPLETE", "OTHER")


def test_whether_people_are_notified_makes_no_difference() -> None:
    desk = make_desk(notifications_active=False)

    desk.booked()

    assert desk.only()["eventType"] == "CREATE"


def test_a_subscription_hears_of_the_events_that_it_wants(desk: Desk) -> None:
    desk.hook.types = ["CANCEL"]
    desk.hook.save()
    one = desk.booked()

    cancel(desk, one)

    assert desk.only()["eventType"] == "CANCEL"
    assert Notification.objects.filter(recipient_id=desk.hook.pk).count() == 1
