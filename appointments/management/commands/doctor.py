"""Look the installation over."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from appointments.consistency import differences
from notifications.services import operations

# Beat and workers say every 30 seconds that they are at work.
_SILENT = timedelta(minutes=2)


class Command(BaseCommand):
    help = (
        "Looks the installation over: compares the totals of lists with the rows, and shows what"
        " is due, late, held or past its lease, and who has not been heard of. Ends with status 1"
        " when something is wrong."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        problems = [*self._derived(), *self._sending()]
        if problems:
            self.stderr.write(self.style.ERROR(f"{len(problems)} problems"))
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS("Everything is as it should be."))

    def _derived(self) -> list[str]:
        self.stdout.write("Totals and involvements …")
        found = [
            f"{one.what}: {one.where}: {one.is_now} instead of {one.should_be}"
            for one in differences()
        ]
        return self._shown(found)

    def _sending(self) -> list[str]:
        self.stdout.write("Sending …")
        state = operations(timezone.now())
        for queue in state.channels:
            self.stdout.write(
                f"  {queue.channel}: {queue.due} due, {queue.late} late, {queue.held} held,"
                f" {queue.past_lease} past lease, oldest {queue.oldest_due}"
            )
        late = [f"{queue.channel}: {queue.late} late" for queue in state.channels if queue.late]
        silent = [
            f"{name} was last seen {since} ago"
            for name, since in state.last_seen.items()
            if since > _SILENT
        ]
        if not state.last_seen:
            silent = ["no worker and no beat has been seen yet"]
        if abs(state.clock_difference) > timedelta(seconds=2):
            silent.append(f"this machine's clock differs by {state.clock_difference}")
        return self._shown([*late, *silent])

    def _shown(self, lines: list[str]) -> list[str]:
        for line in lines:
            self.stdout.write(self.style.WARNING(f"  {line}"))
        return lines
