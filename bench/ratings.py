"""`/satisfaction/report` beside the raw aggregates that it stands for, and what keeping its sums costs."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock, keys
from app.core.db import db, new_id
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.hospitals.models import Hospital
from app.hospitals.provinces import PROVINCES
from app.satisfaction.models import FollowUp, RatedJob, RatingSum
from app.satisfaction.reports import raw
from app.satisfaction.service import sums
from app.satisfaction.sums import month_begins, month_of
from app.tickets.models import Ticket
from bench import copies
from bench.measure import Backends, block, request
from bench.portals import portal, sign_in
from bench.portals import statements as sent_by
from bench.registry import Database, Run, bench

ANSWERED, ASKED = 20_000, 25_000  # made one by one; the rest are copies of that world, made by the database
TICKETS, YEARS, ENGINEERS, CLOSED_HOURS = 100, 4, 500, 400
MODELS = ("CV-290", "GIF-H290", "CF-HQ290", "PCF-H290", "BF-1T290", "TJF-Q290", "CLV-290", "OEV-262")
PATH = "/satisfaction/report"
PAIRS = 5  # of a page and the raw side: one of those takes seconds
SHARED = frozenset({
    ("ticket", "subject_id"), ("ticket", "hospital_id"), ("rated_job", "hospital_id"), ("rated_job", "engineer_id"),
    ("rated_job", "subject_id"),
})  # fmt: skip


@bench("ratings")
def ratings(run: Run) -> None:
    """The satisfaction report of a year against raw aggregate SQL over its ratings, and the worker's upkeep of sums."""
    for database in run.databases:
        for size in run.sizes:
            with portal(database.url) as app:
                measure(run, database, app, max(size, ANSWERED))


def measure(run: Run, database: Database, app: Portal, size: int) -> None:
    fill(app, size, run.seed or 11)
    with app.app_context():
        began = time.process_time()
        with unit_of_work():
            sums.rebuild()
        rebuilt = time.process_time() - began
        with unit_of_work(write=False):
            wrong, kept = len(raw.differences()), db.session.scalar(sa.select(sa.func.count()).select_from(RatingSum))
        words = f"{kept:,} sums made in {rebuilt:.0f} s (CPU of this process), {wrong} differ from the ratings"
        run.line(f"  {database.name}: {size:,} ratings, {words}; one change counted anew in {_kept_up()}")
    _me, cookie = sign_in(app, "satisfaction_auditor", lead=True)
    url = app.extensions["settings"].database_url
    for name, asked in (("one aggregate", ONE), ("all groupings", ONE + GROUPED)):
        hand = Raw(app, asked)
        ours, theirs, ratio = compare(app, hand, cookie, url)
        hand.close()
        run.line(f"    page {ours:8.1f} ms   raw SQL, {name} {theirs:8.1f} ms   ratio {ratio:5.2f}   "
                 f"SQL {dict(sent_by(app, PATH, cookie))}")  # fmt: skip
    if not request(app, PATH, cookie)[1].count(f"{app_total(app):,}"):
        raise RuntimeError("the page does not show what was counted")


def compare(app: Any, hand: Any, cookie: str, url: str) -> tuple[float, float, float]:
    """Medians of `PAIRS` interleaved pairs after one of each: milliseconds of CPU of either side, and the ratio."""
    for side in (app, hand):
        request(side, PATH, cookie)
    backends = Backends(url)
    ours, theirs = [], []
    for _n in range(PAIRS):
        ours.append(block(app, [PATH], cookie, backends))
        theirs.append(block(hand, [PATH], cookie, backends))
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    return statistics.median(ours) * 1e3, statistics.median(theirs) * 1e3, ratio


def _kept_up() -> str:
    took = []
    for n in range(3):
        with unit_of_work():
            row = db.session.scalars(sa.select(RatedJob.id).where(RatedJob.score.is_not(None)).offset(n * 7).limit(1))
            db.session.execute(sa.update(RatedJob).where(RatedJob.id == row.one()).values(outcome="void"))
        began = time.perf_counter()
        with unit_of_work():
            sums.refresh()
        took.append(time.perf_counter() - began)
    return f"{min(took) * 1e3:.0f} ms"


def _year() -> tuple[Any, Any]:
    """The usual period of the page: from the first of a month eleven months ago to the end of today."""
    since = month_begins(month_of(clock.now()), -11)
    return since, clock.now() + timedelta(days=1)


def app_total(app: Portal) -> int:
    since, until = _year()
    with app.app_context():
        where = RatedJob.closed_at >= since, RatedJob.closed_at < until, raw.COUNTED
        return db.session.scalar(sa.select(sa.func.count()).where(*where)) or 0


_PERIOD = "FROM rated_job j WHERE j.closed_at >= {since} AND j.closed_at < {until} AND j.status <> 'withdrawn'"
_RATED = f"{_PERIOD} AND j.score IS NOT NULL AND j.outcome <> 'void'"
_GOOD = "sum(CASE WHEN j.score >= 4 THEN 1 ELSE 0 END), count(*), count(DISTINCT j.subject_id)"
ONE = (
    "SELECT count(*), sum(CASE WHEN j.message_key IS NOT NULL OR j.link_key IS NOT NULL THEN 1 ELSE 0 END), "
    "sum(CASE WHEN j.delivered_at IS NOT NULL THEN 1 ELSE 0 END), sum(CASE WHEN j.score IS NOT NULL AND j.outcome <> "
    f"'void' THEN 1 ELSE 0 END), sum(CASE WHEN j.score >= 4 AND j.outcome <> 'void' THEN 1 ELSE 0 END) {_PERIOD}",
)
GROUPED = (
    f"SELECT j.score, count(*) {_RATED} GROUP BY j.score",
    f"SELECT {{month}}, {_GOOD} {_RATED} GROUP BY 1",
    f"SELECT j.engineer_id, max(j.engineer_name), {_GOOD} {_RATED} GROUP BY j.engineer_id",
    f"SELECT j.job_kind, {_GOOD} {_RATED} GROUP BY j.job_kind",
    f"SELECT j.product, {_GOOD} {_RATED} GROUP BY j.product",
    f"SELECT {{hours}}, count(*) {_PERIOD.replace(' WHERE', ' JOIN follow_up f ON f.job_id = j.id WHERE')} GROUP BY 1",
    f"SELECT j.job_kind, {{long}}, count(j.message_key), count(*) {_PERIOD} GROUP BY 1, 2",
)
SQLITE = {
    "since": "?", "until": "?", "month": "substr(date(j.closed_at, '+8 hours'), 1, 7)",
    "hours": "(strftime('%s', f.finished_at) - strftime('%s', f.opened_at)) / 3600",
    "long": "julianday(j.closed_at) - julianday(j.opened_at) > 7",
}  # fmt: skip
POSTGRESQL = {
    "since": "%s", "until": "%s", "month": "to_char(j.closed_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM')",
    "hours": "trunc(extract(epoch FROM f.finished_at - f.opened_at) / 3600)",
    "long": "j.closed_at - j.opened_at > interval '7 days'",
}  # fmt: skip


class Raw:
    """The statements alone, on a connection of the driver, behind the same kind of call as the page."""

    def __init__(self, app: Portal, asked: Sequence[str]) -> None:
        with app.app_context():
            self.sqlite = db.engine.dialect.name == "sqlite"
            self.connection = db.engine.raw_connection()
        words = SQLITE if self.sqlite else POSTGRESQL
        self.asked = [statement.format(**words) for statement in asked]

    def __call__(self, _environ: Any, answer: Any) -> Iterator[bytes]:
        since, until = _year()
        if self.sqlite:
            since, until = (f"{at.astimezone(clock.UTC):%Y-%m-%d %H:%M:%S.%f}" for at in (since, until))
        cursor, rows = self.connection.cursor(), 0
        for statement in self.asked:
            cursor.execute(statement, (since, until))
            rows += len(cursor.fetchall())
        answer("200 OK", [])
        return iter([str(rows).encode()])

    def close(self) -> None:
        self.connection.close()


def fill(app: Portal, count: int, seed: int) -> None:
    """``count`` ratings and a quarter more invitations that nobody answered, over `YEARS` years, all provinces."""
    rng = random.Random(seed)
    with app.app_context():
        with unit_of_work():
            subject, hospital = keys.new_subject(), new_id()
            named = {"code": "B", "name": "样例", "name_key": "样例", "aliases": [], "city": "", "active": True}
            db.session.execute(sa.insert(Hospital), [{"id": hospital, "province": "31", **named}])
            tickets = [new_id() for _n in range(TICKETS)]
            db.session.execute(sa.insert(Ticket), [
                {"id": at, "number": f"TKT-B{n:012d}", "subject_id": subject, "hospital_id": hospital, **_closed()}
                for n, at in enumerate(tickets)
            ])  # fmt: skip
        engineers = [(new_id(), f"工程{n:03d}", PROVINCES[n % len(PROVINCES)].code) for n in range(ENGINEERS)]
        rows = [_job(rng, n, tickets, hospital, engineers) for n in range(ASKED)]
        for start in range(0, ASKED, 5_000):
            some = rows[start : start + 5_000]
            with unit_of_work():
                db.session.execute(sa.insert(RatedJob), some)
                if low := [_follow(rng, row) for row in some if (row["score"] or 5) < 3]:
                    db.session.execute(sa.insert(FollowUp), low)
        copies.worlds(count // ANSWERED, (Ticket, RatedJob, FollowUp), SHARED)
        with db.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")


def _closed() -> dict[str, Any]:
    now = clock.now()
    return {
        "source": "phone", "province": "31", "status": "closed", "opened_at": now, "changed_at": now, "due_at": now,
        "priority": "p3", "fault_class": "", "serial_number": "", "device_model": "",
    }  # fmt: skip


def _job(
    rng: random.Random, n: int, tickets: Sequence[Any], hospital: Any, engineers: Sequence[tuple[Any, str, str]]
) -> dict[str, Any]:
    closed = clock.now() - timedelta(minutes=rng.randrange(YEARS * 365 * 1440))
    who, name, province = rng.choice(engineers)
    score = rng.choices((5, 4, 3, 2, 1), (60, 26, 8, 4, 2))[0] if n < ANSWERED else None
    return {
        "id": new_id(), "ticket_id": tickets[n % TICKETS], "ticket_number": "TKT-B", "cycle": n // TICKETS + 1,
        "subject_id": new_id(), "status": "answered" if score else "expired", "invited_at": closed,
        "expires_at": closed + timedelta(days=14), "message_key": f"k{n}" if rng.random() < 0.95 else None,
        "delivered_at": closed if rng.random() < 0.9 else None, "closed_at": closed,
        "opened_at": closed - timedelta(hours=rng.randrange(4, CLOSED_HOURS)), "engineer_id": who,
        "engineer_name": name, "province": province, "hospital_id": hospital, "product": rng.choice(MODELS),
        "job_kind": rng.choice(("on_site", "collect", "depot")), "score": score,
        "answered_at": closed if score else None,
        "rating_version": 1 if score else 0, "rater_kind": "reporter" if score else "",
    }  # fmt: skip


def _follow(rng: random.Random, row: dict[str, Any]) -> dict[str, Any]:
    done = rng.random() < 0.98
    at = row["closed_at"]
    return {
        "id": new_id(), "job_id": row["id"], "status": "settled" if done else "open", "why": "low", "opened_at": at,
        "due_at": at + timedelta(days=1), "finished_at": at + timedelta(hours=rng.randrange(60)) if done else None,
    }  # fmt: skip
