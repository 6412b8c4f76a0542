"""The planner as a pure function: as good as trying everything, only eligible pairs, the same plan again."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from app.dispatch.planner import cost, greedy, model, split
from app.dispatch.planner.snapshot import Job, Limits, Pair, Person, Slot, Snapshot, from_json, to_json
from bench import assignment
from bench.plan_data import Size, week

pytestmark = pytest.mark.pure
SLOTS = tuple(Slot("", "", begins) for begins in (0, 270, 1440, 1710))
QUICK = Limits(effort=4.0, seconds=60.0)


def small(seed: int) -> Snapshot:
    """Up to four tickets for up to three people in two days, too narrow for all, in two provinces."""
    rng = random.Random(seed)
    people = tuple(
        Person(f"p{n}", rng.choice(("engineer", "dealer")), tuple(rng.choice((0, 1, 1, 2)) for _ in SLOTS),
               rng.randrange(3))
        for n in range(rng.randint(1, 3))
    )  # fmt: skip
    jobs = []
    for n in range(rng.randint(1, 4)):
        pairs = []
        for index in range(len(people)):
            halves = rng.choice((1, 1, 2))
            starts = (0, 2) if halves == 2 else range(4)
            slots = tuple(slot for slot in starts if rng.random() < 0.6)
            if slots:
                pairs.append(Pair(index, slots, rng.choice((None, 10, 60, 150)), halves))
        current = (pairs[0].person, pairs[0].slots[0]) if pairs and rng.random() < 0.3 else None
        due = rng.choice((None, 60, 600, 3000))
        jobs.append(Job(f"j{n}", f"TKT-{n}", 1, rng.choice(("31", "32")), "h", rng.choice(("p1", "p3", "")),
                        rng.choice((30, 120)), due, tuple(pairs), current))  # fmt: skip
    return Snapshot(SLOTS, people, tuple(jobs), QUICK)


def everything(snapshot: Snapshot) -> int:
    """The least cost of all plans there are."""
    choices = [
        [None, *((pair.person, slot) for pair in job.pairs for slot in pair.slots)] for job in snapshot.jobs
    ]  # fmt: skip
    costs = []
    for assignment_ in product(*choices):
        try:
            costs.append(cost.figures(snapshot, assignment_).cost)
        except ValueError:  # no room
            continue
    return min(costs)


@pytest.mark.parametrize("seed", range(40))
def test_small_weeks_are_planned_as_well_as_by_trying_everything(seed: int) -> None:
    snapshot = small(seed)
    found = split.plan(snapshot)
    assert found.figures.cost == everything(snapshot) == found.bound


@pytest.mark.parametrize("seed", range(40))
def test_by_province_the_bound_holds_and_nobody_is_in_two_places(seed: int) -> None:
    """`cost.figures` raises where a half day is given away twice; the bound lies below the best of all plans."""
    snapshot = small(seed)
    found = split.plan(snapshot, whole=0)
    assert found.bound <= everything(snapshot) <= found.figures.cost
    assert cost.figures(snapshot, found.assignment).cost == found.figures.cost


@pytest.mark.parametrize("seed", range(3))
def test_a_plan_holds_only_pairs_that_were_called_eligible(seed: int) -> None:
    snapshot = week(Size(30, 10, 2), seed, QUICK)
    for found in (split.plan(snapshot, whole=0).assignment, tuple(greedy.nearest(snapshot))):
        for job, place in zip(snapshot.jobs, found, strict=True):
            assert place is None or any(place[0] == pair.person and place[1] in pair.slots for pair in job.pairs)


def test_a_plan_with_any_other_pair_is_none() -> None:
    snapshot = small(3)
    with pytest.raises(ValueError, match="nobody said"):
        cost.figures(snapshot, [(0, 99)] + [None] * (len(snapshot.jobs) - 1))


def test_nobody_eligible_means_nobody_and_never_everybody() -> None:
    """The trap of the solver's routing: an empty list of allowed ones that lets all in (reference/dispatch.md 0.6)."""
    snapshot = week(Size(12, 6, 1), 1, QUICK)
    alone = replace(snapshot, jobs=(replace(snapshot.jobs[0], pairs=()), *snapshot.jobs[1:]))
    found = split.plan(alone)
    assert found.assignment[0] is None
    nobody = replace(snapshot, jobs=tuple(replace(job, pairs=()) for job in snapshot.jobs))
    assert set(split.plan(nobody).assignment) == {None}
    assert split.plan(replace(snapshot, jobs=())).assignment == ()


def test_a_replay_of_snapshot_and_seed_gives_the_same_plan() -> None:
    snapshot = week(Size(40, 14, 2), 5, QUICK)
    text = to_json(snapshot)
    again = from_json(text)
    assert again == snapshot
    assert to_json(again) == text
    first, second = split.plan(snapshot, whole=0), split.plan(again, whole=0)
    assert not first.cut_short
    assert first.assignment == second.assignment
    assert (first.figures, first.bound) == (second.figures, second.bound)
    with pytest.raises(ValueError, match="format"):
        from_json(text.replace('"format":1', '"format":9'))


def test_missing_coordinates_are_a_long_way_and_count_as_unknown() -> None:
    near, unknown = Pair(0, (0,), 30), Pair(1, (0,), None)
    people = (Person("a", "engineer", (1, 1, 1, 1)), Person("b", "engineer", (1, 1, 1, 1)))
    job = Job("j", "TKT-1", 1, "31", "h", "p3", 120, None, (unknown, near))
    assert split.plan(Snapshot(SLOTS, people, (job,), QUICK)).assignment == ((0, 0),)
    only = replace(job, pairs=(unknown,))
    found = split.plan(Snapshot(SLOTS, people, (only,), QUICK))
    assert found.assignment == ((1, 0),)
    assert found.figures.unknown == 1
    assert found.figures.way == 0


def test_an_offer_stays_where_it_is_unless_moving_it_pays() -> None:
    people = (Person("a", "engineer", (1, 1, 1, 1)), Person("b", "engineer", (1, 1, 1, 1)))
    pairs = (Pair(0, (0, 1, 2, 3), 60), Pair(1, (0, 1, 2, 3), 40))
    job = Job("j", "TKT-1", 1, "31", "h", "p3", 120, None, pairs, (0, 1))
    assert split.plan(Snapshot(SLOTS, people, (job,), QUICK)).assignment == ((0, 1),)
    far = replace(job, pairs=(Pair(0, (0, 1, 2, 3), 260), Pair(1, (0, 1, 2, 3), 40)))
    assert split.plan(Snapshot(SLOTS, people, (far,), QUICK)).assignment == ((1, 0),)


def test_no_way_of_going_costs_as_much_as_not_going() -> None:
    worst = Pair(0, (3,), None)
    for priority in cost.MISSED:
        job = Job("j", "TKT-1", 1, "31", "h", priority, 120, -99_999, (worst,), (1, 0))
        week_of = Snapshot(SLOTS, (Person("a", "dealer", (1,) * 4, 9),), (job,), QUICK)
        assert cost.own(week_of, job, worst, 3) + 2 * cost.ABOVE_SHARE < cost.missed(job)


def test_a_start_is_kept_when_the_solver_has_no_time() -> None:
    snapshot = week(Size(40, 14, 1), 2, QUICK)
    found = model.solve(snapshot, effort=0.0, seconds=0.001)
    assert cost.figures(snapshot, found.assignment).cost <= cost.figures(snapshot, greedy.cheapest(snapshot)).cost
    assert model.least(snapshot, cost.share(snapshot)) <= found.bound <= found.cost


@pytest.mark.parametrize("seed", range(20))
def test_the_bound_without_a_solver_lies_below_the_best_of_all_plans(seed: int) -> None:
    snapshot = small(seed)
    assert model.least(snapshot, cost.share(snapshot)) <= everything(snapshot)


def test_the_linear_assignment_of_the_bench_is_the_cheapest() -> None:
    rng = random.Random(4)
    for _n in range(20):
        costs = np.array([[rng.randrange(30) for _ in range(5)] for _ in range(4)], dtype=float)
        found = assignment.linear(costs)
        assert len(set(found)) == 4
        least = min(
            sum(costs[row, column] for row, column in enumerate(columns))
            for columns in product(range(5), repeat=4) if len(set(columns)) == 4
        )  # fmt: skip
        assert sum(costs[row, column] for row, column in enumerate(found)) == least


def test_rounds_of_assignment_make_a_plan() -> None:
    snapshot = week(Size(30, 10, 1), 1, QUICK)
    found = cost.figures(snapshot, assignment.rounds(snapshot))
    assert found.served == 30
