"""Tables of the working-day calendar: one row per day of the loaded range, and the version that caches go by."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import plain
from app.core.db import Base


class WorkingDay(Base):
    """One day of the loaded range. ``name`` says why it differs from the plain week (holiday, make-up workday)."""

    __tablename__ = "working_day"

    day: Mapped[date] = plain(sa.Date, primary_key=True)
    is_working: Mapped[bool] = plain(sa.Boolean, nullable=False)
    name: Mapped[str] = plain(sa.String(80), nullable=False, default="")
    source: Mapped[str] = plain(sa.String(120), nullable=False)
    imported_at: Mapped[datetime] = plain(nullable=False)


class CalendarState(Base):
    """One row: raised with every change of `WorkingDay`, in the same transaction."""

    __tablename__ = "calendar_state"

    id: Mapped[int] = plain(sa.SmallInteger, primary_key=True)
    version: Mapped[int] = plain(sa.Integer, nullable=False)
