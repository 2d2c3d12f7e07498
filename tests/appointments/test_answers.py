"""Answers to the questions of a form: what fits, what does not, and how long they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from appointments import catalogue_wire, services
from appointments.errors import (
    AnswerSelectedOptionsForNonSelectionType,
    AnswersIncomplete,
    AnswerValueForSelectionType,
)
from appointments.models import Answer, AnswerType, Appointment, Form, Question, QuestionKind
from appointments.services import catalogue
from appointments.services.answers import GivenAnswer, record_answers
from appointments.services.case import open_case
from appointments.services.forms import OptionData, QuestionData
from config.kernel.actors import Actor
from config.kernel.errors import DomainError
from tests import make
from tests.appointments import entries
from tests.appointments.scene import UNKNOWN
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

WORDS = QuestionData(label={"en": "What is it about?"}, order=1, is_required=True)
AGE = QuestionData(label={"en": "How old is the house?"}, order=2, kind=QuestionKind.NUMBER)
OPTIONS = (OptionData(value="By mail", external_id="M"), OptionData(value="By phone"))
ONE = QuestionData(label={"en": "How?"}, order=3, kind=QuestionKind.CHOICE, options=OPTIONS)
MANY = QuestionData(label={"en": "Where?"}, order=4, kind=QuestionKind.CHOICES, options=OPTIONS)
# After everything that the tests have made.
NOW = timezone.now().replace(microsecond=0) + timedelta(hours=1)


@pytest.fixture
def booked() -> Appointment:
    """Give an appointment that nobody has answered a question about."""
    return make.make_appointment(make.make_application())


@pytest.fixture
def form(booked: Appointment) -> Form:
    """Give a form with a text, a number, a choice and a choice of several."""
    return entries.make_form(booked.organization, WORDS, AGE, ONE, MANY)


def questions_of(form: Form) -> list[Question]:
    return list(form.questions.order_by("order"))


def options_of(question: Question) -> list[str]:
    return [str(one.pk) for one in question.options.order_by("id")]


def words(form: Form, text: str = "A loan") -> GivenAnswer:
    return GivenAnswer(question_id=str(questions_of(form)[0].pk), value=text)


@transaction.atomic
def record(
    booked: Appointment, answers: Sequence[GivenAnswer], form: Form | None, now: datetime = NOW
) -> bool:
    actor = entries.administrator(booked.organization)
    case = open_case(booked.pk, actor=actor, now=now)
    return record_answers(case, answers, form=form, type=AnswerType.SUBJECT_QUESTIONNAIRE)


@pytest.mark.rule("webhook.appointment.post.r65")
def test_a_value_is_kept_as_text_and_a_choice_as_what_was_chosen(
    booked: Appointment, form: Form
) -> None:
    text, number, one, many = questions_of(form)
    mail = options_of(one)[0]

    record(
        booked,
        [
            words(form),
            GivenAnswer(question_id=str(number.pk), value=" 12.5 "),
            GivenAnswer(question_id=str(one.pk), option_ids=[mail]),
            GivenAnswer(question_id=str(many.pk), option_ids=options_of(many)),
        ],
        form,
    )

    kept = {row.question_id: (row.value, row.selected) for row in Answer.objects.all()}
    assert kept[text.pk] == ("A loan", None)
    assert kept[number.pk] == ("12.5", None)
    assert kept[one.pk] == ("", [{"id": mail, "externalId": "M", "value": "By mail"}])
    assert [option["value"] for option in kept[many.pk][1] or []] == ["By mail", "By phone"]


@pytest.mark.rule("webhook.appointment.post.r64", "webhook.appointment.post.r65")
def test_an_answer_is_shown_as_the_webhook_shows_it(booked: Appointment, form: Form) -> None:
    record(booked, [words(form)], form)

    answer = Answer.objects.select_related("question").get()

    moment = NOW.isoformat()
    assert catalogue_wire.answer(answer) == {
        "id": str(answer.pk),
        "form": {"id": str(form.pk)},
        "question": {
            "id": str(answer.question_id),
            "externalId": None,
            "order": 1,
            "translations": {"label": [{"value": "What is it about?", "language": "en"}]},
        },
        "answerType": "SUBJECT_QUESTIONNAIRE",
        "value": "A loan",
        "selectedAnswerOptions": None,
        "createdAt": moment,
        "updatedAt": moment,
    }


@pytest.mark.rule("webhook.appointment.post.r65")
@pytest.mark.parametrize(
    ("place", "value", "options", "refusal", "member"),
    [
        (2, "By mail", [], AnswerValueForSelectionType, "value"),
        (3, "By mail", [0], AnswerValueForSelectionType, "value"),
        (1, None, ["x"], AnswerSelectedOptionsForNonSelectionType, "optionIds"),
        (0, "A", [UNKNOWN], AnswerSelectedOptionsForNonSelectionType, "optionIds"),
        (1, "twelve", [], AnswersIncomplete, "value"),
        (1, "12,5", [], AnswersIncomplete, "value"),
        (1, "١٢", [], AnswersIncomplete, "value"),
        (0, "x" * 10_001, [], AnswersIncomplete, "value"),
        (2, None, [0, 1], AnswersIncomplete, "optionIds"),
        (2, None, [UNKNOWN], AnswersIncomplete, "optionIds"),
        (3, None, ["x"], AnswersIncomplete, "optionIds"),
    ],
)
def test_an_answer_that_does_not_fit_its_question_is_refused(
    place: int,
    value: str | None,
    options: list[int | str],
    refusal: type[DomainError],
    member: str,
    *,
    booked: Appointment,
    form: Form,
) -> None:
    question = questions_of(form)[place]
    known = options_of(question)
    chosen = [known[one] if isinstance(one, int) else one for one in options]
    answer = GivenAnswer(question_id=str(question.pk), value=value, option_ids=chosen)
    before = everything()

    with pytest.raises(refusal) as raised:
        record(booked, [words(form), answer][1 if place == 0 else 0 :], form)

    assert list(raised.value.errors) == [f"answers.{0 if place == 0 else 1}.{member}"]
    assert everything() == before


@pytest.mark.parametrize("value", [None, "", "  "])
def test_what_has_to_be_answered_cannot_be_left_out(
    value: str | None, booked: Appointment, form: Form
) -> None:
    for answers in ([], [words(form, value or "")]):
        with pytest.raises(AnswersIncomplete) as raised:
            record(booked, answers, form)

        assert raised.value.errors == {
            "answers": ["This question has to be answered: What is it about?"]
        }


@pytest.mark.parametrize("wrong", ["unknown", "another form's", "none"])
def test_an_answer_needs_a_question_of_the_form(
    wrong: str, booked: Appointment, form: Form
) -> None:
    other = entries.make_form(booked.organization, AGE)
    question = {"unknown": UNKNOWN, "another form's": str(other.questions.get().pk)}.get(wrong, "")
    answers = [words(form), GivenAnswer(question_id=question, value="1")]

    with pytest.raises(AnswersIncomplete) as raised:
        record(booked, answers, form)

    assert list(raised.value.errors) == ["answers.1.questionId"]


def test_without_a_form_nothing_can_be_answered(booked: Appointment, form: Form) -> None:
    with pytest.raises(AnswersIncomplete):
        record(booked, [words(form)], None)

    assert record(booked, [], None) is False


def test_a_question_is_answered_once(booked: Appointment, form: Form) -> None:
    with pytest.raises(AnswersIncomplete) as raised:
        record(booked, [words(form), words(form, "Another")], form)

    assert list(raised.value.errors) == ["answers.1.questionId"]


def test_answers_are_replaced_and_the_same_ones_again_change_nothing(
    booked: Appointment, form: Form
) -> None:
    age = GivenAnswer(question_id=str(questions_of(form)[1].pk), value="12")
    later = NOW + timedelta(minutes=5)

    changes = [
        record(booked, [words(form), age], form),
        record(booked, [words(form), age], form, now=later),
        record(booked, [words(form, "A house")], form, now=later),
    ]

    assert changes == [True, False, True]
    [kept] = Answer.objects.all()
    assert (kept.value, kept.created_at, kept.updated_at) == ("A house", NOW, later)


def test_an_answer_outlives_its_question_in_the_form(booked: Appointment, form: Form) -> None:
    record(booked, [words(form)], form)
    actor = entries.administrator(booked.organization)
    catalogue.replace_entry(
        catalogue.FORMS, str(form.pk), {"name": "Without questions"}, actor=actor, now=NOW
    )

    assert record(booked, [], form) is False

    assert Answer.objects.get().value == "A loan"


def test_a_chosen_option_stays_as_it_was(booked: Appointment, form: Form) -> None:
    one = questions_of(form)[2]
    record(
        booked,
        [words(form), GivenAnswer(question_id=str(one.pk), option_ids=options_of(one)[:1])],
        form,
    )
    one.options.update(value="By post")

    selected = Answer.objects.get(question=one).selected or []

    assert [option["value"] for option in selected] == ["By mail"]


def test_answers_are_erased_with_the_details_of_the_person(booked: Appointment, form: Form) -> None:
    others = make.make_appointment(booked.application)
    record(booked, [words(form)], form)
    record(others, [words(form)], form)
    Appointment.objects.filter(pk=booked.pk).update(details_expire_at=NOW)

    services.erase_expired_details(now=NOW)

    assert [answer.appointment_id for answer in Answer.objects.all()] == [others.pk]


def test_answers_go_with_a_deleted_appointment(booked: Appointment, form: Form) -> None:
    record(booked, [words(form)], form)

    services.delete_appointment(booked.pk, actor=Actor.system(booked.organization_id), now=NOW)

    assert Answer.objects.count() == 0
