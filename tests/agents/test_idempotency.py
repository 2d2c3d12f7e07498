"""POST with an Idempotency-Key: carried out once, answered alike."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client

from agents.errors import IdempotencyKeyReused
from agents.models import IdempotentRequest, Team, User
from agents.services import idempotency
from agents.services.retention import forget_expired
from config.kernel.actors import Role
from tests import make

if TYPE_CHECKING:
    from datetime import datetime

    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.urls("tests.agents.surface")


@pytest.fixture
def admin(db: None) -> User:
    return make.make_user(roles=[Role.ADMIN])


def post(
    user: User, key: str | None, *, path: str = "/api/teams/", name: str = "Blue", **more: object
) -> Answer:
    headers = {"Authorization": f"Bearer {make.token_for(user)}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    body = json.dumps({"name": name, **more})
    return Client().post(path, body, content_type="application/json", headers=headers)


@pytest.mark.rule("frontdesk.idempotency.r1")
def test_a_repetition_gets_the_first_answer_again(admin: User) -> None:
    first = post(admin, "one")

    second = post(admin, "one")

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert (first.get("Idempotency-Replayed"), second["Idempotency-Replayed"]) == (None, "true")
    assert second["Content-Type"] == first["Content-Type"] == "application/json"
    assert Team.objects.count() == 1


def test_the_closing_slash_makes_no_other_request(admin: User) -> None:
    first = post(admin, "one", path="/api/teams/")

    assert post(admin, "one", path="/api/teams").json() == first.json()


def test_without_a_key_each_request_is_carried_out(admin: User) -> None:
    post(admin, None, name="Blue")
    post(admin, None, name="Red")

    assert Team.objects.count() == 2
    assert not IdempotentRequest.objects.exists()


@pytest.mark.rule("frontdesk.idempotency.r2")
@pytest.mark.parametrize(
    "other",
    [{"name": "Red"}, {"unknown": 1}, {"path": "/api/teams/?x=1"}],
)
def test_the_same_key_for_another_request_is_answered_422(
    admin: User, other: dict[str, str]
) -> None:
    post(admin, "one")

    answer = post(admin, "one", **other)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.json() == {
        "code": "IDEMPOTENCY_KEY_REUSED",
        "message": "The Idempotency-Key was used for another request.",
        "errors": {},
    }
    assert [team.name for team in Team.objects.all()] == ["Blue"]


@pytest.mark.rule("frontdesk.idempotency.r3")
def test_the_same_key_of_another_caller_is_another_key(admin: User) -> None:
    colleague = make.make_user(admin.organization, roles=[Role.ADMIN])
    stranger = make.make_user(roles=[Role.ADMIN])

    made = [post(user, "one", name=user.username[:20]) for user in (admin, colleague, stranger)]

    assert [answer.status_code for answer in made] == [201, 201, 201]
    assert len({answer.json()["id"] for answer in made}) == 3


@pytest.mark.rule("frontdesk.idempotency.r5")
def test_a_key_is_forgotten_after_a_day(admin: User, now: datetime) -> None:
    first = post(admin, "one", name="Blue")
    day = timedelta(hours=24)
    IdempotentRequest.objects.update(created_at=now - day - timedelta(seconds=1))

    second = post(admin, "one", name="Red")

    assert second.status_code == 201
    assert second.json() != first.json()
    assert post(admin, "one", name="Red").json() == second.json()


def test_old_answers_are_deleted(admin: User, now: datetime) -> None:
    post(admin, "one", name="Blue")
    post(admin, "two", name="Red")
    old = IdempotentRequest.objects.order_by("created_at")[:1]
    IdempotentRequest.objects.filter(pk__in=[row.pk for row in old]).update(
        created_at=now - timedelta(hours=25)
    )

    forget_expired(now=now)

    assert IdempotentRequest.objects.count() == 1


@pytest.mark.rule("frontdesk.idempotency.r6")
@pytest.mark.parametrize(("name", "status"), [("Missing", 404), ("", 400)])
def test_a_refusal_is_not_kept(admin: User, name: str, status: int) -> None:
    assert post(admin, "one", name=name).status_code == status

    assert not Team.objects.exists()
    assert not IdempotentRequest.objects.exists()
    assert post(admin, "one").status_code == 201


@pytest.mark.rule("frontdesk.idempotency.r7")
@pytest.mark.parametrize("key", ["", " ", "a" * 256, "a\tb", "käse", "a\x7f", " a", "a "])
def test_a_malformed_key_is_answered_400(admin: User, key: str) -> None:
    answer = post(admin, key)

    assert answer.status_code == 400
    assert answer.json() == {
        "code": "INVALID_IDEMPOTENCY_KEY",
        "message": "The header Idempotency-Key is not valid.",
        "errors": {"Idempotency-Key": ["It is 1 to 255 printable ASCII characters."]},
    }
    assert not Team.objects.exists()


@pytest.mark.parametrize(
    "key", ["a", "a" * 255, "a b", "!~", "3f1c-…".encode("ascii", "replace").decode()]
)
def test_a_well_formed_key_is_taken(admin: User, key: str) -> None:
    assert post(admin, key).status_code == 201


@pytest.mark.rule("frontdesk.idempotency.r8")
def test_some_operations_do_not_look_at_the_key(admin: User) -> None:
    for name in ("Blue", "Red"):
        assert post(admin, "one", path="/api/forgetful/", name=name).status_code == 201

    assert not IdempotentRequest.objects.exists()


def test_who_is_asked_before_the_key_is_looked_at(admin: User) -> None:
    agent = make.make_user(admin.organization, roles=[Role.AGENT])

    assert post(agent, "").status_code == 403


def test_the_kept_answer_cannot_be_read_in_the_database(admin: User) -> None:
    answer = post(admin, "one")

    kept = IdempotentRequest.objects.get()

    assert answer.json()["id"].encode() not in bytes(kept.answer or b"")
    assert b"one" not in bytes(kept.key)


@pytest.mark.rule("frontdesk.idempotency.r4")
@pytest.mark.django_db(transaction=True)
def test_of_fifty_at_once_one_is_carried_out_and_all_get_its_answer() -> None:
    user = make.make_user(roles=[Role.ADMIN])
    headers = {"Authorization": f"Bearer {make.token_for(user)}", "Idempotency-Key": "one"}
    together = threading.Barrier(50)
    answers: list[tuple[int, bytes]] = []

    def send() -> None:
        try:
            together.wait()
            answer = Client().post(
                "/api/teams/", '{"name": "Blue"}', content_type="application/json", headers=headers
            )
            answers.append((answer.status_code, answer.content))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [status for status, _ in answers] == [201] * 50
    assert len({body for _, body in answers}) == 1
    assert Team.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_whoever_waits_for_one_that_fails_is_carried_out_itself() -> None:
    actor = make.actor_for(make.make_user(roles=[Role.ADMIN]))
    first_is_in, first_may_fail = threading.Event(), threading.Event()
    seen: list[str] = []

    def fail() -> idempotency.Answer:
        first_is_in.set()
        assert first_may_fail.wait(5)
        raise IdempotencyKeyReused

    def first() -> None:
        try:
            idempotency.once("one", actor=actor, body=b"same", command=fail)
        except IdempotencyKeyReused:
            seen.append("failed")
        finally:
            connection.close()

    def second() -> None:
        try:
            answer = idempotency.once(
                "one",
                actor=actor,
                body=b"same",
                command=lambda: idempotency.Answer(201, b"{}"),
            )
            seen.append(f"{answer.status} {answer.is_replayed}")
        finally:
            connection.close()

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert first_is_in.wait(5)
    threads[1].start()
    first_may_fail.set()
    for thread in threads:
        thread.join()

    assert seen == ["failed", "201 False"]
