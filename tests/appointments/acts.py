"""What can be done with an appointment: each is a command, with the scene's own people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from appointments import services
from config.kernel.time import parse_duration, parse_zone
from tests import make
from tests.appointments.scene import Scene

MINUTE = timedelta(minutes=1)

Act = Callable[[Scene], None]


def end_of(one: Scene) -> datetime:
    end = one.row().end
    assert end
    return end


def booked(one: Scene) -> datetime:
    return one.appointment.created_at


def activate(one: Scene) -> None:
    services.activate_appointment(one.appointment.id, actor=one.actor, now=booked(one))


def reschedule(one: Scene) -> None:
    services.reschedule_appointment(
        one.appointment.id,
        start=end_of(one) + timedelta(days=1),
        duration=parse_duration("PT45M"),
        zone=parse_zone("Europe/Berlin"),
        locale=None,
        actor=one.actor,
        now=booked(one),
    )


def join(one: Scene) -> None:
    one.join(one.customer, now=booked(one))


def accept(one: Scene) -> None:
    services.accept_interaction(
        one.appointment.id,
        participant_id=str(one.agent.id),
        actor=make.actor_for(one.agent),
        now=booked(one),
    )


def fail(one: Scene) -> None:
    services.report_failure(
        one.appointment.id,
        system_message=None,
        user_message=None,
        actor=one.actor,
        now=booked(one),
    )


def delete(one: Scene) -> None:
    services.delete_appointment(one.appointment.id, actor=one.actor, now=booked(one))


def both_come_and_leave_after_the_end(one: Scene) -> None:
    one.join(one.customer, one.agent_row, now=booked(one))
    one.leave(one.customer, one.agent_row, now=end_of(one))


def both_come_and_leave_and_the_end_passes(one: Scene) -> None:
    one.join(one.customer, one.agent_row, now=booked(one))
    one.leave(one.customer, one.agent_row, now=end_of(one) - MINUTE)
    services.finish_due_appointments(now=end_of(one))


def a_customer_comes_and_the_end_passes(one: Scene) -> None:
    one.join(one.customer, now=booked(one))
    one.leave(one.customer, now=end_of(one))
    services.finish_due_appointments(now=end_of(one))


def the_end_passes(one: Scene) -> None:
    services.finish_due_appointments(now=end_of(one))


def nothing(one: Scene) -> None:
    """Booking has done it already."""


def cancel(one: Scene) -> None:
    services.cancel_appointment(one.appointment.id, actor=one.actor, now=booked(one))


def update(one: Scene) -> None:
    services.update_appointment(
        one.appointment.id,
        changes={"title": "New"},
        customer=services.CustomerChange(participant_id=None, fields={"first_name": "Augusta"}),
        actor=one.actor,
        now=booked(one),
    )


def reassign(one: Scene) -> None:
    services.reassign_appointment(
        one.appointment.id, user_id=str(one.colleague.id), actor=one.actor, now=booked(one)
    )


def add_agent(one: Scene) -> None:
    services.add_agent(
        one.appointment.id, user_id=str(one.colleague.id), actor=one.actor, now=booked(one)
    )


def add_customer(one: Scene) -> None:
    services.add_customer(
        one.appointment.id, data=make.make_customer(), actor=one.actor, now=booked(one)
    )


def remove(one: Scene) -> None:
    services.remove_participant(
        one.appointment.id,
        participant_id=str(one.customer.id),
        actor=one.actor,
        now=booked(one),
    )


def route(one: Scene) -> None:
    routing = services.Routing(properties={"deploymentId": "x"})
    services.update_interaction(
        one.appointment.id,
        routing=routing,
        custom_fields=None,
        actor=one.actor,
        now=booked(one),
    )


def ask_for_another_date(one: Scene) -> None:
    services.request_alternative(one.appointment.id, actor=one.actor, now=booked(one))


def ask_for_another_time(one: Scene) -> None:
    services.request_other_time(
        one.appointment.id,
        start=booked(one) + timedelta(days=4),
        duration=None,
        zone=None,
        actor=one.actor,
        now=booked(one),
    )


def accept_request(one: Scene) -> None:
    services.accept_request(one.appointment.id, actor=one.actor, now=booked(one))


def choose(one: Scene) -> None:
    services.choose_time(
        one.appointment.id,
        start=booked(one) + timedelta(days=5),
        duration=None,
        zone=None,
        actor=one.actor,
        now=booked(one),
    )


def close(one: Scene) -> None:
    services.close_appointment(one.appointment.id, came=True, actor=one.actor, now=booked(one))


def reopen(one: Scene) -> None:
    services.reopen_appointment(one.appointment.id, actor=one.actor, now=booked(one))
