from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from config.local.home import LOCALHOST, Home, is_free
from config.local.refusals import Malformed, StartRefused


def test_a_secret_is_made_once_and_only_its_owner_may_read_it(home: Home) -> None:
    first = home.secret("secret_key")

    assert Home.at(str(home.path)).secret("secret_key") == first
    assert len(first) >= 50
    assert stat.S_IMODE((home.path / "secret_key").stat().st_mode) == 0o600


def test_two_homes_have_different_secrets(home: Home) -> None:
    other = Home.at(str(home.path / "other"))

    assert home.secret("secret_key") != other.secret("secret_key")


def test_a_port_is_kept_from_start_to_start(home: Home) -> None:
    first = home.port("redis")

    assert Home.at(str(home.path)).port("redis") == first
    assert home.port("postgres") != first


def test_a_port_that_somebody_has_taken_is_replaced(home: Home) -> None:
    first = home.port("redis")

    with socket.create_server((LOCALHOST, first)):
        second = home.port("redis")

    assert second != first
    assert home.port("redis") == second


def test_ports_survive_a_damaged_note(home: Home) -> None:
    (home.path / "ports.json").write_text("{", encoding="ascii")

    assert is_free(LOCALHOST, home.port("redis"))


def test_a_second_instance_in_the_same_home_is_refused_in_one_line(home: Home) -> None:
    with home.locked(), pytest.raises(StartRefused) as refusal, home.locked():
        pass

    assert str(home.path) in str(refusal.value)
    assert "FRONTDESK_HOME" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_the_lock_is_free_again_afterwards(home: Home) -> None:
    with home.locked():
        pass

    with home.locked():
        assert (home.path / "lock").exists()


def test_two_homes_do_not_lock_each_other_out(home: Home) -> None:
    other = Home.at(str(home.path / "other"))

    with home.locked(), other.locked():
        assert (other.path / "lock").exists()


@pytest.mark.parametrize("text", ["", "/dev/null/inside", "nul\0nul"])
def test_a_home_that_cannot_be_is_refused_by_name(text: str) -> None:
    with pytest.raises(Malformed, match=r"^FRONTDESK_HOME is not valid: "):
        Home.at(text)


def test_a_file_is_no_home(home: Home) -> None:
    path = home.path / "file"
    path.touch()

    with pytest.raises(Malformed, match=r"^FRONTDESK_HOME is not valid: "):
        Home.at(str(path))


def test_a_relative_home_becomes_absolute(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.path)

    assert Home.at("var").path == Path(home.path, "var")
