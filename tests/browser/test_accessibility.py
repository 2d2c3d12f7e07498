"""Every page under axe-core: WCAG 2.2 AA in light and dark, on a phone and on a desk."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from agents.models import Application, User
from appointments import services
from appointments.models import Appointment, QuestionKind, State, Subject
from appointments.services.forms import OptionData, QuestionData
from appointments.services.page_tokens import page_url
from appointments.services.tickets import access_url
from config.kernel.actors import Role
from config.kernel.time import parse_duration, parse_zone
from notifications.models import Channel, Notification, NotificationContent, Status
from notifications.services.upkeep import note_heartbeat
from tests import make
from tests.appointments import entries
from tests.appointments.online import codes_in
from tests.browser.axe import SCRIPT, Examiner
from tests.browser.test_pages import BERLIN
from tests.foreign.packages import CannotInstall, installed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from tests.mailbox import Mailbox

pytestmark = [
    pytest.mark.node,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis"),
]

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def axe() -> str:
    """Give the library of npm, as it runs in a page."""
    try:
        return (installed() / SCRIPT).read_text()
    except CannotInstall as problem:
        if os.environ.get("CI"):
            pytest.fail(str(problem), pytrace=False)
        pytest.skip(str(problem))


@pytest.fixture
def examiner(page: Page, axe: str) -> Iterator[Examiner]:
    """Give who looks at pages; the test fails for whatever is found."""
    examiner = Examiner(page, axe)
    yield examiner
    assert examiner.found == []


@pytest.fixture
def application() -> Application:
    """Give an application in Berlin, with which customers may book and move."""
    application = make.make_application(
        make.make_organization("Northwind Care"),
        name="Online",
        default_timezone="Europe/Berlin",
        booking_horizon=60 * DAY,
        prevent_overlaps=True,
    )
    make.make_channel(application, Channel.EMAIL, reminder_offsets=["PT1H"])
    return application


@pytest.fixture
def subject(application: Application) -> Subject:
    """Give a subject with questions of all kinds, beside another one in a coloured group."""
    house = application.organization
    form = entries.make_form(
        house,
        QuestionData(label={"en": "What for?", "de": "Wofür?"}, is_required=True),
        *(
            QuestionData(
                label={"en": f"Which? {kind}", "de": f"Welches? {kind}"},
                kind=kind,
                options=(OptionData(value="Haus"), OptionData(value="Boot", order=1)),
                order=order,
            )
            for order, kind in enumerate((QuestionKind.CHOICE, QuestionKind.CHOICES), 1)
        ),
    )
    loans = entries.make_group(house, name={"en": "Loans", "de": "Kredite"})
    type(loans).objects.filter(pk=loans.pk).update(color="#0a84ff")
    entries.make_subject(house, name={"en": "A new card", "de": "Neue Karte"})
    entries.make_office(house)
    return entries.make_subject(
        house,
        group=loans,
        name={"en": "Mortgages", "de": "Baufinanzierung"},
        description={"en": "A first talk.", "de": "Ein erstes Gespräch."},
        duration=timedelta(minutes=45),
        questionnaire_form_id=form.pk,
        cancellation_by_customer_form_id=form.pk,
        completion_by_agent_form_id=form.pk,
    )


@pytest.fixture
def ben(application: Application) -> User:
    """Give an agent who is at work on every day."""
    ben = make.make_user(application.organization, first_name="Ben", last_name="Larsen")
    make.make_hours(ben, weekdays=range(1, 8))
    return ben


@pytest.fixture
def supervisor(application: Application) -> User:
    """Give somebody who may see everything of the house."""
    roles = [Role.SUPERVISOR, Role.ADMIN]
    return make.make_user(application.organization, roles, first_name="Amara", last_name="Okafor")


@pytest.fixture
def inside(examiner: Examiner, supervisor: User, sign_in: Callable[[User], None]) -> Examiner:
    """Give who looks at the pages of a supervisor."""
    sign_in(supervisor)
    return examiner


def book(ben: User, start: datetime, **facts: object) -> Appointment:
    """Book an appointment of Jonas Weber with Ben."""
    jonas = make.make_customer(first_name="Jonas", last_name="Weber", email="jonas@example.com")
    application = Application.objects.get()
    return make.make_appointment(
        application,
        agent=ben,
        start=start,
        customers=[jonas],
        **{"title": "Consultation", "locale": "de-DE", **facts},  # type: ignore[arg-type]  # facts of a booking
    )


def ask(agent: User, subject: Subject, *, now: datetime) -> Appointment:
    """Ask for a time in two days, for Jonas Weber."""
    booking = services.Booking(
        application_id=str(Application.objects.get().pk),
        zone=parse_zone("Europe/Berlin"),
        locale="de-DE",
        title="Mortgage for a house",
        customers=(make.make_customer(first_name="Jonas", last_name="Weber"),),
        about={"subject": str(subject.pk)},
        start=now + 2 * DAY,
        duration=parse_duration("PT45M"),
    )
    asked = services.request_appointment(booking, actor=make.actor_for(agent), now=now)
    return asked.appointment


def visit_of(appointment: Appointment, page: str = "") -> str:
    """Give the path of the page behind the customer's ticket."""
    link = access_url(make.customers_of(appointment)[0])
    assert link is not None
    return f"{urlsplit(link).path}{page}"


def own(appointment: Appointment, page: str) -> str:
    """Give the path of a page behind the customer's own link."""
    return urlsplit(page_url(make.customers_of(appointment)[0].pk, page)).path


_BAD = """<html lang="en"><title>Bad</title>
<style>button { width: 9px; height: 9px; padding: 0; border: 0 } p { width: 400px; color: #bbb }
</style><main><h1>Bad</h1><button>a</button><button>b</button><input><p>Pale"""


def test_what_is_wrong_is_found_where_it_is(page: Page, axe: str) -> None:
    page.set_content(_BAD)
    examiner = Examiner(page, axe)

    examiner.examine("bad")

    assert [one.partition(": <")[0] for one in examiner.found if "360" in one] == [
        "bad, light, 360: color-contrast at p",
        "bad, light, 360: label at input",
        "bad, light, 360: target-size at button:nth-child(2)",
        "bad, light, 360: target-size at button:nth-child(3)",
        "bad, light, 360: scrolls sideways",
        "bad, dark, 360: color-contrast at p",
        "bad, dark, 360: scrolls sideways",
    ]


def test_a_customers_pages_while_the_appointment_is_ahead(
    examiner: Examiner, ben: User, subject: Subject, now: datetime
) -> None:
    booked = book(ben, now + 3 * DAY, about={"subject": str(subject.pk)})
    english = book(ben, now + 4 * DAY, locale="en-GB")
    home = visit_of(booked)
    examiner.visit(f"{home}?done=moved", f"{home}/move/", f"{home}/cancel/")
    examiner.press("Termin absagen", name="cancelling without an answer")
    examiner.visit(f"{home}/details/")
    examiner.page.get_by_label("E-Mail").fill("j.weber@example")
    examiner.press("Speichern", name="details that are no address")
    examiner.page.get_by_label("E-Mail").fill("j.weber@example.com")
    examiner.press("Speichern", name="details with a code")
    expect(examiner.page.get_by_label("Code aus der E-Mail")).to_be_visible()
    examiner.visit(*(own(english, page) for page in ("cancel", "edit", "invite", "video")))


def test_a_customers_pages_in_every_phase(
    examiner: Examiner, ben: User, subject: Subject, supervisor: User, now: datetime
) -> None:
    minutes = timedelta(minutes=1)
    begun = book(ben, now - 5 * minutes)
    open_ = book(make.make_user(ben.organization), now + 5 * minutes, locale="en-GB")
    waiting = book(ben, now + 40 * minutes)
    over = book(ben, now - 180 * minutes, state=State.COMPLETED)
    cancelled = book(ben, now + DAY)
    services.cancel_appointment(cancelled.pk, actor=make.actor_for(supervisor), now=now)
    asked = ask(supervisor, subject, now=now)
    invited = book(ben, now + 2 * DAY)
    services.request_alternative(invited.pk, actor=make.actor_for(supervisor), now=now)

    for one in (begun, open_, waiting, over, cancelled, invited):
        examiner.visit(visit_of(one))
    examiner.visit(
        own(over, "video"),
        own(waiting, "video"),
        own(cancelled, "cancel"),
        own(asked, "invite"),
        own(invited, "invite"),
        visit_of(invited, "/move/"),
        visit_of(over, "/cancel/"),
    )


def test_the_room_and_its_trial(examiner: Examiner, ben: User, now: datetime) -> None:
    booked = book(ben, now + timedelta(minutes=5), locale="en-GB")
    page = examiner.page
    examiner.visit(own(booked, "video"))
    page.get_by_text("Choose camera").click()
    examiner.examine("the lobby with its settings")
    page.get_by_role("button", name="Go in", exact=True).click()
    page.get_by_role("button", name="Mute").click()
    page.get_by_role("button", name="Camera off").click()
    page.get_by_role("button", name="Messages").click()
    examiner.examine("the call")
    with page.expect_response("**/a/room/leave/*"):
        page.get_by_role("button", name="Leave").click()
    examiner.examine("the room that was left")
    examiner.visit(own(booked, "video-test"))
    page.get_by_role("button", name="Try camera and microphone").click()
    expect(page.get_by_label("Your own picture")).to_be_visible()
    examiner.examine("the trial")


def test_the_pages_of_a_booking(
    examiner: Examiner, subject: Subject, ben: User, mailbox: Mailbox
) -> None:
    page, application = examiner.page, Application.objects.get()
    for frame in ("", "&embedded=1"):
        examiner.visit(f"/book/{application.pk}?language=de{frame}")
        examiner.visit(f"/book/{application.pk}/{subject.pk}?language=de{frame}")
    examiner.press("Weiter", name="no time chosen")
    page.locator(".pick-row label").first.click()
    examiner.press("Weiter", name="details")
    examiner.press("Code zusenden", name="details that are missing")
    page.get_by_label("Vorname").fill("Jonas")
    page.get_by_label("Nachname").fill("Weber")
    page.get_by_label("E-Mail").fill("jonas@example.com")
    page.get_by_label("Wofür?").fill("Haus")
    examiner.press("Code zusenden", name="code")
    # The times once more, with what was typed in, as when somebody else was faster.
    page.locator("[value=again]").evaluate("(button) => { button.value = 'time'; }")
    examiner.press("Neuen Code zusenden", name="another time")
    page.locator(".pick-row label").nth(1).click()
    examiner.press("Weiter", name="the code for it")
    page.get_by_label("Code").fill("1")
    examiner.press("Termin buchen", name="a wrong code")
    page.get_by_label("Code").fill(next(codes_in(mailbox, "jonas@example.com")))
    examiner.press("Termin buchen", name="booked")
    expect(page.get_by_role("status").first).to_have_text("Ihr Termin ist gebucht.")


def test_the_door_and_what_is_not_there(examiner: Examiner) -> None:
    # To be told that a page is missing is no complaint of the browser here.
    examiner.page.route(
        "**/*unknown*",
        lambda route: route.fulfill(response=route.fetch(max_redirects=0), status=200),
    )
    examiner.visit("/login/", "/q/unknown", "/a/cancel/unknown", "/book/unknown", "/unknown")


def test_the_back_office_about_people(
    inside: Examiner, application: Application, ben: User, now: datetime
) -> None:
    house, today = application.organization, now.date()
    make.make_working_day(ben, today + 5 * DAY, ("10:00", "12:00"), ("13:00", "14:30"))
    make.make_working_day(ben, today + 6 * DAY)
    absence = make.make_absence(ben, today + 7 * DAY, today + 9 * DAY, note="A word")
    holiday = make.make_holiday(house, today + 10 * DAY, name="Constitution Day")
    skill = make.make_skill(ben, "Loans", level=50)
    office = entries.make_office(house)
    entries.make_office_hours(office)
    entries.make_office_day(office, today + 5 * DAY)
    inside.visit(
        "/password/",
        "/people/",
        f"/people/{ben.pk}/hours/",
        f"/absences/{absence.pk}/",
        "/holidays/",
        f"/holidays/{holiday.pk}/",
        "/skills/",
        "/skills/matrix/",
        f"/skills/{skill.pk}/",
        f"/offices/{office.pk}/hours/",
    )


def test_the_back_office_about_appointments(
    inside: Examiner, application: Application, subject: Subject, ben: User, now: datetime
) -> None:
    booked = book(ben, now + DAY)
    entries.fill_catalogue(booked)
    mail = Notification.objects.get(subject_id=booked.pk, type="CREATE")
    Notification.objects.filter(pk=mail.pk).update(status=Status.DELIVERED, due_at=None)
    NotificationContent.objects.filter(pk=mail.pk).update(
        subject="Ihr Termin", text="Guten Tag Jonas", html="<p>Guten Tag Jonas</p>"
    )
    ask(ben, subject, now=now)
    make.make_channel(application, Channel.WEBHOOKS)
    make.make_subscription(application)
    for name in ("beat", "provider email", "worker desk-1"):
        note_heartbeat(name)
    feed = make.make_feed(ben)
    inside.visit(
        f"/?date={(now + DAY).astimezone(BERLIN).date()}",
        "/?date=2031-01-02",
        f"/appointments/{booked.pk}/",
        f"/appointments/{booked.pk}/do/cancel/",
        f"/appointments/{booked.pk}/do/complete/",
        "/requests/",
        "/requests/new/",
        "/catalogue/",
        "/calendars/",
        f"/calendars/{feed.pk}/revoke/",
        "/operations/",
    )


def test_the_back_office_about_an_absent_agents_day(
    inside: Examiner, application: Application, ben: User, now: datetime
) -> None:
    noon = (now.astimezone(BERLIN) + DAY).replace(hour=12, minute=0, second=0)
    house, page = application.organization, inside.page
    alan = make.make_user(house, first_name="Alan", last_name="Turing")
    make.make_hours(alan, weekdays=range(1, 8))
    make.make_absence(ben, noon.date(), noon.date())
    book(ben, noon)
    inside.visit("/rescues/new/", "/free-times/")
    asked = f"application={application.pk}&minutes=30&date={noon.date()}&time=12:00"
    inside.visit(f"/free-times/?{asked}", f"/rescues/new/?agent={ben.pk}&day={noon.date()}")
    inside.press("Move all", name="a day that was moved")
    page.get_by_role("link", name="Undo").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    inside.examine("a day to be given back")
    inside.visit("/rescues/")
    # What nobody can take.
    book(alan, noon + timedelta(hours=2))
    book(ben, noon + timedelta(hours=2))
    inside.visit(f"/rescues/new/?agent={ben.pk}&day={noon.date()}")
