"""What was promised until when: policies by version, the log of every clock, clocks as reckoned, and their warnings."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import DataClass, plain, sealed_column
from app.core.db import Base
from app.core.sealed import Sealed

USAGE = DataClass.USAGE


class SlaPolicy(Base):
    """A version of the promises; append-only, the newest with ``valid_from`` passed is in force for new tickets."""

    __tablename__ = "sla_policy"

    version: Mapped[int] = plain(sa.Integer, primary_key=True, autoincrement=False)
    valid_from: Mapped[datetime] = plain(nullable=False)
    hours: Mapped[dict[str, Any]] = plain(sa.JSON, nullable=False)  # priority -> metric -> working hours
    around_the_clock: Mapped[list[str]] = plain(sa.JSON, nullable=False)  # priorities that count every hour
    levels: Mapped[list[int]] = plain(sa.JSON, nullable=False)  # warnings, in percent of the budget
    pauses: Mapped[dict[str, Any]] = plain(sa.JSON, nullable=False)  # reason -> {stops: clocks, hours: at most}
    note: Mapped[str] = plain(sa.String(200), nullable=False, default="")
    published_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    published_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=DataClass.WORK)
    published_at: Mapped[datetime] = plain(nullable=False)


class SlaDraft(Base):
    """The next version while it is written; at most one. Whoever wrote it last does not publish it."""

    __tablename__ = "sla_draft"

    id: Mapped[int] = plain(sa.SmallInteger, primary_key=True)
    edition: Mapped[int] = plain(nullable=False)  # grows with every save
    base_version: Mapped[int] = plain(nullable=False)  # what it was compared with
    content: Mapped[dict[str, Any]] = plain(sa.JSON, nullable=False)
    note: Mapped[str] = plain(sa.String(200), nullable=False)
    drafted_at: Mapped[datetime] = plain(nullable=False)
    drafted_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    drafted_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=DataClass.WORK)


class SlaRebase(Base):
    """An explicit act: running clocks of open tickets are counted by other terms from now on. Carried out by a job."""

    __tablename__ = "sla_rebase"
    __table_args__ = (sa.UniqueConstraint("kind", "version"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    kind: Mapped[str] = plain(sa.String(8), nullable=False)  # policy | calendar
    version: Mapped[int] = plain(nullable=False)  # of the policy, or of the calendar
    calendar_id: Mapped[int | None] = plain(sa.ForeignKey("calendar_snapshot.id"), nullable=True)
    note: Mapped[str] = plain(sa.String(200), nullable=False)
    asked_at: Mapped[datetime] = plain(nullable=False)
    asked_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    asked_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=DataClass.WORK)
    touched: Mapped[int] = plain(nullable=False, default=0)  # tickets
    failed: Mapped[int] = plain(nullable=False, default=0)  # tickets that the calendar does not reach
    reached: Mapped[uuid.UUID | None] = plain(nullable=True)  # the last ticket looked at
    finished_at: Mapped[datetime | None] = plain(nullable=True)


class SlaEvent(Base):
    """One line of a ticket's log of clocks (`sla.log.Happening`); append-only, replayed for every receipt."""

    __tablename__ = "sla_event"
    __table_args__ = (sa.UniqueConstraint("ticket_id", "cycle", "seq"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    ticket_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("ticket.id"), nullable=False)
    cycle: Mapped[int] = plain(sa.SmallInteger, nullable=False)  # a ticket opened again starts a log of its own
    seq: Mapped[int] = plain(nullable=False)
    act: Mapped[str] = plain(sa.String(8), nullable=False, cls=USAGE)
    metric: Mapped[str | None] = plain(sa.String(16), nullable=True)
    pause: Mapped[str] = plain(sa.String(40), nullable=False, default="")
    reason: Mapped[str] = plain(sa.String(24), nullable=False, default="")
    stops: Mapped[list[str]] = plain(sa.JSON, nullable=False, default=list)
    planned_end: Mapped[datetime | None] = plain(nullable=True)
    since: Mapped[datetime | None] = plain(nullable=True)  # an earlier start, after a merger
    by_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    by_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=DataClass.WORK)
    at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    subject_id: Mapped[uuid.UUID | None] = plain(nullable=True)  # of the ticket's reporter, where there is a note
    note_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)  # why staff stopped the clocks
    note = Sealed("note_sealed", by="subject")


class SlaClock(Base):
    """A clock as last reckoned from the log; queues and warnings read it, receipts never do."""

    __tablename__ = "sla_clock"
    __table_args__ = (
        sa.UniqueConstraint("ticket_id", "cycle", "metric"),
        sa.Index(
            "ix_sla_clock_running",
            "due_at",
            sqlite_where=sa.text("stopped_at IS NULL"),
            postgresql_where=sa.text("stopped_at IS NULL"),
        ),
        sa.Index("ix_sla_clock_stopped", "metric", "stopped_at"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    ticket_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("ticket.id"), nullable=False)
    cycle: Mapped[int] = plain(sa.SmallInteger, nullable=False)
    metric: Mapped[str] = plain(sa.String(16), nullable=False)
    policy_version: Mapped[int] = plain(sa.ForeignKey("sla_policy.version"), nullable=False)
    calendar_id: Mapped[int | None] = plain(sa.ForeignKey("calendar_snapshot.id"), nullable=True)  # null: every hour
    budget_seconds: Mapped[int] = plain(nullable=False)
    started_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    due_at: Mapped[datetime] = plain(nullable=False)
    stopped_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)
    standing_until: Mapped[datetime | None] = plain(nullable=True)  # planned end of a pause that holds it
    used_seconds: Mapped[int | None] = plain(nullable=True)  # of working time, known once it is stopped
    outcome: Mapped[str] = plain(sa.String(16), nullable=False, default="")  # "" | in_time | late | void


class Escalation(Base):
    """A warning at a share of the budget; fired once per clock and level, whatever the clock does later."""

    __tablename__ = "escalation"
    __table_args__ = (
        sa.UniqueConstraint("clock_id", "level"),
        sa.Index(
            "ix_escalation_due",
            "due_at",
            sqlite_where=sa.text("fired_at IS NULL"),
            postgresql_where=sa.text("fired_at IS NULL"),
        ),
        sa.Index(
            "ix_escalation_untold",
            "clock_id",
            "level",
            sqlite_where=sa.text("fired_at IS NOT NULL AND told_at IS NULL"),
            postgresql_where=sa.text("fired_at IS NOT NULL AND told_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    clock_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("sla_clock.id"), nullable=False)
    level: Mapped[int] = plain(sa.SmallInteger, nullable=False)  # percent
    due_at: Mapped[datetime] = plain(nullable=False)
    fired_at: Mapped[datetime | None] = plain(nullable=True)
    told_at: Mapped[datetime | None] = plain(nullable=True)  # after the night, for what is not P1
