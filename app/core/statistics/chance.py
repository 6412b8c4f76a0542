"""How surprising something is when nothing is behind it, and what remains surprising after many looks.

Fisher's exact test (two-sided by the sum of tables no likelier than the one seen); Poisson upper tail; Benjamini &
Hochberg 1995, J. R. Statist. Soc. B 57:289.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, fsum, lgamma, log

TIE = 1 + 1e-9  # tables as likely as the one seen count, rounding aside


def fisher(a: int, b: int, c: int, d: int) -> float:
    """p of the table [[a, b], [c, d]] with its margins fixed, two-sided."""
    if min(a, b, c, d) < 0:
        raise ValueError("counts are not negative")
    row, column, total = a + b, a + c, a + b + c + d
    if total == 0:
        return 1.0
    weights = _tables(row, column, total)
    seen = weights.get(a, 0.0) * TIE
    return min(1.0, fsum(w for w in weights.values() if w <= seen) / fsum(weights.values()))


def _tables(row: int, column: int, total: int) -> dict[int, float]:
    """Upper left cell -> likelihood beside the likeliest table's; what is less than a float can hold is left out.

    From the likeliest table outwards by the ratio of neighbours: a quarter of a million jobs cost some hundred steps,
    where binomial coefficients would have a hundred thousand digits.
    """
    low, high = max(0, column - (total - row)), min(row, column)
    start = min(max((row + 1) * (column + 1) // (total + 2), low), high)
    found, weight, k = {start: 1.0}, 1.0, start
    while k < high and weight > 0:
        weight *= (row - k) * (column - k) / ((k + 1) * (total - row - column + k + 1))
        k += 1
        found[k] = weight
    weight, k = 1.0, start
    while k > low and weight > 0:
        weight *= k * (total - row - column + k) / ((row - k + 1) * (column - k + 1))
        k -= 1
        found[k] = weight
    return found


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
