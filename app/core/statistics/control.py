"""Control charts: the p chart with limits of each point's own size (S6), Laney's p′, EWMA and CUSUM.

Source: Shewhart 1931; Introductory Business Statistics, example 16.6 for the tested values.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

MOVING_RANGE = 1.128  # d2: the expected range of two normal values, in standard deviations


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


def laney(points: Sequence[tuple[int, int]], sigmas: float = 3.0) -> tuple[float, float, list[Limits]] | None:
    """The p′ chart (S7): limits of the p chart times σz, which is what periods differ by beyond chance.

    (mean share, σz, a point each). σz = mean |difference of neighbouring z| / 1.128; with one point, or all shares
    0 or 1, nothing is known of it and it is 1. Source: Laney 2002, Quality Engineering 14:531.
    """
    plain = p_chart(points, sigmas)
    if plain is None:
        return None
    mean = plain[0]
    if len(points) < 2 or mean in (0.0, 1.0):
        return mean, 1.0, plain[1]
    z = [(hits / n - mean) / sqrt(mean * (1 - mean) / n) for hits, n in points]
    sigma_z = sum(abs(b - a) for a, b in itertools.pairwise(z)) / (len(z) - 1) / MOVING_RANGE
    made = []
    for hits, n in points:
        reach = sigmas * sigma_z * sqrt(mean * (1 - mean) / n)
        made.append(Limits(hits / n, max(0.0, mean - reach), min(1.0, mean + reach)))
    return mean, sigma_z, made


@dataclass(frozen=True, slots=True)
class Drift:
    """One point of an EWMA: the smoothed value and its limits, in the unit of the input."""

    value: float
    low: float
    high: float

    @property
    def outside(self) -> bool:
        return not self.low <= self.value <= self.high


def ewma(
    values: Sequence[float], mean: float, sd: float, *, weight: float = 0.2, width: float = 3.0, settled: bool = False
) -> list[Drift]:
    """Small drifts (S8, S9): each point ``weight`` parts new, the rest memory, beginning at ``mean``.

    Limits begin narrow and widen; ``settled`` draws the late ones throughout. Source: NIST e-Handbook 6.3.2.4.
    """
    if not 0 < weight <= 1 or sd < 0:
        raise ValueError("the weight lies between 0 and 1, and a standard deviation is not negative")
    found, held = [], mean
    for i, value in enumerate(values, 1):
        held = weight * value + (1 - weight) * held
        grown = 1.0 if settled else 1 - (1 - weight) ** (2 * i)
        reach = width * sd * sqrt(weight / (2 - weight) * grown)
        found.append(Drift(held, mean - reach, mean + reach))
    return found


@dataclass(frozen=True, slots=True)
class Sums:
    """One point of a CUSUM: what has gathered above and below, in the unit of the input."""

    above: float
    below: float
    signal: bool


def cusum(values: Sequence[float], mean: float, *, slack: float, limit: float) -> list[Sums]:
    """Step changes (S10): deviations beyond ``slack`` add up until ``limit``. Source: Montgomery, SQC, ch. 9."""
    if slack < 0 or limit <= 0:
        raise ValueError("slack is not negative, the limit is positive")
    found, above, below = [], 0.0, 0.0
    for value in values:
        above = max(0.0, value - mean - slack + above)
        below = max(0.0, mean - slack - value + below)
        found.append(Sums(above, below, above > limit or below > limit))
    return found
