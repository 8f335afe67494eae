import numpy as np
import pytest

from retrieval.backends.select import MOST_BLOCKS, best


def full_sort(scores: np.ndarray, k: int) -> list[int]:
    return sorted(range(len(scores)), key=lambda i: (-scores[i], i))[:k]


@pytest.mark.parametrize("levels", [2, 50, 10**9], ids=["two-values", "ties", "distinct"])
@pytest.mark.parametrize("n", [0, 1, 20, MOST_BLOCKS * 7, MOST_BLOCKS * 40 + 13, 9_999])
@pytest.mark.parametrize("k", [1, 5, 19, 150])
def test_the_best_are_those_of_a_full_sort(n: int, k: int, levels: int) -> None:
    rng = np.random.default_rng([n, k, levels])
    scores = rng.integers(0, levels, n) / 7
    assert best(scores, k).tolist() == full_sort(scores, k)


def test_the_best_may_lie_in_the_tail_that_fills_no_block() -> None:
    scores = np.zeros(MOST_BLOCKS * 40 + 5)
    scores[-3:] = 1, 3, 2
    scores[7] = 2
    assert best(scores, 5).tolist() == [
        MOST_BLOCKS * 40 + 3,
        7,
        MOST_BLOCKS * 40 + 4,
        MOST_BLOCKS * 40 + 2,
        0,
    ]


@pytest.mark.parametrize("k", [1, 4, 60])
def test_ties_go_to_the_lower_id(k: int) -> None:
    rng = np.random.default_rng(k)
    scores, ids = rng.integers(-3, 3, 2_000).astype(float), rng.permutation(2_000)
    wanted = sorted(range(2_000), key=lambda i: (-scores[i], ids[i]))[:k]
    assert best(scores, k, ids).tolist() == wanted
