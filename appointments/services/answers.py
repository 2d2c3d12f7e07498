"""Answers to the questions of a form: checked, and kept with the appointment."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_noop

from appointments.errors import (
    AnswerSelectedOptionsForNonSelectionType,
    AnswersIncomplete,
    AnswerValueForSelectionType,
)
from appointments.models import Answer, AnswerOption, AnswerType, Form, Question, QuestionKind
from appointments.models.catalogue import CHOOSING
from appointments.services.case import Case
from appointments.services.forms import questions_of
from config.kernel import limits
from config.kernel.errors import DomainError
from config.kernel.wording import Problems

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")


@dataclass(frozen=True, kw_only=True)
class GivenAnswer:
    """What somebody answers to one question: a value, or options where one has to choose."""

    question_id: str
    value: str | None = None
    option_ids: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class _Fit:
    """An answer that fits its question; `selected` are the options as they are now."""

    question: Question
    value: str = ""
    selected: list[dict[str, Any]] | None = None


@dataclass
class _Problems:
    """What is wrong, by the path in the body; the first refusal gives the whole its name."""

    errors: Problems = field(default_factory=dict)
    refusal: type[DomainError] | None = None

    def add(self, path: str, problem: str, refusal: type[DomainError] = AnswersIncomplete) -> None:
        self.errors.setdefault(path, []).append(problem)
        self.refusal = self.refusal or refusal

    def check(self) -> None:
        if self.refusal is not None:
            raise self.refusal(errors=self.errors)


def record_answers(
    case: Case, answers: Sequence[GivenAnswer], *, form: Form | None, type: AnswerType
) -> bool:
    """Keep these answers of one occasion and no others; tell whether that changed anything.

    An empty answer is none. Raises AnswersIncomplete, AnswerValueForSelectionType,
    AnswerSelectedOptionsForNonSelectionType.
    """
    fits = _fitting(answers, form)
    rows = Answer.objects.filter(appointment=case.appointment, type=type)
    # What was answered before its question was taken out of the form is history.
    present = {
        one.question_id: one
        for one in rows.select_related("question")
        if one.question.removed_at is None or one.question.form_id != (form and form.pk)
    }
    has_changed = False
    for fit in fits:
        row = present.pop(fit.question.pk, None)
        if row is None:
            Answer.objects.create(
                organization_id=case.appointment.organization_id,
                appointment=case.appointment,
                question=fit.question,
                type=type,
                value=fit.value,
                selected=fit.selected,
                created_at=case.now,
                updated_at=case.now,
            )
        elif (row.value, row.selected) == (fit.value, fit.selected):
            continue
        else:
            row.value, row.selected, row.updated_at = fit.value, fit.selected, case.now
            row.save(update_fields=["value", "selected", "updated_at"])
        has_changed = True
    rows.filter(pk__in=[one.pk for one in present.values()]).delete()
    return has_changed or bool(present)


def _fitting(answers: Sequence[GivenAnswer], form: Form | None) -> list[_Fit]:
    questions = {str(one.pk): one for one in questions_of(form)} if form else {}
    problems = _Problems()
    fits: dict[str, _Fit] = {}
    named: set[str] = set()
    wrong: set[str] = set()
    for number, answer in enumerate(answers):
        path, key = f"answers.{number}", answer.question_id.lower()
        count = len(problems.errors)
        question = questions.get(key)
        if question is None:
            problems.add(f"{path}.questionId", "The form has no such question.")
        elif key in named:
            problems.add(f"{path}.questionId", "A question is answered once.")
        elif fit := _fit(question, answer, path, problems):
            fits[key] = fit
        named.add(key)
        if len(problems.errors) > count:
            wrong.add(key)
    for key, question in questions.items():
        if question.is_required and key not in fits and key not in wrong:
            problems.add("answers", f"This question has to be answered: {question}")
    problems.check()
    return [fits[key] for key in questions if key in fits]


def _fit(question: Question, answer: GivenAnswer, path: str, problems: _Problems) -> _Fit | None:
    if question.kind in CHOOSING:
        return _choice(question, answer, path, problems)
    if answer.option_ids:
        problems.add(
            f"{path}.optionIds",
            AnswerSelectedOptionsForNonSelectionType.message,
            AnswerSelectedOptionsForNonSelectionType,
        )
        return None
    value = (answer.value or "").strip()
    if len(value) > limits.NOTES_LENGTH:
        problems.add(f"{path}.value", f"It has at most {limits.NOTES_LENGTH} characters.")
    elif value and question.kind == QuestionKind.NUMBER and not _NUMBER.fullmatch(value):
        problems.add(f"{path}.value", gettext_noop("It is a number, such as 12 or 12.5."))
    elif value:
        return _Fit(question=question, value=value)
    return None


def _choice(question: Question, answer: GivenAnswer, path: str, problems: _Problems) -> _Fit | None:
    if answer.value:
        problems.add(
            f"{path}.value", AnswerValueForSelectionType.message, AnswerValueForSelectionType
        )
        return None
    chosen = {one.lower() for one in answer.option_ids}
    options = [one for one in question.options.all() if str(one.pk) in chosen]
    if len(options) != len(chosen):
        problems.add(f"{path}.optionIds", "The question has no such option.")
    elif question.kind == QuestionKind.CHOICE and len(options) > 1:
        problems.add(f"{path}.optionIds", "One option is chosen at most.")
    elif options:
        return _Fit(question=question, selected=[_snapshot(one) for one in options])
    return None


def _snapshot(option: AnswerOption) -> dict[str, Any]:
    # As the booking webhook shows it (schema SelectedAnswerOption).
    return {
        "id": str(option.pk),
        "externalId": option.external_id or None,
        "value": option.value,
    }
