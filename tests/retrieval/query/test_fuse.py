from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import SpecError
from retrieval.query.fuse import FUSERS, RRF, Fuser, Weighted
from retrieval.runtime import Runtime
from retrieval.types import Candidates

Ranked = list[tuple[int, float]]


def candidates(*queries: Ranked, depth: int = 0) -> Candidates:
    """One list of `(chunk, score)` a query, best first, padded to the longest or to `depth`."""
    pairs = [(np.array([i for i, _ in q], np.int64), np.array([s for _, s in q])) for q in queries]
    return Candidates.of_lists(pairs, max(depth, *(len(q) for q in queries)))


def fused(fuser: Fuser, *lists: Candidates, depth: int = 100) -> list[Ranked]:
    found = fuser.apply(*lists, depth=depth, rt=Runtime())
    return [
        [(i, s) for i, s in zip(ids, scores, strict=True) if i >= 0]
        for ids, scores in zip(found.ids.tolist(), found.scores.tolist(), strict=True)
    ]


def rrf_by_hand(k: float, weights: list[float], lists: list[list[int]], depth: int) -> Ranked:
    total: dict[int, float] = defaultdict(float)
    for weight, ranking in zip(weights, lists, strict=True):
        for rank, chunk in enumerate(ranking, 1):
            total[chunk] += weight / (k + rank)
    return sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))[:depth]


rankings = st.lists(st.integers(0, 12), unique=True, max_size=8)


@given(
    st.lists(st.tuples(rankings, rankings, rankings), min_size=1, max_size=4),
    st.sampled_from([0.0, 1.0, 60.0]),
    st.lists(st.sampled_from([0.0, 0.2, 0.8, 1.0]), min_size=3, max_size=3),
    st.integers(1, 15),
)
def test_rrf_is_the_plain_sum_over_ranks(
    queries: list[tuple[list[int], ...]], k: float, weights: list[float], depth: int
) -> None:
    columns = [
        candidates(*([(i, -float(n)) for n, i in enumerate(q[c])] for q in queries), depth=1)
        for c in range(3)
    ]
    found = fused(RRF(weights=tuple(weights), k=k), *columns, depth=depth)
    assert found == [rrf_by_hand(k, weights, list(q), depth) for q in queries]


def test_rrf_without_weights_weighs_all_alike() -> None:
    one, two = candidates([(3, 9.0), (1, 8.0)]), candidates([(1, 0.5)])
    assert fused(RRF(), one, two) == [[(1, 1 / 62 + 1 / 61), (3, 1 / 61)]]


def test_ties_go_to_the_lower_chunk() -> None:
    one, two = candidates([(9, 2.0), (5, 1.0)]), candidates([(5, 2.0), (9, 1.0)])
    for fuser in (RRF(), Weighted()):
        assert [i for i, _ in fused(fuser, one, two)[0]] == [5, 9]


@pytest.mark.parametrize("fuser", [RRF(), RRF(k=0), Weighted(), Weighted(normalise="zscore")])
def test_a_single_list_keeps_its_order(fuser: Fuser) -> None:
    only = candidates([(7, 5.0), (2, 3.0), (9, 1.0)], [(4, -1.0)], [])
    assert [[i for i, _ in q] for q in fused(fuser, only)] == [[7, 2, 9], [4], []]


@pytest.mark.parametrize("fuser", [c() for c in FUSERS])
def test_a_list_without_hits_adds_nothing_and_padding_never_ranks(fuser: Fuser) -> None:
    full, empty = candidates([(7, 5.0), (2, 3.0)], []), candidates([], [])
    found = fuser.apply(full, empty, depth=5, rt=Runtime())
    assert [i for i in found.ids[0].tolist() if i >= 0] == [7, 2]
    assert (found.ids[1] == -1).all()
    assert np.isneginf(found.scores[found.ids < 0]).all()
    none = fuser.apply(empty, empty, depth=5, rt=Runtime())
    assert (none.ids == -1).all()


def test_minmax_by_hand() -> None:
    lexical = candidates([(1, 12.0), (2, 6.0), (3, 4.0)])  # 1, .25, 0
    dense = candidates([(2, 0.9), (4, 0.7), (5, 0.5)])  # 1, .5, 0
    found = dict(fused(Weighted(weights=(0.4, 0.6)), lexical, dense)[0])
    wanted = {1: 0.4, 2: 0.4 * 0.25 + 0.6, 3: 0.0, 4: 0.3, 5: 0.0}
    assert found == pytest.approx(wanted, abs=1e-12)


def test_zscore_by_hand() -> None:
    lexical, dense = candidates([(1, 3.0), (2, 1.0)]), candidates([(3, 8.0), (1, 5.0), (2, 2.0)])
    z = 3 / np.sqrt(6)
    wanted = {1: 1.0, 2: -1 - z, 3: -1 + z}  # 3 is not in the first list: its least, -1
    found = dict(fused(Weighted(normalise="zscore"), lexical, dense)[0])
    assert found == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("normalise", ["minmax", "zscore"])
def test_equal_scores_count_fully_and_absence_not(normalise: str) -> None:
    flat, other = candidates([(1, 2.0), (2, 2.0)]), candidates([(3, 1.0), (1, 0.0)])
    found = dict(fused(Weighted(normalise=normalise, weights=(1, 0)), flat, other)[0])  # type: ignore[arg-type]
    assert found == {1: 1.0, 2: 1.0, 3: 0.0}


@pytest.mark.parametrize("cls", FUSERS)
def test_weights_need_one_number_a_list(cls: type[Fuser]) -> None:
    one = candidates([(1, 1.0)])
    with pytest.raises(SpecError, match="weights has 3 numbers for 2 first stages"):
        cls(weights=(1.0, 2.0, 3.0)).apply(one, one, depth=5, rt=Runtime())


def test_the_depth_cuts_the_union() -> None:
    one, two = candidates([(1, 3.0), (2, 2.0)]), candidates([(3, 3.0), (4, 2.0)])
    assert [i for i, _ in fused(RRF(), one, two, depth=3)[0]] == [1, 3, 2]
