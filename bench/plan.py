"""The planner of the week against greedy-nearest and rounds of linear assignment: served, late, travel, bound."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.dispatch.planner import cost, greedy, split
from app.dispatch.planner.snapshot import Snapshot
from bench import assignment
from bench.plan_data import Size, week
from bench.registry import Run, bench

SIZES = (Size(120, 45, 1), Size(300, 90, 1), Size(600, 140, 6))
LARGE = Size(3_000, 600, 28)
SEEDS = (1, 2, 3)
IN_PARTS = 0  # Booleans: nothing is solved in one piece
Method = Callable[[Snapshot], list[cost.Place | None]]


@bench("plan")
def plan(run: Run) -> None:
    """A week's proposal at three sizes and three seeds, and at 3,000 tickets; needs no database."""
    seeds = (run.seed,) if run.seed is not None else SEEDS
    for size in SIZES:
        for seed in seeds:
            snapshot = week(size, seed)
            run.line(f"{size} provinces, seed {seed}: {_choices(snapshot):,} choices")
            _others(run, snapshot)
            _planned(run, snapshot, "CP-SAT", split.WHOLE)
            if size.provinces > 1:
                _planned(run, snapshot, "CP-SAT, by province", IN_PARTS)
    snapshot = week(LARGE, seeds[0])
    run.line(f"{LARGE} provinces, seed {seeds[0]}: {_choices(snapshot):,} choices")
    _others(run, snapshot)
    _planned(run, snapshot, "CP-SAT, by province", IN_PARTS)


def _choices(snapshot: Snapshot) -> int:
    return sum(len(pair.slots) for job in snapshot.jobs for pair in job.pairs)


def _others(run: Run, snapshot: Snapshot) -> None:
    methods: tuple[tuple[str, Method], ...] = (
        ("greedy, nearest", greedy.nearest), ("greedy, cheapest (start)", greedy.cheapest),
        ("rounds of assignment", assignment.rounds),
    )  # fmt: skip
    for name, method in methods:
        began = time.process_time()
        found = method(snapshot)
        _report(run, name, cost.figures(snapshot, found), time.process_time() - began)


def _planned(run: Run, snapshot: Snapshot, name: str, whole: int) -> None:
    began, clock = time.process_time(), time.monotonic()
    found = split.plan(snapshot, whole=whole)
    took, solver = time.process_time() - began, sum(part.seconds for part in found.parts)
    proven = "proven optimal" if found.bound == found.figures.cost else f"within {found.gap:.2%}"
    more = f"solver {solver:.2f} s, by the clock {time.monotonic() - clock:.1f} s, bound {found.bound:,}: {proven}"
    if found.cut_short:
        more += ", cut short by the clock"
    _report(run, name, found.figures, took, more)


def _report(run: Run, name: str, found: cost.Figures, seconds: float, more: str = "") -> None:
    run.line(
        f"  {name:<25} served {found.served:>5,}  late {found.late_jobs:>4} ({found.late / 60:>7,.0f} h)  "
        f"way {found.way / 60:>7,.0f} h  busiest {found.most:>2}  cost {found.cost:>9,}  {seconds:6.2f} s CPU  {more}"
    )
