"""The score: parts that are shown and that add up, in whole tenths of a point, to the total.

What is not known is said and earns nothing: a hospital without coordinates is at no distance, not at an average one.
The weights are points out of a hundred, a version of them is a row (`app.dispatch.models.Weights`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from app.dispatch.eligibility.facts import Candidate, Job, Plan
from app.dispatch.models import AssigneeKind
from app.hospitals.queries import kilometres

FAR_KM = 300.0  # from here on a way earns nothing
KM_AN_HOUR, START_HOURS = 50.0, 0.25
EASY_HOURS = 48.0  # with so much room before the deadline more room earns nothing more
HALVES_A_WEEK = 10
PRIOR_FIXED, PRIOR_DONE = 7, 10  # a newcomer is judged as one who fixed seven in ten
KNOWN_PLACE = (0.0, 0.6, 1.0)  # by visits to the same hospital
TENTHS = 10
THOUSAND = 1_000
FIRST_WEIGHTS: Mapping[str, int] = {
    "slack": 30, "travel": 25, "load": 15, "continuity": 10, "first_fix": 10, "cost": 10,
}  # fmt: skip
PART_LABELS: Mapping[str, Any] = {
    "slack": _l("离时限"), "travel": _l("路程"), "load": _l("本周负荷"), "continuity": _l("熟悉医院"),
    "first_fix": _l("一次修好"), "cost": _l("成本"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """``points`` of ``most``, in tenths; ``fact`` in words; ``known`` False: nothing was guessed, nothing is earned.

    ``share`` is what the points are made of, in thousandths: it outlives a change of the weights.
    """

    key: str
    points: int
    most: int
    fact: Any
    known: bool = True
    share: int = 0

    @property
    def label(self) -> Any:
        return PART_LABELS[self.key]


@dataclass(frozen=True, slots=True)
class Way:
    """How far it is; None where either end has no coordinates."""

    km: float | None

    @property
    def hours(self) -> float | None:
        return None if self.km is None else self.km / KM_AN_HOUR + START_HOURS


Share = tuple[float | None, Any]  # 0…1 or None for unknown, and the fact behind it


def way_of(job: Job, candidate: Candidate) -> Way:
    ends = (candidate.lat, candidate.lon, job.lat, job.lon)
    if any(end is None for end in ends):
        return Way(None)
    return Way(kilometres(*ends))  # type: ignore[arg-type]


def _travel(_job: Job, _candidate: Candidate, _plan: Plan, way: Way) -> Share:
    if way.km is None:
        return None, _l("没有坐标，路程未知")
    return 1 - min(way.km, FAR_KM) / FAR_KM, _l("%(km)s 公里", km=round(way.km))


def _slack(job: Job, _candidate: Candidate, plan: Plan, way: Way) -> Share:
    if job.due_at is None:
        return 1.0, _l("没有时限")
    left = (job.due_at - plan.span.since).total_seconds() / 3600 - job.service_hours - (way.hours or 0.0)
    if left <= 0:
        return 0.0, _l("赶不上时限")
    return min(left, EASY_HOURS) / EASY_HOURS, _l("余 %(hours)s 小时", hours=math.floor(left))


def _load(_job: Job, candidate: Candidate, _plan: Plan, _way: Way) -> Share:
    room = max(1, candidate.capacity * HALVES_A_WEEK)
    return max(0.0, 1 - len(candidate.busy) / room), _l("%(count)s 单", count=len(candidate.busy))


def _continuity(_job: Job, candidate: Candidate, _plan: Plan, _way: Way) -> Share:
    seen = candidate.visits_here
    return KNOWN_PLACE[min(seen, 2)], _l("去过 %(count)s 次", count=seen) if seen else _l("没去过")


def _first_fix(_job: Job, candidate: Candidate, _plan: Plan, _way: Way) -> Share:
    rate = (candidate.visits_fixed + PRIOR_FIXED) / (candidate.visits_done + PRIOR_DONE)
    fact = _l("%(fixed)s / %(done)s 次", fixed=candidate.visits_fixed, done=candidate.visits_done)
    return min(1.0, rate), fact if candidate.visits_done else _l("还没有记录")


def _cost(_job: Job, candidate: Candidate, _plan: Plan, _way: Way) -> Share:
    ours = candidate.kind is AssigneeKind.ENGINEER
    return float(ours), _l("自有工程师") if ours else _l("经销商承接")


PARTS: Mapping[str, Callable[[Job, Candidate, Plan, Way], Share]] = {
    "slack": _slack, "travel": _travel, "load": _load, "continuity": _continuity, "first_fix": _first_fix,
    "cost": _cost,
}  # fmt: skip


def parts_of(job: Job, candidate: Candidate, plan: Plan, weights: Mapping[str, int]) -> tuple[Part, ...]:
    """Each part in whole tenths, rounded once, so that the sum of the parts is the total."""
    way, found = way_of(job, candidate), []
    for key, measure in PARTS.items():
        share, fact = measure(job, candidate, plan, way)
        whole = weights.get(key, 0)
        kept = round((share or 0.0) * THOUSAND)
        found.append(Part(key, points_of(kept, whole), whole * TENTHS, fact, share is not None, kept))
    return tuple(found)


def points_of(share: int, weight: int) -> int:
    """Tenths of a point for a share in thousandths: the same for a live score and for one that is replayed."""
    return round(share * weight * TENTHS / THOUSAND)
