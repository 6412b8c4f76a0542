"""Rounds of linear assignment, for comparison: in each round everybody gets at most one more ticket, at least cost.

The assignment itself is the shortest augmenting path method with potentials (Kuhn, Munkres), one row after the other,
its inner loop over columns by numpy.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from app.dispatch.planner import cost
from app.dispatch.planner.snapshot import Pair, Snapshot

Matrix = npt.NDArray[np.float64]
NEVER = 1e9


def linear(costs: Matrix) -> list[int]:
    """The column of each row in a cheapest assignment; no more rows than columns."""
    rows, columns = costs.shape
    u, v = np.zeros(rows + 1), np.zeros(columns + 1)
    row_of, before = np.zeros(columns + 1, dtype=int), np.zeros(columns + 1, dtype=int)
    for row in range(1, rows + 1):
        row_of[0], column = row, 0
        least, seen = np.full(columns + 1, np.inf), np.zeros(columns + 1, dtype=bool)
        while row_of[column]:
            seen[column] = True
            at = row_of[column]
            free = ~seen
            free[0] = False
            reduced = costs[at - 1] - u[at] - v[1:]
            better = free[1:] & (reduced < least[1:])
            least[1:][better], before[1:][better] = reduced[better], column
            following = int(np.argmin(np.where(free, least, np.inf)))
            step = least[following]
            u[row_of[seen]] += step
            v[seen] -= step
            least[~seen] -= step
            column = following
        while column:
            row_of[column], column = row_of[before[column]], before[column]
    found = [0] * rows
    for column in range(1, columns + 1):
        if row_of[column]:
            found[row_of[column] - 1] = column - 1
    return found


def rounds(snapshot: Snapshot) -> list[cost.Place | None]:
    """Everybody's next ticket in his first free half day, again and again, until nothing more fits."""
    room = [list(person.room) for person in snapshot.people]
    found: list[cost.Place | None] = [None] * len(snapshot.jobs)
    while True:
        open_jobs = [n for n, place in enumerate(found) if place is None]
        costs = np.full((len(room), len(open_jobs) + len(room)), 0.0)
        costs[:, : len(open_jobs)] = NEVER
        slots: dict[tuple[int, int], tuple[Pair, int]] = {}
        for column, n in enumerate(open_jobs):
            job = snapshot.jobs[n]
            for pair in job.pairs:
                slot = next((s for s in pair.slots if all(room[pair.person][h] for h in pair.taken(s))), None)
                if slot is not None:
                    slots[pair.person, column] = pair, slot
                    costs[pair.person, column] = cost.own(snapshot, job, pair, slot) - cost.missed(job)
        taken = [(person, column) for person, column in enumerate(linear(costs)) if (person, column) in slots]
        if not taken:
            return found
        for person, column in taken:
            pair, slot = slots[person, column]
            found[open_jobs[column]] = (person, slot)
            for half in pair.taken(slot):
                room[person][half] -= 1
