"""Who looked at which rating, by which draw, with which result; whether it is a complaint; the list of harm words."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import DataClass, plain, sealed_column
from app.core.db import Base
from app.core.sealed import Sealed

WORK, USAGE = DataClass.WORK, DataClass.USAGE
SEED_BYTES = 16


class RatingDraw(Base):
    """One draw. ``frame`` names every case that could be drawn, so that anybody can repeat it from the seed.

    A case is in the sample when ``statistics.sampling.position(seed, id) < percent / 100``. ``kind``: the sample of
    ratings to audit, or of audits to be given a second time.
    """

    __tablename__ = "rating_draw"
    __table_args__ = (sa.Index("ix_rating_draw_at", "kind", "at"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    kind: Mapped[str] = plain(sa.String(8), nullable=False)  # sample | second
    seed: Mapped[bytes] = plain(sa.LargeBinary(SEED_BYTES), nullable=False)
    percent: Mapped[int] = plain(nullable=False)
    frame: Mapped[list[str]] = plain(sa.JSON, nullable=False)
    drawn: Mapped[int] = plain(nullable=False)
    at: Mapped[datetime] = plain(nullable=False)


class RatingAudit(Base):
    """One person's judgement of one version of a rating; never changed. ``second``: given without seeing the first."""

    __tablename__ = "rating_audit"
    __table_args__ = (
        sa.UniqueConstraint("job_id", "rating_version", "second"),
        sa.Index("ix_rating_audit_at", "second", "at", "id"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    job_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("rated_job.id"), nullable=False)
    rating_version: Mapped[int] = plain(sa.SmallInteger, nullable=False)
    second: Mapped[bool] = plain(nullable=False)
    draw_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("rating_draw.id"), nullable=True)  # of the second audit
    outcome: Mapped[str] = plain(sa.String(8), nullable=False)  # ok | disputed | void
    reason: Mapped[str] = plain(sa.String(24), nullable=False, default="")
    card: Mapped[dict[str, Any]] = plain(sa.JSON, nullable=False)  # internal score card: item -> 0, 1 or 2
    subject_id: Mapped[uuid.UUID] = plain(nullable=False)
    note_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    note = Sealed("note_sealed", by="subject")
    by_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    by_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    at: Mapped[datetime] = plain(nullable=False)


class ComplaintDecision(Base):
    """Is this a complaint, is it reportable (ISO 13485 7.5.4, 8.2.2): who said so and why; the latest counts."""

    __tablename__ = "complaint_decision"
    __table_args__ = (sa.UniqueConstraint("job_id", "no"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    job_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("rated_job.id"), nullable=False)
    no: Mapped[int] = plain(sa.SmallInteger, nullable=False)
    rating_version: Mapped[int] = plain(sa.SmallInteger, nullable=False)
    complaint: Mapped[bool] = plain(nullable=False)
    reportable: Mapped[bool] = plain(nullable=False)
    harm: Mapped[bool] = plain(nullable=False, cls=DataClass.SENSITIVE)  # whether the safety room was told
    subject_id: Mapped[uuid.UUID] = plain(nullable=False)
    reason_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    reason = Sealed("reason_sealed", by="subject")
    by_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    by_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    at: Mapped[datetime] = plain(nullable=False)


class HarmWordList(Base):
    """A version of the list of words that name harm: proposed by one, in force once another has approved it."""

    __tablename__ = "harm_word_list"

    version: Mapped[int] = plain(sa.Integer, primary_key=True, autoincrement=False)
    words: Mapped[dict[str, Any]] = plain(sa.JSON, nullable=False)  # group -> words
    note: Mapped[str] = plain(sa.String(200), nullable=False, default="")
    proposed_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    proposed_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    proposed_at: Mapped[datetime] = plain(nullable=False)
    approved_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    approved_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    approved_at: Mapped[datetime | None] = plain(nullable=True)
