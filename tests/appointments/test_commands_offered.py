"""What a page offers: what the command would carry out for this very reader, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from agents.models import Application, User
from appointments import services
from appointments.commands_offered import Command, commands_offered
from appointments.errors import TimeNotOffered
from appointments.models import Appointment, Participant, State
from appointments.services.case import participants_of
from config.kernel.actors import Actor, ActorKind, Role
from config.kernel.errors import DomainError
from config.kernel.time import parse_duration, parse_zone
from tests import make

pytestmark = pytest.mark.django_db

NOW = timezone.now().replace(microsecond=0)
TOMORROW = NOW + timedelta(days=1)
HALF_HOUR = parse_duration("PT30M")
BERLIN = parse_zone("Europe/Berlin")
HANDLED = {Command.COMPLETE, Command.NO_SHOW, Command.CANCEL}


@pytest.fixture
def application() -> Application:
    return make.make_application()


@pytest.fixture
def agent(application: Application) -> User:
    return make.make_user(application.organization, first_name="Ben")


@pytest.fixture
def supervisor(application: Application) -> User:
    return make.make_user(application.organization, [Role.SUPERVISOR])


Situations = dict[str, Callable[[], Appointment]]


@pytest.fixture
def situations(application: Application, agent: User, supervisor: User) -> Situations:
    """Give, by name, the commands that bring an appointment of Ben's where it can stand."""
    looks_after = make.actor_for(supervisor)

    def booked(state: State | None = None, **values: Any) -> Appointment:
        made = make.make_appointment(application, agent=agent, start=TOMORROW, state=state)
        Appointment.objects.filter(pk=made.pk).update(**values or {"state": made.state})
        return Appointment.objects.get(pk=made.pk)

    def in_the_room() -> Appointment:
        made = booked(State.IN_PROGRESS)
        Participant.objects.filter(appointment=made, user=agent).update(first_joined_at=NOW)
        return made

    def cancelled() -> Appointment:
        made = booked()
        return services.cancel_appointment(made.pk, actor=looks_after, now=NOW).appointment

    def requested() -> Appointment:
        asked = services.Booking(
            application_id=str(application.pk),
            zone=BERLIN,
            locale="en-GB",
            customers=(make.make_customer(),),
            start=TOMORROW,
            duration=HALF_HOUR,
        )
        return services.request_appointment(asked, actor=looks_after, now=NOW).appointment

    def too_late() -> Appointment:
        asked = requested()
        past = {"asked_start": NOW - timedelta(hours=1), "asked_end": NOW}
        Appointment.objects.filter(pk=asked.pk).update(**past)
        return Appointment.objects.get(pk=asked.pk)

    def invited() -> Appointment:
        draft = services.Draft(
            application_id=str(application.pk),
            zone=BERLIN,
            locale="en-GB",
            customers=(make.make_customer(),),
        )
        return services.invite_customers(draft, actor=looks_after, now=NOW).appointment

    def asked_again() -> Appointment:
        made = booked()
        return services.request_alternative(made.pk, actor=looks_after, now=NOW).appointment

    def called_off_before_it_had_a_time() -> Appointment:
        made = requested()
        return services.cancel_appointment(made.pk, actor=looks_after, now=NOW).appointment

    return {
        "booked": booked,
        "in progress": lambda: booked(State.IN_PROGRESS),
        "in the room": in_the_room,
        "completed": lambda: booked(State.COMPLETED),
        "missed": lambda: booked(State.NO_SHOW),
        "failed": lambda: booked(State.FAILED),
        "cancelled": cancelled,
        "requested": requested,
        "requested too late": too_late,
        "invited": invited,
        "asked again": asked_again,
        "request cancelled": called_off_before_it_had_a_time,
    }


NAMES = [
    "booked",
    "in progress",
    "in the room",
    "completed",
    "missed",
    "failed",
    "cancelled",
    "requested",
    "requested too late",
    "invited",
    "asked again",
    "request cancelled",
]


def offered(appointment: Appointment, actor: Actor) -> set[Command]:
    everyone = participants_of(appointment)
    return set(commands_offered(appointment, everyone, actor=actor, now=NOW))


def customer_of(appointment: Appointment) -> Actor:
    return Actor(
        kind=ActorKind.CUSTOMER,
        id=str(make.customers_of(appointment)[0].pk),
        organization_id=appointment.organization_id,
    )


def carry_out(command: Command, one: Appointment, actor: Actor) -> None:
    """Do what a button of this name does."""
    who: dict[str, Any] = {"actor": actor, "now": NOW}
    later: dict[str, Any] = {"start": TOMORROW + timedelta(days=1), "zone": None, "duration": None}
    match command:
        case Command.ACCEPT:
            services.accept_request(one.pk, **who)
        case Command.ASK_AGAIN:
            services.request_alternative(one.pk, **who)
        case Command.CHOOSE_TIME:
            services.choose_time(one.pk, **later, **who)
        case Command.ASK_FOR_TIME:
            services.request_other_time(one.pk, **later, **who)
        case Command.MOVE if actor.kind == ActorKind.CUSTOMER:
            move_among_the_free_times(one, actor)
        case Command.MOVE:
            given = {**later, "zone": BERLIN, "duration": HALF_HOUR}
            services.reschedule_appointment(one.pk, locale=None, **given, **who)
        case Command.COMPLETE | Command.NO_SHOW:
            services.close_appointment(one.pk, came=command is Command.COMPLETE, **who)
        case Command.REOPEN:
            services.reopen_appointment(one.pk, **who)
        case Command.CANCEL:
            services.cancel_appointment(one.pk, **who)


def move_among_the_free_times(one: Appointment, actor: Actor) -> None:
    """Do what a customer's page does: it moves what has a time and needs nobody's consent."""
    if one.start is None:
        raise TimeNotOffered
    on_the_hour = (TOMORROW + timedelta(days=1)).replace(minute=0, second=0)
    services.take_offered_time(one.pk, start=on_the_hour, zone=BERLIN, actor=actor, now=NOW)


def succeeds(command: Command, one: Appointment, actor: Actor) -> bool:
    """Tell whether the command is carried out, without keeping what it did."""
    try:
        with transaction.atomic():
            carry_out(command, one, actor)
            transaction.set_rollback(True)
    except DomainError:
        return False
    return True


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("role", ["supervisor", "agent in charge", "colleague", "administrator"])
def test_an_employee_is_offered_what_would_succeed(
    situations: Situations, supervisor: User, agent: User, name: str, role: str
) -> None:
    organization = supervisor.organization
    reader = {
        "supervisor": supervisor,
        "agent in charge": agent,
        "colleague": make.make_user(organization),
        "administrator": make.make_user(organization, [Role.ADMIN]),
    }[role]
    one, actor = situations[name](), make.actor_for(reader)

    possible = {command for command in Command if succeeds(command, one, actor)}

    # An employee has no need to ask for a time, nor to call off what is closed.
    needless = {Command.ASK_FOR_TIME}
    if one.state in {State.COMPLETED, State.NO_SHOW, State.CANCELLED}:
        needless.add(Command.CANCEL)
    assert offered(one, actor) == possible - needless


@pytest.mark.parametrize("name", NAMES)
def test_a_customer_is_offered_what_would_succeed(situations: Situations, name: str) -> None:
    one = situations[name]()
    actor = customer_of(one)

    possible = {command for command in Command if succeeds(command, one, actor)}

    is_closed = one.state in {State.COMPLETED, State.NO_SHOW, State.CANCELLED}
    assert offered(one, actor) == (set() if is_closed else possible)


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.AGENT])
def test_a_customer_moves_nothing_where_nobody_can_be_booked_online(
    situations: Situations, agent: User, role: Role
) -> None:
    one = situations["booked"]()
    User.objects.filter(pk=agent.pk).update(plans_online=role != Role.AGENT, roles=[role])

    assert offered(one, customer_of(one)) == {Command.ASK_FOR_TIME, Command.CANCEL}


def test_a_customer_is_offered_nothing_of_anothers(situations: Situations) -> None:
    stranger = customer_of(situations["booked"]())

    assert offered(situations["booked"](), stranger) == set()


def test_a_customer_is_offered_nothing_once_it_is_past(situations: Situations) -> None:
    one = situations["booked"]()
    one.end = NOW

    assert offered(one, customer_of(one)) == set()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("booked", HANDLED | {Command.ASK_AGAIN, Command.MOVE}),
        ("completed", {Command.REOPEN}),
        ("cancelled", {Command.REOPEN}),
        ("request cancelled", set()),
        ("requested", {Command.ACCEPT, Command.ASK_AGAIN, Command.MOVE, Command.CANCEL}),
        ("requested too late", {Command.ASK_AGAIN, Command.MOVE, Command.CANCEL}),
        ("invited", {Command.CHOOSE_TIME, Command.MOVE, Command.CANCEL}),
    ],
)
def test_a_supervisor_is_offered_what_fits_the_situation(
    situations: Situations, supervisor: User, name: str, expected: set[Command]
) -> None:
    assert offered(situations[name](), make.actor_for(supervisor)) == expected


def test_a_colleague_is_offered_nothing_while_somebody_is_in_charge(
    situations: Situations, application: Application
) -> None:
    colleague = make.make_user(application.organization)

    assert offered(situations["booked"](), make.actor_for(colleague)) == set()
    assert Command.ACCEPT in offered(situations["requested"](), make.actor_for(colleague))
