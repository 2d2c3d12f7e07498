"""Who is told of what over which channels: the contract's notification_triggers, all of them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from appointments import services
from notifications.models import Channel, Notification, NotificationType, Subscription
from notifications.services import queue
from notifications.services.planning import CHANNELS
from tests import make
from tests.appointments import acts
from tests.appointments.acts import Act
from tests.appointments.scene import Scene, make_scene
from tests.contract import contract

pytestmark = pytest.mark.django_db

LIFECYCLE = yaml.safe_load((contract.FOLDER / "appointments-v2.yaml").read_text())["lifecycle"]
TRIGGERS: dict[str, dict[str, Any]] = {
    line["type"]: line for line in LIFECYCLE["notification_triggers"]
}
ADA = make.make_customer(phone="+4930901820")

Whom = set[tuple[str, str]]
CUSTOMERS: Whom = {("EMAIL", "CUSTOMER"), ("SMS", "CUSTOMER")}
SUBSCRIBERS: Whom = {("WEBHOOKS", "SYSTEM")}
AGENTS: Whom = {("EMAIL", "AGENT")}
# What starts each type, who is told, and who is told besides while notify_agents is on.
WHOM: dict[str, tuple[Act, Whom, Whom]] = {
    "CREATE": (acts.nothing, CUSTOMERS | SUBSCRIBERS, AGENTS),
    "UPDATE": (acts.update, SUBSCRIBERS, set()),
    "RESCHEDULE": (acts.reschedule, CUSTOMERS | SUBSCRIBERS, AGENTS),
    "REASSIGN": (acts.reassign, SUBSCRIBERS, AGENTS),
    "ROOM": (acts.activate, CUSTOMERS, set()),
    "REMINDER": (acts.nothing, CUSTOMERS | SUBSCRIBERS, AGENTS),
    "CANCELLED": (acts.delete, CUSTOMERS | SUBSCRIBERS, AGENTS),
    "FOLLOW_UP": (acts.both_come_and_leave_after_the_end, CUSTOMERS, set()),
    "IN_PROGRESS": (acts.join, SUBSCRIBERS, set()),
    "COMPLETED": (acts.both_come_and_leave_after_the_end, SUBSCRIBERS, set()),
    "FAILED": (acts.fail, SUBSCRIBERS, set()),
    "NO_SHOW": (acts.the_end_passes, SUBSCRIBERS, set()),
    "PARTICIPANT_ADDED": (acts.add_agent, SUBSCRIBERS, set()),
    "PARTICIPANT_REMOVED": (acts.remove, SUBSCRIBERS, set()),
    "PARTICIPANT_UPDATED": (acts.join, SUBSCRIBERS, set()),
    "INTERACTION_UPDATED": (acts.accept, SUBSCRIBERS, set()),
}
each_type = pytest.mark.parametrize("type", sorted(WHOM))


def make_told(*channels: Channel, **options: Any) -> Scene:
    """Make a scene that is told over these channels; it is activated by hand."""
    application = make.make_application(**{"activates_automatically": False, **options})
    for channel in channels or Channel:
        make.make_channel(
            application,
            channel,
            reminder_offsets=["PT1H"],
            room_offsets=["PT30M"],
            follow_up_offsets=["PT2H"],
        )
    make.make_subscription(application)
    return make_scene(application=application, customers=[ADA])


def told(type: str, one: Scene) -> Whom:
    rows = Notification.objects.filter(type=type, subject_id=one.appointment.id)
    return set(rows.values_list("channel", "recipient_type"))


def test_the_table_has_the_types_and_channels_of_the_contract() -> None:
    channels = {
        type: {channel for channel, _ in whom | besides}
        for type, (_, whom, besides) in WHOM.items()
    }

    assert channels == {type: set(line["channels"]) for type, line in TRIGGERS.items()}
    assert set(WHOM) == set(NotificationType)
    assert {str(type): set(map(str, each)) for type, each in CHANNELS.items()} == channels


@each_type
@pytest.mark.parametrize("notify_agents", [False, True])
def test_each_type_is_told_to_whom_it_concerns(type: str, notify_agents: bool) -> None:
    act, whom, besides = WHOM[type]
    one = make_told(notify_agents=notify_agents)

    act(one)

    assert told(type, one) == whom | (besides if notify_agents else set())


@each_type
@pytest.mark.parametrize("off", list(Channel))
def test_a_channel_that_is_off_tells_nobody(type: str, off: Channel) -> None:
    act, whom, besides = WHOM[type]
    one = make_told(*(each for each in Channel if each != off), notify_agents=True)
    make.make_channel(one.application, off)
    one.application.channel_settings.filter(channel=off).update(is_on=False)
    # The other application of the organisation has it on.
    make.make_channel(make.make_application(one.application.organization), off)

    act(one)

    assert told(type, one) == {each for each in whom | besides if each[0] != off}


@each_type
def test_nobody_is_told_while_notifications_are_not_active(type: str) -> None:
    act, *_ = WHOM[type]
    one = make_told(notify_agents=True, notifications_active=False)

    act(one)

    assert not Notification.objects.exists()


@each_type
def test_the_setting_of_the_moment_of_booking_counts(type: str) -> None:
    act, whom, _ = WHOM[type]
    one = make_told()
    one.application.notifications_active = False
    one.application.save()

    act(one)

    assert told(type, one) == whom


@each_type
def test_subscribers_are_told_the_types_they_want(type: str) -> None:
    act, whom, _ = WHOM[type]
    one = make_told()
    Subscription.objects.all().delete()
    another = next(each for each in NotificationType if each != type)
    wants = make.make_subscription(one.application, types=[type, "UPDATE"])
    for options in ({"types": [another]}, {"types": [type], "is_active": False}):
        make.make_subscription(one.application, **options)
    make.make_subscription(make.make_application(one.application.organization), types=[type])
    if type in ("CREATE", "REMINDER"):
        one = make_scene(application=one.application, customers=[ADA])

    act(one)

    subscribers = Notification.objects.filter(
        type=type, channel="WEBHOOKS", subject_id=one.appointment.id
    )
    expected = {wants.id} if whom >= SUBSCRIBERS else set()
    assert set(subscribers.values_list("recipient_id", flat=True)) == expected


def test_two_subscribers_are_told_apart() -> None:
    one = make_told()
    second = make.make_subscription(one.application)

    acts.fail(one)

    rows = Notification.objects.filter(type="FAILED").values_list("recipient_id", flat=True)
    assert set(rows) == {second.id, *Subscription.objects.values_list("id", flat=True)}
    assert len(rows) == 2


def test_without_an_address_a_channel_reaches_nobody() -> None:
    application = make.make_application()
    for channel in Channel:
        make.make_channel(application, channel, reminder_offsets=["PT1H"])
    nobody = make.make_customer(email="", phone="")
    one = make_scene(application=application, customers=[nobody, make.make_customer(phone="")])

    rows = Notification.objects.values_list("type", "channel", "recipient_id")
    _, ada = make.customers_of(one.appointment)
    assert set(rows) == {("CREATE", "EMAIL", ada.id), ("REMINDER", "EMAIL", ada.id)}


def test_a_customer_who_never_joined_gets_no_follow_up() -> None:
    one = make_told()
    services.add_customer(
        one.appointment.id,
        data=make.make_customer(),
        actor=one.actor,
        now=acts.booked(one),
    )

    acts.both_come_and_leave_after_the_end(one)

    rows = Notification.objects.filter(type="FOLLOW_UP").values_list("recipient_id", flat=True)
    assert set(rows) == {one.customer.id}
    assert len(make.customers_of(one.appointment)) == 2


@pytest.mark.parametrize(("type", "act"), [
    ("REMINDER", acts.reschedule), ("RESCHEDULE", acts.reschedule), ("CANCELLED", acts.delete),
])  # fmt: skip
def test_an_added_agent_is_told_like_the_first_one(type: str, act: Act) -> None:
    one = make_told(notify_agents=True)
    acts.add_agent(one)
    agents = set(one.appointment.participants.filter(type="AGENT").values_list("id", flat=True))

    act(one)

    rows = Notification.objects.filter(type=type, recipient_type="AGENT", status="INITIALIZED")
    assert set(rows.values_list("recipient_id", flat=True)) == agents
    assert len(agents) == 2


def test_only_the_new_agent_is_told_of_a_reassignment() -> None:
    one = make_told(notify_agents=True)
    former = one.agent_row

    acts.reassign(one)

    [new] = one.appointment.participants.filter(type="AGENT")
    told_agents = Notification.objects.filter(recipient_type="AGENT", status="INITIALIZED")
    assert set(told_agents.values_list("type", "recipient_id")) == {
        ("REASSIGN", new.id),
        ("REMINDER", new.id),
    }
    assert new.id != former.id


def test_a_cancelled_appointment_that_is_deleted_tells_nobody_again() -> None:
    one = make_told()
    acts.cancel(one)
    assert told("CANCELLED", one) == CUSTOMERS | SUBSCRIBERS
    count = Notification.objects.count()

    acts.delete(one)

    assert Notification.objects.count() == count


def test_whoever_is_activated_automatically_is_not_invited() -> None:
    one = make_told(activates_automatically=True)

    acts.activate(one)
    acts.reschedule(one)

    assert told("ROOM", one) == set()


def test_an_activated_appointment_is_invited_to_anew_when_it_moves() -> None:
    one = make_told()
    acts.activate(one)
    first = list(Notification.objects.filter(type="ROOM").values_list("id", flat=True))

    acts.reschedule(one)

    rooms = Notification.objects.filter(type="ROOM").exclude(id__in=first)
    assert set(rooms.values_list("channel", "status")) == {
        ("EMAIL", "INITIALIZED"),
        ("SMS", "INITIALIZED"),
    }
    old = Notification.objects.filter(id__in=first)
    assert set(old.values_list("status", flat=True)) == {"CANCELLED"}


@pytest.mark.django_db(transaction=True)
def test_while_the_organization_is_switched_off_all_is_planned_and_nothing_sent() -> None:
    one = make_told()
    organization = one.application.organization
    organization.notifications_on = False
    organization.save()

    acts.reschedule(one)

    assert told("RESCHEDULE", one) == CUSTOMERS | SUBSCRIBERS
    assert queue.claim_due(Channel.EMAIL, limit=100).claims == []
    organization.notifications_on = True
    organization.save()
    taken = queue.claim_due(Channel.EMAIL, limit=100).claims
    assert {claim.row["type"] for claim in taken} == {"CREATE", "RESCHEDULE"}
