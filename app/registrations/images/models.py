"""The table of legal holds on the photos of one registration."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import DataClass, plain, sealed_column
from app.core.db import Base
from app.core.sealed import Sealed
from app.registrations.images.workflow import HoldStatus

LIVE = sa.text("status IN ('proposed', 'active')")


class BadgeHold(Base):
    """Why and until when photos stay past their time. Which files it covers stands on them (``held_until``)."""

    __tablename__ = "badge_hold"
    __table_args__ = (
        sa.Index("uq_badge_hold_live", "registration_id", unique=True, sqlite_where=LIVE, postgresql_where=LIVE),
        sa.Index("ix_badge_hold_registration_id", "registration_id"),
        sa.Index("ix_badge_hold_wakes_at", "wakes_at"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    registration_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("registration.id"))
    subject_id: Mapped[uuid.UUID] = plain()
    status: Mapped[str] = plain(sa.String(16))
    version: Mapped[int] = plain(default=1)
    wakes_at: Mapped[datetime | None] = plain(nullable=True)  # while active: the end
    ends_at: Mapped[datetime] = plain()
    reason_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    reason = Sealed("reason_sealed", by="subject")
    proposed_by: Mapped[uuid.UUID] = plain()
    proposed_name: Mapped[str] = plain(sa.String(80), cls=DataClass.WORK)
    proposed_at: Mapped[datetime] = plain()
    answered_name: Mapped[str | None] = plain(sa.String(80), nullable=True, cls=DataClass.WORK)  # approved or refused
    answered_at: Mapped[datetime | None] = plain(nullable=True)
    ended_name: Mapped[str | None] = plain(sa.String(80), nullable=True, cls=DataClass.WORK)  # None: by itself
    ended_at: Mapped[datetime | None] = plain(nullable=True)

    def effective_status(self, now: datetime) -> str:
        """What is true at ``now``."""
        over = self.wakes_at is not None and self.wakes_at <= now
        return HoldStatus.ENDED if over else self.status
