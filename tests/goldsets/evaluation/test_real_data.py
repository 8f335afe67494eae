"""Figures on public data, against independent scripts and published ones."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rank_bm25

from goldsets.evaluation.measures import parse_measure
from goldsets.evaluation.score import score
from goldsets.evaluation.spec import Variant
from goldsets.evaluation.sweep import Board
from goldsets.formats.registry import import_path
from goldsets.types import GoldSet
from retrieval.ingest.chunk import Chunker, FixedTokens, Given, Recursive
from retrieval.ingest.contextualize import Headings
from retrieval.ingest.tokenize import Identifiers, Words
from retrieval.pipeline import Pipeline, pipeline_of
from retrieval.query.lexical import BM25
from retrieval.runtime import Runtime
from retrieval.types import Corpus

pytestmark = pytest.mark.data


def imported(format_: str, folder: Path, **options: str) -> tuple[GoldSet, Corpus]:
    read, _ = import_path(format_, folder, **options)
    corpus = Corpus(read.documents, format_, 1)
    return GoldSet(format_, format_, read.queries, read.evidence), corpus


def means(
    gold: GoldSet, corpus: Corpus, pipeline: Pipeline, names: Sequence[str]
) -> dict[str, float]:
    """Return the means in points of a hundred."""
    board = Board(gold, corpus, Runtime())
    prepared = board.prepare(Variant("v", pipeline))
    measures = [parse_measure(n) for n in names]
    values = board.values(prepared.index, prepared.ranking.value.ids, measures)
    found = {n: 100 * float(np.nanmean(v)) for n, v in zip(names, values, strict=True)}
    print(found)
    return found


def guides_pass_at_k(folder: Path, paths: bool) -> dict[str, float]:
    """Compute what the Contextual Retrieval guide calls Pass@k, by its rules, with rank_bm25."""
    documents = json.loads((folder / "codebase_chunks.json").read_text(encoding="utf-8"))
    lines = (folder / "evaluation_set.jsonl").read_text(encoding="utf-8").splitlines()
    rows = (line.split(",", 2) for line in (folder / "paths.csv").read_text().splitlines()[1:])
    name = {uuid: f"{repo}/{path.lstrip('/')}" for uuid, repo, path in rows}
    chunks: dict[tuple[str, int], str] = {}
    indexed = []
    for document in documents:
        uuid = document["original_uuid"]
        for chunk in document["chunks"]:
            chunks[uuid, chunk["original_index"]] = chunk["content"].strip()
            indexed.append((f"{name[uuid]}\n" if paths else "") + chunk["content"])
    tokens = Identifiers().tokens
    index = rank_bm25.BM25Okapi([tokens(text) for text in indexed], k1=0.9, b=0.4)
    texts, passed = list(chunks.values()), {5: 0.0, 10: 0.0, 20: 0.0}
    for query in map(json.loads, lines):
        order = np.argsort(-index.get_scores(tokens(query["query"])), kind="stable")
        golden = [chunks[uuid, i] for uuid, i in query["golden_chunk_uuids"]]
        for k in passed:
            retrieved = {texts[c] for c in order[:k]}
            passed[k] += sum(text in retrieved for text in golden) / len(golden)
    return {f"R@{k}": 100 * total / len(lines) for k, total in passed.items()}


@pytest.mark.parametrize("paths", [False, True], ids=["plain", "file path as context"])
def test_anthropic_contextual_equals_the_guides_own_measure(pizza_data: Path, paths: bool) -> None:
    folder = pizza_data / "anthropic-contextual"
    pipeline = pipeline_of(
        {
            "chunk": "Given",
            "contextualize": "Headings" if paths else None,
            "first": [{"BM25": {"k1": 0.9, "b": 0.4, "tokenize": "Identifiers"}}],
        }
    )
    got = means(*imported("contextual-retrieval", folder), pipeline, ["R@5", "R@10", "R@20"])
    expected = guides_pass_at_k(folder, paths)
    print(expected)
    assert got == pytest.approx(expected, abs=1.0)


PUBLISHED: list[tuple[Chunker, float]] = [
    (Recursive(size=200, vocabulary="cl100k"), 29.9),
    (Recursive(size=400, vocabulary="cl100k"), 17.7),
    (FixedTokens(size=200, vocabulary="cl100k", whole_words=False), 21.0),
    (FixedTokens(size=400, vocabulary="cl100k", whole_words=False), 12.5),
    (FixedTokens(size=400, overlap=200, vocabulary="cl100k", whole_words=False), 8.4),
    (FixedTokens(size=800, overlap=400, vocabulary="cl100k", whole_words=False), 4.7),
]


def test_chunking_eval_reproduces_the_published_precision_omega(pizza_data: Path) -> None:
    """Source: Smith and Troynikov, "Evaluating Chunking Strategies for Retrieval", Chroma 2024."""
    board = Board(*imported("chunking-eval", pizza_data / "chunking-eval"), Runtime())
    omega = [parse_measure("PrecisionOmega")]
    found = []
    for chunker, _ in PUBLISHED:
        index = Pipeline(chunk=chunker).ingest(board.corpus, board.rt)
        nothing = np.full((1, len(board.queries), 1), -1, np.int32)
        found.append(100 * float(np.mean(score(board.target(index), nothing, omega))))
    print([round(f, 2) for f in found])
    assert found == pytest.approx([p for _, p in PUBLISHED], abs=0.5)


def test_cranfield_by_position_and_by_num(pizza_data: Path) -> None:
    """Measured by others with BM25 of Lucene: .384, and .009 where the ids are joined wrongly."""
    bm25 = Pipeline(
        chunk=Given(),
        contextualize=Headings(),
        first=(BM25(tokenize=Words(stop_words=True, stem=True)),),
    )
    found: dict[str, Any] = {
        way: means(*imported("trec", pizza_data / "cranfield", topics_by=way), bm25, ["nDCG@10"])
        for way in ("position", "num")
    }
    assert found["position"]["nDCG@10"] == pytest.approx(38.4, abs=0.5)
    assert found["num"]["nDCG@10"] < 5
