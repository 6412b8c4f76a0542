"""Tables of the safety case. Its texts have a key of their own: the file must be kept when the reporter is erased."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import DataClass, plain, sealed_column
from app.core.db import Base
from app.core.sealed import Sealed

WORK, USAGE, SENSITIVE = DataClass.WORK, DataClass.USAGE, DataClass.SENSITIVE
TEXT_MAX_CHARS = 2_000
NAME_MAX_CHARS = 80
REFERENCE_MAX_CHARS = 60
NEVER = datetime(2999, 1, 1, tzinfo=UTC)  # next deadline of a case on which no clock runs; sorts last


class SafetyCase(Base):
    """One per ticket. ``aware_at`` is when the company came to know: every clock counts from it."""

    __tablename__ = "safety_case"
    __table_args__ = (
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("ticket_id"),
        sa.Index("ix_safety_case_status", "status", "next_due_at", "id"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    number: Mapped[str] = plain(sa.String(20), nullable=False)
    ticket_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("ticket.id"), nullable=False)
    subject_id: Mapped[uuid.UUID] = plain(nullable=False)
    status: Mapped[str] = plain(sa.String(16), nullable=False)
    version: Mapped[int] = plain(nullable=False, default=1)
    wakes_at: Mapped[datetime | None] = plain(nullable=True)  # nothing about a case changes by itself
    kind: Mapped[str] = plain(sa.String(8), nullable=False, default="", cls=SENSITIVE)
    how: Mapped[str] = plain(sa.String(16), nullable=False)
    aware_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    opened_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    changed_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    next_due_at: Mapped[datetime] = plain(nullable=False, default=NEVER)
    reportable: Mapped[bool | None] = plain(nullable=True)
    reason: Mapped[str] = plain(sa.String(24), nullable=False, default="")
    decided_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)
    decided_by: Mapped[str] = plain(sa.String(NAME_MAX_CHARS), nullable=False, default="", cls=WORK)
    outcome: Mapped[str] = plain(sa.String(16), nullable=False, default="")
    closed_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)
    owner_id: Mapped[uuid.UUID | None] = plain(nullable=True)  # who sees to it; every officer may act
    owner_name: Mapped[str] = plain(sa.String(NAME_MAX_CHARS), nullable=False, default="", cls=WORK)


class SafetyClock(Base):
    """One deadline as it was reckoned; a clock that another replaced stays, with the outcome ``void``."""

    __tablename__ = "safety_clock"
    __table_args__ = (
        sa.Index("ix_safety_clock_case", "case_id", "started_at"),
        sa.Index(
            "ix_safety_clock_warn",
            "warn_at",
            sqlite_where=sa.text("warn_at IS NOT NULL"),
            postgresql_where=sa.text("warn_at IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    case_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("safety_case.id"), nullable=False)
    step: Mapped[str] = plain(sa.String(12), nullable=False)
    kind: Mapped[str] = plain(sa.String(8), nullable=False, cls=SENSITIVE)  # of harm, for which it was started
    started_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    due_at: Mapped[datetime] = plain(nullable=False)
    made_at: Mapped[datetime] = plain(nullable=False)  # order among clocks that all start at the awareness
    stopped_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)
    outcome: Mapped[str] = plain(sa.String(8), nullable=False, default="")  # "" | in_time | late | void
    level: Mapped[int] = plain(sa.SmallInteger, nullable=False, default=0)  # percent at which was warned last
    warn_at: Mapped[datetime | None] = plain(nullable=True)


class SafetyEvent(Base):
    """What happened to a case, append-only. One per version: two people cannot both write the same step."""

    __tablename__ = "safety_event"
    __table_args__ = (sa.UniqueConstraint("case_id", "version"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    case_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("safety_case.id"), nullable=False)
    version: Mapped[int] = plain(nullable=False)
    action: Mapped[str] = plain(sa.String(24), nullable=False, cls=USAGE)
    detail: Mapped[str] = plain(sa.String(24), nullable=False, default="", cls=SENSITIVE)  # kind, reason or outcome
    at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    by_kind: Mapped[str] = plain(sa.String(16), nullable=False)
    by_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    by_name: Mapped[str] = plain(sa.String(NAME_MAX_CHARS), nullable=False, default="", cls=WORK)
    subject_id: Mapped[uuid.UUID] = plain(nullable=False)
    text_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    text = Sealed("text_sealed", by="subject")


class SafetyHandover(Base):
    """To whom in regulatory affairs a report was handed, when, and under which reference of theirs."""

    __tablename__ = "safety_handover"

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    case_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("safety_case.id"), nullable=False, index=True)
    step: Mapped[str] = plain(sa.String(12), nullable=False)
    to_name: Mapped[str] = plain(sa.String(NAME_MAX_CHARS), nullable=False, cls=WORK)
    handed_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    reference: Mapped[str] = plain(sa.String(REFERENCE_MAX_CHARS), nullable=False)
    by_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    by_name: Mapped[str] = plain(sa.String(NAME_MAX_CHARS), nullable=False, cls=WORK)
    recorded_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
