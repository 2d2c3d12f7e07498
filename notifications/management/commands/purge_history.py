"""Take away what has become old."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections import Counter
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.kernel.time import parse_duration
from notifications.services.purging import Purged, preview, purge

_LEAST = timedelta(days=30)


_HELP = """
Takes away the history that is older than an age: notifications that are final,
with what they said and every step of their delivery; the events of
appointments; and addresses that mail came back from and that were not
confirmed since. A month in which nothing has to stay goes as a whole, all else
in batches.

What is still to be sent, and whatever belongs to an appointment that has not
ended, stays at any age. prove_notifications judges nothing from before.

Beat does this every night with HISTORY_KEPT. It can be ended at any time: the
next purge goes on where this one was.
"""


class Command(BaseCommand):
    help = _HELP

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Keep the lines of the help."""
        return super().create_parser(
            prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--older-than",
            metavar="AGE",
            help="an ISO 8601 duration such as P400D (default: HISTORY_KEPT)",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="only count what would be taken away"
        )
        parser.add_argument(
            "--force", action="store_true", help="take away what is younger than 30 days, too"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        age = _age(options["older_than"], is_forced=options["force"])
        try:
            before = timezone.now() - age
        except OverflowError:
            raise CommandError("--older-than: nothing is as old as that.") from None
        if options["dry_run"]:
            self._say("Would be taken away", preview(before=before))
            return
        progress = Counter[str]()

        def show(what: str, count: int) -> None:
            progress[what] += count
            if sys.stderr.isatty():
                self.stderr.write(f"\r{what}: {progress[what]:,}".ljust(79), ending="")

        purged = purge(before=before, on_progress=show)
        if sys.stderr.isatty():
            self.stderr.write("")
        self._say("Taken away", purged)

    def _say(self, what: str, purged: Purged) -> None:
        self.stdout.write(
            self.style.SUCCESS(
                f"{what}: {purged.notifications:,} notifications, {purged.events:,} steps,"
                f" {purged.outbox_events:,} events, {purged.undeliverables:,} undeliverable"
                f" addresses, {purged.partitions} whole partitions"
            )
        )


def _age(text: str | None, *, is_forced: bool) -> timedelta:
    if text is None:
        age: timedelta = settings.NOTIFICATIONS_HISTORY_KEPT
    else:
        try:
            age = parse_duration(text, most=None).value
        except ValueError as error:
            raise CommandError(f"--older-than: {error}") from None
    if age < _LEAST and not is_forced:
        raise CommandError("--older-than is at least P30D; --force takes away younger history.")
    return age
