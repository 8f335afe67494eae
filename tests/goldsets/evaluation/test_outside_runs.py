"""Runs from outside: trec_eval's values, honest ideals, ranks of what is nowhere."""

import ir_measures
import numpy as np
import pytest

from goldsets.evaluation.bounds import bounds
from goldsets.evaluation.measures import parse_measure
from goldsets.evaluation.score import score
from goldsets.evaluation.target import Target
from goldsets.evaluation.unjudged import case_of
from goldsets.evidence import anchor
from goldsets.outside.placing import place
from goldsets.types import Evidence, GoldSet, Query
from retrieval.hits import Hit
from retrieval.ingest.tokens import CountTokens, Tokens
from retrieval.runtime import Runtime
from retrieval.types import Chunks, Corpus, Float64, Int32
from tests.goldsets.making import corpus_of, gold_of, one_token_a_character

CUTOFFS = (1, 3, 10, 40)
NAMES = ("R", "P", "Success", "RR", "nDCG", "AP", "AP(rel=2)", "R(rel=2)")
MEASURES = tuple(parse_measure(f"{name}@{k}") for name in NAMES for k in CUTOFFS)
QUERIES, CHUNKS, DEPTH = 10, 120, 30
Qrels = dict[str, dict[str, int]]


def judged(rng: np.random.Generator) -> tuple[GoldSet, Corpus, Chunks, Qrels]:
    """Cut two documents without gaps and judge whole chunks, as trec_eval judges documents."""
    lengths = rng.integers(3, 9, (2, CHUNKS // 2))
    ends = np.cumsum(lengths, axis=1)
    spans = [list(zip(*row, strict=True)) for row in np.stack([ends - lengths, ends], 1).tolist()]
    corpus, chunks = corpus_of(*("x" * int(e[-1]) for e in ends)), Chunks.of_spans(spans)
    evidence: dict[str, list[Evidence]] = {}
    qrels: Qrels = {}
    for q in range(QUERIES):
        for c in rng.choice(CHUNKS, 15, replace=False).tolist():
            document, grade = corpus.documents[int(chunks.document[c])], int(rng.integers(0, 4))
            place = int(chunks.start[c]), int(chunks.end[c])
            own = Evidence.of(document.id, document.text, *place, grade)
            evidence.setdefault(f"q{q}", []).append(own)
            qrels.setdefault(f"q{q}", {})[str(c)] = grade
    return gold_of([Query(f"q{q}", "?") for q in range(QUERIES)], evidence), corpus, chunks, qrels


def returned(chunks: Chunks, ids: Int32) -> list[list[Hit]]:
    """Phrase rankings as hits; chunk numbers beyond the last are of a world that is not ours."""
    return [
        [
            Hit(f"d{chunks.document[c]}", int(chunks.start[c]), int(chunks.end[c]))
            if c < len(chunks)
            else Hit("elsewhere", 0, c)
            for c in row[row >= 0].tolist()
        ]
        for row in ids
    ]


def trec_eval(qrels: Qrels, ids: Int32) -> Float64:
    run = {
        f"q{q}": {str(c): -float(rank) for rank, c in enumerate(row[row >= 0].tolist())}
        for q, row in enumerate(ids)
    }
    expected = np.zeros((len(MEASURES), QUERIES))
    measures = [ir_measures.parse_measure(str(m)) for m in MEASURES]
    number = {str(m): i for i, m in enumerate(measures)}
    for metric in ir_measures.iter_calc(measures, qrels, run):
        expected[number[str(metric.measure)], int(metric.query_id[1:])] = metric.value
    return expected


@pytest.mark.parametrize("seed", range(4))
def test_a_run_from_outside_has_the_values_of_trec_eval(seed: int) -> None:
    """Some hits are nowhere, one query has none, and no ideal knows only what was returned."""
    rng = np.random.default_rng(seed)
    gold, corpus, chunks, qrels = judged(rng)
    ids = np.stack([rng.permutation(CHUNKS + 40)[:DEPTH] for _ in range(QUERIES)]).astype(np.int32)
    ids[3] = -1
    found = place(corpus, returned(chunks, ids))
    assert found.counts["nowhere"] == (ids >= CHUNKS).sum() > 0
    tokens = one_token_a_character(corpus)
    target = Target(anchor(gold, corpus), corpus, found.chunks, tokens, whole=False)
    values = score(target, found.ranking.ids[None], MEASURES)[:, 0]
    np.testing.assert_allclose(values, trec_eval(qrels, ids), rtol=0, atol=1e-12)
    flattered = Target(anchor(gold, corpus), corpus, found.chunks, tokens)
    assert (score(flattered, found.ranking.ids[None], MEASURES)[:, 0] >= values).all()


def half_found(part: int) -> Float64:
    """nDCG and AP where one of two pieces of 100 characters is returned, `part` of the other."""
    corpus = corpus_of("a" * 100 + "." * 50 + "b" * 100)
    spans = [Evidence.of("d0", corpus.documents[0].text, *s) for s in ((0, 100), (150, 250))]
    gold = gold_of([Query("q0", "?")], {"q0": spans})
    hits = [Hit("d0", 0, 100), *([Hit("d0", 150, 150 + part)] if part else [])]
    found = place(corpus, [hits])
    tokens = one_token_a_character(corpus)
    target = Target(anchor(gold, corpus), corpus, found.chunks, tokens, whole=False)
    measures = [parse_measure("nDCG@10"), parse_measure("AP@10")]
    return score(target, found.ranking.ids[None], measures)[:, 0, 0]


def test_what_was_not_returned_stands_in_the_ideal() -> None:
    first, second, third = 1 / np.log2([2, 3, 4])
    np.testing.assert_allclose(half_found(0), [first / (first + second), 1 / 2])
    found, ideal = first + second, first + second + third
    np.testing.assert_allclose(half_found(30), [found / ideal, 2 / 3])
    np.testing.assert_allclose(half_found(50), [1, 1])


def test_equal_spans_of_a_query_stand_in_the_ideal_once_with_the_best_grade() -> None:
    corpus = corpus_of("x" * 200)
    text = corpus.documents[0].text
    spans = [Evidence.of("d0", text, 0, 50, grade) for grade in (1, 3, 2)]
    gold = gold_of([Query("q0", "?"), Query("q1", "?")], {"q0": spans, "q1": spans[:1]})
    found = place(corpus, [[Hit("d0", 100, 150)], []])
    tokens = one_token_a_character(corpus)
    target = Target(anchor(gold, corpus), corpus, found.chunks, tokens, whole=False)
    assert (target.ideal_query.tolist(), target.ideal_grade.tolist()) == ([0, 1], [3, 1])


TEXTS = (
    "Dough rests a night in the cold. Flour and water, salt and yeast are all it takes, no more.",
    "Tomatoes are crushed by hand, and then they are salted and left alone for half an hour.",
)
LOST = "Pineapple is a matter of some dispute, on which this corpus has nothing whatever to say."
CONTEXTS = (
    *(f"{name}@{k}tok" for name in ("EvidenceRecall", "EvidencePrecision", "IoU") for k in (9, 25)),
    *(f"{name}@{k}" for name in ("EvidenceRecall", "EvidencePrecision", "IoU") for k in (1, 2, 3)),
    *("EvidenceRecall@30tok", "EvidencePrecision@33tok", "Judged@2", "Judged@3"),
)


def tokens_of(corpus: Corpus) -> Tokens:
    return CountTokens().apply(corpus, Runtime())


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (0, 2, 1), (2, 1, 0)], ids=str)
def test_what_is_nowhere_takes_its_room_of_a_context(order: tuple[int, int, int]) -> None:
    """It takes as much as if its text were a document that answers nothing."""
    hits = [Hit(text=LOST), Hit("d0", 0, 45), Hit("d1", 0, 50)]
    spans = [
        Evidence.of("d0", TEXTS[0], 6, 32),
        Evidence.of("d1", TEXTS[1], 0, 30),
        Evidence.of("d1", TEXTS[1], 5, 70, 0),
    ]
    gold = gold_of([Query("q0", "?")], {"q0": spans})
    measures = [parse_measure(name) for name in CONTEXTS]
    values = []
    for corpus in (corpus_of(*TEXTS), corpus_of(*TEXTS, LOST)):
        found = place(corpus, [[hits[i] for i in order]])
        target = Target(anchor(gold, corpus), corpus, found.chunks, tokens_of(corpus), whole=False)
        values.append(score(target, found.ranking.ids[None], measures)[:, 0, 0])
        assert found.counts["nowhere"] == (len(corpus) == 2)
    np.testing.assert_allclose(values[0], values[1], rtol=0, atol=0.02)  # where a token is cut
    assert not np.isnan(values[0]).any()


def test_no_label_can_be_put_on_what_is_nowhere() -> None:
    corpus = corpus_of(*TEXTS)
    gold = gold_of([Query("q0", "?")], {"q0": [Evidence.of("d1", TEXTS[1], 0, 20)]})
    found = place(corpus, [[Hit(text=LOST), Hit(id="c"), Hit("d0", 0, 40), Hit("d1", 0, 20)]])
    target = Target(anchor(gold, corpus), corpus, found.chunks, tokens_of(corpus), whole=False)
    ids, measure = found.ranking.ids, parse_measure("RR@4")
    limits = bounds(target, ids, None, measure)
    assert (limits.low.tolist(), limits.high.tolist()) == ([1 / 4], [1 / 3])
    case = case_of(target, ids, None, measure)
    assert found.chunks.document[case.chunk[case.free]].tolist() == [0]


def test_precision_omega_is_of_a_chunking_that_nobody_knows() -> None:
    corpus = corpus_of(*TEXTS)
    gold = gold_of([Query("q0", "?")], {"q0": [Evidence.of("d1", TEXTS[1], 0, 20)]})
    found = place(corpus, [[Hit("d1", 0, 20)]])
    target = Target(anchor(gold, corpus), corpus, found.chunks, tokens_of(corpus), whole=False)
    omega = score(target, found.ranking.ids[None], [parse_measure("PrecisionOmega")])
    assert np.isnan(omega).all()
