"""The catalogue's commands: what is made, replaced, refused and kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import close_old_connections, connection
from django.utils import timezone

from agents.models import Application, Organization
from appointments.errors import (
    CodeTaken,
    EntryInUse,
    EntryIsDefault,
    EntryNotFound,
    InvalidEntry,
    LeadSegmentUnknown,
    ListingUnknown,
    OfficeUnknown,
    SubjectUnknown,
)
from appointments.models import (
    Answer,
    AnswerType,
    Appointment,
    CalendarFeed,
    Office,
    Question,
    QuestionKind,
    Subject,
    SubjectGroup,
)
from appointments.services import catalogue
from appointments.services.catalogue import Kind
from appointments.services.forms import OptionData, QuestionData
from notifications.models import Notification, OutboxEvent
from tests import make
from tests.appointments import entries
from tests.appointments.entries import BERLIN, administrator
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

UNKNOWN = "0190a1b2-0000-7000-8000-00000000dead"


@pytest.fixture
def house() -> Organization:
    """Give an organisation with an application in Germany."""
    return make.make_application(
        default_country="DE", default_timezone="Europe/Berlin"
    ).organization


def replace(kind: Kind[Any], entry: Any, **values: Any) -> Any:
    entry_id = str(getattr(entry, "number", entry.pk))
    actor = administrator(entry.organization)
    return catalogue.replace_entry(kind, entry_id, values, actor=actor, now=timezone.now())


def delete(kind: Kind[Any], entry: Any) -> None:
    entry_id = str(getattr(entry, "number", entry.pk))
    actor = administrator(entry.organization)
    catalogue.delete_entry(kind, entry_id, actor=actor, now=timezone.now())


def history(entry: Any) -> list[tuple[str, dict[str, Any]]]:
    events = OutboxEvent.objects.filter(subject_id=entry.pk).order_by("subject_sequence")
    return list(events.values_list("type", "facts"))


# --- The general entries ----------------------------------------------------------------------


def test_the_general_subject_is_made_once_with_its_group(house: Organization) -> None:
    first = catalogue.default_subject(house.id)
    second = catalogue.default_subject(house.id)

    assert first == second
    assert first.name == {"en": "Appointment", "de": "Termin", "el": "Ραντεβού"}
    assert first.group.name == {"en": "General", "de": "Allgemein", "el": "Γενικά"}
    assert (first.is_default, first.group.is_default) == (True, True)


def test_the_general_office_is_virtual_and_where_the_application_is(house: Organization) -> None:
    office = catalogue.default_office(house.id)

    assert catalogue.default_office(house.id) == office
    assert (office.is_virtual, office.timezone) == (True, "Europe/Berlin")
    assert office.location["countryCode"] == "DE"


@pytest.mark.parametrize(
    ("locale", "country"), [("de-AT", "AT"), ("en", "US"), ("sr-Latn", "US"), ("es-419", "US")]
)
def test_without_a_country_the_general_office_is_where_the_locale_is(
    locale: str, country: str
) -> None:
    house = make.make_application(default_locale=locale).organization

    assert catalogue.default_office(house.id).location["countryCode"] == country


def test_each_organisation_has_general_entries_of_its_own(house: Organization) -> None:
    other = make.make_organization()

    assert catalogue.default_subject(house.id) != catalogue.default_subject(other.id)
    assert catalogue.default_office(house.id) != catalogue.default_office(other.id)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_need_the_general_entries_at_once_one_makes_them() -> None:
    house = make.make_application().organization

    def ask(_: int) -> tuple[UUID, UUID]:
        try:
            return catalogue.default_subject(house.id).id, catalogue.default_office(house.id).id
        finally:
            connection.close()
            close_old_connections()

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(ask, range(8)))

    assert len(found) == 1
    assert (SubjectGroup.objects.count(), Subject.objects.count()) == (1, 1)
    assert Office.objects.count() == 1


def test_the_general_entries_can_be_changed_and_not_deleted(house: Organization) -> None:
    office = catalogue.default_office(house.id)
    changed = replace(
        catalogue.OFFICES, office, name={"en": "Head office"}, location=BERLIN, is_virtual=False
    )

    with pytest.raises(EntryIsDefault):
        delete(catalogue.OFFICES, office)

    assert (changed.is_default, changed.name) == (True, {"en": "Head office"})


@pytest.mark.parametrize(
    "kind", [catalogue.SUBJECTS, catalogue.SUBJECT_GROUPS], ids=lambda k: k.name
)
def test_the_general_subject_and_group_cannot_be_deleted(
    kind: Kind[Any], house: Organization
) -> None:
    subject = catalogue.default_subject(house.id)

    with pytest.raises(EntryIsDefault):
        delete(kind, subject if kind is catalogue.SUBJECTS else subject.group)


# --- Well-formed ------------------------------------------------------------------------------


LONG = "x" * 256


@pytest.mark.rule("webhook.appointment.post.r63", "webhook.appointment.post.r71")
@pytest.mark.parametrize(
    ("kind", "values", "member"),
    [
        (catalogue.SUBJECT_GROUPS, {"name": {}}, "translations.name"),
        (catalogue.SUBJECT_GROUPS, {"name": {"xx": "Loans"}}, "translations.name.xx"),
        (catalogue.SUBJECT_GROUPS, {"name": {"EN": "Loans"}}, "translations.name.EN"),
        (catalogue.SUBJECT_GROUPS, {"name": {"en": " "}}, "translations.name.en"),
        (catalogue.SUBJECT_GROUPS, {"name": {"en": LONG}}, "translations.name.en"),
        (catalogue.SUBJECT_GROUPS, {"external_id": LONG}, "externalId"),
        (catalogue.SUBJECT_GROUPS, {"color": "red"}, "color"),
        (catalogue.SUBJECT_GROUPS, {"image": "x" * 65_536}, "image"),
        (catalogue.SUBJECT_GROUPS, {"order": -1}, "order"),
        (catalogue.OFFICES, {"timezone": "Mars/Olympus"}, "timeZone"),
        (catalogue.OFFICES, {"location": None}, "location"),
        (catalogue.OFFICES, {"location": {**BERLIN, "countryCode": "D"}}, "location.countryCode"),
        (catalogue.OFFICES, {"email": "nobody"}, "email"),
        (catalogue.LISTINGS, {"timezone": "x"}, "timeZone"),
        (catalogue.LISTINGS, {"tags": ["x"] * 101}, "tags"),
        (catalogue.LISTINGS, {"tags": [1]}, "tags"),
        (catalogue.LEAD_SEGMENTS, {"code": LONG}, "code"),
        (catalogue.LEAD_SEGMENTS, {"code": ""}, "code"),
        (catalogue.LEAD_SEGMENTS, {"description": "x" * 10_001}, "description"),
        (catalogue.FORMS, {"name": ""}, "name"),
    ],
)  # fmt: skip
def test_what_is_not_well_formed_is_refused_by_name(
    kind: Kind[Any], values: dict[str, Any], member: str, house: Organization
) -> None:
    good = {"name": {"en": "A"}, "location": BERLIN, "code": "A"}
    if kind is catalogue.FORMS:
        good["name"] = "A"
    before = everything()

    with pytest.raises(InvalidEntry) as refusal:
        catalogue.create_entry(kind, good | values, actor=administrator(house), now=timezone.now())

    assert list(refusal.value.errors) == [member]
    assert everything() == before


@pytest.mark.parametrize(
    ("part", "path"),
    [
        ({"geolocation": {"latitude": 91, "longitude": 0}}, "geolocation.latitude"),
        ({"geolocation": {"latitude": 0, "longitude": True}}, "geolocation.longitude"),
        ({"geolocation": None}, "geolocation.latitude"),
        ({"postalCode": 10117}, "postalCode"),
        ({"postalCode": "1" * 41}, "postalCode"),
        ({"countryCode": "de"}, "countryCode"),
        ({"translations": {}}, "translations.city"),
        ({"translations": {"city": [{"value": "Berlin"}]}}, "translations.city.0"),
        (
            {"translations": {"city": [{"value": "B", "language": "de"}] * 2}},
            "translations.city.1.language",
        ),
    ],
)
def test_a_place_is_whole(part: dict[str, Any], path: str, house: Organization) -> None:
    with pytest.raises(InvalidEntry) as refusal:
        entries.make_office(house, location={**BERLIN, **part})

    assert f"location.{path}" in refusal.value.errors


def test_a_place_is_kept_with_its_members_and_no_others(house: Organization) -> None:
    made = entries.make_office(house, location={**BERLIN, "postalCode": "", "planet": "Earth"})

    assert made.location == {**BERLIN, "postalCode": None}


@pytest.mark.parametrize("length", [timedelta(0), timedelta(days=-1), timedelta(days=367)])
def test_a_subject_takes_time_and_not_for_ever(length: timedelta, house: Organization) -> None:
    with pytest.raises(InvalidEntry) as refusal:
        entries.make_subject(house, duration=length)

    assert list(refusal.value.errors) == ["duration"]


@pytest.mark.parametrize("column", ["group_id", "questionnaire_form_id"])
@pytest.mark.parametrize("wrong", ["unknown", "foreign", "malformed"])
def test_a_subject_has_a_group_and_forms_of_its_own_organisation(
    column: str, wrong: str, house: Organization
) -> None:
    other = make.make_organization()
    foreign = entries.make_group(other) if column == "group_id" else entries.make_form(other)
    value = {"unknown": UNKNOWN, "foreign": foreign.id, "malformed": "x"}[wrong]

    with pytest.raises(InvalidEntry) as refusal:
        entries.make_subject(house, **{column: value})

    name = {"group_id": "subjectGroup.id"}.get(column, "questionnaireFormId")
    assert refusal.value.errors == {name: ["There is no such entry."]}


# --- Replaced ---------------------------------------------------------------------------------


def test_what_is_left_out_has_its_default_again(house: Organization) -> None:
    made = entries.make_office(house, phone="+49 30 1", is_virtual=True)

    changed = replace(catalogue.OFFICES, made, name={"en": "B"}, location=BERLIN)

    assert (changed.phone, changed.is_virtual, changed.timezone) == ("", False, "UTC")


def test_what_is_replaced_by_the_same_has_not_been_updated(house: Organization) -> None:
    made = entries.make_office(house)
    before = everything()

    same = replace(
        catalogue.OFFICES, made, name=made.name, location=BERLIN, timezone="Europe/Berlin"
    )

    assert same.updated_at == made.updated_at
    assert everything() == before


@pytest.mark.rule("webhook.appointment.post.r52")
def test_what_is_not_meant_stays_as_it_is_by_then(house: Organization) -> None:
    subject = entries.make_subject(house, duration=timedelta(minutes=45))
    values = {**catalogue.SUBJECTS.values(subject), "name": {"en": "Savings"}}
    Subject.objects.filter(pk=subject.pk).update(duration=timedelta(hours=1))

    changed = catalogue.replace_entry(
        catalogue.SUBJECTS,
        str(subject.pk),
        values,
        only=["name"],
        actor=administrator(house),
        now=timezone.now(),
    )

    assert (changed.name, changed.duration) == ({"en": "Savings"}, timedelta(hours=1))
    assert history(subject)[-1] == ("catalogue.updated", {"kind": "subject", "changed": ["name"]})


def test_a_change_tells_nobody_and_stays_in_the_history(house: Organization) -> None:
    application = make.make_application(house)
    make.make_subscription(application)
    subject = entries.make_subject(house)
    booked = make.make_appointment(application)
    Appointment.objects.filter(pk=booked.pk).update(subject=subject)
    told = set(Notification.objects.values_list("id", flat=True))

    changed = replace(
        catalogue.SUBJECTS, subject, name={"en": "Loans"}, group_id=str(subject.group_id)
    )
    entries.make_group(house)

    assert changed.updated_at > subject.updated_at
    assert history(subject) == [
        ("catalogue.created", {"kind": "subject"}),
        ("catalogue.updated", {"kind": "subject", "changed": ["name"]}),
    ]
    assert set(Notification.objects.values_list("id", flat=True)) == told


def test_the_history_holds_no_address_and_no_person(house: Organization) -> None:
    made = entries.make_office(house, email="desk@example.org", phone="+49 30 123")

    text = str(OutboxEvent.objects.get(subject_id=made.pk).after)

    assert "Berlin" in text
    assert [word for word in ("desk@", "+49", "Linden") if word in text] == []


# --- Deleted ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "column", "maker"),
    [
        (catalogue.SUBJECTS, "subject", entries.make_subject),
        (catalogue.OFFICES, "office", entries.make_office),
        (catalogue.LISTINGS, "listing", entries.make_listing),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_an_entry_goes_unless_appointments_have_it(
    kind: Kind[Any], column: str, maker: Any, house: Organization
) -> None:
    used, free = maker(house), maker(house)
    booked = make.make_appointment(house_application(house))
    Appointment.objects.filter(pk=booked.pk).update(**{column: used})

    delete(kind, free)
    with pytest.raises(EntryInUse, match=r"instead|any more"):
        delete(kind, used)

    assert list(kind.model._default_manager.values_list("pk", flat=True)) == [used.pk]


def test_an_office_goes_once_nobody_reads_its_calendar(house: Organization) -> None:
    office, kept = entries.make_office(house), entries.make_office(house)
    feed, other = make.make_feed(office=office), make.make_feed(office=kept)

    with pytest.raises(EntryInUse, match="revoke them first"):
        delete(catalogue.OFFICES, office)
    CalendarFeed.objects.filter(pk=feed.pk).update(revoked_at=timezone.now())
    delete(catalogue.OFFICES, office)

    assert list(Office.objects.values_list("pk", flat=True)) == [kept.pk]
    assert list(CalendarFeed.objects.values_list("pk", flat=True)) == [other.pk]


def house_application(house: Organization) -> Any:
    return Application.objects.get(organization=house)


def test_a_group_goes_once_it_has_no_subjects(house: Organization) -> None:
    subject = entries.make_subject(house)

    with pytest.raises(EntryInUse, match="another group"):
        delete(catalogue.SUBJECT_GROUPS, subject.group)
    delete(catalogue.SUBJECTS, subject)
    delete(catalogue.SUBJECT_GROUPS, subject.group)

    assert SubjectGroup.objects.count() == 0


def test_a_form_goes_once_no_subject_has_it(house: Organization) -> None:
    form = entries.make_form(house, CHOICE)
    subject = entries.make_subject(house, completion_by_agent_form_id=form.id)

    with pytest.raises(EntryInUse, match="out of them first"):
        delete(catalogue.FORMS, form)
    delete(catalogue.SUBJECTS, subject)
    delete(catalogue.FORMS, form)

    assert Question.objects.count() == 0


def test_what_is_not_there_cannot_be_changed_or_deleted(house: Organization) -> None:
    theirs = entries.make_office(make.make_organization())
    actor = administrator(house)

    for entry_id in (str(theirs.id), UNKNOWN, "x"):
        with pytest.raises(EntryNotFound):
            catalogue.delete_entry(catalogue.OFFICES, entry_id, actor=actor, now=timezone.now())
        with pytest.raises(EntryNotFound):
            catalogue.read_entry(catalogue.OFFICES, entry_id, actor=actor)

    assert Office.objects.get() == theirs


# --- Lead segments ----------------------------------------------------------------------------


def test_lead_segments_are_numbered_in_each_organisation(house: Organization) -> None:
    other = make.make_organization()

    numbers = [entries.make_lead_segment(owner).number for owner in (house, house, other)]

    assert numbers == [1, 2, 1]


@pytest.mark.rule("webhook.appointment.post.r72")
def test_a_deleted_lead_segment_stays_for_the_appointments_that_have_it(
    house: Organization,
) -> None:
    segment = entries.make_lead_segment(house, code="VIP")
    booked = make.make_appointment(house_application(house))
    Appointment.objects.filter(pk=booked.pk).update(lead_segment=segment)

    delete(catalogue.LEAD_SEGMENTS, segment)

    kept = Appointment.objects.get(pk=booked.pk).lead_segment
    assert (kept, kept.deleted_at is None) == (segment, False)
    with pytest.raises(EntryNotFound):
        catalogue.read_entry(catalogue.LEAD_SEGMENTS, "1", actor=administrator(house))


def test_a_code_is_one_lead_segment_until_it_is_deleted(house: Organization) -> None:
    first = entries.make_lead_segment(house, code="VIP")

    with pytest.raises(CodeTaken):
        entries.make_lead_segment(house, code="VIP")
    delete(catalogue.LEAD_SEGMENTS, first)
    second = entries.make_lead_segment(house, code="VIP")

    assert (first.number, second.number) == (1, 2)


# --- Named in a booking -----------------------------------------------------------------------

NAMED = {
    "subjectId": (catalogue.find_subject, entries.make_subject, SubjectUnknown),
    "officeId": (catalogue.find_office, entries.make_office, OfficeUnknown),
    "listingId": (catalogue.find_listing, entries.make_listing, ListingUnknown),
    "leadSegmentId": (catalogue.find_lead_segment, entries.make_lead_segment, LeadSegmentUnknown),
}


@pytest.mark.parametrize("member", NAMED)
def test_an_entry_that_a_booking_names_is_found(member: str, house: Organization) -> None:
    find, maker, _ = NAMED[member]
    made: Any = maker(house)

    found = find(str(getattr(made, "number", made.pk)), actor=administrator(house))

    assert found == made


@pytest.mark.parametrize("member", NAMED)
@pytest.mark.parametrize("wrong", ["foreign", UNKNOWN, "", "x", "9999999999", "٣"])
def test_an_entry_that_does_not_exist_is_refused_by_the_name_of_its_member(
    member: str, wrong: str, house: Organization
) -> None:
    find, maker, refusal = NAMED[member]
    theirs: Any = maker(make.make_organization())
    wanted = str(getattr(theirs, "number", theirs.pk)) if wrong == "foreign" else wrong

    with pytest.raises(refusal) as raised:
        find(wanted, actor=administrator(house))

    assert (raised.value.kind, list(raised.value.errors)) == ("invalid", [member])


def test_a_deleted_lead_segment_cannot_be_named(house: Organization) -> None:
    segment = entries.make_lead_segment(house)
    delete(catalogue.LEAD_SEGMENTS, segment)

    with pytest.raises(LeadSegmentUnknown):
        catalogue.find_lead_segment(str(segment.number), actor=administrator(house))


# --- Forms ------------------------------------------------------------------------------------

TEXT = QuestionData(label={"en": "What is it about?"}, order=2)
CHOICE = QuestionData(
    label={"en": "How do we reach you?"},
    order=1,
    kind=QuestionKind.CHOICE,
    options=(OptionData(value="By mail", order=2), OptionData(value="By phone", order=1)),
)


def test_questions_and_options_come_in_their_order(house: Organization) -> None:
    form = entries.make_form(house, TEXT, CHOICE)

    first, second = form.questions.all()

    assert (first.label, second.label) == (CHOICE.label, TEXT.label)
    assert [option.value for option in first.options.all()] == ["By phone", "By mail"]


@pytest.mark.parametrize(
    ("question", "path"),
    [
        (QuestionData(label={}), "translations.label"),
        (QuestionData(label={"en": "A"}, kind=QuestionKind.CHOICES), "options"),
        (QuestionData(label={"en": "A"}, options=(OptionData(value="B"),)), "options"),
        (
            QuestionData(
                label={"en": "A"}, kind=QuestionKind.CHOICE, options=(OptionData(value=" "),)
            ),
            "options.0.value",
        ),
        (QuestionData(label={"en": "A"}, id=UNKNOWN), "id"),
    ],
)
def test_a_question_that_cannot_be_put_is_refused(
    question: QuestionData, path: str, house: Organization
) -> None:
    with pytest.raises(InvalidEntry) as refusal:
        entries.make_form(house, TEXT, question)

    assert list(refusal.value.errors) == [f"questions.1.{path}"]


def test_a_question_with_its_id_is_changed_and_one_without_is_new(house: Organization) -> None:
    form = entries.make_form(house, TEXT)
    kept = form.questions.get()
    changed = QuestionData(id=str(kept.pk), label={"en": "Why?"})

    after = replace(catalogue.FORMS, form, name=form.name, questions=(changed, CHOICE))

    assert {one.label["en"] for one in after.questions.all()} == {"Why?", CHOICE.label["en"]}
    assert kept in after.questions.all()
    assert history(form)[-1][1]["changed"] == ["questions"]


def test_the_same_questions_again_change_nothing(house: Organization) -> None:
    form = entries.make_form(house, CHOICE)
    question = form.questions.get()
    options = tuple(
        OptionData(id=str(one.pk), value=one.value, order=one.order)
        for one in question.options.all()
    )
    same = QuestionData(
        id=str(question.pk), label=CHOICE.label, order=1, kind=CHOICE.kind, options=options
    )
    before = everything()

    replace(catalogue.FORMS, form, name=form.name, questions=(same,))

    assert everything() == before


def test_an_answered_question_is_taken_out_and_others_are_deleted(house: Organization) -> None:
    form = entries.make_form(house, TEXT, CHOICE)
    unanswered, answered = form.questions.all()
    booked = make.make_appointment(house_application(house))
    Answer.objects.create(
        organization=house,
        appointment=booked,
        question=answered,
        type=AnswerType.SUBJECT_QUESTIONNAIRE,
        value="A loan",
    )

    after = replace(catalogue.FORMS, form, name=form.name)

    assert list(after.questions.all()) == []
    assert [one.pk for one in Question.objects.filter(removed_at__isnull=False)] == [answered.pk]
    assert not Question.objects.filter(pk=unanswered.pk).exists()
    with pytest.raises(EntryInUse, match="were answered"):
        delete(catalogue.FORMS, form)
