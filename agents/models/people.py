"""People and programs that act, and the people they serve."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.timezone import now as current_time

from agents.models.tenancy import valid_web_address, valid_zone
from config.kernel import limits
from config.kernel.actors import Role
from config.kernel.ids import uuid7
from config.kernel.models import TenantModel, TenantQuerySet, unique_in_organization

_LANGUAGE = RegexValidator(r"^[a-z]{2}$", "Two small letters, for instance de.")


class UserQuerySet(TenantQuerySet["User"]):
    def agents(self) -> UserQuerySet:
        """Keep the active users to whom appointments can be given."""
        return self.filter(is_active=True, roles__contains=[Role.AGENT])


class UserManager(BaseUserManager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]  # django-stubs cannot see the dynamic base
    def create_user(self, username: str, password: str | None = None, **fields: Any) -> User:
        """Make a user whose user name is an e-mail address, kept in lower case."""
        user: User = self.model(username=username.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, password: str | None = None, **fields: Any) -> User:
        """Make an operator of the installation: it belongs to no organisation."""
        return self.create_user(username, password, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        user: User = self.get(username=(username or "").strip().lower())
        return user


class User(AbstractBaseUser):
    """A person who works here. Operators have no organisation and are superusers."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "agents.Organization",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
    )
    username = models.EmailField(
        "user name",
        max_length=limits.USERNAME_LENGTH,
        unique=True,
        help_text="An e-mail address.",
    )
    first_name = models.CharField(max_length=limits.NAME_LENGTH, blank=True)
    last_name = models.CharField(max_length=limits.NAME_LENGTH, blank=True)
    roles = ArrayField(
        models.CharField(max_length=20, choices=Role.choices), default=list, blank=True
    )
    # What customers and other systems are told about somebody who works here.
    external_id = models.CharField(max_length=limits.EXTERNAL_ID_LENGTH, blank=True)
    communication_email = models.EmailField(
        max_length=limits.EMAIL_LENGTH,
        blank=True,
        help_text="Shown to customers instead of the user name.",
    )
    phone = models.CharField(max_length=limits.PHONE_LENGTH, blank=True)
    language = models.CharField(
        max_length=2,
        blank=True,
        validators=[_LANGUAGE],
        help_text="The language of messages to this person.",
    )
    timezone = models.CharField(max_length=limits.ZONE_LENGTH, blank=True, validators=[valid_zone])
    picture_url = models.CharField(
        max_length=limits.URL_LENGTH, blank=True, validators=[valid_web_address]
    )
    static_video_url = models.CharField(
        max_length=limits.VIDEO_URL_LENGTH,
        blank=True,
        validators=[valid_web_address],
        help_text="One fixed video room instead of one for each appointment.",
    )
    plans_online = models.BooleanField(
        default=True, help_text="Customers can book this person online."
    )
    languages = ArrayField(
        models.CharField(max_length=2, validators=[_LANGUAGE]),
        default=list,
        db_default=[],
        blank=True,
        help_text="What this person speaks with customers: de, en. Empty: nobody asks.",
    )
    daily_maximum = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="So many appointments are given to this person in a day. Empty: any number.",
    )
    function = models.JSONField(
        default=dict, blank=True, help_text='The job title by language: {"en": "Advisor"}.'
    )
    employee_id = models.CharField(
        max_length=limits.EXTERNAL_ID_LENGTH,
        blank=True,
        default="",
        db_default="",
        help_text="How the personnel department knows this person.",
    )
    # Whether nobody may disturb; each device and channel has such a flag too.
    do_not_disturb = models.BooleanField(default=False, db_default=False, editable=False)
    is_active = models.BooleanField(default=True)
    is_superuser = models.BooleanField(default=False)
    change_password_on_first_login = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=current_time, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        constraints = [
            unique_in_organization("user"),
            # With the unique index: one user name is one user, whatever its case.
            models.CheckConstraint(
                condition=models.Q(username=Lower("username")), name="user_name_in_lower_case"
            ),
            models.CheckConstraint(
                condition=models.Q(roles__contained_by=Role.values), name="user_roles_known"
            ),
            models.CheckConstraint(
                condition=models.Q(organization__isnull=False) | models.Q(is_superuser=True),
                name="user_has_organization_or_operates",
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name()

    def get_full_name(self) -> str:
        """Give the name as people say it, or the user name."""
        return self.public_name or self.username

    @property
    def public_name(self) -> str:
        """Give the name as customers may know it, or nothing: a user name is how one gets in."""
        return f"{self.first_name} {self.last_name}".strip()

    def get_short_name(self) -> str:
        return self.first_name or self.username

    @property
    def is_agent(self) -> bool:
        """Whether appointments can be given to it."""
        return self.is_active and Role.AGENT in self.roles

    @property
    def has_desk(self) -> bool:
        """Whether calls can be given to it."""
        return self.organization_id is not None and bool(
            {Role.AGENT, Role.SUPERVISOR} & set(self.roles)
        )

    @property
    def is_staff(self) -> bool:
        """Who may open the admin: supervisors, administrators and operators."""
        return self.is_superuser or bool({Role.SUPERVISOR, Role.ADMIN} & set(self.roles))

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Operators may all; what others may is decided by role in config.kernel.admin."""
        return self.is_active and self.is_superuser

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and self.is_staff


class ExternalIdentity(TenantModel):
    """A user as an outside issuer names it; unknown pairs are not let in."""

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, db_constraint=False, related_name="identities"
    )
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)

    objects = TenantQuerySet["ExternalIdentity"].as_manager()

    class Meta:
        verbose_name_plural = "external identities"
        constraints = [
            unique_in_organization("externalidentity"),
            models.UniqueConstraint(
                fields=["issuer", "subject"], name="externalidentity_issuer_subject"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"


class ApiClient(TenantModel):
    """A program with credentials of its own; its id is the client_id."""

    name = models.CharField(max_length=200)
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    # SHA-256: the secret has 256 random bits, so a slow hash would protect nothing.
    digest = models.BinaryField(editable=False)
    roles = ArrayField(models.CharField(max_length=20, choices=Role.choices), default=list)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantQuerySet["ApiClient"].as_manager()

    class Meta:
        verbose_name = "API client"
        constraints = [
            unique_in_organization("apiclient"),
            models.CheckConstraint(
                condition=models.Q(roles__contained_by=Role.values), name="apiclient_roles_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Team(TenantModel):
    """Users who work together."""

    name = models.CharField(max_length=200)
    members = models.ManyToManyField(User, through="TeamMember", related_name="teams")

    objects = TenantQuerySet["Team"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("team"),
            models.UniqueConstraint(fields=["organization", "name"], name="team_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class TeamMember(TenantModel):
    team = models.ForeignKey(Team, on_delete=models.CASCADE, db_constraint=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, db_constraint=False)

    objects = TenantQuerySet["TeamMember"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("teammember"),
            models.UniqueConstraint(fields=["team", "user"], name="teammember_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.team_id}"


class Customer(TenantModel):
    """A person whom the organisation serves, with the number that people read out."""

    number = models.PositiveIntegerField(editable=False)
    first_name = models.CharField(max_length=limits.NAME_LENGTH, blank=True)
    last_name = models.CharField(max_length=limits.NAME_LENGTH, blank=True)
    email = models.EmailField(max_length=limits.EMAIL_LENGTH, blank=True)
    phone = models.CharField(max_length=limits.PHONE_LENGTH, blank=True)
    locale = models.CharField(max_length=limits.LOCALE_LENGTH, blank=True)
    timezone = models.CharField(max_length=limits.ZONE_LENGTH, blank=True)
    external_id = models.CharField(max_length=limits.EXTERNAL_ID_LENGTH, blank=True)
    location = models.JSONField(null=True, blank=True)
    # Of an address, so that a person who was forgotten is known again when it comes back.
    fingerprint = models.BinaryField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TenantQuerySet["Customer"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("customer"),
            models.UniqueConstraint(
                fields=["organization", "number"], name="customer_number_unique"
            ),
            models.UniqueConstraint(
                fields=["organization", "fingerprint"],
                condition=models.Q(fingerprint__isnull=False),
                name="customer_known_once",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.number}"
