"""Gate 5: random requests to the real web server, over the whole contract.

They are made as `tests/contract/test_fuzz.py` makes them, but over HTTP, and what they do stays.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import requests
from django.http import HttpResponse
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from notifications.models import Notification
from tests.bench.progress import say
from tests.contract.client import UNSET, check_operation
from tests.contract.contract import Operation
from tests.contract.hostile import UNREADABLE
from tests.contract.samples import SAMPLES, Side, booking, make_side, slots
from tests.contract.test_fuzz import FUZZED, cases, keep_one_member, name_what_exists
from tests.gates.bookings import APPOINTMENTS
from tests.gates.http import NOTHING, Web
from tests.gates.stage import Stage
from tests.gates.verdict import Check, Size, counted

_RENEW_SECONDS = 300.0


def drill(stage: Stage, size: Size) -> Sequence[Check]:
    """Send so many requests, the operations in turns."""
    # Whoever guesses from one address is soon refused for a while: ours come from everywhere.
    web = stage.start_web(TRUSTED_PROXIES="1")
    fuzzer = _Fuzzer(web, stage.house.home.log("fuzz-findings"))
    began = time.monotonic()
    while fuzzer.count < size.requests:
        each = (size.requests - fuzzer.count) // len(FUZZED) + 1
        for operation in FUZZED:
            fuzzer.send_unreadable(operation)
            fuzzer.send(operation, each)
            rate = fuzzer.count / (time.monotonic() - began)
            say(f"fuzz: {fuzzer.count:,} sent, {rate:.0f}/s, {len(fuzzer.found)} findings")
    statuses = fuzzer.statuses
    return [
        Check(f"{fuzzer.count:,} requests to {len(FUZZED)} operations: {counted(statuses)}"),
        Check(f"{statuses[500]} × 500", not statuses[500]),
        Check(
            f"{len(fuzzer.found)} kinds of findings{': ' if fuzzer.found else ''}"
            f"{'; '.join(sorted(fuzzer.found)[:3])}",
            not fuzzer.found,
        ),
        # Refused at the door, a request shows nothing of what is behind it.
        Check(f"{statuses[429]} throttled", statuses[429] * 50 <= fuzzer.count),
    ]


class _Fuzzer:
    """Sends, and writes down every answer that nobody has promised."""

    def __init__(self, web: Web, log: Path) -> None:
        self.count = 0
        self.statuses: Counter[int] = Counter()
        # The first of each kind, as a command that repeats it.
        self.found: dict[str, str] = {}
        self._web = web
        self._log = log
        self._session = requests.Session()
        self._session.trust_env = False
        self._dice = random.Random()
        self._renew()

    def send(self, operation: Operation, times: int) -> None:
        """Send requests to one operation, at most so many."""

        @settings(
            max_examples=times,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases(operation), which=st.integers(-6, 11))
        def one(case: Any, which: int) -> None:
            if which >= 0:
                keep_one_member(case, operation, self._side, which)
            elif which % 3:
                name_what_exists(case, operation, self._side)
            self._send(case, operation)

        one()

    def send_unreadable(self, operation: Operation) -> None:
        """Send bodies that are no JSON, or more than one."""
        if operation.id not in SAMPLES or not operation.request:
            return
        for name, spoiled in UNREADABLE.items():
            sample = SAMPLES[operation.id](self._side)
            body = spoiled(json.dumps(sample.json).encode() if sample.json is not UNSET else b"{}")
            headers = self._headers(operation)
            path = operation.url(**sample.path)
            self.count += 1
            answer = self._web.send(operation.method, path, body, headers)
            if answer.status == NOTHING:
                self._note(operation, f"no answer to “{name}”", partial(str, path))
                continue
            promised = HttpResponse(answer.body, status=answer.status, headers=answer.headers)
            self._judge(operation, promised, partial(str, f"{path} with “{name}”"))

    def _send(self, case: Any, operation: Operation) -> None:
        self.count += 1
        try:
            response = case.call(
                base_url=f"http://127.0.0.1:{self._web.port}",
                session=self._session,
                headers=self._headers(operation),
                timeout=30,
            )
        except requests.RequestException as error:
            self._note(operation, f"{type(error).__name__}: {error}", case.as_curl_command)
            return
        named = {name: ", ".join(values) for name, values in response.headers.items()}
        answer = HttpResponse(response.content, status=response.status_code, headers=named)
        self._judge(operation, answer, case.as_curl_command)

    def _judge(
        self, operation: Operation, answer: HttpResponse, command: Callable[[], str]
    ) -> None:
        status = answer.status_code
        self.statuses[status] += 1
        try:
            check_operation(operation, answer)
            assert status < 500, f"{operation.id} is answered {status}"
        except AssertionError as finding:
            self._note(operation, str(finding), command)
        is_named = {("path", "id"), ("json", "id")} & set(slots(operation))
        if is_named and operation.method != "GET" and status < 300:
            self._book_again()

    def _note(self, operation: Operation, text: str, command: Callable[[], str]) -> None:
        kind = f"{operation.id}: {text[:120]}"
        if kind not in self.found:
            self.found[kind] = text
            with self._log.open("a") as file:
                file.write(f"{text[:500]}\n{command()}\n\n")

    def _headers(self, operation: Operation) -> dict[str, str]:
        network = f"{self._dice.randrange(256)}.{self._dice.randrange(256)}"
        return {**self._proof(operation), "X-Forwarded-For": f"203.0.{network}"}

    def _proof(self, operation: Operation) -> dict[str, str]:
        if time.monotonic() > self._renewed_at + _RENEW_SECONDS:
            self._renew()
        role = self._dice.choice(operation.roles) if operation.roles else ""
        if not role or role == "OTP":
            return self._side.headers(role) if role else {}
        if role not in self._proofs:
            self._proofs[role] = self._side.headers(role)
        return self._proofs[role]

    def _renew(self) -> None:
        """Have another organisation, whose tokens are new too."""
        self._side: Side = make_side(f"Fuzzed {self.count}")
        self._proofs: dict[str, dict[str, str]] = {}
        self._renewed_at = time.monotonic()

    def _book_again(self) -> None:
        """Put an appointment in the place of one that is perhaps not what it was."""
        agent = Web(self._web.port, self._side.token("AGENT"))
        answer = agent.post(APPOINTMENTS, booking(self._side.application))
        assert answer.status == 200, answer.body
        booked = answer.json()
        customer = next(each for each in booked["participants"] if each["type"] == "CUSTOMER")
        notification = Notification.objects.filter(subject_id=booked["id"])[0]
        self._side = replace(
            self._side,
            appointment_id=booked["id"],
            customer_id=customer["id"],
            notification_id=str(notification.id),
        )
        self._proofs.pop("CUSTOMER", None)
