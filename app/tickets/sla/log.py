"""The event log of a ticket's clocks, and its replay: the only way from what happened to what is due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from app.tickets.sla.metrics import Metric
from app.tickets.sla.reckoning import Pause, Run


class Act(StrEnum):
    START = "start"
    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"
    BACKDATE = "backdate"  # after a merger: the fault was reported earlier, by the other ticket
    REBASE = "rebase"  # counted by other terms from here on; what happened stays what it was


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the log. ``pause`` names a pause (one that overlaps others keeps its own name)."""

    act: Act
    at: datetime
    metric: Metric | None = None  # of START, STOP and BACKDATE
    pause: str = ""  # of PAUSE and RESUME
    reason: str = ""  # key of a pause reason
    stops: frozenset[Metric] = frozenset()
    planned_end: datetime | None = None  # of PAUSE
    since: datetime | None = None  # of BACKDATE: the earlier start


class LogRefused(ValueError):
    """The log contradicts itself: stopped before started, a pause twice, time running backwards."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """All clocks of a ticket and all its pauses."""

    runs: Mapping[Metric, Run]
    pauses: tuple[Pause, ...]


def replay(log: Iterable[Happening], budgets: Mapping[Metric, timedelta]) -> Replayed:
    """The clocks after ``log``, oldest first. Metrics without a budget are not promised and have no clock.

    Raises LogRefused.
    """
    marks: dict[Metric, list[datetime]] = {}
    pauses: dict[str, Pause] = {}
    open_pauses: set[str] = set()
    before: datetime | None = None
    for line in log:
        if before is not None and line.at < before:
            raise LogRefused("the log runs backwards")
        before = line.at
        if line.act in (Act.START, Act.STOP):
            _mark(marks, line)
        elif line.act is Act.BACKDATE:
            _backdate(marks, line)
        elif line.act is Act.REBASE:
            continue
        elif line.act is Act.PAUSE:
            if line.pause in pauses or line.planned_end is None or line.planned_end < line.at:
                raise LogRefused("a pause begins once and has an end after its beginning")
            pauses[line.pause] = Pause(line.at, line.planned_end, line.stops, line.reason)
            open_pauses.add(line.pause)
        else:
            if line.pause not in open_pauses:
                raise LogRefused("only a running pause can end")
            open_pauses.remove(line.pause)
            held = pauses[line.pause]
            pauses[line.pause] = replace(held, ends=min(held.ends, line.at))
    runs = {m: Run(m, budgets[m], tuple(found)) for m, found in marks.items() if m in budgets}
    return Replayed(runs, tuple(pauses.values()))


def _mark(marks: dict[Metric, list[datetime]], line: Happening) -> None:
    if line.metric is None:
        raise LogRefused("a start or a stop names its clock")
    found = marks.setdefault(line.metric, [])
    if (len(found) % 2 == 1) == (line.act is Act.START):
        raise LogRefused(f"{line.metric} is already {'going' if line.act is Act.START else 'stopped'}")
    found.append(line.at)


def _backdate(marks: dict[Metric, list[datetime]], line: Happening) -> None:
    found = marks.get(line.metric) if line.metric is not None else None
    if not found or line.since is None or line.since > found[0]:
        raise LogRefused("only a clock that was set going can have begun earlier")
    found[0] = line.since
