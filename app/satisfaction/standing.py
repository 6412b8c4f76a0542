"""Words in place of ranks: what a page may say about one unit among many in one period.

Limits are set for the whole family of units compared in a period, so that in at most one period of twenty anybody at
all is told "outside" when all are equally good (tests/features/satisfaction/test_standing.py simulates it).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.core.statistics.funnel import dispersion, lower_limit, upper_limit
from app.core.statistics.interval import Share, wilson
from app.core.statistics.shrinkage import Prior, prior_of

FEWEST = 10  # ratings; below it words say that nothing can be told
FAMILY_ERROR = 0.05  # of periods in which anybody is told "outside" by chance
CROWD = 10  # units before their spread is trusted


class Standing(StrEnum):
    """What is said."""

    TOO_FEW = "too_few"
    INSIDE = "inside"
    BELOW = "below"  # outside: look
    ABOVE = "above"  # outside on the good side: look too, there may be something to learn or a mistake


@dataclass(frozen=True, slots=True)
class Placed:
    """One unit: its share with interval, drawn to the others, its limits and what is said. Shares from 0 to 1."""

    share: Share
    shrunk: float
    low: float
    high: float
    standing: Standing


@dataclass(frozen=True, slots=True)
class Family:
    """All units of a period: the common share, how much they differ beyond chance (φ, 1 is chance), and each one."""

    centre: float
    spread: float
    tail: float
    prior: Prior | None
    units: Mapping[Any, Placed]


def place(units: Mapping[Any, tuple[int, int]]) -> Family | None:
    """(satisfied, ratings) per unit, in any order. None without ratings."""
    used = {key: (hits, n) for key, (hits, n) in units.items() if n > 0}
    if not used:
        return None
    total = sum(n for _hits, n in used.values())
    centre = sum(hits for hits, _n in used.values()) / total
    compared = [found for found in used.values() if found[1] >= FEWEST]
    tail = FAMILY_ERROR / (2 * max(len(compared), 1))
    spread = _spread(compared, centre)
    prior = prior_of(list(used.values()))
    return Family(
        centre, spread, tail, prior,
        {key: _placed(hits, n, centre, tail, spread, prior) for key, (hits, n) in used.items()},
    )  # fmt: skip


def _spread(compared: list[tuple[int, int]], centre: float) -> float:
    """φ where there are units enough to tell it; never below chance."""
    if len(compared) < CROWD or not 0 < centre < 1:
        return 1.0
    return max(1.0, dispersion(compared, centre) or 1.0)


def _placed(hits: int, n: int, centre: float, tail: float, spread: float, prior: Prior | None) -> Placed:
    share = wilson(hits, n)
    assert share is not None
    low, high = lower_limit(n, centre, tail), upper_limit(n, centre, tail)
    wider = spread**0.5
    low, high = max(0.0, centre - (centre - low) * wider), min(1.0, centre + (high - centre) * wider)
    shrunk = prior.shrink(hits, n) if prior is not None else centre
    return Placed(share, shrunk, low, high, _word(share, low, high))


def _word(share: Share, low: float, high: float) -> Standing:
    if share.n < FEWEST:
        return Standing.TOO_FEW
    if share.value < low:
        return Standing.BELOW
    return Standing.ABOVE if share.value > high else Standing.INSIDE
