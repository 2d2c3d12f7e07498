"""Reading, changing, moving, handing over, activating, ending and deleting with the older version.

Whatever it does not say otherwise it does as the newer version: what `older.as_older` makes of
the newer answer is the older one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from appointments import services
from appointments.models import Appointment, InteractionState, RequestStatus, State
from config.kernel.actors import Role
from config.kernel.time import format_instant
from notifications.models import Channel, Notification
from tests import make
from tests.appointments import older
from tests.appointments.scene import AT_ONCE, UNKNOWN, Scene, at_once, listening, make_scene
from tests.contract.client import ApiClient
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

ALL = tuple(Channel)
LIST = older.APPOINTMENTS
HOUR = timedelta(hours=1)
ADA = make.make_customer(phone="+4930901820")
GRACE = make.make_customer(first_name="Grace", email="grace@example.org")


def waiting(*channels: Channel, **options: Any) -> Scene:
    """Make a scene whose appointment has not been activated."""
    application = make.make_application(activates_automatically=False, **options)
    return make_scene(*channels, application=application)


def moved(one: Scene, **changes: Any) -> dict[str, Any]:
    """Give the body that moves the scene's appointment by a day, to an hour."""
    start = one.row().start
    assert start
    new = format_instant(start + timedelta(days=1))
    body = {"id": str(one.appointment.id), "start": new, "duration": "PT1H", "timezone": "UTC"}
    return {**body, **changes}


def ids(one: Scene, **more: Any) -> dict[str, Any]:
    return {"id": str(one.appointment.id), **more}


CALLS: dict[str, Any] = {
    "get": lambda one, key: _by(one).get(f"{LIST}{key}"),
    "update": lambda one, key: _by(one).put(LIST, {"id": key, "title": "New"}),
    "delete": lambda one, key: _by(one).delete(f"{LIST}{key}"),
    "reassign": lambda one, key: _by(one).put(
        f"{LIST}reassign/", {"id": key, "userId": str(one.colleague.id)}
    ),
    "reschedule": lambda one, key: _by(one).put(f"{LIST}reschedule/", moved(one, id=key)),
    "end": lambda one, key: one.by(one.agent).put(f"{LIST}{key}/end"),
    "activate": lambda one, key: older.service_of(one).post(f"{LIST}activate/{key}"),
}


def _by(one: Scene) -> ApiClient:
    return one.by(one.supervisor)


@pytest.mark.rule(
    "v1.appointments.get.r4", "v1.appointments.update.r4", "v1.appointments.delete.r5",
    "v1.appointments.reassign.r4", "v1.appointments.reschedule.r4", "v1.appointments.end.r6",
    "v1.appointments.activate.r8", "v1.appointments.delete.r9",
)  # fmt: skip
@pytest.mark.parametrize("name", CALLS)
def test_an_unknown_appointment_is_not_found(name: str) -> None:
    one, theirs = make_scene(*ALL), make_scene()
    before = {table: rows for table, rows in everything().items() if table != "agents_apiclient"}

    answers = [CALLS[name](one, key) for key in (UNKNOWN, "x", str(theirs.appointment.id))]

    after = {table: rows for table, rows in everything().items() if table != "agents_apiclient"}
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.json()["code"] for answer in answers} == {"APPOINTMENT_NOT_FOUND"}
    assert after == before


@pytest.mark.rule("v1.appointments.update.r3")
@pytest.mark.parametrize("key", [{}, {"id": ""}, {"id": None}, {"id": 7}])
def test_the_id_is_required(key: dict[str, Any]) -> None:
    one = make_scene()

    answer = _by(one).put(LIST, {**key, "title": "New"})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["id"])


# --- Reading --------------------------------------------------------------------------------


@pytest.mark.rule("v1.appointments.get.r3")
@pytest.mark.parametrize("who", ["agent", "supervisor", "customer"])
def test_an_appointment_is_read_as_it_was_last_written(who: str) -> None:
    one = make_scene(title="Old", metadata={"case": 1})
    _by(one).put(LIST, ids(one, title="New"))

    shown = older.read(one, getattr(one, who))

    assert shown == older.as_older(one.read())
    assert (shown["title"], shown["metadata"]) == ("New", {"case": 1})


@pytest.mark.rule("v1.appointments.get.r5")
def test_a_customer_reads_the_appointment_of_its_conference_and_no_other() -> None:
    one, asleep = make_scene(), waiting()
    other = make_scene(application=one.application)

    answers = [
        one.by(one.customer).get(older.path(one)),
        one.by(other.customer).get(older.path(one)),
        asleep.by(asleep.customer).get(older.path(asleep)),
    ]

    assert [answer.status_code for answer in answers] == [200, 403, 403]
    assert answers[1].json()["code"] == "NOT_YOUR_CONFERENCE"


def test_an_agent_who_has_nothing_to_do_with_it_reads_it_only_where_all_may() -> None:
    shut = make_scene()
    open_ = make_scene(application=make.make_application(agents_see_only_their_own=False))

    statuses = [one.by(one.colleague).get(older.path(one)).status_code for one in (shut, open_)]

    assert statuses == [403, 200]


@pytest.mark.rule("v1.appointments.get.r6", "v1.appointments.activate.r6")
def test_the_room_is_shown_from_activation_on() -> None:
    one = waiting()
    assert "roomAccess" not in older.read(one)

    access = older.service_of(one).post(f"{LIST}activate/{one.appointment.id}").json()

    assert older.read(one)["roomAccess"] == access


# --- Activating -----------------------------------------------------------------------------


@pytest.mark.rule(
    "v1.appointments.activate.r3", "v1.appointments.activate.r4", "v1.appointments.activate.r5"
)
def test_activation_is_answered_with_the_room_alone_again_and_again() -> None:
    one = waiting()
    client, path = older.service_of(one), f"{LIST}activate/{one.appointment.id}"

    first = client.post(path)
    before = everything()
    second = client.post(path)

    end = one.row().end
    assert end
    assert (first.status_code, second.json(), everything()) == (200, first.json(), before)
    assert first.json() == {
        "url": services.access_url(one.customer),
        "expires": format_instant(end + timedelta(hours=4)),
        "type": "MULTI_USE_TICKET",
    }


@pytest.mark.rule("v1.appointments.activate.r7")
def test_every_appointment_has_a_room_of_its_own() -> None:
    one = waiting()
    others = [make_scene(application=one.application, customers=[]) for _ in range(2)]
    client = older.service_of(one)

    urls = {
        client.post(f"{LIST}activate/{each.appointment.id}").json()["url"]
        for each in (one, *others)
    }

    assert len(urls) == 3


@pytest.mark.rule("v1.appointments.activate.r10")
@pytest.mark.parametrize("offsets", [["PT15M"], []])
def test_the_customers_are_invited_by_the_call_that_activates(offsets: list[str]) -> None:
    application = make.make_application(activates_automatically=False)
    make.make_channel(application, room_offsets=offsets)
    one = make_scene(application=application, customers=[ADA, GRACE])
    client, path = older.service_of(one), f"{LIST}activate/{one.appointment.id}"

    for _ in range(2):
        client.post(path)

    invited = Notification.objects.filter(type="ROOM").values_list("recipient_id", flat=True)
    everybody = {each.id for each in make.customers_of(one.appointment)}
    assert set(invited) == (everybody if offsets else set())
    assert len(invited) == len(set(invited))


# --- Updating -------------------------------------------------------------------------------


@pytest.mark.rule(
    "v1.appointments.update.r5", "v1.appointments.update.r6", "v1.appointments.update.r7",
    "v1.appointments.update.r9",
)  # fmt: skip
@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({}, {"title": "Old", "notes": "Kept", "metadata": {"a": 1, "b": 2}}),
        ({"title": "New"}, {"title": "New", "notes": "Kept", "metadata": {"a": 1, "b": 2}}),
        ({"metadata": {"c": 3}}, {"title": "Old", "notes": "Kept", "metadata": {"c": 3}}),
        ({"title": "", "notes": None, "metadata": {}}, {}),
        ({"title": None, "notes": "", "metadata": None}, {}),
        ({"metadata": ""}, {"title": "Old", "notes": "Kept"}),
    ],
)
def test_what_is_sent_replaces_and_what_is_left_out_stays(
    changes: dict[str, Any], left: dict[str, Any]
) -> None:
    one = make_scene(title="Old", notes="Kept", metadata={"a": 1, "b": 2})
    was = older.read(one)

    answer = one.by(one.agent).put(LIST, ids(one, **changes))

    unchanged = {k: v for k, v in was.items() if k not in ("title", "notes", "metadata")}
    assert (answer.status_code, answer.json()) == (200, unchanged | left)
    assert older.read(one) == unchanged | left


@pytest.mark.rule("v1.appointments.update.r8")
@pytest.mark.parametrize("are_readable", [True, False])
def test_customer_and_headers_are_ignored_here(*, are_readable: bool) -> None:
    one = make_scene(*ALL, notification_headers={"X-Old": "1"})
    newer: dict[str, Any] = {
        "customer": {"name": {"firstName": "Augusta"}},
        "notificationHeaders": {"X-New": "1"},
    }
    before = everything()

    answer = _by(one).put(LIST, ids(one, **(newer if are_readable else dict.fromkeys(newer, 7))))

    assert (answer.status_code, everything()) == (200, before)


@pytest.mark.rule("v1.appointments.update.r10")
def test_an_update_is_told_to_subscribers_only() -> None:
    one = make_scene(*ALL)

    with listening() as told:
        one.by(one.agent).put(LIST, ids(one, title="New"))

    assert told == [at_once("UPDATE", "WEBHOOKS", one.hook)]


# --- Moving ---------------------------------------------------------------------------------


@pytest.mark.rule("v1.appointments.reschedule.r3", "v1.appointments.reschedule.r7")
@pytest.mark.parametrize(
    ("member", "value"),
    [
        *[(member, value) for member in ("id", "start", "duration", "timezone")
          for value in (..., None, "", 7)],
        ("start", "tomorrow"), ("start", "2020-01-01T00:00:00Z"), ("duration", "1 hour"),
        ("duration", "PT0S"), ("duration", "-PT1H"), ("timezone", "Berlin"), ("locale", "english"),
    ],
)  # fmt: skip
def test_a_time_that_cannot_be_is_refused(member: str, value: object) -> None:
    one = make_scene(*ALL)
    body = moved(one, **{member: value})
    if value is ...:
        del body[member]
    before = everything()

    answer = one.by(one.agent).put(f"{LIST}reschedule/", body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [member])
    assert everything() == before


@pytest.mark.rule(
    "v1.appointments.reschedule.r5", "v1.appointments.reschedule.r6",
    "v1.appointments.reschedule.r8",
)  # fmt: skip
@pytest.mark.parametrize("customers", [[ADA], []])
def test_a_moved_appointment_keeps_its_room_which_closes_later(customers: list[Any]) -> None:
    one = make_scene(locale="de-DE", customers=customers)
    was, body = older.read(one), moved(one)

    answer = one.by(one.agent).put(f"{LIST}reschedule/", body)

    start = one.row().start
    assert start
    assert (
        answer.json()
        == older.read(one)
        == was
        | {
            "start": body["start"],
            "end": format_instant(start + HOUR),
            "duration": "PT1H",
            "timezone": "UTC",
            "roomAccess": was["roomAccess"] | {"expires": format_instant(start + 5 * HOUR)},
        }
    )


@pytest.mark.rule("v1.appointments.reschedule.r9")
def test_moving_does_not_activate() -> None:
    one = waiting()

    answer = one.by(one.agent).put(f"{LIST}reschedule/", moved(one, locale="fr-FR"))

    assert (answer.status_code, answer.json()["locale"]) == (200, "fr-FR")
    assert "roomAccess" not in answer.json()


@pytest.mark.rule("v1.appointments.reschedule.r10", "v1.appointments.reschedule.r11")
def test_everybody_is_told_of_the_new_time_and_reminded_anew() -> None:
    application = make.make_application(activates_automatically=False)
    make.make_channel(application, reminder_offsets=["PT1H"], room_offsets=["PT15M"])
    one = make_scene(application=application)
    older.service_of(one).post(f"{LIST}activate/{one.appointment.id}")
    planned = Notification.objects.filter(type__in=["REMINDER", "ROOM"])
    old = set(planned.values_list("id", flat=True))

    with listening() as told:
        one.by(one.agent).put(f"{LIST}reschedule/", moved(one))

    start = one.row().start
    assert start
    ada = ("EMAIL", "CUSTOMER", one.customer.id)
    assert set(planned.filter(id__in=old).values_list("status", flat=True)) == {"CANCELLED"}
    assert told == sorted(
        [
            ("RESCHEDULE", *ada, AT_ONCE, "INITIALIZED"),
            ("REMINDER", *ada, start - HOUR, "INITIALIZED"),
            ("ROOM", *ada, start - HOUR / 4, "INITIALIZED"),
        ]
    )


@pytest.mark.rule("v1.appointments.reschedule.r12")
@pytest.mark.parametrize("state", [State.IN_PROGRESS, State.COMPLETED])
def test_what_has_begun_or_is_over_is_not_moved(state: State) -> None:
    one = make_scene(*ALL, state=state)
    before = everything()

    answer = one.by(one.agent).put(f"{LIST}reschedule/", moved(one))

    assert (answer.status_code, answer.json()["code"]) == (400, "APPOINTMENT_NOT_RESCHEDULABLE")
    assert everything() == before


# --- Handing over ---------------------------------------------------------------------------


@pytest.mark.rule("v1.appointments.reassign.r3", "v1.appointments.reassign.r4")
@pytest.mark.parametrize(
    ("user", "status"),
    [(None, 400), ("", 400), (7, 400), (UNKNOWN, 404), ("x", 404), ("supervisor", 400)],
)
def test_only_an_agent_of_the_house_can_take_over(user: Any, status: int) -> None:
    one = make_scene(*ALL)
    user = str(one.supervisor.id) if user == "supervisor" else user
    before = everything()

    answer = _by(one).put(f"{LIST}reassign/", ids(one, userId=user))

    assert (answer.status_code, everything()) == (status, before)


@pytest.mark.rule("v1.appointments.reassign.r5", "v1.appointments.reassign.r8")
def test_the_new_agent_organizes_it_and_customers_and_room_stay() -> None:
    one = make_scene(customers=[ADA, GRACE])
    was = older.read(one)

    answer = one.by(one.agent).put(f"{LIST}reassign/", ids(one, userId=str(one.colleague.id)))

    agent = {"id": str(one.colleague.id), "type": "AGENT"}
    customers = [each for each in was["participantIds"] if each["type"] == "CUSTOMER"]
    assert answer.json() == was | {"organizer": agent, "participantIds": [*customers, agent]}


@pytest.mark.rule("v1.appointments.reassign.r6")
def test_handing_over_to_who_has_it_changes_nothing() -> None:
    one = make_scene(*ALL)
    was, before = older.read(one), everything()

    answer = _by(one).put(f"{LIST}reassign/", ids(one, userId=str(one.agent.id)))

    assert (answer.json(), everything()) == (was, before)


@pytest.mark.rule("v1.appointments.reassign.r7")
def test_handing_over_is_told_to_subscribers() -> None:
    one = make_scene(*ALL)

    with listening() as told:
        _by(one).put(f"{LIST}reassign/", ids(one, userId=str(one.colleague.id)))

    assert told == [at_once("REASSIGN", "WEBHOOKS", one.hook)]


# --- Ending ---------------------------------------------------------------------------------


def end(one: Scene, **sent: Any) -> Any:
    return one.by(one.agent).send("PUT", f"{older.path(one)}/end", **sent)


@pytest.mark.rule("v1.appointments.end.r4", "v1.appointments.end.r7")
@pytest.mark.parametrize(
    "state",
    [State.SCHEDULED, State.ACTIVATED, State.IN_PROGRESS, State.FAILED, State.NO_SHOW],
)
def test_whatever_its_state_it_is_completed(state: State) -> None:
    one = make_scene(state=state)
    was = older.read(one)

    answer = end(one)

    interaction = was["interaction"] | {"state": "COMPLETE"}
    assert (answer.status_code, answer.json()) == (200, was | {"interaction": interaction})
    assert answer.json() == older.as_older(one.read())
    assert (one.state(), one.row().interaction_state) == (
        State.COMPLETED, InteractionState.COMPLETE,
    )  # fmt: skip
    assert one.agent_row.occupies is None


@pytest.mark.rule("v1.appointments.end.r7")
def test_what_is_ended_overlaps_nothing_and_leaves_its_agent_free() -> None:
    application = make.make_application(prevent_overlaps=True)
    one = make_scene(application=application)
    start = format_instant(one.row().start)  # type: ignore[arg-type]  # it was booked with one
    query: dict[str, Any] = {
        "applicationId": str(application.id), "start": start, "duration": "PT1H",
    }  # fmt: skip
    counts = [ApiClient().get(f"{LIST}overlap/count", **query).json()["count"]]

    end(one)

    counts.append(ApiClient().get(f"{LIST}overlap/count", **query).json()["count"])
    again = make_scene(application=application, agent=one.agent, start=one.row().start)
    assert (counts, again.state()) == ([1, 0], State.ACTIVATED)


@pytest.mark.rule("v1.appointments.end.r5")
def test_ending_twice_changes_and_tells_nothing_more() -> None:
    one = make_scene(*ALL)
    first, before = end(one), everything()

    second = end(one)

    assert (second.status_code, second.json()) == (200, first.json())
    assert everything() == before


@pytest.mark.rule("v1.appointments.end.r3")
@pytest.mark.parametrize("body", [b"", b"{}", b'{"state": "FAILED"}', b"{", b"[1]"])
def test_a_body_is_ignored(body: bytes) -> None:
    one = make_scene()

    assert end(one, body=body).status_code == 200
    assert one.state() == State.COMPLETED


@pytest.mark.rule("v1.appointments.end.r8")
def test_subscribers_hear_of_the_end_and_those_who_came_are_written_to_later() -> None:
    application = make.make_application()
    make.make_channel(application, follow_up_offsets=["P1D"])
    one = make_scene(Channel.WEBHOOKS, application=application, customers=[ADA, GRACE])
    came, _ = make.customers_of(one.appointment)
    one.join(came, now=one.appointment.created_at)

    with listening() as told:
        end(one)

    assert [(type, channel, who) for type, channel, _, who, *_ in told] == [
        ("COMPLETED", "WEBHOOKS", one.hook.pk),
        ("FOLLOW_UP", "EMAIL", came.id),
    ]


@pytest.mark.rule("v1.appointments.end.r8")
def test_nobody_hears_of_the_end_while_notifications_are_not_active() -> None:
    one = make_scene(*ALL, application=make.make_application(notifications_active=False))

    with listening() as told:
        end(one)

    assert (told, one.state()) == ([], State.COMPLETED)


@pytest.mark.rule("v1.appointments.end.r9")
def test_reminders_and_invitations_that_were_not_sent_are_cancelled() -> None:
    application = make.make_application(activates_automatically=False)
    make.make_channel(application, reminder_offsets=["PT1H"], room_offsets=["PT15M"])
    one = make_scene(application=application)
    older.service_of(one).post(f"{LIST}activate/{one.appointment.id}")

    end(one)

    ended = Notification.objects.values_list("type", "status").order_by("type")
    assert list(ended) == [
        ("CREATE", "INITIALIZED"), ("REMINDER", "CANCELLED"), ("ROOM", "CANCELLED"),
    ]  # fmt: skip


def test_what_was_cancelled_is_not_ended() -> None:
    one = make_scene(*ALL)
    services.cancel_appointment(one.appointment.id, actor=one.actor, now=one.row().created_at)
    before = everything()

    answer = end(one)

    assert (answer.status_code, answer.json()["code"]) == (400, "APPOINTMENT_IS_CANCELLED")
    assert everything() == before


def test_what_has_no_time_yet_is_read_without_one_and_not_ended() -> None:
    one = make_scene(*ALL)
    Appointment.objects.update(
        start=None, end=None, duration=None, access_expires_at=None,
        request_status=RequestStatus.OUTGOING_INVITE,
    )  # fmt: skip
    before = everything()

    answer = end(one)

    assert (answer.status_code, answer.json()["code"]) == (409, "APPOINTMENT_HAS_NO_TIME")
    assert {"start", "end", "duration"}.isdisjoint(older.read(one))
    assert "expires" not in older.read(one)["roomAccess"]
    assert everything() == before


@pytest.mark.parametrize("name", ["update", "delete", "reassign", "reschedule", "end"])
@pytest.mark.parametrize("who", ["a stranger", "the organizer while another has joined"])
def test_who_may_change_it_is_who_may_with_the_newer_version(name: str, who: str) -> None:
    one = make_scene(*ALL)
    caller, code = one.colleague, "NOT_YOUR_APPOINTMENT"
    if who != "a stranger":
        caller, code = one.agent, "APPOINTMENT_ALREADY_JOINED"
        _, row = services.add_agent(
            one.appointment.id, user_id=str(one.colleague.id), actor=one.actor,
            now=one.appointment.created_at,
        )  # fmt: skip
        one.join(row, now=one.appointment.created_at)
    as_caller = Scene(
        application=one.application, agent=caller, colleague=one.agent, supervisor=caller,
        appointment=one.appointment,
    )  # fmt: skip
    before = everything()

    answer = CALLS[name](as_caller, str(one.appointment.id))

    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert everything() == before


# --- Deleting -------------------------------------------------------------------------------


@pytest.mark.rule(
    "v1.appointments.delete.r3", "v1.appointments.delete.r4", "v1.appointments.delete.r5",
    "v1.appointments.delete.r8", "v1.appointments.delete.r9",
)  # fmt: skip
@pytest.mark.parametrize("customers", [[ADA], []])
def test_what_is_deleted_is_gone_from_both_versions(customers: list[Any]) -> None:
    one = make_scene(customers=customers)
    room = older.read(one)["roomAccess"]["url"]
    people = [each["id"] for each in older.read(one)["participantIds"]]

    answer = one.by(one.agent).delete(older.path(one))

    paths = [older.path(one), one.path]
    paths += [f"{path}/participants/{person}" for path in paths for person in people]
    assert (answer.status_code, answer.content) == (204, b"")
    assert {_by(one).get(path).status_code for path in paths} == {404}
    assert one.by(one.agent).delete(older.path(one)).status_code == 404
    assert ApiClient().get(room[room.index("/q/") :]).status_code == 404


@pytest.mark.rule("v1.appointments.delete.r6", "v1.appointments.delete.r7")
@pytest.mark.parametrize("is_on", [True, False])
def test_every_customer_is_told_of_the_deletion(*, is_on: bool) -> None:
    application = make.make_application(notifications_active=is_on)
    one = make_scene(Channel.EMAIL, application=application, customers=[ADA, GRACE])
    customers = make.customers_of(one.appointment)

    with listening() as told:
        answer = one.by(one.agent).delete(older.path(one))

    expected = sorted(at_once("CANCELLED", "EMAIL", each) for each in customers)
    assert (answer.status_code, told) == (204, expected if is_on else [])


def test_a_supervisor_may_not_book() -> None:
    one = make_scene()
    both = make.make_user(one.application.organization, [Role.SUPERVISOR, Role.AGENT])
    body = {**moved(one), "applicationId": str(one.application.id)}

    statuses = [one.by(user).post(LIST, body).status_code for user in (one.supervisor, both)]

    assert statuses == [403, 200]
