"""Entries as the API shows them: the webhook's shapes, with what is ours besides."""

from __future__ import annotations

from typing import Any

from appointments import catalogue_wire
from appointments.models import AnswerOption, Form, Question, Subject
from config.kernel.time import Duration

JsonObject = dict[str, Any]


def subject(one: Subject) -> JsonObject:
    """Give a subject, with how long it takes and whether it has to be accepted."""
    return {
        **catalogue_wire.subject(one),
        "needsAcceptance": one.needs_acceptance,
        "duration": str(Duration.of(one.duration, exact=True)),
    }


def form(one: Form) -> JsonObject:
    """Give a form with the questions that it has now; the caller has fetched them."""
    return {
        "id": str(one.id),
        "name": one.name,
        "externalId": one.external_id or None,
        "questions": [_question(each) for each in one.questions.all()],
        "createdAt": catalogue_wire.instant(one.created_at),
        "updatedAt": catalogue_wire.instant(one.updated_at),
    }


def _question(one: Question) -> JsonObject:
    return {
        **catalogue_wire.question(one),
        "kind": one.kind,
        "required": one.is_required,
        "options": [_option(each) for each in one.options.all()],
    }


def _option(one: AnswerOption) -> JsonObject:
    return {
        "id": str(one.id),
        "externalId": one.external_id or None,
        "order": one.order,
        "value": one.value,
    }
