"""What the style page draws: one chart of every form, with figures that show the hard cases."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.ui.charts import Bars, Chart, Figures, Over, Percent, Ranges, Series, Steps

_DAYS = ("11-16", "11-17", "11-18", "11-19", "11-20")
_IN, _OUT = (12, 9, 15, 7, 11), (8, 11, 10, 12, 9)
_AGES = ((_l("一个工作日内"), 14, "idle"), (_l("一至两个工作日"), 6, "soon"), (_l("更久"), 2, "late"))
_CURVE = ((0, 1.0, 1.0, 1.0), (2, 0.8, 0.6, 0.91), (5, 0.55, 0.34, 0.72), (9, 0.4, 0.2, 0.6), (16, 0.2, 0.06, 0.4))
_RATES = (
    ("上海市", 48, 50, 0.96, 0.8654, 0.989),
    ("江苏省", 22, 31, 0.7097, 0.5341, 0.8391),
)

CHARTS = (
    Chart(
        "over", _l("我们跟得上吗？"), _l("五天到达 54 件，决定 50 件。"),
        Figures((_l("日期"), (_l("到达"), "num"), (_l("决定"), "num")), list(zip(_DAYS, _IN, _OUT, strict=True))),
        Over(_DAYS, (Series(_l("到达"), _IN, "column", "idle"), Series(_l("决定"), _OUT, "line", "act")), _l("件")),
    ),
    Chart(
        "bars", _l("谁在等我们？"), _l("22 件在等，2 件已久。"),
        Figures((_l("等待"), (_l("件数"), "num")), [(a, n) for a, n, _t in _AGES]),
        Bars(_AGES, _l("件")),  # type: ignore[arg-type]
    ),
    Chart(
        "ranges", _l("各省通过得一样多吗？"), _l("江苏省低于全部；浙江省太少，不计比例。"),
        Figures(
            (_l("省份"), (_l("通过"), "num"), (_l("决定"), "num"), (_l("比例"), "num")),
            [*((name, k, n, Percent(p)) for name, k, n, p, _a, _b in _RATES), ("浙江省", 3, 3, None)],
        ),
        Ranges(
            [
                *((name, p, low, high, f"{k} / {n}", "act") for name, k, n, p, low, high in _RATES),
                ("浙江省", None, 0, 1, _l("3 件，太少"), "idle"),
            ],
            0.867, _l("全部"),
        ),
    ),
    Chart(
        "steps", _l("申请人等多久？"), _l("一半在 9 小时内得到决定，未决定的也计算在内。"),
        Figures(((_l("小时"), "num"), (_l("仍在等"), "num")), [(t, Percent(s)) for t, s, _a, _b in _CURVE]),
        Steps(_CURVE, _l("仍在等"), _l("小时"), 9, _l("一半")),
    ),
)  # fmt: skip
