"""The catalogue over HTTP: what is replaced and deleted, and what is told of it."""

from __future__ import annotations

import pytest

from appointments import catalogue_wire
from appointments.models import Answer, AnswerType, Appointment
from appointments.services import catalogue
from notifications.models import Notification, OutboxEvent
from tests.appointments import entries
from tests.appointments.entries import BERLIN
from tests.appointments.house import (
    CATALOGUE,
    NAME,
    NAMED,
    House,
    every_kind,
    make_house,
    path_of,
    question,
)
from tests.appointments.scene import UNKNOWN
from tests.contract.state import everything

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> House:
    """Give an organisation without a catalogue."""
    return make_house()


# --- Replaced ---------------------------------------------------------------------------------


@pytest.mark.rule("frontdesk.catalogue.r7")
@every_kind
def test_what_was_read_can_be_sent_back_and_changes_nothing(kind: str, house: House) -> None:
    made = house.add(kind)
    before = everything()

    answer = house.client.put(path_of(kind, made), made)

    assert (answer.status_code, answer.json()) == (200, made)
    assert everything() == before


@pytest.mark.rule("frontdesk.catalogue.r7")
def test_an_entry_is_replaced_as_a_whole(house: House) -> None:
    made = house.add("offices", phoneNumber="+49 30 123", timeZone="Europe/Berlin", active=False)

    changed = house.client.put(path_of("offices", made), {**NAMED, "location": BERLIN}).json()

    assert (changed["phoneNumber"], changed["timeZone"]) == (None, "UTC")
    assert changed["active"] is True
    assert changed["updatedAt"] > made["updatedAt"]
    assert changed["createdAt"] == made["createdAt"]


@pytest.mark.rule("frontdesk.catalogue.forms.update.r1")
def test_questions_and_options_keep_the_ids_that_are_sent(house: House) -> None:
    choice = question("How?", kind="CHOICE", options=[{"value": "Mail"}, {"value": "Phone"}])
    made = house.add("forms", questions=[choice, question("Why?", order=1)])
    kept, path = made["questions"][0], path_of("forms", made)
    changed = {**kept, "required": True, "options": [kept["options"][0], {"value": "Post"}]}

    after = house.client.put(path, {**made, "questions": [changed]}).json()["questions"]

    assert [one["id"] for one in after] == [kept["id"]]
    assert after[0]["required"] is True
    assert kept["options"][0] in after[0]["options"]
    assert {one["value"] for one in after[0]["options"]} == {"Mail", "Post"}


@pytest.mark.rule("frontdesk.catalogue.forms.update.r1")
def test_ids_that_the_form_does_not_have_are_refused(house: House) -> None:
    made = house.add("forms", questions=[question("Why?")])
    [why] = made["questions"]
    other = house.add("forms", questions=[question("Where?")])["questions"][0]
    before = everything()

    answers = [
        house.client.put(path_of("forms", made), {"name": "A", "questions": questions})
        for questions in ([other], [why, why], [{**why, "id": UNKNOWN}])
    ]

    assert [list(answer.json()["errors"]) for answer in answers] == [
        ["questions.0.id"],
        ["questions.1.id"],
        ["questions.0.id"],
    ]
    assert everything() == before


@pytest.mark.rule("frontdesk.catalogue.forms.update.r2", "frontdesk.catalogue.forms.delete.r1")
def test_an_answered_question_is_taken_out_and_its_answers_stay(house: House) -> None:
    made = house.add("forms", questions=[question("Why?")])
    answered = Answer.objects.create(
        organization=house.organization,
        appointment=house.use(),
        question_id=made["questions"][0]["id"],
        type=AnswerType.SUBJECT_QUESTIONNAIRE,
        value="Because",
    )

    after = house.client.put(path_of("forms", made), {"name": "A"}).json()
    refused = house.client.delete(path_of("forms", made))

    assert after["questions"] == []
    assert Answer.objects.get() == answered
    assert (refused.status_code, refused.json()["code"]) == (409, "ENTRY_IN_USE")


# --- Deleted ----------------------------------------------------------------------------------


@pytest.mark.rule(
    "frontdesk.catalogue.subject_groups.delete.r1",
    "frontdesk.catalogue.subjects.delete.r1",
    "frontdesk.catalogue.offices.delete.r1",
    "frontdesk.catalogue.listings.delete.r1",
    "frontdesk.catalogue.lead_segments.delete.r1",
    "frontdesk.catalogue.forms.delete.r1",
)
@every_kind
def test_what_is_deleted_is_gone(kind: str, house: House) -> None:
    made, other = house.add(kind), house.add(kind)

    deleted = house.client.delete(path_of(kind, made))

    assert (deleted.status_code, deleted.content) == (204, b"")
    assert house.client.get(path_of(kind, made)).status_code == 404
    assert house.client.get(path_of(kind, other)).json() == other


@pytest.mark.rule(
    "frontdesk.catalogue.subjects.delete.r1",
    "frontdesk.catalogue.offices.delete.r1",
    "frontdesk.catalogue.listings.delete.r1",
)
@pytest.mark.parametrize(
    ("kind", "column"),
    [("subjects", "subject_id"), ("offices", "office_id"), ("listings", "listing_id")],
)
def test_what_appointments_have_cannot_be_deleted(kind: str, column: str, house: House) -> None:
    made = house.add(kind)
    house.use(**{column: made["id"]})
    before = everything()

    answer = house.client.delete(path_of(kind, made))

    assert (answer.status_code, answer.json()["code"]) == (409, "ENTRY_IN_USE")
    assert "false" in answer.json()["message"]
    assert everything() == before


@pytest.mark.rule(
    "frontdesk.catalogue.subject_groups.delete.r1", "frontdesk.catalogue.forms.delete.r1"
)
def test_what_subjects_have_cannot_be_deleted(house: House) -> None:
    form = house.add("forms")
    subject = house.add("subjects", cancellationByCustomerFormId=form["id"])

    answers = [
        house.client.delete(path_of("subject-groups", subject["subjectGroup"])),
        house.client.delete(path_of("forms", form)),
    ]

    assert [answer.status_code for answer in answers] == [409, 409]


@pytest.mark.rule("frontdesk.catalogue.r9")
def test_the_general_entries_cannot_be_deleted(house: House) -> None:
    subject = catalogue.default_subject(house.organization.id)
    office = catalogue.default_office(house.organization.id)
    paths = [f"subjects/{subject.id}", f"subject-groups/{subject.group_id}", f"offices/{office.id}"]

    answers = [house.client.delete(f"{CATALOGUE}/{path}") for path in paths]
    renamed = house.client.put(
        f"{CATALOGUE}/{paths[0]}", {**NAMED, "subjectGroup": {"id": str(subject.group_id)}}
    )

    assert [answer.json()["code"] for answer in answers] == ["ENTRY_IS_DEFAULT"] * 3
    assert renamed.json()["translations"]["name"] == NAME


@pytest.mark.rule("frontdesk.catalogue.lead_segments.delete.r1")
def test_a_deleted_lead_segment_stays_with_its_appointments(house: House) -> None:
    segment = entries.make_lead_segment(house.organization, code="VIP")
    booked = house.use(lead_segment=segment)

    house.client.delete(f"{CATALOGUE}/lead-segments/{segment.number}")

    kept = Appointment.objects.get(pk=booked.pk).lead_segment
    shown = catalogue_wire.lead_segment(kept)
    assert (shown["id"], shown["code"]) == (1, "VIP")
    assert shown["deletedAt"] is not None
    assert house.client.get(f"{CATALOGUE}/lead-segments/").json()["content"] == []


# --- Told -------------------------------------------------------------------------------------


@pytest.mark.rule("frontdesk.catalogue.r8")
@every_kind
def test_every_change_is_in_the_history_and_nobody_is_told(kind: str, house: House) -> None:
    made = house.add(kind)
    last = OutboxEvent.objects.order_by("recorded_at", "id").last()
    assert last is not None
    changed = house.body(kind) | {"externalId": "changed"}
    if kind == "lead-segments":
        changed["active"] = False

    house.client.put(path_of(kind, made), changed)
    house.client.delete(path_of(kind, made))

    events = OutboxEvent.objects.filter(subject_id=last.subject_id).order_by("subject_sequence")
    assert [one.type for one in events] == [
        "catalogue.created",
        "catalogue.updated",
        "catalogue.deleted",
    ]
    assert {one.actor_id for one in events} == {str(house.admin.pk)}
    assert {one.facts["kind"] for one in events} == {kind.replace("-", "_").removesuffix("s")}
    assert Notification.objects.count() == 0


def test_a_repetition_with_the_same_key_makes_nothing_twice(house: House) -> None:
    body, headers = house.body("offices"), {"Idempotency-Key": "one"}

    answers = [house.client.post(f"{CATALOGUE}/offices/", body, headers=headers) for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert house.client.get(f"{CATALOGUE}/offices/").json()["total"] == 1
