"""`/tickets/report` on a large table: each chart of four weeks and of a year, beside a walk over the whole table."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core import calendar, clock, keys
from app.core.db import db, new_id
from app.core.policy import SYSTEM
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.hospitals.models import Hospital
from app.tickets.models import SlaClock, Ticket
from app.tickets.reports import charts, figures
from app.tickets.reports.figures import Span
from app.ui.period import read_period
from bench import copies
from bench.portals import portal
from bench.registry import Run, bench

MADE = 20_000  # row by row; the rest are copies of that world, made by the database
YEARS = 4  # over which reports are spread
OPEN_SHARE = 0.027  # as in reference/dispatch.md 9
METRICS = ("first_touch", "response", "dispatch", "resolution")
MODELS = ("CV-290", "GIF-H290", "CF-HQ290", "PCF-H290", "BF-1T290", "TJF-Q290", "CLV-290", "OEV-262")
FAULTS = ("leak", "image", "angulation", "channel", "light", "")
SHARED = frozenset({("ticket", "subject_id"), ("ticket", "hospital_id")})


@bench("report")
def report(run: Run) -> None:
    """Every chart of the tickets' report at 28 and 366 days, against one plain walk over the table."""
    for database in run.databases:
        for size in run.sizes:
            with portal(database.url) as app:
                began = time.monotonic()
                fill(app, size)
                run.line(f"  {database.name}: {size:,} tickets with {len(METRICS)} clocks each, {_since(began):.0f} s")
                with app.test_request_context("/tickets/report"):
                    walk = _timed(lambda: db.session.scalar(sa.select(sa.func.count()).where(Ticket.cycle > 3)))
                    run.line(f"    the whole table, a count with a filter  {walk:8.1f} ms")
                    for days in (28, 366):
                        _charts(run, days, walk)


def _charts(run: Run, days: int, walk: float) -> None:
    now = clock.today()
    period, _refusal = read_period({"from": str(now - timedelta(days=days - 1)), "to": str(now)})
    span, whole = Span(*period.instants()), 0.0
    came = sum(figures.arrivals(SYSTEM, span).values())
    for key in charts.ALL:
        took = _timed(lambda key=key: charts.draw(key, SYSTEM, period, span))  # type: ignore[misc]
        whole += took
        run.line(f"    {days:>3} days, {came:>9,} reports   {key:<8} {took:8.1f} ms")
    run.line(f"    {days:>3} days   all charts {whole:8.1f} ms   × {whole / walk:.2f} of the walk")


def _timed(read: Callable[[], Any], times: int = 3) -> float:
    """Milliseconds, the best of a few: the machine is shared."""
    found = []
    for _n in range(times):
        began = time.perf_counter()
        read()
        found.append((time.perf_counter() - began) * 1e3)
        db.session.rollback()
    return min(found)


def _since(began: float) -> float:
    return time.monotonic() - began


def fill(app: Portal, count: int, seed: int = 5) -> None:
    """Tickets of `YEARS` years with stopped clocks, a few open ones; every device is reported twice."""
    made = min(count, MADE)
    with app.app_context():
        with unit_of_work():
            calendar.seed()
            subject, hospital = keys.new_subject(), new_id()
            named = {"code": "B", "name": "样例", "name_key": "样例", "aliases": [], "city": "", "active": True}
            db.session.execute(sa.insert(Hospital), [{"id": hospital, "province": "31", **named}])
        rng, rows = random.Random(seed), []
        for n in range(made):
            rows.append(_ticket(rng, n, subject, hospital))
        for start in range(0, made, 5_000):
            some = rows[start : start + 5_000]
            with unit_of_work():
                db.session.execute(sa.insert(Ticket), some)
                db.session.execute(sa.insert(SlaClock), [c for row in some for c in _clocks(rng, row)])
        copies.worlds(count // made, (Ticket, SlaClock), SHARED)
        copies.settle()


def _ticket(rng: random.Random, n: int, subject: Any, hospital: Any) -> dict[str, Any]:
    at = clock.now() - timedelta(minutes=rng.randrange(YEARS * 365 * 1440))
    number = f"TKT-B{n:012d}"
    open_ = rng.random() < OPEN_SHARE
    return {
        "id": new_id(), "number": number, "subject_id": subject, "source": "phone", "hospital_id": hospital,
        "province": "31", "device_model": rng.choice(MODELS), "serial_number": number[5:10] + number[13:17],
        "status": "to_dispatch" if open_ else "closed", "version": 2, "opened_at": at, "changed_at": at,
        "due_at": at + timedelta(days=3), "priority": rng.choice(("p1", "p2", "p3", "p4")),
        "fault_class": rng.choice(FAULTS),
    }  # fmt: skip


def _clocks(rng: random.Random, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    going = row["status"] != "closed"
    for n, metric in enumerate(METRICS, start=1):
        stopped = None if going else row["opened_at"] + timedelta(hours=4 * n)
        yield {
            "id": new_id(), "ticket_id": row["id"], "cycle": 1, "metric": metric, "policy_version": 1,
            "budget_seconds": 3600, "started_at": row["opened_at"], "due_at": row["opened_at"] + timedelta(days=3),
            "stopped_at": stopped, "used_seconds": None if going else 1,
            "outcome": "" if going else rng.choice(("in_time", "in_time", "late")),
        }  # fmt: skip
