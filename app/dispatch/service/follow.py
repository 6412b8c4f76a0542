"""What changed below: a dispatch follows its ticket, in the next act on it and in a job that announces the rest.

An offer's end belongs to the ticket (``wakes_at`` = ``accept_by``, `app.tickets.service.time`); the dispatch is closed
here with the same instant. A ticket that was cancelled, merged or reopened closes its dispatch as superseded.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock, jobs
from app.core.db import db
from app.dispatch.models import LIVE_STATES, Dispatch, DispatchState, Visit, VisitOutcome
from app.dispatch.service import tell
from app.tickets.models import Ticket
from app.tickets.workflow import Status

FOLLOW = "dispatch.follow"
EVERY = timedelta(minutes=1)
BATCH = 200
S = Status
# Where a ticket is in the hands of whoever accepted it: in these the dispatch lives on
IN_HAND = (S.SCHEDULED, S.ON_SITE, S.WAIT_PARTS, S.COLLECTING, S.RETURNING)
DONE_WITH = (S.IN_DEPOT, S.WAIT_QUOTE, S.RELEASE_TEST, S.RESOLVED, S.CLOSED)


def ending_of(row: Ticket, found: Dispatch) -> DispatchState | None:
    """How a live dispatch has ended without anybody saying so; None while it lives."""
    same = row.cycle == found.cycle and row.assignee_id == found.assignee_id
    if found.state == DispatchState.OFFERED:
        if same and row.status == S.OFFERED:
            return None
        late = row.cycle == found.cycle and row.status == S.TO_DISPATCH and clock.now() >= found.accept_by
        return DispatchState.EXPIRED if late else DispatchState.SUPERSEDED
    if same and row.status in IN_HAND:
        return None
    return DispatchState.DONE if row.cycle == found.cycle and row.status in DONE_WITH else DispatchState.SUPERSEDED


def align(row: Ticket) -> None:
    """Close what the ticket has left behind. The row is locked and settled."""
    query = sa.select(Dispatch).where(Dispatch.ticket_id == row.id, Dispatch.state.in_(LIVE_STATES))
    for found in db.session.scalars(query.with_for_update()):
        ending = ending_of(row, found)
        if ending is None:
            continue
        at = found.accept_by if ending is DispatchState.EXPIRED else clock.now()
        finish(found, ending, at, ending.value)
        if ending is DispatchState.EXPIRED:
            tell.back_in_pool(row, found, "expired")
        elif ending is DispatchState.SUPERSEDED:
            tell.called_off(row, found)


def finish(found: Dispatch, state: DispatchState, at: datetime, reason: str) -> None:
    """End a dispatch, and the visit that will not take place any more."""
    found.state, found.ended_at, found.ended_reason = state.value, at, reason
    open_visits = sa.select(Visit).where(Visit.dispatch_id == found.id, Visit.ended_at.is_(None))
    for visit in db.session.scalars(open_visits):
        visit.ended_at = at
        if not visit.outcome and visit.arrived_at is None:
            visit.outcome = VisitOutcome.CALLED_OFF.value
    db.session.flush()


def follow_due(limit: int = BATCH) -> int:
    """Align what disagrees, a batch; how many."""
    d, t = Dispatch, Ticket
    apart = sa.or_(
        t.cycle != d.cycle, t.assignee_id.is_(None), t.assignee_id != d.assignee_id,
        sa.and_(d.state == DispatchState.OFFERED.value, t.status != S.OFFERED),
        sa.and_(d.state == DispatchState.ACCEPTED.value, t.status.not_in(IN_HAND)),
    )  # fmt: skip
    query = sa.select(t).join(d, d.ticket_id == t.id).where(d.state.in_(LIVE_STATES), apart).order_by(t.id).limit(limit)
    rows: Sequence[Ticket] = db.session.scalars(query.with_for_update(of=t, skip_locked=True)).all()
    for row in rows:
        align(row)
    return len(rows)


def install() -> None:
    """Register the job and its rhythm."""

    @jobs.handler(FOLLOW)
    def _follow(_payload: dict[str, Any]) -> None:
        while follow_due():
            pass

    jobs.every(FOLLOW, EVERY)
