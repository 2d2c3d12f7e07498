"""What support sees of organisations, the people in them and their programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as PasswordAdmin
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.models import Group
from django.db import models
from django.template.response import TemplateResponse
from django.utils import timezone

from agents import (
    admin_absences,  # noqa: F401  # registers its own
    admin_desk,  # noqa: F401  # registers its own
    admin_hours,  # noqa: F401  # registers its own
    admin_recordings,  # noqa: F401  # registers its own
)
from agents.models import (
    ApiClient,
    Application,
    Customer,
    ExternalIdentity,
    IdempotentRequest,
    OneTimeCode,
    Organization,
    SecurityCounter,
    Team,
    TeamMember,
    User,
)
from agents.services import abilities, clients, staff
from agents.services.abilities import Abilities
from config.kernel import limits
from config.kernel.actors import Role
from config.kernel.admin import OperatorAdmin, OrganizationAdmin, TenantForm
from config.kernel.wording import Malformed, checked_texts

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    # Django's classes take a parameter in the stubs only.
    _CreationForm = BaseUserCreationForm[User]
    _PasswordAdmin = PasswordAdmin[User]
else:
    _CreationForm, _PasswordAdmin = BaseUserCreationForm, PasswordAdmin

# Who may do what is decided by roles, not by Django's groups.
admin.site.unregister(Group)


@admin.register(Organization)
class OrganizationsAdmin(OrganizationAdmin):
    """Tenants: seen by their own people, changed by operators."""

    is_configuration = True
    list_display = ("name", "is_active", "notifications_on", "created_at")
    list_filter = ("is_active", "notifications_on")
    search_fields = ("name",)
    date_hierarchy = "created_at"
    ordering = ("name",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: manage.py create_organization makes one together with what it needs."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let operators change one."""
        return request.user.is_active and request.user.is_superuser


@admin.register(Application)
class ApplicationAdmin(OrganizationAdmin):
    is_configuration = True
    list_display = ("name", "is_default", "kind", "default_locale", "default_timezone")
    list_filter = ("is_default", "kind", "activates_automatically", "prevent_overlaps")
    search_fields = ("name", "deployment_id", "touchpoint_id")
    autocomplete_fields = ("organization",)
    date_hierarchy = "created_at"
    ordering = ("name", "id")


class NewUserForm(_CreationForm):
    """Who works here from now on, with a first password."""

    class Meta(BaseUserCreationForm.Meta):
        model = User
        fields = ("username",)
        field_classes: ClassVar[dict[str, type[forms.Field]]] = {}

    def clean_username(self) -> str:
        """Keep user names in lower case, as the check for taken ones compares them."""
        return staff.checked_username(self.cleaned_data["username"])


class UserForm(TenantForm):
    """Somebody who works here, with a job title that other systems can read."""

    def clean_function(self) -> dict[str, str]:
        """Refuse a language that there is not, and a text that is none."""
        try:
            return checked_texts(self.cleaned_data["function"] or {}, longest=limits.TITLE_LENGTH)
        except Malformed as error:
            raise forms.ValidationError(error.lines) from None


@admin.register(User)
class UserAdmin(OrganizationAdmin, _PasswordAdmin):
    """People who work here; how they are made and shut out is a matter of the services."""

    is_configuration = True
    secret_fields = frozenset({"password"})
    form = UserForm
    add_form = NewUserForm
    list_display = ("username", "first_name", "last_name", "role_names", "is_active")
    list_filter = ("is_active", "created_at")
    search_fields = ("username", "first_name", "last_name")
    filter_horizontal = ()
    autocomplete_fields = ("organization",)
    date_hierarchy = "created_at"
    ordering = ("username",)
    fieldsets = None
    add_fieldsets = (
        (
            None,
            {
                "fields": (
                    "organization",
                    "username",
                    "first_name",
                    "last_name",
                    "roles",
                    "change_password_on_first_login",
                    "password1",
                    "password2",
                )
            },
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Leave the user name as it is, and who operates the installation to manage.py."""
        fixed = super().get_readonly_fields(request, obj)
        if obj is None:
            return fixed
        return [*fixed, "username", "is_superuser", "last_login"]

    def choices_of(self, db_field: models.Field[Any, Any], choices: Iterable[Any]) -> list[Any]:
        """Offer the roles of people who work here."""
        return [choice for choice in choices if choice[0] in staff.STAFF_ROLES]

    @admin.display(description="roles")
    def role_names(self, user: User) -> str:
        """Give the roles in words."""
        return ", ".join(Role(role).label for role in user.roles)

    def save_model(
        self, request: HttpRequest, obj: Any, form: forms.BaseModelForm[Any], change: bool
    ) -> None:
        """Carry out the commands that are behind what was typed in."""
        actor = self.actor(request, organization_id=obj.organization_id)
        if not change:
            user = staff.create_user(
                obj.username,
                organization_id=obj.organization_id,
                roles=[Role(role) for role in obj.roles],
                password=form.cleaned_data["password1"],
                first_name=obj.first_name,
                last_name=obj.last_name,
                must_change_password=obj.change_password_on_first_login,
                actor=actor,
                now=timezone.now(),
            )
            obj.pk = user.pk
            obj.refresh_from_db()
            return
        if "is_active" in form.changed_data and not obj.is_active and obj.organization_id:
            staff.deactivate_user(obj.pk, actor=actor, now=timezone.now())
        changed = {"languages", "daily_maximum"} & set(form.changed_data)
        if changed and obj.organization_id:
            abilities.set_abilities(
                obj.pk,
                Abilities(languages=obj.languages, daily_maximum=obj.daily_maximum),
                only=changed,
                actor=actor,
                now=timezone.now(),
            )
            obj.refresh_from_db(fields=changed)
        super().save_model(request, obj, form, change)


@admin.register(ExternalIdentity)
class ExternalIdentityAdmin(OrganizationAdmin):
    """Who a subject of the outside issuer is; it names one user of the whole installation."""

    is_configuration = can_be_deleted = True
    list_display = ("user", "issuer", "subject")
    list_select_related = ("user",)
    search_fields = ("subject", "issuer", "user__username")
    autocomplete_fields = ("user", "organization")
    ordering = ("issuer", "subject")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let operators say so: an administrator could take a subject of another organisation."""
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let operators change it."""
        return self.has_add_permission(request)


@admin.register(ApiClient)
class ApiClientAdmin(OrganizationAdmin):
    """Programs: their secret is shown once, when they are made."""

    is_configuration = True
    list_display = ("name", "id", "prefix", "is_active", "created_at")
    list_filter = ("is_active",)
    search_fields = ("name", "prefix")
    autocomplete_fields = ("organization",)
    date_hierarchy = "created_at"
    ordering = ("name", "id")

    def choices_of(self, db_field: models.Field[Any, Any], choices: Iterable[Any]) -> list[Any]:
        """Offer the roles that a program can have."""
        return [choice for choice in choices if choice[0] in staff.STAFF_ROLES]

    def save_model(
        self, request: HttpRequest, obj: Any, form: forms.BaseModelForm[Any], change: bool
    ) -> None:
        """Make a client with a secret, or change one."""
        actor = self.actor(request, organization_id=obj.organization_id)
        if not change:
            made = clients.create_api_client(
                obj.name,
                organization_id=obj.organization_id,
                roles=[Role(role) for role in obj.roles],
                actor=actor,
            )
            obj.pk = made.client.pk
            obj.refresh_from_db()
            # On its way to the one page that shows it; it is kept nowhere.
            obj.new_secret = made.secret
            return
        if "is_active" in form.changed_data and not obj.is_active:
            clients.deactivate_api_client(obj.pk, actor=actor)
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the secret: a redirect would have to keep it somewhere."""
        context = {
            **self.admin_site.each_context(request),
            "title": "The API client's secret",
            "opts": self.opts,
            "client": obj,
            "secret": obj.new_secret,
        }
        response = TemplateResponse(request, "admin/agents/apiclient/secret.html", context)
        response.headers["Cache-Control"] = "no-store"
        return response


@admin.register(Team)
class TeamAdmin(OrganizationAdmin):
    is_configuration = can_be_deleted = True
    list_display = ("name",)
    search_fields = ("name",)
    autocomplete_fields = ("organization",)
    ordering = ("name", "id")


@admin.register(TeamMember)
class TeamMemberAdmin(OrganizationAdmin):
    is_configuration = can_be_deleted = True
    list_display = ("team", "user")
    list_filter = ("team",)
    list_select_related = ("team", "user")
    search_fields = ("team__name", "user__username")
    autocomplete_fields = ("team", "user", "organization")
    ordering = ("team__name", "id")


@admin.register(Customer)
class CustomerAdmin(OrganizationAdmin):
    list_display = ("number", "first_name", "last_name", "email", "created_at")
    list_filter = ("locale",)
    search_fields = ("^last_name", "^first_name", "=email", "=external_id")
    date_hierarchy = "created_at"
    ordering = ("-id",)


@admin.register(OneTimeCode)
class OneTimeCodeAdmin(OrganizationAdmin):
    list_display = ("id", "application", "tries", "used_at", "expires_at", "created_at")
    list_filter = ("application", "created_at")
    list_select_related = ("application",)
    ordering = ("-id",)


@admin.register(IdempotentRequest)
class IdempotentRequestAdmin(OrganizationAdmin):
    list_display = ("id", "status", "created_at")
    list_filter = ("status", "created_at")
    ordering = ("-id",)


@admin.register(SecurityCounter)
class SecurityCounterAdmin(OperatorAdmin):
    """Counts by fingerprint: how many doors are being tried, never whose."""

    list_display = ("count", "window_ends_at")
    list_display_links = None
    ordering = ("-window_ends_at",)
    search_ids = ()
