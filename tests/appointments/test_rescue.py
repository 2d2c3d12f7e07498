"""A rescue moves an absent agent's appointments to colleagues: all of them, or none."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agents.models import Application, User
from appointments import services
from appointments.availability import Reason
from appointments.errors import (
    AgentNotFound,
    MovedTwice,
    NothingToRescue,
    PeriodInvalid,
    RescueOutdated,
    RescuesNotYours,
    TooManyToRescue,
)
from appointments.models import Appointment, Participant, Rescue, RescueMove, State
from appointments.reason_words import REASONS
from appointments.services.rescue import Move
from appointments.timeline import Happened, read_timeline
from config.kernel import limits
from config.kernel.actors import Role
from config.kernel.time import parse_duration, parse_zone
from notifications.models import Channel, Notification, OutboxEvent
from tests import make
from tests.appointments.races import run_together
from tests.appointments.rescuing import (
    DAY,
    NIGHT,
    NOW,
    Sickness,
    agents_of,
    as_planned,
    at,
    make_sickness,
    to,
)
from tests.contract.state import everything

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Sickness:
    return make_sickness()


def refused(house: Sickness, *moves: Move, **options: Any) -> dict[str, list[str]]:
    """Give what has changed, once it is sure that nothing was done."""
    before = everything()

    with pytest.raises(RescueOutdated) as refusal:
        house.move(*moves, **options)

    assert everything() == before
    return refusal.value.errors


def test_what_the_preview_showed_is_what_happens(house: Sickness) -> None:
    booked = [house.book(clock) for clock in ("09:00", "10:00", "11:00")]
    house.book("10:00", agent=house.alan)

    house.move(*as_planned(house.preview()))

    assert agents_of(booked) == [["Barbara"], ["Barbara"], ["Alan"]]


def test_it_is_written_down_who_moved_what_to_whom(house: Sickness) -> None:
    one = house.book("09:00")

    house.move(to(one, house.alan))

    [made], [move] = Rescue.objects.all(), RescueMove.objects.all()
    assert (made.agent, made.start, made.end, made.made_at) == (house.grace, DAY, NIGHT, NOW)
    assert (made.made_by_kind, made.made_by_id) == ("USER", str(house.sofia.pk))
    assert made.undone_at is None
    assert (move.rescue, move.appointment, move.start, move.end) == (made, one, one.start, one.end)
    assert (move.from_user, move.to_user) == (house.grace, house.alan)


def test_the_colleague_is_in_charge_and_its_time_is_taken(house: Sickness) -> None:
    one = house.book("09:00")

    house.move(to(one, house.alan))

    one.refresh_from_db()
    alan = Participant.objects.get(user=house.alan)
    assert (one.organizer_id, one.target_id) == (str(house.alan.pk), str(house.alan.pk))
    assert (alan.occupies.lower, alan.occupies.upper, alan.is_exclusive) == (
        one.start,
        one.end,
        True,
    )
    assert not Participant.objects.filter(user=house.grace).exists()


def test_others_who_take_part_stay(house: Sickness) -> None:
    one = house.book("09:00")
    services.add_agent(one.pk, user_id=str(house.barbara.pk), actor=house.actor, now=NOW)

    house.move(to(one, house.alan))

    rows = Participant.objects.of(one.pk).filter(type="AGENT")
    roles = {str(row.user): row.role for row in rows.select_related("user")}
    assert roles == {"Barbara Liskov": "SECONDARY", "Alan Turing": "PRIMARY"}


def test_what_is_left_out_stays_with_the_agent(house: Sickness) -> None:
    first, second = house.book("09:00"), house.book("10:00")

    house.move(to(second, house.alan))

    assert agents_of([first, second]) == [["Grace"], ["Alan"]]


# --- Who hears of it --------------------------------------------------------------------------


def test_everybody_is_told_once_of_each_move(house: Sickness) -> None:
    house = make_sickness(*Channel, notify_agents=True)
    booked = [house.book(clock) for clock in ("09:00", "10:00")]
    before = set(Notification.objects.values_list("pk", flat=True))

    house.move(to(booked[0], house.alan), to(booked[1], house.barbara))

    told = Notification.objects.exclude(pk__in=before).filter(type="REASSIGN")
    assert sorted(told.values_list("subject_id", "channel", "recipient_type")) == sorted(
        (one.pk, *whom) for one in booked for whom in [("WEBHOOKS", "SYSTEM"), ("EMAIL", "AGENT")]
    )


def test_the_timeline_says_who_handed_it_over(house: Sickness) -> None:
    one = house.book("09:00")

    house.move(to(one, house.alan))

    everybody = list(Participant.objects.of(one.pk).select_related("user"))
    one = Appointment.objects.get(pk=one.pk)
    last = read_timeline(one, everybody, actor=house.actor, now=NOW)[-1]
    assert isinstance(last, Happened)
    assert (last.title, last.who, last.origin) == ("Handed over", "Sofia Berg", "test")
    event = OutboxEvent.objects.of(one.pk).last()
    assert event is not None
    assert event.facts["rescue"] == str(Rescue.objects.get().pk)


# --- What has changed since the preview -------------------------------------------------------


def cancel(one: Appointment, house: Sickness) -> None:
    services.cancel_appointment(one.pk, actor=house.actor, now=NOW)


def move_away(one: Appointment, house: Sickness) -> None:
    services.reschedule_appointment(
        one.pk,
        start=at("16:00"),
        duration=parse_duration("PT30M"),
        zone=parse_zone("UTC"),
        locale=None,
        actor=house.actor,
        now=NOW,
    )


def make_longer(one: Appointment, house: Sickness) -> None:
    Appointment.objects.filter(pk=one.pk).update(end=at("09:45"), duration=timedelta(minutes=45))


def begin(one: Appointment, _house: Sickness) -> None:
    Appointment.objects.filter(pk=one.pk).update(state=State.IN_PROGRESS)


def delete(one: Appointment, house: Sickness) -> None:
    services.delete_appointment(one.pk, actor=house.actor, now=NOW)


def give_away(one: Appointment, house: Sickness) -> None:
    services.reassign_appointment(one.pk, user_id=str(house.barbara.pk), actor=house.actor, now=NOW)


def ask_for_another_date(one: Appointment, house: Sickness) -> None:
    services.request_alternative(one.pk, actor=house.actor, now=NOW)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (cancel, "It was cancelled."),
        (move_away, "It was moved to another time."),
        (make_longer, "It was moved to another time."),
        (ask_for_another_date, "It was moved to another time."),
        (begin, "It has begun, or is over."),
        (delete, "There is no such appointment."),
        (give_away, "It is not with Grace Hopper any more."),
    ],
)
def test_an_appointment_that_has_changed_stops_all_of_them(
    house: Sickness, change: Callable[[Appointment, Sickness], None], words: str
) -> None:
    first, second = house.book("08:00"), house.book("09:00")
    moves = [to(first, house.alan), to(second, house.alan)]
    change(second, house)

    assert refused(house, *moves) == {"moves.1": [words]}


def book_alan(house: Sickness) -> None:
    house.book("09:15", agent=house.alan)


def send_alan_away(house: Sickness) -> None:
    make.make_absence(house.alan, DAY.date(), DAY.date())


def fill_alan(house: Sickness) -> None:
    house.book("15:00", agent=house.alan)
    User.objects.filter(pk=house.alan.pk).update(daily_maximum=1)


def dismiss_alan(house: Sickness) -> None:
    User.objects.filter(pk=house.alan.pk).update(is_active=False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (book_alan, "Alan Turing cannot take it: occupied."),
        (send_alan_away, "Alan Turing cannot take it: absent."),
        (fill_alan, "Alan Turing cannot take it: no more on this day."),
        (dismiss_alan, "There is no such agent to take it."),
    ],
)
def test_a_colleague_who_is_not_free_any_more_stops_all_of_them(
    house: Sickness, change: Callable[[Sickness], None], words: str
) -> None:
    first, second = house.book("09:00"), house.book("11:00")
    moves = [to(second, house.barbara), to(first, house.alan)]
    change(house)

    assert refused(house, *moves) == {"moves.1": [words]}


def test_everything_that_has_changed_is_said_at_once(house: Sickness) -> None:
    first, second = house.book("09:00"), house.book("11:00")
    moves = [to(first, house.alan), to(second, house.alan)]
    cancel(second, house)
    book_alan(house)

    assert list(refused(house, *moves)) == ["moves.0", "moves.1"]


@pytest.mark.parametrize(
    "period",
    [
        {"start": at("09:01")},
        {"start": NIGHT, "end": NIGHT + timedelta(days=1)},
        {"end": at("09:00")},
    ],
)
def test_what_is_not_in_the_period_stops_all_of_them(
    house: Sickness, period: dict[str, Any]
) -> None:
    one = house.book("09:00")

    assert refused(house, to(one, house.alan), **period) == {
        "moves.0": ["It is not in the period."]
    }


def test_what_starts_with_the_period_and_outlasts_it_is_in_it(house: Sickness) -> None:
    one = house.book("09:00")

    house.move(to(one, house.alan), start=at("09:00"), end=at("09:01"))

    assert agents_of([one]) == [["Alan"]]


def test_two_that_overlap_are_not_given_to_one(house: Sickness) -> None:
    Application.objects.update(prevent_overlaps=False)
    first, second = house.book("09:00"), house.book("09:15")

    words = refused(house, to(first, house.alan), to(second, house.alan))

    assert words == {"moves.1": ["Alan Turing cannot take it: occupied."]}


def test_the_daily_maximum_counts_what_the_rescue_gives(house: Sickness) -> None:
    User.objects.filter(pk=house.alan.pk).update(daily_maximum=1)
    first, second = house.book("09:00"), house.book("11:00")

    words = refused(house, to(first, house.alan), to(second, house.alan))

    assert words == {"moves.1": ["Alan Turing cannot take it: no more on this day."]}


def test_it_does_not_go_to_the_absent_agent_itself(house: Sickness) -> None:
    words = refused(house, to(house.book("09:00"), house.grace))

    assert words == {"moves.0": ["There is no such agent to take it."]}


# --- What is refused at once ------------------------------------------------------------------


def test_nothing_of_another_house_can_be_moved_or_be_given_anything(house: Sickness) -> None:
    theirs, ours = make_sickness(), house.book("09:00")

    words = refused(house, to(theirs.book("09:00"), house.alan), to(ours, theirs.alan))

    assert words == {
        "moves.0": ["There is no such appointment."],
        "moves.1": ["There is no such agent to take it."],
    }


def test_what_has_not_the_form_of_an_id_is_unknown(house: Sickness) -> None:
    one = house.book("09:00")
    move = Move(appointment_id=None, start=at("09:00"), end=at("09:30"), user_id=None)

    assert refused(house, to(one, house.alan), move) == {
        "moves.1": ["There is no such appointment."]
    }


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ({"end": DAY}, PeriodInvalid),
        ({"end": DAY + timedelta(days=63)}, PeriodInvalid),
    ],
)
def test_a_period_that_is_none_or_too_long_is_refused(
    house: Sickness, options: dict[str, Any], refusal: type[Exception]
) -> None:
    one = house.book("09:00")

    with pytest.raises(refusal):
        house.move(to(one, house.alan), **options)


def test_an_agent_may_not(house: Sickness) -> None:
    one, before = house.book("09:00"), everything()

    with pytest.raises(RescuesNotYours):
        house.move(to(one, house.alan), actor=make.actor_for(house.alan))

    assert everything() == before


def test_an_administrator_who_is_nothing_else_may(house: Sickness) -> None:
    one = house.book("09:00")

    house.move(to(one, house.alan), actor=make.actor_for(house.sofia, [Role.ADMIN]))

    assert agents_of([one]) == [["Alan"]]


def test_an_agent_of_another_house_does_not_exist(house: Sickness) -> None:
    theirs = make_sickness()
    one, before = theirs.book("09:00"), everything()

    with pytest.raises(AgentNotFound):
        theirs.move(to(one, theirs.alan), actor=house.actor)

    assert everything() == before


def test_no_move_one_twice_and_too_many_are_refused(
    house: Sickness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RESCUE_MOVES_MAX", 2)
    one = to(house.book("09:00"), house.alan)

    with pytest.raises(NothingToRescue):
        house.move()
    with pytest.raises(MovedTwice):
        house.move(one, one)
    with pytest.raises(TooManyToRescue):
        house.move(one, one, one)


def test_every_reason_has_words() -> None:
    assert set(REASONS) == set(Reason)


# --- At once ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_two_rescues_at_once_one_wins() -> None:
    house = make_sickness()
    booked = [house.book(clock) for clock in ("09:00", "10:00", "11:00")]

    def give_all_to(user: User) -> Callable[[], Rescue]:
        return lambda: house.move(*(to(one, user) for one in booked))

    outcomes = run_together([give_all_to(house.alan), give_all_to(house.barbara)])

    assert sorted(type(one).__name__ for one in outcomes) == ["Rescue", "RescueOutdated"]
    assert len({tuple(names) for names in agents_of(booked)}) == 1
    assert Rescue.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_rescue_and_bookings_of_the_same_time_do_not_wait_for_each_other() -> None:
    house = make_sickness()
    booked = [house.book(f"{hour:02}:00") for hour in range(9, 13)]
    takers = [house.alan, house.barbara] * 2

    def rescue() -> object:
        return house.move(*(to(*pair) for pair in zip(booked, takers, strict=True)))

    def book(clock: str, user: User) -> Callable[[], object]:
        return lambda: house.book(clock, agent=user)

    def swap(one: Appointment, user: User) -> Callable[[], object]:
        return lambda: services.reassign_appointment(
            one.pk, user_id=str(user.pk), actor=house.actor, now=NOW
        )

    outcomes = run_together(
        [
            rescue,
            *(book("09:10", user) for user in (house.alan, house.barbara)),
            swap(booked[3], house.alan),
            swap(booked[0], house.barbara),
        ]
    )

    names = {type(one).__name__ for one in outcomes if isinstance(one, Exception)}
    assert names <= {"AgentOccupied", "RescueOutdated"}


def test_the_cost_grows_with_what_is_moved_and_not_with_the_house(
    house: Sickness, django_assert_max_num_queries: Any
) -> None:
    moves = [to(house.book(f"{hour:02}:00"), house.alan) for hour in range(9, 13)]

    with django_assert_max_num_queries(40 * len(moves) + 10):
        house.move(*moves)
