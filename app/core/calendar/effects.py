"""What another calendar would do to promises already made: told by the features, shown before anything is published.

Only what would be shown travels through here. Nothing moves by it: the features above follow a published version that
asks for it by a job of their own (decisions.md 3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.calendar.worktime import WorkCalendar
from app.core.registry import Registry


@dataclass(frozen=True, slots=True)
class Moved:
    """One deadline that would move. ``new_due`` None: the calendar does not reach; ``promised``: to a customer."""

    number: str
    what: Any
    old_due: datetime
    new_due: datetime | None
    promised: bool
    url: str | None = None

    @property
    def seconds(self) -> int:
        """By how much of the clock on the wall, later positive."""
        return 0 if self.new_due is None else int((self.new_due - self.old_due).total_seconds())


@dataclass(frozen=True, slots=True)
class Effect:
    """A feature's open promises under another calendar: only those whose deadline differs."""

    key: str
    label: Any
    moved: Callable[[WorkCalendar], Iterable[Moved]]


effects: Registry[Effect] = Registry("effects of another calendar")
