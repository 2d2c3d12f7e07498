"""The receiver that docs/webhooks.md shows takes what we send, and refuses all else."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from config.kernel.secrets import unseal
from config.local.home import LOCALHOST, Home, is_free
from notifications.models import Status
from notifications.webhook_lane import deliver_due
from tests.notifications.hooks import make_event, make_hook
from tests.notifications.ledger import make_application
from tests.notifications.workers import ROOT, wait_until

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


def documented() -> str:
    """Give the one example of the document that listens."""
    text = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    [example] = [one for one in examples if "serve" in one]
    return str(example)


def test_the_receiver_of_the_document_takes_ours_and_nothing_unsigned(
    tmp_path: Path, settings: Settings
) -> None:
    settings.WEBHOOKS_ALLOW_PRIVATE_ADDRESSES = True
    port = Home.at(str(tmp_path)).port("receiver")
    hook = make_hook(make_application(), url=f"http://{LOCALHOST}:{port}/")
    secret = unseal(hook.secrets.get().sealed, purpose="signing-secret")
    one = make_event(hook, payload={"id": "A1"})
    program = tmp_path / "receiver.py"
    program.write_text(documented().replace("9000", str(port)), encoding="utf-8")

    with subprocess.Popen(
        [sys.executable, "-u", str(program)],
        env={**os.environ, "WEBHOOK_SECRET": secret},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        wait_until(lambda: not is_free(LOCALHOST, port))
        deliver_due()
        unsigned = http.client.HTTPConnection(LOCALHOST, port, timeout=10)
        unsigned.request("POST", "/", b"{}")
        status = unsigned.getresponse().status
        unsigned.close()
        process.kill()
        said = process.stdout.read() if process.stdout else ""

    one.refresh_from_db()
    assert (one.status, one.provider_status) == (Status.DELIVERED, "204")
    assert said == "UPDATE A1\n"
    assert status == 400
