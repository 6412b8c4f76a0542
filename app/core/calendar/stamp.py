"""The calendar for pages of many deadlines, without a statement of its own.

The stamp names the calendar in force: its version and the office hours. A page reads it as one more column of the
statement that reads its rows, and counts by the calendar that the process keeps for that stamp.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask import current_app

from app.core import numbers
from app.core.calendar.models import CalendarState
from app.core.calendar.table import current
from app.core.calendar.worktime import CalendarMissing, WorkCalendar
from app.core.db import db


class Left(NamedTuple):
    """Working seconds to a deadline (negative when it is over), and which share of the whole promise that is."""

    seconds: int
    share: float


def stamp() -> sa.ColumnElement[str]:
    """What changes whenever working time is counted otherwise; NULL while nothing is loaded."""
    version = sa.select(sa.cast(CalendarState.version, sa.String)).where(CalendarState.id == 1).scalar_subquery()
    parts: list[Any] = [version, *(numbers.stored(f"office_{name}") for name in numbers.OfficeHours._fields)]
    joined = parts[0]
    for part in parts[1:]:
        joined = joined + ":" + sa.func.coalesce(part, "")
    return joined


def stamped(name: str | None) -> WorkCalendar | None:
    """The calendar that a stamp read just now stands for; read from the tables once per process and stamp."""
    if name is None:
        return None
    kept: dict[Any, WorkCalendar] = current_app.extensions.setdefault("stamped_calendars", {})
    key = (str(db.engine.url), name)
    found = kept.get(key)
    if found is None:
        try:
            found = current()
        except CalendarMissing:
            return None
        kept.clear()
        kept[key] = found
    return found


def left(calendar: WorkCalendar | None, began: datetime, deadline: datetime, now: datetime) -> Left | None:
    """What is left of a promise made at ``began``; None where the calendar does not reach, to be told in plain time."""
    if calendar is None:
        return None
    try:
        remaining = calendar.working_seconds_between(now, deadline)
        whole = calendar.working_seconds_between(began, deadline)
    except CalendarMissing:
        return None
    if remaining == 0 and now > deadline:  # over, and no office hour since
        remaining = -1
    return Left(int(remaining), min(1.0, max(0.0, remaining / whole)) if whole > 0 else 0.0)
