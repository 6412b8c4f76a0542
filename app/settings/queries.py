"""What the settings page shows: numbers with their bounds and origin, a year's calendar by month."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import calendar, clock, numbers
from app.core.db import db
from app.core.policy import Actor, Permission

UNITS: dict[str, Any] = {
    "working_hours": _l("工作小时"),
    "working_days": _l("工作日"),
    "months": _l("个月"),
    "days": _l("天"),
    "hours": _l("小时"),
    "minutes": _l("分钟"),
    "seconds": _l("秒"),
    "time_of_day": _l("北京时间"),
    "count": _l("个"),
    "text": _l("文字"),
}


@dataclass(frozen=True, slots=True)
class NumberLine:
    """One row of the table, as text."""

    key: str
    sentence: Any
    value: str
    unit: Any
    bounds: str
    default: str
    unconfirmed: bool  # still the default, which waits for the owner
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Run:
    """Days of one month in a row with one name; written 1–5."""

    first: int
    last: int
    name: str

    @property
    def days(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"


@dataclass(frozen=True, slots=True)
class Month:
    """One month of the loaded calendar."""

    number: int
    working: int
    holidays: list[Run]  # named days off
    makeup: list[Run]  # working Saturdays and Sundays


def number_groups(actor: Actor) -> list[tuple[Any, list[NumberLine]]]:
    """All business numbers by group, in the order of registration."""
    actor.require(Permission.SETTINGS_READ)
    rows = numbers.overrides()
    groups: dict[str, list[NumberLine]] = {key: [] for key in numbers.GROUP_TITLES}
    for spec in numbers.specs:
        groups.setdefault(spec.group, []).append(_line(spec, rows.get(spec.key)))
    return [(numbers.GROUP_TITLES.get(key, key), lines) for key, lines in groups.items() if lines]


def _line(spec: numbers.NumberSpec, row: numbers.BusinessNumber | None) -> NumberLine:
    value = spec.default if row is None else row.value if spec.unit == "text" else int(row.value)
    bounds = "—" if spec.unit == "text" else f"{spec.show(spec.floor)} – {spec.show(spec.ceiling)}"
    return NumberLine(
        key=spec.key,
        sentence=spec.sentence,
        value=spec.show(value),
        unit=UNITS[spec.unit],
        bounds=bounds,
        default=spec.show(spec.default),
        unconfirmed=row is None and spec.confirm,
        changed_at=row.changed_at if row else None,
    )


def years(actor: Actor) -> list[int]:
    """Loaded years, and the next one, which may be imported."""
    actor.require(Permission.SETTINGS_READ)
    try:
        loaded = calendar.current()
    except calendar.CalendarMissing:
        return [clock.today().year]
    return list(range(loaded.first.year, loaded.last.year + 2))


def loaded_until(actor: Actor) -> date | None:
    """The last loaded day, or None when nothing is loaded."""
    actor.require(Permission.SETTINGS_READ)
    return db.session.scalar(sa.select(sa.func.max(calendar.WorkingDay.day)))


def moved(actor: Actor, draft: calendar.Draft) -> Iterator[calendar.Moved]:
    """Deadlines of open work that the draft would move, from every feature that has some."""
    actor.require(Permission.SETTINGS_MANAGE)
    other = calendar.would_be(draft.days)
    for effect in calendar.effects:
        yield from effect.moved(other)


def months(actor: Actor, year: int) -> list[Month]:
    """The loaded months of a year."""
    actor.require(Permission.SETTINGS_READ)
    day = calendar.WorkingDay.day
    found = db.session.scalars(
        sa.select(calendar.WorkingDay).where(day.between(date(year, 1, 1), date(year, 12, 31))).order_by(day)
    )
    by_month: dict[int, list[calendar.WorkingDay]] = {}
    for row in found:
        by_month.setdefault(row.day.month, []).append(row)
    return [
        Month(
            number,
            sum(row.is_working for row in rows),
            _runs([row for row in rows if not row.is_working and (row.name or row.day.weekday() < 5)]),
            _runs([row for row in rows if row.is_working and row.day.weekday() >= 5]),
        )
        for number, rows in by_month.items()
    ]


def _runs(rows: list[calendar.WorkingDay]) -> list[Run]:
    found: list[Run] = []
    for row in rows:
        if found and found[-1].last + 1 == row.day.day and found[-1].name == row.name:
            found[-1] = Run(found[-1].first, row.day.day, row.name)
        else:
            found.append(Run(row.day.day, row.day.day, row.name))
    return found
