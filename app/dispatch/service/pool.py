"""The pool's "must leave by": what a waiting ticket has left before somebody must be on the way (reference 4.1)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock, jobs
from app.core.db import db
from app.dispatch.eligibility import Standing, Table, half_plans, load, way_of
from app.dispatch.models import PoolEntry
from app.tickets.models import Ticket
from app.tickets.workflow import Status

REFRESH = "dispatch.pool"
EVERY = timedelta(minutes=1)
STALE = timedelta(minutes=10)
BATCH = 100
HALVES = 6  # half days looked ahead for somebody who is free
AHEAD = timedelta(hours=1)  # nobody starts sooner than that after an offer


def refresh_due(limit: int = BATCH) -> int:
    """Reckon waiting tickets that have no entry, an old one, or one of another version; how many."""
    p, t, now = PoolEntry, Ticket, clock.now()
    fresh = sa.select(p.ticket_id).where(p.ticket_id == t.id, p.version == t.version, p.refreshed_at > now - STALE)
    query = sa.select(t).where(t.status == Status.TO_DISPATCH, ~fresh.exists()).order_by(t.due_at, t.id).limit(limit)
    rows = db.session.scalars(query).all()
    for row in rows:
        refresh(row, now)
    if rows:
        db.session.flush()
    return len(rows)


def sweep() -> int:
    """Entries of tickets that wait no more."""
    waits = sa.select(Ticket.id).where(Ticket.id == PoolEntry.ticket_id, Ticket.status == Status.TO_DISPATCH)
    done = sa.delete(PoolEntry).where(~waits.exists()).execution_options(synchronize_session=False)
    return int(db.session.execute(done).rowcount)  # type: ignore[attr-defined]


def refresh(row: Ticket, now: datetime) -> PoolEntry:
    """The entry of one ticket: the first half day in which anybody is eligible, and the best one in it."""
    found = load.job_of(row.id)
    table: Table | None = None
    for plan in half_plans(now + AHEAD, HALVES):
        table = load.table(found, plan, now)
        if not table.nobody:
            break
    best = table.best if table is not None else None
    entry = db.session.get(PoolEntry, row.id) or PoolEntry(ticket_id=row.id)
    entry.version, entry.refreshed_at = row.version, now
    entry.leave_by = leave_by(row, table, best, now)
    entry.best_name = best.candidate.name if best else ""
    entry.starts_at = table.plan.span.since if table is not None and best else None
    entry.way_known = best is None or way_of(found.job, best.candidate).hours is not None
    db.session.add(entry)
    return entry


def leave_by(row: Ticket, table: Table | None, best: Standing | None, now: datetime) -> datetime:
    """The latest moment to give it to somebody. With nobody eligible the way and the wait are not guessed."""
    if table is None:
        return row.due_at
    left = row.due_at - timedelta(hours=table.job.service_hours)
    if best is None:
        return left
    way = way_of(table.job, best.candidate).hours or 0.0
    return left - timedelta(hours=way) - max(timedelta(), table.plan.span.since - now)


def install() -> None:
    """Register the job and its rhythm."""

    @jobs.handler(REFRESH)
    def _refresh(_payload: dict[str, Any]) -> None:
        sweep()
        refresh_due()

    jobs.every(REFRESH, EVERY)
