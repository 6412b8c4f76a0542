"""The China working-day calendar: loaded days in the database, office hours from the business numbers.

Nobody can compute next year's make-up workdays before the State Council announces them, so beyond the loaded range
every question is refused (`CalendarMissing`) rather than guessed.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from app.core import clock
from app.core.calendar.draft import Draft, current_draft, versions
from app.core.calendar.effects import Effect, Moved, effects
from app.core.calendar.frozen import CalendarSnapshot, freeze, frozen, snapshot_of
from app.core.calendar.models import CalendarState, CalendarVersion, WorkingDay
from app.core.calendar.stamp import Left, left, stamp, stamped
from app.core.calendar.table import VERSION, Imported, current, differing, export_csv, import_csv, seed, would_be
from app.core.calendar.worktime import AroundTheClock, CalendarMissing, WorkCalendar

if TYPE_CHECKING:
    from app.core.web import Portal

DAYS_WARNING = 60  # red banner below this many loaded working days ahead

__all__ = [
    "DAYS_WARNING",
    "VERSION",
    "AroundTheClock",
    "CalendarMissing",
    "CalendarSnapshot",
    "CalendarState",
    "CalendarVersion",
    "Draft",
    "Effect",
    "Imported",
    "Left",
    "Moved",
    "WorkCalendar",
    "WorkingDay",
    "add_working_days",
    "add_working_hours",
    "current",
    "current_draft",
    "days_left",
    "differing",
    "effects",
    "export_csv",
    "freeze",
    "frozen",
    "import_csv",
    "is_working",
    "left",
    "seed",
    "snapshot_of",
    "stamp",
    "stamped",
    "versions",
    "working_seconds_between",
    "would_be",
]


def add_working_hours(start: datetime, hours: float) -> datetime:
    """The instant (UTC) by which ``hours`` of office time have passed since ``start``. Raises CalendarMissing."""
    return current().add_working_hours(start, hours)


def add_working_days(day: date, n: int) -> date:
    """The ``n``-th working day after ``day``. Raises CalendarMissing."""
    return current().add_working_days(day, n)


def working_seconds_between(start: datetime, end: datetime) -> float:
    """Office time between two instants in seconds, negative backwards. Raises CalendarMissing."""
    return current().working_seconds_between(start, end)


def is_working(day: date) -> bool:
    """Raises CalendarMissing."""
    return current().is_working(day)


def days_left() -> int:
    """Loaded working days after today; 0 when nothing is loaded."""
    try:
        return current().days_left(clock.today())
    except CalendarMissing:
        return 0


def install(app: Portal) -> None:
    """The operator's commands: ``flask calendar import|export|seed``."""
    from app.core.calendar.commands import group

    app.cli.add_command(group)
