"""The catalogue in the admin: the rules and the commands are those of the API."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.urls import reverse

from agents.models import Organization, User
from appointments.models import (
    AnswerOption,
    Appointment,
    Form,
    LeadSegment,
    Office,
    Question,
    QuestionKind,
    Subject,
)
from appointments.services import catalogue
from appointments.services.forms import OptionData, QuestionData
from config.kernel.actors import Role
from notifications.models import OutboxEvent
from tests import make
from tests.appointments import entries
from tests.appointments.entries import BERLIN

if TYPE_CHECKING:
    from django.db.models import Model

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Organization:
    """Give an organisation with an application."""
    return make.make_application().organization


@pytest.fixture
def administrator(house: Organization) -> Client:
    """Give the browser of an administrator of the organisation."""
    return signed_in(make.make_user(house, [Role.ADMIN]))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(model: type[Model], page: str = "changelist", *args: object) -> str:
    return reverse(f"admin:appointments_{model._meta.model_name}_{page}", args=args)


def office(**fields: Any) -> dict[str, Any]:
    good = {"name": {"en": "Berlin"}, "location": BERLIN, "description": {}, "directions": {}}
    data = {**good, "parking": {}, "timezone": "Europe/Berlin", "is_active": "on", **fields}
    return {
        name: json.dumps(value) if isinstance(value, dict) else value
        for name, value in data.items()
    }


def as_read(response: Any) -> dict[str, str]:
    """Give what a browser sends when nobody has touched anything."""
    page = Fields()
    page.feed(response.content.decode())
    return page.data


class Fields(HTMLParser):
    """The fields of a page with what is filled in."""

    def __init__(self) -> None:
        super().__init__()
        self.data: dict[str, str] = {}
        self.open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a field, with its value where that is an attribute."""
        facts = {name: value or "" for name, value in attrs}
        name = facts.get("name", "")
        if tag == "input" and facts.get("type") == "checkbox":
            self.data |= {name: "on"} if "checked" in facts else {}
        elif tag == "input":
            self.data[name] = facts.get("value", "")
        elif tag == "option" and "selected" in facts:
            self.data[self.open] = facts["value"]
        elif tag in {"select", "textarea"}:
            self.open = name

    def handle_data(self, data: str) -> None:
        """Take what is within a field of several lines."""
        if self.lasttag == "textarea" and self.open:
            self.data[self.open] = data.removeprefix("\n")
            self.open = ""


def errors_of(response: Any) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = response.context["adminform"].form.errors
    return errors


def test_an_administrator_adds_an_office(administrator: Client, house: Organization) -> None:
    response = administrator.post(url(Office, "add"), office(phone="+49 30 1"))

    assert response.status_code == 302
    made = Office.objects.get()
    assert (made.organization, made.location, made.phone) == (house, BERLIN, "+49 30 1")
    event = OutboxEvent.objects.get(subject_id=made.pk)
    assert (event.type, event.origin) == ("catalogue.created", "admin")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", {}, "This field is required."),
        ("name", {"xx": "B"}, "xx: A language is a code of two letters (ISO 639-1), such as en."),
        ("location", {**BERLIN, "countryCode": "d"}, "countryCode: A country is a code of two"),
        ("timezone", "Mars", "A time zone is an IANA name such as Europe/Berlin."),
        ("parking", {"de": ""}, "de: A text is missing: leave the language out."),
    ],
)
def test_what_the_api_refuses_is_refused(
    field: str, value: Any, message: str, administrator: Client
) -> None:
    response = administrator.post(url(Office, "add"), office(**{field: value}))

    assert list(errors_of(response)) == [field]
    assert errors_of(response)[field][0].startswith(message)
    assert Office.objects.count() == 0


def test_an_office_is_changed_by_its_command(administrator: Client, house: Organization) -> None:
    made = entries.make_office(house)
    path = url(Office, "change", made.pk)

    administrator.post(path, office(name={"de": "Mitte"}))
    administrator.post(path, office(name={"de": "Mitte"}))

    made.refresh_from_db()
    assert made.name == {"de": "Mitte"}
    events = OutboxEvent.objects.filter(subject_id=made.pk).order_by("subject_sequence")
    # The same again changes nothing.
    assert [one.type for one in events] == ["catalogue.created", "catalogue.updated"]


def test_of_two_who_change_an_office_neither_undoes_what_the_other_did(
    administrator: Client, house: Organization
) -> None:
    made = entries.make_office(house)
    path = url(Office, "change", made.pk)
    read = as_read(administrator.get(path))
    # The other one was quicker.
    Office.objects.filter(pk=made.pk).update(phone="+49 30 1")

    administrator.post(path, {**read, "name": json.dumps({"en": "Mitte"})})

    made.refresh_from_db()
    assert (made.name, made.phone) == ({"en": "Mitte"}, "+49 30 1")


def test_a_subject_takes_a_group_of_its_own_organisation(
    administrator: Client, house: Organization
) -> None:
    theirs, ours = entries.make_group(make.make_organization()), entries.make_group(house)
    data = {"name": '{"en": "Loans"}', "order": "0", "duration": "00:45:00"}
    texts = {"description": "{}", "instructions": "{}"}

    refused = administrator.post(url(Subject, "add"), {**data, **texts, "group": str(theirs.pk)})
    administrator.post(url(Subject, "add"), {**data, **texts, "group": str(ours.pk)})

    assert list(errors_of(refused)) == ["group"]
    assert [one.group for one in Subject.objects.all()] == [ours]


def test_an_office_with_appointments_cannot_be_deleted(
    administrator: Client, house: Organization
) -> None:
    used, free = entries.make_office(house), entries.make_office(house)
    booked = make.make_appointment(make.make_application(house))
    Appointment.objects.filter(pk=booked.pk).update(office=used)

    asked = administrator.get(url(Office, "delete", used.pk))
    for one in (used, free):
        administrator.post(url(Office, "delete", one.pk), {"post": "yes"})

    assert "set active to false instead" in asked.content.decode()
    assert list(Office.objects.all()) == [used]


def test_the_general_office_cannot_be_deleted(administrator: Client, house: Organization) -> None:
    general = catalogue.default_office(house.id)

    administrator.post(url(Office, "delete", general.pk), {"post": "yes"})
    chosen = {"action": "delete_selected", "_selected_action": str(general.pk), "post": "yes"}
    administrator.post(url(Office), chosen)

    assert Office.objects.get() == general


def test_lead_segments_are_numbered_and_only_marked_as_deleted(
    administrator: Client, house: Organization
) -> None:
    administrator.post(url(LeadSegment, "add"), {"code": "VIP", "is_active": "on"})
    made = LeadSegment.objects.get()

    twice = administrator.post(url(LeadSegment, "add"), {"code": "VIP"})
    administrator.post(url(LeadSegment, "delete", made.pk), {"post": "yes"})

    assert list(errors_of(twice)) == ["code"]
    made.refresh_from_db()
    assert (made.number, made.deleted_at is None) == (1, False)


# --- Forms ------------------------------------------------------------------------------------


def questions(*rows: dict[str, Any], initial: int = 0) -> dict[str, Any]:
    """Give what the questions of a form would send."""
    data: dict[str, Any] = {
        "questions-TOTAL_FORMS": len(rows),
        "questions-INITIAL_FORMS": initial,
        "questions-MIN_NUM_FORMS": 0,
        "questions-MAX_NUM_FORMS": 100,
    }
    for number, row in enumerate(rows):
        whole = {"order": "0", "kind": "TEXT", "label": '{"en": "Why?"}', **row}
        data |= {f"questions-{number}-{name}": value for name, value in whole.items()}
    return data


def test_a_form_is_made_with_its_questions(administrator: Client) -> None:
    choice = {"kind": "CHOICE", "options_text": "By mail\n\nBy phone\n", "order": "1"}

    response = administrator.post(url(Form, "add"), {"name": "Before", **questions({}, choice)})

    assert response.status_code == 302
    first, second = Question.objects.order_by("order")
    assert (first.kind, first.label) == ("TEXT", {"en": "Why?"})
    values = [option.value for option in second.options.order_by("order")]
    assert values == ["By mail", "By phone"]


def test_a_question_that_cannot_be_put_is_shown_with_its_error(administrator: Client) -> None:
    data = {"name": "Before", **questions({"kind": "CHOICE"})}

    response = administrator.post(url(Form, "add"), data)

    assert "A choice needs options." in response.content.decode()
    assert Form.objects.count() == 0


def test_questions_keep_their_ids_and_those_that_are_ticked_go(
    administrator: Client, house: Organization
) -> None:
    choice = QuestionData(
        label={"en": "How?"}, kind=QuestionKind.CHOICE, options=(OptionData(value="By mail"),)
    )
    form = entries.make_form(house, choice, QuestionData(label={"en": "Why?"}, order=1))
    how, why = form.questions.order_by("order")
    mail = how.options.get()
    rows = [
        {
            "id": str(how.pk),
            "form": str(form.pk),
            "kind": "CHOICE",
            "options_text": "By mail\nBy post",
        },
        {"id": str(why.pk), "form": str(form.pk), "DELETE": "on"},
    ]

    page = administrator.get(url(Form, "change", form.pk))
    response = administrator.post(
        url(Form, "change", form.pk), {"name": "Before", **questions(*rows, initial=2)}
    )

    assert "By mail" in page.content.decode()
    assert response.status_code == 302
    assert Question.objects.get() == how
    options = {one.value: one.pk for one in AnswerOption.objects.all()}
    assert options.keys() == {"By mail", "By post"}
    assert options["By mail"] == mail.pk


def test_questions_that_nobody_touched_stay_as_they_are_by_then(
    administrator: Client, house: Organization
) -> None:
    form = entries.make_form(house, QuestionData(label={"en": "Why?"}, order=1))
    why = form.questions.get()
    path = url(Form, "change", form.pk)
    read = as_read(administrator.get(path))
    Question.objects.filter(pk=why.pk).update(label={"en": "Why not?"})

    response = administrator.post(path, {**read, "name": "Before"})

    assert response.status_code == 302
    assert Form.objects.get().name == "Before"
    assert Question.objects.get().label == {"en": "Why not?"}


def test_supervisors_see_questions_and_change_none(house: Organization) -> None:
    form = entries.make_form(house, QuestionData(label={"en": "Why?"}))
    supervisor = signed_in(make.make_user(house, [Role.SUPERVISOR]))

    page = supervisor.get(url(Form, "change", form.pk))
    refused = supervisor.post(url(Form, "change", form.pk), {"name": "X", **questions()})

    assert "Why?" in page.content.decode()
    assert refused.status_code == 403


# --- Job titles -------------------------------------------------------------------------------


def test_a_job_title_is_in_languages_that_there_are(
    administrator: Client, house: Organization
) -> None:
    user = make.make_user(house)
    path = reverse("admin:agents_user_change", args=[user.pk])

    response = administrator.post(path, {"function": '{"english": "Advisor"}'})

    assert "A language is a code of two letters" in str(errors_of(response)["function"])
