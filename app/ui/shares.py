"""Shares in tables, drawings and words: each with its interval, and below ten cases words instead of a share."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.statistics.interval import wilson
from app.ui.charts import SMALL_N, Percent, Tone, percent

NOTHING, NOTHING_YET = _l("没有决定"), _l("这段时间没有决定。")


def share_heads(first: Any, hits: Any, n: Any) -> tuple[Any, ...]:
    return (first, (hits, "num"), (n, "num"), (_("比例"), "num"), (_("95% 区间"), "num"))


def share_row(
    label: str, hits: int, n: int, tone: Tone = "act", nothing: Any = NOTHING
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """(row of the table, row of `Ranges`): a share with its interval, or words below ten cases."""
    share = wilson(hits, n)
    if share is None or n < SMALL_N:
        words = str(nothing) if n == 0 else _("%(n)s 件，太少", n=n)
        return (label, hits, n, None, words), (label, None, 0.0, 1.0, words, "idle")
    interval = f"{percent(share.low)}–{percent(share.high)}"
    words = f"{percent(share.value)} ({interval}), {hits} / {n}"
    return (label, hits, n, Percent(share.value), interval), (label, share.value, share.low, share.high, words, tone)


def share_words(hits: int, n: int, what: Any, nothing: Any = NOTHING_YET) -> str:
    """The answer in words; below ten cases without a share."""
    share = wilson(hits, n)
    if share is None:
        return str(nothing)
    if n < SMALL_N:
        return _("%(n)s 件里 %(hits)s 件%(what)s；太少，不计比例。", n=n, hits=hits, what=what)
    return _(
        "%(n)s 件里 %(share)s%(what)s（95%% 区间 %(low)s–%(high)s）。",
        n=f"{n:,}", share=percent(share.value), what=what, low=percent(share.low), high=percent(share.high),
    )  # fmt: skip
