"""What only one module may do is done by no other."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "notifications", "agents", "appointments", "engage")
DOOR = "config/kernel/http.py"
MAIL = "notifications/transports/email/"

# module → where it may be imported; the local set-up talks to its own servers.
OPENS_CONNECTIONS: dict[str, str | tuple[str, ...]] = {
    "socket": (DOOR, MAIL),
    **dict.fromkeys(
        ["http.client", "urllib.request", "urllib3", "requests", "aiohttp", "httpx"], DOOR
    ),
    **dict.fromkeys(
        ["ftplib", "imaplib", "poplib", "telnetlib", "xmlrpc", "asyncio.streams"], DOOR
    ),
    # The mail server is the operator's; `socket` is the type of its connection.
    "smtplib": MAIL,
}
# Names that open nothing.
HARMLESS = {"smtplib.SMTPException", "socket.gethostname"}


def modules() -> list[Path]:
    return [
        file
        for package in PACKAGES
        for file in sorted((ROOT / package).rglob("*.py"))
        if not file.is_relative_to(ROOT / "config" / "local")
    ]


def imports_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(), str(file))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("forbidden", OPENS_CONNECTIONS)
def test_only_the_door_opens_outgoing_connections(forbidden: str) -> None:
    offenders = {
        file.relative_to(ROOT).as_posix()
        for file in modules()
        for name in imports_of(file)
        if (name == forbidden or name.startswith(f"{forbidden}.")) and name not in HARMLESS
    }

    assert {
        each for each in offenders if not each.startswith(OPENS_CONNECTIONS[forbidden])
    } == set()


def test_the_kernel_imports_no_app() -> None:
    offenders = {
        (file.name, name)
        for file in sorted((ROOT / "config" / "kernel").rglob("*.py"))
        for name in imports_of(file)
        if name.partition(".")[0] in {"notifications", "agents", "appointments", "engage"}
    }

    assert offenders == set()
