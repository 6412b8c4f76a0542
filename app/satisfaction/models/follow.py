"""What is done about a low rating or a complaint: the follow-up, and each round of it."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core import triggers
from app.core.columns import DataClass, plain, sealed_column
from app.core.db import Base
from app.core.sealed import Sealed
from app.satisfaction import ddl

WORK, USAGE = DataClass.WORK, DataClass.USAGE
HASH_BYTES = 32
REFERENCE_MAX_CHARS = 40


class FollowUp(Base):
    """One per rated job. Open until contact, cause and action are written down; then the customer is asked again."""

    __tablename__ = "follow_up"
    __table_args__ = (
        sa.UniqueConstraint("job_id"),
        sa.UniqueConstraint("token_hash"),
        sa.Index("ix_follow_up_status", "status", "due_at", "id"),
        sa.Index("ix_follow_up_owner", "owner_id", "status"),
        sa.Index(
            "ix_follow_up_wakes",
            "wakes_at",
            sqlite_where=sa.text("wakes_at IS NOT NULL"),
            postgresql_where=sa.text("wakes_at IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    job_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("rated_job.id"), nullable=False)
    status: Mapped[str] = plain(sa.String(16), nullable=False)
    version: Mapped[int] = plain(nullable=False, default=1)
    wakes_at: Mapped[datetime | None] = plain(nullable=True)
    why: Mapped[str] = plain(sa.String(12), nullable=False)  # low | complaint
    round: Mapped[int] = plain(sa.SmallInteger, nullable=False, default=1)  # grows when somebody is still unhappy
    owner_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    owner_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    opened_at: Mapped[datetime] = plain(nullable=False)
    due_at: Mapped[datetime] = plain(nullable=False)
    finished_at: Mapped[datetime | None] = plain(nullable=True)  # first time that a round was written down
    settled_at: Mapped[datetime | None] = plain(nullable=True)
    end: Mapped[str] = plain(sa.String(12), nullable=False, default="")  # happy | silent | unreachable
    token_hash: Mapped[bytes | None] = plain(sa.LargeBinary(HASH_BYTES), nullable=True)  # of the second survey's link
    message_key: Mapped[str | None] = plain(sa.String(80), nullable=True)


class FollowUpRound(Base):
    """What was done in one round, and what the customer said to the second survey; never changed but for that."""

    __tablename__ = "follow_up_round"
    __table_args__ = (
        sa.UniqueConstraint("follow_up_id", "no"),
        sa.Index("ix_follow_up_round_cause", "root_cause", "at"),
        sa.CheckConstraint("second_score BETWEEN 1 AND 5", name="second_score"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    follow_up_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("follow_up.id"), nullable=False)
    no: Mapped[int] = plain(sa.SmallInteger, nullable=False)
    contact: Mapped[str] = plain(sa.String(16), nullable=False, cls=USAGE)  # reached, left_message, not_reached …
    root_cause: Mapped[str] = plain(sa.String(24), nullable=False)
    corrective: Mapped[str] = plain(sa.String(REFERENCE_MAX_CHARS), nullable=False, default="")  # of our quality system
    subject_id: Mapped[uuid.UUID] = plain(nullable=False)
    action_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    action = Sealed("action_sealed", by="subject")
    by_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    by_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    at: Mapped[datetime] = plain(nullable=False)
    second_score: Mapped[int | None] = plain(sa.SmallInteger, nullable=True, cls=USAGE)
    second_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)


triggers.attach(FollowUp.__table__, ddl.WAITED_CREATE, ddl.WAITED_DROP)
