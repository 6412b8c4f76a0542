"""The period of a report: whole days in China, both included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.clock import SHANGHAI
from app.core.errors import Invalid

LONGEST_DAYS = 366
USUAL_DAYS = 28


@dataclass(frozen=True, slots=True)
class Period:
    """``first`` to ``last``; ``typed`` keeps what a person typed, for the form after a refusal."""

    first: date
    last: date
    typed: tuple[str, str]

    def instants(self) -> tuple[datetime, datetime]:
        """Beginning (included) and end (excluded)."""
        begin = datetime.combine(self.first, time(), SHANGHAI)
        return begin, datetime.combine(self.last + timedelta(days=1), time(), SHANGHAI)

    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def weeks(self) -> list[tuple[str, list[date]]]:
        """The days by the Monday of their week, in order, each with the words for the week's first day shown."""
        found: dict[date, list[date]] = {}
        for day in self.days():
            found.setdefault(day - timedelta(days=day.weekday()), []).append(day)
        return [(_("%(day)s 起", day=f"{days[0]:%m-%d}"), days) for days in found.values()]

    @staticmethod
    def latest() -> date:
        return clock.today()


def read_period(args: Mapping[str, str]) -> tuple[Period, Invalid | None]:
    """What the address asks for, the last four weeks without. A refusal comes back with the usual period."""
    typed = args.get("from", "").strip(), args.get("to", "").strip()
    today = clock.today()
    usual = Period(today - timedelta(days=USUAL_DAYS - 1), today, typed)
    try:
        last = date.fromisoformat(typed[1]) if typed[1] else usual.last
        first = date.fromisoformat(typed[0]) if typed[0] else last - timedelta(days=USUAL_DAYS - 1)
    except (ValueError, OverflowError):
        return usual, Invalid(_l("日期不对，请写成 2026-11-23 这样。"), code="period_unreadable")
    refusal = _refusal(first, last)
    return (usual, refusal) if refusal is not None else (Period(first, last, (str(first), str(last))), None)


def _refusal(first: date, last: date) -> Invalid | None:
    message: Any = None
    if first > last:
        message = _l("开始日期晚于结束日期，请对调。")
    elif (last - first).days >= LONGEST_DAYS:
        message = _l("最长可看 %(n)s 天，请缩短时间范围。", n=LONGEST_DAYS)
    elif first.year < 2000 or last.year > 2100:
        message = _l("日期超出可查的范围。")
    return Invalid(message, code="period_refused") if message is not None else None
