"""Comparing units of unequal size (S5): limits that widen as cases get fewer, exact for a share.

Source: Spiegelhalter 2005, Statistics in Medicine 24:1185: binomial limits with interpolation between whole counts,
and over-dispersion estimated on winsorised z scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from math import exp, fsum, lgamma, log, sqrt

WINSOR = 0.1  # share of the units drawn in at either end


def lower_limit(n: int, p: float, tail: float) -> float:
    """The share below which a unit of ``n`` cases falls with probability ``tail`` when its true share is ``p``."""
    return _count(n, p, tail) / n


def upper_limit(n: int, p: float, tail: float) -> float:
    """The same above: the lower limit of what was missed."""
    return 1 - _count(n, 1 - p, tail) / n


def tail_below(hits: int, n: int, p: float) -> float:
    """The chance of ``hits`` or fewer of ``n`` cases with true share ``p``."""
    return _below(n, p)[hits] if hits >= 0 else 0.0


def dispersion(units: Sequence[tuple[int, int]], p: float) -> float | None:
    """φ: mean squared z of units (hits, n) after winsorising; 1 is chance alone. None without units."""
    if not 0 < p < 1:
        raise ValueError("the target share lies between 0 and 1")
    z = sorted((hits / n - p) / sqrt(p * (1 - p) / n) for hits, n in units if n > 0)
    if not z:
        return None
    cut = int(WINSOR * len(z))
    held = [min(max(value, z[cut]), z[-1 - cut]) for value in z]
    return fsum(value * value for value in held) / len(held)


def _count(n: int, p: float, tail: float) -> float:
    if n < 1 or not 0 <= p <= 1 or not 0 < tail < 1:
        raise ValueError("a unit has one case at least, and shares lie between 0 and 1")
    below = _below(n, p)
    r = next(count for count in range(n + 1) if below[count] >= tail)
    step = below[r] - (below[r - 1] if r else 0.0)
    return max(0.0, r - (below[r] - tail) / step)


@lru_cache(maxsize=4_096)
def _below(n: int, p: float) -> tuple[float, ...]:
    """P(R ≤ r) for r = 0 … n."""
    if p in (0.0, 1.0):
        return tuple(1.0 if r >= n * p else 0.0 for r in range(n + 1))
    start = min(int((n + 1) * p), n)
    found = [0.0] * (n + 1)
    found[start] = exp(
        lgamma(n + 1) - lgamma(start + 1) - lgamma(n - start + 1) + start * log(p) + (n - start) * log(1 - p)
    )
    odds, r = p / (1 - p), start
    while r < n and found[r] > 0:  # from the likeliest count outwards, as far as a float can tell it from nothing
        found[r + 1] = found[r] * (n - r) / (r + 1) * odds
        r += 1
    r = start
    while r > 0 and found[r] > 0:
        found[r - 1] = found[r] * r / (n - r + 1) / odds
        r -= 1
    summed = [min(total, 1.0) for total in accumulate(found)]
    summed[-1] = 1.0
    return tuple(summed)
