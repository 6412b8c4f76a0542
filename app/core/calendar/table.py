"""Reading and changing the calendar's table: cache by version, seed, import, export."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any, NamedTuple

import chinese_calendar
import sqlalchemy as sa
from flask import current_app, has_request_context, request
from flask_babel import lazy_gettext as _l

from app.core import clock, numbers
from app.core.calendar.models import CalendarState, CalendarVersion, WorkingDay
from app.core.calendar.worktime import CalendarMissing, WorkCalendar
from app.core.db import db
from app.core.errors import Invalid
from app.core.policy import SYSTEM, Actor

FIRST_YEAR = 2024
MAX_FILE_CHARS = 200_000
MAX_ERRORS = 20
NAME_MAX_CHARS = 80
HEADER = ["day", "is_working", "name"]
SEED_SOURCE = f"chinesecalendar {chinese_calendar.__version__}"
_ENVIRON = "portal.work_calendar"
_YES, _NO = {"1", "true", "yes", "y", "是"}, {"0", "false", "no", "n", "否"}


VERSION = ".calendar"  # no business number has such a key
_stamp: tuple[Any, Any] = (sa.literal(VERSION), sa.cast(CalendarState.version, sa.String))
numbers.companions.add(VERSION, sa.select(*_stamp).where(CalendarState.id == 1))


class Day(NamedTuple):
    is_working: bool
    name: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, for the answer and the audit event."""

    first: date
    last: date
    changed: int


def current() -> WorkCalendar:
    """The calendar in force, from the process's cache while the table's version stays. One small statement a request.

    Raises CalendarMissing when nothing is loaded.
    """
    if has_request_context() and _ENVIRON in request.environ:
        return request.environ[_ENVIRON]  # type: ignore[no-any-return]
    version = numbers.companion(VERSION)
    if version is None:
        raise CalendarMissing()
    hours = numbers.office_hours()
    cached: dict[Any, Any] = current_app.extensions.setdefault("work_calendar", {})
    found: WorkCalendar | None = cached.get((version, hours))
    if found is None:
        found = _load(hours)
        cached.clear()
        cached[(version, hours)] = found
    if has_request_context():
        request.environ[_ENVIRON] = found
    return found


def _load(hours: numbers.OfficeHours) -> WorkCalendar:
    rows = db.session.execute(sa.select(WorkingDay.day, WorkingDay.is_working).order_by(WorkingDay.day)).all()
    if not rows:
        raise CalendarMissing()
    return WorkCalendar(rows[0].day, rows[-1].day, tuple(r.day for r in rows if r.is_working), hours)


def seed() -> int:
    """Load every year from `FIRST_YEAR` that chinesecalendar knows and the table lacks; the number of days added.

    Idempotent: a year with any row is left alone, whoever loaded it.
    """
    last_year = max(chinese_calendar.holidays).year
    have = {day.year for day in db.session.scalars(sa.select(WorkingDay.day))}
    days: dict[date, Day] = {}
    for year in range(FIRST_YEAR, last_year + 1):
        if year not in have:
            days.update(_seed_year(year))
    return write(days, SEED_SOURCE).changed if days else 0


@cache
def _seed_year(year: int) -> Mapping[date, Day]:
    return {day: Day(chinese_calendar.is_workday(day), _seed_name(day)) for day in _year(year)}


def _seed_name(day: date) -> str:
    """What the day is called when it differs from the plain week."""
    if chinese_calendar.is_workday(day) == (day.weekday() < 5) and day not in chinese_calendar.holidays:
        return ""
    _, name = chinese_calendar.get_holiday_detail(day)
    title = {
        "New Year's Day": "元旦", "Spring Festival": "春节", "Tomb-sweeping Day": "清明节", "Labour Day": "劳动节",
        "Dragon Boat Festival": "端午节", "Mid-autumn Festival": "中秋节", "National Day": "国庆节",
    }.get(name or "", name or "")  # fmt: skip
    return f"{title}调休上班" if chinese_calendar.is_workday(day) else title


def _year(year: int) -> Iterable[date]:
    first = date(year, 1, 1)
    return (first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days))


def import_csv(text: str, source: str) -> Imported:
    """Load ``day,is_working,name`` lines: corrections of loaded days, or days that continue the range without a gap.

    All or nothing: raises Invalid whose ``fields["file"]`` lists what is wrong, with line numbers.
    """
    return write(read_csv(text), source)


def read_csv(text: str) -> dict[date, Day]:
    """The days of a file, nothing loaded. Raises Invalid as `import_csv`."""
    if len(text) > MAX_FILE_CHARS:
        raise Invalid(fields={"file": [_l("文件过大，一年的日历不超过 366 行。")]})
    days, errors = _parse(text)
    if not errors:
        errors = _gaps(days)
    if errors:
        raise Invalid(fields={"file": errors[:MAX_ERRORS]})
    return days


def _parse(text: str) -> tuple[dict[date, Day], list[Any]]:
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    days: dict[date, Day] = {}
    errors: list[Any] = []
    try:
        header = next(reader, [])
        if [cell.strip().lower() for cell in header] != HEADER:
            return {}, [_l("第 1 行应为表头 day,is_working,name。")]
        for row in reader:
            problem = _take(row, days) if row else None
            if problem is not None:
                errors.append(_l("第 %(line)s 行：%(problem)s", line=reader.line_num, problem=problem))
    except csv.Error:
        errors.append(_l("第 %(line)s 行不是有效的 CSV。", line=reader.line_num))
    if not days and not errors:
        errors.append(_l("文件里没有任何日期。"))
    return days, errors


def _take(row: list[str], days: dict[date, Day]) -> Any | None:
    """Add one line to ``days``; what is wrong with it, or None."""
    if len(row) not in (2, 3):
        return _l("应有 2 或 3 列。")
    try:
        day = date.fromisoformat(row[0].strip())
    except ValueError:
        return _l("日期应写作 2027-01-01。")
    word = row[1].strip().lower()
    if word not in _YES | _NO:
        return _l("is_working 应为 1 或 0。")
    if day in days:
        return _l("日期重复。")
    name = row[2].strip() if len(row) == 3 else ""
    if len(name) > NAME_MAX_CHARS or not name.isprintable():
        return _l("名称过长或含有控制字符。")
    days[day] = Day(word in _YES, name)
    return None


def _gaps(days: Mapping[date, Day]) -> list[Any]:
    """Messages when the range would have a hole, so that no day is ever guessed."""
    have = set(db.session.scalars(sa.select(WorkingDay.day))) | days.keys()
    first, last = min(have), max(have)
    missing = (first + timedelta(days=n) for n in range((last - first).days))
    hole = next((day for day in missing if day not in have), None)
    return [] if hole is None else [_l("缺少 %(day)s：日历必须逐日连续，没有导入任何内容。", day=hole.isoformat())]


def would_be(days: Mapping[date, Day]) -> WorkCalendar:
    """The calendar in force with ``days`` in it; nothing is written."""
    rows = db.session.execute(sa.select(WorkingDay.day, WorkingDay.is_working))
    found = {row.day: row.is_working for row in rows} | {day: value.is_working for day, value in days.items()}
    working = tuple(sorted(day for day, is_working in found.items() if is_working))
    return WorkCalendar(min(found), max(found), working, numbers.office_hours())


def differing(days: Mapping[date, Day]) -> list[tuple[date, bool | None, Day]]:
    """(day, working as loaded or None, as in ``days``) of every day that would change, in order."""
    rows = db.session.scalars(sa.select(WorkingDay).where(WorkingDay.day.between(min(days), max(days))))
    old = {row.day: Day(row.is_working, row.name) for row in rows}
    changed = ((day, old.get(day), value) for day, value in sorted(days.items()))
    return [(day, was.is_working if was else None, value) for day, was, value in changed if was != value]


def write(days: Mapping[date, Day], source: str, by: Actor = SYSTEM, *, promises_follow: bool = False) -> Imported:
    """Put ``days`` in force and keep what changed as a version."""
    changes = differing(days)
    done = _put(days, source)
    if done.changed:
        version = _raise_version()
        db.session.add(
            CalendarVersion(
                version=version, source=source, first=done.first, last=done.last, changed=done.changed,
                days=[[day.isoformat(), was, *value] for day, was, value in changes], promises_follow=promises_follow,
                published_at=clock.now(), published_by=by.id, published_name=by.name if by.kind == "staff" else "",
            )
        )  # fmt: skip
        db.session.flush()
    return done


def _put(days: Mapping[date, Day], source: str) -> Imported:
    now = clock.now()
    found = db.session.scalars(sa.select(WorkingDay).where(WorkingDay.day.between(min(days), max(days))))
    old = {row.day: row for row in found}
    new = [
        {"day": day, "source": source, "imported_at": now, **v._asdict()} for day, v in days.items() if day not in old
    ]
    if new:
        db.session.execute(sa.insert(WorkingDay), new)
    changed = [row for day, row in old.items() if day in days and (row.is_working, row.name) != days[day]]
    for row in changed:
        row.is_working, row.name, row.source, row.imported_at = *days[row.day], source, now
    db.session.flush()
    return Imported(min(days), max(days), len(new) + len(changed))


def _raise_version() -> int:
    raised = db.session.scalar(
        sa.text(
            "INSERT INTO calendar_state (id, version) VALUES (1, 1) "
            "ON CONFLICT (id) DO UPDATE SET version = calendar_state.version + 1 RETURNING version"
        )
    )
    if has_request_context():
        request.environ.pop(_ENVIRON, None)
        numbers.forget()  # the version came with them
    return int(raised)


def export_csv(year: int) -> str:
    """The year as `import_csv` reads it. For a year not loaded: a plain week to fill in from the official notice."""
    rows = db.session.scalars(sa.select(WorkingDay).where(WorkingDay.day.between(date(year, 1, 1), date(year, 12, 31))))
    known = {row.day: Day(row.is_working, row.name) for row in rows}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for day in _year(year):
        value = known.get(day, Day(day.weekday() < 5, ""))
        writer.writerow([day.isoformat(), int(value.is_working), value.name])
    return out.getvalue()
