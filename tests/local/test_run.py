from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.local.checks import check_locks
from config.local.demonstration import Demonstration, Login
from config.local.environment import ROOT, Instance, Servers
from config.local.home import Home
from config.local.run import applications, greeting, marker_of

MAKE = shutil.which("make") or "make"
HASH = "    --hash=sha256:0123"


def local(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "config.local", *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def make_demonstration(home: Home) -> Path:
    users = [
        {"id": "1", "username": "a@example.org", "password": "p1", "roles": ["ROLE_AGENT"]},
        {"id": "2", "username": "s@example.org", "password": "p2", "roles": ["ROLE_SUPERVISOR"]},
    ]
    organization = {"id": "0", "name": "Care", "applications": [], "users": users, "clients": []}
    path = home.path / "demo.json"
    path.write_text(json.dumps({"organizations": [organization]}), encoding="utf-8")
    return path


def test_a_malformed_value_is_one_line_and_status_2(home: Home) -> None:
    result = local("run", FRONTDESK_HOME=str(home.path), PORT="many")

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "frontdesk: PORT is not valid: expected a whole number from 1 to 65535.\n"
    )


def test_a_second_run_in_one_home_is_one_line_and_status_1(home: Home) -> None:
    with home.locked():
        result = local("run", FRONTDESK_HOME=str(home.path))

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"frontdesk: another instance runs in {home.path} (process ")
    assert result.stderr.count("\n") == 1


def test_help_names_the_commands() -> None:
    shown = local("--help").stdout

    assert all(f"    {name} " in shown for name in ("run", "test", "bench", "services"))


def test_make_alone_says_what_there_is() -> None:
    shown = subprocess.run([MAKE], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    targets = [line.split()[1] for line in shown.splitlines() if line.startswith("  make ")]
    assert targets == [
        "help",
        "run",
        "test",
        "bench",
        "gates",
        "chaos",
        "messages",
        "services",
        "lock",
    ]


def test_make_run_without_a_new_enough_python_is_one_line(tmp_path: Path) -> None:
    result = subprocess.run(
        [MAKE, "--silent", "run"],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode != 0
    assert result.stderr.splitlines()[0].startswith("frontdesk: no Python 3.11 or newer found;")


def test_the_greeting_says_where_to_look_and_how_to_log_in(home: Home) -> None:
    demonstration = Demonstration.read(make_demonstration(home))

    lines = list(greeting("http://127.0.0.1:8000", catches_mail=True, demonstration=demonstration))

    assert demonstration.logins == (Login("Care", "s@example.org", "p2"),)
    assert lines == [
        "",
        "  Frontdesk is running. Ctrl-C ends it.",
        "    back office   http://127.0.0.1:8000/",
        "    admin         http://127.0.0.1:8000/admin/",
        "    API           http://127.0.0.1:8000/api/schema/swagger/",
        "    mail          http://127.0.0.1:8000/dev/mail/",
        "    phone         http://127.0.0.1:8000/dev/phone/",
        "    log in as     s@example.org  p2  (Care)",
        "",
    ]


def test_mail_that_goes_elsewhere_is_not_looked_for_here() -> None:
    lines = list(greeting("http://127.0.0.1:8000", catches_mail=False, demonstration=None))

    assert not any("mail" in line or "log in" in line for line in lines)


def test_every_database_has_its_own_first_time(home: Home) -> None:
    given = {"DATABASE_URL": "postgres://a@127.0.0.1/a"}
    other = {"DATABASE_URL": "postgres://a@127.0.0.1/b"}

    ours = marker_of(Servers.missing_from({}, home), home, {})
    markers = {marker_of(Servers.missing_from(e, home), home, e) for e in (given, other)}

    assert ours == home.path / "postgres" / "demo.json"
    assert len(markers) == 2
    assert ours not in markers


def test_the_house_is_web_worker_and_beat(home: Home) -> None:
    instance = Instance.of({"FRONTDESK_HOME": str(home.path), "PORT": "8001"})

    programs = {program.name: program.command for program in applications(instance, {})}

    assert list(programs) == ["web", "worker", "beat"]
    assert programs["web"][-4:] == ("--host", "127.0.0.1", "--port", "8001")
    assert {"threads", "4", "worker-8001@%h"} <= set(programs["worker"])


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ("--index-url packages", "lock.txt: --index-url packages"),
        ("a==1 @ file:///wheels/a.whl \\", "lock.txt: a==1 @ file:///wheels/a.whl \\"),
    ],
)
def test_a_lock_with_an_address_is_found(tmp_path: Path, line: str, finding: str) -> None:
    (tmp_path / "lock.txt").write_text(f"{line}\n{HASH}\n", encoding="utf-8")

    assert check_locks(tmp_path) == [finding]


def test_a_lock_without_a_hash_is_found(tmp_path: Path) -> None:
    (tmp_path / "lock.txt").write_text(f"a==1\nb==2 \\\n{HASH}\n", encoding="utf-8")

    assert check_locks(tmp_path) == ["lock.txt: no hash: a==1"]
