"""PUT /api/v2/appointments/reschedule/: moving an appointment to another time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from appointments import services
from appointments.models import Appointment, Participant, ParticipantState, State
from config.kernel.actors import Role
from config.kernel.time import format_instant
from notifications.models import Channel, Notification, OutboxEvent
from tests import make
from tests.contract.state import everything
from tests.make import make_appointment, make_customer

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.models import Application, User
    from notifications.models import Subscription
    from tests.contract.client import ApiClient as Api

pytestmark = pytest.mark.django_db

PATH = "/api/v2/appointments/reschedule/"
UNKNOWN = "0190a1b2-0000-7000-8000-00000000dead"
# Berlin skips from 02:00 to 03:00, which is 01:00 UTC: 01:30 by the clock, half an hour before.
NEW: dict[str, Any] = {
    "start": "2027-03-28T00:30:00Z",
    "duration": "PT1H",
    "timezone": "Europe/Berlin",
}
START = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ADA = make_customer(phone="+4930901820")


@pytest.fixture
def application() -> Application:
    return make.make_application()


@pytest.fixture
def agent(application: Application) -> User:
    return make.make_user(application.organization)


@pytest.fixture
def client(api: Callable[[str], Api], agent: User) -> Api:
    return api(make.token_for(agent))


@pytest.fixture
def subscription(application: Application) -> Subscription:
    """Every channel is on, with reminders and invitations; one webhook hears of everything."""
    for channel in Channel:
        make.make_channel(
            application, channel, reminder_offsets=["PT2H", "P1D"], room_offsets=["PT15M"]
        )
    return make.make_subscription(application)


def read(client: Api, appointment: Appointment) -> dict[str, Any]:
    body: dict[str, Any] = client.get(f"/api/v2/appointments/{appointment.id}").json()
    return body


Told = list[tuple[str, str, object]]


def planned(type_: str, status: str = "INITIALIZED") -> Told:
    """Give what of a type has a status: over which channel, to whom, and when it is due."""
    rows = Notification.objects.filter(type=type_, status=status)
    return sorted(
        (one.channel, one.recipient_type, format_instant(one.due_at) if one.due_at else None)
        for one in rows
    )


# --- The request ------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.reschedule.r3", "v2.appointments.reschedule.r8")
@pytest.mark.parametrize(
    ("member", "value"),
    [
        *[(member, value) for member in ("id", "start", "duration", "timezone")
          for value in (..., None, "", 7)],
        ("start", "tomorrow"),
        ("start", "2027-02-29T00:00:00Z"),
        ("duration", "1 hour"),
        ("duration", "PT0S"),
        ("duration", "-PT1H"),
        ("duration", "P1M"),
        ("timezone", "Berlin"),
        ("timezone", "Factory"),
        ("timezone", "+01:00"),
        ("locale", "english"),
    ],
)  # fmt: skip
def test_a_member_that_is_missing_or_cannot_be_read_is_answered_400_and_named(
    client: Api, agent: User, member: str, value: object
) -> None:
    booked = make_appointment(make.make_application(agent.organization), agent=agent)
    body = {"id": str(booked.id), **NEW, member: value}
    if value is ...:
        del body[member]
    before = everything()

    answer = client.put(PATH, body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [member])
    assert everything() == before


@pytest.mark.rule("v2.appointments.reschedule.r4")
@pytest.mark.parametrize("key", [UNKNOWN, "x", "another organization's"])
def test_an_unknown_id_is_answered_404(client: Api, key: str) -> None:
    theirs = make_appointment()
    before = everything()

    answer = client.put(PATH, {**NEW, "id": str(theirs.id) if " " in key else key})

    assert (answer.status_code, answer.json()["code"]) == (404, "APPOINTMENT_NOT_FOUND")
    assert everything() == before


@pytest.mark.rule("v2.appointments.reschedule.r7")
@pytest.mark.parametrize("seconds", [-3600, -1])
def test_an_end_that_is_not_in_the_future_is_answered_400(
    client: Api, application: Application, agent: User, now: datetime, seconds: int
) -> None:
    booked = make_appointment(application, agent=agent)
    start = now + timedelta(seconds=seconds) - HOUR
    before = everything()

    answer = client.put(PATH, {"id": str(booked.id), **NEW, "start": format_instant(start)})

    message = "The end of the appointment is not in the future."
    assert (answer.status_code, answer.json()) == (
        400,
        {"code": "ENDS_IN_THE_PAST", "message": message, "errors": {"start": [message]}},
    )
    assert everything() == before


@pytest.mark.rule("v2.appointments.reschedule.r7")
def test_a_start_that_has_passed_is_taken_while_the_end_is_to_come(
    client: Api, application: Application, agent: User, now: datetime
) -> None:
    booked = make_appointment(application, agent=agent)
    start = format_instant(now - HOUR + timedelta(minutes=1))

    answer = client.put(PATH, {"id": str(booked.id), **NEW, "start": start})

    assert (answer.status_code, answer.json()["start"]) == (200, start)


@pytest.mark.parametrize("caller", ["a stranger", "not joined"])
def test_an_agent_who_may_not_change_it_is_answered_403(
    client: Api, application: Application, agent: User, caller: str
) -> None:
    colleague = make.make_user(application.organization)
    organizer = colleague if caller == "a stranger" else agent
    booked = make_appointment(application, organizer=organizer, agent=colleague)
    if caller == "not joined":
        Participant.objects.filter(user=colleague).update(first_joined_at=timezone.now())
    before = everything()

    answer = client.put(PATH, {"id": str(booked.id), **NEW})

    codes = {"a stranger": "NOT_YOUR_APPOINTMENT", "not joined": "APPOINTMENT_ALREADY_JOINED"}
    assert (answer.status_code, answer.json()["code"]) == (403, codes[caller])
    assert everything() == before


# --- The new time -----------------------------------------------------------------------------


@pytest.mark.rule(
    "v2.appointments.reschedule.r5", "v2.appointments.reschedule.r6",
    "v2.appointments.reschedule.r9", "v2.appointments.reschedule.r13",
)  # fmt: skip
@pytest.mark.parametrize(
    ("sent", "times"),
    [
        ({}, ("2027-03-28T00:30:00Z", "2027-03-28T01:30:00Z", "2027-03-28T05:30:00Z")),
        (
            {"start": "2027-03-28T03:30:00+02:00", "duration": "PT60M"},
            ("2027-03-28T01:30:00Z", "2027-03-28T02:30:00Z", "2027-03-28T06:30:00Z"),
        ),
        # 02:30 on the day without it has the offset before the gap: 01:30 UTC.
        (
            {"start": "2027-03-27T01:30:00Z", "duration": "P1D"},
            ("2027-03-27T01:30:00Z", "2027-03-28T01:30:00Z", "2027-03-28T05:30:00Z"),
        ),
        # On the day that has 25 hours, and in a zone where it has 24.
        (
            {"start": "2027-10-30T22:00:00Z", "duration": "P1D"},
            ("2027-10-30T22:00:00Z", "2027-10-31T23:00:00Z", "2027-11-01T03:00:00Z"),
        ),
        (
            {"start": "2027-10-30T22:00:00Z", "duration": "P1D", "timezone": "Asia/Tokyo"},
            ("2027-10-30T22:00:00Z", "2027-10-31T22:00:00Z", "2027-11-01T02:00:00Z"),
        ),
        (
            {"start": "2027-12-31T23:59:59.999999Z", "duration": "PT0.000001S"},
            ("2027-12-31T23:59:59.999999Z", "2028-01-01T00:00:00Z", "2028-01-01T04:00:00Z"),
        ),
    ],
)  # fmt: skip
def test_the_appointment_has_the_new_time_and_everything_else_stays(
    client: Api, agent: User, sent: dict[str, Any], times: tuple[str, str, str]
) -> None:
    booked = make_appointment(
        make.make_application(agent.organization), agent=agent, customers=[ADA, ADA],
        zone="America/New_York", locale="de-DE", title="Review", notes="Notes",
        metadata={"a": 1}, custom_fields={"b": "2"}, notification_headers={"X-C": "3"},
    )  # fmt: skip
    expected = read(client, booked)

    answer = client.put(PATH, {"id": str(booked.id), **NEW, **sent})

    start, end, expires = times
    zone = sent.get("timezone", "Europe/Berlin")
    expected |= {"start": start, "end": end, "timezone": zone}
    expected["duration"] = answer.json()["duration"]
    for customer in expected["participants"][:2]:
        customer["ticket"]["expiresAt"] = expires
    assert answer.json() == expected
    assert read(client, booked) == expected


@pytest.mark.rule("v2.appointments.reschedule.r5")
@pytest.mark.parametrize(
    ("duration", "shown"),
    [("PT90M", "PT1H30M"), ("P1W", "P7D"), ('"PT24H"', "PT24H"), ("P1DT0.5S", "P1DT0.5S")],
)
def test_the_duration_is_shown_as_it_was_meant(
    client: Api, application: Application, agent: User, duration: str, shown: str
) -> None:
    booked = make_appointment(application, agent=agent)

    answer = client.put(PATH, {"id": str(booked.id), **NEW, "duration": duration})

    assert answer.json()["duration"] == shown


@pytest.mark.rule("v2.appointments.reschedule.r6")
@pytest.mark.parametrize(
    ("sent", "locale"),
    [({}, "de-DE"), ({"locale": None}, "de-DE"), ({"locale": '"en_gb"'}, "en-GB")],
)
def test_the_locale_is_replaced_only_where_one_is_given(
    client: Api, application: Application, agent: User, sent: dict[str, Any], locale: str
) -> None:
    booked = make_appointment(application, agent=agent, locale="de-DE")

    answer = client.put(PATH, {"id": str(booked.id), **NEW, **sent})

    assert answer.json()["locale"] == locale


@pytest.mark.rule("v2.appointments.reschedule.r10")
def test_an_appointment_that_is_not_active_is_not_activated(
    client: Api, application: Application, agent: User
) -> None:
    application.activates_automatically = False
    application.save()
    booked = make_appointment(application, agent=agent)

    answer = client.put(PATH, {"id": str(booked.id), **NEW})

    booked.refresh_from_db()
    assert (booked.state, booked.activated_at) == (State.SCHEDULED, None)
    assert [sorted(one) for one in answer.json()["participants"]] == [
        ["detailsAvailable", "id", "type"]
    ] * 2


def test_calendars_and_reminders_see_a_new_version(
    client: Api, application: Application, agent: User
) -> None:
    booked = make_appointment(application, agent=agent)

    client.put(PATH, {"id": str(booked.id), **NEW})

    moved = Appointment.objects.get()
    assert (moved.sequence, moved.schedule_version) == (
        booked.sequence + 1,
        booked.schedule_version + 1,
    )


# --- States -----------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.reschedule.r14")
@pytest.mark.parametrize("same_time", [False, True])
@pytest.mark.parametrize("state", [State.IN_PROGRESS, State.COMPLETED])
def test_what_is_in_progress_or_over_is_answered_400(
    client: Api, application: Application, agent: User, state: State, same_time: bool
) -> None:
    start = START if same_time else START + DAY
    booked = make_appointment(application, agent=agent, start=start, duration="PT1H", state=state)
    before = everything()

    answer = client.put(PATH, {"id": str(booked.id), **NEW})

    refusal = {
        "code": "APPOINTMENT_NOT_RESCHEDULABLE",
        "message": f"An appointment that is {state.label.lower()} cannot be moved.",
        "errors": {},
    }
    assert (answer.status_code, answer.json()) == (400, refusal)
    assert everything() == before


def test_what_was_cancelled_is_answered_400(
    client: Api, application: Application, agent: User
) -> None:
    booked = make_appointment(application, agent=agent)
    services.cancel_appointment(booked.id, actor=make.actor_for(agent), now=timezone.now())
    before = everything()

    answer = client.put(PATH, {"id": str(booked.id), **NEW})

    message = "The appointment was cancelled."
    assert (answer.status_code, answer.json()) == (
        400,
        {"code": "APPOINTMENT_IS_CANCELLED", "message": message, "errors": {}},
    )
    assert everything() == before


@pytest.mark.rule("v2.appointments.reschedule.r14", "v2.appointments.reschedule.r15")
@pytest.mark.parametrize("same_time", [False, True])
@pytest.mark.parametrize("is_active", [False, True])
@pytest.mark.parametrize("state", [State.FAILED, State.NO_SHOW])
def test_what_failed_or_was_missed_is_scheduled_or_active_again(
    client: Api, agent: User, state: State, is_active: bool, same_time: bool
) -> None:
    application = make.make_application(agent.organization, activates_automatically=is_active)
    start = START if same_time else START + DAY
    booked = make_appointment(application, agent=agent, start=start, duration="PT1H", state=state)
    Appointment.objects.update(interaction_state="COMPLETE")
    Participant.objects.update(occupies=None)

    answer = client.put(PATH, {"id": str(booked.id), **NEW})

    booked.refresh_from_db()
    assert booked.state == (State.ACTIVATED if is_active else State.SCHEDULED)
    assert answer.json()["interaction"]["state"] == "PENDING"
    occupied = Participant.objects.get(user=agent).occupies
    assert (occupied.lower, occupied.upper) == (START, START + HOUR)


@pytest.mark.rule("v2.appointments.reschedule.r15")
def test_the_same_time_again_tells_nobody(
    client: Api, application: Application, agent: User, subscription: Subscription
) -> None:
    booked = make_appointment(application, agent=agent, start=START, duration="PT1H")
    before = everything()

    answer = client.put(PATH, {"id": str(booked.id), **NEW, "duration": "PT3600S"})

    assert (answer.status_code, answer.json()) == (200, read(client, booked))
    assert everything() == before


@pytest.mark.rule("v2.appointments.reschedule.r15", "v2.appointments.reschedule.r14")
@pytest.mark.parametrize("has_begun", [False, True])
def test_the_same_time_for_what_failed_tells_nobody_and_reminds_everybody_once(
    client: Api, application: Application, agent: User, subscription: Subscription,
    has_begun: bool,
) -> None:  # fmt: skip
    booked = make_appointment(application, agent=agent, start=START, duration="PT1H")
    reminders, actor, now = planned("REMINDER"), make.actor_for(agent), timezone.now()
    if has_begun:
        services.set_participant_state(
            booked.id, participant_id=str(agent.id), state=ParticipantState.JOINED, actor=actor,
            now=now,
        )  # fmt: skip
    services.report_failure(booked.id, system_message=None, user_message=None, actor=actor, now=now)
    types = {one.type for one in Notification.objects.all()}

    client.put(PATH, {"id": str(booked.id), **NEW})

    assert planned("REMINDER") == reminders != []
    assert {one.type for one in Notification.objects.all()} == types


@pytest.mark.rule("v2.appointments.reschedule.r15")
def test_the_same_time_again_changes_nothing(
    client: Api, application: Application, agent: User
) -> None:
    booked = make_appointment(application, agent=agent, start=START, duration="PT1H")
    before = everything()

    answer = client.put(PATH, {"id": str(booked.id), **NEW, "locale": "en_US"})

    assert (answer.status_code, answer.json()) == (200, read(client, booked))
    assert everything() == before


@pytest.mark.rule("v2.appointments.reschedule.r15", "v2.appointments.reschedule.r6")
def test_another_locale_for_the_same_time_tells_nobody_but_is_used_from_now_on(
    client: Api, application: Application, agent: User, subscription: Subscription
) -> None:
    booked = make_appointment(application, agent=agent, start=START, duration="PT1H")
    before = Notification.objects.count()

    answer = client.put(PATH, {"id": str(booked.id), **NEW, "locale": "de-DE"})

    assert answer.json()["locale"] == "de-DE"
    assert Notification.objects.count() == before
    reminders = Notification.objects.filter(type="REMINDER")
    assert {(one.status, one.snapshot["locale"]) for one in reminders} == {("INITIALIZED", "de-DE")}
    last = OutboxEvent.objects.order_by("-subject_sequence")[0]
    locales = [facts["locale"] for facts in (last.before, last.after) if facts]
    assert (last.type, locales) == ("appointment.translated", ["en-US", "de-DE"])


@pytest.mark.rule("v2.appointments.reschedule.r15")
@pytest.mark.parametrize(
    "sent", [{"timezone": "Asia/Tokyo"}, {"duration": "P1D"}, {"start": "2027-03-28T00:30:00.5Z"}]
)
def test_another_zone_a_day_of_23_hours_or_half_a_second_is_another_time(
    client: Api, application: Application, agent: User, subscription: Subscription,
    sent: dict[str, Any],
) -> None:  # fmt: skip
    # Over the gap 24 hours and a day have the same length by value, and not the same end.
    booked = make_appointment(application, agent=agent, start=START, duration="PT24H")

    client.put(PATH, {"id": str(booked.id), **NEW, "duration": "PT24H", **sent})

    assert planned("RESCHEDULE") != []


# --- Who is told ------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.reschedule.r11", "v2.appointments.reschedule.r12")
def test_customers_and_subscribers_are_told_and_reminded_anew(
    client: Api, application: Application, agent: User, subscription: Subscription
) -> None:
    booked = make_appointment(
        application, agent=agent, start=START + DAY, customers=[ADA, make_customer()]
    )
    assert len(planned("REMINDER")) == 8

    client.put(PATH, {"id": str(booked.id), **NEW})

    told = [
        ("EMAIL", "CUSTOMER"),
        ("EMAIL", "CUSTOMER"),
        ("SMS", "CUSTOMER"),
        ("WEBHOOKS", "SYSTEM"),
    ]
    at_once = format_instant(Notification.objects.filter(type="RESCHEDULE")[0].created_at)
    assert planned("RESCHEDULE") == [(*whom, at_once) for whom in told]
    # Two hours are measured, a day keeps the time on the wall clock of Berlin.
    assert planned("REMINDER") == sorted(
        (*whom, due) for whom in told for due in ("2027-03-27T22:30:00Z", "2027-03-27T00:30:00Z")
    )
    assert planned("REMINDER", "CANCELLED") == [(*whom, None) for whom in told for _ in range(2)]


@pytest.mark.rule("v2.appointments.reschedule.r12")
@pytest.mark.parametrize("status", ["PENDING", "DELIVERED", "FAILED"])
def test_a_reminder_that_waits_for_a_retry_is_cancelled_and_one_that_was_sent_is_not(
    client: Api, application: Application, agent: User, subscription: Subscription, status: str
) -> None:
    booked = make_appointment(application, agent=agent, start=START + DAY)
    old = Notification.objects.filter(type="REMINDER").order_by("id")[0]
    waits = status == "PENDING"
    Notification.objects.filter(pk=old.pk).update(
        status=status, retry_count=1, due_at=old.due_at if waits else None
    )

    client.put(PATH, {"id": str(booked.id), **NEW})

    old.refresh_from_db()
    assert (old.status, old.due_at) == ("CANCELLED" if waits else status, None)


@pytest.mark.rule("v2.appointments.reschedule.r12")
def test_invitations_to_the_room_follow_the_new_start(
    api: Callable[[str], Api], application: Application, agent: User, subscription: Subscription
) -> None:
    application.activates_automatically = False
    application.save()
    booked = make_appointment(application, agent=agent, start=START + DAY, customers=[ADA])
    service = api(make.token_for(make.make_api_client(application.organization)[0]))
    service.post(f"/api/v2/appointments/activate/{booked.id}")
    before = planned("ROOM")

    service.put(PATH, {"id": str(booked.id), **NEW})

    channels = [("EMAIL", "CUSTOMER"), ("SMS", "CUSTOMER")]
    assert before == [(*one, "2027-03-29T00:15:00Z") for one in channels]
    assert planned("ROOM") == [(*one, "2027-03-28T00:15:00Z") for one in channels]
    assert planned("ROOM", "CANCELLED") == [(*one, None) for one in channels]


@pytest.mark.rule("v2.appointments.reschedule.r12")
def test_a_reminder_whose_moment_has_passed_is_left_out(
    client: Api, application: Application, agent: User, subscription: Subscription, now: datetime
) -> None:
    booked = make_appointment(application, agent=agent, start=START, customers=[])
    start = now + 3 * HOUR

    client.put(PATH, {"id": str(booked.id), **NEW, "start": format_instant(start)})

    assert planned("REMINDER") == [("WEBHOOKS", "SYSTEM", format_instant(start - 2 * HOUR))]


@pytest.mark.rule("v2.appointments.reschedule.r11", "v2.appointments.reschedule.r12")
def test_while_notifications_are_not_active_nobody_is_told(
    client: Api, application: Application, agent: User, subscription: Subscription
) -> None:
    application.notifications_active = False
    application.save()
    booked = make_appointment(application, agent=agent)

    answer = client.put(PATH, {"id": str(booked.id), **NEW})

    assert (answer.status_code, answer.json()["start"]) == (200, NEW["start"])
    assert Notification.objects.count() == 0


# --- Occupied ---------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.reschedule.r16")
@pytest.mark.parametrize("minutes", [-59, 0, 59])
@pytest.mark.parametrize("state", [None, State.NO_SHOW])
def test_while_overlaps_are_prevented_an_occupied_time_is_answered_409(
    client: Api, application: Application, agent: User, minutes: int, state: State | None
) -> None:
    application.prevent_overlaps = True
    application.save()
    taken = START + timedelta(minutes=minutes)
    make_appointment(application, agent=agent, start=taken, duration="PT1H")
    booked = make_appointment(application, agent=agent, start=START + DAY, state=state)
    before = everything()

    answer = client.put(PATH, {"id": str(booked.id), **NEW})

    start, end = format_instant(taken), format_instant(taken + HOUR)
    message = f"The agent is occupied from {start} to {end}."
    assert (answer.status_code, answer.json()) == (
        409,
        {"code": "AGENT_OCCUPIED", "message": message, "errors": {"start": [message]}},
    )
    assert everything() == before


@pytest.mark.rule("v2.appointments.reschedule.r16")
def test_what_failed_is_not_taken_up_again_in_a_time_that_was_given_away(
    client: Api, application: Application, agent: User
) -> None:
    application.prevent_overlaps = True
    application.save()
    booked = make_appointment(application, agent=agent, start=START, duration="PT1H")
    services.report_failure(
        booked.id, system_message=None, user_message=None, actor=make.actor_for(agent),
        now=timezone.now(),
    )  # fmt: skip
    make_appointment(application, agent=agent, start=START, duration="PT1H")
    before = everything()

    answer = client.put(PATH, {"id": str(booked.id), **NEW})

    assert (answer.status_code, answer.json()["code"]) == (409, "AGENT_OCCUPIED")
    assert everything() == before


@pytest.mark.rule("v2.appointments.reschedule.r16")
@pytest.mark.parametrize(
    ("prevents", "whose", "minutes"),
    [(False, "own", 0), (True, "another's", 0), (True, "own", -60), (True, "own", 60)],
)
def test_a_time_that_may_be_taken_is_taken(
    client: Api, agent: User, prevents: bool, whose: str, minutes: int
) -> None:
    application = make.make_application(agent.organization, prevent_overlaps=prevents)
    other = agent if whose == "own" else make.make_user(agent.organization)
    taken = START + timedelta(minutes=minutes)
    make_appointment(application, agent=other, start=taken, duration="PT1H")
    booked = make_appointment(application, agent=agent, start=START + DAY)

    answer = client.put(PATH, {"id": str(booked.id), **NEW})

    assert (answer.status_code, answer.json()["start"]) == (200, NEW["start"])


@pytest.mark.rule("v2.appointments.reschedule.r16")
def test_an_appointment_is_not_in_its_own_way_and_frees_its_old_time(
    client: Api, application: Application, agent: User
) -> None:
    application.prevent_overlaps = True
    application.save()
    moved = make_appointment(application, agent=agent, start=START + HOUR / 2, duration="PT1H")
    follower = make_appointment(application, agent=agent, start=START + DAY)

    first = client.put(PATH, {"id": str(moved.id), **NEW})
    after_it = format_instant(START + HOUR)
    second = client.put(PATH, {"id": str(follower.id), **NEW, "start": after_it})

    assert (first.status_code, second.status_code) == (200, 200)
    assert [one.start for one in Appointment.objects.order_by("id")] == [START, START + HOUR]


def test_supervisors_and_services_move_what_an_agent_has_joined(
    api: Callable[[str], Api], application: Application, agent: User
) -> None:
    supervisor = make.make_user(application.organization, [Role.SUPERVISOR])
    service, _ = make.make_api_client(application.organization)
    for token in (make.token_for(supervisor), make.token_for(service)):
        booked = make_appointment(application, agent=agent)
        Participant.objects.filter(user=agent).update(first_joined_at=timezone.now())

        answer = api(token).put(PATH, {"id": str(booked.id), **NEW})

        assert (answer.status_code, answer.json()["start"]) == (200, NEW["start"])
