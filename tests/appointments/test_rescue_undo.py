"""Undoing a rescue gives everything back, or nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from agents.models import Application, User
from appointments import services
from appointments.errors import (
    RescueNotFound,
    RescueNotUndoable,
    RescuesNotYours,
    RescueUndone,
)
from appointments.models import Appointment, Participant, Rescue, State
from appointments.services.rescue import read_rescue, undo_rescue
from config.kernel.time import parse_duration, parse_zone
from notifications.models import Channel, Notification
from tests import make
from tests.appointments.races import run_together
from tests.appointments.rescuing import (
    DAY,
    NOW,
    Sickness,
    agents_of,
    at,
    make_sickness,
    primary_agents,
    to,
)
from tests.appointments.scene import UNKNOWN
from tests.contract.state import everything

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Sickness:
    return make_sickness()


def refused(house: Sickness, rescue: Rescue, **options: object) -> dict[str, list[str]]:
    """Give what stands in the way, once it is sure that nothing was done."""
    before = everything()

    with pytest.raises(RescueNotUndoable) as refusal:
        house.undo(rescue, **options)

    assert everything() == before
    return refusal.value.errors


def test_everything_is_given_back(house: Sickness) -> None:
    booked = [house.book(clock) for clock in ("09:00", "10:00")]
    rescue = house.move(to(booked[0], house.alan), to(booked[1], house.barbara))

    house.undo(rescue)

    rescue.refresh_from_db()
    assert agents_of(booked) == [["Grace"], ["Grace"]]
    assert (rescue.undone_at, rescue.undone_by_id) == (NOW, str(house.sofia.pk))
    assert not Participant.objects.filter(user__in=[house.alan, house.barbara]).exists()


def test_who_was_in_charge_before_is_so_again(house: Sickness) -> None:
    one = house.book("09:00", organizer=house.barbara)
    rescue = house.move(to(one, house.alan))

    house.undo(rescue)

    one = Appointment.objects.get(pk=one.pk)
    assert (one.organizer_id, one.target_id) == (str(house.barbara.pk), str(house.grace.pk))


def test_a_colleague_who_took_part_before_does_so_again(house: Sickness) -> None:
    one = house.book("09:00")
    services.add_agent(one.pk, user_id=str(house.alan.pk), actor=house.actor, now=NOW)
    rescue = house.move(to(one, house.alan))

    house.undo(rescue)

    rows = Participant.objects.of(one.pk).filter(type="AGENT").select_related("user")
    assert {str(row.user): (row.role, row.occupies is not None) for row in rows} == {
        "Alan Turing": ("SECONDARY", False),
        "Grace Hopper": ("PRIMARY", True),
    }


def test_everybody_is_told_once_of_each(house: Sickness) -> None:
    house = make_sickness(*Channel, notify_agents=True)
    one = house.book("09:00")
    rescue = house.move(to(one, house.alan))
    before = set(Notification.objects.values_list("pk", flat=True))

    house.undo(rescue)

    told = Notification.objects.exclude(pk__in=before).filter(type="REASSIGN")
    assert sorted(told.values_list("channel", "recipient_type")) == [
        ("EMAIL", "AGENT"),
        ("WEBHOOKS", "SYSTEM"),
    ]


def test_a_second_time_is_refused(house: Sickness) -> None:
    rescue = house.move(to(house.book("09:00"), house.alan))
    house.undo(rescue)
    before = everything()

    with pytest.raises(RescueUndone, match="given back already"):
        house.undo(rescue)

    assert everything() == before


def test_an_agent_who_is_still_absent_gets_them_back_as_it_had_them(house: Sickness) -> None:
    one = house.book("09:00")
    make.make_absence(house.grace, DAY.date(), DAY.date())
    rescue = house.move(to(one, house.alan))

    house.undo(rescue)

    assert agents_of([one]) == [["Grace"]]


def test_what_was_cancelled_or_deleted_is_left_as_it_is(house: Sickness) -> None:
    booked = [house.book(clock) for clock in ("09:00", "10:00", "11:00")]
    rescue = house.move(*(to(one, house.alan) for one in booked))
    services.cancel_appointment(booked[0].pk, actor=house.actor, now=NOW)
    services.delete_appointment(booked[1].pk, actor=house.actor, now=NOW)

    house.undo(rescue)

    assert agents_of(booked) == [["Alan"], [], ["Grace"]]
    assert [move.appointment for move in rescue.moves.order_by("start")] == [
        booked[0],
        None,
        booked[2],
    ]


def test_what_was_moved_to_another_time_is_given_back_with_it(house: Sickness) -> None:
    one = house.book("09:00")
    rescue = house.move(to(one, house.alan))
    reschedule(one, house, "15:00")

    house.undo(rescue)

    assert agents_of([one]) == [["Grace"]]


def test_what_has_no_time_any_more_is_given_back_too(house: Sickness) -> None:
    one = house.book("09:00")
    rescue = house.move(to(one, house.alan))
    services.request_alternative(one.pk, actor=house.actor, now=NOW)

    house.undo(rescue)

    assert agents_of([one]) == [["Grace"]]


def reschedule(one: Appointment, house: Sickness, clock: str) -> None:
    services.reschedule_appointment(
        one.pk,
        start=at(clock),
        duration=parse_duration("PT30M"),
        zone=parse_zone("UTC"),
        locale=None,
        actor=house.actor,
        now=NOW,
    )


# --- What stands in the way -------------------------------------------------------------------


def begin(one: Appointment, _house: Sickness) -> None:
    Appointment.objects.filter(pk=one.pk).update(state=State.IN_PROGRESS)


def complete(one: Appointment, _house: Sickness) -> None:
    Appointment.objects.filter(pk=one.pk).update(state=State.COMPLETED)


def pass_on(one: Appointment, house: Sickness) -> None:
    services.reassign_appointment(one.pk, user_id=str(house.barbara.pk), actor=house.actor, now=NOW)


def book_grace(_one: Appointment, house: Sickness) -> None:
    house.book("09:15")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (begin, "It has begun, or is over."),
        (complete, "It has begun, or is over."),
        (pass_on, "It is not with Alan Turing any more."),
        (
            book_grace,
            "The agent is occupied from 2031-03-06T09:15:00Z to 2031-03-06T09:45:00Z.",
        ),
    ],
)
def test_one_that_cannot_be_given_back_stops_all_of_them(
    house: Sickness, change: Callable[[Appointment, Sickness], None], words: str
) -> None:
    first, second = house.book("08:00"), house.book("09:00")
    rescue = house.move(to(first, house.alan), to(second, house.alan))
    change(second, house)

    assert refused(house, rescue) == {str(second.pk): [words]}


def test_one_that_has_started_by_the_clock_stops_all_of_them(house: Sickness) -> None:
    first, second = house.book("08:00"), house.book("09:00")
    rescue = house.move(to(first, house.alan), to(second, house.alan))

    words = refused(house, rescue, now=at("08:00") + timedelta(minutes=1))

    assert words == {str(first.pk): ["It has begun, or is over."]}


def test_two_that_overlap_by_now_do_not_go_back_to_one(house: Sickness) -> None:
    first, second = house.book("09:00"), house.book("10:00")
    rescue = house.move(to(first, house.alan), to(second, house.barbara))
    reschedule(second, house, "09:15")

    assert list(refused(house, rescue)) == [str(second.pk)]


def test_something_new_stands_in_the_way_where_overlaps_are_let_through_too() -> None:
    house = make_sickness(prevent_overlaps=False)
    one = house.book("09:00")
    rescue = house.move(to(one, house.alan))
    house.book("09:15", booked_at=NOW + timedelta(minutes=1))

    assert list(refused(house, rescue)) == [str(one.pk)]


def test_something_new_stands_in_the_way_after_another_one_was_deleted() -> None:
    house = make_sickness(prevent_overlaps=False)
    first, second = house.book("09:00"), house.book("10:00")
    rescue = house.move(to(first, house.alan), to(second, house.alan))
    house.book("09:00", booked_at=NOW + timedelta(minutes=1))
    services.delete_appointment(second.pk, actor=house.actor, now=NOW)

    assert list(refused(house, rescue)) == [str(first.pk)]


def test_two_that_overlap_by_now_are_kept_apart_where_overlaps_are_let_through_too() -> None:
    house = make_sickness(prevent_overlaps=False)
    first, second = house.book("09:00"), house.book("10:00")
    rescue = house.move(to(first, house.alan), to(second, house.barbara))
    reschedule(second, house, "09:15")

    assert list(refused(house, rescue)) == [str(second.pk)]


# --- What overlapped before -------------------------------------------------------------------


def test_what_overlapped_before_does_not_stand_in_the_way() -> None:
    house = make_sickness(prevent_overlaps=False)
    booked = [house.book(clock) for clock in ("09:00", "09:10", "09:20")]
    rescue = house.move(to(booked[0], house.alan), to(booked[1], house.barbara))

    house.undo(rescue)

    assert agents_of(booked) == [["Grace"]] * 3


def test_what_overlapped_before_may_have_changed_since() -> None:
    house = make_sickness(prevent_overlaps=False)
    booked = [house.book("09:00"), house.book("09:00")]
    rescue = house.move(to(booked[1], house.alan))
    add_notes(booked[0], house)

    house.undo(rescue)

    assert agents_of(booked) == [["Grace"], ["Grace"]]


def add_notes(one: Appointment, house: Sickness) -> None:
    services.update_appointment(
        one.pk,
        changes={"notes": "Bring the plans."},
        customer=None,
        actor=house.actor,
        now=NOW + timedelta(minutes=1),
    )


def inherit(house: Sickness) -> list[Appointment]:
    """Book two at once: one Grace's own, the other left to her when Barbara went."""
    own, inherited = house.book("09:00"), house.book("09:15", agent=house.barbara)
    heir, gone = str(house.grace.pk), str(house.barbara.pk)
    services.add_agent(inherited.pk, user_id=heir, actor=house.actor, now=NOW)
    services.remove_participant(inherited.pk, participant_id=gone, actor=house.actor, now=NOW)
    return [own, inherited]


def switch_on_later(house: Sickness) -> list[Appointment]:
    """Book two at once while the application lets it through."""
    Application.objects.update(prevent_overlaps=False)
    booked = [house.book("09:00"), house.book("09:15")]
    Application.objects.update(prevent_overlaps=True)
    return booked


@pytest.mark.parametrize("overlap", [inherit, switch_on_later])
@pytest.mark.parametrize("moving", [slice(2), slice(1), slice(1, 2)])
def test_an_overlap_from_before_is_given_back_where_overlaps_are_prevented(
    house: Sickness, overlap: Callable[[Sickness], list[Appointment]], moving: slice
) -> None:
    booked = overlap(house)
    pairs = list(zip(booked, [house.alan, house.barbara], strict=True))
    rescue = house.move(*(to(*pair) for pair in pairs[moving]))

    house.undo(rescue)

    assert agents_of(booked) == [["Grace"], ["Grace"]]


def test_an_overlap_from_before_excuses_no_other(house: Sickness) -> None:
    booked = switch_on_later(house)
    rescue = house.move(to(booked[0], house.alan), to(booked[1], house.barbara))
    house.book("09:35")

    assert refused(house, rescue) == {
        str(booked[1].pk): [
            "The agent is occupied from 2031-03-06T09:35:00Z to 2031-03-06T10:05:00Z."
        ]
    }


def test_what_is_given_back_is_the_agents_alone_unless_it_overlapped(house: Sickness) -> None:
    booked = [*switch_on_later(house), house.book("11:00")]
    takers = [house.alan, house.barbara, house.alan]
    rescue = house.move(*(to(*pair) for pair in zip(booked, takers, strict=True)))

    house.undo(rescue)

    assert [one.is_exclusive for each in booked for one in primary_agents(each.pk)] == [
        True,
        False,
        True,
    ]


def test_an_agent_who_has_left_gets_nothing_back(house: Sickness) -> None:
    rescue = house.move(to(house.book("09:00"), house.alan))
    User.objects.filter(pk=house.grace.pk).update(is_active=False)

    assert refused(house, rescue) == {"agent": ["This user is not an agent."]}


def test_an_agent_may_not(house: Sickness) -> None:
    rescue = house.move(to(house.book("09:00"), house.alan))
    agent = make.actor_for(house.alan)

    with pytest.raises(RescuesNotYours):
        house.undo(rescue, actor=agent)
    with pytest.raises(RescuesNotYours):
        read_rescue(rescue.pk, actor=agent)


def test_a_rescue_of_another_house_does_not_exist(house: Sickness) -> None:
    theirs = make_sickness()
    rescue = theirs.move(to(theirs.book("09:00"), theirs.alan))
    before = everything()

    for key in (rescue.pk, UUID(UNKNOWN)):
        with pytest.raises(RescueNotFound):
            undo_rescue(key, actor=house.actor, now=NOW)
        with pytest.raises(RescueNotFound):
            read_rescue(key, actor=house.actor)

    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_of_two_who_undo_at_once_one_wins() -> None:
    house = make_sickness()
    booked = [house.book(clock) for clock in ("09:00", "10:00")]
    rescue = house.move(*(to(one, house.alan) for one in booked))

    outcomes = run_together([lambda: house.undo(rescue)] * 2)

    assert sorted(type(one).__name__ for one in outcomes) == ["Rescue", "RescueUndone"]
    assert agents_of(booked) == [["Grace"], ["Grace"]]
