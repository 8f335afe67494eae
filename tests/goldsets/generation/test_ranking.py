import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, norm

from goldsets.generation.ranking import Ranking, ranked_alike, tau
from retrieval.errors import InputError


def drawn(means: list[float], queries: int, seed: int) -> np.ndarray:
    """Draw 0 or 1 for each pipeline and query; hard queries are hard for all."""
    rng = np.random.default_rng(seed)
    common, own = rng.normal(size=(1, queries)), rng.normal(size=(len(means), queries))
    rank = norm.cdf(0.8 * common + 0.6 * own)
    return (rank < np.array(means)[:, None]).astype(float)


def names(values: np.ndarray) -> list[str]:
    return [f"p{i}" for i in range(len(values))]


def ranking(real: np.ndarray, synthetic: np.ndarray) -> Ranking:
    return ranked_alike(names(real), real, synthetic)


@given(
    st.integers(2, 9).flatmap(
        lambda n: st.tuples(*[st.lists(st.integers(0, 4), min_size=n, max_size=n)] * 2)
    )
)
def test_tau_is_that_of_scipy(lists: tuple[list[int], list[int]]) -> None:
    a, b = (np.array(x, float) / 10 for x in lists)
    found, expected = tau(a, b), kendalltau(a, b).statistic
    assert (found is None) == bool(np.isnan(expected))
    if found is not None:
        assert found == pytest.approx(expected, abs=1e-12)


def test_tau_of_what_was_swept_is_that_of_scipy() -> None:
    real = drawn([0.3, 0.5, 0.52, 0.7, 0.72], 60, 0)
    synthetic = drawn([0.3, 0.5, 0.6, 0.55, 0.8], 150, 1)
    found = ranking(real, synthetic)
    assert found.tau == pytest.approx(kendalltau(real.mean(1), synthetic.mean(1)).statistic)
    assert found.low <= found.tau <= found.high
    assert found.pairs == 10
    assert [e.mean for e in found.real] == pytest.approx(real.mean(axis=1))


def test_a_tie_of_tosses_is_no_sign_of_an_order_however_small_the_differences() -> None:
    """Of 6 queries that differ alike 2 in 2**6 tosses come as far, on either of two sides."""
    base = np.random.default_rng(0).random(300)
    values = np.stack([base, base])
    values[0, :6] += 0.01
    flip = ranking(values, values[::-1]).flips[0]
    assert flip.p == pytest.approx(1 - (1 - 2 / 2**6) ** 2, abs=0.01)
    assert not flip.sure


def test_a_flip_that_is_planted_is_found_and_sure() -> None:
    real, synthetic = drawn([0.8, 0.5, 0.3], 120, 0), drawn([0.5, 0.85, 0.3], 120, 1)
    found = ranking(real, synthetic)
    assert [(f.a, f.b, f.sure) for f in found.flips] == [(0, 1, True)]
    flip = found.flips[0]
    assert flip.real.low is not None
    assert flip.real.low > 0
    assert flip.synthetic.high is not None
    assert flip.synthetic.high < 0
    assert flip.synthetic.mean == pytest.approx((synthetic[0] - synthetic[1]).mean())
    assert found.high == pytest.approx(1 / 3)
    assert found.alike == 2


def test_a_flip_of_what_is_level_is_no_flip_to_rely_on() -> None:
    found = ranking(drawn([0.5, 0.52, 0.2], 60, 4), drawn([0.52, 0.5, 0.2], 60, 7))
    assert not found.sure_flips
    assert found.high == 1


def test_the_same_values_rank_alike() -> None:
    values = drawn([0.2, 0.5, 0.8], 200, 3)
    found = ranking(values, values)
    assert (found.tau, found.low, found.high, found.alike, found.flips) == (1, 1, 1, 3, ())
    assert found.among_real == 1


def test_pipelines_that_are_the_same_leave_the_order_open() -> None:
    values = np.tile(drawn([0.5], 40, 0), (3, 1))
    found = ranking(values, values)
    assert (found.tau, found.low, found.high, found.among_real) == (None, -1, 1, None)
    assert found.flips == ()


def test_queries_that_are_undefined_anywhere_are_left_out_of_their_side() -> None:
    real, synthetic = drawn([0.3, 0.7], 40, 0), drawn([0.3, 0.7], 40, 1)
    holed = real.copy()
    holed[0, :10], holed[1, 5:15] = np.nan, np.nan
    found = ranking(holed, synthetic)
    assert found.real == ranking(real[:, 15:], synthetic).real
    assert found.synthetic[0].queries == 40


def test_too_little_to_rank_is_said() -> None:
    enough = drawn([0.3, 0.7], 20, 0)
    with pytest.raises(InputError, match=r"19 real queries .* 20 needed"):
        ranking(enough[:, :19], enough)
    with pytest.raises(InputError, match=r"1 synthetic query .* 20 needed"):
        ranking(enough, enough[:, :1])
    with pytest.raises(InputError, match="two pipelines"):
        ranking(enough[:1], enough[:1])


def test_many_pipelines_can_still_be_told_apart() -> None:
    """Holm over 780 pairs would find nothing below 1 / 10,001."""
    means = np.linspace(0.1, 0.9, 40).tolist()
    found = ranking(drawn(means, 200, 0), drawn(means[::-1], 200, 1))
    assert len(found.sure_flips) > 200
    assert found.high < 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("queries", "pipelines", "spread", "alike"),
    [(30, 4, 0.02, True), (30, 8, 0.3, True), (100, 6, 0.3, False), (60, 8, 0.0, True)],
)
def test_the_interval_holds_the_tau_of_the_true_means(
    queries: int, pipelines: int, spread: float, alike: bool
) -> None:
    held, sets, rng = 0, 30, np.random.default_rng(2)
    for seed in range(sets):
        real = 0.5 + spread * rng.uniform(-1, 1, pipelines)
        synthetic = real if alike else 0.5 + spread * rng.uniform(-1, 1, pipelines)
        sides = [
            drawn(means.tolist(), n, 2 * seed + i)
            for i, (means, n) in enumerate([(real, queries), (synthetic, 2 * queries)])
        ]
        found = ranking(*sides)
        true = tau(real, synthetic)
        held += true is None or found.low <= true <= found.high
    assert held / sets >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize("queries", [20, 60])
def test_of_pipelines_that_are_level_hardly_any_set_calls_any_pair_sure(queries: int) -> None:
    """The hard case: synthetic queries are sure of everything, real ones should be of nothing."""
    wrong, sets, sure = 0, 100, [0.1, 0.3, 0.5, 0.6, 0.8, 0.95]
    for seed in range(sets):
        found = ranking(drawn([0.6] * 6, queries, 2 * seed), drawn(sure, 200, 2 * seed + 1))
        wrong += bool(found.alike or found.sure_flips)
    assert wrong / sets <= 0.05


@pytest.mark.slow
def test_a_planted_flip_is_found_in_nearly_every_set_and_no_other() -> None:
    real, synthetic = [0.8, 0.6, 0.3, 0.3], [0.6, 0.8, 0.3, 0.3]
    found, other = 0, 0
    for seed in range(60):
        sides = drawn(real, 120, 2 * seed), drawn(synthetic, 120, 2 * seed + 1)
        sure = [(f.a, f.b) for f in ranking(*sides).sure_flips]
        found += (0, 1) in sure
        other += sure != [(0, 1)] * len(sure)
    assert found >= 48
    assert other <= 3
