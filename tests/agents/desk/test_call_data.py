"""What is attached to calls: who sees it, and what each operation makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from config.kernel.actors import Role
from tests.agents.desk.desk import OK, stored
from tests.agents.desk.telephony import Phone, connect, deaf, make_phones

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair() -> tuple[Phone, Phone]:
    """Give two who talk with each other, with {"a": 1, "b": 2} attached."""
    first, second = make_phones(2)
    connect(first, second)
    first.do("AttachUserData", userData={"a": 1, "b": 2})
    deaf(first, second)
    return first, second


def _code(answer: Any) -> tuple[int, int]:
    return answer.status_code, answer.json()["statusCode"]


def _assert_told(pair: tuple[Phone, Phone], user_data: dict[str, object]) -> None:
    for phone in pair:
        [told] = phone.messages()
        assert told["notificationType"] == "AttachedDataChanged"
        assert told["call"]["userData"] == user_data == phone.call()["userData"]


@pytest.mark.rule("cc.me.calls.AttachUserData.r1", "cc.me.calls.UpdateUserData.r1")
@pytest.mark.parametrize("operation", ["AttachUserData", "UpdateUserData"])
@pytest.mark.parametrize(
    ("members", "code"),
    [({}, 1), ({"userData": None}, 1), ({"userData": ""}, 1), ({"userData": "a"}, 2)],
)
def test_user_data_is_an_object(
    pair: tuple[Phone, Phone], operation: str, members: dict[str, Any], code: int
) -> None:
    before = stored()

    assert _code(pair[0].ask(operation, **members)) == (400, code)
    assert stored() == before


@pytest.mark.rule("cc.me.calls.AttachUserData.r2", "cc.me.calls.AttachUserData.r3")
def test_attaching_keeps_what_is_there(pair: tuple[Phone, Phone]) -> None:
    assert pair[0].ask("AttachUserData", userData={"b": 3, "c": [4]}).json() == OK

    _assert_told(pair, {"a": 1, "b": 2, "c": [4]})


@pytest.mark.rule("cc.me.calls.UpdateUserData.r2", "cc.me.calls.UpdateUserData.r3")
def test_updating_overwrites_what_is_named(pair: tuple[Phone, Phone]) -> None:
    assert pair[1].ask("UpdateUserData", userData={"b": 3, "c": None}).json() == OK

    _assert_told(pair, {"a": 1, "b": 3, "c": None})


@pytest.mark.rule("cc.me.calls.DeleteUserData.r1", "cc.me.calls.DeleteUserData.r2")
@pytest.mark.parametrize(
    ("members", "left"), [({"keys": ["b", "z"]}, {"a": 1}), ({}, {}), ({"keys": None}, {})]
)
def test_deleting_takes_keys_or_all(
    pair: tuple[Phone, Phone], members: dict[str, Any], left: dict[str, object]
) -> None:
    assert pair[0].ask("DeleteUserData", **members).json() == OK

    _assert_told(pair, left)


@pytest.mark.rule("cc.me.calls.DeleteUserDataPair.r1")
def test_deleting_a_pair_needs_its_key(pair: tuple[Phone, Phone]) -> None:
    before = stored()

    assert _code(pair[0].ask("DeleteUserDataPair")) == (400, 1)
    assert pair[0].ask("DeleteUserDataPair", key="z").json() == OK
    assert stored() == before


@pytest.mark.rule("cc.me.calls.DeleteUserDataPair.r2")
def test_deleting_a_pair_is_told_to_all(pair: tuple[Phone, Phone]) -> None:
    assert pair[0].ask("DeleteUserDataPair", key="a").json() == OK

    _assert_told(pair, {"b": 2})


@pytest.mark.rule(
    "cc.me.calls.AttachUserData.r4",
    "cc.me.calls.UpdateUserData.r4",
    "cc.me.calls.DeleteUserData.r3",
    "cc.me.calls.DeleteUserDataPair.r3",
)
@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("AttachUserData", {"userData": {"a": 1}}),
        ("UpdateUserData", {"userData": {"a": 1}}),
        ("DeleteUserData", {}),
        ("DeleteUserDataPair", {"key": "a"}),
    ],
)
def test_who_only_listens_attaches_nothing(
    pair: tuple[Phone, Phone], operation: str, members: dict[str, Any]
) -> None:
    ada, _ = pair
    listener = _listening_to(ada)
    before = stored()

    assert operation not in listener.offered()
    assert _code(listener.ask(operation, **members)) == (400, 2)
    assert stored() == before


def test_who_listens_sees_what_is_attached(pair: tuple[Phone, Phone]) -> None:
    listener = _listening_to(pair[0])
    deaf(listener)

    pair[0].do("UpdateUserData", userData={"a": 5})

    assert [one["call"]["userData"] for one in listener.messages()] == [{"a": 5, "b": 2}]


def test_too_much_is_not_attached(pair: tuple[Phone, Phone]) -> None:
    before = stored()

    for data in ({"a": "x" * 70_000}, {"a": "\x00"}):
        assert _code(pair[0].ask("UpdateUserData", userData=data)) == (400, 2)
    assert stored() == before


def test_what_is_attached_already_is_told_to_nobody(pair: tuple[Phone, Phone]) -> None:
    pair[0].do("AttachUserData", userData={"a": 9})

    assert [phone.messages() for phone in pair] == [[], []]


def _listening_to(phone: Phone) -> Phone:
    listener = Phone(phone.user.organization, roles=(Role.SUPERVISOR,))
    answer = listener.desktop.post(f"/devices/{phone.device.pk}", "ListenIn")
    assert answer.json() == OK, answer.json()
    return listener
