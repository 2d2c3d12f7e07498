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
# The same door for event loops.
LOOP_DOOR = "config/kernel/outgoing.py"
MAIL = "notifications/transports/email/connection.py"
# It hands over to the door what `requests` and `urllib3` have prepared.
PREPARED = "notifications/transports/email/door.py"

# module → where it may be imported; the local set-up talks to its own servers.
OPENS_CONNECTIONS: dict[str, tuple[str, ...]] = {
    "socket": (DOOR, LOOP_DOOR, MAIL),
    **dict.fromkeys(["aiohttp", "aiohappyeyeballs"], (LOOP_DOOR,)),
    **dict.fromkeys(["http.client", "urllib.request", "httpx"], (DOOR,)),
    **dict.fromkeys(["urllib3", "requests"], (PREPARED,)),
    **dict.fromkeys(
        ["ftplib", "imaplib", "poplib", "telnetlib", "xmlrpc", "asyncio.streams"], (DOOR,)
    ),
    # The mail server is the operator's; `socket` is the type of its connection.
    "smtplib": (MAIL,),
}
# Names that open nothing.
HARMLESS = {"smtplib.SMTPException", "socket.gethostname"}
# What an event loop offers without an import.
LOOP_OPENS = {"open_connection", "create_connection", "create_datagram_endpoint", "sock_connect"}


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

    assert offenders - set(OPENS_CONNECTIONS[forbidden]) == set()


def test_no_event_loop_opens_connections_past_the_door() -> None:
    offenders = {
        (file.relative_to(ROOT).as_posix(), node.attr)
        for file in modules()
        for node in ast.walk(ast.parse(file.read_text(), str(file)))
        if isinstance(node, ast.Attribute) and node.attr in LOOP_OPENS
    }

    assert offenders == {(DOOR, "create_connection")}


def test_the_kernel_imports_no_app() -> None:
    offenders = {
        (file.name, name)
        for file in sorted((ROOT / "config" / "kernel").rglob("*.py"))
        for name in imports_of(file)
        if name.partition(".")[0] in {"notifications", "agents", "appointments", "engage"}
    }

    assert offenders == set()
