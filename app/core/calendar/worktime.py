"""Working time as pure functions over an immutable value. China keeps one time zone and no summer time.

Every working day has the same office hours, so a position in working time is (working days before) x (length of a day)
plus the part of the day: two bisections instead of a walk. Everything is whole microseconds, no rounding. Source of
the rules and of the test vectors: reference/dispatch.md 7.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from flask_babel import lazy_gettext as _l

from app.core.clock import SHANGHAI
from app.core.errors import Unavailable
from app.core.numbers import OfficeHours


class CalendarMissing(Unavailable):
    """A day outside the loaded years: refused, because a guess would be a wrong promise."""

    code = "calendar_missing"
    message = _l("工作日历没有覆盖所需的日期，请管理员在设置中导入下一年的日历。")


class AroundTheClock:
    """The calendar of a promise that counts every hour; answers as `WorkCalendar` does, and is never missing a day."""

    def add_working_time(self, start: datetime, span: timedelta) -> datetime:
        return start.astimezone(UTC) + span

    def working_time_between(self, start: datetime, end: datetime) -> timedelta:
        return end - start

    def working_spans(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        if start < end:
            yield start.astimezone(UTC), end.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """The loaded days from ``first`` to ``last`` (both included), of which ``working`` are sorted working days."""

    first: date
    last: date
    working: tuple[date, ...]
    hours: OfficeHours
    _spans: tuple[tuple[timedelta, timedelta], ...] = field(init=False, repr=False, compare=False)
    _day_length: timedelta = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        minutes = [timedelta(minutes=m) for m in self.hours]
        spans = ((minutes[0], minutes[1]), (minutes[2], minutes[3]))
        object.__setattr__(self, "_spans", spans)
        object.__setattr__(self, "_day_length", sum((end - start for start, end in spans), timedelta()))

    def is_working(self, day: date) -> bool:
        """Raises CalendarMissing outside the loaded range."""
        self._check(day)
        at = bisect_left(self.working, day)
        return at < len(self.working) and self.working[at] == day

    def add_working_days(self, day: date, n: int) -> date:
        """The ``n``-th working day after ``day`` (before it when negative); ``day`` itself when 0."""
        self._check(day)
        if n == 0:
            return day
        at = bisect_right(self.working, day) + n - 1 if n > 0 else bisect_left(self.working, day) + n
        if not 0 <= at < len(self.working):
            raise CalendarMissing()
        return self.working[at]

    def add_working_time(self, start: datetime, span: timedelta) -> datetime:
        """The earliest instant (UTC) by which ``span`` of working time has passed since ``start``."""
        if span < timedelta():
            raise ValueError("working time is added forwards only")
        position = self._position(start)
        if span == timedelta():
            return start.astimezone(UTC)
        index, rest = divmod(position + span, self._day_length)
        if rest == timedelta():  # the end of a day, not the beginning of the next
            index, rest = index - 1, self._day_length
        if index >= len(self.working):
            raise CalendarMissing()
        return self._instant(self.working[index], rest)

    def add_working_hours(self, start: datetime, hours: float) -> datetime:
        """As `add_working_time`, in hours."""
        return self.add_working_time(start, timedelta(hours=hours))

    def working_time_between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from ``start`` to ``end``; negative when ``end`` is earlier."""
        return self._position(end) - self._position(start)

    def working_seconds_between(self, start: datetime, end: datetime) -> float:
        return self.working_time_between(start, end).total_seconds()

    def working_spans(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The stretches of working time (UTC) between two instants, in order: how a deadline was counted."""
        first, last = (at.astimezone(SHANGHAI).date() for at in (start, end))
        self._check(first)
        self._check(last)
        for day in self.working[bisect_left(self.working, first) : bisect_right(self.working, last)]:
            midnight = datetime.combine(day, time(), tzinfo=SHANGHAI)
            for opens, closes in self._spans:
                since, until = max(midnight + opens, start), min(midnight + closes, end)
                if since < until:
                    yield since.astimezone(UTC), until.astimezone(UTC)

    def days_left(self, today: date) -> int:
        """Working days loaded after ``today``; 0 past the end. Never raises: it feeds the warning."""
        return len(self.working) - bisect_right(self.working, today)

    def _check(self, day: date) -> None:
        if not self.first <= day <= self.last:
            raise CalendarMissing()

    def _position(self, at: datetime) -> timedelta:
        """Working time from the beginning of the loaded range to ``at``."""
        if at.tzinfo is None:
            raise ValueError("working time needs timezone-aware instants")
        local = at.astimezone(SHANGHAI)
        day = local.date()
        self._check(day)
        index = bisect_left(self.working, day)
        total = index * self._day_length
        if index < len(self.working) and self.working[index] == day:
            clock = local.replace(tzinfo=None) - datetime.combine(day, time())
            total += sum((min(max(clock - a, timedelta()), b - a) for a, b in self._spans), timedelta())
        return total

    def _instant(self, day: date, rest: timedelta) -> datetime:
        """The earliest instant of ``day`` at which ``rest`` (more than nothing) of its working time has passed."""
        midnight = datetime.combine(day, time(), tzinfo=SHANGHAI)
        for start, end in self._spans:
            if rest <= end - start:
                return (midnight + start + rest).astimezone(UTC)
            rest -= end - start
        raise AssertionError("more than a day's working time")
