"""Two runs on the gold of now, of one chunking or two, against labellings that are really made."""

from dataclasses import replace

import numpy as np
import pytest

from goldsets.evaluation.bounds import bounds
from goldsets.evaluation.measures import Measure, parse_measure
from goldsets.evaluation.pair import ACROSS, Pair, open_to, pair
from goldsets.evaluation.run import Run
from goldsets.evaluation.score import score
from goldsets.evaluation.spec import Variant
from goldsets.evaluation.sweep import Board
from goldsets.evaluation.target import Target
from goldsets.evidence import anchor
from goldsets.types import NO_ANSWER, Evidence, GoldSet, Query
from retrieval.errors import InputError, PizzaError
from retrieval.ingest.chunk import FixedTokens
from retrieval.pipeline import Pipeline, full_spec
from retrieval.query.lexical import BM25
from retrieval.runtime import Runtime
from retrieval.types import Candidates, Chunks, Float64, Int32
from tests.goldsets.making import corpus_of, one_token_a_character

WORDS = [f"w{i:03}" for i in range(400)]
CORPUS = corpus_of(" ".join(WORDS[:250]), " ".join(WORDS[250:]))
SMALL = Variant("small", Pipeline(chunk=FixedTokens(size=20), first=(BM25(),), pool=20))
LARGE = Variant("large", Pipeline(chunk=FixedTokens(size=30), first=(BM25(),), pool=20))
NAMES = ("R@5", "P@5", "Success@5", "RR@5", "nDCG@5", "AP@5")


def spans_of(rng: np.random.Generator, grades: tuple[int, ...]) -> tuple[Evidence, ...]:
    """Judge a stretch of about ten words for each grade."""
    found = []
    for grade in grades:
        document = CORPUS.documents[int(rng.integers(0, 2))]
        start = int(rng.integers(0, len(document.text) - 60))
        end = start + int(rng.integers(20, 60))
        found.append(Evidence.of(document.id, document.text, start, end, grade))
    return tuple(found)


def gold_of(queries: int = 12, seed: int = 0) -> GoldSet:
    rng = np.random.default_rng(seed)
    asked = tuple(Query(f"q{i}", "?", needs="all" if i % 3 == 0 else "any") for i in range(queries))
    return GoldSet("gold", "corpus", asked, {q.id: spans_of(rng, (0, 1, 3)) for q in asked})


GOLD = gold_of()


def run_of(variant: Variant, board: Board, seed: int, depth: int = 8) -> Run:
    """Rank at random."""
    rng = np.random.default_rng(seed)
    laid = board.prepare(variant).index.chunks
    queries = len(board.gold.queries)
    ids = np.stack([rng.permutation(len(laid.value))[:depth] for _ in range(queries)])
    ranking = Candidates(
        ids.astype(np.int32), -np.tile(np.arange(depth, dtype=float), (queries, 1))
    )
    names = tuple(q.id for q in board.gold.queries)
    spec, made = full_spec(variant.pipeline), ("gold", "older", "corpus", 1)
    return Run(f"{variant.name}{seed}", variant.name, spec, *made, laid.key, names, ranking, {})


@pytest.fixture(scope="module")
def board() -> Board:
    return Board(GOLD, CORPUS, Runtime())


def paired(board: Board, a: Run, b: Run | None, name: str, top: int | None = None) -> Pair:
    found = pair(board, a, b, parse_measure(name), top)
    assert found is not None
    return found


def values(board: Board, variant: Variant, run: Run, measure: Measure) -> Float64:
    return board.values(board.prepare(variant).index, run.aligned(board.gold)[0], [measure])[0]


@pytest.mark.parametrize("name", NAMES)
def test_in_one_chunking_a_pair_has_the_bounds_of_its_rankings(name: str, board: Board) -> None:
    a, b = run_of(SMALL, board, 1), run_of(SMALL, board, 2)
    found, alone = paired(board, a, b, name, top=3), paired(board, a, None, name, top=3)
    target, measure = board.target(board.prepare(SMALL).index), parse_measure(name)
    for got, ids in ((found, b.candidates.ids), (alone, None)):
        expected = bounds(target, a.candidates.ids, ids, measure, 3)
        np.testing.assert_array_equal(got.bounds.low, expected.low)
        np.testing.assert_array_equal(got.bounds.high, expected.high)


@pytest.mark.parametrize("name", ["R@5", "P@5", "Success@5", "RR@5"])
def test_side_by_side_each_ranking_keeps_its_value(name: str, board: Board) -> None:
    measure = parse_measure(name)
    a, b = run_of(SMALL, board, 1), run_of(LARGE, board, 2)
    own = values(board, SMALL, a, measure), values(board, LARGE, b, measure)
    found = paired(board, a, b, name)
    np.testing.assert_allclose(found.bounds.today, own[0] - own[1], atol=1e-12)


@pytest.mark.parametrize("name", ["nDCG@5", "AP@5"])
def test_an_ideal_is_of_one_chunking(name: str, board: Board) -> None:
    assert name.split("@")[0] not in ACROSS
    a, b = run_of(SMALL, board, 1), run_of(LARGE, board, 2)
    assert pair(board, a, b, parse_measure(name)) is None


def labelled(found: Pair, rng: np.random.Generator, share: float) -> GoldSet:
    """Judge every unjudged passage of a pair: some relevant as a whole, the others not."""
    gold, evidence = found.board.gold, dict(found.board.gold.evidence)
    k = found.measure.cutoff
    for q, query in enumerate(gold.queries):
        shown = {*found.a[q, :k].tolist(), *(() if found.b is None else found.b[q, :k].tolist())}
        known = set(found.target.touch_chunk[found.target.touch_query == q].tolist())
        for i in sorted(shown - known):
            document = CORPUS.documents[int(found.chunks.document[i])]
            start, end = int(found.chunks.start[i]), int(found.chunks.end[i])
            grade = 3 if rng.random() < share else 0
            own = Evidence.of(document.id, document.text, start, end, grade)
            evidence[query.id] = (*evidence.get(query.id, ()), own)
    return replace(gold, evidence=evidence)


def scored(gold: GoldSet, chunks: Chunks, ids: Int32, measure: Measure) -> Float64:
    target = Target(anchor(gold, CORPUS), CORPUS, chunks, one_token_a_character(CORPUS))
    return score(target, ids[None], [measure])[0, 0]


@pytest.mark.parametrize("name", ["R@5", "P@5", "Success@5", "RR@5"])
def test_between_chunkings_labels_stay_within_the_bounds(name: str, board: Board) -> None:
    measure, rng = parse_measure(name), np.random.default_rng(7)
    beyond = made = 0
    for seed in range(6):
        a, b = run_of(SMALL, board, seed), run_of(LARGE, board, 100 + seed)
        found = paired(board, a, b, name)
        chunks = [board.prepare(v).index.chunks.value for v in (SMALL, LARGE)]
        for share in (0.0, 0.1, 0.5, 1.0):
            gold = labelled(found, rng, share)
            of = [
                scored(gold, c, r.candidates.ids, measure)
                for c, r in zip(chunks, (a, b), strict=True)
            ]
            difference = of[0] - of[1]
            low, high = found.bounds.low - 1e-9, found.bounds.high + 1e-9
            beyond += int(np.sum((difference < low) | (difference > high)))
            made += len(difference)
            assert (found.bounds.mean_low or 0) <= np.nanmean(difference) + 1e-9
            assert np.nanmean(difference) <= (found.bounds.mean_high or 0) + 1e-9
    print(f"{name}: beyond the bounds in {beyond} of {made} queries")


def test_a_run_on_earlier_gold_is_scored_by_the_gold_of_now(board: Board) -> None:
    a = run_of(SMALL, board, 1)
    more = replace(GOLD, queries=(Query("new", "?"), *GOLD.queries[::-1]))
    later = Board(more, CORPUS, board.rt)
    ids, asked = a.aligned(more)
    assert asked.tolist() == [False] + [True] * 12
    np.testing.assert_array_equal(ids[0], -1)
    np.testing.assert_array_equal(ids[1:], a.candidates.ids[::-1])
    held = open_to(later, [a])
    assert held.gold.queries == GOLD.queries[::-1]
    today = paired(held, a, None, "R@5").bounds.today
    np.testing.assert_array_equal(today, values(board, SMALL, a, parse_measure("R@5"))[::-1])


def test_only_queries_count_that_all_were_asked_and_that_may_have_an_answer(board: Board) -> None:
    a, b = run_of(SMALL, board, 1), run_of(SMALL, board, 2)
    assert open_to(board, [a, b]) is board
    part = replace(b, queries=b.queries[:7], candidates=Candidates(*cut(b, 7)))
    tagged = tuple(
        replace(q, tags=(NO_ANSWER,)) if q.id in ("q1", "q2") else q for q in GOLD.queries
    )
    evidence = {
        q: tuple(e for e in own if q != "q1" or not e.grade) for q, own in GOLD.evidence.items()
    }
    later = Board(GoldSet("gold", "corpus", tagged, evidence), CORPUS, board.rt)
    held = open_to(later, [a, part])
    assert [q.id for q in held.gold.queries] == ["q0", "q2", "q3", "q4", "q5", "q6"]
    found = paired(held, a, part, "R@5")
    assert not np.isnan(found.bounds.today).any()


def cut(run: Run, rows: int) -> tuple[Int32, Float64]:
    return run.candidates.ids[:rows], run.candidates.scores[:rows]


def test_with_no_query_left_nothing_is_known(board: Board) -> None:
    a, b = run_of(SMALL, board, 1), run_of(LARGE, board, 2)
    none = Board(replace(GOLD, queries=(), evidence={}), CORPUS, board.rt)
    found = paired(none, a, b, "R@5")
    assert (found.bounds.mean_low, found.bounds.mean_high, found.doubts) == (None, None, [])


def test_places_of_doubts_are_those_of_their_chunks(board: Board) -> None:
    a, b = run_of(SMALL, board, 1), run_of(LARGE, board, 2)
    found = paired(board, a, b, "R@5", top=3)
    of = {v.name: board.prepare(v).index.chunks.value for v in (SMALL, LARGE)}
    for doubt in found.doubts:
        document, start, end = found.place(doubt)
        shown = [
            (int(c.document[i]), int(c.start[i]), int(c.end[i]))
            for c, r in ((of["small"], a), (of["large"], b))
            for i in r.candidates.ids[doubt.query, :5]
        ]
        assert (document, start, end) in shown
    assert found.longest == max(e - s for _, s, e in map(found.place, found.doubts))


def test_a_measure_of_characters_has_no_bounds(board: Board) -> None:
    found = paired(board, run_of(SMALL, board, 1), None, "EvidenceRecall@40tok")
    with pytest.raises(InputError, match="has no bounds"):
        _ = found.bounds


def test_a_run_of_stages_that_have_changed_is_refused(board: Board) -> None:
    old = replace(run_of(SMALL, board, 1), chunking="another")
    with pytest.raises(PizzaError, match="start its sweep again"):
        pair(board, old, None, parse_measure("R@5"))
