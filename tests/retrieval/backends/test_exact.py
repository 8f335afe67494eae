import numpy as np
import pytest

from retrieval.backends import exact
from retrieval.types import Candidates, Float32


def sorted_whole(matrix: Float32, queries: Float32, k: int) -> Candidates:
    """The definition: every product, sorted; of equal ones the lower row first."""
    ids = np.full((len(queries), k), -1, np.int32)
    scores = np.full((len(queries), k), -np.inf)
    for row, products in enumerate(queries.astype(np.float64) @ matrix.T.astype(np.float64)):
        best = np.lexsort((np.arange(len(products)), -products))[:k]
        ids[row, : len(best)], scores[row, : len(best)] = best, products[best]
    return Candidates(ids, scores)


def whole_numbers(rng: np.random.Generator, n: int, d: int, high: int) -> Float32:
    """Vectors whose float32 products are exact, so that no order of summing can matter."""
    return rng.integers(-high, high + 1, (n, d)).astype(np.float32)


def check(matrix: Float32, queries: Float32, k: int) -> None:
    found, wanted = exact.search(matrix, queries, k), sorted_whole(matrix, queries, k)
    assert np.array_equal(found.ids, wanted.ids)
    assert np.array_equal(found.scores, wanted.scores)
    assert found.ids.dtype == np.int32


@pytest.mark.parametrize("high", [1, 100], ids=["many-ties", "few-ties"])
@pytest.mark.parametrize("k", [1, 3, 40])
@pytest.mark.parametrize("n", [0, 1, 5, 63, 64, 65, 1_000])
def test_search_is_a_full_sort(monkeypatch: pytest.MonkeyPatch, n: int, k: int, high: int) -> None:
    monkeypatch.setattr(exact, "BLOCK", 64)
    rng = np.random.default_rng([n, k, high])
    matrix = whole_numbers(rng, n, 5, high)
    check(matrix, whole_numbers(rng, 7, 5, high), k)
    check(matrix, whole_numbers(rng, 1, 5, high), k)


def test_one_block_with_a_first_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    for k, high in ((1, 1), (10, 1), (10, 1_000)):
        check(whole_numbers(rng, 3_003, 8, high), whole_numbers(rng, 20, 8, high), k)


def test_the_best_may_all_lie_in_the_last_block_or_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exact, "BLOCK", 256)
    rising = np.arange(2_000, dtype=np.float32)[:, None]
    check(rising, np.float32([[1], [-1], [0]]), 12)


def test_duplicates_are_all_found_lowest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "BLOCK", 32)
    matrix = np.zeros((300, 3), np.float32)
    matrix[[5, 31, 32, 299]] = 1
    found = exact.search(matrix, np.ones((2, 3), np.float32), 6)
    assert found.ids.tolist() == [[5, 31, 32, 299, 0, 1]] * 2


def test_fewer_rows_than_asked_for_are_padded() -> None:
    found = exact.search(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), 4)
    assert found.ids.tolist() == [[0, 1, -1, -1], [1, 0, -1, -1]]
    assert found.scores[:, 2:].tolist() == [[-np.inf] * 2] * 2


def test_no_queries_are_no_rows() -> None:
    found = exact.search(np.eye(50, dtype=np.float32), np.empty((0, 50), np.float32), 2)
    assert found.ids.shape == (0, 2)
