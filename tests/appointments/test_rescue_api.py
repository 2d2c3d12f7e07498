"""/api/v2/rescues: the appointments of an absent agent, moved and given back over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appointments import services
from appointments.models import Appointment, Rescue
from config.kernel.time import format_instant
from notifications.models import Channel, Notification
from tests import make
from tests.appointments.rescuing import DAY, NIGHT, NOW, Sickness, agents_of, at, make_sickness
from tests.appointments.scene import UNKNOWN
from tests.contract.client import ApiClient
from tests.contract.state import everything

if TYPE_CHECKING:
    from agents.models import User

pytestmark = pytest.mark.django_db

RESCUES = "/api/v2/rescues/"
PREVIEW = "/api/v2/rescues/preview"


@pytest.fixture
def house() -> Sickness:
    return make_sickness()


@pytest.fixture
def client(house: Sickness) -> ApiClient:
    return ApiClient(make.token_for(house.sofia))


def body_for(house: Sickness, **members: object) -> dict[str, Any]:
    """Give a body that names Grace and the day."""
    return {
        "agentId": str(house.grace.pk),
        "start": format_instant(DAY),
        "end": format_instant(NIGHT),
        **members,
    }


def move_of(one: Appointment, user: User, **members: object) -> dict[str, Any]:
    """Give a move as the preview would name it."""
    assert one.start is not None
    assert one.end is not None
    return {
        "appointmentId": str(one.pk),
        "start": format_instant(one.start),
        "end": format_instant(one.end),
        "agentId": str(user.pk),
        **members,
    }


def rescued(client: ApiClient, house: Sickness, *moves: dict[str, Any]) -> Any:
    """Carry a rescue out and give what is answered."""
    answer = client.post(RESCUES, body_for(house, moves=list(moves)))
    assert answer.status_code == 201, answer.content
    return answer.json()


# --- The preview ------------------------------------------------------------------------------


@pytest.mark.rule("frontdesk.rescues.preview.r1")
def test_the_preview_says_who_would_take_what_and_changes_nothing(
    client: ApiClient, house: Sickness
) -> None:
    later, sooner = house.book("10:00"), house.book("09:00", title="A loan")
    house.book("09:00", agent=house.alan)
    house.book("08:00", state="COMPLETED")
    before = everything()

    answer = client.post(PREVIEW, body_for(house))

    assert (answer.status_code, answer.json()) == (
        200,
        {
            **body_for(house),
            "complete": True,
            "moves": [
                {
                    **move_of(sooner, house.barbara),
                    "title": "A loan",
                    "freeAgents": [str(house.barbara.pk)],
                    "reasons": [],
                },
                {
                    **move_of(later, house.alan),
                    "title": "",
                    "freeAgents": [str(house.barbara.pk), str(house.alan.pk)],
                    "reasons": [],
                },
            ],
        },
    )
    assert everything() == before


@pytest.mark.rule("frontdesk.rescues.preview.r2", "frontdesk.rescues.preview.r3")
def test_where_nobody_can_the_preview_says_why_of_each(client: ApiClient, house: Sickness) -> None:
    one = house.book("09:00")
    make.make_absence(house.alan, DAY.date(), DAY.date())
    make.make_hours(house.alan)
    make.make_hours(house.barbara, "13:00", "17:00")

    plan = client.post(PREVIEW, body_for(house)).json()

    assert plan["complete"] is False
    assert plan["moves"] == [
        {
            **move_of(one, house.alan, agentId=None),
            "title": "",
            "freeAgents": [],
            "reasons": [
                {"agentId": str(house.alan.pk), "reason": "ABSENT"},
                {"agentId": str(house.barbara.pk), "reason": "NOT_WORKING"},
            ],
        }
    ]


@pytest.mark.rule("frontdesk.rescues.preview.r2")
def test_what_the_plan_gives_counts(client: ApiClient, house: Sickness) -> None:
    house.alan.daily_maximum = 1
    house.alan.save()
    for clock in ("09:00", "11:00"):
        house.book(clock)

    body = body_for(house, excludedAgents=[str(house.barbara.pk)])
    moves = client.post(PREVIEW, body).json()["moves"]

    assert [move["agentId"] for move in moves] == [str(house.alan.pk), None]
    assert moves[1]["reasons"] == [{"agentId": str(house.alan.pk), "reason": "DAILY_MAXIMUM"}]


@pytest.mark.rule("frontdesk.rescues.preview.r4")
def test_colleagues_are_left_out_and_wished_for(client: ApiClient, house: Sickness) -> None:
    first, second = house.book("09:00"), house.book("11:00")
    house.book("11:00", agent=house.barbara)
    wishes = [
        {"appointmentId": str(one.pk), "agentId": str(house.barbara.pk)} for one in (first, second)
    ]

    wished = client.post(PREVIEW, body_for(house, wishes=wishes)).json()["moves"]
    without = client.post(PREVIEW, body_for(house, excludedAgents=[str(house.alan.pk)])).json()

    assert [move["agentId"] for move in wished] == [str(house.barbara.pk), None]
    assert wished[1]["reasons"] == [
        {"agentId": str(house.alan.pk), "reason": None},
        {"agentId": str(house.barbara.pk), "reason": "OCCUPIED"},
    ]
    assert [move["agentId"] for move in without["moves"]] == [str(house.barbara.pk), None]


@pytest.mark.rule("frontdesk.rescues.preview.r4")
def test_unknown_ids_leave_out_nobody_and_wish_for_nobody(
    client: ApiClient, house: Sickness
) -> None:
    one = house.book("09:00")
    wish = {"appointmentId": str(one.pk), "agentId": "x"}

    body = body_for(house, excludedAgents=["x", UNKNOWN], wishes=[wish])
    [move] = client.post(PREVIEW, body).json()["moves"]

    assert (move["agentId"], len(move["freeAgents"])) == (None, 2)


@pytest.mark.rule("frontdesk.rescues.preview.r5")
@pytest.mark.parametrize("member", ["agentId", "start", "end"])
@pytest.mark.parametrize("value", [..., None, 7, ""])
def test_the_preview_needs_an_agent_and_a_period(
    client: ApiClient, house: Sickness, member: str, value: object
) -> None:
    body = body_for(house, **{member: value})
    if value is ...:
        del body[member]

    answer = client.post(PREVIEW, body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [member])


@pytest.mark.rule("frontdesk.rescues.preview.r5")
@pytest.mark.parametrize("end", ["2031-03-06T00:00:00Z", "2031-05-07T00:00:01Z"])
def test_a_period_that_is_none_or_too_long_is_answered_400(
    client: ApiClient, house: Sickness, end: str
) -> None:
    answer = client.post(PREVIEW, body_for(house, end=end))

    assert (answer.status_code, answer.json()["code"]) == (400, "PERIOD_INVALID")


@pytest.mark.rule("frontdesk.rescues.preview.r5", "frontdesk.rescues.create.r4")
def test_more_than_can_be_moved_at_once_is_answered_400(
    client: ApiClient, house: Sickness, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = house.book("09:00")
    many = [move_of(one, house.alan)] * 201

    answer = client.post(RESCUES, body_for(house, moves=many))
    monkeypatch.setattr("config.kernel.limits.RESCUE_MOVES_MAX", 0)
    preview = client.post(PREVIEW, body_for(house))

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["moves"])
    assert (preview.status_code, preview.json()["code"]) == (400, "TOO_MANY_TO_RESCUE")


# --- Carrying it out --------------------------------------------------------------------------


@pytest.mark.rule("frontdesk.rescues.create.r1", "frontdesk.rescues.get.r1")
def test_what_the_preview_showed_is_moved_and_can_be_read(
    client: ApiClient, house: Sickness
) -> None:
    one = house.book("09:00")
    [planned] = client.post(PREVIEW, body_for(house)).json()["moves"]
    move = {name: planned[name] for name in ("appointmentId", "start", "end", "agentId")}

    made = rescued(client, house, move)

    found = Rescue.objects.get()
    assert agents_of([one]) == [["Alan"]]
    assert made == {
        **body_for(house),
        "id": str(found.pk),
        "madeAt": format_instant(found.made_at),
        "madeById": str(house.sofia.pk),
        "undoneAt": None,
        "undoneById": None,
        "moves": [move],
    }
    assert client.get(f"{RESCUES}{found.pk}").json() == made


@pytest.mark.rule("frontdesk.rescues.create.r2")
def test_everybody_is_told_as_of_one_that_is_reassigned(client: ApiClient) -> None:
    house = make_sickness(Channel.WEBHOOKS)
    one = house.book("09:00")

    rescued(ApiClient(make.token_for(house.sofia)), house, move_of(one, house.alan))

    assert Notification.objects.filter(type="REASSIGN", subject_id=one.pk).count() == 1


@pytest.mark.rule("frontdesk.rescues.create.r3")
def test_when_something_has_changed_all_of_it_is_said_and_nothing_is_moved(
    client: ApiClient, house: Sickness
) -> None:
    booked = [house.book(clock) for clock in ("09:00", "10:00", "11:00")]
    moves = [move_of(one, house.alan) for one in booked]
    services.cancel_appointment(booked[0].pk, actor=house.actor, now=NOW)
    house.book("11:15", agent=house.alan)
    before = everything()

    answer = client.post(RESCUES, body_for(house, moves=moves))

    assert (answer.status_code, answer.json()) == (
        409,
        {
            "code": "RESCUE_OUTDATED",
            "message": "Something has changed since the preview, so nothing was moved.",
            "errors": {
                "moves.0": ["It was cancelled."],
                "moves.2": ["Alan Turing cannot take it: occupied."],
            },
        },
    )
    assert everything() == before


@pytest.mark.rule("frontdesk.rescues.create.r4")
@pytest.mark.parametrize("moves", [..., None, [], "x", [{}]])
def test_moves_are_needed_whole(client: ApiClient, house: Sickness, moves: object) -> None:
    body = body_for(house, **({} if moves is ... else {"moves": moves}))
    before = everything()

    answer = client.post(RESCUES, body)

    assert answer.status_code == 400
    assert everything() == before


@pytest.mark.rule("frontdesk.rescues.create.r4")
def test_one_that_is_named_twice_is_answered_400(client: ApiClient, house: Sickness) -> None:
    one = house.book("09:00")
    moves = [move_of(one, house.alan), move_of(one, house.barbara)]

    answer = client.post(RESCUES, body_for(house, moves=moves))

    assert (answer.status_code, answer.json()["code"]) == (400, "MOVED_TWICE")


@pytest.mark.rule("frontdesk.rescues.create.r5")
@pytest.mark.parametrize("known", [True, False])
def test_those_of_another_house_are_answered_as_unknown_ones(
    client: ApiClient, house: Sickness, known: bool
) -> None:
    theirs, ours = make_sickness(), house.book("09:00")
    foreign = theirs.book("09:00")
    moves = [
        move_of(foreign, house.alan, **({} if known else {"appointmentId": UNKNOWN})),
        move_of(ours, theirs.alan, **({} if known else {"agentId": UNKNOWN})),
    ]
    before = everything()

    answer = client.post(RESCUES, body_for(house, moves=moves))

    assert (answer.status_code, answer.json()["errors"]) == (
        409,
        {
            "moves.0": ["There is no such appointment."],
            "moves.1": ["There is no such agent to take it."],
        },
    )
    assert everything() == before


def test_with_an_idempotency_key_it_is_carried_out_once(client: ApiClient, house: Sickness) -> None:
    body = body_for(house, moves=[move_of(house.book("09:00"), house.alan)])

    first, second = (
        client.post(RESCUES, body, headers={"Idempotency-Key": "sick-today"}) for _ in range(2)
    )

    assert first.json() == second.json()
    assert Rescue.objects.count() == 1


# --- Reading and undoing ----------------------------------------------------------------------


@pytest.mark.rule("frontdesk.rescues.get.r1")
def test_one_that_was_deleted_since_is_null(client: ApiClient, house: Sickness) -> None:
    one = house.book("09:00")
    made = rescued(client, house, move_of(one, house.alan))
    services.delete_appointment(one.pk, actor=house.actor, now=NOW)

    [move] = client.get(f"{RESCUES}{made['id']}").json()["moves"]

    assert (move["appointmentId"], move["start"]) == (None, format_instant(at("09:00")))


@pytest.mark.rule("frontdesk.rescues.undo.r1")
def test_it_is_given_back(client: ApiClient) -> None:
    house = make_sickness(Channel.WEBHOOKS)
    client = ApiClient(make.token_for(house.sofia))
    booked = [house.book(clock) for clock in ("09:00", "10:00")]
    made = rescued(client, house, *(move_of(one, house.alan) for one in booked))
    services.cancel_appointment(booked[1].pk, actor=house.actor, now=NOW)

    answer = client.post(f"{RESCUES}{made['id']}/undo")

    undone = answer.json()
    at_once = format_instant(Rescue.objects.get().undone_at or NOW)
    assert (answer.status_code, undone) == (
        200,
        {**made, "undoneAt": at_once, "undoneById": str(house.sofia.pk)},
    )
    assert agents_of(booked) == [["Grace"], ["Alan"]]
    told = Notification.objects.filter(type="REASSIGN", subject_id=booked[0].pk)
    assert told.count() == 2


@pytest.mark.rule("frontdesk.rescues.undo.r2")
def test_what_stands_in_the_way_is_said_and_nothing_is_given_back(
    client: ApiClient, house: Sickness
) -> None:
    booked = [house.book(clock) for clock in ("09:00", "10:00")]
    made = rescued(client, house, *(move_of(one, house.alan) for one in booked))
    services.reassign_appointment(
        booked[1].pk, user_id=str(house.barbara.pk), actor=house.actor, now=NOW
    )
    before = everything()

    answer = client.post(f"{RESCUES}{made['id']}/undo")

    assert (answer.status_code, answer.json()) == (
        409,
        {
            "code": "RESCUE_NOT_UNDOABLE",
            "message": "Nothing was given back, because not everything can be.",
            "errors": {str(booked[1].pk): ["It is not with Alan Turing any more."]},
        },
    )
    assert everything() == before


@pytest.mark.rule("frontdesk.rescues.undo.r3")
def test_to_undo_it_again_is_answered_409(client: ApiClient, house: Sickness) -> None:
    made = rescued(client, house, move_of(house.book("09:00"), house.alan))
    path = f"{RESCUES}{made['id']}/undo"
    client.post(path)
    before = everything()

    answer = client.post(path)

    assert (answer.status_code, answer.json()["code"]) == (409, "RESCUE_UNDONE")
    assert everything() == before


@pytest.mark.rule("frontdesk.rescues.r3")
@pytest.mark.parametrize("which", ["theirs", "unknown", "malformed"])
def test_what_is_not_there_is_answered_404(client: ApiClient, house: Sickness, which: str) -> None:
    theirs = make_sickness()
    made = rescued(
        ApiClient(make.token_for(theirs.sofia)), theirs, move_of(theirs.book("09:00"), theirs.alan)
    )
    rescue = {"theirs": made["id"], "unknown": UNKNOWN, "malformed": "x"}[which]
    agent = {"theirs": str(theirs.grace.pk), "unknown": UNKNOWN, "malformed": "x"}[which]
    move = move_of(house.book("09:00"), house.alan)
    before = everything()

    answers = [
        client.get(f"{RESCUES}{rescue}"),
        client.post(f"{RESCUES}{rescue}/undo"),
        client.post(PREVIEW, body_for(house, agentId=agent)),
        client.post(RESCUES, body_for(house, agentId=agent, moves=[move])),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert everything() == before
