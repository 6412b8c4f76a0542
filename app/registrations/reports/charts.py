"""The charts of `/registrations/report`, made from `figures`; each with the table that is exported too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.calendar import CalendarMissing
from app.core.policy import Actor
from app.core.statistics.interval import wilson
from app.core.statistics.survival import kaplan_meier
from app.registrations import reasons as catalogue
from app.registrations.reports import figures
from app.registrations.reports.figures import ARRIVALS, DECISIONS, Span
from app.ui.charts import SMALL_N, Bars, Chart, Figures, Over, Percent, Ranges, Series, Steps, Tone, percent
from app.ui.period import Period
from app.ui.shares import share_heads, share_row, share_words

AGES, DUE = _l("谁在等我们？"), _l("按时决定了吗？")
NOT_RECKONED = _l("算不出：工作日历没有覆盖这段时间。请管理员在设置中导入日历。")
DAILY_MOST = 45  # days drawn one by one; longer periods by week
STEPS_MOST = 200  # points of a curve that are worth drawing
TONES: tuple[Tone, ...] = ("idle", "idle", "soon", "late")


def flow(actor: Actor, period: Period, span: Span) -> Chart:
    """Arrivals and decisions per working day (days off only where something happened)."""
    counts = figures.by_day(actor, span)
    groups = _groups(period, {day for day, _action in counts})
    rows: list[tuple[Any, ...]] = []
    for label, days in groups:
        each = {a: sum(counts.get((day, a), 0) for day in days) for a in (*ARRIVALS, *DECISIONS)}
        verdicts = [each[action] for action in DECISIONS]
        rows.append((label, sum(each[action] for action in ARRIVALS), *verdicts, sum(verdicts)))
    came, went = sum(row[1] for row in rows), sum(row[5] for row in rows)
    heads = (
        _("日期"),
        *((word, "num") for word in (_("到达"), _("通过"), _("要求重拍"), _("不予通过"), _("决定合计"))),
    )
    series = (
        Series(_("到达"), [row[1] for row in rows], "column", "idle"),
        Series(_("决定"), [row[5] for row in rows], "line", "act"),
    )
    drawing = Over([row[0] for row in rows], series, _("件")) if came or went else None
    more = _("到达比决定多 %(n)s 件。", n=came - went) if came > went else _("决定不少于到达。")
    answer = _("到达 %(came)s 件，决定 %(went)s 件；", came=f"{came:,}", went=f"{went:,}") + more
    note = _("到达含补拍后的重新提交；决定为第一位审核员的决定，撤销的不计。")
    return Chart("flow", _("我们跟得上吗？"), answer if came or went else _("这段时间没有到达，也没有决定。"),
                 Figures(heads, rows), drawing, note)  # fmt: skip


def ages(actor: Actor, _period: Period, span: Span) -> Chart:
    """What waits for us now, by age in working days."""
    first, second, third, older, late = figures.ages(actor, span.province, figures.age_bounds())
    labels = (_("1 个工作日内"), _("1 至 2 个工作日"), _("2 至 5 个工作日"), _("5 个工作日以上"))
    found = list(zip(labels, (first, second, third, older), TONES, strict=True))
    total = first + second + third + older
    answer = (
        _("%(n)s 件在等我们，%(late)s 件已超时。", n=f"{total:,}", late=f"{late:,}") if total else _("没有件在等我们。")
    )
    return Chart("ages", AGES, answer,
                 Figures((_("已等"), (_("件数"), "num")), [(label, n) for label, n, _t in found]),
                 Bars(found, _("件")) if total else None,
                 _("此刻的情形，与所选时间无关；等申请人补拍的不计。"), "s")  # fmt: skip


def due(actor: Actor, period: Period, span: Span) -> Chart:
    """Share decided within the due time, by week, each with its interval."""
    counts = figures.in_time(actor, span)
    kept, total = (sum(pair[i] for pair in counts.values()) for i in (0, 1))
    rows, drawn = [], []
    for label, days in period.weeks():
        k, n = (sum(counts.get(day, (0, 0))[i] for day in days) for i in (0, 1))
        row, point = share_row(label, k, n)
        rows.append(row)
        drawn.append(point)
    whole = wilson(kept, total)
    drawing = Ranges(drawn, whole.value if whole else None, _("全部")) if total else None
    return Chart("due", DUE, share_words(kept, total, _("按时")),
                 Figures(share_heads(_("一周"), _("按时"), _("决定")), rows), drawing,
                 _("时限按工作时间计，搁置不停表。横线为 95% 区间。"), "m")  # fmt: skip


def reasons(actor: Actor, _period: Period, span: Span) -> Chart:
    """Why decisions were not approvals."""
    counts, words = figures.reasons(actor, span), catalogue.labels(catalogue.current())
    found = [(words.get(code, code), n) for code, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))]
    total = sum(counts.values())
    most = _("最常见的是“%(what)s”，%(n)s 次。", what=found[0][0], n=found[0][1]) if found else ""
    answer = (
        _("要求重拍和不予通过共说明原因 %(n)s 次。", n=f"{total:,}") + most if total else _("没有要求重拍或不予通过。")
    )
    rows: list[tuple[Any, float, Tone]] = [(label, n, "act") for label, n in found]
    return Chart("reasons", _("为什么没有通过？"), answer, Figures((_("原因"), (_("次数"), "num")), found),
                 Bars(rows, _("次")) if rows else None, _("一次决定可以有几个原因。"), "m")  # fmt: skip


def waits(actor: Actor, _period: Period, span: Span) -> Chart:
    """How long applicants wait, open cases counted (S14)."""
    return curve_chart("waits", _("申请人等多久？"), *figures.waits(actor, span))


def curve_chart(key: str, title: Any, ended: Any, still_open: Any) -> Chart:
    """A Kaplan-Meier curve with its band; the table says the shares at plain hours."""
    curve = kaplan_meier(ended, still_open)
    heads = ((_("小时内"), "num"), (_("已决定"), "num"), (_("区间"), "num"))
    note = _("小时为自然时间，夜间和周末计算在内；还没有决定的件按“至今还在等”计算，不从平均里消失。")
    if curve is None:
        return Chart(key, title, _("这段时间没有件。"), Figures(heads, []), None, note)
    rows = [(hours, Percent(1 - curve.at(hours)), _interval(curve, hours)) for hours in (4, 8, 24, 48, 72, 120, 240)]
    left = curve.n - curve.ended
    if curve.n < SMALL_N:
        answer = _("只有 %(n)s 件，%(open)s 件还没有决定；太少，不计中位数。", n=curve.n, open=left)
    elif curve.median is None:
        answer = _(
            "%(n)s 件里 %(open)s 件还没有决定，不到一半有结果，中位数还说不出。", n=f"{curve.n:,}", open=f"{left:,}"
        )
    else:
        answer = _(
            "一半在 %(hours)s 小时内得到决定；%(n)s 件里 %(open)s 件还开着，也计算在内。",
            hours=f"{curve.median:g}", n=f"{curve.n:,}", open=f"{left:,}",
        )  # fmt: skip
    points = [(0.0, 1.0, 1.0, 1.0), *((s.time, s.still, s.low, s.high) for s in curve.steps)]
    points = points[:: max(1, len(points) // STEPS_MOST)]
    points.append((float(max([*ended, *still_open])), *points[-1][1:]))  # open cases carry the curve on
    mark = curve.median if curve.n >= SMALL_N else None
    drawing = Steps(points, _("仍在等"), _("小时"), mark, _("一半")) if curve.n >= SMALL_N else None
    return Chart(key, title, answer, Figures(heads, rows), drawing, note)


ALL: dict[str, Callable[[Actor, Period, Span], Chart]] = {
    "flow": flow, "ages": ages, "due": due, "reasons": reasons, "waits": waits,
}  # fmt: skip
IN_WORKING_TIME = {"ages": AGES, "due": DUE}


def draw(key: str, actor: Actor, period: Period, span: Span) -> Chart:
    """One chart of `ALL`. Beyond the loaded calendar the one figure that needs it says so, and the others stand."""
    try:
        return ALL[key](actor, period, span)
    except CalendarMissing:
        return Chart(key, IN_WORKING_TIME[key], NOT_RECKONED, Figures((_("说明"),), [(_("没有数字"),)]))


def _interval(curve: Any, hours: float) -> str:
    step = next((s for s in reversed(curve.steps) if s.time <= hours), None)
    return "—" if step is None else f"{percent(1 - step.high)}–{percent(1 - step.low)}"


def _groups(period: Period, busy: set[date]) -> Sequence[tuple[str, list[date]]]:
    days = period.days()
    if len(days) > DAILY_MOST:
        return period.weeks()
    shown = figures.working_days(days) | busy
    return [(f"{day:%m-%d}", [day]) for day in days if day in shown]
