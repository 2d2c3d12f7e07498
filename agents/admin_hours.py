"""The admin of working hours: every change is the command that the pages carry out too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import models
from django.utils import timezone

from agents.errors import InvalidHours
from agents.models import WorkingDay, WorkingHours
from agents.services import hours
from agents.services.intervals import (
    Book,
    Interval,
    WeekInterval,
    change_interval,
    change_interval_of_day,
    checked_day,
    checked_week,
    set_day,
)
from config.kernel.actors import Actor
from config.kernel.admin import OrganizationAdmin, TenantForm

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse


class ByCommand(OrganizationAdmin):
    """Rows that are made, changed and deleted by the commands behind them."""

    is_configuration = can_be_deleted = True
    # What a row is about stays as it is: another one is another row.
    fixed_fields: ClassVar[tuple[str, ...]] = ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Leave what a row is about as it is."""
        readonly = super().get_readonly_fields(request, obj)
        return readonly if obj is None else [*readonly, *self.fixed_fields]

    def save_model(
        self, request: HttpRequest, obj: Any, form: forms.BaseModelForm[Any], change: bool
    ) -> None:
        """Carry out the command that is behind what was typed in."""
        actor = self.actor(request, organization_id=obj.organization_id)
        obj.pk = self.write(obj, form, change=change, actor=actor, now=timezone.now())
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Carry out the command that takes it away."""
        actor = self.actor(request, organization_id=obj.organization_id)
        self.take_away(obj, actor=actor, now=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        """Take each of them away."""
        for one in queryset:
            self.delete_model(request, one)

    def write(
        self,
        obj: Any,
        form: forms.BaseModelForm[Any],
        *,
        change: bool,
        actor: Actor,
        now: datetime,
    ) -> object:
        """Carry out the command, and give the key of the row that then stands for it."""
        raise NotImplementedError

    def take_away(self, obj: Any, *, actor: Actor, now: datetime) -> None:
        """Carry out the command that ends it."""
        raise NotImplementedError


# --- Hours: people's here, and offices' in their own app --------------------------------------


class HoursForm(TenantForm):
    """An interval beside the others of the same week or day."""

    book: ClassVar[Book]

    def clean(self) -> dict[str, Any]:
        """Refuse what the commands would refuse."""
        cleaned = super().clean()
        keeper = cleaned.get(self.book.keeper) or self._present_keeper()
        if keeper is None or self.errors:
            return cleaned
        try:
            self.check(keeper, cleaned)
        except InvalidHours as refusal:
            for lines in refusal.errors.values():
                self.add_error(None, forms.ValidationError(lines))
        return cleaned

    def _present_keeper(self) -> Any:
        is_known = getattr(self.instance, f"{self.book.keeper}_id") is not None
        return getattr(self.instance, self.book.keeper) if is_known else None

    def check(self, keeper: Any, cleaned: dict[str, Any]) -> None:
        """Look at what there would be then. Raises InvalidHours."""
        raise NotImplementedError


class WeeklyForm(HoursForm):
    """An interval of every week."""

    def check(self, keeper: Any, cleaned: dict[str, Any]) -> None:
        """Look at the week that there would be. Raises InvalidHours."""
        kept = [one for one in self.book.week_of(keeper) if one != self.before()]
        new = WeekInterval.at(cleaned["weekday"], cleaned["starts_at"], cleaned["ends_at"])
        checked_week([*kept, new])

    def before(self) -> WeekInterval | None:
        """Give the interval as the row has it; None for a new one."""
        if self.instance._state.adding:
            return None
        read = self.initial
        return WeekInterval.at(read["weekday"], read["starts_at"], read["ends_at"])


class SingleForm(HoursForm):
    """An interval of one day, or the word that it is free."""

    def check(self, keeper: Any, cleaned: dict[str, Any]) -> None:
        """Look at the day that there would be. Raises InvalidHours."""
        begin, end = cleaned.get("starts_at"), cleaned.get("ends_at")
        day = cleaned.get("day") or self.instance.day
        kept = [one for one in self.book.day_of(keeper, day) or [] if one != self.before()]
        if (begin is None) != (end is None):
            raise InvalidHours(errors={"intervals": ["Give both times, or neither."]})
        if begin is None or end is None:
            if kept:
                raise InvalidHours(
                    errors={"intervals": ["The day has other hours: it is not free."]}
                )
            return
        checked_day([*kept, Interval(begin, end)])

    def before(self) -> Interval | None:
        """Give the interval as the row has it; None for a new one, and for a free day."""
        if self.instance._state.adding or self.initial["starts_at"] is None:
            return None
        return Interval(self.initial["starts_at"], self.initial["ends_at"])


class HoursAdmin(ByCommand):
    """Intervals of one kind of keeper."""

    book: ClassVar[Book]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[Any]]:
        """Give a form that knows whose hours they are."""
        kwargs["form"] = type("BookForm", (self.form,), {"book": self.book})
        return super().get_form(request, obj, change=change, **kwargs)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Lead back to the list: another interval is another row."""
        context = {**(extra_context or {}), "show_save_and_continue": False}
        answer: HttpResponse = super().changeform_view(request, object_id, form_url, context)
        return answer

    def keeper_of(self, obj: Any) -> Any:
        """Give the key of whoever keeps the hours."""
        return getattr(obj, f"{self.book.keeper}_id")


class WeeklyAdmin(HoursAdmin):
    """Intervals of every week."""

    form = WeeklyForm
    list_filter = ("weekday",)
    ordering: ClassVar[tuple[str, ...]] = ("weekday", "starts_at", "id")

    def write(
        self,
        obj: Any,
        form: forms.BaseModelForm[Any],
        *,
        change: bool,
        actor: Actor,
        now: datetime,
    ) -> object:
        """Put the interval into the week as it is by now."""
        new = WeekInterval.at(obj.weekday, obj.starts_at, obj.ends_at)
        before = form.before() if isinstance(form, WeeklyForm) else None
        change_interval(
            self.book, self.keeper_of(obj), instead_of=before, add=new, actor=actor, now=now
        )
        rows = self.model._default_manager.filter(weekday=obj.weekday, starts_at=obj.starts_at)
        return rows.get(**{f"{self.book.keeper}_id": self.keeper_of(obj)}).pk

    def take_away(self, obj: Any, *, actor: Actor, now: datetime) -> None:
        """Take the interval out of the week as it is by now."""
        gone = WeekInterval.at(obj.weekday, obj.starts_at, obj.ends_at)
        change_interval(self.book, self.keeper_of(obj), instead_of=gone, actor=actor, now=now)


class SingleAdmin(HoursAdmin):
    """Intervals of single days, and free days."""

    form = SingleForm
    list_filter = ("day",)
    date_hierarchy = "day"
    ordering: ClassVar[tuple[str, ...]] = ("-day", "starts_at", "id")

    def write(
        self,
        obj: Any,
        form: forms.BaseModelForm[Any],
        *,
        change: bool,
        actor: Actor,
        now: datetime,
    ) -> object:
        """Put the interval into the day as it is by now, or let the day be free."""
        book, keeper = self.book, self.keeper_of(obj)
        if obj.starts_at is None:
            set_day(book, keeper, obj.day, [], actor=actor, now=now)
        else:
            before = form.before() if isinstance(form, SingleForm) else None
            new = Interval(obj.starts_at, obj.ends_at)
            change_interval_of_day(
                book, keeper, obj.day, instead_of=before, add=new, actor=actor, now=now
            )
        rows = self.model._default_manager.filter(day=obj.day, starts_at=obj.starts_at)
        return rows.get(**{f"{self.book.keeper}_id": keeper}).pk

    def take_away(self, obj: Any, *, actor: Actor, now: datetime) -> None:
        """Take the interval out of the day as it is by now; without any it is as every week."""
        gone = None if obj.starts_at is None else Interval(obj.starts_at, obj.ends_at)
        change_interval_of_day(
            self.book, self.keeper_of(obj), obj.day, instead_of=gone, actor=actor, now=now
        )


@admin.register(WorkingHours)
class WorkingHoursAdmin(WeeklyAdmin):
    book = hours.PEOPLE
    fixed_fields = ("user",)
    list_display = ("user", "weekday", "starts_at", "ends_at")
    list_select_related = ("user",)
    search_ids = ("id", "user_id")
    search_fields = ("user__username", "user__last_name")
    autocomplete_fields = ("user", "organization")


@admin.register(WorkingDay)
class WorkingDayAdmin(SingleAdmin):
    book = hours.PEOPLE
    fixed_fields = ("user", "day")
    list_display = ("user", "day", "starts_at", "ends_at")
    list_select_related = ("user",)
    search_ids = ("id", "user_id")
    search_fields = ("user__username", "user__last_name")
    autocomplete_fields = ("user", "organization")
