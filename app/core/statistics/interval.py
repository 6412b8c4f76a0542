"""Intervals for a share (S1).

Source: Wilson 1927; the form tested by Newcombe 1998, Statistics in Medicine 17:857. No continuity correction: some
libraries' "wilson" is another one (reference/review.md 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``n`` cases; ``value``, ``low`` and ``high`` are shares from 0 to 1."""

    hits: int
    n: int
    value: float
    low: float
    high: float


def wilson(hits: int, n: int, confidence: float = 0.95) -> Share | None:
    """The share with its score interval; None without cases. Raises ValueError on hits outside 0 to ``n``."""
    if not 0 <= hits <= n:
        raise ValueError("hits lie between 0 and the number of cases")
    if not 0 < confidence < 1:
        raise ValueError("confidence lies between 0 and 1")
    if n == 0:
        return None
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    p = hits / n
    middle = p + z * z / (2 * n)
    reach = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if hits == 0 else (middle - reach) / scale
    high = 1.0 if hits == n else (middle + reach) / scale
    return Share(hits, n, p, low, high)
