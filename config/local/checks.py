"""`make test`: the servers, and then every check, whatever came of the one before."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from config.local.environment import ROOT, Instance, Servers, environment_for
from config.local.home import Home
from config.local.probes import check_settings
from config.local.programs import Output, Program
from config.local.refusals import StartRefused
from config.local.run import occupied, start_servers
from config.local.supervisor import Supervisor

_TOOLS = Path(sys.executable).parent
_PYTHON = sys.executable
# Debian's names, as `.ci/run` finds them on its machine.
_PACKAGES = {"chromium": "chromium", "node": "nodejs", "npm": "npm"}


@dataclass(frozen=True)
class Check:
    """One command that must end with status 0."""

    title: str
    command: tuple[str, ...]
    variables: Mapping[str, str]


def test(environ: Mapping[str, str]) -> int:
    """Run every check and give 1 if one of them failed.

    Raises StartRefused.
    """
    instance = Instance.of(environ)
    home = Home.at(str(instance.home.path / "test"))
    with occupied(home) as roll:
        if environ.get("CI"):
            _install_programs()
        servers = _servers(environ, home)
        environment = environment_for(
            environ, home=home, servers=servers, FRONTDESK_LOCAL="0", EMAIL_URL="smtp://127.0.0.1:9"
        )
        check_settings(environment)
        results: dict[str, tuple[int, float]] = {}
        with Supervisor(roll) as supervisor, supervisor.obeying_signals():
            start_servers(supervisor, servers, environment)
            for check in _checks(shlex.split(environ.get("ARGS", ""))):
                print(f"\n=== {check.title} ===", flush=True)
                begun = time.monotonic()
                program = _program(check, environment)
                results[check.title] = (supervisor.run(program), time.monotonic() - begun)
        return _summary(results)


def check_locks(directory: Path) -> list[str]:
    """Give the lines of the lock files that have an address, or no hash: there must be none."""
    findings = []
    for path in sorted(directory.glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        findings += [
            f"{path.name}: {line.strip()}"
            for line in text.splitlines()
            if "://" in line or line.startswith("-") or " @ " in line
        ]
        for entry in re.split(r"\n(?=\S)", text.strip()):
            if "--hash=sha256:" not in entry:
                findings.append(f"{path.name}: no hash: {entry.splitlines()[0]}")
    return findings


def main() -> int:
    """Check the lock files: the one check of ours that is no program of its own."""
    findings = check_locks(ROOT / "requirements")
    print(*findings, sep="\n") if findings else print("Exact versions, hashes, no addresses.")
    return 1 if findings else 0


def _servers(environ: Mapping[str, str], home: Home) -> Servers:
    servers = Servers.missing_from(environ, home)
    if servers.postgres is None:
        return replace(servers, mail=None)
    # Made anew for every run, since it does not survive a crash.
    shutil.rmtree(servers.postgres.data.parent, ignore_errors=True)
    return replace(servers, postgres=replace(servers.postgres, is_durable=False), mail=None)


def _program(check: Check, environment: Mapping[str, str]) -> Program:
    return Program(
        name=check.title,
        command=check.command,
        environment={**environment, **check.variables},
        directory=ROOT,
        output=Output.TERMINAL,
        grace=30,
    )


def _checks(arguments: list[str]) -> Iterator[Check]:
    manage = (_PYTHON, "manage.py")
    templates = tuple(str(path.relative_to(ROOT)) for path in (ROOT / "templates").rglob("*.html"))
    deployed = {
        "PUBLIC_URL": "https://frontdesk.example",
        "ALLOWED_HOSTS": "frontdesk.example",
        "FRONTDESK_LOCAL": "0",
    }
    commands: dict[str, tuple[str, ...]] = {
        "format": (_tool("ruff"), "format", "--check", "."),
        "lint": (_tool("ruff"), "check", "."),
        "import arrows": (_PYTHON, _tool("lint-imports")),
        "types": (_PYTHON, "-m", "mypy", "."),
        "templates": (_tool("djade"), "--check", *templates),
        "missing migrations": (*manage, "makemigrations", "--check", "--dry-run"),
        "check --deploy": (*manage, "check", "--deploy", "--fail-level", "WARNING"),
        "locks": (_PYTHON, "-m", "config.local.checks"),
        "tests": (
            *(_PYTHON, "-m", "pytest", "-n", str(_processes()), "--dist", "loadgroup"),
            *arguments,
        ),
    }
    for title, command in commands.items():
        yield Check(title, command, deployed if title == "check --deploy" else {})


def _tool(name: str) -> str:
    return str(_TOOLS / name)


def _processes() -> int:
    """Give how many processes share the tests: each has a database of its own."""
    return max(2, min(8, len(os.sched_getaffinity(0)) if sys.platform == "linux" else 4))


def _summary(results: Mapping[str, tuple[int, float]]) -> int:
    print()
    for title, (status, seconds) in results.items():
        word = "ok" if status == 0 else f"FAILED (status {status})"
        print(f"  {title:<20} {seconds:7.1f} s  {word}")
    return 1 if any(status for status, _ in results.values()) else 0


def _install_programs() -> None:
    """Install what the tests need of Node and Chromium: in CI nothing is skipped.

    Raises StartRefused.
    """
    missing = [package for name, package in _PACKAGES.items() if shutil.which(name) is None]
    if not missing:
        return
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise StartRefused(f"CI is set, and these are missing: {', '.join(missing)}.")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (("update",), ("install", "-y", "--no-install-recommends", *missing)):
        if subprocess.run([apt, "-q", *words], env=quiet, check=False).returncode != 0:
            raise StartRefused(f"CI is set, and apt-get could not install {', '.join(missing)}.")


if __name__ == "__main__":
    sys.exit(main())
