"""The admin of the catalogue: every change is the command that the API carries out too."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.forms.formsets import DELETION_FIELD_NAME
from django.forms.models import BaseInlineFormSet
from django.utils import timezone

from appointments.errors import InvalidEntry
from appointments.models import (
    Answer,
    AnswerOption,
    Form,
    LeadSegment,
    Listing,
    Office,
    Question,
    Subject,
    SubjectGroup,
)
from appointments.services import catalogue
from appointments.services.catalogue import Kind
from appointments.services.forms import OptionData, QuestionData, checked_questions
from config.kernel.actors import Role
from config.kernel.admin import JsonField, OrganizationAdmin, TenantForm, holds
from config.kernel.errors import DomainError

if TYPE_CHECKING:
    from django.http import HttpRequest

    # Django's classes take parameters in the stubs only.
    _QuestionForm = forms.ModelForm[Question]
    _QuestionFormSet = BaseInlineFormSet[Question, Form, forms.ModelForm[Question]]
    _QuestionInline = admin.StackedInline[Question, Form]
else:
    _QuestionForm, _QuestionFormSet = forms.ModelForm, BaseInlineFormSet
    _QuestionInline = admin.StackedInline


class EntryForm(TenantForm):
    """An entry that the API would take too: the rules are those of the kind."""

    kind: ClassVar[Kind[Any]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        remember_what_was_read(self)

    def clean(self) -> dict[str, Any]:
        """Refuse what is not well-formed."""
        cleaned = super().clean()
        organization = cleaned.get("organization")
        owner = organization.pk if organization else self.instance.organization_id
        if owner is None:
            return cleaned
        problems = self.kind.problems(self.values(), organization_id=owner)
        for column, lines in problems.items():
            for line in lines:
                self.add_error(_field_of(column), line)
        return cleaned

    def values(self) -> dict[str, Any]:
        """Give what was typed in, by the columns of the kind."""
        values = {}
        for column in self.kind.columns:
            name = _field_of(column)
            if name in self.cleaned_data:
                value = self.cleaned_data[name]
                values[column] = getattr(value, "pk", value)
        return values

    def changed(self) -> set[str]:
        """Give the columns that this reader has changed: of two, neither undoes the other."""
        return {column for column in self.kind.columns if _field_of(column) in self.changed_data}


def remember_what_was_read(form: forms.BaseModelForm[Any]) -> None:
    """Let a change be a difference from what the reader saw, not from what is there by then."""
    if not form.instance._state.adding:
        for field in form.fields.values():
            field.show_hidden_initial = True


def _field_of(column: str) -> str:
    return column.removesuffix("_id") if column != "external_id" else column


class EntryAdmin(OrganizationAdmin):
    """Entries of one kind."""

    is_configuration = can_be_deleted = True
    kind: ClassVar[Kind[Any]]
    form = EntryForm
    search_fields: ClassVar[tuple[str, ...]] = ("=external_id",)
    autocomplete_fields = ("organization",)
    date_hierarchy = "created_at"
    ordering: ClassVar[tuple[str, ...]] = ("-id",)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[Any]]:
        """Give a form that knows its kind."""
        kwargs["form"] = type("KindForm", (self.form,), {"kind": self.kind})
        return super().get_form(request, obj, change=change, **kwargs)

    def entry_id(self, entry: Any) -> str:
        """Give the id by which the commands know an entry."""
        return str(entry.pk)

    def save_model(
        self, request: HttpRequest, obj: Any, form: forms.BaseModelForm[Any], change: bool
    ) -> None:
        """Carry out the command that is behind what was typed in."""
        typed = cast("EntryForm", form)
        self.carry_out(request, obj, typed.values(), only=typed.changed() if change else None)

    def carry_out(
        self,
        request: HttpRequest,
        obj: Any,
        values: dict[str, Any],
        *,
        only: Collection[str] | None,
    ) -> None:
        """Make the entry, or change only these of its columns, and let the row show it."""
        actor = self.actor(request, organization_id=obj.organization_id)
        now = timezone.now()
        if only is not None:
            catalogue.replace_entry(
                self.kind, self.entry_id(obj), values, only=only, actor=actor, now=now
            )
        else:
            obj.pk = catalogue.create_entry(self.kind, values, actor=actor, now=now).pk
        obj.refresh_from_db()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Say what stands in the way; Django would fetch every appointment that does."""
        protected = []
        for one in objs:
            try:
                catalogue.check_may_go(self.kind, one)
            except DomainError as refusal:
                protected.append(f"{one}: {refusal}")
        return (
            [str(one) for one in objs],
            {self.opts.verbose_name_plural: len(objs)},
            set(),
            protected,
        )

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete it, unless something has come to rest on it meanwhile."""
        actor = self.actor(request, organization_id=obj.organization_id)
        try:
            catalogue.delete_entry(self.kind, self.entry_id(obj), actor=actor, now=timezone.now())
        except DomainError as refusal:
            self.message_user(request, f"{obj}: {refusal}", messages.ERROR)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        """Delete each of them."""
        for one in queryset:
            self.delete_model(request, one)


@admin.register(SubjectGroup)
class SubjectGroupAdmin(EntryAdmin):
    kind = catalogue.SUBJECT_GROUPS
    list_display = ("__str__", "order", "color", "is_default", "updated_at")
    ordering = ("order", "id")


@admin.register(Subject)
class SubjectAdmin(EntryAdmin):
    kind = catalogue.SUBJECTS
    list_display = (
        "__str__",
        "group",
        "order",
        "is_for_customers",
        "is_for_employees",
        "needs_acceptance",
        "duration",
        "is_default",
    )
    list_filter = ("is_for_customers", "is_for_employees", "needs_acceptance")
    list_select_related = ("group",)
    ordering = ("group__order", "order", "id")


@admin.register(Office)
class OfficeAdmin(EntryAdmin):
    kind = catalogue.OFFICES
    list_display = ("__str__", "is_active", "is_virtual", "timezone", "is_default", "updated_at")
    list_filter = ("is_active", "is_virtual")


@admin.register(Listing)
class ListingAdmin(EntryAdmin):
    kind = catalogue.LISTINGS
    list_display = ("__str__", "external_id", "is_active", "updated_at")
    list_filter = ("is_active",)


class LeadSegmentForm(EntryForm):
    """A lead segment whose code no other one has."""

    def clean(self) -> dict[str, Any]:
        """Refuse a code that is taken."""
        cleaned = super().clean()
        organization = cleaned.get("organization")
        owner = organization.pk if organization else self.instance.organization_id
        others = LeadSegment.objects.existing().filter(
            organization_id=owner, code=cleaned.get("code", "")
        )
        if others.exclude(pk=self.instance.pk).exists():
            self.add_error("code", "Another lead segment has this code.")
        return cleaned


@admin.register(LeadSegment)
class LeadSegmentAdmin(EntryAdmin):
    kind = catalogue.LEAD_SEGMENTS
    form = LeadSegmentForm
    list_display = ("code", "number", "is_active", "deleted_at", "updated_at")
    list_filter = ("is_active",)
    search_fields = ("code", "description")
    ordering = ("number", "id")

    def entry_id(self, entry: LeadSegment) -> str:
        """Give its number."""
        return str(entry.number)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave a deleted one as it is."""
        is_gone = obj is not None and obj.deleted_at is not None
        return not is_gone and super().has_change_permission(request, obj)


# --- Forms ------------------------------------------------------------------------------------


class QuestionForm(_QuestionForm):
    """A question with its options, one on each line."""

    options_text = forms.CharField(
        required=False,
        label="Options",
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
        help_text="One on each line, for questions that are answered by options.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.present: list[AnswerOption] = []
        if not self.instance._state.adding:
            self.present = list(self.instance.options.order_by("order", "id"))
        self.initial["options_text"] = "\n".join(one.value for one in self.present)
        remember_what_was_read(self)

    def question_data(self) -> QuestionData:
        """Give what was typed in; an option that is still there keeps its id."""
        cleaned = self.cleaned_data
        is_new = self.instance._state.adding
        return QuestionData(
            id=None if is_new else str(self.instance.pk),
            label=cleaned["label"],
            external_id=cleaned["external_id"],
            order=cleaned["order"],
            kind=cleaned["kind"],
            is_required=cleaned["is_required"],
            options=tuple(self._options()),
        )

    def _options(self) -> Iterable[OptionData]:
        present = {one.value: one for one in self.present}
        lines = [line.strip() for line in self.cleaned_data["options_text"].splitlines()]
        for place, value in enumerate(dict.fromkeys(filter(None, lines)), 1):
            one = present.get(value)
            yield OptionData(
                id=str(one.pk) if one else None,
                external_id=one.external_id if one else "",
                order=place,
                value=value,
            )


class QuestionFormSet(_QuestionFormSet):
    """The questions of a form, by the rules of the API."""

    def kept(self) -> list[QuestionForm]:
        """Give the questions that are to be there."""
        forms_ = [cast("QuestionForm", form) for form in self.forms]
        return [
            form
            for form in forms_
            if not getattr(form, "cleaned_data", {}).get(DELETION_FIELD_NAME)
            and (form.has_changed() or not form.instance._state.adding)
        ]

    def clean(self) -> None:
        """Refuse questions that cannot be put."""
        super().clean()
        kept = self.kept()
        if any(form.errors for form in kept):
            return
        try:
            checked_questions(self.questions())
        except InvalidEntry as refusal:
            for path, lines in refusal.errors.items():
                _, number, *rest = path.split(".")
                for line in lines:
                    kept[int(number)].add_error(None, f"{'.'.join(rest)}: {line}")

    def questions(self) -> tuple[QuestionData, ...]:
        """Give what was typed in."""
        return tuple(form.question_data() for form in self.kept())


class QuestionInline(_QuestionInline):
    model = Question
    form = QuestionForm
    formset = QuestionFormSet
    extra = 0
    max_num = 100
    fields = ("order", "kind", "is_required", "label", "options_text", "external_id")
    formfield_overrides: ClassVar[dict[Any, Any]] = {models.JSONField: {"form_class": JsonField}}

    @admin.display(description="Options")
    def options_text(self, question: Question) -> str:
        """Show the options to those who cannot change them."""
        return ", ".join(one.value for one in question.options.all())

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Question]:
        """Give the questions that the form has now."""
        rows = Question.objects.filter(removed_at__isnull=True)
        return rows.prefetch_related("options").order_by("order", "id")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let those see them who see the form."""
        return holds(request, Role.SUPERVISOR, Role.ADMIN)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let administrators add questions."""
        return holds(request, Role.ADMIN)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let administrators change questions."""
        return holds(request, Role.ADMIN)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let administrators take questions out."""
        return holds(request, Role.ADMIN)


@admin.register(Form)
class FormAdmin(EntryAdmin):
    kind = catalogue.FORMS
    list_display = ("name", "external_id", "updated_at")
    search_fields = ("name", "=external_id")
    inlines = (QuestionInline,)
    ordering = ("name", "id")

    def save_model(
        self, request: HttpRequest, obj: Any, form: forms.BaseModelForm[Any], change: bool
    ) -> None:
        """Wait for the questions: one command writes both."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Carry out the command that is behind the form and its questions."""
        questions: tuple[QuestionData, ...] = ()
        changed = form.changed()
        for formset in formsets:
            questions += formset.questions()
            if formset.has_changed():
                changed.add("questions")
            # What the history of the admin asks for; the audit trail has it already.
            formset.new_objects = formset.changed_objects = formset.deleted_objects = []
        values = {**form.values(), "questions": questions}
        self.carry_out(request, form.instance, values, only=changed if change else None)


@admin.register(Question)
class QuestionAdmin(OrganizationAdmin):
    """Questions of all forms: they are changed with their form."""

    list_display = ("__str__", "form", "kind", "is_required", "removed_at")
    list_filter = ("kind", "is_required")
    list_select_related = ("form",)
    search_ids = ("id", "form_id")
    search_fields = ("=external_id", "form__name")
    ordering = ("-id",)


@admin.register(AnswerOption)
class AnswerOptionAdmin(OrganizationAdmin):
    """Options of all questions: they are changed with their form."""

    list_display = ("value", "question", "order", "external_id")
    list_select_related = ("question",)
    search_ids = ("id", "question_id")
    search_fields = ("value", "=external_id")
    ordering = ("-id",)


@admin.register(Answer)
class AnswerAdmin(OrganizationAdmin):
    """What customers and agents have answered, until it is erased."""

    list_display = ("appointment", "question", "type", "updated_at")
    list_filter = ("type",)
    list_select_related = ("appointment", "question")
    search_ids = ("id", "appointment_id", "question_id")
    ordering = ("-id",)
