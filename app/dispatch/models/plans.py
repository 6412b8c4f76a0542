"""Proposals for a week: who asked, what went in, what came out row by row, and which provinces are being planned.

A plan is a proposal and changes nothing. Each `PlanRow` becomes an offer only when a dispatcher takes it, through the
service of all offers. `PlanInput` keeps what the solver was given, for a replay. `PlanClaim` lets one plan at a time be
made per province; it ends by itself, whatever becomes of a worker.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core import clock
from app.core.columns import DataClass, plain
from app.core.db import Base
from app.dispatch.planner.states import OPEN, PlanStatus

WORK = DataClass.WORK
LONGEST = timedelta(minutes=30)  # a plan still open by then has failed, whatever became of its workers


class WeekPlan(Base):
    """One proposal. ``figures``: before, after, bound; ``parts``: how each piece came out."""

    __tablename__ = "week_plan"
    __table_args__ = (sa.Index("ix_week_plan_created", "created_at", "id"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    status: Mapped[str] = plain(sa.String(16), nullable=False)
    version: Mapped[int] = plain(nullable=False, default=1)  # a run owns the version that its start made
    wakes_at: Mapped[datetime | None] = plain()
    provinces: Mapped[list[str]] = plain(sa.JSON, nullable=False)
    asked_by: Mapped[uuid.UUID] = plain(nullable=False)
    asked_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    created_at: Mapped[datetime] = plain(nullable=False)
    finished_at: Mapped[datetime | None] = plain()
    ends_at: Mapped[datetime | None] = plain()  # of the last half day; from then on nothing can be taken
    tickets: Mapped[int] = plain(nullable=False, default=0)
    people: Mapped[int] = plain(nullable=False, default=0)
    done: Mapped[int] = plain(nullable=False, default=0)  # tickets solved so far
    seed: Mapped[int] = plain(nullable=False, default=1)
    solver: Mapped[str] = plain(sa.String(40), nullable=False, default="")
    cut_short: Mapped[bool] = plain(nullable=False, default=False)  # ended by the clock: a replay may differ
    figures: Mapped[dict[str, Any]] = plain(sa.JSON, nullable=False, default=dict)
    parts: Mapped[list[Any]] = plain(sa.JSON, nullable=False, default=list)
    error: Mapped[str] = plain(sa.String(64), nullable=False, default="")  # a code

    def shown_status(self) -> PlanStatus:
        """As it is now: one that no worker could finish has failed, one whose week is over is past."""
        now = clock.now()
        if self.status in OPEN and self.created_at < now - LONGEST:
            return PlanStatus.FAILED
        if self.status == PlanStatus.PROPOSED and self.ends_at is not None and self.ends_at <= now:
            return PlanStatus.PAST
        return PlanStatus(self.status)


class PlanInput(Base):
    """What the solver was given, as text: the same text and version give the same plan."""

    __tablename__ = "week_plan_input"

    plan_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("week_plan.id"), primary_key=True)
    content: Mapped[str] = plain(sa.Text, nullable=False, cls=WORK)


class PlanRow(Base):
    """One ticket of a proposal. Without an assignee nobody has room or may go: ``choices`` says which."""

    __tablename__ = "week_plan_row"
    __table_args__ = (
        sa.UniqueConstraint("plan_id", "n"),
        sa.Index("ix_week_plan_row_ticket", "ticket_id"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    plan_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("week_plan.id"), nullable=False)
    n: Mapped[int] = plain(nullable=False)
    status: Mapped[str] = plain(sa.String(16), nullable=False)
    version: Mapped[int] = plain(nullable=False, default=1)
    wakes_at: Mapped[datetime | None] = plain()
    ticket_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("ticket.id"), nullable=False)
    ticket_number: Mapped[str] = plain(sa.String(24), nullable=False)
    ticket_version: Mapped[int] = plain(nullable=False)  # what was planned; another is refused
    priority: Mapped[str] = plain(sa.String(4), nullable=False, default="")
    hospital: Mapped[str] = plain(sa.String(120), nullable=False, default="")
    assignee_kind: Mapped[str] = plain(sa.String(8), nullable=False, default="")
    assignee_id: Mapped[uuid.UUID | None] = plain()
    assignee_name: Mapped[str] = plain(sa.String(120), nullable=False, default="", cls=WORK)
    window_from: Mapped[datetime | None] = plain()
    window_until: Mapped[datetime | None] = plain()
    way: Mapped[int | None] = plain()  # minutes there and back; None: coordinates missing
    late: Mapped[int] = plain(nullable=False, default=0)  # minutes after the deadline
    choices: Mapped[int] = plain(nullable=False, default=0)  # half days that somebody could have taken it
    held_by: Mapped[str] = plain(sa.String(120), nullable=False, default="", cls=WORK)  # whose offer it takes away
    held_from: Mapped[datetime | None] = plain()
    held_until: Mapped[datetime | None] = plain()
    way_before: Mapped[int | None] = plain()
    late_before: Mapped[int] = plain(nullable=False, default=0)
    refusal: Mapped[str] = plain(sa.String(32), nullable=False, default="")  # why it was refused: a code
    dispatch_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("dispatch.id"), index=True)
    acted_at: Mapped[datetime | None] = plain()
    acted_by: Mapped[uuid.UUID | None] = plain()
    acted_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)


class PlanClaim(Base):
    """A province that is being planned now, until then at the longest."""

    __tablename__ = "week_plan_claim"

    province: Mapped[str] = plain(sa.String(2), primary_key=True)
    plan_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("week_plan.id"), nullable=False, index=True)
    until: Mapped[datetime] = plain(nullable=False)
