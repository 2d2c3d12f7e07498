"""A supervisor with programs that do nothing: `python -m tests.local.dummies DIRECTORY`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from config.local.leftovers import Roll
from config.local.programs import Program, Stage
from config.local.supervisor import Stopped, Supervisor

# Says its number, and when it is asked to end; a child of its own would outlive it.
_PATIENT = """
import os, signal, subprocess, sys
child = subprocess.Popen(["sleep", "600"])
def end(*_):
    print("is asked to end", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("runs as", os.getpid(), "with", child.pid, flush=True)
while True:
    signal.pause()
"""


def main(directory: Path) -> None:
    """Supervise until SIGTERM."""
    with (
        Supervisor(Roll(directory / "children.json")) as supervisor,
        supervisor.obeying_signals(),
    ):
        for name, stage in (("server", Stage.SERVER), ("application", Stage.APPLICATION)):
            program = Program(
                name=name,
                command=(sys.executable, "-S", "-c", _PATIENT),
                environment=dict(os.environ),
                stage=stage,
            )
            supervisor.start(program)
        supervisor.serve()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except Stopped:
        sys.stdout.write("ended\n")
