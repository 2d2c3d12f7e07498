"""What the booking webhook says of an appointment (contract, appointment-webhook)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from agents.models import Application, User
from appointments import services
from appointments.models import Appointment, MeetingType, Participant
from appointments.services.catalogue import default_office
from config.kernel.correlation import correlation
from config.kernel.errors import DomainError
from tests import make
from tests.appointments.bookings import Desk, as_customer, make_desk

pytestmark = pytest.mark.django_db

PLACE = {
    "postalCode": "10115",
    "countryCode": "DE",
    "geolocation": {"latitude": 52.53, "longitude": 13.38},
    "translations": {
        "city": [{"language": "de", "value": "Berlin"}],
        "street1": [{"language": "de", "value": "Invalidenstraße 1"}],
        "street2": [],
        "state": [],
    },
}


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def participants(told: Any, type: str) -> list[dict[str, Any]]:
    return [one for one in told["participants"] if one["type"] == type]


# --- The envelope ------------------------------------------------------------------------------


@pytest.mark.rule("webhook.appointment.post.r21", "webhook.appointment.post.r23")
def test_the_body_names_the_event_and_the_subscription(desk: Desk) -> None:
    desk.booked()

    [body] = desk.told()

    assert sorted(body) == [
        *("correlationId", "data", "entity", "id", "version", "webhookConfigurationId"),
    ]
    assert (body["entity"], body["webhookConfigurationId"]) == ("Appointment", str(desk.hook.pk))


@pytest.mark.rule("webhook.appointment.post.r1", "webhook.appointment.post.r23")
def test_two_subscriptions_get_a_delivery_each(desk: Desk) -> None:
    other = make.make_subscription(desk.application, format="appointment-webhook")

    desk.booked()

    bodies = desk.told()
    assert {one["webhookConfigurationId"] for one in bodies} == {str(desk.hook.pk), str(other.pk)}
    assert len({one["id"] for one in bodies}) == 2
    assert bodies[0]["data"] == bodies[1]["data"]


@pytest.mark.rule("webhook.appointment.post.r24")
def test_the_version_is_that_of_the_contract(desk: Desk) -> None:
    desk.booked()

    [body] = desk.told()

    assert body["version"] == "1"


@pytest.mark.rule("webhook.appointment.post.r22")
def test_the_correlation_id_is_that_of_the_request(desk: Desk) -> None:
    client = desk.by(desk.agent)

    answer = client.post(
        "/api/v2/appointments/", desk.body(), headers={"X-Correlation-Id": "from-crm-7"}
    )

    assert answer.status_code == 200, answer.content
    assert [one["correlationId"] for one in desk.told()] == ["from-crm-7"]


@pytest.mark.rule("webhook.appointment.post.r22")
def test_a_correlation_id_that_is_too_long_is_stood_for_by_another_one(desk: Desk) -> None:
    long = "x" * 100
    with correlation(long):
        client = desk.by(desk.agent)
        ids = []
        for _ in range(2):
            client.post("/api/v2/appointments/", desk.body(), headers={"X-Correlation-Id": long})
            ids += [one["correlationId"] for one in desk.told()]

    assert ids[0] == ids[1]
    assert UUID(ids[0])


@pytest.mark.rule("webhook.appointment.post.r25", "webhook.appointment.post.r26")
def test_the_message_is_what_the_acting_person_wrote(desk: Desk) -> None:
    one = desk.booked()
    data = desk.only()
    assert sorted(data) == ["appointment", "eventType", "message", "previousAppointment"]
    assert data["message"] is None

    services.cancel_appointment(one.id, actor=desk.actor, now=desk.now, message="The house is sold")

    assert desk.only()["message"] == "The house is sold"


# --- Times -------------------------------------------------------------------------------------


@pytest.mark.rule(
    "webhook.appointment.post.r29", "webhook.appointment.post.r30", "webhook.appointment.post.r31"
)
def test_an_accepted_appointment_has_its_time_with_an_offset(desk: Desk) -> None:
    desk.booked()

    told = desk.only()["appointment"]

    assert told["start"] == desk.start.isoformat()
    assert told["end"] == (desk.start + timedelta(minutes=30)).isoformat()
    assert told["start"].endswith("+00:00")


@pytest.mark.rule("webhook.appointment.post.r28", "webhook.appointment.post.r32")
def test_a_request_has_the_time_that_was_asked_for(desk: Desk) -> None:
    desk.requested()

    told = desk.only()["appointment"]

    assert (told["status"], told["start"]) == ("INCOMING_REQUEST", desk.start.isoformat())


@pytest.mark.rule("webhook.appointment.post.r27", "webhook.appointment.post.r32")
def test_an_invite_and_another_date_that_is_wanted_have_no_time(desk: Desk) -> None:
    desk.invited()
    invited = desk.only()["appointment"]
    one = desk.booked()
    desk.told()
    services.request_alternative(one.id, actor=desk.actor, now=desk.now)
    wanted = desk.only()

    assert (invited["start"], invited["end"]) == (None, None)
    assert (wanted["appointment"]["start"], wanted["appointment"]["end"]) == (None, None)
    assert wanted["previousAppointment"]["start"] == desk.start.isoformat()


@pytest.mark.rule("webhook.appointment.post.r29")
def test_what_is_cancelled_has_no_time_only_if_it_never_had_one(desk: Desk) -> None:
    for one in (desk.invited(), desk.requested(), desk.booked()):
        services.cancel_appointment(one.id, actor=desk.actor, now=desk.now)

    starts = [
        body["data"]["appointment"]["start"]
        for body in desk.told()
        if body["data"]["eventType"] == "CANCEL"
    ]
    assert starts == [None, desk.start.isoformat(), desk.start.isoformat()]


@pytest.mark.rule("webhook.appointment.post.r38")
def test_an_event_tells_of_the_state_after_its_own_change(desk: Desk) -> None:
    one = desk.booked()
    services.cancel_appointment(one.id, actor=desk.actor, now=desk.now)

    created, cancelled = desk.told()

    assert created["data"]["appointment"]["status"] == "ACCEPTED"
    assert cancelled["data"]["appointment"]["status"] == "CANCELLED"


# --- What it was before ------------------------------------------------------------------------


@pytest.mark.rule(
    "webhook.appointment.post.r34", "webhook.appointment.post.r35", "webhook.appointment.post.r36"
)
def test_what_it_was_before_is_reduced_to_ids(desk: Desk) -> None:
    one = desk.booked(location=PLACE, external_id="crm-7")
    created = desk.only()["appointment"]

    services.reassign_appointment(
        one.id, user_id=str(desk.colleague.id), actor=desk.actor, now=desk.now
    )

    before = desk.only()["previousAppointment"]
    customer, employee = (
        {name: each[name] for name in ("role", "type", "token", "videoUrl", "videoTestUrl")}
        for each in created["participants"]
    )
    assert before == {
        "subject": {"id": created["subject"]["id"]},
        "office": {"id": created["office"]["id"]},
        "participants": [
            {**customer, "customer": {"id": created["participants"][0]["customer"]["id"]}},
            {**employee, "employee": {"id": str(desk.agent.id)}},
        ],
        "location": created["location"],
        "listing": None,
        "leadSegment": None,
        "externalId": "crm-7",
        "status": "ACCEPTED",
        "start": created["start"],
        "end": created["end"],
    }


def test_whoever_was_removed_is_still_there_before(desk: Desk) -> None:
    one = desk.booked()
    number = participants(desk.only()["appointment"], "CUSTOMER")[0]["customer"]["id"]

    services.remove_participant(
        one.id,
        participant_id=make.customers_of(one)[0].wire_id,
        actor=desk.actor,
        now=desk.now,
    )

    told = desk.only()
    assert participants(told["appointment"], "CUSTOMER") == []
    [former] = participants(told["previousAppointment"], "CUSTOMER")
    assert former["customer"] == {"id": number}


# --- People ------------------------------------------------------------------------------------


@pytest.mark.rule("webhook.appointment.post.r54", "webhook.appointment.post.r55")
def test_there_is_one_primary_customer_and_one_primary_employee(desk: Desk) -> None:
    one = desk.booked()
    services.add_customer(
        one.id, data=make.make_customer(email="bob@example.org"), actor=desk.actor, now=desk.now
    )
    services.add_agent(one.id, user_id=str(desk.colleague.id), actor=desk.actor, now=desk.now)

    told = desk.told()[-1]["data"]["appointment"]

    assert [(each["type"], each["role"]) for each in told["participants"]] == [
        *[("CUSTOMER", "PRIMARY"), ("EMPLOYEE", "PRIMARY")],
        *[("CUSTOMER", "SECONDARY"), ("EMPLOYEE", "SECONDARY")],
    ]
    assert all("customer" not in each for each in participants(told, "EMPLOYEE"))
    assert all("employee" not in each for each in participants(told, "CUSTOMER"))


@pytest.mark.rule("webhook.appointment.post.r54")
def test_who_is_left_takes_the_place_of_the_primary_customer(desk: Desk) -> None:
    one = desk.booked()
    services.add_customer(
        one.id, data=make.make_customer(first_name="Bob"), actor=desk.actor, now=desk.now
    )

    services.remove_participant(
        one.id,
        participant_id=make.customers_of(one)[0].wire_id,
        actor=desk.actor,
        now=desk.now,
    )

    [left] = participants(desk.told()[-1]["data"]["appointment"], "CUSTOMER")
    assert (left["role"], left["customer"]["firstName"]) == ("PRIMARY", "Bob")


@pytest.mark.rule("webhook.appointment.post.r56")
def test_an_employee_takes_part_once(desk: Desk) -> None:
    one = desk.booked()

    with pytest.raises(DomainError, match="participant already"):
        services.add_agent(one.id, user_id=str(desk.agent.id), actor=desk.actor, now=desk.now)


@pytest.mark.rule("webhook.appointment.post.r57")
def test_a_token_is_a_participants_own_and_stays(desk: Desk) -> None:
    one = desk.booked()
    services.cancel_appointment(one.id, actor=desk.actor, now=desk.now)

    first, second = (
        [each["token"] for each in body["data"]["appointment"]["participants"]]
        for body in desk.told()
    )

    assert first == second
    assert len(set(first)) == 2


def test_a_person_keeps_its_number_over_appointments(desk: Desk) -> None:
    desk.booked()
    desk.booked()

    numbers = [
        participants(body["data"]["appointment"], "CUSTOMER")[0]["customer"]["id"]
        for body in desk.told()
    ]

    assert numbers[0] == numbers[1]


@pytest.mark.rule("webhook.appointment.post.r61")
def test_the_language_of_a_person_has_two_letters(desk: Desk) -> None:
    User.objects.filter(pk=desk.agent.pk).update(language="el")

    desk.booked()

    told = desk.only()["appointment"]
    assert participants(told, "CUSTOMER")[0]["customer"]["language"] == "de"
    assert participants(told, "EMPLOYEE")[0]["employee"]["language"] == "el"


# --- Where and how -----------------------------------------------------------------------------


@pytest.mark.rule("webhook.appointment.post.r58")
@pytest.mark.parametrize(
    ("meeting_type", "is_hybrid", "has_video"),
    [("VIDEO", False, True), ("OFFICE", True, True), ("OFFICE", False, False)],
)
def test_video_has_addresses_of_each_ones_own(
    desk: Desk, meeting_type: str, is_hybrid: bool, has_video: bool
) -> None:
    desk.booked(meeting_type=MeetingType(meeting_type), is_hybrid=is_hybrid)

    told = desk.only()["appointment"]["participants"]

    assert [bool(one["videoUrl"]) for one in told] == [has_video] * 2
    assert [bool(one["videoTestUrl"]) for one in told] == [has_video] * 2
    assert (len({one["videoUrl"] for one in told}) == 2) is has_video


@pytest.mark.rule("webhook.appointment.post.r58")
def test_the_application_or_the_employee_says_where_the_video_is(desk: Desk) -> None:
    Application.objects.filter(pk=desk.application.pk).update(
        video_url="https://meet.example.com/{appointment}/{participant}",
        video_test_url="https://meet.example.com/test",
    )
    one = desk.booked()
    told = desk.only()["appointment"]["participants"]
    User.objects.filter(pk=desk.agent.pk).update(static_video_url="https://meet.example.com/grace")
    desk.booked()
    fixed = desk.only()["appointment"]["participants"]

    customer = make.customers_of(one)[0]
    assert told[0]["videoUrl"] == f"https://meet.example.com/{one.id}/{customer.id}"
    assert told[0]["videoTestUrl"] == "https://meet.example.com/test"
    assert {each["videoUrl"] for each in fixed} == {"https://meet.example.com/grace"}


@pytest.mark.rule("webhook.appointment.post.r59", "webhook.appointment.post.r60")
def test_the_addresses_follow_what_can_be_done(desk: Desk) -> None:
    desk.booked()
    booked = desk.only()["appointment"]["participants"]
    desk.invited()
    invited = desk.only()["appointment"]["participants"]

    calendars = ("office365CalendarUrl", "googleCalendarUrl", "icalUrl")
    for one in booked:
        assert one["cancelUrl"]
        assert one["editUrl"]
        assert one["inviteUrl"] is None
        assert all(one[name] for name in calendars)
    for one in invited:
        assert one["inviteUrl"]
        assert not any(one[name] for name in calendars)


@pytest.mark.rule("webhook.appointment.post.r62")
def test_an_appointment_on_location_has_one(desk: Desk) -> None:
    with pytest.raises(DomainError) as refusal:
        desk.booked(meeting_type=MeetingType.ON_LOCATION)
    desk.booked(meeting_type=MeetingType.ON_LOCATION, location=PLACE)

    assert list(refusal.value.errors) == ["location"]
    assert desk.only()["appointment"]["location"] == PLACE
    assert Appointment.objects.count() == 1


@pytest.mark.rule("webhook.appointment.post.r63")
def test_texts_have_one_entry_for_each_language(desk: Desk) -> None:
    office = default_office(desk.application.organization_id)
    office.name = {"de": "Filiale", "en": "Branch"}
    office.save()

    desk.booked()

    names = desk.only()["appointment"]["office"]["translations"]["name"]
    assert names == [
        {"language": "de", "value": "Filiale"},
        {"language": "en", "value": "Branch"},
    ]


@pytest.mark.rule("webhook.appointment.post.r69", "webhook.appointment.post.r70")
def test_the_buffer_is_in_minutes_and_metadata_as_it_was_stored(desk: Desk) -> None:
    desk.booked()
    plain = desk.only()["appointment"]
    one = desk.booked(trailing_buffer=timedelta(minutes=15), external_id="crm-7")
    services.update_appointment(
        one.id,
        changes={"metadata": {"a": [1, 1.5, True, None, {"b": "ü"}]}},
        customer=None,
        actor=desk.actor,
        now=desk.now,
    )
    rich = desk.told()[-1]["data"]["appointment"]

    assert (plain["trailingBufferTime"], plain["metadata"]) == (0, {})
    assert rich["metadata"] == {"a": [1, 1.5, True, None, {"b": "ü"}]}
    assert rich["trailingBufferTime"] == 15
    assert rich["end"] == (desk.start + timedelta(minutes=30)).isoformat()


# --- By whom and from where --------------------------------------------------------------------


@pytest.mark.rule(
    "webhook.appointment.post.r46", "webhook.appointment.post.r66", "webhook.appointment.post.r67"
)
def test_it_says_who_made_it_and_who_changed_it_last(desk: Desk) -> None:
    one = desk.booked()
    created = desk.only()["appointment"]
    customer = make.customers_of(one)[0]

    services.cancel_appointment(one.id, actor=as_customer(customer), now=desk.now)

    told = desk.only()["appointment"]
    made = {name: told[name] for name in ("createdById", "createdByType", "createdFrom")}
    assert made == {
        "createdById": str(desk.agent.id),
        "createdByType": "EMPLOYEE",
        "createdFrom": "OTHER",
    }
    assert made == {name: created[name] for name in made}
    number = participants(told, "CUSTOMER")[0]["customer"]["id"]
    assert (told["updatedById"], told["updatedByType"], told["updatedFrom"]) == (
        *(str(number), "CUSTOMER"),
        "PLUGIN",
    )
    assert told["updatedAt"] == desk.now.isoformat()


@pytest.mark.rule("webhook.appointment.post.r67")
@pytest.mark.parametrize(
    ("origin", "told"),
    [
        ("office", "BACKOFFICE_APP"),
        ("admin", "BACKOFFICE_APP"),
        ("page", "PLUGIN"),
        ("partner", "PARTNER_BOOKING_APP"),
        ("api/v2", "OTHER"),
        ("api/v1", "OTHER"),
    ],
)
def test_it_says_from_where_it_was_booked(desk: Desk, origin: str, told: str) -> None:
    desk.booked(actor=make.actor_for(desk.agent, origin=origin))

    assert desk.only()["appointment"]["createdFrom"] == told


@pytest.mark.rule("webhook.appointment.post.r68")
def test_what_a_program_books_has_no_author(desk: Desk) -> None:
    program, _ = make.make_api_client(desk.application.organization)

    desk.booked(actor=make.actor_for(program))

    told = desk.only()["appointment"]
    assert (told["createdByType"], told["createdById"]) == ("OTHER", None)


# --- Limits ------------------------------------------------------------------------------------


@pytest.mark.rule("webhook.appointment.post.r71")
@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("externalId", "x" * 256),
        ("meetingType", "BY_PIGEON"),
        ("trailingBufferTime", -1),
        ("trailingBufferTime", 1.5),
        ("location", {**PLACE, "countryCode": "DEU"}),
        ("subjectId", "no such subject"),
    ],
)
def test_what_would_not_fit_is_refused_when_it_is_stored(
    desk: Desk, member: str, value: object
) -> None:
    answer = desk.by(desk.agent).post("/api/v2/appointments/", {**desk.body(), member: value})

    assert answer.status_code == 400
    assert [name.partition(".")[0] for name in answer.json()["errors"]] == [member]
    assert (desk.told(), Participant.objects.count()) == ([], 0)
