"""The power that is promised against the rate at which the product's own interval excludes zero."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from goldsets.evaluation.measures import parse_measure
from goldsets.evaluation.power import (
    LEAST,
    POWER,
    REACH,
    SPREAD,
    Power,
    expected,
    meter,
    needed,
    phrase,
    smallest,
    spread_of,
)
from goldsets.evaluation.stats import intervals
from retrieval.errors import InputError
from retrieval.types import Float64

SETS = 400
"""Simulated gold sets a case: the rate is good to 0.02, one standard error."""

LOW, HIGH = 0.73 - 0.02, 0.88 + 0.02
"""What is detected of 80 % promised, as the module states it, and a standard error."""


def detected(differences: Float64) -> float:
    """Return the share of `(N, Q)` rows whose interval excludes zero on the upper side."""
    return float(np.mean([e.low is not None and e.low > 0 for e in intervals(differences)]))


def changing_sides(
    rng: np.random.Generator, shape: tuple[int, int], changed: float, mean: float
) -> Float64:
    """Draw differences of a 0/1 measure: a share of the queries changes, most of them gain."""
    gain, loss = (changed + mean) / 2, (changed - mean) / 2
    assert loss >= 0, "no such pair: it takes more changed queries to differ by that much"
    return rng.choice(np.array([1.0, 0.0, -1.0]), shape, p=[gain, 1 - changed, loss])


def reciprocal_ranks(rng: np.random.Generator, shape: tuple[int, int], mean: float) -> Float64:
    """Draw differences of RR@10: one query in four ties, the others swap places up or down."""
    steps = np.array([1 / 2, 1 / 6, 2 / 3, 1 / 12, 1, 1 / 2, 1 / 10, 4 / 5])
    up = (1 + mean / (0.75 * steps.mean())) / 2
    sign = np.where(rng.random(shape) < up, 1.0, -1.0)
    return np.where(rng.random(shape) < 0.25, 0.0, sign * rng.choice(steps, shape))


@pytest.mark.parametrize(
    ("queries", "changed"),
    [(20, 0.5), (30, 0.4), (50, 0.2), (80, 0.3), (100, 0.15), (150, 0.1)],
)
def test_80_of_100_promised_are_detected_on_differences_of_0_and_1(
    queries: int, changed: float
) -> None:
    """The spread is that of a pair without a difference, which is what a meter mostly sees."""
    rng = np.random.default_rng(queries)
    promised = smallest(queries, changed**0.5)
    assert promised is not None
    rate = detected(changing_sides(rng, (SETS, queries), changed, promised))
    half = detected(changing_sides(rng, (100, queries), changed, promised / 2))
    print(f"{queries} queries, {changed:.0%} change: {promised:.3f} detected {rate:.3f}")
    assert LOW <= rate <= HIGH
    assert half < 0.5


@pytest.mark.parametrize("queries", [20, 100])
def test_80_of_100_promised_are_detected_on_graded_differences(queries: int) -> None:
    rng = np.random.default_rng(queries)
    spread = float(reciprocal_ranks(rng, (1, 200_000), 0.0).std())
    promised = smallest(queries, spread)
    assert promised is not None
    rate = detected(reciprocal_ranks(rng, (SETS, queries), promised))
    print(f"{queries} queries: {promised:.3f} detected {rate:.3f}")
    assert LOW <= rate <= HIGH


@pytest.mark.parametrize("queries", [20, 100])
def test_80_of_100_promised_are_detected_where_every_query_gains_a_little(queries: int) -> None:
    rng = np.random.default_rng(queries)
    promised = smallest(queries, 0.2)
    assert promised is not None
    rate = detected(rng.normal(promised, 0.2, (SETS, queries)))
    print(f"{queries} queries: {promised:.3f} detected {rate:.3f}")
    assert LOW <= rate <= HIGH


def test_where_nearly_every_changed_query_gains_more_is_detected_than_promised() -> None:
    promised = smallest(80, 0.1**0.5)
    assert promised == pytest.approx(0.0967, abs=1e-4)  # of 10 % that change at all
    rng = np.random.default_rng(0)
    assert POWER < detected(changing_sides(rng, (SETS, 80), 0.1, promised)) <= 0.94


@pytest.mark.parametrize(("pilot", "more"), [(30, 0), (50, 0), (50, 70)])
def test_a_meter_on_seen_values_promises_what_later_sets_detect(pilot: int, more: int) -> None:
    """From seen values to a promise to the rate at which it is kept; pilots differ by chance."""
    rng = np.random.default_rng(pilot + more)
    changed, rates = 0.4, []
    for _ in range(10):
        base = rng.random(pilot) < 0.6
        flips = rng.random((5, pilot)) < changed
        values = np.vstack([base, base ^ flips]).astype(np.float64)
        power = meter(values, more=more, against=0)
        assert power.then is not None
        shape = (40, pilot + power.more)
        rates.append(detected(changing_sides(rng, shape, changed, power.then)))
    print(f"pilot of {pilot}, {more} more: {np.mean(rates):.3f} detected")
    assert LOW <= np.mean(rates) <= HIGH


def test_the_formula_is_the_one_that_is_stated() -> None:
    z = scipy.stats.norm.ppf
    assert pytest.approx(z(0.975) + z(0.8), abs=1e-12) == REACH
    assert smallest(96, 0.4) == pytest.approx(2.8016 * 0.4 / (96 + 3.9244) ** 0.5, abs=1e-5)
    assert smallest(LEAST - 1, 0.4) is None
    assert smallest(LEAST, 0.0) == 0.0


@settings(max_examples=100, deadline=None)
@given(st.floats(0.004, 1), st.floats(0.02, 1))
def test_needed_turns_smallest_around(difference: float, spread: float) -> None:
    queries = needed(difference, spread)
    reached = smallest(queries, spread)
    assert reached is not None
    assert reached <= difference + 1e-9
    before = smallest(queries - 1, spread)
    assert before is None or before > difference - 1e-9


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 400), st.integers(0, 400), st.floats(0.02, 1))
def test_more_queries_tell_less_apart(queries: int, more: int, spread: float) -> None:
    power = expected(queries, more=more, spread=spread)
    assert (power.smallest is None) == (queries < LEAST)
    assert (power.then is None) == (queries + more < LEAST)
    if power.smallest is not None and power.then is not None:
        assert (power.then < power.smallest) if more else (power.then == power.smallest)


@pytest.mark.parametrize("queries", [20, 33, 90, 500, 30_000])
def test_without_a_wish_it_looks_ahead_to_a_rounder_difference(queries: int) -> None:
    power = expected(queries)
    assert power.smallest is not None
    assert power.then is not None
    assert 0.2 * power.smallest <= power.then <= 0.8 * power.smallest
    wanted = expected(queries, wanted=power.smallest / 2)
    assert wanted.then == pytest.approx(power.smallest / 2, rel=0.03)
    assert wanted.then <= power.smallest / 2


def test_a_wish_that_is_fulfilled_needs_no_more() -> None:
    power = expected(100, wanted=0.5)
    assert (power.more, power.then) == (0, power.smallest)


def pipelines(queries: int = 60, variants: int = 4, changed: float = 0.3) -> Float64:
    rng = np.random.default_rng(3)
    base = rng.random(queries) < 0.7
    flips = rng.random((variants - 1, queries)) < changed
    return np.vstack([base, base ^ flips]).astype(np.float64)


def test_the_spread_is_pooled_over_the_differences_to_the_leader() -> None:
    values = pipelines()
    leader = values.mean(axis=1).argmax()
    variances = [np.var(values[leader] - v, ddof=1) for i, v in enumerate(values) if i != leader]
    spread, pairs = spread_of(values)
    assert pairs == 3
    assert spread == pytest.approx(np.mean(variances) ** 0.5, abs=1e-12)
    to_first = [np.var(values[0] - v, ddof=1) for v in values[1:]]
    assert spread_of(values, against=0)[0] == pytest.approx(np.mean(to_first) ** 0.5, abs=1e-12)


@pytest.mark.parametrize("copies", [1, 40])
def test_copies_and_near_copies_do_not_flatter(copies: int) -> None:
    values = pipelines()
    leader = values[values.mean(axis=1).argmax()]
    near = np.repeat(leader[None], 8, axis=0)
    for i in range(8):  # better or worse on the same few queries, and never the leader
        near[i, np.flatnonzero(leader)[: i % 3 + 1]] = 0.0
    twice = np.vstack([values, *[values] * copies, near])
    assert meter(twice) == meter(values)


def test_a_pair_that_is_always_apart_by_the_same_tells_no_spread() -> None:
    values = pipelines()
    shifted = np.vstack([values, values.max(axis=0) + 0.25])
    assert spread_of(np.vstack([values[:1], values[:1] - 0.25])) == (SPREAD, 0)
    assert spread_of(shifted)[1] == 4


def test_a_wide_pair_cannot_hide_among_narrow_ones() -> None:
    """Pooled, not the median: a promise for the narrow pairs alone would not hold for the wide."""
    rng = np.random.default_rng(5)
    base = np.ones(200)
    narrow = np.where(rng.random((3, 200)) < 0.08, 0.0, base)
    wide = np.where(rng.random((2, 200)) < 0.5, 0.0, base)
    alone, _ = spread_of(np.vstack([base, narrow]))
    both, pairs = spread_of(np.vstack([base, narrow, wide]))
    assert pairs == 5
    assert both > 1.3 * alone


def test_undefined_queries_are_as_if_they_were_not_there() -> None:
    values = pipelines()
    wide = np.full((len(values), 90), np.nan)
    wide[:, ::2][:, :45] = values[:, :45]
    wide[:, 1:31:2] = values[:, 45:]
    assert meter(wide).queries == 60
    assert meter(wide).smallest == pytest.approx(meter(values).smallest, abs=1e-12)
    undefined = np.vstack([values, np.full((1, 60), np.nan)])
    assert meter(undefined) == meter(values)


def test_a_pair_counts_its_own_queries() -> None:
    values = pipelines(queries=60)
    values[3, 10:] = np.nan  # 10 common queries: too few to see a spread
    assert meter(values) == meter(values[:3])


@pytest.mark.parametrize("shape", [(0, 60), (1, 60), (3, 60)])
def test_without_a_pair_that_differs_the_spread_is_assumed(shape: tuple[int, int]) -> None:
    power = meter(np.ones(shape))
    assert power == expected(60)
    assert power.assumed
    assert (power.queries, power.spread) == (60, SPREAD)


def test_too_few_queries_promise_nothing() -> None:
    power = meter(pipelines()[:, : LEAST - 1])
    assert power.smallest is None
    assert power.assumed
    assert (power.more, power.then) == (1, smallest(LEAST, SPREAD))
    assert meter(np.empty((3, 0)), more=5) == Power(0, SPREAD, 0, None, 5, None)
    assert meter(np.full((2, 50), np.nan)).queries == 0


def test_what_cannot_be_asked() -> None:
    for wrong in ({"more": 3, "wanted": 0.1}, {"more": -1}, {"wanted": 0.0}, {"wanted": 1.5}):
        with pytest.raises(InputError):
            expected(50, **wrong)  # type: ignore[arg-type]


R20 = parse_measure("R@20")


@pytest.mark.parametrize(
    ("power", "words"),
    [
        (
            Power(100, 0.2, 3, 0.0551, 40, 0.0467),
            "This set of 100 queries can tell 6 points of R@20 apart; 40 more queries make it 5.",
        ),
        (
            Power(100, 0.2, 3, 0.06, 1, 0.0597),
            "This set of 100 queries can tell 6 points of R@20 apart; 1 more query makes it 6.",
        ),
        (
            Power(90, 0.2, 1, 0.01, 0, 0.01),
            "This set of 90 queries can tell 1 point of R@20 apart.",
        ),
        (
            Power(90, 0.01, 1, 0.0029, 9, 0.00271),
            "This set of 90 queries can tell 0.3 points of R@20 apart; 9 more queries make it 0.3.",
        ),
        (
            expected(12),
            "12 queries are too few to tell anything; 8 more queries can tell 21 points of R@20"
            " apart. That assumes a usual spread (0.35): none has been seen here yet.",
        ),
        (
            expected(1, more=2),
            "3 queries: too few to tell anything."
            " That assumes a usual spread (0.35): none has been seen here yet.",
        ),
    ],
)
def test_phrases(power: Power, words: str) -> None:
    assert phrase(power, R20) == words == phrase(power, "R@20")
