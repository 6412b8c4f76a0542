"""Limits for a share over time (S6): the p chart, with limits of each point's own size.

Source: Shewhart 1931; Introductory Business Statistics, example 16.6 for the tested values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True, slots=True)
class Limits:
    """One point: its share and the limits of ordinary chance, from 0 to 1."""

    share: float
    low: float
    high: float

    @property
    def outside(self) -> bool:
        return not self.low <= self.share <= self.high


def p_chart(points: Sequence[tuple[int, int]], sigmas: float = 3.0) -> tuple[float, list[Limits]] | None:
    """(hits, n) per period -> (mean share, a point each). None without cases; raises ValueError on an empty period."""
    if any(n < 1 or not 0 <= hits <= n for hits, n in points):
        raise ValueError("each period has one case at least")
    if not points:
        return None
    mean = sum(hits for hits, _n in points) / sum(n for _hits, n in points)
    made = []
    for hits, n in points:
        reach = sigmas * sqrt(mean * (1 - mean) / n)
        made.append(Limits(hits / n, max(0.0, mean - reach), min(1.0, mean + reach)))
    return mean, made
