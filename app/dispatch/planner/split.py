"""The whole plan: by province, then in one piece while that is small, with one bound for the whole.

Each province is first solved as if everybody were there for it alone. What that costs can only be less than what any
plan of the whole costs there, so the sum of these bounds is a bound of the whole; the steps of the even share add up
the same way. Where two provinces then want the same half day of the same person, the later one is solved again with
what the earlier ones have left.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from app.dispatch.planner import cost, greedy, model
from app.dispatch.planner.snapshot import Job, Snapshot

WHOLE = 40_000  # Booleans that are solved in one piece
Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Part:
    """How one piece came out. ``province`` "": all of them together."""

    province: str
    jobs: int
    cost: int
    bound: int
    proven: bool
    seconds: float
    again: bool = False  # solved a second time, with what the others had left


@dataclass(frozen=True, slots=True)
class Plan:
    """A proposal. ``bound``: no plan of this snapshot costs less; ``cut_short``: the clock ended it, so that a replay
    may find another."""

    assignment: tuple[cost.Place | None, ...]
    figures: cost.Figures
    bound: int
    start_cost: int
    cut_short: bool
    parts: tuple[Part, ...]

    @property
    def gap(self) -> float:
        """How far from the bound, as a share of the cost."""
        return (self.figures.cost - self.bound) / self.figures.cost if self.figures.cost else 0.0


def plan(snapshot: Snapshot, report: Report = lambda _done, _all: None, whole: int = WHOLE) -> Plan:
    """The same plan for the same snapshot, unless ``cut_short``. ``report`` hears of tickets done and of all."""
    work = _Work(snapshot, time.monotonic() + snapshot.limits.seconds)
    report(0, len(snapshot.jobs))
    alone = []
    for name, members in _groups(snapshot):
        alone.append((name, members, work.solve(members, snapshot)))
        report(sum(len(found[1]) for found in alone), len(snapshot.jobs))
    for name, members, solved in alone:
        work.place(name, members, solved)
    first = greedy.cheapest(snapshot, work.even)
    known = cost.figures(snapshot, first, work.even)
    work.keep(first)
    if len(alone) > 1 and work.open and _choices(snapshot) <= whole:
        work.together()
    figures = cost.figures(snapshot, work.assignment, work.even)
    bound = min(figures.cost, max(0, work.bound))
    return Plan(tuple(work.assignment), figures, bound, known.cost, work.cut_short, tuple(work.parts))


def _choices(snapshot: Snapshot) -> int:
    return sum(len(pair.slots) for job in snapshot.jobs for pair in model.candidates(snapshot, job))


def _groups(snapshot: Snapshot) -> list[tuple[str, list[int]]]:
    """Indexes of the tickets that are solved together, the largest group first."""
    found: dict[str, list[int]] = {}
    for n, job in enumerate(snapshot.jobs):
        found.setdefault(job.province, []).append(n)
    return sorted(found.items(), key=lambda group: (-len(group[1]), group[0]))


class _Work:
    """What is placed so far, and what is known of the bound."""

    def __init__(self, snapshot: Snapshot, ends: float) -> None:
        self.snapshot, self.ends, self.even = snapshot, ends, cost.share(snapshot)
        self.assignment: list[cost.Place | None] = [None] * len(snapshot.jobs)
        self.room = [list(person.room) for person in snapshot.people]
        self.load = [person.load for person in snapshot.people]
        self.bound = sum(cost.above(person.load, self.even) for person in snapshot.people)
        self.parts: list[Part] = []
        self.cut_short = False

    def solve(self, members: Sequence[int], of: Snapshot) -> model.Solved:
        """One group by itself, with the people of ``of``. Places are those of the whole."""
        jobs = [of.jobs[n] for n in members]
        known = sorted({pair.person for job in jobs for pair in job.pairs})
        part = _part(of, jobs, known)
        left = max(0.5, self.ends - time.monotonic())
        solved = model.solve(part, effort=of.limits.effort, seconds=left, even=self.even)
        self.cut_short = self.cut_short or solved.cut_short
        back = tuple(None if place is None else (known[place[0]], place[1]) for place in solved.assignment)
        standing = sum(cost.above(person.load, self.even) for person in part.people)
        return replace(solved, assignment=back, cost=solved.cost - standing, bound=solved.bound - standing)

    def place(self, name: str, members: Sequence[int], solved: model.Solved) -> None:
        """Take a group over; solved again where others hold what it wants."""
        self.bound += solved.bound
        again = not self._fits(members, solved.assignment)
        if again:
            people = tuple(
                replace(person, room=tuple(room), load=load)
                for person, room, load in zip(self.snapshot.people, self.room, self.load, strict=True)
            )
            solved = self.solve(members, replace(self.snapshot, people=people))
        for n, place in zip(members, solved.assignment, strict=True):
            self.assignment[n] = place
            if place is not None:
                self.load[place[0]] += 1
        for person, half in self._halves(members, solved.assignment):
            self.room[person][half] -= 1
        self.parts.append(
            Part(name, len(members), solved.cost, solved.bound, solved.proven, round(solved.seconds, 3), again)
        )

    @property
    def price(self) -> int:
        return cost.figures(self.snapshot, self.assignment, self.even).cost

    @property
    def open(self) -> bool:
        """Whether something better may exist."""
        return self.price > self.bound

    def keep(self, other: Sequence[cost.Place | None]) -> None:
        """Take another plan where it costs less."""
        if cost.figures(self.snapshot, other, self.even).cost < self.price:
            self.assignment = list(other)

    def together(self) -> None:
        """All in one piece, beginning with what was found by province; whatever is better stays."""
        limits, left = self.snapshot.limits, max(0.5, self.ends - time.monotonic())
        solved = model.solve(
            self.snapshot, effort=limits.effort, seconds=left, even=self.even, start=self.assignment
        )  # fmt: skip
        self.cut_short = self.cut_short or solved.cut_short
        self.bound = max(self.bound, solved.bound)
        self.keep(solved.assignment)
        count, seconds = len(self.snapshot.jobs), round(solved.seconds, 3)
        self.parts.append(Part("", count, solved.cost, solved.bound, solved.proven, seconds))

    def _fits(self, members: Sequence[int], places: Iterable[cost.Place | None]) -> bool:
        left = {(p, h): free for p, room in enumerate(self.room) for h, free in enumerate(room)}
        for key in self._halves(members, places):
            left[key] -= 1
            if left[key] < 0:
                return False
        return True

    def _halves(self, members: Sequence[int], places: Iterable[cost.Place | None]) -> list[cost.Place]:
        found: list[cost.Place] = []
        for n, place in zip(members, places, strict=True):
            pair = cost.pair_at(self.snapshot.jobs[n], place) if place is not None else None
            if pair is not None and place is not None:
                found += [(pair.person, half) for half in pair.taken(place[1])]
        return found


def _part(snapshot: Snapshot, jobs: Sequence[Job], known: Sequence[int]) -> Snapshot:
    """The snapshot of some tickets, with the people who may take any of them."""
    index = {person: n for n, person in enumerate(known)}
    people = tuple(snapshot.people[person] for person in known)
    renamed = tuple(
        replace(
            job,
            pairs=tuple(replace(pair, person=index[pair.person]) for pair in job.pairs),
            current=(index[job.current[0]], job.current[1]) if job.current and job.current[0] in index else None,
        )
        for job in jobs
    )
    return replace(snapshot, people=people, jobs=renamed)
