"""Frozen calendars: a promise is counted by the calendar of the day it was made on, whatever is imported later.

A snapshot is content: the same days and office hours are stored once, and a snapshot never changes.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped

from app.core import clock
from app.core.calendar.table import current
from app.core.calendar.worktime import WorkCalendar
from app.core.columns import plain
from app.core.db import Base, db
from app.core.errors import NotFound
from app.core.numbers import OfficeHours


class CalendarSnapshot(Base):
    """Days as one bit each from ``first`` on (1: working), office hours as minutes after midnight."""

    __tablename__ = "calendar_snapshot"
    __table_args__ = (sa.UniqueConstraint("digest"),)

    id: Mapped[int] = plain(sa.Integer, primary_key=True)
    digest: Mapped[str] = plain(sa.String(64), nullable=False)
    first: Mapped[date] = plain(sa.Date, nullable=False)
    last: Mapped[date] = plain(sa.Date, nullable=False)
    days: Mapped[bytes] = plain(sa.LargeBinary, nullable=False)
    hours: Mapped[list[int]] = plain(sa.JSON, nullable=False)
    taken_at: Mapped[datetime] = plain(nullable=False)


def freeze(calendar: WorkCalendar | None = None) -> int:
    """The id of the snapshot that equals ``calendar`` (default: the one in force), made if there is none yet."""
    calendar = calendar or current()
    days, hours, digest = _bits(calendar), list(calendar.hours), _digest(calendar)
    found = _find(digest)
    if found is not None:
        return found
    row = CalendarSnapshot(
        digest=digest, first=calendar.first, last=calendar.last, days=days, hours=hours, taken_at=clock.now()
    )
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError:  # another process froze the same content first
        existing = _find(digest)
        assert existing is not None, "unique digest, yet no row"
        return existing
    return row.id


def snapshot_of(calendar: WorkCalendar) -> int | None:
    """The id of the snapshot that equals ``calendar``, if one was taken."""
    return _find(_digest(calendar))


def frozen(snapshot_id: int) -> WorkCalendar:
    """The calendar of a snapshot; kept by the process, since it can't change. Raises NotFound."""
    kept: dict[Any, WorkCalendar] = current_app.extensions.setdefault("frozen_calendars", {})
    key = (str(db.engine.url), snapshot_id)
    if key not in kept:
        row = db.session.get(CalendarSnapshot, snapshot_id)
        if row is None:
            raise NotFound()
        kept[key] = WorkCalendar(row.first, row.last, tuple(_days(row.first, row.days)), OfficeHours(*row.hours))
    return kept[key]


def _digest(calendar: WorkCalendar) -> str:
    content = (calendar.first, calendar.last, _bits(calendar), list(calendar.hours))
    return hashlib.sha256(repr(content).encode()).hexdigest()


def _find(digest: str) -> int | None:
    return db.session.scalar(sa.select(CalendarSnapshot.id).where(CalendarSnapshot.digest == digest))


def _bits(calendar: WorkCalendar) -> bytes:
    number = 0
    for day in calendar.working:
        number |= 1 << (day - calendar.first).days
    return number.to_bytes((calendar.last - calendar.first).days // 8 + 1, "little")


def _days(first: date, bits: bytes) -> list[date]:
    number = int.from_bytes(bits, "little")
    return [first + timedelta(days=n) for n in range(len(bits) * 8) if number >> n & 1]
