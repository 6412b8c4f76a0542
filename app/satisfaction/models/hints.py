"""What the worker found when it looked over many ratings: signs of manipulation, and themes of comments."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import DataClass, plain
from app.core.db import Base

WORK, USAGE = DataClass.WORK, DataClass.USAGE


class LookRun(Base):
    """One day's looks at the ratings of a window: how many, of how many ratings. Kept as evidence of what was told."""

    __tablename__ = "rating_look_run"
    __table_args__ = (sa.Index("ix_rating_look_run_at", "at"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    at: Mapped[datetime] = plain(nullable=False)
    since: Mapped[datetime] = plain(nullable=False)
    ratings: Mapped[int] = plain(nullable=False)
    looks: Mapped[int] = plain(nullable=False)


class Look(Base):
    """One look that chance alone explains badly: ``hits`` of ``n`` where ``expected`` were usual.

    ``q`` is p corrected for all looks of the run (Benjamini-Hochberg). A hint: who reads it looks at the ratings.
    """

    __tablename__ = "rating_look"
    __table_args__ = (sa.Index("ix_rating_look_run", "run_id", "q"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    run_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("rating_look_run.id"), nullable=False)
    kind: Mapped[str] = plain(sa.String(16), nullable=False)
    staff_id: Mapped[uuid.UUID | None] = plain(nullable=True, cls=WORK)  # whose ratings; null: a rater's, a kind of job
    label: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    hits: Mapped[int] = plain(nullable=False)
    n: Mapped[int] = plain(nullable=False)
    expected: Mapped[float] = plain(sa.Float, nullable=False)
    p: Mapped[float] = plain(sa.Float, nullable=False)
    q: Mapped[float] = plain(sa.Float, nullable=False)
    provinces: Mapped[list[str]] = plain(sa.JSON, nullable=False, cls=WORK)
    tickets: Mapped[list[str]] = plain(sa.JSON, nullable=False)  # numbers of those behind it, the newest few


class ThemeRun(Base):
    """Themes of the comments of a year, as of one day; only the newest run stays.

    ``found``: terms, stability, and per province comments, satisfied, raters up to K with witnesses as in `RatingSum`.
    """

    __tablename__ = "rating_theme_run"
    __table_args__ = (sa.Index("ix_rating_theme_run_at", "at"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    at: Mapped[datetime] = plain(nullable=False)
    since: Mapped[datetime] = plain(nullable=False)
    comments: Mapped[int] = plain(nullable=False)
    found: Mapped[list[dict[str, Any]]] = plain(sa.JSON, nullable=False, cls=USAGE)
