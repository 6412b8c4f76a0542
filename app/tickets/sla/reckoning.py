"""Deadlines as a pure function of what happened: log in, clocks out, nothing remembered in between.

A clock starts, stops and may go on again; what lies between a stop and the next start is not counted, so a reopened
ticket resumes and does not begin anew. Pauses overlap freely: their union is taken once. A pause without an end of
its own ends at its planned end, whether or not anybody ever ended it, so that a deadline is known at every moment.
Rules a to c of reference/dispatch.md 7.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from app.tickets.sla.metrics import Metric

NOTHING = timedelta()
Span = tuple[datetime, datetime]


class WorkTime(Protocol):
    """A calendar of working time: `core.calendar.WorkCalendar`, or every hour of the day."""

    def add_working_time(self, start: datetime, span: timedelta) -> datetime: ...
    def working_time_between(self, start: datetime, end: datetime) -> timedelta: ...
    def working_spans(self, start: datetime, end: datetime) -> Iterator[Span]: ...


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch in which some clocks stand still. ``ends`` is the actual end, or the planned one while it lasts."""

    since: datetime
    ends: datetime
    stops: frozenset[Metric]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One clock: its budget of working time and the instants at which it was set going and stopped, in order.

    ``marks`` alternate start, stop, start, …; an odd number means that it is going.
    """

    metric: Metric
    budget: timedelta
    marks: tuple[datetime, ...]

    @property
    def going(self) -> bool:
        return len(self.marks) % 2 == 1

    @property
    def stopped_at(self) -> datetime | None:
        return None if self.going else self.marks[-1]


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What a clock says at one moment. ``left`` is negative when late; ``standing`` says that it is paused now."""

    due_at: datetime
    used: timedelta
    left: timedelta
    standing: bool
    late: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """One line of a receipt. ``why`` is empty where time was counted, else the keys of all reasons, or "stopped"."""

    since: datetime
    until: datetime
    why: tuple[str, ...]
    work: timedelta  # working time inside, counted or not

    @property
    def counted(self) -> bool:
        return not self.why


def gaps(run: Run, pauses: Iterable[Pause]) -> list[Span]:
    """The stretches in which the clock does not count: sorted, merged, none empty."""
    found = [(p.since, p.ends) for p in pauses if run.metric in p.stops and p.since < p.ends]
    found += list(zip(run.marks[1::2], run.marks[2::2], strict=False))
    merged: list[Span] = []
    for since, until in sorted(found):
        if since >= until:
            continue
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until))
        else:
            merged.append((since, until))
    return merged


def due(run: Run, pauses: Iterable[Pause], calendar: WorkTime, *, share: float = 1.0) -> datetime:
    """When ``share`` of the budget is used up (1.0: the deadline). Raises CalendarMissing past the loaded days."""
    start = run.marks[0]
    at = calendar.add_working_time(start, run.budget * share)
    for since, until in gaps(run, pauses):
        if since >= at:
            break
        lost = calendar.working_time_between(max(since, start), max(until, start))
        at = calendar.add_working_time(at, lost) if lost else at
    return at


def used(run: Run, pauses: Iterable[Pause], calendar: WorkTime, now: datetime) -> timedelta:
    """Working time counted so far, up to ``now`` or to the stop."""
    start, end = run.marks[0], run.stopped_at or now
    if end <= start:
        return NOTHING
    total = calendar.working_time_between(start, end)
    for since, until in gaps(run, pauses):
        since, until = max(since, start), min(until, end)
        if since < until:
            total -= calendar.working_time_between(since, until)
    return total


def reckon(run: Run, pauses: Sequence[Pause], calendar: WorkTime, now: datetime) -> Reckoned:
    """The clock at ``now``. A stopped one is late when it had used more than its budget, whatever comes later."""
    spent = used(run, pauses, calendar, now)
    standing = run.going and any(since <= now < until for since, until in gaps(run, pauses))
    left = run.budget - spent
    return Reckoned(due(run, pauses, calendar), spent, left, standing, left < NOTHING)


def receipt(run: Run, pauses: Sequence[Pause], calendar: WorkTime, until: datetime) -> list[Piece]:
    """Every stretch from the start to ``until`` (or the stop), in order and without holes, with what stopped it.

    The counted work adds up to `used`. A stretch begins wherever a pause begins or ends, so that overlapping pauses
    are all named where they hold. Time outside of working hours belongs to the stretch around it.
    """
    start, end = run.marks[0], run.stopped_at or until
    stops = [(since, to, "stopped") for since, to in zip(run.marks[1::2], run.marks[2::2], strict=False)]
    off = [(p.since, p.ends, p.reason) for p in pauses if run.metric in p.stops] + stops
    cuts = sorted({start, end, *(at for since, to, _why in off for at in (since, to) if start < at < end)})
    pieces: list[Piece] = []
    for since, to in itertools.pairwise(cuts):
        why = tuple(sorted({key for begins, ends, key in off if begins <= since < ends}))
        if pieces and pieces[-1].why == why:
            since = pieces.pop().since
        pieces.append(Piece(since, to, why, calendar.working_time_between(since, to)))
    return pieces
