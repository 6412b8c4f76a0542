"""Charts: a question, its answer in words, a drawing, and always the table of the same figures beside it.

A feature makes a `Chart` and draws it with ``ui.chart(chart)``; pages that do so put ``ui.chart_scripts()`` into their
``scripts`` block. The server writes the table; `static/js/charts.js` adds the drawing. Without scripts the table is
there alone. The figures travel in a data attribute: the content policy allows no inline script, and a second request
could show other figures than the table. See docs/adr: charts.

Tones name tokens (act, soon, late, done, wait, idle, second); colours live in tokens.css alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.core.policy import Actor, Permission
from app.core.registry import Registry

Tone = Literal["act", "soon", "late", "done", "wait", "idle", "second"]
TONES = ("act", "soon", "late", "done", "wait", "idle", "second")
SMALL_N = 10  # below this many cases words stand instead of a share (reference/review.md 6)


class Percent(float):
    """A share from 0 to 1 that reads as 92.5% on pages and stays a number in exports."""

    def __str__(self) -> str:
        return percent(float(self))


def percent(share: float) -> str:
    """0.925 reads 92.5%; whole percents lose the nought."""
    return f"{round(100 * share, 1):g}%"


@dataclass(frozen=True, slots=True)
class Figures:
    """The table beside a chart, and what an export of the page holds. Cells are str, int, float, Percent or None."""

    heads: Sequence[Any]  # words, or (words, "num")
    rows: Sequence[Sequence[Any]]

    @property
    def names(self) -> list[str]:
        return [str(head[0] if isinstance(head, tuple) else head) for head in self.heads]

    @property
    def headings(self) -> list[Any]:
        """For `ui.table`, which takes plain words only."""
        return [(name, "num") if self.numeric(i) else name for i, name in enumerate(self.names)]

    def numeric(self, column: int) -> bool:
        head = self.heads[column]
        return isinstance(head, tuple) and head[1] == "num"


@dataclass(frozen=True, slots=True)
class Series:
    """One line or one set of columns over the categories; None leaves a gap."""

    name: Any
    values: Sequence[float | None]
    form: Literal["line", "column"] = "line"
    tone: Tone = "act"


@dataclass(frozen=True, slots=True)
class Over:
    """Values over ordered categories, days as a rule."""

    categories: Sequence[str]
    series: Sequence[Series]
    unit: Any = ""
    form: str = "over"

    def plain(self) -> dict[str, Any]:
        made = [{"name": str(s.name), "values": list(s.values), "form": s.form, "tone": s.tone} for s in self.series]
        return {"form": self.form, "categories": list(self.categories), "unit": str(self.unit), "series": made}


@dataclass(frozen=True, slots=True)
class Bars:
    """One figure per label, longest label left of its bar: (label, value, tone)."""

    rows: Sequence[tuple[Any, float, Tone]]
    unit: Any = ""
    form: str = "bars"

    def plain(self) -> dict[str, Any]:
        rows = [{"label": str(label), "value": value, "tone": tone} for label, value, tone in self.rows]
        return {"form": self.form, "unit": str(self.unit), "rows": rows}


@dataclass(frozen=True, slots=True)
class Ranges:
    """A share with its interval per label, in the order given: (label, share, low, high, words, tone).

    ``reference`` is a share drawn as a line, with its name. A row without share shows its words only.
    """

    rows: Sequence[tuple[Any, float | None, float, float, Any, Tone]]
    reference: float | None = None
    reference_name: Any = ""
    form: str = "ranges"

    def plain(self) -> dict[str, Any]:
        rows = [
            {"label": str(label), "value": value, "low": low, "high": high, "words": str(words), "tone": tone}
            for label, value, low, high, words, tone in self.rows
        ]
        return {
            "form": self.form, "rows": rows, "reference": self.reference, "reference_name": str(self.reference_name),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Steps:
    """A falling step curve with its band: (x, value, low, high); ``mark`` is an x drawn as a line with words."""

    points: Sequence[tuple[float, float, float, float]]
    name: Any
    unit: Any
    mark: float | None = None
    mark_words: Any = ""
    tone: Tone = "act"
    form: str = "steps"

    def plain(self) -> dict[str, Any]:
        return {
            "form": self.form, "points": [list(point) for point in self.points], "name": str(self.name),
            "unit": str(self.unit), "mark": self.mark, "mark_words": str(self.mark_words), "tone": self.tone,
        }  # fmt: skip


Drawing = Over | Bars | Ranges | Steps


@dataclass(frozen=True, slots=True)
class Chart:
    """``title`` is the question, ``answer`` the sentence that answers it (read aloud as the drawing's description)."""

    key: str
    title: Any
    answer: Any
    figures: Figures
    drawing: Drawing | None = None  # None: too little to draw, the words and the table say all
    note: Any = ""  # how it was counted
    size: Literal["s", "m", "l"] = "m"

    @property
    def data(self) -> str:
        """What the script draws, as JSON for a data attribute."""
        if self.drawing is None:
            return ""
        return json.dumps({**self.drawing.plain(), "description": f"{self.title} {self.answer}"}, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class SmallChart:
    """A feature's small chart on 今日: drawn by the server alone, no script.

    ``draw`` gets the actor and gives a `Small`, or None when there is nothing to say; a few bounded statements at most.
    """

    key: str
    permission: Permission
    order: int
    draw: Callable[[Actor], Small | None]


@dataclass(frozen=True, slots=True)
class Small:
    """Question, figure in words, and either bars (label, value, tone) or pairs of columns (label, first, second)."""

    title: Any
    answer: Any
    url: str
    bars: Sequence[tuple[Any, float, str]] = ()
    pairs: Sequence[tuple[Any, int, int]] = ()
    names: tuple[Any, Any] = ("", "")
    share: tuple[float, float, float] | None = None  # share, low, high
    tone: str = ""


small_charts: Registry[SmallChart] = Registry("small charts")


def small_for(actor: Actor) -> list[Small]:
    """What this actor may see, in order."""
    allowed = sorted((c for c in small_charts if actor.may(c.permission)), key=lambda c: c.order)
    return [drawn for chart in allowed if (drawn := chart.draw(actor)) is not None]
