"""FRONTDESK_HOME: what one local instance keeps, and the lock that keeps a second one out."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.local.refusals import Malformed, StartRefused

LOCALHOST = "127.0.0.1"
# Below the range from which systems take the ports of outgoing connections, so that a port
# that is free today is most likely free at the next start.
_PORTS = range(15_000, 32_000)


@dataclass(frozen=True)
class Home:
    """The directory of one instance: database, Redis, mail, media, logs, ports and keys."""

    path: Path

    @classmethod
    def at(cls, text: str) -> Home:
        """Give the home at a path, made if it is not there.

        Raises Malformed.
        """
        try:
            path = Path(text).expanduser().resolve()
            path.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise Malformed(
                f"FRONTDESK_HOME is not valid: expected a directory ({reason})."
            ) from None
        if not text or not os.access(path, os.W_OK | os.X_OK):
            raise Malformed("FRONTDESK_HOME is not valid: expected a directory to write into.")
        return cls(path)

    def directory(self, name: str) -> Path:
        """Give a directory of the home that only its owner may read."""
        path = self.path / name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def log(self, name: str) -> Path:
        """Give the file that takes what a server says."""
        return self.directory("log") / f"{name}.log"

    def secret(self, name: str) -> str:
        """Give a random text, the same at every start."""
        path = self.path / name
        try:
            return path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            text = secrets.token_urlsafe(48)
            write_private(path, text + "\n")
            return text

    def port(self, name: str) -> int:
        """Give a free port, the same as at the last start where it is still free."""
        path = self.path / "ports.json"
        try:
            ports = dict(json.loads(path.read_text(encoding="ascii")))
        except (FileNotFoundError, ValueError, TypeError):
            ports = {}
        remembered = ports.get(name)
        if not isinstance(remembered, int) or not is_free(LOCALHOST, remembered):
            taken = set(ports.values())
            remembered = next(
                port
                for port in iter(lambda: secrets.choice(_PORTS), None)
                if port not in taken and is_free(LOCALHOST, port)
            )
            write_private(path, json.dumps({**ports, name: remembered}) + "\n")
        return remembered

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other instances out of this home while the block runs.

        Raises StartRefused.
        """
        # The system lets go of the lock when the process ends, however it ends; and as the
        # file is not inherited, no child of a killed run can hold on to it.
        with (self.path / "lock").open("a+", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise StartRefused(
                    f"another instance runs in {self.path} (process {file.read().strip()});"
                    " for a second one set FRONTDESK_HOME and PORT."
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600, exist_ok=False)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def why_taken(host: str, port: int) -> str | None:
    """Say why a port cannot be listened to; None if it can.

    Raises socket.gaierror when there is no such host.
    """
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    try:
        for family, kind, protocol, _, address in addresses:
            with socket.socket(family, kind, protocol) as probe:
                # Connections of the last run that are still being forgotten do not count.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                probe.listen(1)
    except OSError as error:
        return error.strerror or str(error)
    return None


def is_free(host: str, port: int) -> bool:
    """Say whether a port can be listened to."""
    return why_taken(host, port) is None
