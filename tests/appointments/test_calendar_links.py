"""One appointment in anybody's calendar: what the three addresses give, and what they keep back."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from appointments import services
from appointments.calendar_links import google_url, office365_url
from appointments.models import Appointment, RequestStatus
from config.kernel.time import parse_duration, parse_zone
from tests import make
from tests.appointments.scene import UNKNOWN, Scene, make_scene
from tests.contract.client import ApiClient
from tests.foreign.calendars import read_strictly, read_with_icalendar, read_with_vobject

pytestmark = pytest.mark.django_db

START = datetime(2031, 1, 31, 19, 0, tzinfo=UTC)
KINDS = ["google", "ical", "office365"]
LINKS = ["google", "office365"]


@pytest.fixture
def scene() -> Scene:
    """Give an appointment with an awkward title, and much that is nobody's business."""
    return make_scene(
        start=START,
        duration="PT5M",
        zone="Europe/Brussels",
        title="Loans, part 1; costs & a \\ in\nit",
        notes="Bring the contract",
        metadata={"case": "Zebra"},
        customers=[make.make_customer(phone="+32 2 123 45 67")],
    )


def path(kind: str, id: object) -> str:
    return f"/api/cal/events/{kind}/{id}/event"


def ask(kind: str, appointment: Appointment) -> Any:
    return ApiClient().get(path(kind, appointment.pk))


def query_of(answer: Any) -> dict[str, str]:
    return {name: value for name, [value] in parse_qs(urlsplit(answer["Location"]).query).items()}


def move(scene: Scene, start: datetime) -> None:
    services.reschedule_appointment(
        scene.appointment.pk,
        start=start,
        duration=parse_duration("PT5M"),
        zone=parse_zone("Europe/Brussels"),
        locale=None,
        actor=scene.actor,
        now=timezone.now(),
    )


@pytest.mark.rule("v1.cal.google.r3", "v1.cal.google.r4")
def test_google_is_told_title_times_in_utc_and_zone(scene: Scene) -> None:
    answer = ask("google", scene.appointment)

    assert (answer.status_code, answer.content) == (302, b"")
    assert answer["Location"].startswith("https://calendar.google.com/")
    assert query_of(answer) == {
        "action": "TEMPLATE",
        "text": "Loans, part 1; costs & a \\ in\nit",
        "dates": "20310131T190000Z/20310131T190500Z",
        "ctz": "Europe/Brussels",
    }


@pytest.mark.rule("frontdesk.cal.office365.r2", "frontdesk.cal.office365.r3")
def test_outlook_is_told_title_and_times_in_utc(scene: Scene) -> None:
    answer = ask("office365", scene.appointment)

    assert (answer.status_code, answer.content) == (302, b"")
    assert answer["Location"].startswith("https://outlook.office.com/calendar/")
    assert query_of(answer) == {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": "Loans, part 1; costs & a \\ in\nit",
        "startdt": "2031-01-31T19:00:00Z",
        "enddt": "2031-01-31T19:05:00Z",
    }


@pytest.mark.rule("v1.cal.google.r4", "frontdesk.cal.office365.r3")
def test_an_address_holds_nothing_that_would_have_to_be_escaped(scene: Scene) -> None:
    for kind in LINKS:
        assert re.fullmatch(r"[A-Za-z0-9:/?=&%._~-]+", ask(kind, scene.appointment)["Location"])


@pytest.mark.rule("v1.cal.google.r5", "frontdesk.cal.office365.r3")
def test_without_a_title_there_is_a_general_one() -> None:
    untitled = make.make_appointment(make.make_application(make.make_organization("Northwind")))

    assert query_of(ask("google", untitled))["text"] == "Northwind"
    assert query_of(ask("office365", untitled))["subject"] == "Northwind"
    assert b"SUMMARY:Northwind\r\n" in ask("ical", untitled).content


@pytest.mark.rule("v1.cal.google.r6", "frontdesk.cal.office365.r3")
def test_after_a_move_the_times_are_the_new_ones(scene: Scene) -> None:
    move(scene, START + timedelta(days=1))

    google, outlook = (query_of(ask(kind, scene.appointment)) for kind in LINKS)

    assert google["dates"] == "20310201T190000Z/20310201T190500Z"
    assert (outlook["startdt"], outlook["enddt"]) == (
        "2031-02-01T19:00:00Z",
        "2031-02-01T19:05:00Z",
    )


@pytest.mark.rule(
    "v1.cal.ical.r3", "v1.cal.ical.r4", "v1.cal.ical.r5", "v1.cal.ical.r7", "v1.cal.ical.r9"
)
def test_the_file_is_one_event_in_utc(scene: Scene) -> None:
    answer = ask("ical", scene.appointment)

    row = scene.row()
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="appointment.ics"'
    assert answer.content.decode().split("\r\n") == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Frontdesk//Appointments//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{row.pk}@frontdesk",
        f"SEQUENCE:{row.sequence}",
        f"DTSTAMP:{row.updated_at:%Y%m%dT%H%M%SZ}",
        f"CREATED:{row.created_at:%Y%m%dT%H%M%SZ}",
        f"LAST-MODIFIED:{row.updated_at:%Y%m%dT%H%M%SZ}",
        "DTSTART:20310131T190000Z",
        "DTEND:20310131T190500Z",
        "SUMMARY:Loans\\, part 1\\; costs & a \\\\ in\\nit",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


@pytest.mark.rule("v1.cal.ical.r4")
def test_the_file_is_read_by_others_and_folded(scene: Scene) -> None:
    Appointment.objects.filter(pk=scene.appointment.pk).update(title="Ü€😀" * 80)

    content = ask("ical", scene.appointment).content

    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    assert read_strictly(content).summary == "Ü€😀" * 80
    assert read_with_icalendar(content)[1].start == START
    assert read_with_vobject(content).dtstart.value == START


@pytest.mark.rule("v1.cal.ical.r6")
def test_after_a_move_the_file_is_a_newer_version_of_the_same_event(scene: Scene) -> None:
    before = read_strictly(ask("ical", scene.appointment).content)
    move(scene, START + timedelta(days=1))

    after = read_strictly(ask("ical", scene.appointment).content)

    assert after.uid == before.uid
    assert after.sequence > before.sequence
    assert after.dtstart == START + timedelta(days=1)


@pytest.mark.rule(
    "v1.cal.google.r7", "v1.cal.ical.r8", "frontdesk.cal.office365.r4", "frontdesk.cal.r3"
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_there_is_answered_404_alike(kind: str, scene: Scene) -> None:
    closed = make_scene()
    closed.application.organization.__class__.objects.filter(
        pk=closed.application.organization_id
    ).update(is_active=False)
    services.delete_appointment(scene.appointment.pk, actor=scene.actor, now=timezone.now())
    ids = [UNKNOWN, scene.appointment.pk, closed.appointment.pk, "4711", "%00", "null"]

    answers = [ApiClient().get(path(kind, id)) for id in ids]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.rule("frontdesk.cal.r1")
@pytest.mark.parametrize("kind", KINDS)
def test_an_appointment_without_a_time_is_in_no_calendar(kind: str, scene: Scene) -> None:
    Appointment.objects.filter(pk=scene.appointment.pk).update(
        start=None, end=None, duration=None, request_status=RequestStatus.OUTGOING_INVITE
    )

    assert ask(kind, scene.appointment).status_code == 404


@pytest.mark.rule("frontdesk.cal.r2")
def test_a_cancelled_appointment_is_offered_to_no_calendar_and_taken_out_of_those_that_have_it(
    scene: Scene,
) -> None:
    before = read_strictly(ask("ical", scene.appointment).content)
    services.cancel_appointment(scene.appointment.pk, actor=scene.actor, now=timezone.now())

    answers = [ask(kind, scene.appointment) for kind in KINDS]

    assert [answer.status_code for answer in answers] == [404, 200, 404]
    calendar, event = read_with_icalendar(answers[1].content)
    assert (calendar["METHOD"], event["STATUS"]) == ("CANCEL", "CANCELLED")
    assert event["UID"] == before.uid
    assert event["SEQUENCE"] > before.sequence


@pytest.mark.rule("v1.cal.google.r8", "v1.cal.ical.r9", "frontdesk.cal.office365.r5")
@pytest.mark.parametrize("kind", KINDS)
def test_nobody_and_nothing_private_is_in_them(kind: str, scene: Scene) -> None:
    customer, link = scene.customer, services.access_url(scene.customer)
    assert link is not None

    answer = ask(kind, scene.appointment)

    shown = answer.content.decode() + answer.get("Location", "")
    for secret in (
        customer.first_name,
        customer.last_name,
        customer.email,
        customer.phone,
        scene.agent.last_name,
        "contract",
        "Zebra",
        link.rpartition("/")[2],
        "mailto",
    ):
        assert secret not in shown


@pytest.mark.parametrize("kind", KINDS)
def test_with_a_closing_slash_the_answer_is_the_same(kind: str, scene: Scene) -> None:
    plain, slashed = (
        ApiClient().get(f"{path(kind, scene.appointment.pk)}{end}") for end in ("", "/")
    )

    assert (plain.status_code, plain.content) == (slashed.status_code, slashed.content)
    assert plain.get("Location") == slashed.get("Location")


@pytest.mark.parametrize(
    "build",
    [
        lambda **facts: google_url(zone="UTC", **facts),
        office365_url,
    ],
)
def test_an_address_has_whole_seconds(build: Callable[..., str]) -> None:
    start = START + timedelta(microseconds=123_456)

    assert "123456" not in build(title="Loans", start=start, end=start + timedelta(minutes=5))
