"""Shrinkage, funnels, control charts, bounds and chance against the values of reference/review.md 6."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import product
from math import comb, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.statistics.chance import benjamini_hochberg, fisher, poisson_tail
from app.core.statistics.control import cusum, ewma, laney, p_chart
from app.core.statistics.funnel import dispersion, lower_limit, tail_below, upper_limit
from app.core.statistics.nonresponse import bounds
from app.core.statistics.shrinkage import between_units, james_stein, prior_of

pytestmark = pytest.mark.pure
BATTERS = [.400, .378, .356, .333, .311, .311, .289, .267, .244, .244, .222, .222, .222, .222, .222, .200, .178, .156]  # fmt: skip
BCG = [
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
    (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232),
    (17, 1699, 65, 1600), (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
]  # fmt: skip
NIST = [52.0, 47.0, 53.0, 49.3, 50.1, 47.0, 51.0, 50.1, 51.2, 50.5, 49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]  # fmt: skip
MONTGOMERY = [
    9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34, 9.03, 11.47, 10.51, 9.40, 10.08, 9.37, 10.62,
    10.31, 8.52, 10.84, 10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52,
]  # fmt: skip


def test_s2_the_batters_of_efron_and_morris():
    mean = sum(BATTERS) / len(BATTERS)
    found = james_stein(BATTERS, mean * (1 - mean) / 45)
    assert found is not None
    centre, factor, values = found
    assert (round(centre, 3), round(factor, 3)) == (0.265, 0.212)
    assert (round(values[0], 3), round(values[-1], 3)) == (0.294, 0.242)


def test_s2_too_few_units_or_no_spread_say_nothing():
    assert james_stein([0.1, 0.2, 0.3], 0.01) is None
    assert james_stein([0.3] * 9, 0.01) is None


def test_s3_small_counts_are_drawn_to_the_prior():
    from app.core.statistics.shrinkage import Prior

    prior = Prior(0.9, 20.0, 1 / 21)
    assert (round(prior.shrink(3, 3), 3), round(prior.shrink(48, 50), 3)) == (0.913, 0.943)
    assert prior.shrink(3, 3) < prior.shrink(48, 50)  # 3 of 3 does not stand above 48 of 50


def test_s3_the_moment_estimator_finds_the_spread_of_beta_18_2():
    """40 units, 400 runs: mean ρ of 0.0473 there; true is 1 / 21 = 0.0476."""
    rng, found = random.Random(20261123), []
    for _run in range(400):
        units = []
        for _unit in range(40):
            p, n = rng.betavariate(18, 2), rng.randint(20, 80)
            units.append((sum(rng.random() < p for _case in range(n)), n))
        prior = prior_of(units)
        assert prior is not None
        found.append(prior.rho)
    assert abs(sum(found) / 400 - 1 / 21) < 0.003


@pytest.mark.parametrize("units", [[], [(3, 3)], [(5, 5), (7, 7)], [(0, 4), (0, 9)]])
def test_s3_one_unit_or_one_verdict_has_no_prior(units):
    assert prior_of(units) is None


def test_s4_the_bcg_trials():
    values = [log((a / (a + b)) / (c / (c + d))) for a, b, c, d in BCG]
    variances = [1 / a - 1 / (a + b) + 1 / c - 1 / (c + d) for a, b, c, d in BCG]
    found = between_units(values, variances)
    assert found is not None
    assert round(found.q, 3) == 152.233
    assert (round(found.tau2, 4), round(found.mean, 4), round(found.error, 4)) == (0.3088, -0.7141, 0.1787)


@pytest.mark.parametrize("n, low", [(10, 0.4573), (20, 0.6148), (50, 0.7399), (100, 0.7916)])
def test_s5_exact_funnel_limits_with_interpolation(n, low):
    assert round(lower_limit(n, 0.9, 0.001), 4) == low
    assert round(upper_limit(n, 0.1, 0.001), 4) == round(1 - low, 4)


@given(n=st.integers(1, 60), p=st.floats(0.02, 0.98), tail=st.floats(0.001, 0.05))
def test_s5_a_unit_falls_below_its_limit_no_more_often_than_promised(n, p, tail):
    limit = lower_limit(n, p, tail)
    below = [r for r in range(n + 1) if r / n < limit]
    chance = sum(comb(n, r) * p**r * (1 - p) ** (n - r) for r in below)
    assert chance <= tail + 1e-9


def test_s5_dispersion_is_one_for_chance_and_more_for_more():
    rng = random.Random(7)
    even = [(sum(rng.random() < 0.9 for _c in range(50)), 50) for _u in range(400)]
    uneven = [(sum(rng.random() < rng.betavariate(9, 1) for _c in [0]) * 50, 50) for _u in range(400)]
    assert 0.6 < dispersion(even, 0.9) < 1.1  # winsorised: a little below 1
    assert dispersion(uneven, 0.9) > 3
    assert dispersion([], 0.9) is None
    assert round(tail_below(9, 10, 0.5), 6) == round(1 - 0.5**10, 6)


def test_s7_laney_is_the_p_chart_times_sigma_z_and_the_p_chart_where_it_is_one():
    points = [(40, 200), (44, 200), (22, 200), (34, 200), (24, 200), (32, 180), (28, 220), (32, 200)]
    plain, wide = p_chart(points), laney(points)
    assert plain is not None and wide is not None
    mean, sigma_z, found = wide
    assert mean == plain[0]
    for one, other in zip(plain[1], found, strict=True):
        assert other.high - mean == pytest.approx(sigma_z * (one.high - mean), rel=1e-12)
    # shares whose neighbouring z differ by 1.128 on the average: σz is 1 and both charts are the same
    step = 0.564 * 0.5 * 10_000_000**0.5
    even = [(round(5_000_000 + (step if i % 2 else -step)), 10_000_000) for i in range(10)]
    mean, sigma_z, found = laney(even)
    assert sigma_z == pytest.approx(1, abs=1e-3)
    for one, other in zip(p_chart(even)[1], found, strict=True):
        assert other.high == pytest.approx(one.high, abs=1e-6)


def test_s7_one_period_or_one_verdict():
    assert laney([]) is None
    assert laney([(3, 10)])[1] == 1.0
    assert laney([(10, 10), (7, 7)])[1] == 1.0


def test_s8_the_ewma_of_the_nist_handbook():
    found = ewma(NIST, 50.0, 2.0539, weight=0.3, width=3.0, settled=True)
    printed = [50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75, 49.85, 50.26, 50.33, 50.11, 49.36, 49.52, 50.05, 49.38, 49.92, 50.73, 51.23, 51.94, 51.99]  # fmt: skip
    assert [point.value for point in found] == pytest.approx(printed, abs=0.006)
    assert found[0].high == pytest.approx(52.5884, abs=1e-3)
    assert found[0].low == pytest.approx(47.4115, abs=1e-3)
    assert not any(point.outside for point in found)


def test_s9_the_ewma_of_montgomery_with_limits_that_widen():
    found = ewma(MONTGOMERY, 10.0, 1.0, weight=0.1, width=2.7)
    assert [round(point.value, 4) for point in found[:3]] == [9.945, 9.7495, 9.7035]
    assert round(found[-1].value, 4) == 10.6341
    assert (round(found[0].low, 2), round(found[0].high, 2)) == (9.73, 10.27)
    assert (round(found[-1].low, 2), round(found[-1].high, 2)) == (9.38, 10.62)


def test_s10_the_cusum_of_montgomery_signals_at_29():
    found = cusum(MONTGOMERY, 10.0, slack=0.5, limit=5.0)
    assert (round(found[28].above, 2), round(found[29].above, 2)) == (5.28, 5.30)
    assert next(i for i, point in enumerate(found, 1) if point.signal) == 29


def test_s15_nine_in_ten_of_those_who_answered_says_little_of_all():
    found = bounds(90, 100, 250)
    assert found is not None
    assert (found.low, found.high, found.response) == (0.36, 0.96, 0.4)
    assert bounds(0, 0, 0) is None
    for wrong in ((5, 4, 10), (1, 12, 10), (-1, 3, 9)):
        with pytest.raises(ValueError):
            bounds(*wrong)


def test_fisher_on_the_lady_tasting_tea_and_on_even_tables():
    assert round(fisher(3, 1, 1, 3), 4) == 0.4857
    assert round(fisher(4, 0, 0, 4), 4) == 0.0286
    assert fisher(5, 5, 5, 5) == pytest.approx(1)
    assert fisher(0, 0, 0, 0) == 1.0
    with pytest.raises(ValueError):
        fisher(-1, 0, 0, 0)


def test_poisson_tail():
    assert poisson_tail(0, 3) == 1.0
    assert round(poisson_tail(5, 2), 4) == 0.0527
    assert poisson_tail(1, 0) == 0.0


def test_benjamini_and_hochbergs_own_fifteen_looks():
    """Their table of 1995: at 5% the four smallest remain, where Bonferroni leaves three."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]  # fmt: skip
    assert sum(value <= 0.05 for value in benjamini_hochberg(p)) == 4
    assert sum(value * len(p) <= 0.05 for value in p) == 3
    assert benjamini_hochberg([]) == []
    assert benjamini_hochberg([0.04, 0.01]) == pytest.approx([0.04, 0.02])


def test_fisher_by_its_definition_on_every_small_table():
    """Against binomial coefficients in whole numbers."""
    for a, b, c, d in product(range(5), repeat=4):
        total = a + b + c + d
        ways = [
            comb(a + b, k) * comb(c + d, a + c - k) for k in range(max(0, a - d), min(a + b, a + c) + 1)
        ]  # fmt: skip
        seen = comb(a + b, a) * comb(c + d, c)
        exact = Fraction(sum(w for w in ways if w <= seen), comb(total, a + c))
        assert fisher(a, b, c, d) == pytest.approx(float(exact), rel=1e-9)


def test_exact_sums_of_a_quarter_of_a_million_cases():
    """Near the normal distribution there: two sides at 3 standard deviations hold 0.27%."""
    assert lower_limit(250_000, 0.9, 0.00135) == pytest.approx(0.9 - 3 * (0.09 / 250_000) ** 0.5, abs=1e-5)
    assert fisher(100_000, 100_000, 25_000, 25_000) == pytest.approx(1, abs=0.01)
    assert fisher(100_000, 100_000, 24_000, 26_000) < 1e-14
    assert fisher(200_000, 0, 0, 50_000) == 0
