import numpy as np
import pytest

from retrieval.backends.select import BLOCKS, best, ranked


def full_sort(scores: np.ndarray, k: int) -> list[int]:
    return sorted(range(len(scores)), key=lambda i: (-scores[i], i))[:k]


@pytest.mark.parametrize("levels", [2, 50, 10**9], ids=["two-values", "ties", "distinct"])
@pytest.mark.parametrize("n", [0, 1, 20, BLOCKS * 7, BLOCKS * 40 + 13, 9_999])
@pytest.mark.parametrize("k", [1, 5, 19, 150])
def test_the_best_are_those_of_a_full_sort(n: int, k: int, levels: int) -> None:
    rng = np.random.default_rng([n, k, levels])
    scores = rng.integers(0, levels, n) / 7
    assert best(scores, k).tolist() == full_sort(scores, k)


def test_the_best_may_lie_in_the_tail_that_fills_no_block() -> None:
    scores = np.zeros(BLOCKS * 40 + 5)
    scores[-3:] = 1, 3, 2
    scores[7] = 2
    assert best(scores, 5).tolist() == [BLOCKS * 40 + 3, 7, BLOCKS * 40 + 4, BLOCKS * 40 + 2, 0]


@pytest.mark.parametrize("k", [1, 4, 60])
def test_a_selection_ranks_only_what_it_is_given(k: int) -> None:
    rng = np.random.default_rng(k)
    scores = rng.integers(-3, 3, 200).astype(float)
    among = np.flatnonzero(rng.random(200) < 0.3)
    wanted = [i for i in full_sort(scores, 200) if i in set(among.tolist())][:k]
    assert ranked(scores, among, k).tolist() == wanted
