"""The pages on which the appointments of an absent agent are moved to colleagues, and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db.models import Count
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from agents.models import Absence, User
from agents.rota import zone_of, zone_of_house
from agents.services.hours import house_of
from appointments.day import Slot, slot_of
from appointments.errors import RescueNotUndoable, RescueOutdated, RescueUndone
from appointments.forms import zone_label
from appointments.forms_rescue import Choices, RescueForm, choices_in
from appointments.models import Appointment, Participant, Rescue, RescueMove
from appointments.reason_words import REASONS
from appointments.services import rescue as services
from appointments.services.rescue_plan import waiting_for
from appointments.timeline import Names
from config.kernel.actors import Actor, Role
from config.kernel.errors import DomainError
from config.kernel.exceptions import STATUSES
from config.kernel.pages import OfficePage

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_SUPERVISORS = frozenset({Role.SUPERVISOR, Role.ADMIN})
_PEOPLE_AT_MOST = 1_000
_LISTED_AT_MOST = 200


def _zone_of(agent: User) -> ZoneInfo:
    return zone_of(agent, house=zone_of_house(house_of(agent)))


@dataclass(frozen=True, kw_only=True)
class Row:
    """An appointment in the table of a preview."""

    move: services.PlannedMove
    slot: Slot
    problem: str = ""

    @property
    def reasons(self) -> list[str]:
        """Give why nobody takes it, colleague by colleague."""
        return [
            f"{one.agent}: {REASONS[one.reason].short}" for one in self.move.verdicts if one.reason
        ]


@method_decorator(never_cache, name="dispatch")
class RescuesPage(OfficePage):
    """What was moved, the newest first."""

    roles = _SUPERVISORS

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the list."""
        rows = Rescue.objects.visible_to(self.actor).select_related("agent")
        found = list(rows.annotate(count=Count("moves")).order_by("-made_at")[:_LISTED_AT_MOST])
        names = Names({one.made_by_id for one in found}, [], self.actor)
        house = zone_of_house(found[0].organization_id) if found else ""
        return render(
            request,
            "appointments/rescues.html",
            {
                "place": "rescues",
                "rescues": [
                    (one, zone_of(one.agent, house=house), names.of(one.made_by_id))
                    for one in found
                ],
            },
        )


@method_decorator(never_cache, name="dispatch")
class NewRescuePage(OfficePage):
    """Who would take what of an absent agent; and the command that moves it."""

    roles = _SUPERVISORS

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask who is away, and show the preview once that is known."""
        form = self._form(request)
        if not form.is_bound or not form.is_valid():
            return self._show(request, form, status=400 if form.is_bound else 200)
        return self._preview(request, form)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Move what was seen, or show the preview anew with what was chosen."""
        form, chosen = self._form(request), choices_in(request.POST)
        if not form.is_valid():
            return self._show(request, form, status=400)
        if request.POST.get("action") != "move":
            return self._preview(request, form, chosen=chosen)
        if not chosen.is_whole:
            form.add_error(None, "Choose somebody for each appointment, or leave it.")
            return self._preview(request, form, chosen=chosen, status=400)
        try:
            made = self._carry_out(form, chosen)
        except RescueOutdated as refusal:
            form.add_error(None, str(refusal))
            return self._preview(
                request, form, chosen=chosen, problems=_problems(refusal, chosen), status=409
            )
        except DomainError as refusal:
            form.add_error(None, str(refusal))
            return self._preview(request, form, chosen=chosen, status=STATUSES[refusal.kind])
        messages.success(request, f"{_counted(len(chosen.moves))} moved.")
        return redirect("rescue", made.pk)

    def _carry_out(self, form: RescueForm, chosen: Choices) -> Rescue:
        agent = form.chosen_agent
        start, end = form.period(_zone_of(agent))
        return services.carry_out_rescue(
            str(agent.pk),
            start=start,
            end=end,
            moves=chosen.moves,
            actor=self.actor,
            now=timezone.now(),
        )

    def _form(self, request: HttpRequest) -> RescueForm:
        everybody = User.objects.visible_to(self.actor).filter(roles__contains=[Role.AGENT])
        people = list(everybody.order_by("last_name", "first_name", "pk")[:_PEOPLE_AT_MOST])
        data = request.POST if request.method == "POST" else request.GET
        return RescueForm(
            data if "agent" in data else None,
            agents=people,
            colleagues=[one for one in people if one.is_active],
        )

    def _preview(
        self,
        request: HttpRequest,
        form: RescueForm,
        *,
        chosen: Choices | None = None,
        problems: dict[UUID, str] | None = None,
        status: int = 200,
    ) -> HttpResponse:
        agent, now = form.chosen_agent, timezone.now()
        zone = _zone_of(agent)
        start, end = form.period(zone)
        try:
            plan = services.preview_rescue(
                str(agent.pk),
                start=start,
                end=end,
                excluded=form.excluded,
                wishes=chosen.wishes if chosen else {},
                left=chosen.left if chosen else (),
                actor=self.actor,
                now=now,
            )
        except DomainError as refusal:
            form.add_error(None, str(refusal))
            return self._show(request, form, status=STATUSES[refusal.kind])
        return self._show(request, form, plan=plan, zone=zone, problems=problems, status=status)

    def _show(
        self,
        request: HttpRequest,
        form: RescueForm,
        *,
        plan: services.Plan | None = None,
        zone: ZoneInfo | None = None,
        problems: dict[UUID, str] | None = None,
        status: int = 200,
    ) -> HttpResponse:
        context: dict[str, object] = {"place": "rescues", "form": form, "plan": plan}
        if plan is not None and zone is not None:
            problems = problems or {}
            context |= {
                "rows": [_row(move, zone, problems) for move in plan.moves],
                "gone": self._gone(plan, problems, zone),
                "moving": sum(move.to is not None for move in plan.moves),
                "leaving": sum(move.is_left for move in plan.moves),
                "zone": zone,
                "zone_label": zone_label(zone, plan.start),
            }
        return render(request, "appointments/rescue_new.html", context, status=status)

    def _gone(
        self, plan: services.Plan, problems: dict[UUID, str], zone: ZoneInfo
    ) -> list[tuple[Slot | None, str]]:
        """Give what cannot be moved any more, of what the last preview showed."""
        lost = problems.keys() - {move.appointment.pk for move in plan.moves}
        slots = {one.appointment.pk: one for one in slots_of(lost, actor=self.actor, zone=zone)}
        return [(slots.get(key), words) for key, words in problems.items() if key in lost]


def slots_of(keys: set[UUID], *, actor: Actor, zone: ZoneInfo) -> list[Slot]:
    """Give appointments with those who take part, as lists show them."""
    rows = Appointment.objects.visible_to(actor).filter(pk__in=keys)
    found = rows.prefetch_related("participants__user").order_by("start", "id")
    return [slot_of(one, sorted(one.participants.all(), key=_by_id), zone=zone) for one in found]


def _by_id(one: Participant) -> UUID:
    return one.pk


def _row(move: services.PlannedMove, zone: ZoneInfo, problems: dict[UUID, str]) -> Row:
    slot = slot_of(move.appointment, move.participants, zone=zone)
    return Row(move=move, slot=slot, problem=problems.get(move.appointment.pk, ""))


def _problems(refusal: RescueOutdated, chosen: Choices) -> dict[UUID, str]:
    """Give what has changed by appointment; the refusal names places in the list of moves."""
    found: dict[UUID, str] = {}
    for number, move in enumerate(chosen.moves):
        if (lines := refusal.errors.get(f"moves.{number}")) and move.appointment_id:
            found[move.appointment_id] = " ".join(lines)
    return found


def _counted(number: int) -> str:
    return "1 appointment is" if number == 1 else f"{number} appointments are"


@method_decorator(never_cache, name="dispatch")
class RescuePage(OfficePage):
    """One rescue: what was moved to whom, and how it stands now."""

    roles = _SUPERVISORS

    def get(self, request: HttpRequest, rescue_id: UUID) -> HttpResponse:
        """Show it, with the way back."""
        found = services.read_rescue(rescue_id, actor=self.actor)
        context = self.context(found) | {"rows": self.rows(found)}
        return render(request, "appointments/rescue.html", context)

    def context(self, found: Rescue) -> dict[str, object]:
        """Give what both pages about a rescue say of it."""
        zone = _zone_of(found.agent)
        first, last = _days(found, zone)
        names = Names({found.made_by_id, found.undone_by_id}, [], self.actor)
        return {
            "place": "rescues",
            "rescue": found,
            "made_by": names.of(found.made_by_id),
            "undone_by": names.of(found.undone_by_id),
            "remaining": self._remaining(found, timezone.now()),
            "first": first,
            "last": last,
            "zone": zone,
            "zone_label": zone_label(zone, found.start),
        }

    def rows(self, found: Rescue) -> list[tuple[RescueMove, Slot | None]]:
        """Give each move with its appointment as it is now, where it is still there."""
        moves = list(found.moves.all())
        keys = {move.appointment_id for move in moves if move.appointment_id}
        zone = _zone_of(found.agent)
        slots = {one.appointment.pk: one for one in slots_of(keys, actor=self.actor, zone=zone)}
        return [(move, _slot_of_move(move, slots)) for move in moves]

    def _remaining(self, found: Rescue, now: datetime) -> int:
        """Count what is with the agent in this period, left there or new."""
        return waiting_for(
            found.agent, start=found.start, end=found.end, actor=self.actor, now=now
        ).count()


def _slot_of_move(move: RescueMove, slots: dict[UUID, Slot]) -> Slot | None:
    return slots.get(move.appointment_id) if move.appointment_id else None


def _days(found: Rescue, zone: ZoneInfo) -> tuple[date, date]:
    """Give the first and the last day of a period, which excludes its end."""
    return (
        found.start.astimezone(zone).date(),
        (found.end - datetime.resolution).astimezone(zone).date(),
    )


@method_decorator(never_cache, name="dispatch")
class UndoRescuePage(RescuePage):
    """Gives everything back, after a question."""

    def get(self, request: HttpRequest, rescue_id: UUID) -> HttpResponse:
        """Ask whether it is meant."""
        found = services.read_rescue(rescue_id, actor=self.actor)
        if found.is_undone:
            return redirect("rescue", rescue_id)
        return self._ask(request, found)

    def post(self, request: HttpRequest, rescue_id: UUID) -> HttpResponse:
        """Do it, or say what stands in the way."""
        try:
            services.undo_rescue(rescue_id, actor=self.actor, now=timezone.now())
        except RescueUndone as refusal:
            messages.error(request, str(refusal))
        except RescueNotUndoable as refusal:
            found = services.read_rescue(rescue_id, actor=self.actor)
            return self._ask(request, found, refusal=refusal)
        else:
            messages.success(request, "The appointments are given back.")
        return redirect("rescue", rescue_id)

    def _ask(
        self, request: HttpRequest, found: Rescue, *, refusal: RescueNotUndoable | None = None
    ) -> HttpResponse:
        first, last = _days(found, _zone_of(found.agent))
        away = Absence.objects.visible_to(self.actor).filter(user=found.agent)
        errors = refusal.errors if refusal else {}
        context = self.context(found) | {
            "absence": away.between(first, last).first(),
            "refusal": refusal,
            "obstacles": [
                (move, slot, " ".join(errors[str(move.appointment_id)]))
                for move, slot in self.rows(found)
                if str(move.appointment_id) in errors
            ],
            "about_agent": errors.get("agent", []),
        }
        status = STATUSES[refusal.kind] if refusal else 200
        return render(request, "appointments/rescue_undo.html", context, status=status)
