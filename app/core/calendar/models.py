"""Tables of the working-day calendar: one row per day of the loaded range, and the version that caches go by."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import DataClass, plain
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


class CalendarDraft(Base):
    """Days that somebody uploaded and nobody has published yet; at most one. Nothing is counted by it."""

    __tablename__ = "calendar_draft"

    id: Mapped[int] = plain(sa.SmallInteger, primary_key=True)
    days: Mapped[list[Any]] = plain(sa.JSON, nullable=False)  # [day, is working, name]
    source: Mapped[str] = plain(sa.String(120), nullable=False)
    base_version: Mapped[int] = plain(nullable=False)  # of the calendar that it was compared with
    drafted_at: Mapped[datetime] = plain(nullable=False)
    drafted_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    drafted_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=DataClass.WORK)


class CalendarVersion(Base):
    """One change of the calendar: from which source, by whom, which days; append-only, named by the state's version."""

    __tablename__ = "calendar_version"

    version: Mapped[int] = plain(sa.Integer, primary_key=True, autoincrement=False)
    source: Mapped[str] = plain(sa.String(120), nullable=False)
    first: Mapped[date] = plain(sa.Date, nullable=False)  # of the days in the file
    last: Mapped[date] = plain(sa.Date, nullable=False)
    changed: Mapped[int] = plain(nullable=False)
    days: Mapped[list[Any]] = plain(sa.JSON, nullable=False)  # [day, was working or null, is working, name]
    promises_follow: Mapped[bool] = plain(nullable=False, default=False)  # running promises are counted by it too
    published_at: Mapped[datetime] = plain(nullable=False)
    published_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    published_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=DataClass.WORK)
