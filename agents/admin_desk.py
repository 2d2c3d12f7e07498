"""The admin of the desk: telephones and queues are kept here, calls and states looked at."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import transaction
from django.forms.models import construct_instance
from django.utils import timezone

from agents.admin_hours import ByCommand
from agents.models import (
    AgentLogin,
    AgentState,
    Call,
    Contact,
    DeskSession,
    Device,
    Leg,
    MediaChannel,
    Place,
    PlaceDevice,
    PushMessage,
    PushStream,
    Queue,
    QueueMember,
    Seat,
    StateInterval,
    TelephonyNetwork,
)
from agents.services import agent_states, contact_book, devices
from agents.services.agent_states import StateChanges
from agents.services.devices import NewDevice
from config.kernel.actors import Actor
from config.kernel.admin import OrganizationAdmin, TenantForm
from config.kernel.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.http import HttpRequest


class RehearsedForm(TenantForm):
    """A form that refuses what the command behind it refuses: that is tried, and taken back."""

    carry_out: ClassVar[Callable[[Any, forms.BaseModelForm[Any]], object]]

    def clean(self) -> dict[str, Any]:
        """Show a refusal where it can be read, not as a failure of ours."""
        cleaned = super().clean()
        if self.errors:
            return cleaned
        wanted = construct_instance(self, copy(self.instance))
        try:
            with transaction.atomic():
                type(self).carry_out(wanted, self)
                transaction.set_rollback(True)
        except DomainError as refusal:
            lines = [line for some in refusal.errors.values() for line in some]
            self.add_error(None, forms.ValidationError([refusal.text, *lines]))
        return cleaned


class RehearsedAdmin(ByCommand):
    """Rows behind commands that may refuse what was typed in."""

    form = RehearsedForm

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[Any]]:
        """Give a form that knows its command."""

        def carry_out(wanted: Any, form: forms.BaseModelForm[Any]) -> object:
            actor = self.actor(request, organization_id=wanted.organization_id)
            return self.write(wanted, form, change=change, actor=actor, now=timezone.now())

        kwargs["form"] = type("CommandForm", (self.form,), {"carry_out": staticmethod(carry_out)})
        return super().get_form(request, obj, change=change, **kwargs)


@admin.register(AgentState)
class AgentStateAdmin(RehearsedAdmin):
    fixed_fields = ("operation_name",)
    list_display = ("display_name", "operation_name", "state", "work_mode", "reason")
    list_filter = ("state",)
    search_fields = ("operation_name", "display_name", "reason")
    autocomplete_fields = ("organization",)
    ordering = ("operation_name", "id")

    def write(
        self,
        obj: Any,
        form: forms.BaseModelForm[Any],
        *,
        change: bool,
        actor: Actor,
        now: datetime,
    ) -> object:
        """Name the state, or change what it means."""
        means = {"state": obj.state, "work_mode": obj.work_mode, "reason": obj.reason}
        if change:
            changes = StateChanges(display_name=obj.display_name, **means)
            return agent_states.change_agent_state(
                obj.operation_name, changes, actor=actor, now=now
            ).pk
        return agent_states.create_agent_state(
            obj.operation_name, obj.display_name, **means, actor=actor, now=now
        ).pk

    def take_away(self, obj: Any, *, actor: Actor, now: datetime) -> None:
        """Take the state away; whoever is in it stays so."""
        agent_states.delete_agent_state(obj.operation_name, actor=actor, now=now)


@admin.register(Device)
class DeviceAdmin(RehearsedAdmin):
    fixed_fields = ("phone_number",)
    list_display = ("phone_number", "user", "is_active", "state", "do_not_disturb", "forward_to")
    list_filter = ("is_active", "state", "do_not_disturb")
    list_select_related = ("user",)
    search_ids = ("id", "user_id")
    search_fields = ("phone_number", "user__username", "user__last_name")
    autocomplete_fields = ("user", "organization")
    ordering = ("phone_number", "id")
    # Several at once could hold one that somebody is logged in on.
    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse while somebody is logged in on it."""
        is_free = obj is None or not obj.is_active
        return is_free and super().has_delete_permission(request, obj)

    def write(
        self,
        obj: Any,
        form: forms.BaseModelForm[Any],
        *,
        change: bool,
        actor: Actor,
        now: datetime,
    ) -> object:
        """Make the device or say what it is, and give it to whoever is chosen."""
        facts = {"model": obj.model, "vendor": obj.vendor, "kind": obj.kind}
        network = TelephonyNetwork(obj.network)
        if change:
            devices.describe_device(obj.pk, **facts, network=network, actor=actor, now=now)
            key, before = obj.pk, form.initial.get("user")
        else:
            new = NewDevice(phone_number=obj.phone_number, **facts, network=network)
            key, before = devices.create_device(new, actor=actor, now=now).pk, None
        if before != obj.user_id:
            if before is not None:
                devices.take_device_away(before, key, actor=actor, now=now)
            if obj.user_id is not None:
                devices.give_device(obj.user_id, key, actor=actor, now=now)
        return key

    def take_away(self, obj: Any, *, actor: Actor, now: datetime) -> None:
        """Take the device away for good."""
        devices.delete_device(obj.pk, actor=actor, now=now)


@admin.register(Contact)
class ContactAdmin(RehearsedAdmin):
    list_display = ("name", "phone_number")
    search_fields = ("name", "phone_number")
    autocomplete_fields = ("organization",)
    ordering = ("name", "id")

    def write(
        self,
        obj: Any,
        form: forms.BaseModelForm[Any],
        *,
        change: bool,
        actor: Actor,
        now: datetime,
    ) -> object:
        """Write the number down, or change it."""
        if not change:
            return contact_book.add_contact(obj.name, obj.phone_number, actor=actor, now=now).pk
        contact_book.change_contact(
            obj.pk, name=obj.name, phone_number=obj.phone_number, actor=actor, now=now
        )
        return obj.pk

    def take_away(self, obj: Any, *, actor: Actor, now: datetime) -> None:
        """Strike the number out."""
        contact_book.delete_contact(obj.pk, actor=actor, now=now)


# --- What is set up: no command has more to say than the row ------------------------------------


class SetUp(OrganizationAdmin):
    """Rows that administrators make, change and delete."""

    is_configuration = can_be_deleted = True


@admin.register(Place)
class PlaceAdmin(SetUp):
    list_display = ("name",)
    search_fields = ("name",)
    autocomplete_fields = ("organization",)
    ordering = ("name", "id")


@admin.register(PlaceDevice)
class PlaceDeviceAdmin(SetUp):
    list_display = ("place", "device", "order")
    list_select_related = ("place", "device")
    search_ids = ("id", "place_id", "device_id")
    search_fields = ("place__name", "device__phone_number")
    autocomplete_fields = ("place", "device", "organization")
    ordering = ("place__name", "order", "id")


@admin.register(Seat)
class SeatAdmin(SetUp):
    list_display = ("user", "place")
    list_select_related = ("user", "place")
    search_ids = ("id", "user_id", "place_id")
    search_fields = ("user__username", "user__last_name", "place__name")
    autocomplete_fields = ("user", "place", "organization")
    ordering = ("user__username", "id")


@admin.register(AgentLogin)
class AgentLoginAdmin(SetUp):
    list_display = ("code", "user")
    list_select_related = ("user",)
    search_ids = ("id", "user_id")
    search_fields = ("code", "user__username")
    autocomplete_fields = ("user", "organization")
    ordering = ("code", "id")


@admin.register(Queue)
class QueueAdmin(SetUp):
    list_display = ("name", "medium", "phone_number")
    list_filter = ("medium",)
    search_fields = ("name", "phone_number")
    autocomplete_fields = ("organization",)
    ordering = ("name", "id")


@admin.register(QueueMember)
class QueueMemberAdmin(SetUp):
    list_display = ("queue", "user")
    list_filter = ("queue",)
    list_select_related = ("queue", "user")
    search_ids = ("id", "queue_id", "user_id")
    search_fields = ("queue__name", "user__username", "user__last_name")
    autocomplete_fields = ("queue", "user", "organization")
    ordering = ("queue__name", "id")


# --- What comes about ---------------------------------------------------------------------------


@admin.register(MediaChannel)
class MediaChannelAdmin(OrganizationAdmin):
    list_display = ("user", "medium", "state", "work_mode", "reason", "do_not_disturb")
    list_filter = ("medium", "state", "do_not_disturb")
    list_select_related = ("user",)
    search_ids = ("id", "user_id")
    search_fields = ("user__username", "user__last_name")
    ordering = ("user__username", "medium")


@admin.register(DeskSession)
class DeskSessionAdmin(OrganizationAdmin):
    list_display = ("user", "media", "login_code", "began_at", "seen_at")
    list_select_related = ("user",)
    search_ids = ("id", "user_id")
    search_fields = ("user__username", "user__last_name", "login_code")
    ordering = ("-seen_at", "id")


@admin.register(StateInterval)
class StateIntervalAdmin(OrganizationAdmin):
    list_display = ("user", "medium", "number", "state", "work_mode", "do_not_disturb", "period")
    list_filter = ("medium", "state", "do_not_disturb")
    list_select_related = ("user",)
    search_ids = ("id", "user_id", "device_id")
    search_fields = ("user__username", "number")
    ordering = ("-id",)


@admin.register(Call)
class CallAdmin(OrganizationAdmin):
    list_display = ("number", "type", "ani", "dnis", "began_at", "ended_at")
    list_filter = ("type",)
    search_fields = ("number", "uuid")
    date_hierarchy = "began_at"
    ordering = ("-began_at", "id")


@admin.register(Leg)
class LegAdmin(OrganizationAdmin):
    list_display = ("call", "phone_number", "user", "state", "monitoring_kind", "began_at")
    list_filter = ("state",)
    list_select_related = ("call", "user")
    search_ids = ("id", "call_id", "device_id", "user_id")
    search_fields = ("call__number", "user__username")
    date_hierarchy = "began_at"
    ordering = ("-began_at", "id")


@admin.register(PushStream)
class PushStreamAdmin(OrganizationAdmin):
    list_display = ("user", "sequence")
    list_select_related = ("user",)
    search_ids = ("id", "user_id")
    search_fields = ("user__username",)
    ordering = ("user__username", "id")


@admin.register(PushMessage)
class PushMessageAdmin(OrganizationAdmin):
    list_display = ("user", "topic", "sequence", "made_at")
    list_filter = ("topic",)
    list_select_related = ("user",)
    search_ids = ("id", "user_id")
    search_fields = ("user__username",)
    date_hierarchy = "made_at"
    ordering = ("-made_at", "-sequence")
