"""Time to an event with the open cases counted (S14): Kaplan-Meier.

An average over closed cases looks best when the old ones are left lying; here an open case counts as "longer than
this". Sources: Kaplan & Meier 1958, JASA 53:457; interval on the log-log scale with Greenwood's variance
(Kalbfleisch & Prentice).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Step:
    """At ``time`` (in the unit of the input) ``events`` of ``at_risk`` ended; ``still`` is the share not yet ended."""

    time: float
    at_risk: int
    events: int
    still: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Curve:
    """``n`` cases of which ``ended`` ended. ``median`` is None while more than half are still open."""

    n: int
    ended: int
    steps: Sequence[Step]
    median: float | None

    def at(self, time: float) -> float:
        """The share not yet ended after ``time``."""
        return next((step.still for step in reversed(self.steps) if step.time <= time), 1.0)


def kaplan_meier(
    ended: Iterable[float] | Counter[float], still_open: Iterable[float] | Counter[float], confidence: float = 0.95
) -> Curve | None:
    """The curve of times to the end, and times so far of open cases; None without cases.

    Both may be counters (time -> cases), so that a database can group them. An open case with the time of an end is
    at risk at that end. Raises ValueError on a negative time.
    """
    ends, opens = Counter(ended), Counter(still_open)
    times = sorted(set(ends) | set(opens))
    if not times:
        return None
    if times[0] < 0:
        raise ValueError("time is not negative")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    at_risk = n = ends.total() + opens.total()
    still, greenwood, steps = 1.0, 0.0, []
    for time in times:
        if events := ends[time]:
            still *= 1 - events / at_risk
            greenwood += events / (at_risk * (at_risk - events)) if at_risk > events else 0.0
            low, high = _band(still, greenwood, z)
            steps.append(Step(time, at_risk, events, still, low, high))
        at_risk -= events + opens[time]
    median = next((step.time for step in steps if step.still <= 0.5 + 1e-12), None)
    return Curve(n, ends.total(), tuple(steps), median)


def _band(still: float, greenwood: float, z: float) -> tuple[float, float]:
    """The log-log interval stays between 0 and 1; at 0 nothing is left to say."""
    if not 0 < still < 1:
        return still, still
    spread = z * sqrt(greenwood) / abs(log(still))
    return exp(log(still) * exp(spread)), exp(log(still) * exp(-spread))
