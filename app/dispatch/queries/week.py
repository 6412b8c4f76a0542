"""The week board as it is drawn: half days in columns, people in rows, each cell judged by the rule engine.

Nothing is decided here. A cell is hatched where the engine's rules of presence (`rules.PRESENCE`) say no, and marked as
free where every rule says yes to the chosen ticket. Too many visits in a half day, and visits in somebody's absence,
are said in words as well as in colour.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import calendar, numbers
from app.core.calendar import CalendarMissing
from app.core.clock import SHANGHAI
from app.dispatch.eligibility import Candidate, Job, Plan, Span, Table
from app.dispatch.eligibility.facts import day_of, half_span, last_day_of
from app.dispatch.eligibility.rules import PRESENCE, RULES, Failure, Question, Rule, failures
from app.dispatch.models import ABSENCE_REASONS, Half
from app.dispatch.queries.board import Block, Lane
from app.hospitals import provinces
from app.ui.frame import language

WEEKDAYS = (_l("周一"), _l("周二"), _l("周三"), _l("周四"), _l("周五"), _l("周六"), _l("周日"))
ANY_JOB = Job(
    uuid.UUID(int=0), "", 0, 0, "", "", uuid.UUID(int=0), "", None, None, "", None, "", "on_site", "", None
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """One half day."""

    plan: Plan
    past: bool

    @property
    def key(self) -> str:
        return f"{self.plan.day}/{self.plan.half.value}"


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    word: Any
    today: bool
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Week:
    """Monday to Friday, and the days of the weekend on which people work."""

    days: tuple[Day, ...]
    span: Span
    before: date
    after: date | None  # None: no calendar is loaded for the next one

    @property
    def first(self) -> date:
        return self.days[0].day

    @property
    def last(self) -> date:
        return self.days[-1].day

    @property
    def columns(self) -> list[Column]:
        return [column for one in self.days for column in one.columns]


@dataclass(slots=True)
class Cell:
    """One half day of one person, or several in which he is away for the same reason."""

    columns: list[Column]
    blocks: list[Block] = field(default_factory=list)
    off: Any = ""
    law: bool = False  # away by the contract gate
    over: int = 0  # visits more than fit
    clash: bool = False  # a visit in his absence
    free: bool = False  # the chosen ticket could go here
    best: bool = False

    @property
    def first(self) -> Column:
        return self.columns[0]


@dataclass(slots=True)
class Row:
    lane: Lane
    cells: list[Cell]
    taken: int
    room: int
    note: Any = ""  # why the chosen ticket cannot go to him at all

    @property
    def over(self) -> int:
        return sum(cell.over for cell in self.cells)

    @property
    def clashes(self) -> int:
        return sum(cell.clash for cell in self.cells)


@dataclass(slots=True)
class Group:
    """The people of one territory."""

    title: str
    rows: list[Row] = field(default_factory=list)

    @property
    def engineers(self) -> int:
        return sum(not row.lane.is_dealer for row in self.rows)

    @property
    def dealers(self) -> int:
        return len(self.rows) - self.engineers

    @property
    def share(self) -> float:
        return sum(row.taken for row in self.rows) / (sum(row.room for row in self.rows) or 1)


def week_of(day: date, now: datetime) -> Week:
    """The week that holds a day."""
    monday = day - timedelta(days=day.weekday())
    shown = [monday + timedelta(days=n) for n in range(7)]
    hours, today = numbers.office_hours(), day_of(now)
    days = []
    for one in shown:
        working = _working(one)
        if one.weekday() < 5 or working:
            plans = (Plan(half_span(one, half, hours), frozenset({half}), working) for half in Half)
            columns = tuple(Column(plan, plan.span.until <= now) for plan in plans)
            days.append(Day(one, WEEKDAYS[one.weekday()], one == today, columns))
    begins = datetime.combine(monday, time(), tzinfo=SHANGHAI)
    after = monday + timedelta(days=7)
    known = any(_working(after + timedelta(days=n)) for n in range(5))
    return Week(
        tuple(days), Span(begins, begins + timedelta(days=7)), monday - timedelta(days=7), after if known else None
    )


def _working(day: date) -> bool:
    try:
        return calendar.is_working(day)
    except CalendarMissing:
        return False


def groups(lanes: Sequence[Lane], week: Week, now: datetime, table: Table | None, province: str) -> list[Group]:
    """Rows by territory, that of the chosen ticket first; with a province chosen everybody is of it."""
    found: dict[str, Group] = {}
    for lane in lanes:
        code = province or (lane.provinces[0] if lane.provinces else "")
        title = provinces.title(code, language()) if code else _("没有服务区域")
        found.setdefault(code, Group(title)).rows.append(_row(lane, week, now, table))
    near = table.job.province if table else ""
    return sorted(found.values(), key=lambda group: all(near not in row.lane.provinces for row in group.rows))


def _row(lane: Lane, week: Week, now: datetime, table: Table | None) -> Row:
    cells: list[Cell] = []
    who, refusals = _person(lane, table), []
    job, rules = (table.job, RULES) if table else (ANY_JOB, PRESENCE)
    for column in week.columns:
        failed = failures(Question(job, _asked(who, lane, column), column.plan, now), rules)
        cell = _cell(lane, column, failed, now)
        here = bool(who.own) and any(one.number == who.own for one in cell.blocks)
        cell.free = table is not None and who.known and not failed and not column.past and not here
        cell.best = cell.free and _is_best(table, lane, column)
        refusals.append(failed)
        last = cells[-1] if cells else None
        if last and cell.off and not cell.blocks and not last.blocks and str(last.off) == str(cell.off):
            last.columns.append(column)
        else:
            cells.append(cell)
    room = lane.capacity * sum(column.plan.working for column in week.columns)
    return Row(lane, cells, len(lane.blocks), room, _note(refusals) if table and who.known else "")


@dataclass(frozen=True, slots=True)
class _Person:
    candidate: Candidate
    known: bool  # all that the rules ask is known, not his presence alone
    own: str  # number of the chosen ticket: it does not stand in its own way


def _person(lane: Lane, table: Table | None) -> _Person:
    standing = table.of(lane.id) if table is not None else None
    own = table.job.number if table is not None else ""
    if standing is not None:
        return _Person(standing.candidate, True, own)
    empty = frozenset[str]()
    bare = Candidate(lane.id, lane.kind, lane.name, lane.active, frozenset(lane.provinces), empty, lane.capacity)
    return _Person(bare, False, own)


def _asked(who: _Person, lane: Lane, column: Column) -> Candidate:
    """The candidate as he is in this week and on this weekday."""
    weekday = column.plan.day.weekday()
    return replace(
        who.candidate, has_shifts=lane.own_hours, shifts=frozenset(half for day, half in lane.shifts if day == weekday),
        absences=tuple(span for span, _reason in lane.absences), contracts=tuple(lane.contracts),
        busy=tuple(one.span for one in lane.blocks if one.live and not (who.own and one.number == who.own)),
    )  # fmt: skip


def _cell(lane: Lane, column: Column, failed: Sequence[Failure], now: datetime) -> Cell:
    blocks = sorted((one for one in lane.blocks if one.span.overlaps(column.plan.span)), key=lambda one: one.span.since)
    live = sum(one.live for one in blocks)
    rules = {one.rule for one in failed}
    off, law = _off(lane, column, rules, now)
    clash = bool(live) and Rule.ABSENCE in rules
    over = 0 if column.past else max(0, live - lane.capacity)
    return Cell([column], blocks, off, law, over, clash and not column.past)


def _off(lane: Lane, column: Column, rules: set[Rule], now: datetime) -> tuple[Any, bool]:
    """Why he is not there, in few words; the contract gate is told apart."""
    if Rule.ABSENCE in rules:
        return next(
            ABSENCE_REASONS.get(reason, _l("缺勤")) for span, reason in lane.absences if span.overlaps(column.plan.span)
        ), False
    if Rule.CONTRACT in rules:
        if not lane.contracts:
            return _l("没有合同"), True
        latest = max(lane.contracts, key=lambda one: one.span.until)
        if latest.span.since > now:
            return _l("合同 %(day)s 起", day=f"{day_of(latest.span.since):%m-%d}"), True
        return _l("合同 %(day)s 止", day=f"{last_day_of(latest.span):%m-%d}"), True
    if Rule.SHIFT in rules:
        return (_l("不当班") if column.plan.working else _l("休")), False
    return "", False


def _is_best(table: Table | None, lane: Lane, column: Column) -> bool:
    if table is None or table.best is None or table.best.candidate.id != lane.id:
        return False
    return table.plan.span.overlaps(column.plan.span)


def _note(refusals: Sequence[Sequence[Failure]]) -> Any:
    """What refuses him in every half day of the week, and is not drawn in the cells anyway; far away nobody asks."""
    always = (Rule.LINE, Rule.SKILL, Rule.MODE, Rule.DECLINED)
    if any(one.rule is Rule.TERRITORY for failed in refusals for one in failed):
        return ""
    first = next((one for one in refusals[0] if one.rule in always), None) if refusals else None
    if first is None or any(all(one.rule is not first.rule for one in failed) for failed in refusals):
        return ""
    return first.text
