"""CP-SAT on one part: a Boolean per eligible (ticket, person, half day), and nothing for any other.

Deterministic: one seed, one worker, an effort counted in the solver's own units. The clock is only the
hard end; a plan that it cut short says so, since it may not come out the same again.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.dispatch.planner import cost, greedy
from app.dispatch.planner.snapshot import Job, Pair, Snapshot

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

BEST_PEOPLE = 12  # per ticket, the cheapest ways (reference/dispatch.md 8)


@dataclass(frozen=True, slots=True)
class Solved:
    """The best plan found, what it costs, and what no plan can go below."""

    assignment: tuple[cost.Place | None, ...]
    cost: int
    bound: int
    proven: bool
    seconds: float = 0.0  # of the processor, for people; not part of what a replay must repeat
    cut_short: bool = False


def solve(
    snapshot: Snapshot, *, effort: float, seconds: float, even: int | None = None,
    start: list[cost.Place | None] | None = None,
) -> Solved:  # fmt: skip
    """``start``: a first plan, the greedy one by default.

    Raises RuntimeError where the solver's own sum and ours differ: a defect, never an answer.
    """
    even = cost.share(snapshot) if even is None else even
    start = greedy.cheapest(snapshot, even) if start is None else start
    if not any(job.pairs for job in snapshot.jobs):
        known = cost.figures(snapshot, start, even).cost
        return Solved(tuple(start), known, known, True)
    return _Model(snapshot, even).solve(start, effort, seconds)


class _Model:
    def __init__(self, snapshot: Snapshot, even: int) -> None:
        from ortools.sat.python import cp_model  # 90 MB of libraries: only where a plan is solved

        self.snapshot, self.even, self.api = snapshot, even, cp_model
        self.model = cp_model.CpModel()
        self.terms: list[Any] = []
        self.places: list[dict[cost.Place, cp_model.IntVar]] = []
        self.unplaced: list[cp_model.IntVar] = []
        self.halves: dict[cost.Place, list[Any]] = defaultdict(list)
        self.steps: list[tuple[int, int, cp_model.IntVar]] = []  # person, even share, what counts above it
        self._tickets()
        self._rooms()
        self.model.minimize(sum(self.terms))

    def _tickets(self) -> None:
        for job in self.snapshot.jobs:
            choices: dict[cost.Place, Any] = {}
            for pair in candidates(self.snapshot, job):
                for slot in pair.slots:
                    chosen = self.model.new_bool_var("")
                    self.terms.append(cost.own(self.snapshot, job, pair, slot) * chosen)
                    choices[pair.person, slot] = chosen
                    for half in pair.taken(slot):
                        self.halves[pair.person, half].append(chosen)
            never = self.model.new_bool_var("")
            self.terms.append(cost.missed(job) * never)
            self.model.add_exactly_one([*choices.values(), never])
            self.places.append(choices)
            self.unplaced.append(never)

    def _rooms(self) -> None:
        for (person, half), chosen in self.halves.items():
            room = self.snapshot.people[person].room[half]
            if len(chosen) > room:
                self.model.add(sum(chosen) <= room)
        weeks: dict[int, list[Any]] = defaultdict(list)
        for choices in self.places:
            for place, one in choices.items():
                weeks[place[0]].append(one)
        for n, who in enumerate(self.snapshot.people):
            self._week(n, weeks.get(n, []), who.load)

    def _week(self, person: int, chosen: list[Any], load: int) -> None:
        """The steps of `cost.above` as whole numbers, each at least what it counts."""
        for even in (self.even, self.even + cost.SHARE_STEP):
            most = load + len(chosen) - even
            if most <= 0:
                continue
            more = self.model.new_int_var(max(0, load - even), most, "")
            self.model.add(more >= load - even + sum(chosen))
            self.terms.append(cost.ABOVE_SHARE * more)
            self.steps.append((person, even, more))

    def solve(self, start: list[cost.Place | None], effort: float, seconds: float) -> Solved:
        self._hint(start)
        solver = self.api.CpSolver()
        for name, value in _parameters(self.snapshot.limits.seed, effort, seconds).items():
            setattr(solver.parameters, name, value)
        began = time.process_time()
        status = solver.solve(self.model)
        spent = time.process_time() - began
        known = cost.figures(self.snapshot, start, self.even).cost
        if status not in (self.api.OPTIMAL, self.api.FEASIBLE):
            return Solved(tuple(start), known, least(self.snapshot, self.even), False, spent, cut_short=True)
        found = tuple(
            next((place for place, chosen in choices.items() if solver.boolean_value(chosen)), None)
            for choices in self.places
        )
        price = cost.figures(self.snapshot, found, self.even).cost
        if price != round(solver.objective_value):
            raise RuntimeError(f"the plan costs {price}, the solver says {solver.objective_value}")
        proven = status == self.api.OPTIMAL
        if not proven and known < price:
            found, price = tuple(start), known
        bound = price if proven else max(_whole(solver.best_objective_bound), least(self.snapshot, self.even))
        return Solved(found, price, bound, proven, spent, not proven and solver.wall_time >= seconds)

    def _hint(self, start: list[cost.Place | None]) -> None:
        """A whole first plan: a hint with holes is none."""
        loads = [person.load for person in self.snapshot.people]
        for choices, never, place in zip(self.places, self.unplaced, start, strict=True):
            for key, chosen in choices.items():
                self.model.add_hint(chosen, key == place)
            self.model.add_hint(never, place not in choices)
            if place is not None and place in choices:
                loads[place[0]] += 1
        for person, even, more in self.steps:
            self.model.add_hint(more, max(0, loads[person] - even))


def least(snapshot: Snapshot, even: int) -> int:
    """A bound without a solver: every ticket where it is cheapest, as if there were room for all."""
    standing = sum(cost.above(person.load, even) for person in snapshot.people)
    return standing + sum(
        min((cost.own(snapshot, job, pair, slot) for pair in candidates(snapshot, job) for slot in pair.slots),
            default=cost.missed(job))
        for job in snapshot.jobs
    )  # fmt: skip


def _whole(bound: float) -> int:
    """Costs are whole numbers: a bound may be rounded up, but for the solver's own last digits."""
    return math.ceil(bound - 1e-6)


def candidates(snapshot: Snapshot, job: Job) -> list[Pair]:
    """The cheapest few of the eligible, and whoever has the ticket now."""
    if len(job.pairs) <= BEST_PEOPLE:
        return list(job.pairs)
    kinds = snapshot.people
    ordered = sorted(job.pairs, key=lambda pair: (
        cost.trip(pair) + cost.DEALER * (kinds[pair.person].kind == "dealer"), pair.person))  # fmt: skip
    held = [pair for pair in ordered[BEST_PEOPLE:] if job.current is not None and pair.person == job.current[0]]
    return ordered[:BEST_PEOPLE] + held


def _parameters(seed: int, effort: float, seconds: float) -> dict[str, Any]:
    """One worker: several that run at once are not the same twice, several that take turns were slower here. The
    relaxation does the work (``linearization_level``); probing and symmetry cost more than they found, by a factor of
    three."""
    return {
        "random_seed": seed, "num_workers": 1, "linearization_level": 2, "symmetry_level": 0,
        "cp_model_probing_level": 0, "max_deterministic_time": effort, "max_time_in_seconds": seconds,
    }  # fmt: skip
