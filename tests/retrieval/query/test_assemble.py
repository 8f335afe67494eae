import numpy as np

from retrieval.query.assemble import InRankOrder
from retrieval.runtime import Runtime
from retrieval.types import Candidates

TOKENS = np.array([10, 20, 30, 40, 5], np.int32)
RANKING = Candidates(
    np.array([[4, 0, 1, 3], [3, 2, -1, -1], [-1, -1, -1, -1]], np.int32),
    np.array([[4.0, 3.0, 2.0, 1.0], [2.0, 1.0, -np.inf, -np.inf], [-np.inf] * 4]),
)


def assembled(stage: InRankOrder) -> Candidates:
    return stage.apply(RANKING, TOKENS, rt=Runtime())


def test_without_a_cap_the_ranking_stays() -> None:
    assert assembled(InRankOrder()).ids.tolist() == RANKING.ids.tolist()


def test_k_cuts_the_ranking() -> None:
    assert assembled(InRankOrder(k=2)).ids.tolist() == [[4, 0], [3, 2], [-1, -1]]


def test_the_cap_is_hard_and_counts_whole_chunks() -> None:
    for cap, wanted in ((35, [4, 0, 1]), (34, [4, 0]), (15, [4, 0]), (14, [4]), (4, [])):
        kept = assembled(InRankOrder(max_tokens=cap)).ids[0]
        assert kept[kept >= 0].tolist() == wanted
        assert TOKENS[kept[kept >= 0]].sum() <= cap


def test_what_does_not_fit_ends_the_context_and_has_no_score() -> None:
    capped = assembled(InRankOrder(max_tokens=39))
    assert capped.ids.tolist() == [[4, 0, 1, -1], [-1] * 4, [-1] * 4]
    assert np.isneginf(capped.scores[capped.ids < 0]).all()
    assert capped.scores[0, :3].tolist() == [4.0, 3.0, 2.0]


def test_an_empty_corpus_has_nothing_to_cap() -> None:
    none = Candidates(np.full((2, 3), -1, np.int32), np.full((2, 3), -np.inf))
    found = InRankOrder(max_tokens=5).apply(none, np.empty(0, np.int32), rt=Runtime())
    assert (found.ids == -1).all()
