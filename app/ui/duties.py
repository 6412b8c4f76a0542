"""Duties: what waits for a person, filled by features, shown on the page 今日 (decisions.md 3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core import calendar
from app.core.calendar import WorkCalendar
from app.core.policy import Actor, Permission
from app.core.registry import Registry


@dataclass(frozen=True, slots=True)
class Duty:
    """One waiting thing: since when, what it is, until when, and the link that begins it."""

    since: datetime
    text: Any
    number: str
    due_at: datetime | None
    url: str
    post: bool = False  # the link begins with a POST (a claim)
    verb: Any = ""
    every_hour: bool = False  # the deadline counts nights and holidays too


@dataclass(frozen=True, slots=True)
class Waiting:
    """A duty on the page, with what is left of it as the lists count it: seconds of working time, or None where the
    wall clock counts (every hour promised, or a day beyond the loaded calendar)."""

    source: DutySource
    duty: Duty
    left: float | None = None
    budget: float | None = None


def counted(source: DutySource, duty: Duty, office: WorkCalendar | None, now: datetime) -> Waiting:
    """``duty`` with its rest in working time."""
    if duty.due_at is None or duty.every_hour:
        return Waiting(source, duty)
    left = calendar.left(office, duty.since, duty.due_at, now)
    if left is None:
        return Waiting(source, duty)
    return Waiting(source, duty, left.seconds, left.seconds / left.share if left.share else None)


@dataclass(frozen=True, slots=True)
class DutySource:
    """A feature's contribution: at most ``limit`` duties, oldest first, one statement."""

    key: str
    label: Any
    icon: str
    permission: Permission
    duties: Callable[[Actor, int], Sequence[Duty]]
    queue_endpoint: str
    waiting: Callable[[Actor], str]  # how many more wait, as capped text


duty_sources: Registry[DutySource] = Registry("duties")
