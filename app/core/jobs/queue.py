"""Enqueue, claim, finish: the statements on the job table. All run in the caller's unit of work."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.core import clock, unit_of_work
from app.core.db import db, new_id
from app.core.jobs.models import READY_ONLY, Job, JobPeriod, JobState

Handler = Callable[[dict[str, Any]], None]
MAX_ATTEMPTS = 8
LEASE = timedelta(minutes=5)
FIRST_RETRY = timedelta(seconds=10)
LONGEST_RETRY = timedelta(hours=1)
KEEP_DONE = timedelta(days=7)
CLEANUP_BATCH = 5_000

wake = threading.Event()  # set after a commit that enqueued something, for a worker in the same process


@dataclass(frozen=True, slots=True)
class Kind:
    """A handler and its manners. ``outside``: it keeps its own units of work, and may run again after a kill.

    ``lane``: the workers that take it; those of `flask worker` have the unnamed one.
    """

    run: Handler
    outside: bool
    lease: timedelta
    max_attempts: int
    lane: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job in our hands until its lease ends."""

    id: uuid.UUID
    kind: str
    payload: dict[str, Any]
    attempts: int
    token: str


kinds: dict[str, Kind] = {}
periods: dict[str, timedelta] = {}


def handler(
    kind: str,
    *,
    outside: bool = False,
    lease: timedelta = LEASE,
    max_attempts: int = MAX_ATTEMPTS,
    lane: str = "",
) -> Callable[[Handler], Handler]:
    """Register what runs jobs of ``kind``.

    Normally it runs inside one unit of work that also records the completion, so its effects in the database happen
    exactly once. With ``outside=True`` it runs outside of any (network, large files), opens its own and must bear
    being run again after a kill. Jobs of a named ``lane`` wait for a worker of that lane, and for no other.
    """

    def register(run: Handler) -> Handler:
        kinds[kind] = Kind(run, outside, lease, max_attempts, lane)
        return run

    return register


def every(kind: str, interval: timedelta) -> None:
    """Enqueue ``kind`` once per interval, among all workers; for the first time one interval from now."""
    if interval <= timedelta(0):
        raise ValueError("an interval is longer than nothing")
    periods[kind] = interval


def enqueue(
    kind: str,
    payload: dict[str, Any] | None = None,
    *,
    run_at: datetime | None = None,
    key: str | None = None,
    session: Session | None = None,
) -> uuid.UUID:
    """Write a job in the running transaction and return its id.

    With a ``key`` of which a job is already waiting, that one is kept (at the earlier of both times) and locked to
    our commit, so that no worker runs it before it can see this change. ``session`` is for `evidence()`.
    """
    frame = unit_of_work.current()
    if not frame.write or frame.evidence_only:
        raise unit_of_work.WriteOnRead("a read cannot enqueue jobs")
    now = clock.now()
    at = run_at or now
    values = {
        "id": new_id(), "kind": kind, "payload": payload or {}, "key": key, "state": JobState.READY.value,
        "run_at": at, "attempts": 0, "created_at": now,
    }  # fmt: skip
    session = session or db.session()
    insert: Any = _insert(session)(Job.__table__).values(values)
    if key is not None:
        earlier = sa.case((Job.run_at <= insert.excluded.run_at, Job.run_at), else_=insert.excluded.run_at)
        insert = insert.on_conflict_do_update(index_elements=["key"], index_where=READY_ONLY, set_={"run_at": earlier})
    found: uuid.UUID = session.execute(insert.returning(Job.__table__.c.id)).scalar_one()
    if at <= now:
        frame.after_commit.append(wake.set)
    return found


def anything_due(now: datetime, lane: str = "") -> bool:
    """A cheap look without a lock: is there a job to claim or a period to start?"""
    return bool(not lane and due_periods(now)) or any(
        db.session.scalar(sa.select(sa.exists().where(*clause)))
        for clause in (_ready(now, lane), _abandoned(now, lane))
    )


def due_periods(now: datetime) -> list[str]:
    """Kinds whose interval is over, and those never seen before."""
    if not periods:
        return []
    later = set(db.session.scalars(sa.select(JobPeriod.kind).where(JobPeriod.next_at > now)))
    return sorted(periods.keys() - later)


def start_periods(now: datetime) -> None:
    """Enqueue the periodic jobs that are due; the row's compare-and-set lets one worker win."""
    for kind in due_periods(now):
        later = now + periods[kind]
        insert: Any = _insert(db.session())(JobPeriod.__table__).values(kind=kind, next_at=later)
        db.session.execute(insert.on_conflict_do_nothing(index_elements=["kind"]))
        won: Any = db.session.execute(
            sa.update(JobPeriod)
            .where(JobPeriod.kind == kind, JobPeriod.next_at <= now)
            .values(next_at=later)
            .execution_options(synchronize_session=False)
        )
        if won.rowcount:
            enqueue(kind, key=f"every:{kind}", run_at=now)


def claim(now: datetime, lane: str = "") -> Claim | None:
    """Take the next due job, or one whose worker was killed. One that was killed too often is buried."""
    row = _next(_ready(now, lane), Job.run_at) or _next(_abandoned(now, lane), Job.locked_until)
    if row is None:
        return None
    kind = kinds[row.kind]
    if row.attempts >= kind.max_attempts:
        _set(row.id, row.locked_by, state=JobState.DEAD, last_error="killed", finished_at=now)
        return claim(now, lane)
    token = uuid.uuid4().hex
    _set(
        row.id, row.locked_by, state=JobState.RUNNING, attempts=row.attempts + 1, locked_by=token,
        locked_until=now + kind.lease,
    )  # fmt: skip
    return Claim(row.id, row.kind, row.payload, row.attempts + 1, token)


def finish(job: Claim) -> bool:
    """Record the completion; False when the lease was lost to somebody else.

    Inside the handler's transaction it comes first: the row stays locked to its end, and nobody takes the job over.
    """
    return _set(job.id, job.token, state=JobState.DONE, finished_at=clock.now(), locked_by=None, locked_until=None)


def fail(job: Claim, code: str) -> None:
    """Try again later, twice as late each time; after the last attempt the job is dead."""
    now = clock.now()
    end = {"last_error": code[:64], "locked_by": None, "locked_until": None}
    if job.attempts >= kinds[job.kind].max_attempts:
        _set(job.id, job.token, state=JobState.DEAD, finished_at=now, **end)
        return
    key = db.session.scalar(sa.select(Job.key).where(Job.id == job.id))
    if key is not None and db.session.scalar(sa.select(Job.id).where(Job.key == key, Job.state == JobState.READY)):
        _set(job.id, job.token, state=JobState.DONE, finished_at=now, **end)  # a newer job of this key does it anyway
        return
    later = min(FIRST_RETRY * 2 ** (job.attempts - 1), LONGEST_RETRY)
    _set(job.id, job.token, state=JobState.READY, run_at=now + later, **end)


def cleanup() -> int:
    """Delete jobs done more than a week ago, a batch at a time; the number deleted."""
    old = (
        sa.select(Job.id)
        .where(Job.state == JobState.DONE, Job.run_at < clock.now() - KEEP_DONE)
        .limit(CLEANUP_BATCH)
        .scalar_subquery()
    )
    done: Any = db.session.execute(sa.delete(Job).where(Job.id.in_(old)).execution_options(synchronize_session=False))
    return int(done.rowcount)


def _ready(now: datetime, lane: str) -> tuple[Any, ...]:
    return Job.state == JobState.READY, Job.run_at <= now, Job.kind.in_(_of_lane(lane))


def _abandoned(now: datetime, lane: str) -> tuple[Any, ...]:
    return Job.state == JobState.RUNNING, Job.locked_until <= now, Job.kind.in_(_of_lane(lane))


def _of_lane(lane: str) -> list[str]:
    return [name for name, kind in kinds.items() if kind.lane == lane]


def _next(where: tuple[Any, ...], order: Any) -> Any:
    return db.session.execute(
        sa.select(Job.id, Job.kind, Job.payload, Job.attempts, Job.locked_by)
        .where(*where)
        .order_by(order, Job.id)
        .limit(1)
        .with_for_update(skip_locked=True)  # SQLite leaves it out: its transaction began IMMEDIATE
    ).first()


def _set(job_id: uuid.UUID, token: str | None, **values: Any) -> bool:
    done: Any = db.session.execute(
        sa.update(Job)
        .where(Job.id == job_id, Job.locked_by.is_(None) if token is None else Job.locked_by == token)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return bool(done.rowcount)


def _insert(session: Session) -> Any:
    return postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
