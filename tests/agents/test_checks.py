"""System checks: combinations of settings that cannot work, or that would let somebody in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.urls import path

from agents import checks
from agents.api.base import SurfaceViewSet
from tests.agents.keys import rsa_provider

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django import Settings
    from rest_framework.request import Request
    from rest_framework.response import Response

OUTSIDE = {
    "issuer": "https://login.example.org",
    "audience": "frontdesk",
    "jwks": "https://login.example.org/keys",
    "algorithm": "RS256",
    "roles_claim": "roles",
    "organization_claim": "organization_id",
    "conference_claim": "conferenceId",
}


def found(settings: Settings, **changes: str) -> list[str | None]:
    settings.AGENTS_OUTSIDE_ISSUER = OUTSIDE | changes
    return [message.id for message in checks.check_outside_issuer()]


def test_no_outside_issuer_is_fine(settings: Settings) -> None:
    assert found(settings, issuer="", audience="", jwks="") == []


def test_a_whole_outside_issuer_is_fine(settings: Settings) -> None:
    assert found(settings) == []
    assert found(settings, jwks=rsa_provider().jwks) == []


@pytest.mark.parametrize("name", ["issuer", "audience", "jwks"])
def test_an_outside_issuer_is_set_whole_or_not_at_all(settings: Settings, name: str) -> None:
    assert found(settings, **{name: ""}) == ["agents.E010"]


@pytest.mark.parametrize(
    ("changes", "id_"),
    [
        ({"algorithm": "HS256"}, "agents.E011"),
        ({"algorithm": "none"}, "agents.E011"),
        ({"issuer": "frontdesk"}, "agents.E012"),
        ({"jwks": "http://login.example.org/keys"}, "agents.W013"),
        ({"jwks": "/nowhere/keys.json"}, "agents.E014"),
        ({"jwks": '{"keys": 1}'}, "agents.E014"),
        ({"jwks": '{"keys": []}'}, "agents.E015"),
    ],
)
def test_what_cannot_work_is_found(settings: Settings, changes: dict[str, str], id_: str) -> None:
    assert found(settings, **changes) == [id_]


def test_a_file_of_keys_is_read(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(rsa_provider().jwks)

    assert found(settings, jwks=str(file)) == []


@pytest.mark.parametrize(
    ("keys", "ids"),
    [
        (["correct-horse-battery-staple-0123456789"], []),
        (["x" * 64], ["agents.E020"]),
        (["abcdefgh" * 4, "abcdefgh" * 4], ["agents.W021"]),
    ],
)
def test_weak_keys_are_found(settings: Settings, keys: list[str], ids: list[str]) -> None:
    settings.SECRET_KEYS = keys

    assert [message.id for message in checks.check_secret_keys()] == ids


@pytest.mark.parametrize(
    ("local", "url", "ids"),
    [
        (True, "http://127.0.0.1:8000", []),
        (False, "https://frontdesk.example.org", []),
        (False, "http://frontdesk.example.org", ["agents.W022"]),
    ],
)
def test_links_without_tls_are_found(
    settings: Settings, local: bool, url: str, ids: list[str]
) -> None:
    settings.LOCAL, settings.PUBLIC_URL = local, url

    assert [message.id for message in checks.check_public_address()] == ids


class Forgotten(SurfaceViewSet):
    def look(self, request: Request) -> Response:
        raise NotImplementedError


urlpatterns = [path("forgotten/", Forgotten.as_view({"get": "look"}))]


@pytest.mark.urls("tests.agents.test_checks")
def test_an_operation_without_roles_is_found() -> None:
    [message] = checks.check_roles_of_operations()

    assert (message.id, message.msg) == (
        "agents.E001",
        "Forgotten.look has no entry in roles: nobody can call it.",
    )
