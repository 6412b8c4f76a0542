"""Judging many small units at once: each value drawn towards the common one by as much as it is uncertain.

S2: Efron & Morris 1977, Scientific American 236:119; Efron, Large-Scale Inference, ch. 1. S3: moment estimator of the
beta-binomial after Morris 1983, JASA 78:47. S4: DerSimonian & Laird 1986, Controlled Clinical Trials 7:177.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, sqrt


def james_stein(values: Sequence[float], variance: float) -> tuple[float, float, list[float]] | None:
    """(mean, factor c, values drawn to the mean) of units measured with the same known ``variance``.

    The factor is not below 0. None with fewer than four values or without any spread: nothing to learn from.
    """
    k = len(values)
    if variance < 0:
        raise ValueError("a variance is not negative")
    if k < 4:
        return None
    mean = fsum(values) / k
    spread = fsum((y - mean) ** 2 for y in values)
    if spread == 0:
        return None
    factor = max(0.0, 1 - (k - 3) * variance / spread)
    return mean, factor, [mean + factor * (y - mean) for y in values]


@dataclass(frozen=True, slots=True)
class Prior:
    """What is known of a share before its own cases: ``mean``, worth ``weight`` cases; ``rho`` is the correlation."""

    mean: float
    weight: float  # infinite when the units do not differ beyond chance
    rho: float

    def shrink(self, hits: int, n: int) -> float:
        """The share of a unit, drawn to the mean."""
        if self.weight == float("inf"):
            return self.mean
        return (hits + self.mean * self.weight) / (n + self.weight)


def prior_of(units: Sequence[tuple[int, int]]) -> Prior | None:
    """The prior that units of (hits, n) tell about each other; None with fewer than two units or one verdict only."""
    used = [(hits, n) for hits, n in units if n > 0]
    if any(not 0 <= hits <= n for hits, n in used):
        raise ValueError("hits lie between 0 and the number of cases")
    total = sum(n for _hits, n in used)
    if len(used) < 2:
        return None
    mean = sum(hits for hits, _n in used) / total
    chance = mean * (1 - mean)
    if chance == 0:
        return None
    spread = fsum(n * (hits / n - mean) ** 2 for hits, n in used)
    room = total - fsum(n * n for _hits, n in used) / total - (len(used) - 1)
    if room <= 0:  # one case each: nothing can be told about spread
        return Prior(mean, float("inf"), 0.0)
    rho = (spread - chance * (len(used) - 1)) / (chance * room)
    if rho <= 0:
        return Prior(mean, float("inf"), max(rho, 0.0))
    rho = min(rho, 1.0)
    return Prior(mean, max(1 / rho - 1, 0.0), rho)


@dataclass(frozen=True, slots=True)
class Pooled:
    """``q`` heterogeneity, ``tau2`` variance between units, the pooled ``mean`` with its standard error."""

    q: float
    tau2: float
    mean: float
    error: float


def between_units(values: Sequence[float], variances: Sequence[float]) -> Pooled | None:
    """DerSimonian-Laird; None with fewer than two units."""
    if len(values) != len(variances) or any(v <= 0 for v in variances):
        raise ValueError("each value has a positive variance")
    if len(values) < 2:
        return None
    weights = [1 / v for v in variances]
    fixed = fsum(w * y for w, y in zip(weights, values, strict=True)) / fsum(weights)
    q = fsum(w * (y - fixed) ** 2 for w, y in zip(weights, values, strict=True))
    scale = fsum(weights) - fsum(w * w for w in weights) / fsum(weights)
    tau2 = max(0.0, (q - (len(values) - 1)) / scale)
    random = [1 / (v + tau2) for v in variances]
    mean = fsum(w * y for w, y in zip(random, values, strict=True)) / fsum(random)
    return Pooled(q, tau2, mean, sqrt(1 / fsum(random)))
