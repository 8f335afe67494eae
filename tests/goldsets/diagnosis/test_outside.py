"""A ranking from outside: what it lost is named as far as it can be seen."""

import json

from goldsets.diagnosis.causes import Cause
from goldsets.diagnosis.outside import lost_outside
from goldsets.evaluation.measures import parse_measure
from goldsets.evaluation.run import Run, content_key
from goldsets.evaluation.sweep import Board
from goldsets.outside.placing import place
from goldsets.types import Evidence, Query
from retrieval.hits import Hit
from retrieval.runtime import Runtime
from tests.goldsets.making import corpus_of, gold_of

TEXTS = ("Dough rests a night.", "A steel stores heat.", "Basil goes on last.")
HITS = {
    "high": [Hit("d0", 0, 20), Hit("d1", 0, 20)],
    "low": [Hit("d0", 0, 20), Hit("d1", 0, 20)],
    "nowhere": [Hit("d0", 0, 20)],
    "gone": [Hit("d0", 0, 20)],
}


def evidence(document: int) -> Evidence:
    text = TEXTS[document]
    return Evidence.of(f"d{document}", text, 0, len(text))


def test_what_was_returned_too_low_or_not_at_all_is_a_guess() -> None:
    corpus = corpus_of(*TEXTS)
    gone = Evidence.of("d9", "Nobody has this text here.", 0, 26)
    judged = {"high": [evidence(0)], "low": [evidence(1)], "nowhere": [evidence(2)], "gone": [gone]}
    gold = gold_of([Query(q, q) for q in HITS], judged)
    placed = place(corpus, list(HITS.values()))
    spec = {"http": {"url": "http://127.0.0.1:9/search"}}
    key = content_key(corpus, placed.chunks)
    run = Run(
        "r", "theirs", spec, gold.name, gold.version, corpus.name, corpus.version, key,
        tuple(HITS), placed.ranking, {}, placed.chunks, placed.counts,
    )  # fmt: skip
    lost = lost_outside(Board(gold, corpus, Runtime()), run, parse_measure("R@1"))
    assert [(gold.queries[s.query].id, s.cause, s.verified, s.detail) for s in lost] == [
        ("low", Cause.BOTH_MISS, False, "it ranks it 2nd"),
        ("nowhere", Cause.BOTH_MISS, False, "not among the 1 it returned"),
        ("gone", Cause.NOT_IN_CORPUS, True, "the corpus has no document 'd9'"),
    ]
    assert json.dumps([s.cause for s in lost])
