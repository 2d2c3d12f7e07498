"""What every answer of the older version says: that there is a newer one, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appointments.api.v1.views import successor_of
from config.kernel.actors import Role
from tests import make
from tests.contract import contract
from tests.contract.client import ApiClient
from tests.contract.samples import SAMPLES, Side

if TYPE_CHECKING:
    from tests.contract.contract import Operation

pytestmark = pytest.mark.django_db

OLDER, NEWER = "/api/appointments/", "/api/v2/appointments/"


def replaced(operation: Operation, side: Side) -> str:
    """Give the path of the newer version for an operation of the older one."""
    path = operation.url(**SAMPLES[operation.id](side).path)
    if operation.id == "v1.appointments.end":
        return f"{NEWER}{side.appointment_id}/complete"
    return path.replace(OLDER, NEWER)


NOBODY = {"Authorization": "Bearer x"}
OPERATIONS = [
    pytest.param(each, id=each.id) for each in contract.operations() if each.path.startswith(OLDER)
]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_answer_tells_of_the_newer_version(operation: Operation, ours: Side) -> None:
    role = operation.roles[0] if operation.roles else "AGENT"
    sample = SAMPLES[operation.id](ours)
    refused = NOBODY if operation.roles else {}

    answers = [sample.send(operation, headers) for headers in (ours.headers(role), refused)]

    expected = f'<{replaced(operation, ours)}>; rel="successor-version"'
    for answer in answers:
        assert answer["Deprecation"] == "@1795564800"
        assert answer["Link"] == expected
        assert "Sunset" not in answer
    assert (answers[0].status_code < 300, answers[1].status_code) == (
        True, 401 if operation.roles else 200,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PATCH", OLDER, None, 405),
        ("POST", OLDER, b"{", 400),
        ("POST", OLDER, b" " * 1_100_000, 413),
        ("GET", f"{OLDER}x", None, 404),
        ("GET", f"{OLDER}x%0d%0aSet-Cookie:%20a%3E", None, 404),
        ("GET", f"{OLDER}?sortField=x", None, 400),
    ],
)
def test_refusals_tell_of_it_too(method: str, path: str, body: bytes | None, status: int) -> None:
    agent = make.make_user(roles=[Role.AGENT])

    answer = ApiClient(make.token_for(agent)).send(method, path, body=body)

    assert answer.status_code == status
    assert answer["Deprecation"] == "@1795564800"
    assert answer["Link"].endswith('>; rel="successor-version"')
    assert answer["Link"].count(">") == 1


def test_the_newer_version_and_the_email_service_are_not_deprecated(ours: Side) -> None:
    client = ApiClient(ours.token("AGENT"))

    for path in (NEWER, f"{NEWER}{ours.appointment_id}", "/api/notifications/emails/test"):
        answer = client.get(path)
        assert "Deprecation" not in answer
        assert "Link" not in answer


def test_an_address_with_a_word_in_place_of_an_id_is_no_end() -> None:
    assert successor_of("/api/appointments/end") == "/api/v2/appointments/end"
    assert successor_of("/api/appointments/x/end/") == "/api/v2/appointments/x/complete"
