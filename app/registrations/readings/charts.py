"""Agreement as a page shows it: the table first, then raw, κ and AC1 in words with their n."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from app.core.statistics.interval import wilson
from app.registrations.readings.queries import JUDGEMENTS, Matrix
from app.registrations.readings.states import Judgement
from app.ui.charts import SMALL_N, percent


@dataclass(frozen=True, slots=True)
class Shown:
    """``lines`` are (name, figure, what it says)."""

    n: int
    heads: Sequence[str]
    rows: Sequence[tuple[str, Sequence[int], int]]
    totals: Sequence[int]
    lines: Sequence[tuple[str, str, str]]
    missed: int
    small: bool


def agreement(found: Matrix) -> Shown:
    """The 3 × 3 table and its coefficients; below ten readings words stand instead of coefficients."""
    names = [str(JUDGEMENTS[judgement]) for judgement in Judgement]
    rows = [(name, row, sum(row)) for name, row in zip(names, found.counts, strict=True)]
    totals = [sum(column) for column in zip(*found.counts, strict=True)]
    n = sum(totals)
    return Shown(n, names, rows, totals, _lines(found, n), found.missed, n < SMALL_N)


def _lines(found: Matrix, n: int) -> list[tuple[str, str, Any]]:
    measured = found.agreement
    if measured is None:
        return []
    same = sum(found.counts[i][i] for i in range(len(found.counts)))
    if n < SMALL_N:
        words = _("%(n)s 件里 %(same)s 件一致；不足 %(least)s 件，不计系数。", n=n, same=same, least=SMALL_N)
        return [(_("一致"), f"{same} / {n}", words)]
    share = wilson(same, n)
    assert share is not None
    interval = _("95%% 区间 %(low)s–%(high)s", low=percent(share.low), high=percent(share.high))
    undefined = _("两次判断都只有一种，κ 无法定义。")
    skewed = _("判断集中在一种时，κ 会偏低，请与 AC1 和上表一起看。")
    return [
        (_("一致"), percent(measured.raw), interval),
        ("Cohen κ", _coefficient(measured.kappa), undefined if measured.kappa is None else skewed),
        ("Gwet AC1", _coefficient(measured.ac1), _("对集中的判断不敏感。")),
    ]


def _coefficient(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"
