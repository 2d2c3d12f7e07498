"""Python reads this first where PYTHONPATH names this folder: a process whose sockets are watched.

Each address that it connects to, or tries to, is a line of the file WATCHED_CONNECTIONS. Names
under hostile.example lead to the address that stands in them, in hexadecimal.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

_file = os.open(os.environ["WATCHED_CONNECTIONS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
_look_up = socket.getaddrinfo
_HOSTILE = ".hostile.example"


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        os.write(_file, f"{arguments[1]}\n".encode())


def _hostile(host: Any, *rest: Any, **more: Any) -> list[Any]:
    if isinstance(host, str) and host.endswith(_HOSTILE):
        host = bytes.fromhex(host.removesuffix(_HOSTILE).rpartition(".")[2]).decode()
    return list(_look_up(host, *rest, **more))


sys.addaudithook(_watch)
socket.getaddrinfo = _hostile
