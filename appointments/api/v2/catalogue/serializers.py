"""The wire of the catalogue: what is read, and what is written."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from appointments.api.v2.catalogue.fields import (
    LengthField,
    LocationField,
    OptionalMailField,
    OptionalTextField,
    TranslationsField,
)
from appointments.models import QuestionKind
from appointments.services.forms import OptionData, QuestionData
from config.kernel import limits
from config.kernel.fields import StrictBooleanField, TextField, WholeNumberField

_ORDER_MAX = 2**31 - 1


def _external_id() -> OptionalTextField:
    return OptionalTextField(source="external_id", max_length=limits.EXTERNAL_ID_LENGTH)


def _order() -> WholeNumberField:
    return WholeNumberField(min_value=0, max_value=_ORDER_MAX, required=False)


def _switch(source: str) -> StrictBooleanField:
    return StrictBooleanField(source=source, required=False)


def _name() -> TranslationsField:
    return TranslationsField(longest=limits.TITLE_LENGTH, is_needed=True)


# --- What is read ----------------------------------------------------------------------------


class GroupTranslations(serializers.Serializer[Any]):
    name = _name()

    class Meta:
        ref_name = "SubjectGroupTranslations"


class SubjectGroupRequest(serializers.Serializer[Any]):
    externalId = _external_id()
    order = _order()
    color = OptionalTextField(max_length=7, help_text="Such as #0a84ff.")
    image = OptionalTextField(max_length=limits.IMAGE_LENGTH, help_text="An address or a data URL.")
    translations = GroupTranslations(source="*")

    class Meta:
        ref_name = "SubjectGroupData"


class SubjectTranslations(serializers.Serializer[Any]):
    name = _name()
    description = TranslationsField()
    instructions = TranslationsField()

    class Meta:
        ref_name = "SubjectTranslations"


class GroupReference(serializers.Serializer[Any]):
    id = TextField(source="group_id", max_length=limits.ID_LENGTH)

    class Meta:
        ref_name = "SubjectGroupReference"


def _form_id(source: str) -> TextField:
    return TextField(source=source, max_length=limits.ID_LENGTH, required=False, allow_null=True)


class _SubjectData(serializers.Serializer[Any]):
    externalId = _external_id()
    enabledForCustomerUse = _switch("is_for_customers")
    enabledForInternalUse = _switch("is_for_employees")
    needsAcceptance = _switch("needs_acceptance")
    duration = LengthField(required=False)
    order = _order()
    cancellationByAgentFormId = _form_id("cancellation_by_agent_form_id")
    cancellationByCustomerFormId = _form_id("cancellation_by_customer_form_id")
    completionByAgentFormId = _form_id("completion_by_agent_form_id")
    questionnaireFormId = _form_id("questionnaire_form_id")
    translations = SubjectTranslations(source="*")


class SubjectRequest(_SubjectData):
    subjectGroup = GroupReference(source="*", help_text="Of the group its id alone is read.")

    class Meta:
        ref_name = "SubjectData"


class OfficeTranslations(serializers.Serializer[Any]):
    name = _name()
    description = TranslationsField()
    directions = TranslationsField()
    parkingInfo = TranslationsField(source="parking")

    class Meta:
        ref_name = "OfficeTranslations"


class OfficeRequest(serializers.Serializer[Any]):
    active = _switch("is_active")
    email = OptionalMailField(max_length=limits.EMAIL_LENGTH)
    externalId = _external_id()
    phoneNumber = OptionalTextField(source="phone", max_length=limits.PHONE_LENGTH)
    timeZone = TextField(source="timezone", max_length=limits.ZONE_LENGTH, required=False)
    usesIndependentAgents = _switch("uses_independent_agents")
    virtual = _switch("is_virtual")
    location = LocationField()
    translations = OfficeTranslations(source="*")

    class Meta:
        ref_name = "OfficeData"


class ListingTranslations(serializers.Serializer[Any]):
    name = _name()
    description = TranslationsField()

    class Meta:
        ref_name = "ListingTranslations"


class ListingRequest(serializers.Serializer[Any]):
    active = _switch("is_active")
    externalId = _external_id()
    timeZone = OptionalTextField(source="timezone", max_length=limits.ZONE_LENGTH)
    location = LocationField(required=False, allow_null=True)
    tags = serializers.ListField(
        child=TextField(max_length=limits.TITLE_LENGTH),
        max_length=limits.TAGS_MAX,
        required=False,
    )
    translations = ListingTranslations(source="*")

    class Meta:
        ref_name = "ListingData"


class LeadSegmentRequest(serializers.Serializer[Any]):
    active = _switch("is_active")
    code = TextField(max_length=limits.EXTERNAL_ID_LENGTH)
    description = OptionalTextField(max_length=limits.NOTES_LENGTH)

    class Meta:
        ref_name = "LeadSegmentData"


class QuestionTranslations(serializers.Serializer[Any]):
    # The base class has a property of this name.
    label = TranslationsField(is_needed=True)  # type: ignore[assignment]

    class Meta:
        ref_name = "QuestionTranslations"


class OptionRequest(serializers.Serializer[Any]):
    id = TextField(
        max_length=limits.ID_LENGTH,
        required=False,
        allow_null=True,
        help_text="Of an option that is there; without one it is new.",
    )
    externalId = _external_id()
    order = _order()
    value = TextField(max_length=limits.TITLE_LENGTH)

    class Meta:
        ref_name = "AnswerOption"

    def validate(self, attrs: dict[str, Any]) -> Any:
        return OptionData(**attrs)


class QuestionRequest(serializers.Serializer[Any]):
    id = TextField(
        max_length=limits.ID_LENGTH,
        required=False,
        allow_null=True,
        help_text="Of a question that is there; without one it is new.",
    )
    externalId = _external_id()
    order = _order()
    kind = serializers.ChoiceField(choices=QuestionKind.choices, required=False)
    # The base class has a property of this name.
    required = _switch("is_required")  # type: ignore[assignment]
    translations = QuestionTranslations(source="*")
    options = OptionRequest(many=True, required=False)

    class Meta:
        ref_name = "FormQuestion"

    def validate(self, attrs: dict[str, Any]) -> Any:
        options = tuple(attrs.pop("options", ()))
        return QuestionData(**attrs, options=options)


class FormRequest(serializers.Serializer[Any]):
    name = TextField(max_length=limits.TITLE_LENGTH)
    externalId = _external_id()
    questions = QuestionRequest(many=True, required=False)

    class Meta:
        ref_name = "FormData"


# --- What is written -------------------------------------------------------------------------


class _Dated(serializers.Serializer[Any]):
    createdAt = serializers.CharField(help_text="ISO 8601 with the offset +00:00.")
    updatedAt = serializers.CharField(help_text="ISO 8601 with the offset +00:00.")


class _Entry(_Dated):
    id = serializers.CharField()


class SubjectGroupResponse(_Entry, SubjectGroupRequest):
    class Meta:
        ref_name = "SubjectGroup"


class SubjectResponse(_Entry, _SubjectData):
    subjectGroup = SubjectGroupResponse()

    class Meta:
        ref_name = "Subject"


class OfficeResponse(_Entry, OfficeRequest):
    class Meta:
        ref_name = "Office"


class ListingResponse(_Entry, ListingRequest):
    class Meta:
        ref_name = "Listing"


class LeadSegmentResponse(_Dated, LeadSegmentRequest):
    id = serializers.IntegerField(help_text="Its number.")
    deletedAt = serializers.CharField(allow_null=True)

    class Meta:
        ref_name = "LeadSegment"


class FormResponse(_Entry, FormRequest):
    class Meta:
        ref_name = "Form"


class _Paged(serializers.Serializer[Any]):
    pageCount = serializers.IntegerField()
    pageNumber = serializers.IntegerField()
    pageSize = serializers.IntegerField()
    sortField = serializers.CharField()
    sortOrder = serializers.ChoiceField(choices=["asc", "desc"])
    total = serializers.IntegerField()


class SubjectGroupsPaged(_Paged):
    content = SubjectGroupResponse(many=True)


class SubjectsPaged(_Paged):
    content = SubjectResponse(many=True)


class OfficesPaged(_Paged):
    content = OfficeResponse(many=True)


class ListingsPaged(_Paged):
    content = ListingResponse(many=True)


class LeadSegmentsPaged(_Paged):
    content = LeadSegmentResponse(many=True)


class FormsPaged(_Paged):
    content = FormResponse(many=True)
