"""`/tickets/report` on a large table: each chart of four weeks and of a year, from the rows and from sums by day."""

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
from app.hospitals.span import Span
from app.tickets.models import SlaClock, StaleDay, Ticket
from app.tickets.reports import charts, sums
from app.tickets.service import daily
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
    """Every chart of the tickets' report at 28 and 366 days: from the rows, then from the worker's sums by day."""
    for database in run.databases:
        for size in run.sizes:
            with portal(database.url) as app:
                began = time.monotonic()
                fill(app, size)
                run.line(f"  {database.name}: {size:,} tickets with {len(METRICS)} clocks each, {_since(began):.0f} s")
                with app.test_request_context("/tickets/report"):
                    rows = {days: _charts(days) for days in (28, 366)}  # no day is summed yet
                    began = time.monotonic()
                    summed = daily.sum_all_stale()
                    run.line(f"    {summed:,} days summed for the first time, {_since(began):.0f} s")
                    for days, before in rows.items():
                        _compare(run, days, before, _charts(days))
                    run.line(f"    one day summed again {_again():8.1f} ms")


def _charts(days: int) -> dict[str, float]:
    """Milliseconds per chart of a period that ends today."""
    now = clock.today()
    period, _refusal = read_period({"from": str(now - timedelta(days=days - 1)), "to": str(now)})
    found = sums.days(Span(*period.instants()))
    return {key: _timed(lambda key=key: charts.draw(key, SYSTEM, period, found)) for key in charts.ALL}  # type: ignore[misc]


def _compare(run: Run, days: int, before: dict[str, float], after: dict[str, float]) -> None:
    for key, rows in before.items():
        run.line(
            f"    {days:>3} days   {key:<8} rows {rows:9.1f} ms   sums {after[key]:8.1f} ms   × {after[key] / rows:.3f}"
        )
    whole, now = sum(before.values()), sum(after.values())
    run.line(f"    {days:>3} days   all      rows {whole:9.1f} ms   sums {now:8.1f} ms   × {now / whole:.3f}")


def _again() -> float:
    """What the worker does about one day that changed: yesterday."""
    with unit_of_work():
        db.session.add(StaleDay(day=clock.today() - timedelta(days=1)))
    began = time.perf_counter()
    daily.sum_all_stale()
    return (time.perf_counter() - began) * 1e3


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
        with unit_of_work():
            daily.name_all()
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
