"""Requests, invites and the commands on bookings by the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from appointments import services
from appointments.models import (
    Appointment,
    Participant,
    Subject,
    TargetType,
)
from appointments.services.catalogue import default_office, default_subject
from config.kernel.actors import Role
from config.kernel.time import format_instant
from tests import make
from tests.appointments.bookings import Desk, make_desk
from tests.contract.client import ApiClient
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

APPOINTMENTS = "/api/v2/appointments/"


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def at(one: Appointment | str, word: str) -> str:
    return f"{APPOINTMENTS}{getattr(one, 'id', one)}/{word}"


def asked(desk: Desk, **members: object) -> dict[str, Any]:
    answer = desk.by(desk.agent).post(f"{APPOINTMENTS}requests/", {**desk.body(), **members})
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def post(desk: Desk, one: Appointment, word: str, body: object = None) -> Any:
    return desk.by(desk.supervisor).post(at(one, word), {} if body is None else body)


def refused(desk: Desk, one: Appointment, word: str, body: object = None) -> Any:
    """Expect a 409 that changes nothing."""
    before = everything()
    answer = post(desk, one, word, body)
    assert answer.status_code == 409, answer.content
    assert everything() == before
    return answer.json()


# --- Requests and invites ----------------------------------------------------------------------


@pytest.mark.rule("frontdesk.bookings.request.r1", "frontdesk.bookings.request.r3")
def test_a_request_has_the_time_that_was_asked_for(desk: Desk) -> None:
    body = asked(desk, message="In the morning, please")

    assert (body["status"], body["start"]) == ("INCOMING_REQUEST", desk.start.isoformat())
    assert desk.only()["message"] == "In the morning, please"


@pytest.mark.rule("frontdesk.bookings.request.r3")
def test_a_request_without_a_time_is_refused(desk: Desk) -> None:
    body = {name: value for name, value in desk.body().items() if name != "start"}

    answer = desk.by(desk.agent).post(f"{APPOINTMENTS}requests/", body)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["start"]


@pytest.mark.rule("frontdesk.bookings.request.r2")
def test_a_request_is_no_appointment_yet(desk: Desk) -> None:
    desk.application.prevent_overlaps = True
    desk.application.save()
    body = asked(desk)

    client = desk.by(desk.agent)
    slot: dict[str, Any] = {
        "organizationId": str(desk.application.organization_id),
        "applicationId": str(desk.application.id),
        "start": format_instant(desk.start),
        "duration": "PT30M",
    }
    assert client.get(APPOINTMENTS).json()["total"] == 0
    assert client.get(f"{APPOINTMENTS}overlap/count", **slot).json() == {"count": 0}
    assert "start" not in client.get(f"{APPOINTMENTS}{body['id']}").json()
    assert client.post(APPOINTMENTS, desk.body()).status_code == 200


@pytest.mark.rule("frontdesk.bookings.invite.r1", "frontdesk.bookings.invite.r2")
def test_an_invite_leaves_the_time_to_the_customer(desk: Desk) -> None:
    answer = desk.by(desk.agent).post(f"{APPOINTMENTS}invites/", desk.body())

    body = answer.json()
    assert answer.status_code == 200, body
    assert (body["status"], body["start"], body["end"]) == ("OUTGOING_INVITE", None, None)
    assert all(one["inviteUrl"] for one in body["participants"])


# --- What waits --------------------------------------------------------------------------------


@pytest.mark.rule("frontdesk.bookings.waiting.r1", "frontdesk.bookings.waiting.r2")
def test_what_waits_is_listed_by_age_and_status(desk: Desk) -> None:
    first, second = asked(desk), desk.invited()
    desk.booked()
    cancelled = desk.invited()
    services.cancel_appointment(cancelled.id, actor=desk.actor, now=desk.now)
    client = desk.by(desk.supervisor)

    page = client.get(f"{APPOINTMENTS}requests/").json()
    invites = client.get(f"{APPOINTMENTS}requests/", status="OUTGOING_INVITE").json()

    assert sorted(one["id"] for one in page["content"]) == sorted([first["id"], str(second.id)])
    assert page["total"] == 2
    assert invites["content"] == [client.get(at(second, "booking")).json()]


@pytest.mark.rule("frontdesk.bookings.waiting.r2")
def test_an_unknown_status_is_refused(desk: Desk) -> None:
    answer = desk.by(desk.supervisor).get(f"{APPOINTMENTS}requests/", status="LOST")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["status"])


@pytest.mark.rule("frontdesk.bookings.waiting.r3")
def test_an_agent_sees_its_own_and_what_is_nobodys(desk: Desk) -> None:
    mine = asked(desk)
    nobodys = asked(desk, targetAssignment={"type": "QUEUE", "id": "7"})
    other = make.make_user(desk.application.organization)

    def seen() -> set[str]:
        page = desk.by(desk.colleague).get(f"{APPOINTMENTS}requests/").json()
        return {one["id"] for one in page["content"]}

    services.reassign_appointment(
        Appointment.objects.get(pk=mine["id"]).id,
        user_id=str(other.id),
        actor=desk.actor,
        now=desk.now,
    )
    assert seen() == {nobodys["id"]}
    desk.application.agents_see_only_their_own = False
    desk.application.save()
    assert seen() == {mine["id"], nobodys["id"]}


@pytest.mark.rule("frontdesk.bookings.waiting.r4")
def test_a_page_takes_as_many_queries_with_five_rows_as_with_one(
    desk: Desk, django_assert_max_num_queries: Any
) -> None:
    asked(desk)
    client = desk.by(desk.supervisor)
    client.get(f"{APPOINTMENTS}requests/")
    with django_assert_max_num_queries(50) as one:
        client.get(f"{APPOINTMENTS}requests/")
    queries = len(one)
    for _ in range(4):
        asked(desk)
    client.get(f"{APPOINTMENTS}requests/")

    with django_assert_max_num_queries(queries):
        page = client.get(f"{APPOINTMENTS}requests/").json()

    assert page["total"] == 5


@pytest.mark.rule("frontdesk.bookings.get.r1")
def test_a_booking_is_shown_as_the_webhook_tells_it(desk: Desk) -> None:
    one = desk.booked()

    body = desk.by(desk.agent).get(at(one, "booking")).json()

    told = desk.only()["appointment"]
    assert body == told


@pytest.mark.rule("frontdesk.bookings.get.r2")
def test_whose_booking_it_is_not_does_not_read_it(desk: Desk) -> None:
    one = desk.booked()
    foreign = make.make_user(make.make_organization(), [Role.SUPERVISOR])

    assert desk.by(desk.colleague).get(at(one, "booking")).status_code == 403
    assert desk.by(foreign).get(at(one, "booking")).status_code == 404


# --- Accepting and choosing --------------------------------------------------------------------


@pytest.mark.rule("frontdesk.bookings.accept.r1", "frontdesk.bookings.accept.r6")
def test_what_is_accepted_is_an_appointment_like_all_others(desk: Desk) -> None:
    one = desk.requested()
    client = desk.by(desk.supervisor)

    answer = client.post(at(one, "accept-request"))

    assert (answer.status_code, answer.json()["status"]) == (200, "ACCEPTED")
    read = client.get(f"{APPOINTMENTS}{one.id}").json()
    assert read["start"] == format_instant(desk.start)
    # The application activates automatically.
    assert [bool(each.get("ticket")) for each in read["participants"]] == [True, False]
    assert client.get(APPOINTMENTS).json()["total"] == 1


@pytest.mark.rule("frontdesk.bookings.accept.r2")
def test_only_a_request_is_accepted(desk: Desk) -> None:
    assert refused(desk, desk.booked(), "accept-request")["code"] == "NOTHING_ASKED_FOR"
    refused(desk, desk.invited(), "accept-request")


@pytest.mark.rule("frontdesk.bookings.accept.r3")
def test_a_time_that_was_given_away_meanwhile_is_refused() -> None:
    desk = make_desk(prevent_overlaps=True)
    one = desk.requested()
    desk.booked()

    refused(desk, one, "accept-request")

    assert Appointment.objects.get(pk=one.pk).request_status == "INCOMING_REQUEST"


@pytest.mark.rule("frontdesk.bookings.accept.r4")
def test_an_agent_who_accepts_what_is_nobodys_takes_it(desk: Desk) -> None:
    body = asked(desk, targetAssignment={"type": TargetType.QUEUE, "id": "7"})

    desk.by(desk.colleague).post(at(body["id"], "accept-request"))

    agent = Participant.objects.get(appointment_id=body["id"], type="AGENT")
    assert (agent.user, agent.role) == (desk.colleague, "PRIMARY")
    assert agent.occupies is not None


@pytest.mark.rule("frontdesk.bookings.accept.r5")
def test_a_time_that_has_passed_cannot_be_accepted(desk: Desk) -> None:
    one = desk.requested()
    past = timezone.now() - timedelta(days=2)
    Appointment.objects.filter(pk=one.pk).update(
        asked_start=past, asked_end=past + timedelta(hours=1)
    )

    answer = post(desk, one, "accept-request")

    assert answer.status_code == 400


@pytest.mark.rule("frontdesk.bookings.choose.r1")
def test_an_invite_takes_as_long_as_its_subject(desk: Desk) -> None:
    subject = default_subject(desk.application.organization_id)
    Subject.objects.filter(pk=subject.pk).update(duration=timedelta(minutes=45))
    one = desk.invited(subject=str(subject.pk))

    body = post(desk, one, "choose-time", {"start": format_instant(desk.start)}).json()

    end = desk.start + timedelta(minutes=45)
    assert (body["status"], body["end"]) == ("ACCEPTED", end.isoformat())


@pytest.mark.rule("frontdesk.bookings.choose.r1")
def test_another_date_takes_as_long_as_the_first(desk: Desk) -> None:
    one = desk.booked()
    post(desk, one, "request-alternative")

    body = post(desk, one, "choose-time", {"start": format_instant(desk.start)}).json()

    assert body["end"] == (desk.start + timedelta(minutes=30)).isoformat()


def customer_client(one: Appointment) -> ApiClient:
    return ApiClient(make.customer_token(make.customers_of(one)[0]))


@pytest.mark.rule("frontdesk.bookings.choose.r2")
def test_what_a_customer_chooses_may_need_acceptance(desk: Desk) -> None:
    one = desk.booked(subject=str(desk.needing_acceptance().pk))
    client = customer_client(one)
    post(desk, one, "request-alternative")

    body = client.post(at(one, "choose-time"), {"start": format_instant(desk.start)}).json()

    assert body["status"] == "INCOMING_REQUEST"


@pytest.mark.rule("frontdesk.bookings.choose.r3")
def test_only_what_is_offered_is_chosen(desk: Desk) -> None:
    time = {"start": format_instant(desk.start)}

    refused(desk, desk.booked(), "choose-time", time)
    refused(desk, desk.requested(), "choose-time", time)


@pytest.mark.rule("frontdesk.bookings.choose.r4", "frontdesk.bookings.cancel.r3")
@pytest.mark.parametrize("word", ["choose-time", "request-time", "cancel"])
def test_a_customer_acts_for_its_own_appointment_only(desk: Desk, word: str) -> None:
    own, other = desk.booked(), desk.booked()
    client = customer_client(own)
    time = {"start": format_instant(desk.start + timedelta(days=1))}
    before = everything()

    assert client.post(at(other, word), time).status_code == 403
    assert everything() == before


# --- Asking again ------------------------------------------------------------------------------


@pytest.mark.rule("frontdesk.bookings.ask_again.r1")
def test_whoever_asks_for_another_time_gives_up_the_old_one() -> None:
    desk = make_desk(prevent_overlaps=True)
    one = desk.booked()
    later = desk.start + timedelta(days=1)

    body = (
        customer_client(one).post(at(one, "request-time"), {"start": format_instant(later)}).json()
    )

    assert (body["status"], body["start"]) == ("INCOMING_REQUEST", later.isoformat())
    desk.booked()


@pytest.mark.rule("frontdesk.bookings.ask_again.r2")
def test_what_is_closed_is_not_asked_for_again(desk: Desk) -> None:
    one = desk.booked()
    post(desk, one, "complete")

    refused(desk, one, "request-time", {"start": format_instant(desk.start)})


@pytest.mark.rule(
    "frontdesk.bookings.ask_for_alternative.r1", "frontdesk.bookings.ask_for_alternative.r2"
)
def test_another_date_is_asked_for_once(desk: Desk) -> None:
    one = desk.booked()

    body = post(desk, one, "request-alternative", {"message": "I am ill"}).json()

    assert (body["status"], body["start"]) == ("ALTERNATIVE_DATE_REQUESTED", None)
    refused(desk, one, "request-alternative")


# --- What a v2 body may say --------------------------------------------------------------------


@pytest.mark.rule("frontdesk.arrangement.r1", "frontdesk.arrangement.r5")
def test_a_booking_says_what_it_is_about(desk: Desk) -> None:
    organization_id = desk.application.organization_id
    subject, office = default_subject(organization_id), default_office(organization_id)
    about = {
        "subjectId": str(subject.pk),
        "officeId": str(office.pk),
        "meetingType": "OFFICE",
        "hybrid": True,
        "externalId": "crm-7",
        "trailingBufferTime": 15,
        "internalNotes": "Knows us",
        "callbackRequestId": "call-3",
    }

    made = desk.by(desk.agent).post(APPOINTMENTS, {**desk.body(), **about}).json()

    body = desk.by(desk.agent).get(at(made["id"], "booking")).json()
    plain = {name: body[name] for name in about if name in body}
    assert plain == {name: about[name] for name in plain}
    assert (body["subject"]["id"], body["office"]["id"]) == (str(subject.pk), str(office.pk))
    assert body["callbackRequest"] == {"id": "call-3"}
    taken = Participant.objects.get(appointment_id=made["id"], user=desk.agent).occupies
    assert taken is not None
    assert taken.upper == desk.start + timedelta(minutes=45)


@pytest.mark.rule("frontdesk.arrangement.r2")
def test_a_documented_body_means_what_it_meant(desk: Desk) -> None:
    plain = desk.by(desk.agent).post(APPOINTMENTS, desk.body()).json()
    rich = desk.by(desk.agent).post(APPOINTMENTS, {**desk.body(), "meetingType": "PHONE"}).json()

    assert sorted(plain) == sorted(rich)
    body = desk.by(desk.agent).get(at(plain["id"], "booking")).json()
    assert (body["meetingType"], body["hybrid"], body["externalId"]) == ("VIDEO", False, None)


@pytest.mark.rule("frontdesk.arrangement.r3")
@pytest.mark.parametrize("member", ["subjectId", "officeId", "listingId", "leadSegmentId"])
def test_an_entry_of_somebody_else_is_refused_by_its_name(desk: Desk, member: str) -> None:
    other = make.make_organization()
    foreign = {
        "subjectId": str(default_subject(other.pk).pk),
        "officeId": str(default_office(other.pk).pk),
        "listingId": str(other.pk),
        "leadSegmentId": 1,
    }

    answer = desk.by(desk.agent).post(APPOINTMENTS, {**desk.body(), member: foreign[member]})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [member])


@pytest.mark.rule("frontdesk.arrangement.r4")
def test_an_update_takes_away_and_leaves(desk: Desk) -> None:
    subject = default_subject(desk.application.organization_id)
    one = desk.booked(subject=str(subject.pk), external_id="crm-7")

    answer = desk.by(desk.agent).put(
        APPOINTMENTS, {"id": str(one.id), "subjectId": None, "meetingType": "PHONE"}
    )

    row = Appointment.objects.get(pk=one.pk)
    assert answer.status_code == 200
    assert (row.subject_id, row.meeting_type, row.external_id) == (None, "PHONE", "crm-7")
