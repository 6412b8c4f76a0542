"""One rule engine for the candidate panel, the board, forms, bulk and the planner (issue: "the same engine answers").

`facts` are plain values, `rules` and `score` pure functions over them, `load` reads them with three statements.
`rank` puts everybody on the table: the admitted with the parts of their score, the excluded with every failed rule
and what would mend each. Nobody admitted is said by `Table.nobody`; no caller ever gets an empty list that could be
read as "everybody".
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.dispatch.eligibility.facts import Candidate, Contract, Job, Plan, Span, half_plans, plan_of
from app.dispatch.eligibility.rules import Failure, Fix, Question, Rule, contract_for, failures
from app.dispatch.eligibility.score import FIRST_WEIGHTS, Part, Way, parts_of, way_of

__all__ = [
    "FIRST_WEIGHTS",
    "Candidate",
    "Contract",
    "Failure",
    "Fix",
    "Job",
    "Part",
    "Plan",
    "Rule",
    "Span",
    "Standing",
    "Table",
    "Way",
    "contract_for",
    "half_plans",
    "judge",
    "plan_of",
    "rank",
    "way_of",
]


@dataclass(frozen=True, slots=True)
class Standing:
    """One candidate with his score, and what excludes him if anything does."""

    candidate: Candidate
    parts: tuple[Part, ...]
    failed: tuple[Failure, ...]
    rank: int = 0  # among the admitted, from 1

    @property
    def total(self) -> int:
        """Tenths of a point."""
        return sum(part.points for part in self.parts)

    @property
    def admitted(self) -> bool:
        return not self.failed


@dataclass(frozen=True, slots=True)
class Table:
    """Everybody for one job in one plan: the admitted, best first, and the excluded, nearest to admission first."""

    job: Job
    plan: Plan
    weights_version: int
    admitted: tuple[Standing, ...]
    excluded: tuple[Standing, ...]

    @property
    def nobody(self) -> bool:
        return not self.admitted

    @property
    def best(self) -> Standing | None:
        return self.admitted[0] if self.admitted else None

    def of(self, candidate_id: uuid.UUID) -> Standing | None:
        everybody = (*self.admitted, *self.excluded)
        return next((one for one in everybody if one.candidate.id == candidate_id), None)


def judge(
    job: Job, candidate: Candidate, plan: Plan, now: datetime, weights: Mapping[str, int] = FIRST_WEIGHTS,
    later: tuple[Plan, ...] = (),
) -> Standing:  # fmt: skip
    """One candidate, by all rules and all parts."""
    failed = failures(Question(job, candidate, plan, now, later))
    return Standing(candidate, parts_of(job, candidate, plan, weights), failed)


def rank(
    job: Job, candidates: Iterable[Candidate], plan: Plan, now: datetime, *, weights_version: int = 1,
    weights: Mapping[str, int] = FIRST_WEIGHTS, later: tuple[Plan, ...] = (),
) -> Table:  # fmt: skip
    """Everybody, in order; equal scores by name, so that the order is the same at every look."""
    judged = [judge(job, one, plan, now, weights, later) for one in candidates]
    admitted = sorted((s for s in judged if s.admitted), key=lambda s: (-s.total, s.candidate.name, s.candidate.id))
    excluded = sorted((s for s in judged if not s.admitted), key=_nearness)
    ranked = tuple(Standing(s.candidate, s.parts, (), n) for n, s in enumerate(admitted, 1))
    return Table(job, plan, weights_version, ranked, tuple(excluded))


def _nearness(standing: Standing) -> tuple[bool, int, int, str]:
    away = any(one.rule is Rule.TERRITORY for one in standing.failed)
    return (away, len(standing.failed), -standing.total, standing.candidate.name)
