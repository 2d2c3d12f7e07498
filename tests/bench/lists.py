"""Rows 1 to 3, 6 and 7: the list of appointments, at two sizes of the table."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from tests.bench.databases import Sized, connected, sized
from tests.bench.load import Case, Requests, compare, middle, ratio
from tests.bench.servers import OURS, PEERS, Wanted, running
from tests.bench.statements import Statement, cost_of, recorded
from tests.bench.table import Options, Row

LIST = "/api/v2/appointments/"
SMALL = 100_000
_WINDOW = timedelta(days=7)


def big(options: Options) -> int:
    """Give the size that growth is measured at."""
    return 5_000_000 if options.is_full else 2_000_000


def windows(data: Sized, count: int = 2_000) -> list[tuple[str, datetime, datetime]]:
    """Give weeks of agents around the moment when the data was made, the same at any size."""
    chance = random.Random(7)
    day = data.made_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    firsts = [day + timedelta(days=chance.randrange(-20, 2)) for _ in range(count)]
    return [(str(chance.choice(data.agent_ids)), first, first + _WINDOW) for first in firsts]


def our_requests(data: Sized) -> Requests:
    """Give our list's requests for those weeks."""
    paths = [
        f"{LIST}?" + urlencode({"agentId": agent, "range": f"{_wire(first)},{_wire(last)}"})
        for agent, first, last in windows(data)
    ]
    with connected(data.name):
        return Requests(paths=paths, headers={"Authorization": f"Bearer {data.token()}"})


def peer_requests(data: Sized, path: str) -> Requests:
    """Give the same requests as a peer understands them."""
    return Requests(
        paths=[
            f"{path}?"
            + urlencode(
                {
                    "organization": data.organization_id,
                    "agent": agent,
                    "first": first.isoformat(),
                    "last": last.isoformat(),
                }
            )
            for agent, first, last in windows(data)
        ]
    )


def _wire(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def client_of(data: Sized) -> Client:
    """Give a client inside this process, with the token of the supervisor."""
    return Client(headers={"Authorization": f"Bearer {data.token()}"}, SERVER_NAME="127.0.0.1")


def statements_of(data: Sized, method: str, path: str, **body: Any) -> list[Statement]:
    """Give the statements of one request, without those that open a transaction."""
    with connected(data.name):
        client = client_of(data)
        client.get(f"{LIST}?pageSize=1")
        with recorded() as found:
            answer = client.generic(method, path, **body)
        assert answer.status_code == 200, answer.content
    return found


# --- 1: side by side --------------------------------------------------------------------------


def measure_list(options: Options) -> Iterator[Row]:
    """Compare our list with the bare view and with the plain way."""
    data = sized(SMALL)
    wanted = [Wanted("ours", data.name, *OURS), Wanted("peers", data.name, *PEERS)]
    with running(*wanted) as servers:
        samples = compare(
            {
                "ours": Case(server=servers["ours"], requests=[our_requests(data)]),
                "bare": Case(server=servers["peers"], requests=[peer_requests(data, "/bare/")]),
                "plain": Case(
                    server=servers["peers"],
                    requests=[peer_requests(data, "/plain/appointments/")],
                ),
            },
            rounds=options.rounds,
            seconds=options.seconds,
        )
    ours, bare, plain = samples["ours"], samples["bare"], samples["plain"]
    cpu = {name: middle(each, "cpu_ms") for name, each in samples.items()}
    postgres = {name: middle(each, "postgres_ms") for name, each in samples.items()}
    to_bare, to_plain = ratio(ours, bare), ratio(ours, plain)
    yield Row(
        number=1,
        name="list",
        what="25 of 100,000 with participants, JWT, to a bare view with the same SQL",
        target="≥ 60 % of its requests a second",
        figure=f"{to_bare:.0%}: {middle(ours, 'per_second'):,.0f}/s to"
        f" {middle(bare, 'per_second'):,.0f}/s",
        is_met=to_bare >= 0.6,
    )
    yield Row(
        number=1,
        name="list",
        what="the same to a plain ModelViewSet",
        target="≥ 5 ×",
        figure=f"{to_plain:.1f} ×: {middle(plain, 'per_second'):,.0f}/s,"
        f" {cpu['plain'] / cpu['ours']:.1f} × its CPU",
        is_met=to_plain >= 5,
    )
    yield Row(
        number=1,
        name="list",
        what="CPU-ms a request in the web process (and in PostgreSQL)",
        target="≤ 0.9",
        figure=", ".join(f"{name} {cpu[name]:.2f} ({postgres[name]:.2f})" for name in samples),
        is_met=cpu["ours"] <= 0.9,
    )


# --- 2: statements ----------------------------------------------------------------------------


def measure_statements(_options: Options) -> Iterator[Row]:
    """Count the statements of a list page at two sizes, and of a detail."""
    data = sized(SMALL)
    paths = our_requests(data).paths
    counts = {
        size: len(statements_of(data, "GET", f"{paths[0]}&pageSize={size}")) - 1
        for size in (1, 25, 100)
    }
    yield Row(
        number=2,
        name="list",
        what="statements besides the user row, at page sizes 1, 25, 100",
        target="≤ 2",
        figure=", ".join(str(count) for count in counts.values()),
        is_met=max(counts.values()) <= 2,
    )
    with connected(data.name):
        one = client_of(data).get(paths[0]).json()
    detail = len(statements_of(data, "GET", f"{LIST}{one['content'][0]['id']}")) - 1
    yield Row(
        number=2,
        name="detail",
        what="statements besides the user row",
        target="≤ 2",
        figure=str(detail),
        is_met=detail <= 2,
    )


# --- 3: growth --------------------------------------------------------------------------------


def measure_growth(options: Options) -> Iterator[Row]:
    """Compare the same window in a small and in a big table."""
    small, large = sized(SMALL), sized(big(options))
    with running(Wanted("small", small.name, *OURS), Wanted("large", large.name, *OURS)) as servers:
        samples = compare(
            {
                name: Case(server=servers[name], requests=[our_requests(data)])
                for name, data in (("small", small), ("large", large))
            },
            rounds=options.rounds,
            seconds=options.seconds,
        )
    growth = ratio(samples["small"], samples["large"])
    database = ratio(samples["large"], samples["small"], "postgres_ms") if _is_local(samples) else 0
    yield Row(
        number=3,
        name="list",
        what=f"time of row 1 from {SMALL:,} to {large.appointments:,} appointments",
        target="≤ 1.2 ×",
        figure=f"{growth:.2f} × the time, {database:.2f} × the CPU of PostgreSQL",
        is_met=growth <= 1.2,
    )
    agent, first, last = windows(large)[0]
    period = {"range": f"{_wire(first)},{_wire(last)}"}
    for whose, query in (("the organisation", period), ("an agent", {"agentId": agent, **period})):
        found = statements_of(large, "GET", f"{LIST}?{urlencode(query)}")[1:]
        with connected(large.name):
            blocks = sum(cost_of(statement).blocks for statement in found)
        yield Row(
            number=3,
            name="list",
            what=f"blocks of 25 of {whose} in a week and their total, at {large.appointments:,}",
            target="≤ 140",
            figure=f"{blocks}",
            is_met=blocks <= 140,
        )


def _is_local(samples: dict[str, Any]) -> bool:
    return all(sample.postgres_ms > 0 for each in samples.values() for sample in each)


# --- 6 and 7: totals and deep pages -------------------------------------------------------------


def measure_totals(options: Options) -> Iterator[Row]:
    """Time the exact total of everything and of a range of days, and a page in the middle."""
    data = sized(big(options))
    day = data.made_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    periods = {
        "everything": None,
        "90 days": (day - timedelta(days=60), day + timedelta(days=30)),
        "90 days that begin at 23:00": (
            day - timedelta(days=60, hours=1),
            day + timedelta(days=30, hours=-1),
        ),
    }
    for what, period in periods.items():
        narrowing = {"range": ",".join(map(_wire, period))} if period else {}
        query = {"pageSize": 1, **narrowing}
        found = statements_of(data, "GET", f"{LIST}?{urlencode(query)}")[1:]
        with connected(data.name):
            spent = sum(cost_of(statement).milliseconds for statement in found)
            counted = cost_of(_counting(data, period), rounds=3).milliseconds
        yield Row(
            number=6,
            name="total",
            what=f"exact total of {what} and a page of 1, in PostgreSQL",
            target="≤ 2 ms",
            figure=f"{spent:.2f} ms; count(*) {counted:,.0f} ms",
            is_met=spent <= 2,
        )
    for order in ("asc", "desc"):
        query = {"pageNumber": data.appointments // 50, "sortOrder": order}
        found = statements_of(data, "GET", f"{LIST}?{urlencode(query)}")[1:]
        with connected(data.name):
            spent = sum(cost_of(statement).milliseconds for statement in found)
        yield Row(
            number=7,
            name="page n/2",
            what=f"page {query['pageNumber']:,} by start, {order}, in PostgreSQL",
            target="≤ 20 ms",
            figure=f"{spent:.1f} ms",
            is_met=spent <= 20,
        )


def _counting(data: Sized, period: tuple[datetime, datetime] | None) -> Statement:
    first, last = period or (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
    return Statement(
        "SELECT count(*) FROM appointments_appointment WHERE organization_id = %s"
        " AND state <> 'CANCELLED' AND start BETWEEN %s AND %s AND \"end\" <= %s",
        [data.organization_id, first, last, last],
    )
