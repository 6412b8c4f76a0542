"""What a plan costs, in minutes: one place for the solver, for those who compare, and for the page.

A ticket nobody goes to costs more than any way of going, so that it stays unplaced only for want of room. Beyond that:
lateness by priority, the way there and back (for each ticket, as in the candidate's score), a later half day, a
dealer's fee, work above an even share, and taking an offer away from whoever has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.dispatch.planner.snapshot import Job, Pair, Snapshot

MISSED: Mapping[str, int] = {"p1": 40_000, "p2": 24_000, "p3": 16_000, "p4": 12_000}
LATE_RATE: Mapping[str, int] = {"p1": 4, "p2": 2, "p3": 1, "p4": 1}
WAIT: Mapping[str, int] = {"p1": 30, "p2": 15, "p3": 6, "p4": 3}  # per half day later
MOST_LATE = 2 * 1440  # from here on later is not worse
FARTHEST = 900  # minutes of a way there and back; a way that is unknown costs as much
DEALER, OTHER_PERSON, OTHER_TIME = 60, 240, 120
ABOVE_SHARE, SHARE_STEP = 20, 2  # per visit above an even share, and once more from two above it
ORDINARY = "p3"  # of a ticket without a priority

Place = tuple[int, int]  # person, slot
Assignment = Sequence[Place | None]  # by job


@dataclass(frozen=True, slots=True)
class Figures:
    """A plan in numbers; ``late`` and ``way`` (there and back) in minutes, ``unknown``: ways without coordinates."""

    cost: int
    served: int
    late: int
    late_jobs: int
    way: int
    unknown: int
    most: int  # visits of the busiest


def rank(job: Job) -> str:
    return job.priority if job.priority in MISSED else ORDINARY


def missed(job: Job) -> int:
    return MISSED[rank(job)]


def lateness(job: Job, pair: Pair, begins: int) -> int:
    """Minutes by which the work would be done after the deadline; an unknown way counts as none, as in the pool."""
    if job.due is None:
        return 0
    return max(0, begins + (pair.way or 0) + job.service - job.due)


def trip(pair: Pair) -> int:
    """There and back."""
    return FARTHEST if pair.way is None else min(2 * pair.way, FARTHEST)


def own(snapshot: Snapshot, job: Job, pair: Pair, slot: int) -> int:
    """What one ticket in one half day costs, but for the share of work."""
    late = min(lateness(job, pair, snapshot.slots[slot].begins), MOST_LATE) * LATE_RATE[rank(job)]
    dealer = DEALER if snapshot.people[pair.person].kind == "dealer" else 0
    moved = 0
    if job.current is not None and job.current != (pair.person, slot):
        moved = OTHER_TIME if job.current[0] == pair.person else OTHER_PERSON
    return late + trip(pair) + WAIT[rank(job)] * slot + dealer + moved


def share(snapshot: Snapshot) -> int:
    """Visits of the week per head if all were even, rounded up."""
    held = sum(person.load for person in snapshot.people)
    return -(-(held + len(snapshot.jobs)) // max(1, len(snapshot.people)))


def above(load: int, even: int) -> int:
    """What one person's week costs above the even share; the sum of steps, so that more is always dearer."""
    return ABOVE_SHARE * (max(0, load - even) + max(0, load - even - SHARE_STEP))


def pair_at(job: Job, place: Place) -> Pair | None:
    """Who may take it there; None where nobody said so."""
    return next((pair for pair in job.pairs if pair.person == place[0] and place[1] in pair.slots), None)


def figures(snapshot: Snapshot, assignment: Assignment, even: int | None = None) -> Figures:
    """Count a plan from nothing but the snapshot. Raises ValueError where it is no plan: not eligible, or no room."""
    even = share(snapshot) if even is None else even
    used: dict[Place, int] = {}
    cost = late = late_jobs = way = unknown = 0
    for job, place in zip(snapshot.jobs, assignment, strict=True):
        if place is None:
            cost += missed(job)
            continue
        pair = pair_at(job, place)
        if pair is None:
            raise ValueError(f"{job.number}: nobody said that {place} may be")
        for slot in pair.taken(place[1]):
            used[place[0], slot] = used.get((place[0], slot), 0) + 1
        minutes = lateness(job, pair, snapshot.slots[place[1]].begins)
        late, late_jobs = late + minutes, late_jobs + (minutes > 0)
        way, unknown = way + 2 * (pair.way or 0), unknown + (pair.way is None)
        cost += own(snapshot, job, pair, place[1])
    over = [place for place, count in used.items() if count > snapshot.people[place[0]].room[place[1]]]
    if over:
        raise ValueError(f"no room: {over[:3]}")
    loads = _loads(snapshot, assignment)
    cost += sum(above(load, even) for load in loads)
    served = len(assignment) - list(assignment).count(None)
    return Figures(cost, served, late, late_jobs, way, unknown, max(loads, default=0))


def _loads(snapshot: Snapshot, assignment: Assignment) -> list[int]:
    loads = [person.load for person in snapshot.people]
    for place in assignment:
        if place is not None:
            loads[place[0]] += 1
    return loads
