"""The clocks of a case as rows: reckoned from the awareness whenever the kind changes, stopped by a hand-over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from app.core.db import db
from app.safety.kinds import CLOCKS, Kind, limit, warn_at
from app.safety.models import NEVER, SafetyCase, SafetyClock


def running(row: SafetyCase) -> Sequence[SafetyClock]:
    """The soonest first."""
    c = SafetyClock
    query = sa.select(c).where(c.case_id == row.id, c.stopped_at.is_(None)).order_by(c.due_at, c.id)
    return db.session.scalars(query).all()


def steps_running(row: SafetyCase) -> frozenset[str]:
    return frozenset(clock.step for clock in running(row))


def reckon(row: SafetyCase, now: datetime) -> None:
    """Replace the clocks by those of the present kind, from the same awareness; the old ones stay as void.

    A clock that would be the same again goes on, with what was warned of already.
    """
    kind = Kind(row.kind)
    wanted = {step.value: row.aware_at + limit(kind, step) for step in CLOCKS[kind]}
    for old in running(row):
        if wanted.get(old.step) == old.due_at:
            old.kind = kind.value
            del wanted[old.step]
        else:
            old.stopped_at, old.outcome, old.warn_at = now, "void", None
    for step, due_at in wanted.items():
        db.session.add(
            SafetyClock(
                case_id=row.id, step=step, kind=kind.value, started_at=row.aware_at, due_at=due_at, made_at=now,
                warn_at=warn_at(row.aware_at, due_at, 0),
            )
        )  # fmt: skip
    settle(row)


def stop(row: SafetyCase, step: str, at: datetime) -> None:
    """What the clock of ``step`` waited for happened ``at``."""
    for held in running(row):
        if held.step == step:
            held.stopped_at, held.warn_at = at, None
            held.outcome = "in_time" if at <= held.due_at else "late"
    settle(row)


def void(row: SafetyCase, at: datetime) -> None:
    """Nothing has to be reported any more."""
    for held in running(row):
        held.stopped_at, held.outcome, held.warn_at = at, "void", None
    settle(row)


def settle(row: SafetyCase) -> None:
    """Keep what the list sorts by."""
    db.session.flush()
    row.next_due_at = min((held.due_at for held in running(row)), default=NEVER)
    db.session.flush()
