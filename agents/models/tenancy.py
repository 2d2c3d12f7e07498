"""The tenant, and the applications that carry its options."""

from __future__ import annotations

import re
from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import (
    MaxValueValidator,
    MinValueValidator,
    RegexValidator,
    URLValidator,
)
from django.db import models

from config.kernel import limits
from config.kernel.ids import uuid7
from config.kernel.models import TenantModel, TenantQuerySet, unique_in_organization
from config.kernel.time import parse_locale, parse_zone

# Minutes that divide the hour: on every clock a grid of them begins anew with each hour.
_STEPS = (5, 10, 15, 20, 30, 60)
# A longer time would lead out of the calendar.
_LONGEST = timedelta(days=3650)


class Feature(models.TextChoices):
    """A part of the desk that an organisation has or has not, as desktops name it."""

    PROVISIONING_READ = "api-provisioning-read", "Provisioning API, reading"
    PROVISIONING_WRITE = "api-provisioning-write", "Provisioning API, writing"
    VOICE = "api-voice", "Voice API"
    MULTIMEDIA = "api-multimedia", "Multimedia API"
    SUPERVISOR_ROUTING = "ui-supervisor-provisioning-routing", "Routing for supervisors"
    SUPERVISOR_SKILL = "ui-supervisor-provisioning-skill", "Skills for supervisors"
    SUPERVISOR_USER = "ui-supervisor-provisioning-user", "Users for supervisors"
    SUPERVISOR_RECORDING = "ui-supervisor-recording", "Recordings for supervisors"
    SUPERVISOR_REPORTING = "ui-supervisor-reporting", "Reports for supervisors"


# api-multimedia has to be assigned (contract, group Features).
ASSIGNED_AT_FIRST = tuple(one for one in Feature if one is not Feature.MULTIMEDIA)


def assigned_at_first() -> list[str]:
    return [str(one) for one in ASSIGNED_AT_FIRST]


class Organization(models.Model):
    """The tenant. Everything that a token can reach lies in one of these."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=200)
    is_active = models.BooleanField(default=True)
    notifications_on = models.BooleanField(
        default=True, help_text="While this is off, nothing is sent for the whole organisation."
    )
    # Which parts of the desk it has (contract, group Features).
    features = ArrayField(
        models.CharField(max_length=50, choices=Feature.choices),
        default=assigned_at_first,
        db_default=[str(one) for one in ASSIGNED_AT_FIRST],
        blank=True,
    )
    # The next numbers to be given out; a row lock orders those who take one.
    next_customer_number = models.PositiveIntegerField(default=1, editable=False)
    next_lead_segment_number = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = models.Manager()

    def __str__(self) -> str:
        return self.name


class ApplicationKind(models.TextChoices):
    GENESYS = "GENESYS", "Genesys"
    TALKDESK = "TALKDESK", "Talkdesk"


def valid_zone(name: str) -> None:
    """Accept an IANA name. Raises ValidationError."""
    try:
        parse_zone(name)
    except ValueError as error:
        raise ValidationError(str(error)) from None


def _valid_locale(name: str) -> None:
    try:
        parse_locale(name)
    except ValueError as error:
        raise ValidationError(str(error)) from None


valid_web_address = URLValidator(schemes=["https", "http"])
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]{1,5})?")
_PLACES = re.compile(r"\{(appointment|participant)\}")


def valid_address_template(text: str) -> None:
    """Accept an address in which places for ids are left. Raises ValidationError."""
    address = _PLACES.sub("0", text)
    if "{" in address or "}" in address:
        raise ValidationError("Only {appointment} and {participant} are known.")
    valid_web_address(address)


def valid_origin(text: str) -> None:
    """Accept scheme, host and port of a site, as Content-Security-Policy names it.

    Raises ValidationError.
    """
    valid_web_address(text)
    if not _ORIGIN.fullmatch(text):
        raise ValidationError("Write scheme and host alone, as in https://www.example.com.")


class Application(TenantModel):
    """A way in for customers, with the options of the contract (lifecycle.application_settings)."""

    name = models.CharField(max_length=200)
    is_default = models.BooleanField(default=False)
    kind = models.CharField(
        max_length=16, choices=ApplicationKind.choices, default=ApplicationKind.GENESYS
    )
    deployment_id = models.CharField(max_length=limits.ID_LENGTH, blank=True)
    touchpoint_id = models.CharField(max_length=limits.ID_LENGTH, blank=True)
    environment = models.CharField(
        max_length=limits.ID_LENGTH, blank=True, help_text="Sent as pcEnvironment."
    )

    activates_automatically = models.BooleanField(
        default=True, help_text="An appointment is activated as soon as it is booked."
    )
    agents_see_only_their_own = models.BooleanField(
        default=True, help_text="Agents can only view appointments assigned to them."
    )
    notifications_active = models.BooleanField(
        default=True, help_text="Copied to each appointment when it is booked."
    )
    prevent_overlaps = models.BooleanField(
        default=False, help_text="An agent has one appointment at a time."
    )
    notify_agents = models.BooleanField(
        default=False, help_text="Agents get the mails about their appointments too."
    )
    customers_may_book = models.BooleanField(default=True)

    video_url = models.CharField(
        "video address",
        max_length=limits.URL_LENGTH,
        blank=True,
        validators=[valid_address_template],
        help_text="Where video appointments take place, with {appointment} and {participant} where "
        "their ids belong: https://meet.example.com/{appointment}. Empty: the pages of Frontdesk.",
    )
    video_test_url = models.CharField(
        "video test address",
        max_length=limits.URL_LENGTH,
        blank=True,
        validators=[valid_address_template],
        help_text="Where people try their camera out. Empty: a page of Frontdesk.",
    )
    slot_step = models.PositiveSmallIntegerField(
        default=15,
        db_default=15,
        choices=[(minutes, f"{minutes} minutes") for minutes in _STEPS],
        help_text="Free times are offered this far apart, counted from the full hour.",
    )
    minimum_notice = models.DurationField(
        default=timedelta(0),
        db_default=timedelta(0),
        validators=[MinValueValidator(timedelta(0)), MaxValueValidator(limits.NOTICE_MAX)],
        help_text="Customers book at least so long before the start.",
    )
    booking_horizon = models.DurationField(
        default=timedelta(days=90),
        db_default=timedelta(days=90),
        validators=[MinValueValidator(timedelta(0)), MaxValueValidator(limits.HORIZON_MAX)],
        help_text="Customers book at most so long before the start.",
    )
    buffer_before = models.DurationField(
        default=timedelta(0),
        db_default=timedelta(0),
        validators=[MinValueValidator(timedelta(0)), MaxValueValidator(limits.BUFFER_MAX)],
        help_text="The agent's time before an appointment, taken up with it.",
    )
    buffer_after = models.DurationField(
        default=timedelta(0),
        db_default=timedelta(0),
        validators=[MinValueValidator(timedelta(0)), MaxValueValidator(limits.BUFFER_MAX)],
        help_text="The agent's time after an appointment, unless the booking says how long.",
    )
    embed_origins = ArrayField(
        models.CharField(max_length=limits.URL_LENGTH, validators=[valid_origin]),
        default=list,
        db_default=[],
        blank=True,
        size=limits.ORIGINS_MAX,
        help_text="Sites that may show the booking page within theirs: https://www.example.com.",
    )
    default_locale = models.CharField(
        max_length=limits.LOCALE_LENGTH, default="en-US", validators=[_valid_locale]
    )
    default_timezone = models.CharField(
        max_length=limits.ZONE_LENGTH, default="UTC", validators=[valid_zone]
    )
    default_country = models.CharField(
        max_length=2,
        blank=True,
        validators=[RegexValidator(r"^[A-Z]{2}$", "Two capital letters, for instance DE.")],
        help_text="Country of phone numbers that are given without one.",
    )
    ticket_length = models.PositiveSmallIntegerField(
        default=9, choices=[(9, "9 characters"), (6, "6 characters: can be guessed")]
    )
    tickets_are_reusable = models.BooleanField(default=True)
    ticket_grace = models.DurationField(
        default=timedelta(hours=4),
        validators=[MinValueValidator(timedelta(0)), MaxValueValidator(_LONGEST)],
        help_text="How long tickets outlive the end.",
    )
    details_kept_for = models.DurationField(
        default=timedelta(days=30),
        validators=[MinValueValidator(timedelta(0)), MaxValueValidator(_LONGEST)],
        help_text="How long a customer's details outlive the end.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantQuerySet["Application"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("application"),
            models.UniqueConstraint(
                fields=["organization"],
                condition=models.Q(is_default=True),
                name="application_one_default",
            ),
            models.CheckConstraint(
                condition=models.Q(slot_step__in=_STEPS), name="application_slot_step"
            ),
            models.CheckConstraint(
                condition=models.Q(minimum_notice__range=(timedelta(0), limits.NOTICE_MAX))
                & models.Q(booking_horizon__range=(timedelta(0), limits.HORIZON_MAX))
                & models.Q(buffer_before__range=(timedelta(0), limits.BUFFER_MAX))
                & models.Q(buffer_after__range=(timedelta(0), limits.BUFFER_MAX)),
                name="application_books_forward",
            ),
            models.CheckConstraint(
                condition=models.Q(ticket_length__in=[6, 9]), name="application_ticket_length"
            ),
            models.CheckConstraint(
                condition=models.Q(ticket_grace__range=(timedelta(0), _LONGEST))
                & models.Q(details_kept_for__range=(timedelta(0), _LONGEST)),
                name="application_keeps_forward",
            ),
        ]

    def __str__(self) -> str:
        return self.name
