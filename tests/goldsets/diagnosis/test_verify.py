"""Verification by simulation, and the split of the queries."""

import numpy as np
import pytest

from goldsets.diagnosis.verify import Badge, badge, detectable, estimate, helps, tuning_half
from goldsets.evaluation import stats
from goldsets.evaluation.power import POWER
from goldsets.types import GoldSet, Query

SETS = 200


def verified(gains: np.ndarray) -> float:
    """Return the share of rows of gains `(N, Q)` that pass the first half, then the second."""
    tuning, held_out = np.hsplit(gains, 2)
    passed = held_out[[helps(row) for row in tuning]]
    badges = [badge(e, held_out=True) for e in stats.intervals(passed)]
    return badges.count(Badge.VERIFIED) / len(gains)


def gold(n: int, tags: tuple[tuple[str, ...], ...] = ((),)) -> GoldSet:
    return GoldSet(
        "g", "c", tuple(Query(f"q{i}", f"query {i}", tags=tags[i % len(tags)]) for i in range(n))
    )


@pytest.mark.parametrize("changes", [0.05, 0.15, 0.4])
@pytest.mark.parametrize("n", [40, 80, 160])
def test_a_placebo_is_seldom_verified(n: int, changes: float) -> None:
    rng = np.random.default_rng(n)
    gains = rng.choice([-1.0, 0.0, 1.0], (5 * SETS, n), p=[changes / 2, 1 - changes, changes / 2])
    assert verified(gains) <= 0.05


@pytest.mark.parametrize(("n", "spread"), [(80, 0.5), (160, 0.35), (320, 0.35)])
def test_a_cure_is_verified_as_often_as_promised(n: int, spread: float) -> None:
    rng = np.random.default_rng(n)
    gain = detectable(n // 2, spread)
    assert gain is not None
    wins = (spread**2 + gain**2 + gain) / 2
    gains = rng.choice([-1.0, 0.0, 1.0], (400, n), p=[wins - gain, 1 + gain - 2 * wins, wins])
    assert verified(gains) >= POWER


def test_nothing_is_verified_on_the_queries_it_was_chosen_on() -> None:
    assert badge(estimate(np.ones(50)), held_out=False) is Badge.CANNOT_TELL
    assert badge(estimate(np.ones(50)), held_out=True) is Badge.VERIFIED
    assert badge(estimate(-np.ones(50)), held_out=True) is Badge.WORSE
    assert badge(estimate(np.zeros(50)), held_out=True) is Badge.REJECTED


def test_the_split_is_even_within_tags_and_no_added_query_moves_another() -> None:
    tags = (("ko",), ("en",), ("ko", "code"), ())
    small, large = gold(41, tags), gold(97, tags)
    half = tuning_half(large)
    assert (tuning_half(small) == half[:41]).all()
    for first in range(len(tags)):
        own = half[first :: len(tags)]
        assert abs(int(own.sum()) * 2 - len(own)) <= 1
    assert 0 < half.sum() < len(half)


def test_values_that_nobody_defines_say_nothing() -> None:
    nothing = np.full(30, np.nan)
    assert not helps(nothing)
    assert badge(estimate(nothing), held_out=True) is Badge.REJECTED
