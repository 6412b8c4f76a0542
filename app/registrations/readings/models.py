"""Tables of the second readings."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import DataClass, plain
from app.core.db import Base
from app.registrations.readings.states import ReadingStatus

WORK, USAGE = DataClass.WORK, DataClass.USAGE


class ReadingDraw(Base):
    """One draw: the decisions that took effect in a span of time, the seed, and the share in force.

    With the seed anybody can repeat it: a decision is in the sample when
    ``statistics.sampling.position(seed, event id) < percent / 100``.
    """

    __tablename__ = "reading_draw"
    __table_args__ = (sa.UniqueConstraint("from_at"), sa.UniqueConstraint("until_at"))

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    from_at: Mapped[datetime] = plain()  # excluded
    until_at: Mapped[datetime] = plain()  # included
    seed: Mapped[bytes] = plain(sa.LargeBinary(16))
    percent: Mapped[int] = plain()
    first_n: Mapped[int] = plain()
    decisions: Mapped[int] = plain()
    drawn: Mapped[int] = plain()


class SecondReading(Base):
    """A decision to be read again. Its number says nothing about the registration."""

    __tablename__ = "second_reading"
    __table_args__ = (
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("event_id"),
        sa.Index("ix_second_reading_queue", "status", "due_at", "id"),
        sa.Index("ix_second_reading_read", "status", "read_at", "id"),
        sa.Index("ix_second_reading_first", "first_by", "status"),
        sa.Index("ix_second_reading_registration", "registration_id"),
        sa.Index(
            "ix_second_reading_holder",
            "lease_staff_id",
            sqlite_where=sa.text("lease_staff_id IS NOT NULL"),
            postgresql_where=sa.text("lease_staff_id IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    number: Mapped[str] = plain(sa.String(20))
    draw_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("reading_draw.id"))
    registration_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("registration.id"))
    submission_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("submission.id"))
    event_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("registration_event.id"))
    province: Mapped[str | None] = plain(sa.String(2), nullable=True, cls=WORK)
    why: Mapped[str] = plain(sa.String(16))  # sample, new_reviewer
    status: Mapped[str] = plain(sa.String(16), default=ReadingStatus.WAITING.value)
    version: Mapped[int] = plain(default=1)
    wakes_at: Mapped[datetime | None] = plain(nullable=True)  # with `waiting`: when it is missed
    due_at: Mapped[datetime] = plain()
    drawn_at: Mapped[datetime] = plain()

    first_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    first_name: Mapped[str] = plain(sa.String(80), cls=WORK)
    first_judgement: Mapped[str] = plain(sa.String(16))

    lease_staff_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    lease_name: Mapped[str | None] = plain(sa.String(80), nullable=True, cls=WORK)
    lease_expires_at: Mapped[datetime | None] = plain(nullable=True)

    read_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    read_name: Mapped[str | None] = plain(sa.String(80), nullable=True, cls=WORK)
    read_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)
    judgement: Mapped[str | None] = plain(sa.String(16), nullable=True)
    checks: Mapped[dict[str, Any]] = plain(default=dict)
    reason_codes: Mapped[list[str]] = plain(sa.JSON, default=list)
    escalated_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    escalated_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)

    def missed(self, now: datetime) -> bool:
        """Whether its time is over, whether or not the job has said so."""
        return self.status == ReadingStatus.MISSED or (self.status == ReadingStatus.WAITING and self.due_at <= now)


class ReadingPass(Base):
    """Who gave a reading back or let it run out: that person may see the case again and never gets this reading."""

    __tablename__ = "reading_pass"
    __table_args__ = (sa.UniqueConstraint("reading_id", "staff_id"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    reading_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("second_reading.id"))
    staff_id: Mapped[uuid.UUID] = plain(index=True)
    at: Mapped[datetime] = plain()
