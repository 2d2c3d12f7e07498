"""Removing a participant from an appointment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from appointments import services
from appointments.errors import TicketUnknown
from appointments.models import Participant
from notifications.models import Channel, Notification, NotificationContent, NotificationEvent
from notifications.services import erase_forgotten
from tests import make
from tests.appointments.scene import UNKNOWN, at_once, listening, make_scene
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

ALL = tuple(Channel)
TWO = (
    make.make_customer(phone="+4930901820"),
    make.make_customer(first_name="Grace", email="grace@example.org", phone="+12025550143"),
)


@pytest.mark.rule("v2.participants.remove.r3", "v2.participants.remove.r6")
@pytest.mark.parametrize("index", [0, 1, 2])
def test_the_answer_is_the_appointment_without_the_participant(index: int) -> None:
    one = make_scene(customers=TWO)
    before = one.read()
    [gone] = before["participants"][index : index + 1]

    answer = one.by(one.supervisor).delete(one.path_of(gone["id"]))

    left = [each for each in before["participants"] if each != gone]
    assert answer.status_code == 200
    assert answer.json() == one.read() == before | {"participants": left}


@pytest.mark.rule("v2.participants.remove.r6")
def test_nobody_has_to_be_left() -> None:
    one = make_scene()

    for participant in (one.customer, one.agent_row):
        one.by(one.supervisor).delete(one.path_of(participant))

    assert one.read()["participants"] == []
    assert Participant.objects.filter(appointment=one.appointment).count() == 0


@pytest.mark.rule("v2.participants.remove.r7")
def test_the_organizer_stays_organizer_without_taking_part() -> None:
    one = make_scene()

    body = one.by(one.agent).delete(one.path_of(one.agent_row)).json()

    assert body["organizer"] == {"id": str(one.agent.id), "type": "AGENT"}
    assert [each["type"] for each in body["participants"]] == ["CUSTOMER"]
    assert one.by(one.agent).get(one.path).status_code == 200


@pytest.mark.rule("v2.participants.remove.r6")
def test_an_agent_who_is_left_takes_the_place_of_the_first_one_and_refuses_nobody() -> None:
    one = make_scene(application=make.make_application(prevent_overlaps=True))
    make.make_appointment(one.application, agent=one.colleague, start=one.appointment.start)
    services.add_agent(
        one.appointment.id,
        user_id=str(one.colleague.id),
        actor=one.actor,
        now=one.appointment.created_at,
    )

    one.by(one.supervisor).delete(one.path_of(one.agent_row))

    [heir] = Participant.objects.filter(appointment=one.appointment, type="AGENT")
    assert (heir.user_id, heir.role, heir.is_exclusive) == (one.colleague.id, "PRIMARY", False)
    assert heir.occupies
    assert heir.occupies.lower == one.appointment.start


@pytest.mark.rule("v2.participants.remove.r11")
@pytest.mark.parametrize(("who", "step"), [("customer", 1), ("agent_row", 0)])
def test_to_a_customers_calendar_the_removal_is_a_new_version(who: str, step: int) -> None:
    one = make_scene(Channel.EMAIL)
    before = one.row().sequence

    one.by(one.supervisor).delete(one.path_of(getattr(one, who)))

    assert one.row().sequence == before + step
    last = Notification.objects.filter(type="CANCELLED").values_list(
        "snapshot__sequence", flat=True
    )
    assert list(last) == [before + 1] * step


@pytest.mark.rule("v2.participants.remove.r4")
def test_whoever_is_gone_cannot_be_removed_again() -> None:
    one = make_scene(*ALL)
    gone = one.path_of(one.customer)
    one.by(one.supervisor).delete(gone)
    before = everything()

    answer = one.by(one.supervisor).delete(gone)

    assert (answer.status_code, answer.json()["code"]) == (404, "PARTICIPANT_NOT_FOUND")
    assert everything() == before


@pytest.mark.rule("v2.participants.remove.r5")
@pytest.mark.parametrize("place", ["unknown", "no id", "foreign"])
def test_an_unknown_appointment_has_nobody_to_remove(place: str) -> None:
    one, theirs = make_scene(), make_scene()
    id = {"unknown": UNKNOWN, "no id": "x", "foreign": str(theirs.appointment.id)}[place]
    before = everything()

    answer = one.by(one.supervisor).delete(
        f"/api/v2/appointments/{id}/participants/{theirs.customer.id}"
    )

    assert (answer.status_code, answer.json()["code"]) == (404, "APPOINTMENT_NOT_FOUND")
    assert everything() == before


@pytest.mark.rule("v2.participants.remove.r5")
@pytest.mark.parametrize("who", ["customer", "agent_row", "agent's row id", "unknown", "no id"])
def test_a_participant_of_another_appointment_is_not_found(who: str) -> None:
    one = make_scene()
    other = make_scene(application=one.application)
    id = {
        "customer": str(other.customer.id),
        "agent_row": str(other.agent.id),
        # Agents are known by their user id alone.
        "agent's row id": str(one.agent_row.id),
        "unknown": UNKNOWN,
        "no id": "ada@example.org",
    }[who]
    before = everything()

    answer = one.by(one.supervisor).delete(one.path_of(id))

    assert (answer.status_code, answer.json()["code"]) == (404, "PARTICIPANT_NOT_FOUND")
    assert everything() == before


@pytest.mark.rule("v2.participants.remove.r8")
def test_a_removed_customer_gets_in_no_more_and_the_other_one_still_does() -> None:
    one = make_scene(customers=TWO)
    gone, other = make.customers_of(one.appointment)
    tickets = [str(services.access_url(each)).rpartition("/")[2] for each in (gone, other)]
    token, now = one.by(gone), timezone.now()
    assert services.find_ticket(tickets[0], address="192.0.2.1", now=now).customer == gone

    one.by(one.supervisor).delete(one.path_of(gone))

    with pytest.raises(TicketUnknown):
        services.find_ticket(tickets[0], address="192.0.2.1", now=now)
    assert services.find_ticket(tickets[1], address="192.0.2.1", now=now).customer == other
    assert token.get(one.path).status_code == 401
    assert one.by(one.supervisor).get(one.path_of(gone)).status_code == 404
    assert one.by(one.supervisor).get(one.path_of(other)).status_code == 200


@pytest.mark.rule("v2.participants.remove.r9")
def test_what_was_planned_for_a_removed_customer_is_cancelled_and_nothing_else() -> None:
    application = make.make_application(notify_agents=True, activates_automatically=False)
    make.make_channel(application, reminder_offsets=["PT1H"], room_offsets=["PT30M"])
    make.make_channel(application, Channel.SMS, reminder_offsets=["PT2H"])
    one = make_scene(application=application, customers=TWO)
    client, _ = make.make_api_client(application.organization)
    services.activate_appointment(
        one.appointment.id, actor=make.actor_for(client), now=timezone.now()
    )
    gone, _ = make.customers_of(one.appointment)
    planned = Notification.objects.filter(subject_id=one.appointment.id, status="INITIALIZED")
    his = set(planned.filter(recipient_id=gone.id).values_list("type", "channel"))
    others = set(planned.exclude(recipient_id=gone.id).values_list("id", flat=True))

    one.by(one.supervisor).delete(one.path_of(gone))

    cancelled = Notification.objects.filter(status="CANCELLED")
    assert set(cancelled.values_list("type", "channel")) == his
    assert {type_ for type_, _ in his} == {"CREATE", "REMINDER", "ROOM"}
    assert set(cancelled.values_list("recipient_id", "due_at", "message")) == {
        (gone.id, None, "The participant was removed.")
    }
    assert others <= set(planned.values_list("id", flat=True))
    steps = NotificationEvent.objects.filter(status="CANCELLED").values_list("notification_id")
    assert sorted(steps) == sorted(cancelled.values_list("id"))


@pytest.mark.rule("v2.participants.remove.r9")
def test_what_was_sent_to_a_removed_customer_stays_sent() -> None:
    one = make_scene(Channel.EMAIL)
    Notification.objects.update(status="DELIVERED", due_at=None)

    one.by(one.supervisor).delete(one.path_of(one.customer))

    assert Notification.objects.get(type="CREATE").status == "DELIVERED"


@pytest.mark.rule("v2.participants.remove.r9")
def test_what_is_being_sent_to_a_removed_customer_is_not_tried_again() -> None:
    one = make_scene(Channel.EMAIL)
    lease = timezone.now() + timedelta(minutes=1)
    Notification.objects.update(status="PENDING", attempt=1, due_at=lease, lease_until=lease)

    one.by(one.supervisor).delete(one.path_of(one.customer))

    in_hand = Notification.objects.get(type="CREATE")
    assert (in_hand.status, in_hand.attempt, in_hand.lease_until) == ("PENDING", 1, lease)
    # The claim cancels what comes later than this.
    assert in_hand.not_after
    assert in_hand.not_after <= timezone.now()


@pytest.mark.rule("v2.participants.remove.r10", "v2.participants.remove.r11")
def test_a_removed_customer_and_subscribers_are_told_and_nobody_else() -> None:
    application = make.make_application(notify_agents=True)
    one = make_scene(*ALL, application=application, customers=TWO)
    gone, _ = make.customers_of(one.appointment)

    with listening() as told:
        one.by(one.agent).delete(one.path_of(gone))

    assert told == [
        at_once("CANCELLED", "EMAIL", gone),
        at_once("CANCELLED", "SMS", gone),
        at_once("PARTICIPANT_REMOVED", "WEBHOOKS", one.hook),
    ]


@pytest.mark.rule("v2.participants.remove.r10")
def test_of_a_removed_agent_subscribers_alone_are_told() -> None:
    one = make_scene(*ALL, application=make.make_application(notify_agents=True))

    with listening() as told:
        one.by(one.supervisor).delete(one.path_of(one.agent_row))

    assert told == [at_once("PARTICIPANT_REMOVED", "WEBHOOKS", one.hook)]


@pytest.mark.rule("v2.participants.remove.r10", "v2.participants.remove.r11")
@pytest.mark.parametrize("who", ["customer", "agent_row"])
def test_nobody_is_told_of_a_removal_while_notifications_are_not_active(who: str) -> None:
    one = make_scene(*ALL, application=make.make_application(notifications_active=False))

    with listening() as told:
        answer = one.by(one.supervisor).delete(one.path_of(getattr(one, who)))

    assert (answer.status_code, told) == (200, [])


@pytest.mark.rule("v2.participants.remove.r8", "v2.participants.remove.r11")
def test_a_removed_customer_is_forgotten_once_it_was_told() -> None:
    one = make_scene(Channel.EMAIL, customers=TWO)
    gone, other = make.customers_of(one.appointment)
    one.by(one.supervisor).delete(one.path_of(gone))
    his = NotificationContent.objects.filter(notification__recipient_id=gone.id)
    erase_forgotten(now=timezone.now())
    waiting = his.get(notification__type="CANCELLED")
    assert (waiting.address, waiting.first_name) == ("ada@example.org", "Ada")

    Notification.objects.filter(type="CANCELLED").update(status="DELIVERED", due_at=None)
    erase_forgotten(now=timezone.now())

    erased = his.values_list("address", "first_name", "last_name", "facts", "link")
    assert list(erased) == [("", "", "", {}, None)] * 2
    kept = NotificationContent.objects.get(notification__recipient_id=other.id)
    assert (kept.address, kept.first_name) == ("grace@example.org", "Grace")


def test_what_the_others_still_get_names_the_removed_agent_no_more() -> None:
    one = make_scene(Channel.WEBHOOKS)
    make.make_channel(one.application, Channel.EMAIL, reminder_offsets=["PT1H"])
    one.by(one.agent).post(
        "/api/v2/appointments/participants/customers/",
        {
            "id": str(one.appointment.id),
            "customer": {"contact": {"primaryEmail": "grace@example.org"}},
        },
    )
    planned = NotificationContent.objects.filter(notification__status="INITIALIZED")
    assert {each.facts["agentName"] for each in planned} == {"Grace Hopper"}

    one.by(one.agent).delete(one.path_of(one.agent_row))

    assert {each.facts.get("agentName") for each in planned.all()} == {None}
