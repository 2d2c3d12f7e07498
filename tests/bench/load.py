"""Requests, as many as a server takes: by `wrk` where there is one, else by a few threads."""

from __future__ import annotations

import http.client
import os
import random
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.bench.servers import Server, postgres_cpu

CONNECTIONS = 8


@dataclass(frozen=True, kw_only=True)
class Requests:
    """What is asked for: paths of GETs, or bodies of POSTs to one path, each used once."""

    paths: Sequence[str] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    post_to: str = ""
    bodies: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One round against one server."""

    per_second: float
    cpu_ms: float
    postgres_ms: float
    milliseconds: float


@dataclass(frozen=True, kw_only=True)
class Case:
    """One of the things that are compared."""

    server: Server
    requests: Sequence[Requests]

    def in_round(self, number: int) -> Requests:
        return self.requests[number % len(self.requests)]


def compare(cases: Mapping[str, Case], *, rounds: int, seconds: float) -> dict[str, list[Sample]]:
    """Ask all servers in turns, once to warm up and then in rounds; give the samples by case."""
    samples: dict[str, list[Sample]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, case in cases.items():
            sample = _sample(case.server, case.in_round(number), seconds if number else 1.0)
            if number:
                samples[name].append(sample)
    return samples


def middle(samples: Sequence[Sample], name: str) -> float:
    """Give the median of one of the figures."""
    return median(float(getattr(sample, name)) for sample in samples)


def ratio(ours: Sequence[Sample], theirs: Sequence[Sample], name: str = "per_second") -> float:
    """Give the median of the ratios within each round: what disturbed it disturbed both."""
    pairs = zip(ours, theirs, strict=True)
    return median(float(getattr(one, name) / getattr(other, name)) for one, other in pairs)


def _sample(server: Server, requests: Requests, seconds: float) -> Sample:
    cpu, postgres = server.cpu(), postgres_cpu(server.database)
    count, took, middle_ms = (_by_wrk if shutil.which("wrk") else _by_threads)(
        server, requests, seconds
    )
    after = postgres_cpu(server.database)
    database = after - postgres if after is not None and postgres is not None else 0.0
    return Sample(
        per_second=count / took,
        cpu_ms=(server.cpu() - cpu) / count * 1000,
        postgres_ms=database / count * 1000,
        milliseconds=middle_ms,
    )


_SCRIPT = """
local lines = {}
for line in io.lines(os.getenv("BENCH_LINES")) do lines[#lines + 1] = line end
local post_to, number = os.getenv("BENCH_POST_TO"), 0
request = function()
  number = number % #lines + 1
  if post_to ~= "" then return wrk.format("POST", post_to, nil, lines[number]) end
  return wrk.format("GET", lines[number])
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %d %f %f %d\\n", summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1000, e.status + e.connect + e.read + e.write + e.timeout))
end
"""


def _by_wrk(server: Server, requests: Requests, seconds: float) -> tuple[int, float, float]:
    with tempfile.TemporaryDirectory() as folder:
        script, lines = Path(folder, "requests.lua"), Path(folder, "lines")
        script.write_text(_SCRIPT)
        lines.write_text("".join(f"{line}\n" for line in requests.bodies or requests.paths))
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(round(seconds), 1)}s"]
        for name, value in requests.headers.items():
            command += ["-H", f"{name}: {value}"]
        done = subprocess.run(
            [*command, "-s", str(script), f"http://127.0.0.1:{server.port}"],
            env={**os.environ, "BENCH_LINES": str(lines), "BENCH_POST_TO": requests.post_to},
            capture_output=True,
            text=True,
            check=True,
        )
    found = re.search(r"RESULT (\d+) (\S+) (\S+) (\d+)", done.stdout)
    if found is None or int(found[1]) == 0 or int(found[4]):
        raise RuntimeError(f"{server.name} did not answer every request:\n{done.stdout}")
    return int(found[1]), float(found[2]), float(found[3])


def _by_threads(server: Server, requests: Requests, seconds: float) -> tuple[int, float, float]:
    begin = time.monotonic()
    times: list[float] = []
    lines = iter(requests.bodies or random.sample(requests.paths, len(requests.paths)))
    lock = threading.Lock()

    def ask() -> None:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        while time.monotonic() - begin < seconds:
            with lock:
                line = next(lines, "")
            if not line:
                return
            began = time.monotonic()
            method, path = ("POST", requests.post_to) if requests.bodies else ("GET", line)
            body = line if requests.bodies else None
            client.request(method, path, body=body, headers=dict(requests.headers))
            answer = client.getresponse()
            answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"{server.name} answered {answer.status} to {path}")
            times.append((time.monotonic() - began) * 1000)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(times), time.monotonic() - begin, median(times)
