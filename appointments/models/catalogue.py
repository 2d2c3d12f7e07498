"""What appointments are about and where: subjects, offices, listings, lead segments, forms.

Texts that are translated are JSON objects from a two-letter language to a text, so that no
language is there twice. A location is the JSON object that the booking webhook shows.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Self
from uuid import UUID

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from appointments.models.kinds import AnswerType
from config.kernel import limits
from config.kernel.models import TenantModel, TenantQuerySet, unique_in_organization

_COLOR = RegexValidator(r"^#[0-9a-fA-F]{6}$", "A colour such as #0a84ff.")


class CatalogueEntry(TenantModel):
    """What every entry has: a place in the order, an id of somebody else's, and its dates."""

    external_id = models.CharField(max_length=limits.EXTERNAL_ID_LENGTH, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True


class Named(models.Model):
    """Something with a name in several languages, one of them at least."""

    name = models.JSONField(help_text='By language, for instance {"en": "Mortgages"}.')

    class Meta:
        abstract = True

    def __str__(self) -> str:
        texts: dict[str, str] = self.name
        return texts.get("en") or next(iter(texts.values()), "")


class SubjectGroup(Named, CatalogueEntry):
    """A category of subjects."""

    order = models.PositiveIntegerField(default=0)
    color = models.CharField(max_length=7, blank=True, validators=[_COLOR])
    image = models.TextField(
        max_length=limits.IMAGE_LENGTH, blank=True, help_text="An address or a data URL."
    )
    # The group of what is booked without a word about its subject.
    is_default = models.BooleanField(default=False, editable=False)

    objects = TenantQuerySet["SubjectGroup"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("subjectgroup"),
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(is_default=True),
                name="subjectgroup_one_default",
            ),
        ]

    __str__ = Named.__str__


class Form(TenantModel):
    """Questions that are put to a customer when booking, or to somebody when it is over."""

    name = models.CharField(max_length=limits.TITLE_LENGTH)
    external_id = models.CharField(max_length=limits.EXTERNAL_ID_LENGTH, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TenantQuerySet["Form"].as_manager()

    class Meta:
        constraints = [unique_in_organization("form")]

    def __str__(self) -> str:
        return self.name


class QuestionKind(models.TextChoices):
    """How a question is answered."""

    TEXT = "TEXT", "Text"
    NUMBER = "NUMBER", "Number"
    CHOICE = "CHOICE", "One option"
    CHOICES = "CHOICES", "Several options"


# A choice is answered by options, everything else by a value (webhook.appointment.post.r65).
CHOOSING = frozenset({QuestionKind.CHOICE, QuestionKind.CHOICES})


class Question(TenantModel):
    """One question of a form. One that was answered is taken out of its form, not deleted."""

    form = models.ForeignKey(
        Form, on_delete=models.CASCADE, db_constraint=False, related_name="questions"
    )
    external_id = models.CharField(max_length=limits.EXTERNAL_ID_LENGTH, blank=True)
    order = models.PositiveIntegerField(default=0)
    kind = models.CharField(max_length=10, choices=QuestionKind.choices, default=QuestionKind.TEXT)
    is_required = models.BooleanField(default=False)
    label = models.JSONField(help_text='By language, for instance {"en": "Your question"}.')
    removed_at = models.DateTimeField(null=True, editable=False)

    objects = TenantQuerySet["Question"].as_manager()

    class Meta:
        constraints = [unique_in_organization("question")]

    def __str__(self) -> str:
        texts: dict[str, str] = self.label
        return texts.get("en") or next(iter(texts.values()), "")


class AnswerOption(TenantModel):
    """One of the answers that a question offers."""

    question = models.ForeignKey(
        Question, on_delete=models.CASCADE, db_constraint=False, related_name="options"
    )
    external_id = models.CharField(max_length=limits.EXTERNAL_ID_LENGTH, blank=True)
    order = models.PositiveIntegerField(default=0)
    value = models.CharField(max_length=limits.TITLE_LENGTH)

    objects = TenantQuerySet["AnswerOption"].as_manager()

    class Meta:
        constraints = [unique_in_organization("answeroption")]

    def __str__(self) -> str:
        return self.value


class SubjectQuerySet(TenantQuerySet["Subject"]):
    def bookable(self) -> Self:
        """Keep what customers may book by themselves."""
        return self.filter(is_for_customers=True)

    def general(self, organization_id: UUID) -> Subject | None:
        """Give the subject of what is booked without a word about it, where there is one."""
        return self.filter(organization_id=organization_id, is_default=True).first()


def _form(name: str) -> models.ForeignKey[Form | None, Form | None]:
    return models.ForeignKey(
        Form,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_constraint=False,
        verbose_name=name,
        related_name="+",
    )


class Subject(Named, CatalogueEntry):
    """What an appointment can be about."""

    group = models.ForeignKey(
        SubjectGroup, on_delete=models.PROTECT, db_constraint=False, related_name="subjects"
    )
    order = models.PositiveIntegerField(default=0)
    is_for_customers = models.BooleanField(
        "for customers", default=True, help_text="Customers may book it by themselves."
    )
    is_for_employees = models.BooleanField(
        "for employees", default=True, help_text="Employees may book it."
    )
    needs_acceptance = models.BooleanField(
        default=False,
        help_text="What a customer books is a request until an employee accepts it.",
    )
    duration = models.DurationField(
        default=timedelta(minutes=30),
        help_text="How long it takes, where nobody says otherwise.",
    )
    description = models.JSONField(default=dict, blank=True)
    instructions = models.JSONField(default=dict, blank=True)
    questionnaire_form = _form("questionnaire")
    cancellation_by_agent_form = _form("form for cancellations by agents")
    cancellation_by_customer_form = _form("form for cancellations by customers")
    completion_by_agent_form = _form("form for completions by agents")
    # The subject of what is booked without a word about it.
    is_default = models.BooleanField(default=False, editable=False)

    objects = SubjectQuerySet.as_manager()

    class Meta:
        constraints = [
            unique_in_organization("subject"),
            models.UniqueConstraint(
                fields=["organization"], condition=Q(is_default=True), name="subject_one_default"
            ),
            models.CheckConstraint(
                condition=Q(duration__gt=timedelta(0)), name="subject_takes_time"
            ),
        ]

    __str__ = Named.__str__

    def form_for(self, occasion: AnswerType, *, by_customer: bool = False) -> Form | None:
        """Give the form that is put to whoever books, cancels or closes."""
        match occasion:
            case AnswerType.SUBJECT_QUESTIONNAIRE:
                return self.questionnaire_form
            case AnswerType.APPOINTMENT_CANCELLATION if by_customer:
                return self.cancellation_by_customer_form
            case AnswerType.APPOINTMENT_CANCELLATION:
                return self.cancellation_by_agent_form
            case AnswerType.APPOINTMENT_COMPLETION:
                return self.completion_by_agent_form
            case _:
                return None


class Office(Named, CatalogueEntry):
    """The place, real or virtual, that an appointment belongs to."""

    is_active = models.BooleanField(default=True)
    is_virtual = models.BooleanField(default=False)
    uses_independent_agents = models.BooleanField(
        default=False, help_text="Its agents plan for themselves."
    )
    email = models.EmailField(max_length=limits.EMAIL_LENGTH, blank=True)
    phone = models.CharField(max_length=limits.PHONE_LENGTH, blank=True)
    timezone = models.CharField(max_length=limits.ZONE_LENGTH, default="UTC")
    location = models.JSONField()
    description = models.JSONField(default=dict, blank=True)
    directions = models.JSONField(default=dict, blank=True)
    parking = models.JSONField(default=dict, blank=True)
    # The office of what is booked without a word about it.
    is_default = models.BooleanField(default=False, editable=False)

    objects = TenantQuerySet["Office"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("office"),
            models.UniqueConstraint(
                fields=["organization"], condition=Q(is_default=True), name="office_one_default"
            ),
        ]

    __str__ = Named.__str__


class Listing(Named, CatalogueEntry):
    """Something on a market that an appointment is about, such as a house."""

    is_active = models.BooleanField(default=True)
    timezone = models.CharField(max_length=limits.ZONE_LENGTH, blank=True)
    location = models.JSONField(null=True, blank=True)
    tags = models.JSONField(default=list, blank=True)
    description = models.JSONField(default=dict, blank=True)

    objects = TenantQuerySet["Listing"].as_manager()

    class Meta:
        constraints = [unique_in_organization("listing")]

    __str__ = Named.__str__


class LeadSegmentQuerySet(TenantQuerySet["LeadSegment"]):
    def existing(self) -> Self:
        """Keep those that have not been deleted."""
        return self.filter(deleted_at__isnull=True)


class LeadSegment(TenantModel):
    """A group of prospects. A deleted one stays with the appointments that have it."""

    number = models.PositiveIntegerField(editable=False)
    code = models.CharField(max_length=limits.EXTERNAL_ID_LENGTH)
    description = models.TextField(max_length=limits.NOTES_LENGTH, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    objects = LeadSegmentQuerySet.as_manager()

    class Meta:
        constraints = [
            unique_in_organization("leadsegment"),
            models.UniqueConstraint(
                fields=["organization", "number"], name="leadsegment_number_unique"
            ),
            models.UniqueConstraint(
                fields=["organization", "code"],
                condition=Q(deleted_at__isnull=True),
                name="leadsegment_code_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class AnswerQuerySet(TenantQuerySet["Answer"]):
    def in_order(self) -> Self:
        """Give them as they are told: by occasion, and as the form has the questions."""
        return self.order_by("type", "question__order", "id")


class Answer(TenantModel):
    """What somebody answered to one question about an appointment."""

    appointment = models.ForeignKey(
        "appointments.Appointment",
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="answers",
    )
    question = models.ForeignKey(
        Question, on_delete=models.PROTECT, db_constraint=False, related_name="+"
    )
    type = models.CharField(max_length=30, choices=AnswerType.choices)
    # A text or a number; empty where options were chosen.
    value = models.TextField(blank=True)
    # The options as they were when they were chosen: [{"id", "externalId", "value"}], or null.
    selected = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = AnswerQuerySet.as_manager()

    class Meta:
        constraints = [
            unique_in_organization("answer"),
            models.UniqueConstraint(fields=["appointment", "type", "question"], name="answer_once"),
            models.CheckConstraint(
                condition=~Q(value="", selected__isnull=True)
                & (Q(value="") | Q(selected__isnull=True)),
                name="answer_is_a_value_or_options",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()} {self.question_id}"
