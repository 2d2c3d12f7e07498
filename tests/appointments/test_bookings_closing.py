"""Completing, calling off and opening again by the API, with the answers to the forms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from appointments import services
from appointments.models import (
    Appointment,
    Form,
    Question,
    Subject,
)
from appointments.services.catalogue import default_subject
from tests.appointments.bookings import Desk, make_desk
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

APPOINTMENTS = "/api/v2/appointments/"


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def at(one: Appointment | str, word: str) -> str:
    return f"{APPOINTMENTS}{getattr(one, 'id', one)}/{word}"


def post(desk: Desk, one: Appointment, word: str, body: object = None) -> Any:
    return desk.by(desk.supervisor).post(at(one, word), {} if body is None else body)


def refused(desk: Desk, one: Appointment, word: str, body: object = None) -> Any:
    """Expect a 409 that changes nothing."""
    before = everything()
    answer = post(desk, one, word, body)
    assert answer.status_code == 409, answer.content
    assert everything() == before
    return answer.json()


def with_questions(desk: Desk) -> tuple[Subject, Question]:
    organization = desk.application.organization
    form = Form.objects.create(organization=organization, name="How was it?")
    question = Question.objects.create(
        organization=organization, form=form, label={"en": "How was it?"}
    )
    subject = default_subject(organization.pk)
    subject.completion_by_agent_form = subject.cancellation_by_agent_form = form
    subject.save()
    return subject, question


@pytest.mark.rule(
    "frontdesk.bookings.complete.r1", "webhook.appointment.post.r64", "webhook.appointment.post.r65"
)
def test_a_completion_has_the_answers_to_its_form(desk: Desk) -> None:
    subject, question = with_questions(desk)
    one = desk.booked(subject=str(subject.pk))
    desk.told()

    body = post(
        desk, one, "complete", {"answers": [{"questionId": str(question.pk), "value": "Fine"}]}
    ).json()

    told = desk.only()["appointment"]
    assert (body["status"], body["answers"]) == ("COMPLETED", told["answers"])
    [answer] = told["answers"]
    assert (answer["answerType"], answer["value"]) == ("APPOINTMENT_COMPLETION", "Fine")
    assert answer["selectedAnswerOptions"] is None


@pytest.mark.rule("webhook.appointment.post.r64")
def test_a_cancellation_has_the_answers_to_its_form(desk: Desk) -> None:
    subject, question = with_questions(desk)
    one = desk.booked(subject=str(subject.pk))

    body = post(
        desk, one, "cancel", {"answers": [{"questionId": str(question.pk), "value": "Ill"}]}
    ).json()

    assert [each["answerType"] for each in body["answers"]] == ["APPOINTMENT_CANCELLATION"]


@pytest.mark.rule("frontdesk.bookings.complete.r3")
def test_answers_that_no_form_knows_are_refused(desk: Desk) -> None:
    one = desk.booked()
    before = everything()

    answer = post(
        desk, one, "complete", {"answers": [{"questionId": str(one.pk), "value": "Fine"}]}
    )

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["answers.0.questionId"])
    assert everything() == before


@pytest.mark.rule("frontdesk.bookings.complete.r2", "frontdesk.bookings.no_show.r1")
def test_what_is_closed_or_has_no_time_is_not_closed(desk: Desk) -> None:
    one = desk.booked()
    assert post(desk, one, "no-show").json()["status"] == "NO_SHOW"

    assert refused(desk, one, "complete")["code"] == "APPOINTMENT_IS_CLOSED"
    assert refused(desk, desk.requested(), "complete")["code"] == "APPOINTMENT_HAS_NO_TIME"


@pytest.mark.rule("frontdesk.bookings.cancel.r1", "frontdesk.bookings.cancel.r2")
def test_what_is_cancelled_stays_and_is_told_once(desk: Desk) -> None:
    one = desk.booked()
    desk.told()
    first = post(desk, one, "cancel", {"message": "Sold"})

    again = post(desk, one, "cancel")

    assert (first.json()["status"], again.status_code) == ("CANCELLED", 200)
    assert desk.only()["message"] == "Sold"
    client = desk.by(desk.supervisor)
    assert client.get(APPOINTMENTS).json()["total"] == 0
    assert client.get(f"{APPOINTMENTS}{one.id}").status_code == 200


@pytest.mark.rule("frontdesk.bookings.reopen.r1")
def test_what_was_cancelled_has_its_time_again(desk: Desk) -> None:
    one = desk.booked()
    post(desk, one, "cancel")

    body = post(desk, one, "reopen").json()

    assert (body["status"], body["start"]) == ("ACCEPTED", desk.start.isoformat())
    assert desk.by(desk.supervisor).get(APPOINTMENTS).json()["total"] == 1


@pytest.mark.rule("frontdesk.bookings.reopen.r2")
def test_what_is_open_or_never_had_a_time_is_not_reopened(desk: Desk) -> None:
    refused(desk, desk.booked(), "reopen")
    invite = desk.invited()
    post(desk, invite, "cancel")
    refused(desk, invite, "reopen")


@pytest.mark.rule("frontdesk.bookings.reopen.r3")
def test_the_clock_leaves_alone_what_was_reopened_after_its_end(desk: Desk) -> None:
    one = desk.booked()
    later = desk.start + timedelta(days=1)
    services.finish_due_appointments(now=later)
    services.reopen_appointment(one.id, actor=desk.actor, now=later)

    services.finish_due_appointments(now=later + timedelta(days=1))

    row = Appointment.objects.get(pk=one.pk)
    assert (row.booking_status, row.is_kept_open) == ("ACCEPTED", True)


@pytest.mark.rule("frontdesk.bookings.reopen.r4")
def test_a_time_that_somebody_else_has_is_not_taken_back() -> None:
    desk = make_desk(prevent_overlaps=True)
    one = desk.booked()
    post(desk, one, "cancel")
    desk.booked()

    refused(desk, one, "reopen")
