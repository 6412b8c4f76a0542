"""How surprising something is when nothing is behind it, and what remains surprising after many looks.

Fisher's exact test (two-sided by the sum of tables no likelier than the one seen); Poisson upper tail; Benjamini &
Hochberg 1995, J. R. Statist. Soc. B 57:289.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, exp, fsum, lgamma, log

TIE = 1 + 1e-9  # tables as likely as the one seen count, rounding aside


def fisher(a: int, b: int, c: int, d: int) -> float:
    """p of the table [[a, b], [c, d]] with its margins fixed, two-sided."""
    if min(a, b, c, d) < 0:
        raise ValueError("counts are not negative")
    row, column, total = a + b, a + c, a + b + c + d
    if total == 0:
        return 1.0
    ways = comb(total, column)
    chance = lambda k: comb(row, k) * comb(total - row, column - k) / ways
    seen = chance(a) * TIE
    low, high = max(0, column - (total - row)), min(row, column)
    return min(1.0, fsum(p for k in range(low, high + 1) if (p := chance(k)) <= seen))


def poisson_tail(count: int, expected: float) -> float:
    """The chance of ``count`` or more when ``expected`` are usual."""
    if count < 0 or expected < 0:
        raise ValueError("counts are not negative")
    if count == 0:
        return 1.0
    if expected == 0:
        return 0.0
    below = fsum(exp(k * log(expected) - expected - lgamma(k + 1)) for k in range(count))
    return max(0.0, 1 - below)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p of each look, in the order given: reporting those below 5% keeps false reports at 5% of all."""
    if any(not 0 <= p <= 1 for p in p_values):
        raise ValueError("p lies between 0 and 1")
    looks, smallest = len(p_values), 1.0
    found = [1.0] * looks
    order = sorted(range(looks), key=p_values.__getitem__, reverse=True)
    for rank, i in zip(range(looks, 0, -1), order, strict=True):
        smallest = min(smallest, p_values[i] * looks / rank)
        found[i] = smallest
    return found
