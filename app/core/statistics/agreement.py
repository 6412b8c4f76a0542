"""Agreement of readers on the same cases: raw, Cohen's κ, Gwet's AC1 (S11) for two, Fleiss' κ (S12) for many.

With shares near 0 or 1 κ alone misleads (two readers who agree in 94 of 100 may have κ < 0), so pages show raw
agreement, κ and AC1 together, and the table. Sources: Cohen 1960, Educ Psychol Meas 20:37; Gwet 2008, Br J Math Stat
Psychol 61:29; Fleiss 1971, Psychol Bull 76:378.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Agreement:
    """Shares from 0 to 1, coefficients up to 1. ``kappa`` is None when both readers used one verdict throughout."""

    n: int
    raw: float
    kappa: float | None
    ac1: float | None


def two_readers(table: Sequence[Sequence[int]]) -> Agreement | None:
    """``table[i][j]``: cases that the first reader put into class i and the second into j; None without cases.

    Raises ValueError unless the table is square, of two classes at least, and its counts are not negative.
    """
    q = len(table)
    if q < 2 or any(len(row) != q for row in table):
        raise ValueError("an agreement table is square, with two classes at least")
    if any(count < 0 for row in table for count in row):
        raise ValueError("counts are not negative")
    n = sum(map(sum, table))
    if n == 0:
        return None
    raw = sum(table[i][i] for i in range(q)) / n
    first = [sum(row) / n for row in table]
    second = [sum(row[j] for row in table) / n for j in range(q)]
    return Agreement(
        n,
        raw,
        _beyond(raw, sum(a * b for a, b in zip(first, second, strict=True))),
        _beyond(raw, _gwet_chance([(a + b) / 2 for a, b in zip(first, second, strict=True)])),
    )


def fleiss(table: Sequence[Sequence[int]]) -> float | None:
    """Fleiss' κ: ``table[i][j]`` readers put item i into class j; the same number of readers (two at least) each item.

    None without items or when every reading is of one class. Raises ValueError on uneven numbers of readers.
    """
    if not table:
        return None
    readers = sum(table[0])
    if readers < 2 or any(sum(row) != readers for row in table) or len({len(row) for row in table}) != 1:
        raise ValueError("every item has the same number of readers, two at least")
    items = len(table)
    seen = sum(sum(count * (count - 1) for count in row) for row in table) / (items * readers * (readers - 1))
    shares = [sum(row[j] for row in table) / (items * readers) for j in range(len(table[0]))]
    return _beyond(seen, sum(p * p for p in shares))


def _gwet_chance(shares: Sequence[float]) -> float:
    return sum(p * (1 - p) for p in shares) / (len(shares) - 1)


def _beyond(seen: float, chance: float) -> float | None:
    """Agreement beyond chance; None where chance alone explains all."""
    return None if chance >= 1 else (seen - chance) / (1 - chance)
