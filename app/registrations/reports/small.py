"""The three small charts of the review on 今日."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from flask import url_for
from flask_babel import gettext as _

from app.core import clock
from app.core.calendar import CalendarMissing
from app.core.policy import Actor, Permission
from app.core.statistics.interval import wilson
from app.registrations.reports import figures
from app.registrations.reports.charts import IN_WORKING_TIME, NOT_RECKONED
from app.registrations.reports.figures import ARRIVALS, DECISIONS, Span
from app.ui.charts import Small, SmallChart, small_charts
from app.ui.period import Period, read_period
from app.ui.shares import share_words

READ = Permission.REGISTRATIONS_READ


def install() -> None:
    for order, (key, draw) in enumerate((("ages", ages), ("flow", flow), ("due", due)), start=10):
        small_charts.add(
            f"registrations-{key}", SmallChart(f"registrations-{key}", READ, order, _within_calendar(key, draw))
        )


def _within_calendar(key: str, draw: Callable[[Actor], Small]) -> Callable[[Actor], Small]:
    """Beyond the loaded calendar the one figure that needs it says so; 今日 opens all the same."""

    def drawn(actor: Actor) -> Small:
        try:
            return draw(actor)
        except CalendarMissing:
            url = url_for("registrations.report", _anchor=f"chart-{key}")
            return Small(IN_WORKING_TIME[key], NOT_RECKONED, url)

    return drawn


def ages(actor: Actor) -> Small:
    """What waits for us now, by age."""
    *found, late = figures.ages(actor, None, figures.age_bounds())
    labels = (_("1 个工作日内"), _("1 至 2 个工作日"), _("2 至 5 个工作日"), _("5 个工作日以上"))
    total = sum(found)
    answer = _("%(n)s 件在等我们，%(late)s 件已超时。", n=f"{total:,}", late=f"{late:,}")
    bars = list(zip(labels, found, ("", "", "soon", "late"), strict=True))
    return Small(
        _("谁在等我们？"), answer if total else _("没有件在等我们。"),
        url_for("registrations.report", _anchor="chart-ages"),
        bars=bars if total else (), tone="late" if late else "",
    )  # fmt: skip


def flow(actor: Actor) -> Small:
    """Arrivals and decisions of this week's days so far, five at least."""
    today = clock.today()
    first = today - timedelta(days=max(today.weekday(), 4) if today.weekday() < 5 else today.weekday())
    period = Period(first, today, ("", ""))
    counts = figures.by_day(actor, Span(*period.instants()))
    busy = {day for day, _action in counts}
    days = [day for day in period.days() if day in figures.working_days(period.days()) | busy]
    count = lambda day, actions: sum(counts.get((day, action), 0) for action in actions)
    pairs = [(f"{day:%m-%d}", count(day, ARRIVALS), count(day, DECISIONS)) for day in days]
    came, went = sum(pair[1] for pair in pairs), sum(pair[2] for pair in pairs)
    answer = _("最近 %(days)s 天到达 %(came)s 件，决定 %(went)s 件。", days=len(days), came=came, went=went)
    url = url_for("registrations.report", _anchor="chart-flow")
    return Small(_("我们跟得上吗？"), answer, url, pairs=pairs, names=(_("到达"), _("决定")))


def due(actor: Actor) -> Small:
    """The share decided on time in the last four weeks, with its interval."""
    period, _refusal = read_period({})
    counts = figures.in_time(actor, Span(*period.instants()))
    kept, total = (sum(pair[i] for pair in counts.values()) for i in (0, 1))
    share = wilson(kept, total) if total >= 10 else None
    url = url_for("registrations.report", _anchor="chart-due")
    drawn = (share.value, share.low, share.high) if share else None
    return Small(_("按时决定了吗？"), share_words(kept, total, _("按时")), url, share=drawn)
