"""How long error analysis takes on 10,000 chunks."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pytest

from goldsets.diagnosis.attribute import diagnose
from goldsets.diagnosis.trail import trail
from goldsets.evaluation.measures import Measure
from goldsets.evaluation.sweep import Board
from goldsets.types import Evidence, GoldSet, Query
from retrieval.ingest.chunk import FixedTokens
from retrieval.pipeline import Pipeline
from retrieval.query.assemble import Context
from retrieval.query.lexical import BM25
from retrieval.query.rerank import Rescore
from retrieval.runtime import Runtime
from retrieval.store import Workspace
from retrieval.types import Corpus, Document

T = TypeVar("T")
MEASURE = Measure("R", 10)
PIPELINE = Pipeline(chunk=FixedTokens(size=50), rerank=Rescore(late=0.0), assemble=Context())


def handbook() -> tuple[Corpus, GoldSet]:
    """Documents of random words by Zipf's law, and 300 queries of words of a passage."""
    rng = np.random.default_rng(0)
    weight = 1 / np.arange(3, 8_003)
    vocabulary = np.array([f"w{i}" for i in range(len(weight))])
    documents, queries, judged = [], [], {}
    for i in range(500):
        words = rng.choice(vocabulary, 450, p=weight / weight.sum()).tolist()
        documents.append(Document(f"d{i}", text := " ".join(words)))
        if i < 300:
            start = text.index(" ", int(rng.integers(0, len(text) - 300))) + 1
            end = text.index(" ", start + 150)
            asked = rng.choice(text[start:end].split(), 4, replace=False)
            queries.append(Query(f"q{i}", " ".join(asked)))
            judged[f"q{i}"] = (Evidence.of(f"d{i}", text, start, end),)
    return Corpus(tuple(documents), "c", 1), GoldSet("g", "c", tuple(queries), judged)


def timed(what: str, limit: float, run: Callable[[], T]) -> T:
    begun = time.process_time()
    found = run()
    spent = time.process_time() - begun
    print(f"{what}: {spent:.2f} s of processor")
    assert spent < limit, what
    return found


@pytest.mark.slow
def test_300_queries_on_10_000_chunks(workspace: Workspace) -> None:
    corpus, gold = handbook()
    trail(Board(gold, corpus, Runtime(workspace)), PIPELINE, MEASURE)
    board = Board(gold, corpus, Runtime(workspace))
    t = timed("trail, from caches", 3, lambda: trail(board, PIPELINE, MEASURE))
    assert len(t.steps.index.chunks.value) > 10_000
    found = timed("diagnosis", 10, lambda: diagnose(t))
    assert len(found.losses) > 30
    query = np.array([found.losses[0].query])
    for changed in (
        replace(PIPELINE, pool=300),
        replace(PIPELINE, rerank=None),
        replace(PIPELINE, first=(BM25(k1=0.9, b=0.4),)),
        replace(PIPELINE, assemble=Context(max_tokens=500)),
    ):
        timed("what if", 1, lambda p=changed: t.only(query, p).lost)  # type: ignore[misc]
