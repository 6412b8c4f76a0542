"""Statistics against the published values of reference/review.md 6, at the precision printed there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.statistics.agreement import fleiss, two_readers
from app.core.statistics.control import p_chart
from app.core.statistics.interval import wilson
from app.core.statistics.sampling import discovery_size, drawn, none_found_upper, position
from app.core.statistics.survival import kaplan_meier

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    "hits, n, low, high",
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_s1_wilson_as_newcombe_printed_it(hits, n, low, high):
    found = wilson(hits, n)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_s1_wilson_at_90_percent():
    found = wilson(5, 10, 0.90)
    assert (round(found.low, 7), round(found.high, 7)) == (0.2692718, 0.7307282)


def test_s1_no_cases_and_bad_input():
    assert wilson(0, 0) is None
    for hits, n in ((1, 0), (-1, 5), (6, 5)):
        with pytest.raises(ValueError):
            wilson(hits, n)
    with pytest.raises(ValueError):
        wilson(1, 2, 1.0)


@given(st.integers(1, 2_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_s1_the_interval_holds_the_share_and_mirrors(case):
    hits, n = case
    found, mirror = wilson(hits, n), wilson(n - hits, n)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low == pytest.approx(1 - mirror.high)


def test_s11_kappa_and_ac1_of_the_irrcac_vignette():
    found = two_readers([[13, 0, 0], [0, 20, 7], [0, 4, 56]])
    assert round(found.kappa, 7) == 0.7964094
    assert round(found.ac1, 4) == 0.8493


def test_s11_kappa_of_two_classes():
    assert round(two_readers([[12, 2], [4, 2]]).kappa, 4) == 0.2105


def test_s11_the_paradox_high_agreement_and_negative_kappa():
    found = two_readers([[118, 5], [2, 0]])
    assert (round(found.raw, 3), round(found.kappa, 4), round(found.ac1, 4)) == (0.944, -0.0234, 0.9408)


def test_s11_one_verdict_throughout_has_no_kappa():
    found = two_readers([[7, 0], [0, 0]])
    assert (found.raw, found.kappa, found.ac1) == (1.0, None, 1.0)
    assert two_readers([[0, 0], [0, 0]]) is None
    for table in ([[1]], [[1, 2]], [[1, -1], [0, 0]]):
        with pytest.raises(ValueError):
            two_readers(table)


FLEISS = [  # the standard worked example: 10 items, 14 readers, 5 classes
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip


def test_s12_fleiss_kappa_of_the_standard_example():
    assert round(fleiss(FLEISS), 3) == 0.210


def test_s12_bad_input():
    assert fleiss([]) is None
    assert fleiss([[3, 0], [3, 0]]) is None
    for table in ([[1, 0]], [[2, 1], [2, 2]]):
        with pytest.raises(ValueError):
            fleiss(table)


def test_s13_rule_of_three():
    assert none_found_upper(59) < 0.05 < none_found_upper(58)
    assert round(100 * none_found_upper(100), 2) == 2.95
    with pytest.raises(ValueError):
        none_found_upper(0)


def test_s13_sample_that_finds_a_bad_lot():
    assert discovery_size(200, 10) == 51
    assert discovery_size(10, 10) == 1
    for lot, bad in ((10, 0), (10, 11)):
        with pytest.raises(ValueError):
            discovery_size(lot, bad)


def test_s13_the_draw_repeats_and_is_fair():
    cases = [n.to_bytes(4, "big") for n in range(20_000)]
    once = [drawn(b"seed", case, 0.05) for case in cases]
    assert once == [drawn(b"seed", case, 0.05) for case in cases]
    assert once != [drawn(b"other", case, 0.05) for case in cases]
    assert 0.045 < sum(once) / len(once) < 0.055
    assert all(0 <= position(b"seed", case) < 1 for case in cases[:100])
    assert not drawn(b"seed", cases[0], 0) and drawn(b"seed", cases[0], 1)


# Freireich 1963, the 6-MP arm: weeks in remission
ENDED = [6, 6, 6, 7, 10, 13, 16, 22, 23]
OPEN = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
PUBLISHED = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}


def test_s14_kaplan_meier_of_the_freireich_data():
    found = kaplan_meier(ENDED, OPEN)
    assert {step.time: round(step.still, 3) for step in found.steps} == PUBLISHED
    assert (found.median, found.n, found.ended) == (23, 21, 9)
    assert round(found.at(12), 3) == 0.753 and found.at(5) == 1.0
    assert all(step.low < step.still < step.high for step in found.steps)


def test_s14_grouped_input_gives_the_same_curve():
    from collections import Counter

    assert kaplan_meier(Counter(ENDED), Counter(OPEN)) == kaplan_meier(ENDED, OPEN)


def test_s14_edges():
    assert kaplan_meier([], []) is None
    all_open = kaplan_meier([], [3, 4])
    assert (all_open.median, all_open.steps, all_open.ended) == (None, (), 0)
    one = kaplan_meier([5], [])
    assert (one.median, one.steps[0].still, one.steps[0].high) == (5, 0, 0)
    with pytest.raises(ValueError):
        kaplan_meier([-1], [])


def test_s14_ignoring_open_cases_would_flatter():
    """The average of closed cases is 3; half of all cases wait longer than 40."""
    closed, lying = [2, 3, 4], [40, 41, 42, 43]
    assert kaplan_meier(closed, []).median == 3
    assert kaplan_meier(closed, lying).median is None


def test_s6_p_chart_as_printed():
    counts = [40, 44, 22, 34, 24, 32, 28, 32, 34, 30]
    mean, points = p_chart([(hits, 200) for hits in counts])
    assert (round(mean, 2), round(points[0].high, 4), round(points[0].low, 4)) == (0.16, 0.2378, 0.0822)
    assert not any(point.outside for point in points)
    assert p_chart([]) is None
    with pytest.raises(ValueError):
        p_chart([(0, 0)])
