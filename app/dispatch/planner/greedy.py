"""First plans without a solver: the warm start, and what a dispatcher in a hurry would do (for the comparison)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

from app.dispatch.planner import cost
from app.dispatch.planner.snapshot import Job, Pair, Snapshot

Choice = Callable[[Job, Pair, int], tuple[int, ...]]


def cheapest(snapshot: Snapshot, even: int | None = None) -> list[cost.Place | None]:
    """The most urgent first, each where it costs least with what is placed already."""
    state = _State(snapshot, cost.share(snapshot) if even is None else even)
    kept = [_kept(state, job) for job in snapshot.jobs]
    for n in _urgent(snapshot):
        if kept[n] is None:
            kept[n] = _best(state, snapshot.jobs[n], state.extra)
    return kept


def nearest(snapshot: Snapshot) -> list[cost.Place | None]:
    """The most urgent first, each to the nearest eligible one with room, as early as he can."""
    state = _State(snapshot, cost.share(snapshot))
    found: list[cost.Place | None] = [None] * len(snapshot.jobs)
    far = cost.FARTHEST
    for n in _urgent(snapshot):
        found[n] = _best(
            state, snapshot.jobs[n], lambda _job, pair, slot: (far if pair.way is None else pair.way, slot, pair.person)
        )
    return found


class _State:
    """Room and loads of a plan that grows."""

    def __init__(self, snapshot: Snapshot, even: int) -> None:
        self.snapshot, self.even = snapshot, even
        self.used: dict[cost.Place, int] = defaultdict(int)
        self.loads = [person.load for person in snapshot.people]

    def free(self, pair: Pair, slot: int) -> bool:
        room = self.snapshot.people[pair.person].room
        return all(self.used[pair.person, half] < room[half] for half in pair.taken(slot))

    def extra(self, job: Job, pair: Pair, slot: int) -> tuple[int, ...]:
        """What this ticket there adds to the cost."""
        load = self.loads[pair.person]
        more = cost.above(load + 1, self.even) - cost.above(load, self.even)
        return (cost.own(self.snapshot, job, pair, slot) + more, slot, pair.person)

    def take(self, pair: Pair | None, slot: int) -> bool:
        """Whether it could be had."""
        if pair is None or not self.free(pair, slot):
            return False
        for half in pair.taken(slot):
            self.used[pair.person, half] += 1
        self.loads[pair.person] += 1
        return True


def _urgent(snapshot: Snapshot) -> list[int]:
    def urgency(n: int) -> tuple[str, int, int]:
        job = snapshot.jobs[n]
        return cost.rank(job), 10**9 if job.due is None else job.due, n

    return sorted(range(len(snapshot.jobs)), key=urgency)


def _kept(state: _State, job: Job) -> cost.Place | None:
    """Where its offer lies now, while that is still possible."""
    if job.current is None or not state.take(cost.pair_at(job, job.current), job.current[1]):
        return None
    return job.current


def _best(state: _State, job: Job, measure: Choice) -> cost.Place | None:
    best = min(((measure(job, pair, slot), pair, slot) for pair, slot in _options(state, job)), default=None,
               key=lambda one: one[0])  # fmt: skip
    if best is None:
        return None
    state.take(best[1], best[2])
    return (best[1].person, best[2])


def _options(state: _State, job: Job) -> Iterator[tuple[Pair, int]]:
    for pair in job.pairs:
        for slot in pair.slots:
            if state.free(pair, slot):
                yield pair, slot
