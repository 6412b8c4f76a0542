"""What time and tickets cause here: invitations, their end, second surveys nobody answered, and the draws.

All of it was true at read time before: a rating given before the job came makes its invitation itself, an expired or
withdrawn one is refused whether or not the row says so.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock, jobs, outbox
from app.core.db import db
from app.core.policy import SYSTEM
from app.satisfaction.models import RatedJob
from app.satisfaction.service import draw, follow, invite, looks, sums, themes
from app.satisfaction.workflow import Status, rating_workflow
from app.tickets.models import Source, Ticket
from app.tickets.workflow import Status as TicketStatus

SETTLE, DRAW, SUMS = "satisfaction.settle", "satisfaction.draw", "satisfaction.sums"
LOOKS, THEMES = "satisfaction.looks", "satisfaction.themes"
EVERY, DRAW_EVERY, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BATCH = 500


def invite_due(limit: int = BATCH) -> int:
    """Ask about rounds that closed and were not asked about; how many."""
    now, T = clock.now(), Ticket
    asked = sa.exists().where(RatedJob.ticket_id == T.id, RatedJob.cycle == T.cycle)
    query = sa.select(T).where(
        T.closed_at > now - invite.days(), T.closed_at <= now, T.status == TicketStatus.CLOSED,
        T.source != Source.FORMER_SYSTEM, ~asked,
    )  # fmt: skip
    rows = db.session.scalars(query.order_by(T.closed_at).limit(limit).with_for_update(skip_locked=True)).all()
    for row in rows:
        invite.invite(row, now)
    return len(rows)


def withdraw_due(limit: int = BATCH) -> int:
    """Take back what asks about a round that is no longer over; what has not gone out is not sent."""
    J, now = RatedJob, clock.now()
    query = sa.select(J).join(Ticket, Ticket.id == J.ticket_id).where(J.status == Status.INVITED, withdrawn())
    rows = db.session.scalars(query.limit(limit).with_for_update(of=J, skip_locked=True)).all()
    for row in rows:
        for key in filter(None, (row.message_key, row.link_key)):
            outbox.cancel(key)
        rating_workflow.fire(row, "withdraw_invitation", SYSTEM, at=now)
    return len(rows)


def withdrawn() -> sa.ColumnElement[bool]:
    """Whether a round was opened again; needs the ticket in the statement."""
    return sa.or_(Ticket.status != TicketStatus.CLOSED, Ticket.cycle != RatedJob.cycle)


def expire_due(limit: int = BATCH) -> int:
    """End what nobody answered, stamped with its own last instant."""
    J, now = RatedJob, clock.now()
    query = sa.select(J).where(J.status == Status.INVITED, J.expires_at <= now).order_by(J.expires_at).limit(limit)
    rows = db.session.scalars(query.with_for_update(skip_locked=True)).all()
    for row in rows:
        rating_workflow.fire(row, "expire_invitation", SYSTEM, at=row.expires_at)
    return len(rows)


def settle_due(limit: int = BATCH) -> int:
    """One batch of everything; how much there was."""
    done = withdraw_due(limit) + expire_due(limit) + invite_due(limit)
    return done + follow.lapse_due(clock.now(), limit)


def run_sums(limit: int = BATCH) -> int:
    """Deliveries noted, then every sum brought up to date; how many months of provinces were counted anew."""
    sums.note_delivered(limit)
    return sums.refresh()


def install() -> None:
    """Register the jobs and their rhythms."""

    @jobs.handler(SETTLE)
    def _settle(_payload: dict[str, Any]) -> None:
        settle_due()

    @jobs.handler(DRAW)
    def _draw(_payload: dict[str, Any]) -> None:
        draw.sample()
        draw.second()

    @jobs.handler(SUMS)
    def _sums(_payload: dict[str, Any]) -> None:
        run_sums()

    @jobs.handler(LOOKS)
    def _looks(_payload: dict[str, Any]) -> None:
        looks.run()

    @jobs.handler(THEMES)
    def _themes(_payload: dict[str, Any]) -> None:
        themes.run()

    jobs.every(LOOKS, DAY)
    jobs.every(THEMES, DAY)
    jobs.every(SUMS, EVERY)
    jobs.every(SETTLE, EVERY)
    jobs.every(DRAW, DRAW_EVERY)
