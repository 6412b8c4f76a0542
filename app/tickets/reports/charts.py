"""The charts of `/tickets/report`, made from `figures`; each with its table and a sentence on how to read it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import calendar, clock
from app.core.calendar import CalendarMissing
from app.core.policy import Actor
from app.tickets.facts import PRIORITY_LABELS, Priority
from app.tickets.reports import figures, sums
from app.tickets.reports.figures import REPEAT_DAYS, TOP
from app.tickets.reports.sums import Days
from app.tickets.sla.metrics import METRIC_LABELS, Metric
from app.tickets.triage import FAULT_CLASSES
from app.ui.charts import Bars, Chart, Figures, Over, Ranges, Series, Tone
from app.ui.period import Period
from app.ui.shares import share_row, share_words

WAITING = _l("未结的工单有多久了？")
NOT_RECKONED = _l("算不出：工作日历没有覆盖这段时间。请管理员在设置中导入日历。")
AGE_DAYS = (1, 3, 10)  # working days
TONES: tuple[Tone, ...] = ("idle", "idle", "soon", "late")
NO_CLOCKS = _l("没有停表")
NO_CLOCKS_YET = _l("这段时间没有时钟停下。")
DRAWN = 10  # models that are drawn; the table has all of them
NO_MODEL = _l("未写型号")


def flow(actor: Actor, period: Period, days: Days) -> Chart:
    """Reports and solved tickets per week."""
    came, done = sums.arrivals(actor, days), sums.solved(actor, days)
    rows = [
        (label, sum(came.get(day, 0) for day in week), sum(done.get(day, 0) for day in week))
        for label, week in period.weeks()
    ]
    first, second = sum(row[1] for row in rows), sum(row[2] for row in rows)
    answer = _("报修 %(came)s 张，解决 %(done)s 张；", came=f"{first:,}", done=f"{second:,}") + (
        _("报修比解决多 %(n)s 张。", n=f"{first - second:,}") if first > second else _("解决不少于报修。")
    )
    series = (
        Series(_("报修"), [row[1] for row in rows], "column", "idle"),
        Series(_("解决"), [row[2] for row in rows], "line", "act"),
    )
    heads = (_("一周"), (_("报修"), "num"), (_("解决"), "num"))
    return Chart(
        "flow", _("每周来多少，解决多少？"), answer if first or second else _("这段时间没有报修，也没有解决。"),
        Figures(heads, rows), Over([row[0] for row in rows], series, _("张")) if first or second else None,
        _("怎么看：线连续低于柱，积压就在增加。首尾两周可能不满七天；撤销、不受理和合并的不算解决。"),
    )  # fmt: skip


def ages(actor: Actor, _period: Period, days: Days) -> Chart:
    """What is open now, by age in working days."""
    *found, late = figures.ages(actor, days.span.province, _bounds())
    labels = (
        _("%(n)s 个工作日内", n=1), _("1 至 3 个工作日"), _("3 至 10 个工作日"), _("10 个工作日以上"),
    )  # fmt: skip
    rows = list(zip(labels, found, strict=True))
    total = sum(found)
    answer = _("%(n)s 张未结，其中 %(late)s 张已超时。", n=f"{total:,}", late=f"{late:,}")
    drawn = [(label, n, tone) for (label, n), tone in zip(rows, TONES, strict=True)]
    return Chart(
        "ages", WAITING, answer if total else _("没有未结的工单。"), Figures((_("报修至今"), (_("张数"), "num")), rows),
        Bars(drawn, _("张")) if total else None,
        _("怎么看：最下面一条最先处理。此刻的情形，与所选时间无关；等用户答复的也计算在内。"), "s",
    )  # fmt: skip


def kept(actor: Actor, _period: Period, days: Days) -> Chart:
    """Share within the promise by clock and priority; drawn by clock."""
    found, rows, drawn = sums.kept(actor, days), [], []
    for metric in Metric:
        whole = figures.total(found, metric)
        if not whole.stopped and not whole.running_late:
            continue
        row, point = share_row(str(METRIC_LABELS[metric]), whole.in_time, whole.stopped, "act", NO_CLOCKS)
        rows.append((row[0], _("全部"), *row[1:], whole.running_late))
        drawn.append(point)
        for priority in (*Priority, ""):
            one = found.get((metric.value, str(priority)))
            if one is not None:
                cells = share_row(str(METRIC_LABELS[metric]), one.in_time, one.stopped, "act", NO_CLOCKS)[0]
                word = str(PRIORITY_LABELS[priority]) if priority else _("未定")
                rows.append((cells[0], word, *cells[1:], one.running_late))
    whole = figures.total(found)
    answer = share_words(whole.in_time, whole.stopped, _("按时"), NO_CLOCKS_YET)
    if whole.running_late:
        answer += _("此刻还有 %(n)s 个时钟超时未停。", n=f"{whole.running_late:,}")
    heads = (
        _("时钟"), _("优先级"), (_("按时"), "num"), (_("已停"), "num"), (_("比例"), "num"), (_("95% 区间"), "num"),
        (_("超时未停"), "num"),
    )  # fmt: skip
    return Chart(
        "kept", _("答应的时间守住了吗？"), answer, Figures(heads, rows), Ranges(drawn) if whole.stopped else None,
        _("怎么看：点是按时的比例，横线是 95% 区间，越长数量越少。按停表的日期计；超时未停的单列，不在比例里。"),
    )  # fmt: skip


def repeats(actor: Actor, _period: Period, days: Days) -> Chart:
    """The same serial number again within 90 days, by model."""
    found = sums.repeats(actor, days)
    hits, n = sum(k for _m, _n, k in found), sum(count for _m, count, _k in found)
    rows = [_repeat_row(model or str(NO_MODEL), k, count) for model, count, k in found]
    drawn: list[tuple[Any, float, Tone]] = [(model or str(NO_MODEL), k, "soon") for model, _n, k in found[:DRAWN] if k]
    what = _("是同一台设备 %(days)s 天内再次报修", days=REPEAT_DAYS)
    answer = share_words(hits, n, what, _("这段时间没有写明序列号的报修。"))
    heads = (
        _("型号"), (_("再次报修"), "num"), (_("有序列号的报修"), "num"), (_("比例"), "num"), (_("95% 区间"), "num"),
    )  # fmt: skip
    return Chart(
        "repeats", _("修好的设备又回来了吗？"), answer, Figures(heads, rows), Bars(drawn, _("张")) if drawn else None,
        _("怎么看：条越长，这个型号修过又坏的越多；先看比例，再看数量。没有序列号的报修不在其中，不受理和撤销的不计。"),
    )  # fmt: skip


def _repeat_row(model: str, hits: int, n: int) -> tuple[Any, ...]:
    return share_row(model, hits, n)[0]


def faults(actor: Actor, _period: Period, days: Days) -> Chart:
    """What breaks most, by model and fault class as triage judged it."""
    found = sums.faults(actor, days)
    judged = sum(n for _model, _fault, n in found)
    rows = [(model or str(NO_MODEL), str(FAULT_CLASSES.get(fault, fault)), n) for model, fault, n in found[:TOP]]
    answer = _("没有分诊过的工单。")
    if rows:
        model, fault, n = rows[0]
        answer = _(
            "最多的是 %(model)s 的“%(fault)s”，%(n)s 张；分诊过的共 %(all)s 张。",
            model=model, fault=fault, n=f"{n:,}", all=f"{judged:,}",
        )  # fmt: skip
    drawn: list[tuple[Any, float, Tone]] = [(f"{model} · {fault}", n, "act") for model, fault, n in rows[:DRAWN]]
    return Chart(
        "faults", _("什么最容易坏？"), answer, Figures((_("型号"), _("故障"), (_("张数"), "num")), rows),
        Bars(drawn, _("张")) if drawn else None,
        _("怎么看：只是张数，没有除以在用的台数，用得多的型号自然靠前。表中为最多的 %(n)s 项。", n=TOP),
    )  # fmt: skip


def _bounds() -> list[datetime]:
    """The ends of `AGE_DAYS`, working days back from now. Raises CalendarMissing."""
    now = clock.now().astimezone(clock.SHANGHAI)
    days = [calendar.add_working_days(now.date(), -n) for n in AGE_DAYS]
    return [datetime.combine(day, now.time(), clock.SHANGHAI) for day in days]


ALL: dict[str, Callable[[Actor, Period, Days], Chart]] = {
    "flow": flow, "ages": ages, "kept": kept, "repeats": repeats, "faults": faults,
}  # fmt: skip


def draw(key: str, actor: Actor, period: Period, days: Days) -> Chart:
    """One chart of `ALL`. Beyond the loaded calendar the one figure that needs it says so, and the others stand."""
    try:
        return ALL[key](actor, period, days)
    except CalendarMissing:
        return Chart(key, WAITING, NOT_RECKONED, Figures((_("说明"),), [(_("没有数字"),)]))
