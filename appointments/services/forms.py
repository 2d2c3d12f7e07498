"""The questions of a form, with the options that they offer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Model, Prefetch, Q

from appointments.errors import EntryInUse, InvalidEntry
from appointments.models import Answer, AnswerOption, Form, Question, QuestionKind, Subject
from appointments.models.catalogue import CHOOSING
from config.kernel import limits
from config.kernel.wording import Malformed, Problems, checked_texts

_ORDERED = (F("order"), F("id"))
CURRENT_QUESTIONS = Prefetch(
    "questions",
    queryset=Question.objects.filter(removed_at__isnull=True)
    .order_by(*_ORDERED)
    .prefetch_related(Prefetch("options", queryset=AnswerOption.objects.order_by(*_ORDERED))),
)
_FORMS_OF_A_SUBJECT = (
    "questionnaire_form",
    "cancellation_by_agent_form",
    "cancellation_by_customer_form",
    "completion_by_agent_form",
)


@dataclass(frozen=True, kw_only=True)
class OptionData:
    """What is said of an option; with an id, of one that is there."""

    value: str
    id: str | None = None
    external_id: str = ""
    order: int = 0


@dataclass(frozen=True, kw_only=True)
class QuestionData:
    """What is said of a question; with an id, of one that is there."""

    label: dict[str, str]
    id: str | None = None
    external_id: str = ""
    order: int = 0
    kind: QuestionKind = QuestionKind.TEXT
    is_required: bool = False
    options: tuple[OptionData, ...] = ()


def checked_questions(questions: Sequence[QuestionData]) -> tuple[QuestionData, ...]:
    """Accept questions that can be put: labelled, and with options where one has to choose.

    Raises InvalidEntry.
    """
    errors: Problems = {}
    if len(questions) > limits.QUESTIONS_PER_FORM:
        errors["questions"] = [f"A form has at most {limits.QUESTIONS_PER_FORM} questions."]
    for number, question in enumerate(questions):
        for name, problem in _problems_of(question).items():
            errors[f"questions.{number}.{name}"] = problem
    if errors:
        raise InvalidEntry(errors=errors)
    return tuple(questions)


def _problems_of(question: QuestionData) -> Problems:
    problems: Problems = {}
    try:
        checked_texts(question.label, longest=limits.NOTES_LENGTH, is_needed=True)
    except Malformed as error:
        problems |= {
            f"translations.label.{path}" if path else "translations.label": lines
            for path, lines in error.problems.items()
        }
    if question.kind in CHOOSING and not question.options:
        problems["options"] = ["A choice needs options."]
    elif question.kind not in CHOOSING and question.options:
        problems["options"] = ["Only a choice has options."]
    elif len(question.options) > limits.OPTIONS_PER_QUESTION:
        problems["options"] = [f"At most {limits.OPTIONS_PER_QUESTION} options."]
    for number, option in enumerate(question.options):
        if not 0 < len(option.value.strip()) <= limits.TITLE_LENGTH:
            problems[f"options.{number}.value"] = [
                f"It is a text of at most {limits.TITLE_LENGTH} characters."
            ]
    return problems


def write_questions(form: Form, questions: Sequence[QuestionData], *, now: datetime) -> bool:
    """Let a form have these questions and no others; tell whether that changed anything.

    One that was answered and is left out is taken out of the form, and stays for its answers.
    Raises InvalidEntry for the id of a question or option that is not there.
    """
    present = {str(one.pk): one for one in questions_of(form)}
    _check_ids(questions, present)
    has_changed = False
    for data in questions:
        question = present.pop(data.id or "", None)
        is_new = question is None
        question = question or Question(organization_id=form.organization_id, form=form)
        columns = {
            "external_id": data.external_id,
            "order": data.order,
            "kind": data.kind,
            "is_required": data.is_required,
            "label": data.label,
        }
        has_changed |= _write(question, columns, is_new=is_new)
        has_changed |= _write_options(question, data.options, is_new=is_new)
    _take_out(list(present.values()), now=now)
    return has_changed or bool(present)


def questions_of(form: Form) -> list[Question]:
    """Give the questions that a form has now, in their order, with their options."""
    rows = Question.objects.filter(form=form, removed_at__isnull=True).order_by(*_ORDERED)
    return list(
        rows.prefetch_related(Prefetch("options", AnswerOption.objects.order_by(*_ORDERED)))
    )


def check_unused(form: Form) -> None:
    """Refuse while subjects have it, or answers need its questions.

    Raises EntryInUse.
    """
    used = Q()
    for name in _FORMS_OF_A_SUBJECT:
        used |= Q((name, form))
    if Subject.objects.filter(used, organization_id=form.organization_id).exists():
        raise EntryInUse("Subjects have this form: take it out of them first.")
    if Answer.objects.filter(question__form=form).exists():
        raise EntryInUse(
            "Its questions were answered, and the answers need them: leave it without subjects."
        )


def delete_questions(questions: Sequence[Question]) -> None:
    """Delete questions with their options."""
    options = AnswerOption.objects.filter(question__in=questions)
    options._raw_delete(options.db)
    rows = Question.objects.filter(pk__in=[one.pk for one in questions])
    rows._raw_delete(rows.db)


def _check_ids(questions: Sequence[QuestionData], present: dict[str, Question]) -> None:
    errors: Problems = {}
    seen: set[str] = set()
    for number, data in enumerate(questions):
        if data.id is not None and (data.id not in present or data.id in seen):
            errors[f"questions.{number}.id"] = ["The form has no such question, or names it twice."]
            continue
        seen |= {data.id or ""}
        known = {str(one.pk) for one in present[data.id].options.all()} if data.id else set()
        for place, option in enumerate(data.options):
            if option.id is not None and option.id not in known:
                errors[f"questions.{number}.options.{place}.id"] = [
                    "The question has no such option, or names it twice."
                ]
            known -= {option.id or ""}
    if errors:
        raise InvalidEntry(errors=errors)


def _write_options(question: Question, options: Sequence[OptionData], *, is_new: bool) -> bool:
    present: dict[str, AnswerOption] = {}
    if not is_new:
        present = {str(one.pk): one for one in question.options.all()}
    has_changed = False
    for data in options:
        option = present.pop(data.id or "", None)
        is_added = option is None
        option = option or AnswerOption(organization_id=question.organization_id, question=question)
        columns = {"external_id": data.external_id, "order": data.order, "value": data.value}
        has_changed |= _write(option, columns, is_new=is_added)
    # Answers carry their options as they were when they were chosen.
    rows = AnswerOption.objects.filter(pk__in=[one.pk for one in present.values()])
    rows._raw_delete(rows.db)
    return has_changed or bool(present)


def _write(row: Model, columns: dict[str, Any], *, is_new: bool) -> bool:
    has_changed = is_new or any(getattr(row, name) != value for name, value in columns.items())
    for name, value in columns.items():
        setattr(row, name, value)
    if has_changed:
        row.save(force_insert=is_new)
    return has_changed


def _take_out(questions: Sequence[Question], *, now: datetime) -> None:
    keys = [one.pk for one in questions]
    answered: set[UUID] = set(
        Answer.objects.filter(question_id__in=keys).values_list("question_id", flat=True)
    )
    Question.objects.filter(pk__in=answered).update(removed_at=now)
    delete_questions([one for one in questions if one.pk not in answered])
