from __future__ import annotations

import os
import socket
import subprocess
from dataclasses import replace

import pytest

from config.local.environment import Instance, Servers, environment_for, keep_variables
from config.local.home import LOCALHOST, Home
from config.local.probes import check_servers, check_settings
from config.local.refusals import Malformed, StartRefused

NO_SERVERS = Servers(postgres=None, redis=None, mail=None)


def instance_of(home: Home, **environ: str) -> Instance:
    return Instance.of({"FRONTDESK_HOME": str(home.path), **environ})


def refusal_of_settings(home: Home, **changes: str) -> Malformed:
    environment = environment_for(os.environ, home=home, servers=NO_SERVERS, **changes)
    with pytest.raises(Malformed) as refusal:
        check_settings(environment)
    return refusal.value


def test_the_port_is_8000_on_this_machine_alone_unless_told_otherwise(home: Home) -> None:
    plain = instance_of(home)
    told = instance_of(home, PORT="9000", HOST="::")

    assert (plain.host, plain.port, plain.url) == (LOCALHOST, 8000, "http://127.0.0.1:8000")
    assert (told.host, told.port, told.url) == ("::", 9000, "http://127.0.0.1:9000")


@pytest.mark.parametrize("text", ["", "http", "0", "-1", "65536", "8000.0", "८०००", "9" * 5000])
def test_a_malformed_port_is_refused_by_name(home: Home, text: str) -> None:
    with pytest.raises(Malformed) as refusal:
        instance_of(home, PORT=text)

    assert str(refusal.value) == "PORT is not valid: expected a whole number from 1 to 65535."
    assert refusal.value.exit_status == 2


def test_a_port_in_use_is_refused_in_one_line(home: Home) -> None:
    with socket.create_server((LOCALHOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartRefused) as refusal:
            instance_of(home, PORT=str(port)).check_port()

    assert str(refusal.value).startswith(f"PORT {port} cannot be used on 127.0.0.1 (")
    assert "\n" not in str(refusal.value)


def test_a_host_that_is_not_ours_is_refused_by_name(home: Home) -> None:
    with pytest.raises(Malformed, match=r"^HOST is not valid: "):
        instance_of(home, HOST="not an address").check_port()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "sqlite:///secret-word.db"),
        ("REDIS_URL", "secret-word"),
        ("EMAIL_URL", "consolemail://secret-word"),
        ("SECRET_KEY", "secret-word"),
        ("FRONTDESK_LOCAL", "secret-word"),
    ],
)
def test_what_the_settings_do_not_understand_is_one_line_with_the_name_and_not_the_value(
    home: Home, name: str, value: str
) -> None:
    refusal = refusal_of_settings(home, **{name: value})

    assert str(refusal).startswith(f"{name} is not valid: expected ")
    assert "\n" not in str(refusal)
    assert "secret-word" not in str(refusal)


def test_a_database_that_is_not_there_is_one_line_with_the_name(home: Home) -> None:
    unused = home.port("nobody")
    environment = environment_for(
        os.environ,
        home=home,
        servers=NO_SERVERS,
        DATABASE_URL=f"postgres://frontdesk:secret-word@127.0.0.1:{unused}/frontdesk",
    )

    with pytest.raises(StartRefused) as refusal:
        check_servers(environment)

    assert str(refusal.value).startswith("DATABASE_URL leads to no database: ")
    assert "secret-word" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_only_the_servers_that_the_user_has_not_given_are_ours(home: Home) -> None:
    none_given = Servers.missing_from({}, home)
    given = {"DATABASE_URL": "…", "REDIS_URL": "…", "EMAIL_URL_FILE": "…"}

    assert sorted(none_given.variables()) == ["DATABASE_URL", "EMAIL_URL", "REDIS_URL"]
    assert Servers.missing_from(given, home) == NO_SERVERS
    assert replace(none_given, mail=None) == Servers.missing_from({"EMAIL_URL": "…"}, home)


def test_children_find_the_same_servers_and_key_at_every_start(home: Home) -> None:
    first, second = (
        environment_for({}, home=home, servers=Servers.missing_from({}, home)) for _ in range(2)
    )

    assert first == second
    assert len(first["SECRET_KEY"]) >= 50
    assert first["FRONTDESK_HOME"] == str(home.path)


def test_a_given_key_is_left_alone(home: Home) -> None:
    by_value = environment_for({"SECRET_KEY": "given"}, home=home, servers=NO_SERVERS)
    by_file = environment_for({"SECRET_KEY_FILE": "/k"}, home=home, servers=NO_SERVERS)

    assert by_value["SECRET_KEY"] == "given"
    assert "SECRET_KEY" not in by_file
    assert not (home.path / "secret_key").exists()


def test_a_terminal_is_led_to_the_servers_by_a_file_of_its_owner(home: Home) -> None:
    given = {"DATABASE_URL": "postgres://o'neil@db/a b", "SECRET_KEY_FILE": "/run/key", "X": "1"}

    lines = keep_variables(given, home)

    kept = home.path / "variables.sh"
    assert (kept.read_text(encoding="utf-8"), kept.stat().st_mode & 0o777) == (lines, 0o600)
    command = ["/bin/sh", "-c", 'set -eu; . "$0"; env', str(kept)]
    said = subprocess.run(command, env={}, capture_output=True, text=True, check=True).stdout
    seen = dict(line.split("=", 1) for line in said.splitlines())
    assert {name: seen[name] for name in given if name != "X"} == {
        "DATABASE_URL": "postgres://o'neil@db/a b",
        "SECRET_KEY_FILE": "/run/key",
    }
    assert "X" not in seen
