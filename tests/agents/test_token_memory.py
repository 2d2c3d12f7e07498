"""A token that was read before: its signature is remembered, and nothing else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from agents.errors import Unauthenticated
from agents.services import tokens
from tests import make

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


def test_a_token_that_was_read_before_is_refused_once_it_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = make.token_for(make.make_user())
    end = tokens.read_own(token, use="access")["exp"]

    monkeypatch.setattr(time, "time", lambda: float(end))

    with pytest.raises(Unauthenticated):
        tokens.read_own(token, use="access")


def test_a_token_that_was_read_before_is_refused_once_its_key_is_gone(settings: Settings) -> None:
    token = make.token_for(make.make_user())
    tokens.read_own(token, use="access")

    settings.SECRET_KEYS = ["another-key-of-more-than-thirty-two-characters"]

    with pytest.raises(Unauthenticated):
        tokens.read_own(token, use="access")


def test_whoever_changes_the_claims_it_was_given_changes_nobody_elses() -> None:
    token = make.token_for(make.make_user())
    tokens.read_own(token, use="access")["roles"] = ["ROLE_ADMIN"]

    assert tokens.read_own(token, use="access")["roles"] == ["ROLE_AGENT"]
