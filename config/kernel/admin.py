"""The admin of every model: inside one organisation, by role, and never past the services."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import FieldDoesNotExist
from django.core.paginator import Paginator
from django.db import models
from django.forms.fields import InvalidJSONInput
from django.http import HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse

from config.kernel.actors import Actor, Role
from config.kernel.errors import DomainError
from config.kernel.json import loads
from config.kernel.pages import actor_of, may_enter, must_change_password

if TYPE_CHECKING:
    from django.contrib.admin.options import _ListFilterT
    from django.http import HttpRequest, HttpResponse

    # Django's classes take a parameter in the stubs only.
    _Paginator = Paginator[Any]
    _ModelForm = forms.ModelForm[Any]
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _Paginator, _ModelForm, _ModelAdmin = Paginator, forms.ModelForm, admin.ModelAdmin

# Of the big tables nobody pages further than this, and counting on would read them whole.
COUNTED_AT_MOST = 10_000
MOST_CHOICES = 50
_YEAR = re.compile(r"[0-9]{4}")


class CappedPaginator(_Paginator):
    """Pages over a list that is counted up to a bound."""

    @cached_property
    def count(self) -> int:
        """Give the number of rows, or the bound where there are more."""
        rows = self.object_list
        if not isinstance(rows, models.QuerySet):
            return len(rows)
        return rows.order_by()[:COUNTED_AT_MOST].count()


class OwnRowsFilter(admin.RelatedFieldListFilter):
    """Offers the related rows of the viewer's organisation, and of no other."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[Any]:
        """Give what can be chosen, up to a bound that a list in the margin can show."""
        rows = own_rows(field.remote_field.model._default_manager.all(), request)
        return [(str(row.pk), str(row)) for row in rows.order_by("pk")[:MOST_CHOICES]]


def own_rows(queryset: models.QuerySet[Any], request: HttpRequest) -> models.QuerySet[Any]:
    """Keep what the viewer's organisation has; operators of the installation see all."""
    if request.user.is_superuser:
        return queryset
    # Without an organisation nothing may match, not even rows that have none either.
    organization_id = getattr(request.user, "organization_id", None)
    if organization_id is None:
        return queryset.none()
    field = "pk" if queryset.model._meta.label == "agents.Organization" else "organization_id"
    return queryset.filter(**{field: organization_id})


class FrontdeskSite(admin.AdminSite):
    """The admin behind the login page that counts failures."""

    site_header = "Frontdesk administration"
    site_title = "Frontdesk"
    index_title = "Administration"
    site_url = "/"
    empty_value_display = "–"

    def has_permission(self, request: HttpRequest) -> bool:
        """Let in who works for an organisation that is there, and has a role for it."""
        user = request.user
        return (
            super().has_permission(request) and may_enter(user) and not must_change_password(user)
        )

    def login(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Send whoever may not enter to the login page."""
        if must_change_password(request.user):
            return redirect("password")
        back = request.GET.get("next") or reverse("admin:index")
        return redirect_to_login(back)

    def password_change(  # type: ignore[override]  # the stubs know Django's own page only
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Send to the page on which everybody changes the password."""
        return HttpResponseRedirect(reverse("password"))


class JsonField(forms.JSONField):
    """JSON as the APIs take it: whatever Python would read besides, neither we nor others could."""

    def to_python(self, value: Any) -> Any:
        """Give the value. Raises ValidationError."""
        if isinstance(value, str) and value and not _is_json(value):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Give what was typed in, to be shown again."""
        if isinstance(data, str) and not _is_json(data):
            return InvalidJSONInput(data)
        return super().bound_data(data, initial)


def _is_json(text: str) -> bool:
    try:
        loads(text.encode())
    except DomainError:
        return False
    return True


class TenantForm(_ModelForm):
    """A form whose rows all belong to one organisation."""

    def clean(self) -> dict[str, Any]:
        """Refuse what belongs to somebody else."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        organization = cleaned.get("organization")
        owner = organization.pk if organization else self.instance.organization_id
        # An error takes its field out of what is walked through.
        for name, value in list(cleaned.items()):
            if getattr(value, "organization_id", owner) != owner:
                self.add_error(name, "This belongs to another organisation.")
        return cleaned


class OrganizationAdmin(_ModelAdmin):
    """Rows of the viewer's organisation: supervisors look, administrators change what they may."""

    form = TenantForm
    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    # What is history, or has commands of its own, is only shown.
    is_configuration: ClassVar[bool] = False
    can_be_deleted: ClassVar[bool] = False
    # Columns that hold a UUID, so that a pasted one finds its row by index.
    search_ids: ClassVar[tuple[str, ...]] = ("id",)
    # Shown to nobody: keys, digests and sealed texts.
    secret_fields: ClassVar[frozenset[str]] = frozenset()

    # --- Who may ----------------------------------------------------------------------------

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let supervisors and administrators see what their organisation has."""
        return self._is_own(request, obj) and holds(request, Role.SUPERVISOR, Role.ADMIN)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let administrators add configuration."""
        return self.is_configuration and holds(request, Role.ADMIN)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let administrators change configuration."""
        return self.is_configuration and self._is_own(request, obj) and holds(request, Role.ADMIN)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let administrators delete configuration that nothing else rests on."""
        return self.can_be_deleted and self.has_change_permission(request, obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the app to whoever may see the model."""
        return self.has_view_permission(request)

    def _is_own(self, request: HttpRequest, obj: Any) -> bool:
        if obj is None or request.user.is_superuser:
            return True
        owner = obj.pk if obj._meta.label == "agents.Organization" else obj.organization_id
        return bool(owner == getattr(request.user, "organization_id", None))

    # --- What is seen -----------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Give the rows that exist for the viewer."""
        return own_rows(super().get_queryset(request), request)

    def get_list_display(self, request: HttpRequest) -> list[str | Callable[[Any], str | bool]]:
        """Give the columns, with the organisation for those who see several."""
        columns = list(super().get_list_display(request))
        return [*columns, "organization"] if self._spans_organizations(request) else columns

    def get_list_select_related(self, request: HttpRequest) -> list[str] | bool:
        """Give what each row needs besides, in the query of the list."""
        related = [str(name) for name in self.list_select_related or ()]  # type: ignore[union-attr]  # declared as a tuple here
        if self._spans_organizations(request):
            related.append("organization")
        return related or False

    def get_list_filter(self, request: HttpRequest) -> list[_ListFilterT]:
        """Give the filters, with the organisation for those who see several."""
        filters: list[Any] = [self._scoped(one) for one in super().get_list_filter(request)]
        if self._spans_organizations(request):
            filters.insert(0, ("organization", OwnRowsFilter))
        return filters

    def _scoped(self, one: Any) -> Any:
        if not isinstance(one, str):
            return one
        try:
            field = self.opts.get_field(one)
        except FieldDoesNotExist:
            return one
        return (one, OwnRowsFilter) if field.is_relation else one

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Refuse what no list links to: columns that are shown to nobody, and years beyond all."""
        name, *rest = lookup.split("__")
        column = next((one for one in self.opts.concrete_fields if one.name == name), None)
        if column is not None and not self._is_shown(column):
            return False
        if rest[-1:] == ["year"] and not _YEAR.fullmatch(str(value)):
            return False
        return super().lookup_allowed(lookup, value, request)

    def _spans_organizations(self, request: HttpRequest) -> bool:
        return request.user.is_superuser and any(
            field.name == "organization" for field in self.opts.get_fields()
        )

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        """Find a row by a pasted id through an index, and by words as usual."""
        try:
            wanted = UUID(search_term.strip())
        except ValueError:
            return super().get_search_results(request, queryset, search_term)
        matches = models.Q()
        for name in self.search_ids:
            matches |= models.Q((name, wanted))
        return queryset.filter(matches), False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Give every column of the row but secrets and the binary ones."""
        if self.fields or self.fieldsets:
            return super().get_fields(request, obj)
        columns = [one for one in self.opts.concrete_fields if self._is_shown(one)]
        fixed = self.get_readonly_fields(request, obj)
        return [
            one.name
            for one in columns
            # What comes about by itself is shown once the row exists.
            if one.name in fixed or (one.editable and self.is_configuration)
        ]

    def _is_shown(self, field: Any) -> bool:
        return not isinstance(field, models.BinaryField) and field.name not in self.secret_fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Give what cannot be changed: all of history, and what comes about by itself."""
        if obj is None:
            return []
        columns = [one for one in self.opts.concrete_fields if self._is_shown(one)]
        if not self.is_configuration:
            return [one.name for one in columns]
        declared = [str(name) for name in super().get_readonly_fields(request, obj)]
        return [*declared, *(one.name for one in columns if not one.editable)]

    # --- What is written --------------------------------------------------------------------

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[Any]]:
        """Give the form; whose a row is cannot be changed once it exists."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is not None and "organization" in form.base_fields:
            form.base_fields["organization"].disabled = True
        return form

    def save_model(
        self, request: HttpRequest, obj: Any, form: forms.BaseModelForm[Any], change: bool
    ) -> None:
        """Write what was changed, and no old value over somebody else's new one."""
        if not change:
            obj.save(force_insert=True)
            return
        changed = set(form.changed_data)
        names = [
            one.name
            for one in self.opts.concrete_fields
            if one.name in changed or getattr(one, "auto_now", False)
        ]
        obj.save(update_fields=names)

    # --- What is chosen from ----------------------------------------------------------------

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Offer rows of the viewer's organisation only; the organisation itself is given."""
        related = db_field.remote_field.model
        kwargs.setdefault("queryset", own_rows(related._default_manager.all(), request))
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None and db_field.name == "organization" and not request.user.is_superuser:
            # A disabled field takes its value from here, whatever is submitted.
            field.disabled = True
            field.initial = getattr(request.user, "organization_id", None)
            field.widget = forms.HiddenInput()
        return field

    def formfield_for_dbfield(
        self, db_field: models.Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Show a list of known words as boxes to tick."""
        if isinstance(db_field, ArrayField) and (choices := db_field.base_field.choices):
            return forms.MultipleChoiceField(
                choices=self.choices_of(db_field, list(choices)),
                required=not db_field.blank,
                help_text=db_field.help_text,
                label=str(db_field.verbose_name).capitalize(),
                widget=forms.CheckboxSelectMultiple,
            )
        if isinstance(db_field, models.JSONField):
            kwargs.setdefault("form_class", JsonField)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def choices_of(self, db_field: models.Field[Any, Any], choices: Iterable[Any]) -> list[Any]:
        """Give the words that can be ticked for a column; subclasses leave some out."""
        return list(choices)

    def actor(self, request: HttpRequest, *, organization_id: UUID) -> Actor:
        """Give whom a command is carried out for; operators act as the administrators do."""
        actor = actor_of(request.user, origin="admin")  # type: ignore[arg-type]  # the admin lets no anonymous user in
        if not request.user.is_superuser:
            return actor
        return replace(
            actor,
            organization_id=organization_id,
            roles=frozenset({Role.ADMIN, Role.SUPERVISOR}),
        )


class OperatorAdmin(OrganizationAdmin):
    """Rows of the installation, which belong to no organisation: for its operators."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let operators see them."""
        return request.user.is_active and request.user.is_superuser

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Give all rows to operators, and none to others."""
        rows: models.QuerySet[Any] = self.model._default_manager.order_by(*self.ordering or ())
        return rows if request.user.is_superuser else rows.none()


def holds(request: HttpRequest, *roles: Role) -> bool:
    """Tell whether the viewer operates the installation or holds one of the roles."""
    user = request.user
    if not user.is_active:
        return False
    if user.is_superuser:
        return True
    held = set(getattr(user, "roles", ()))
    return getattr(user, "organization_id", None) is not None and not held.isdisjoint(roles)
