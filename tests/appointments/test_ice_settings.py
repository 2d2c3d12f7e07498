"""What ICE_SERVERS and TURN_SECRET can hold: anything else stops the start."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings

from config.ice import ice_servers_of

FIXED = {"username": "frontdesk", "credential": "word"}


def test_without_a_value_there_are_none() -> None:
    assert ice_servers_of("", has_secret=False) == []
    assert ice_servers_of("[]", has_secret=True) == []


@pytest.mark.parametrize(
    "url",
    [
        "stun:stun.example.org",
        "stun:192.0.2.1:3478",
        "stuns:s.example.org:5349",
        "stun:[2001:db8::1]",
    ],
)
def test_a_stun_server_needs_no_credentials(url: str) -> None:
    assert ice_servers_of(json.dumps([{"urls": url}]), has_secret=False) == [{"urls": [url]}]


@pytest.mark.parametrize("url", ["turn:t.example.org?transport=udp", "turns:t.example.org:443"])
def test_a_relay_has_credentials_of_its_own_or_by_the_secret(url: str) -> None:
    own, by_secret = json.dumps([{"urls": [url], **FIXED}]), json.dumps([{"urls": [url]}])

    assert ice_servers_of(own, has_secret=False) == [{"urls": [url], **FIXED}]
    assert ice_servers_of(own, has_secret=True) == [{"urls": [url], **FIXED}]
    assert ice_servers_of(by_secret, has_secret=True) == [{"urls": [url]}]


@pytest.mark.parametrize(
    "listed",
    [
        "stun:stun.example.org",
        {"urls": "stun:stun.example.org"},
        ["stun:stun.example.org"],
        [{}],
        [{"urls": []}],
        [{"urls": [7]}],
        [{"urls": "https://stun.example.org"}],
        [{"urls": "stun://stun.example.org"}],
        [{"urls": "stun:stun.example.org:99999"}],
        [{"urls": "stun:stun.example.org?transport=udp"}],
        [{"urls": "stun:a b"}],
        [{"urls": "turn:turn.example.org"}],
        [{"urls": "turn:turn.example.org", "username": "u"}],
        [{"urls": "turn:turn.example.org", "username": "u", "credential": ""}],
        [{"urls": "stun:stun.example.org", **FIXED}],
        [{"urls": ["stun:stun.example.org", "turn:turn.example.org"], **FIXED}],
        [{"urls": "turn:turn.example.org", "credentialType": "password", **FIXED}],
        [{"urls": "stun:stun.example.org"}] * 11,
    ],
)
def test_what_no_browser_could_use_is_refused(listed: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        ice_servers_of(json.dumps(listed), has_secret=False)


@pytest.mark.parametrize(
    ("name", "value"), [("ICE_SERVERS", '[{"urls": "turn:t.example.org"}]'), ("TURN_SECRET", "x")]
)
def test_a_malformed_value_stops_the_start_and_is_not_shown(name: str, value: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        cwd=settings.BASE_DIR,
        env={**os.environ, name: value},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 1
    assert f"{name} is not valid: expected" in run.stderr.splitlines()[-1]
    assert "t.example.org" not in run.stderr.splitlines()[-1]
