"""How far back a person may look: whole months of the calendar in China, back from now."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime

from flask_babel import lazy_gettext as _l

from app.core import clock, numbers
from app.core.clock import SHANGHAI

GENERAL, ADVANCED = "lookback_general_months", "lookback_advanced_months"
CHOICES = (3, 6, 12, 18, 24, 36, 48, 60)  # what one grant may open; a closed list, so that the query knows each bound


def install() -> None:
    numbers.GROUP_TITLES.setdefault("grants", _l("查看范围"))
    numbers.register(
        numbers.NumberSpec(
            GENERAL, "grants", 12, 1, 60, "months", _l("用户能看到自己多少个月内的工单和会话。"),
        ),
        numbers.NumberSpec(
            ADVANCED, "grants", 24, 3, 60, "months", _l("科室权限默认能看到多少个月内的记录；更久须加一人批准。"),
        ),
    )  # fmt: skip


def months_back(months: int, now: datetime | None = None) -> datetime:
    """The first instant inside: the same day and time ``months`` earlier, or the last day of a shorter month."""
    return shifted(now or clock.now(), -months)


def shifted(at: datetime, months: int) -> datetime:
    """``at`` some calendar months later (or earlier) in China."""
    return earlier(at.astimezone(SHANGHAI), -months).astimezone(at.tzinfo)


def earlier(local: datetime, months: int) -> datetime:
    """The same of a time that is China's already."""
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    day = local.day
    if day > 28:
        day = min(day, monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day)
