"""Compare what everyone should have been told with what the ledger holds."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from appointments.proving import Tally, count_appointments, prove
from config.kernel.time import format_instant, parse_duration, parse_instant
from notifications.services.proving import Finding, Kind, Scope, count_deliveries

# In one JSON object; without --json all are printed.
_LISTED_MOST = 10_000


class Command(BaseCommand):
    help = (
        "Compares what the planner says should exist for every appointment with what the ledger"
        " holds, and prints messages that are missing, double or late: appointment, type, channel,"
        " recipient, offset and when it was due. Messages that may have arrived twice after a crash"
        " are printed as repeated; nobody can know, and they are no fault. What cannot be judged"
        " any more (deleted appointments, settings and addresses that were changed since, purged"
        " history) is counted. Ends with status 1 when something is missing, double or late."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since",
            metavar="WHEN",
            help="only what happened since an instant (2027-01-31T19:05:00Z) or for so long (P8D)",
        )
        parser.add_argument("--organization", metavar="ID", help="only one organization")
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object with at most 10,000 findings"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        scope = Scope(
            since=_since(options["since"]), organization_id=_organization(options["organization"])
        )
        findings: list[dict[str, str | None]] = []

        def show(finding: Finding) -> None:
            if not options["json"]:
                self.stdout.write(_line(finding))
            elif len(findings) < _LISTED_MOST:
                findings.append(finding.to_json())

        began = time.monotonic()
        tally = self._prove(scope, show)
        if options["json"]:
            self.stdout.write(json.dumps({**_numbers(tally), "findings": findings}))
        else:
            self._sum_up(tally, time.monotonic() - began)
        if tally.faults:
            sys.exit(1)

    def _prove(self, scope: Scope, show: Any) -> Tally:
        if not sys.stderr.isatty():
            # Nobody watches: the totals that only a bar needs are not counted.
            return prove(scope, found=show)
        appointments = _Bar(self, "appointments", count_appointments(scope))
        messages = _Bar(self, "messages", count_deliveries(scope))
        return prove(scope, found=show, on_appointments=appointments.add, on_messages=messages.add)

    def _sum_up(self, tally: Tally, seconds: float) -> None:
        for reason, number in sorted(tally.not_judged.items()):
            if number:
                self.stdout.write(f"Not judged: {number:,} {reason}")
        found = ", ".join(f"{tally.found[kind]:,} {kind}" for kind in Kind)
        self.stdout.write(
            f"{tally.appointments:,} appointments, {tally.expected:,} messages expected,"
            f" {tally.followed:,} followed, in {seconds:.1f} s: {found}"
        )
        if tally.faults:
            self.stderr.write(self.style.ERROR("Not everyone was told once and in time."))
        else:
            self.stdout.write(self.style.SUCCESS("Everyone was told once and in time."))


class _Bar:
    """A bar with rate and time left."""

    def __init__(self, command: Command, what: str, count: int) -> None:
        self.command = command
        self.what = what
        self.count = max(count, 1)
        self.done = 0
        self.began = time.monotonic()

    def add(self, number: int) -> None:
        if not self.done:
            self.began = time.monotonic()
        self.done += number
        part = min(self.done / self.count, 1)
        rate = self.done / max(time.monotonic() - self.began, 0.001)
        left = max(self.count - self.done, 0) / rate
        line = f"[{'#' * int(30 * part):<30}] {self.done:,}/{self.count:,} {self.what}"
        line += f"  {rate:,.0f}/s  {left:,.0f} s left"
        self.command.stderr.write(f"\r{line:<90}", ending="\n" if part == 1 else "")


def _line(finding: Finding) -> str:
    due = format_instant(finding.due_at) if finding.due_at else "at once"
    offset = f" {finding.offset}" if finding.offset else ""
    note = f" ({finding.note})" if finding.note else ""
    return (
        f"{finding.kind}: appointment {finding.subject_id}: {finding.type}{offset} by"
        f" {finding.channel} to {finding.recipient_type} {finding.recipient_id}, due {due}{note}"
    )


def _numbers(tally: Tally) -> dict[str, object]:
    return {
        "appointments": tally.appointments,
        "expected": tally.expected,
        "followed": tally.followed,
        **{kind.value: tally.found[kind] for kind in Kind},
        "notJudged": {reason: number for reason, number in tally.not_judged.items() if number},
    }


def _since(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        if text.startswith("P"):
            return timezone.now() - parse_duration(text, most=None).value
        return parse_instant(text)
    except (ValueError, OverflowError) as error:
        raise CommandError(f"--since: {error}") from None


def _organization(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text is not None else None
    except ValueError:
        raise CommandError("--organization is the id of an organization.") from None
