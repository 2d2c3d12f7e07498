"""The public libraries that receivers verify our webhooks with, behind one question."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A request as it came in."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a library has accepted a request, and as what it has read it."""

    is_accepted: bool
    read: Any = field(default=None, compare=False)


Verifier = Callable[[Signed, str], Verdict]


def by_python(request: Signed, secret: str) -> Verdict:
    """Ask the library of PyPI."""
    try:
        read = Webhook(secret).verify(request.body, dict(request.headers))
    except WebhookVerificationError:
        return Verdict(is_accepted=False)
    return Verdict(is_accepted=True, read=read)


@dataclass(frozen=True)
class ByNode:
    """Asks the library of npm, in one process for all questions."""

    process: subprocess.Popen[str]

    @classmethod
    def started(cls, folder: Path) -> ByNode:
        """Start it in the directory that has its packages."""
        command = [shutil.which("node") or "node", "verify.mjs"]
        return cls(
            subprocess.Popen(
                command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        )

    def __call__(self, request: Signed, secret: str) -> Verdict:
        """Ask whether a request is accepted with a secret."""
        question = {
            "secret": secret,
            "body": base64.b64encode(request.body).decode(),
            "headers": dict(request.headers),
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps(question)}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return Verdict(is_accepted=answer["accepted"], read=answer.get("read"))

    def end(self) -> None:
        """End the process."""
        self.process.communicate(timeout=10)
