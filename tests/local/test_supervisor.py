from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest

from config.local.environment import ROOT
from config.local.home import Home
from config.local.leftovers import Roll, is_alive, still_alive
from config.local.programs import Program
from config.local.refusals import StartRefused
from config.local.supervisor import Stopped, Supervisor

RUNS = re.compile(r"(server|application) *\| runs as (\d+) with (\d+)")


class Run:
    """A supervisor in a process of its own, and what it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []

    def read_until(self, *words: str) -> str:
        """Read on to the line that has all the words; the end of the output ends a test."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if all(word in line for word in words):
                return line
        raise AssertionError(f"no line with {words} in {self.lines}")

    def started(self) -> dict[str, list[psutil.Process]]:
        """Read on until both programs run; give them and their children."""
        found: dict[str, list[psutil.Process]] = {}
        while len(found) < 2:
            match = RUNS.search(self.read_until("runs as"))
            assert match is not None
            found[match[1]] = [psutil.Process(int(number)) for number in match.groups()[1:]]
        return found


@pytest.fixture
def run(home: Home) -> Iterator[Run]:
    command = [sys.executable, "-m", "tests.local.dummies", str(home.path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        yield Run(process)
        process.kill()


def all_end(processes: list[psutil.Process]) -> bool:
    return not still_alive(processes, patience=10)


def make_program(code: str, *, name: str = "program") -> Program:
    return Program(
        name=name,
        command=(sys.executable, "-I", "-S", "-c", code),
        environment=dict(os.environ),
    )


def words_of(output: io.StringIO) -> list[str]:
    """Give the lines without their time."""
    return [line[9:] for line in output.getvalue().splitlines()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything_the_applications_before_their_servers(
    run: Run, number: signal.Signals
) -> None:
    running = run.started()

    run.process.send_signal(number)

    run.read_until("application", "is asked to end")
    run.read_until("server", "is asked to end")
    run.read_until("ended")
    assert run.process.wait(timeout=10) == 0
    assert all_end([process for family in running.values() for process in family])


def test_what_dies_starts_again_and_leaves_no_child_behind(run: Run) -> None:
    first = run.started()["application"]

    first[0].kill()

    assert "application has ended (SIGKILL); it starts again in 0.5 s" in run.read_until(
        "has ended"
    )
    assert "application" in run.read_until("runs as")
    assert all_end(first)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_a_killed_supervisor_takes_its_programs_with_it(run: Run) -> None:
    running = run.started()

    run.process.kill()

    assert all_end([family[0] for family in running.values()])
    for family in running.values():
        family[1].kill()


def test_what_a_killed_run_has_left_is_ended_at_the_next_start(
    home: Home, supervisor: Supervisor
) -> None:
    # A supervisor that is no longer looking, on a system where its children outlive it.
    supervisor.start(make_program("import signal; signal.pause()"))
    roll_of_last_run = home.path / "children.json"
    ((pid, _, _),) = json.loads(roll_of_last_run.read_text(encoding="ascii"))
    last = psutil.Process(pid)

    Roll(roll_of_last_run).end_leftovers()

    assert not is_alive(last)
    assert not roll_of_last_run.exists()


def test_a_number_that_another_process_has_by_now_is_left_alone(home: Home) -> None:
    roll = home.path / "children.json"
    roll.write_text(f"[[{os.getpid()}, 1.0, {int(signal.SIGKILL)}]]", encoding="ascii")

    Roll(roll).end_leftovers()

    assert not roll.exists()


def test_the_joint_log_has_every_line_under_its_name(
    supervisor: Supervisor, output: io.StringIO
) -> None:
    code = "import sys; print('one\\ntwo'); sys.stdout.write('no end'); sys.stderr.write('oh\\n')"

    status = supervisor.run(make_program(code, name="talker"))

    assert status == 0
    assert sorted(words_of(output)) == [
        "talker    | no end",
        "talker    | oh",
        "talker    | one",
        "talker    | two",
    ]


def test_an_answer_is_kept_apart_from_the_log(
    supervisor: Supervisor, output: io.StringIO, home: Home
) -> None:
    program = make_program("import sys; print('{}'); sys.stderr.write('careful\\n')")
    answer = home.path / "answer"

    supervisor.run(replace(program, answer=answer))

    assert answer.read_text(encoding="utf-8") == "{}\n"
    assert words_of(output) == ["program   | careful"]


def test_the_status_of_what_runs_once_is_its_own(supervisor: Supervisor) -> None:
    assert supervisor.run(make_program("import sys; sys.exit(3)")) == 3


def test_what_keeps_dying_pauses_longer_each_time_and_ends_a_start_that_waits_for_it(
    supervisor: Supervisor, output: io.StringIO, home: Home
) -> None:
    code = "import sys; sys.exit('no place to live')"
    program = replace(make_program(code, name="server"), output=home.path / "log")

    with pytest.raises(StartRefused, match="server does not start: no place to live"):
        supervisor.start_and_wait(program, is_ready=lambda: False)

    pauses = [re.findall(r"again in ([0-9.]+) s", line)[0] for line in words_of(output)]
    assert pauses == ["0.5", "1", "2", "4"]


def test_an_output_that_nobody_reads_any_more_ends_the_run(home: Home) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    with Supervisor(Roll(home.path / "children.json"), output=Closed()) as supervisor:
        supervisor.start(make_program("import signal; print('hello', flush=True); signal.pause()"))
        with pytest.raises(Stopped):
            supervisor.serve()
