"""When offices are open: who may change it, how it is shown, and what it means for free times."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import partial

import pytest
from django.test import Client
from django.utils import timezone

from agents.errors import HoursNotYours, InvalidHours
from agents.models import Application, User
from agents.rota import read_rotas
from agents.services import intervals as commands
from agents.services.intervals import Interval, WeekInterval
from appointments.availability import Wanted, free_slots
from appointments.errors import EntryNotFound
from appointments.minutes import MINUTE, interval_of, minute_of
from appointments.models import Office
from appointments.services import office_hours
from config.kernel.actors import Actor, Role
from notifications.models import OutboxEvent
from tests import make
from tests.appointments import entries
from tests.appointments.races import run_together
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
MONDAY = date(2027, 2, 8)
SOON = timezone.now().date() + 5 * DAY


def at(starts_at: str, ends_at: str) -> Interval:
    return Interval(time.fromisoformat(starts_at), time.fromisoformat(ends_at))


@pytest.fixture
def office() -> Office:
    """Give an office in Berlin, of an organisation with an application."""
    return entries.make_office(make.make_application().organization)


@pytest.fixture
def supervisor(office: Office) -> User:
    """Give a supervisor of its organisation."""
    return make.make_user(office.organization, [Role.SUPERVISOR])


@pytest.fixture
def actor(supervisor: User) -> Actor:
    """Give the supervisor as an actor."""
    return make.actor_for(supervisor)


def replace(office: Office, actor: Actor, *week: WeekInterval) -> None:
    commands.replace_week(office_hours.OFFICES, office.pk, week, actor=actor, now=timezone.now())


def set_day(office: Office, actor: Actor, *intervals: Interval) -> None:
    commands.set_day(
        office_hours.OFFICES, office.pk, MONDAY, intervals, actor=actor, now=timezone.now()
    )


def clear_day(office: Office, actor: Actor) -> None:
    commands.clear_day(office_hours.OFFICES, office.pk, MONDAY, actor=actor, now=timezone.now())


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def path_of(office: Office) -> str:
    return f"/offices/{office.pk}/hours/"


def test_a_week_and_a_day_are_kept_and_written_down(office: Office, actor: Actor) -> None:
    replace(office, actor, WeekInterval(1, at("09:00", "17:00")))
    set_day(office, actor)
    clear_day(office, actor)

    events = OutboxEvent.objects.of(office.pk).exclude(type="catalogue.created")
    day = {"day": "2027-02-08"}
    assert list(events.values_list("subject_sequence", "type", "before", "after", "facts")) == [
        (2, "office.hours_changed", {"week": []}, {"week": ["Monday 09:00–17:00"]}, {}),
        (3, "office.day_changed", {"hours": None}, {"hours": []}, day),
        (4, "office.day_changed", {"hours": []}, {"hours": None}, day),
    ]


def test_hours_that_overlap_are_refused_as_those_of_people(office: Office, actor: Actor) -> None:
    before = everything()

    with pytest.raises(InvalidHours) as refused:
        replace(
            office,
            actor,
            WeekInterval(5, at("09:00", "17:00")),
            WeekInterval(5, at("16:00", "18:00")),
        )

    assert refused.value.errors == {"friday": ["09:00–17:00 and 16:00–18:00 overlap."]}
    assert everything() == before


def test_neither_agents_nor_others_change_them(office: Office) -> None:
    entries.make_office_hours(office)
    agent = make.actor_for(make.make_user(office.organization))
    stranger = make.actor_for(make.make_user(None, [Role.SUPERVISOR, Role.ADMIN]))
    before = everything()

    for who, refusal in ((agent, HoursNotYours), (stranger, EntryNotFound)):
        with pytest.raises(refusal):
            replace(office, who)
        with pytest.raises(refusal):
            set_day(office, who)
        with pytest.raises(refusal):
            commands.clear_day(
                office_hours.OFFICES, office.pk, MONDAY, actor=who, now=timezone.now()
            )

    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_week_holds() -> None:
    office = entries.make_office(make.make_organization())
    actor = make.actor_for(make.make_user(office.organization, [Role.SUPERVISOR]))
    weeks = [
        [WeekInterval(day, at("09:00", "12:00")) for day in range(1, 8)],
        [WeekInterval(day, at("09:00", "17:00")) for day in range(1, 6)],
    ]

    outcomes = run_together([partial(replace, office, actor, *week) for week in weeks])

    assert outcomes == [None, None]
    assert office_hours.OFFICES.week_of(office) in weeks
    assert OutboxEvent.objects.of(office.pk).filter(type="office.hours_changed").count() == 2


# --- The page ---------------------------------------------------------------------------------


def test_the_catalogue_leads_to_the_hours_of_each_office(office: Office, supervisor: User) -> None:
    entries.make_office_hours(office, "08:15", "17:45", weekdays=[3])
    browser = browser_of(supervisor)

    catalogue = browser.get("/catalogue/").content.decode()
    page = browser.get(path_of(office)).content.decode()

    assert path_of(office) in catalogue
    assert 'value="08:15"' in page
    assert "Europe/Berlin (UTC+0" in page


def test_a_week_is_saved_and_another_interval_is_not_yet(office: Office, supervisor: User) -> None:
    browser = browser_of(supervisor)
    sent = {"form": "week", "do": "save", "rows-1": "1", "from-1-0": "09:00", "to-1-0": "12:00"}

    more = browser.post(path_of(office), {**sent, "do": "more-1"})
    before = office_hours.OFFICES.week_of(office)
    browser.post(path_of(office), sent)
    refused = browser.post(path_of(office), {**sent, "to-1-0": "08:00"})

    assert 'name="from-1-1"' in more.content.decode()
    assert before == []
    assert [str(one) for one in office_hours.OFFICES.week_of(office)] == ["Monday 09:00–12:00"]
    assert refused.status_code == 400
    assert "The end is before the start" in refused.content.decode()


def test_a_day_is_closed_shown_and_taken_away(office: Office, supervisor: User) -> None:
    browser = browser_of(supervisor)
    browser.post(path_of(office), {"form": "day", "day-day": SOON.isoformat(), "day-is_free": "on"})
    kept = office_hours.OFFICES.day_of(office, SOON)
    page = browser.get(f"{path_of(office)}?day={SOON}").content.decode()
    browser.post(f"/offices/{office.pk}/days/{SOON}/clear/")

    assert kept == []
    assert "Closed all day" in page
    assert f"/offices/{office.pk}/days/{SOON}/clear/" in page
    assert office_hours.OFFICES.day_of(office, SOON) is None


def test_the_page_is_for_those_who_plan_and_for_no_other_house(office: Office) -> None:
    agent = browser_of(make.make_user(office.organization))
    stranger = browser_of(make.make_user(None, [Role.SUPERVISOR]))
    before = everything()

    answers = [
        getattr(browser, method)(path).status_code
        for browser in (agent, stranger)
        for method, path in (
            ("get", path_of(office)),
            ("post", path_of(office)),
            ("post", f"/offices/{office.pk}/days/{SOON}/clear/"),
        )
    ]

    assert answers == [403, 403, 403, 404, 404, 404]
    assert everything() == before


# --- What people are shown is what customers are offered ---------------------------------------


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Apia"])
def test_the_days_that_are_shown_are_those_of_free_times(office: Office, zone: str) -> None:
    house = office.organization
    application = Application.objects.get(organization=house)
    application.default_timezone = zone
    application.save(update_fields=["default_timezone"])
    grace, ada, alan = (make.make_user(house, username=f"{n}@x.example") for n in "gab")
    make.make_hours(grace, "09:00", "12:00", weekdays=range(1, 8))
    make.make_hours(grace, "22:00", "00:00", weekdays=[6, 7])
    make.make_hours(ada, "00:00", "00:00", weekdays=[1, 2, 3])
    make.make_working_day(ada, date(2027, 3, 10), ("10:00", "10:30"), ("11:00", "00:00"))
    make.make_working_day(grace, date(2027, 3, 11))
    for day in (8, 10, 14):
        make.make_holiday(house, date(2027, 3, day), name="Closed")
    make.make_absence(grace, date(2027, 3, 12), date(2027, 3, 13))
    now = datetime.fromisoformat("2027-03-08T15:00:00Z")

    rotas = read_rotas([grace, ada, alan], house.pk, days=14, now=now)

    for user in (grace, ada, alan):
        days, clock = rotas[user.pk].days, rotas[user.pk].zone
        wanted = Wanted(
            application=application,
            first=datetime.combine(days[0].day, time(0), clock),
            last=datetime.combine(days[-1].day + DAY, time(0), clock),
            duration=MINUTE,
            zone=clock,
            agent_ids=[user.pk],
            for_customer=False,
        )
        shown = [
            interval_of(one.day, hours.starts_at, hours.ends_at, clock)
            for one in days
            for hours in one.hours
        ]
        free = free_slots(wanted, now=wanted.first)
        minutes = [minute for begin, end in shown for minute in range(begin, end)]
        assert [minute_of(slot.start) for slot in free] == minutes
