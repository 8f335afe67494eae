import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from goldsets.generation import likeness
from goldsets.generation.likeness import (
    COSINE,
    NEAREST,
    RARE,
    RUN,
    WORDS,
    Seen,
    compared,
    fitted,
    nearest,
    repeated,
    told_apart,
)
from retrieval.errors import InputError


def seen(number: int, seed: int, shift: float = 0.0, **shifts: float) -> Seen:
    rng = np.random.default_rng(seed)
    values = {
        WORDS: rng.poisson(8, number) + 1.0,
        RUN: rng.poisson(1.5, number) + 0.0,
        RARE: rng.beta(2, 6, number),
        COSINE: rng.normal(0.8, 0.05, number) + shift,
        NEAREST: rng.normal(0.3, 0.1, number),
    }
    moved = {name: v + shifts.get(name.split()[0], 0.0) for name, v in values.items()}
    return Seen(tuple(f"query {seed} {i}" for i in range(number)), ("",) * number, moved)


def test_each_measure_is_compared_as_by_mann_and_whitney() -> None:
    real, synthetic = seen(40, 0), seen(90, 1, 0.04)
    for d in compared(real, synthetic).distributions:
        u = mannwhitneyu(synthetic.measured[d.name], real.measured[d.name]).statistic
        assert d.higher.value == pytest.approx(u / (40 * 90), abs=1e-12)
        assert d.higher.low < d.higher.value < d.higher.high
        assert len(d.real) == 40


def test_the_fit_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(120, 4))
    labels = (rows[:, 0] + rng.normal(size=120) > 0.3).astype(float)
    model = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(rows, labels)
    expected = [*model.intercept_, *model.coef_[0]]
    assert fitted(rows, labels) == pytest.approx(expected, abs=1e-5)
    apart = fitted(rows, (rows[:, 0] > 0).astype(float))
    assert np.isfinite(apart).all()


def test_the_area_is_that_of_scikit_learn_on_a_fold() -> None:
    scores, labels = np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, True, False, True])
    assert likeness._area(scores, labels) == roc_auc_score(labels, scores)


def test_queries_that_differ_are_told_apart_and_others_are_not() -> None:
    alike = compared(seen(60, 0), seen(200, 1)).told_apart
    other = compared(seen(60, 0), seen(200, 1, 0.2)).told_apart
    assert alike is not None
    assert other is not None
    assert alike.low <= 0.5 <= alike.high
    assert other.low > 0.9


def test_what_repeats_its_evidence_leaks() -> None:
    clean, leaky = compared(seen(40, 0), seen(80, 1)), compared(seen(40, 0), seen(80, 1, words=4.0))
    assert clean.leaks == []
    assert [d.name for d in leaky.leaks] == [RUN] or RUN in [d.name for d in leaky.leaks]
    rare = compared(seen(40, 0), seen(80, 1, rare=0.3))
    assert [d.name for d in rare.leaks] == [RARE]
    shy = compared(seen(40, 0, rare=0.3), seen(80, 1))
    assert shy.leaks == []


def test_what_only_one_side_has_is_not_compared() -> None:
    real, synthetic = seen(40, 0), seen(60, 1)
    log = Seen(real.texts, real.kinds, {**real.measured, COSINE: np.full(40, np.nan)})
    found = compared(log, synthetic)
    assert COSINE not in [d.name for d in found.distributions]
    assert len(found.distributions) == 4
    assert found.told_apart is not None


def test_undefined_values_are_left_out_one_by_one() -> None:
    real, synthetic = seen(40, 0), seen(60, 1)
    holed = synthetic.measured[COSINE].copy()
    holed[:15] = np.nan
    found = compared(
        real, Seen(synthetic.texts, synthetic.kinds, {**synthetic.measured, COSINE: holed})
    )
    assert {d.name: len(d.synthetic) for d in found.distributions}[COSINE] == 45
    values = np.stack(list(synthetic.measured.values()), axis=1)
    assert told_apart(np.full((40, 5), np.nan), values) is None


def test_too_few_are_not_compared() -> None:
    with pytest.raises(InputError, match="19 real queries; 20 are needed"):
        compared(seen(19, 0), seen(50, 1))
    with pytest.raises(InputError, match="1 synthetic query; 20 are needed"):
        compared(seen(20, 0), seen(1, 1))


def test_repeated_queries_are_listed() -> None:
    real = ["how do I reset my password", "export to csv"]
    found = repeated(["Export to  CSV", "how do I reset my passwords", "import from a file"], real)
    assert [(r.synthetic, r.real) for r in found] == [
        ("Export to  CSV", "export to csv"),
        ("how do I reset my passwords", "how do I reset my password"),
    ]
    assert found[0].ratio == 100
    assert 90 <= found[1].ratio < 100
    assert repeated([], real) == repeated(real, []) == ()


def test_the_nearest_real_query_is_another_one() -> None:
    real = np.eye(3, dtype=np.float32)
    asked = np.array([[0.6, 0.8, 0], [0, 0, 1]], np.float32)
    assert nearest(asked, real, own=False) == pytest.approx([0.2, 0], abs=1e-6)
    assert nearest(real, real, own=True) == pytest.approx([1, 1, 1])


def told(real: int, synthetic: int, shift: float, seed: int) -> likeness.Area:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(real, 5)), rng.normal(size=(synthetic, 5))
    b[:, 0] += shift
    found = told_apart(a, b, seed)
    assert found is not None
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("real", "synthetic"), [(20, 60), (40, 40), (60, 200)])
def test_what_is_alike_is_rarely_told_apart(real: int, synthetic: int) -> None:
    found = [told(real, synthetic, 0.0, seed) for seed in range(100)]
    assert sum(a.low > 0.5 for a in found) <= 6
    assert sum(a.low <= 0.5 <= a.high for a in found) >= 91


@pytest.mark.slow
@pytest.mark.parametrize(("shift", "least"), [(0.5, 85), (1.2, 90)])
def test_the_interval_holds_how_far_apart_they_are(shift: float, least: int) -> None:
    true = norm.cdf(shift / np.sqrt(2))
    found = [told(60, 200, shift, seed) for seed in range(100)]
    assert sum(a.low <= true <= a.high for a in found) >= least
