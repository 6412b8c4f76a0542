"""Warnings of the calendar clocks, by a job every minute, day and night; each level of a clock once.

What is shown is true without it: pages reckon from the row. Several levels passed at once are one message.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock, jobs
from app.core.db import db
from app.safety.kinds import level_at, warn_at
from app.safety.models import SafetyCase, SafetyClock
from app.safety.service import notices
from app.tickets.models import Ticket

WARN = "safety.warn"
EVERY = timedelta(minutes=1)
BATCH = 200


def warn_due(now: datetime) -> int:
    """Tell what was reached, a batch; how many clocks."""
    query = (
        sa.select(SafetyClock, SafetyCase, Ticket)
        .join(SafetyCase, SafetyCase.id == SafetyClock.case_id)
        .join(Ticket, Ticket.id == SafetyCase.ticket_id)
        .where(SafetyClock.warn_at <= now)
        .order_by(SafetyClock.warn_at)
        .limit(BATCH)
        .with_for_update(of=SafetyClock, skip_locked=True)
    )
    rows = db.session.execute(query.execution_options(populate_existing=True)).all()
    for held, row, ticket in rows:
        level = level_at(held.started_at, held.due_at, now)
        notices.tell_deadline(row, ticket, held, level)
        held.level, held.warn_at = level, warn_at(held.started_at, held.due_at, level)
    db.session.flush()
    return len(rows)


def install() -> None:
    """Register the job and its rhythm."""

    @jobs.handler(WARN)
    def _warn(_payload: dict[str, Any]) -> None:
        while warn_due(clock.now()):
            pass

    jobs.every(WARN, EVERY)
