"""The words of the page under simulation: equally good engineers, and how often anybody is told "outside"."""

from __future__ import annotations

import random

import pytest

from app.satisfaction.standing import FEWEST, Standing, place

pytestmark = pytest.mark.pure
PERIODS, ENGINEERS, GOOD = 2_000, 20, 0.92


def period(rng: random.Random, good: list[float]) -> dict[int, tuple[int, int]]:
    """(satisfied, ratings) of each engineer: 3 to 39 ratings, as in reference/review.md 3, item 5."""
    found = {}
    for engineer, p in enumerate(good):
        n = rng.randint(3, 39)
        found[engineer] = (sum(rng.random() < p for _rating in range(n)), n)
    return found


@pytest.mark.slow
def test_among_twenty_equally_good_engineers_nobody_is_told_outside_in_more_than_one_period_of_twenty():
    """reference/review.md 3, item 5. The raw scores of the same periods would have blamed somebody in most."""
    rng = random.Random(20261125)
    told = blamed = 0
    for _n in range(PERIODS):
        units = period(rng, [GOOD] * ENGINEERS)
        family = place(units)
        assert family is not None
        told += any(unit.standing in (Standing.BELOW, Standing.ABOVE) for unit in family.units.values())
        blamed += min(hits / n for hits, n in units.values()) < 0.8
    assert told / PERIODS <= 0.05
    assert blamed / PERIODS > 0.5


@pytest.mark.slow
def test_somebody_who_is_truly_worse_is_found():
    """The same twenty, one of them at 60% with 39 ratings: silence would be no virtue."""
    rng = random.Random(3)
    found = 0
    for _n in range(200):
        units = period(rng, [GOOD] * ENGINEERS)
        units[0] = (sum(rng.random() < 0.6 for _rating in range(39)), 39)
        found += place(units).units[0].standing is Standing.BELOW
    assert found / 200 > 0.8


def test_no_ranking_without_uncertainty_three_of_three_is_not_above_forty_eight_of_fifty():
    """Feature 18: the value drawn to the others orders them, and three ratings are too few for any word."""
    rest = {i: (18 + i % 3, 21) for i in range(12)}
    family = place({"three": (3, 3), "fifty": (48, 50), **rest})
    three, fifty = family.units["three"], family.units["fifty"]
    assert three.share.value > fifty.share.value
    assert three.shrunk <= fifty.shrunk
    assert three.standing is Standing.TOO_FEW
    assert three.share.high - three.share.low > 4 * (fifty.share.high - fifty.share.low)


def test_a_period_without_ratings_says_nothing():
    assert place({}) is None
    assert place({"a": (0, 0)}) is None


def test_one_rating_is_too_few():
    assert place({"a": (1, 1)}).units["a"].standing is Standing.TOO_FEW


@pytest.mark.parametrize("hits", [0, 1])
def test_all_scores_equal_say_inside(hits):
    family = place(dict.fromkeys(range(15), (hits * 30, 30)))
    assert {unit.standing for unit in family.units.values()} == {Standing.INSIDE}
    assert {unit.shrunk for unit in family.units.values()} == {float(hits)}


def test_below_ten_no_word_but_that_they_are_few():
    family = place(dict.fromkeys(range(3), (0, FEWEST - 1)) | {9: (30, 30)})
    assert {family.units[i].standing for i in range(3)} == {Standing.TOO_FEW}
