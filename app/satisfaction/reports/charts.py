"""The charts of `/satisfaction/report`, made from `figures`; each with the table that is exported too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import sqrt
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.statistics.chance import benjamini_hochberg, fisher
from app.core.statistics.control import cusum, ewma, laney
from app.core.statistics.nonresponse import bounds
from app.core.statistics.survival import kaplan_meier
from app.satisfaction.models.sums import K
from app.satisfaction.reports.figures import Figures, Group
from app.satisfaction.standing import FEWEST, Standing, place
from app.satisfaction.words import LOW, SCORES
from app.tickets.triage import MODE_LABELS
from app.ui.charts import SMALL_N, Bars, Chart, Over, Percent, Ranges, Series, Steps, Tone, percent
from app.ui.charts import Figures as Table
from app.ui.shares import share_row

NOBODY = _l("这段时间不足 %(k)s 位评价人，不显示。", k=K)
STANDINGS: Mapping[Standing, Any] = {
    Standing.TOO_FEW: _l("评价太少，说不准"), Standing.INSIDE: _l("在正常范围内"),
    Standing.BELOW: _l("范围之外：请看看"), Standing.ABOVE: _l("高于范围：请看看"),
}  # fmt: skip
TONES: Mapping[Standing, Tone] = {
    Standing.TOO_FEW: "idle", Standing.INSIDE: "act", Standing.BELOW: "late", Standing.ABOVE: "done",
}  # fmt: skip
NO_SATISFIED = _l("没有评价")
CUSUM_SLACK, CUSUM_LIMIT = 0.5, 5.0  # in standard deviations of a month
FALSE_SHARE = 0.05  # of the looks that are called odd


def distribution(found: Figures) -> Chart:
    """How often each score was given: before any mean or share."""
    title, scores = _("给了几分？"), found.distribution
    if not scores:
        return Chart("scores", title, str(NOBODY), Table((_("分数"),), []))
    n, low = sum(scores.values()), sum(count for score, count in scores.items() if score <= LOW)
    rows = [
        (f"{score} {words}", scores.get(score, 0), Percent(scores.get(score, 0) / n)) for score, words in SCORES.items()
    ]
    tones: Mapping[int, Tone] = {5: "done", 4: "done", 3: "idle", 2: "late", 1: "late"}
    bars = [(f"{score} {SCORES[score]}", float(scores.get(score, 0)), tones[score]) for score in SCORES]
    answer = _("%(n)s 条评价，其中 1 至 2 分 %(low)s 条。", n=f"{n:,}", low=f"{low:,}")
    heads = (_("分数"), (_("条数"), "num"), (_("比例"), "num"))
    return Chart("scores", title, answer, Table(heads, rows), Bars(bars, _("条")), _("作废的评价不计。"), "s")


def answered(found: Figures) -> Chart:
    """Of all whom we could have asked; the rest could have said anything (S15)."""
    told, title = found.response, _("没有评价的人会怎么说？")
    heads = (_("阶段"), (_("工单"), "num"), (_("占可评价的"), "num"))
    steps = (
        (_("可评价"), told.eligible), (_("已邀请"), told.invited), (_("已送达"), told.delivered),
        (_("已评价"), told.answered),
    )  # fmt: skip
    rows = [(label, n, Percent(n / told.eligible) if told.eligible else None) for label, n in steps]
    limits = bounds(told.satisfied, told.answered, told.eligible)
    if limits is None or told.raters < K:
        return Chart("response", title, str(NOBODY), Table(heads, rows if limits else []))
    answer = bounds_words(told.satisfied, told.answered, limits.low, limits.high)
    bars: list[tuple[Any, float, Tone]] = [(label, float(n), "act") for label, n in steps]
    note = _("上下限不作任何假设：没有评价的人全都不满意，或全都满意。")
    return Chart("response", title, answer, Table(heads, rows), Bars(bars, _("张")), note, "s")


def bounds_words(satisfied: int, given: int, low: float, high: float) -> str:
    """Feature 19 in words."""
    return _(
        "评价者中 %(share)s 满意；所有人中在 %(low)s 到 %(high)s 之间。",
        share=percent(satisfied / given), low=percent(low), high=percent(high),
    )  # fmt: skip


def months(found: Figures) -> Chart:
    """The share satisfied by month with Laney's limits; slow drifts by EWMA and CUSUM of its z scores."""
    each = found.by_month
    title, chart = _("变好还是变差？"), laney([(g.satisfied, g.answered) for g in each])
    heads = (_("月份"), (_("满意"), "num"), (_("评价"), "num"), (_("比例"), "num"), (_("正常范围"), "num"), _("结论"))
    if chart is None:
        return Chart("months", title, str(NOBODY), Table(heads, []))
    mean, sigma_z, points = chart
    drifting = _drifting(each, mean, sigma_z)
    rows, told = [], 0
    for group, point, slow in zip(each, points, drifting, strict=True):
        few = group.answered < FEWEST
        word = _("评价太少，说不准") if few else _("范围之外：请看看") if point.outside else (
            _("缓慢变化：请看看") if slow else _("在正常范围内"))  # fmt: skip
        told += not few and (point.outside or slow)
        rows.append((str(group.key), group.satisfied, group.answered, None if few else Percent(point.share),
                     f"{percent(point.low)}–{percent(point.high)}", word))  # fmt: skip
    answer = _(
        "%(n)s 个月里 %(told)s 个月超出正常范围；平均 %(mean)s 满意。", n=len(each), told=told, mean=percent(mean)
    )
    series = (
        Series(_("满意"), [
            None if g.answered < FEWEST else round(100 * p.share, 1) for g, p in zip(each, points, strict=True)
        ]),
        Series(_("下限"), [round(100 * p.low, 1) for p in points], "line", "idle"),
        Series(_("上限"), [round(100 * p.high, 1) for p in points], "line", "idle"),
    )  # fmt: skip
    note = _(
        "p′ 图：限按每月评价数，并按月与月之间多出的波动放宽（σz = %(s)s）；缓慢变化看 EWMA 和 CUSUM。",
        s=f"{sigma_z:.2f}",
    )
    drawing = Over([str(g.key) for g in each], series, "%") if len(each) > 1 else None
    return Chart("months", title, answer, Table(heads, rows), drawing, note, "l")


def _drifting(found: Sequence[Group], mean: float, sigma_z: float) -> list[bool]:
    """Whether EWMA or CUSUM of the months' z has signalled at each month; no opinion without spread."""
    if not 0 < mean < 1 or sigma_z == 0:
        return [False] * len(found)
    z = [(g.satisfied / g.answered - mean) / sqrt(mean * (1 - mean) / g.answered) / sigma_z for g in found]
    slow = ewma(z, 0.0, 1.0)
    steps = cusum(z, 0.0, slack=CUSUM_SLACK, limit=CUSUM_LIMIT)
    return [one.outside or other.signal for one, other in zip(slow, steps, strict=True)]


def engineers(found: Figures) -> Chart:
    """By name, in words, with intervals; never in the order of their shares."""
    shown, left_out = found.by_engineer
    family = place({(group.label, str(group.key)): (group.satisfied, group.answered) for group in shown})
    title = _("有没有需要看看的人？")
    heads = (
        _("工程师"), (_("满意"), "num"), (_("评价"), "num"), (_("95% 区间"), "num"), (_("向平均收缩后"), "num"),
        (_("正常范围"), "num"), _("结论"),
    )  # fmt: skip
    if family is None:
        return Chart("engineers", title, str(NOBODY), Table(heads, []))
    rows, drawn, told = [], [], 0
    for (name, _key), one in family.units.items():
        word, few = str(STANDINGS[one.standing]), one.standing is Standing.TOO_FEW
        interval = f"{percent(one.share.low)}–{percent(one.share.high)}"
        rows.append((name, one.share.hits, one.share.n, interval, None if few else Percent(one.shrunk),
                     f"{percent(one.low)}–{percent(one.high)}", word))  # fmt: skip
        words = _("%(word)s（%(n)s 条）", word=word, n=one.share.n)
        drawn.append(
            (name, None if few else one.share.value, one.share.low, one.share.high, words, TONES[one.standing])
        )
        told += one.standing in (Standing.BELOW, Standing.ABOVE)
    answer = (
        _("%(n)s 人在正常范围之外，请看看是什么工单，再下结论。", n=told) if told
        else _("没有人在正常范围之外。差别可能只是偶然。")
    )  # fmt: skip
    note = "".join(
        (
            _("按姓名排列，不排名次。另有 %(n)s 人不足 %(k)s 位评价人，不显示。", n=left_out, k=K),
            _("限按所有人一起设：大家一样好时，二十期里至多一期有人被误指。"),
            _("工单种类不同，不宜直接比较，请同时看下面的分类。"),
        )
    )
    drawing = Ranges(drawn, family.centre, _("全部"))
    return Chart("engineers", title, answer, Table(heads, rows), drawing, note, "l")


def kinds(found: Figures) -> Chart:
    """The mix that any comparison of people must be seen with."""
    named = [(str(MODE_LABELS.get(g.key, _("没有定"))), g) for g in found.by_kind]
    return _shares("kinds", _("哪种服务方式？"), _("服务方式"), named)


def products(found: Figures) -> Chart:
    named = [(g.label or _("没有写型号"), g) for g in found.by_product]
    return _shares("products", _("哪种产品？"), _("型号"), named)


def _shares(key: str, title: str, head: str, named: list[tuple[str, Group]]) -> Chart:
    heads = (head, (_("满意"), "num"), (_("评价"), "num"), (_("比例"), "num"), (_("95% 区间"), "num"))
    if not named:
        return Chart(key, title, str(NOBODY), Table(heads, []))
    pairs = [share_row(label, g.satisfied, g.answered, nothing=NO_SATISFIED) for label, g in named]
    hits, n = (sum(getattr(g, name) for _label, g in named) for name in ("satisfied", "answered"))
    answer = _("分 %(n)s 类看；区间相互重叠的，差别可能只是偶然。", n=len(named))
    drawing = Ranges([drawn for _row, drawn in pairs], hits / n, _("全部"))
    return Chart(key, title, answer, Table(heads, [row for row, _drawn in pairs]), drawing,
                 _("不足 %(k)s 位评价人的类不显示。", k=K), "m")  # fmt: skip


def follow_ups(found: Figures) -> Chart:
    """How long until a follow-up is written down, open ones counted (S14)."""
    ended, still = found.waits
    title, curve = _("低分多久得到回访？"), kaplan_meier(ended, still)
    heads = ((_("小时内"), "num"), (_("已回访"), "num"))
    note = _("小时为自然时间；还没有写完的按“至今还在等”计算，不从平均里消失。")
    if curve is None:
        return Chart("follow", title, _("这段时间没有回访。"), Table(heads, []), None, note)
    left = curve.n - curve.ended
    rows = [(hours, Percent(1 - curve.at(hours))) for hours in (8, 24, 48, 72, 120, 240)]
    if curve.n < SMALL_N or curve.median is None:
        answer = _("%(n)s 次回访，%(open)s 次还没有写完；说不出中位数。", n=curve.n, open=left)
    else:
        answer = _(
            "一半在 %(hours)s 小时内写完；%(n)s 次里 %(open)s 次还开着，也计算在内。",
            hours=f"{curve.median:g}", n=curve.n, open=left,
        )  # fmt: skip
    points = [(0.0, 1.0, 1.0, 1.0), *((s.time, s.still, s.low, s.high) for s in curve.steps)]
    drawing = Steps(points, _("仍在等"), _("小时"), curve.median, _("一半")) if curve.n >= SMALL_N else None
    return Chart("follow", title, answer, Table(heads, rows), drawing, note)


def signals(found: Figures) -> Chart:
    """Were long jobs asked about as often as short ones? Each look with n and p, corrected for the number of looks."""
    looks = found.invitation_gap
    title = _("该问的都问了吗？")
    heads = (
        _("服务方式"), (_("超过 7 天：已邀请"), "num"), (_("超过 7 天：未邀请"), "num"), (_("7 天内：已邀请"), "num"),
        (_("7 天内：未邀请"), "num"), ("p", "num"), (_("校正后 p"), "num"),
    )  # fmt: skip
    p_values = [fisher(*counts) for _kind, *counts in looks]
    adjusted = benjamini_hochberg(p_values)
    rows: list[tuple[Any, ...]] = [
        (str(MODE_LABELS.get(kind, _("没有定"))), *counts, round(p, 4), round(q, 4))
        for (kind, *counts), p, q in zip(looks, p_values, adjusted, strict=True)
    ]
    fewer = [row[0] for row, q in zip(rows, adjusted, strict=True) if q <= FALSE_SHARE and _less(*row[1:5])]
    answer = (
        _("%(kinds)s：拖得久的工单邀请得少，读分数之前请先查明原因。", kinds="、".join(fewer)) if fewer
        else _("没有迹象表明拖得久的工单被少问了。")
    ) if looks else _("这段时间没有可评价的工单。")  # fmt: skip
    note = _("Fisher 精确检验，Benjamini-Hochberg 校正；只是提示，要由人查看。")
    return Chart("signals", title, answer, Table(heads, rows), None, note, "l")


def themes(found: Figures) -> Chart:
    """What comments speak of, where it would come back in another sample; terms of five raters or more."""
    title = _("大家在说什么？")
    heads = (_("常一起出现的词"), (_("满意"), "num"), (_("条数"), "num"), (_("比例"), "num"), (_("95% 区间"), "num"))
    note = _(
        "最近一年的评论，每天重读一遍，与所选的时段无关。两到四个字的词，五位以上的人用过才算；"
        "把评论重抽 25 次，八成以上都再出现的主题才显示。伤害另有词表，不靠这里。"
    )
    if found.comments is None:
        return Chart("themes", title, _("还没有读过评论；每天读一次。"), Table(heads, []), None, note)
    if not found.themes:
        answer = _("%(n)s 条评论里没有稳定的主题。", n=f"{found.comments:,}")
        return Chart("themes", title, answer, Table(heads, []), None, note)
    named = [("、".join(theme.terms), theme.tally) for theme in found.themes]
    rows = [share_row(words, t.satisfied, t.answered, nothing=NO_SATISFIED)[0] for words, t in named]
    bars: list[tuple[Any, float, Tone]] = [(words, float(t.answered), "act") for words, t in named]
    answer = _("说得最多的是：%(words)s。", words=named[0][0])
    return Chart("themes", title, answer, Table(heads, rows), Bars(bars, _("条")), note)


def _less(long_yes: int, long_no: int, short_yes: int, short_no: int) -> bool:
    return long_yes * (short_yes + short_no) < short_yes * (long_yes + long_no)


ALL: dict[str, Callable[[Figures], Chart]] = {
    "scores": distribution, "response": answered, "months": months, "engineers": engineers, "kinds": kinds,
    "products": products, "follow": follow_ups, "themes": themes, "signals": signals,
}  # fmt: skip
