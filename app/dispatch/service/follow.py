"""What changed below: a dispatch follows its ticket, in the next act on it and in a job that announces the rest.

An offer's end belongs to the ticket (``wakes_at`` = ``accept_by``, `app.tickets.service.time`); the dispatch is closed
here with the same instant. A ticket that was cancelled, merged or reopened closes its dispatch as superseded.
One that the customer sent back after an objection revives it.
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
from app.dispatch.stages import DONE_WITH, IN_HAND
from app.tickets.models import Ticket
from app.tickets.workflow import Status

FOLLOW = "dispatch.follow"
EVERY = timedelta(minutes=1)
BATCH = 200
S = Status


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
    lives = False
    fresh = query.with_for_update().execution_options(populate_existing=True)  # what was read before the lock is old
    for found in db.session.scalars(fresh):
        ending = ending_of(row, found)
        if ending is None:
            lives = True
            plan_again(row, found)
            continue
        at = found.accept_by if ending is DispatchState.EXPIRED else clock.now()
        finish(found, ending, at, ending.value)
        if ending is DispatchState.EXPIRED:
            tell.back_in_pool(row, found, "expired")
        elif ending is DispatchState.SUPERSEDED:
            tell.called_off(row, found)
    if not lives and row.status == S.SCHEDULED and row.assignee_id is not None:
        _revive(row)


def plan_again(row: Ticket, found: Dispatch) -> None:
    """A ticket that came back to its visit (parts arrived, an objection) has another appointment."""
    if row.status != S.SCHEDULED or found.state != DispatchState.ACCEPTED:
        return
    visits = db.session.scalars(sa.select(Visit).where(Visit.dispatch_id == found.id).order_by(Visit.n)).all()
    if any(visit.ended_at is None for visit in visits):
        return
    window = (None, None) if row.call_first else (row.window_from, row.window_until)
    found.call_first = row.call_first
    if window[0] is not None and window[1] is not None:
        found.window_from, found.window_until = window[0], window[1]
    db.session.add(
        Visit(
            dispatch_id=found.id, n=len(visits) + 1, ticket_id=row.id, hospital_id=row.hospital_id,
            assignee_id=found.assignee_id, window_from=window[0], window_until=window[1],
        )
    )  # fmt: skip
    db.session.flush()


def _revive(row: Ticket) -> None:
    """The customer objected: whoever did the work has it again, under the dispatch that was done with."""
    d = Dispatch
    query = sa.select(d).where(
        d.ticket_id == row.id, d.cycle == row.cycle, d.assignee_id == row.assignee_id,
        d.state == DispatchState.DONE.value,
    )  # fmt: skip
    query = query.order_by(d.offered_at.desc()).limit(1).with_for_update().execution_options(populate_existing=True)
    found = db.session.scalars(query).one_or_none()
    if found is not None:
        found.state, found.ended_at, found.ended_reason = DispatchState.ACCEPTED.value, None, ""
        db.session.flush()
        plan_again(row, found)


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


def revive_due(limit: int = BATCH) -> int:
    """Objections whose visit nobody has touched yet, a batch; how many."""
    d, t = Dispatch, Ticket
    done = sa.select(d.id).where(
        d.ticket_id == t.id, d.cycle == t.cycle, d.assignee_id == t.assignee_id, d.state == DispatchState.DONE.value
    )
    live = sa.select(d.id).where(d.ticket_id == t.id, d.state.in_(LIVE_STATES))
    query = sa.select(t).where(t.status == S.SCHEDULED, done.exists(), ~live.exists()).order_by(t.id).limit(limit)
    rows: Sequence[Ticket] = db.session.scalars(query.with_for_update(skip_locked=True)).all()
    for row in rows:
        align(row)
    return len(rows)


def install() -> None:
    """Register the job and its rhythm."""

    @jobs.handler(FOLLOW)
    def _follow(_payload: dict[str, Any]) -> None:
        while follow_due():
            pass
        while revive_due():
            pass

    jobs.every(FOLLOW, EVERY)
