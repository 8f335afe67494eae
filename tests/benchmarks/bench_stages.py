"""What stands around a search: ingest, the assembling of contexts, error analysis.

Ingest is held against markdown-it-py rendering the same files, assembling against its plain
definitions, error analysis against the search that it explains.
"""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from markdown_it import MarkdownIt

from goldsets.diagnosis.attribute import diagnose
from goldsets.diagnosis.trail import trail
from goldsets.evaluation.measures import Measure
from goldsets.evaluation.sweep import Board
from goldsets.types import Evidence, GoldSet, Query
from retrieval.ingest.chunk import ByHeading, FixedTokens
from retrieval.ingest.contextualize import Headings
from retrieval.ingest.enrich import ENRICHERS
from retrieval.ingest.read import read_paths
from retrieval.pipeline import Pipeline
from retrieval.query.assemble import Context
from retrieval.query.rerank import Rescore
from retrieval.runtime import Runtime
from retrieval.types import Candidates, Corpus, Document, Queries
from tests.benchmarks.harness import cost, heading, once, ratio, zipf_texts

QUERIES, CANDIDATES, PEER = 300, 150, 3


def ingest() -> None:
    """Read, cut, enrich and index the documentation of two projects, if it is here."""
    if "PIZZA_DATA" not in os.environ:
        print("  ingest: set PIZZA_DATA to the folder of public data (tests/data.md)")
        return
    data = Path(os.environ["PIZZA_DATA"])
    folders = [data / "docs-streamlit/content", data / "docs-fastapi/docs/ko"]
    enrich = tuple(stage() for stage in ENRICHERS)
    pipeline = Pipeline(chunk=ByHeading(), enrich=enrich, contextualize=Headings())
    texts = [p.read_text(encoding="utf-8") for f in folders for p in sorted(f.rglob("*.md"))]

    def ours() -> None:
        rt = Runtime()
        index = pipeline.ingest(Corpus(tuple(read_paths(folders).documents)), rt)
        for made in (index.tokens, *index.fields, pipeline.search(index, Queries(("a",)), rt)):
            made.value  # noqa: B018 - made when read

    def theirs() -> None:
        for text in texts:
            MarkdownIt().render(text)

    theirs()
    title = f"ingest of {len(texts)} files: markdown-it-py"
    cost(title, once(ours), once(theirs), "<= 4x")


def assembling() -> None:
    """Merge, diversify and join the candidates of 300 queries, and fit them under a cap."""
    rng = np.random.default_rng(0)
    texts = [" ".join(words) for words in zipf_texts(200, 1_500, 0)]
    corpus = Corpus(tuple(Document(f"d{i}", text) for i, text in enumerate(texts)))
    index = Pipeline(chunk=FixedTokens(size=200, overlap=40)).ingest(corpus, Runtime())
    chunks = index.chunks.value
    ids = np.stack([rng.permutation(len(chunks))[:CANDIDATES] for _ in range(QUERIES)])
    ranking = Candidates(ids.astype(np.int32), np.tile(-np.arange(150.0), (QUERIES, 1)))
    stage = Context(diversity=0.3, per_document=5, neighbours=1, order="edges", max_tokens=8000)

    def ours() -> None:
        stage.apply(corpus, chunks, ranking, rt=Runtime())

    def theirs() -> None:
        for row in ids[:PEER].tolist():
            plainly([chunks.text(corpus, c) for c in row], stage.duplicates, stage.diversity)

    ours()
    title = f"contexts of {QUERIES} queries x {CANDIDATES}: by definition"
    ratio(title, once(ours), once(theirs) * QUERIES / PEER, ">= 30x")


def plainly(texts: list[str], duplicates: float, diversity: float) -> list[int]:
    """Merge near duplicates and order by maximal marginal relevance, as they are defined."""
    split = [text.casefold().split() for text in texts]
    sets = [{tuple(w[i : i + 4]) for i in range(max(1, len(w) - 3))} for w in split]

    def alike(a: int, b: int) -> float:
        return len(sets[a] & sets[b]) / len(sets[a] | sets[b])

    left: list[int] = []
    for i in range(len(texts)):
        if all(alike(i, j) < duplicates for j in left):
            left.append(i)
    relevance = dict(zip(left, np.linspace(1, 0, len(left)).tolist(), strict=True))
    nearest, order = dict.fromkeys(left, 0.0), []
    while left:
        best = max(left, key=lambda i: (1 - diversity) * relevance[i] - diversity * nearest[i])
        left.remove(best)
        order.append(best)
        nearest |= {i: max(nearest[i], alike(i, best)) for i in left}
    return order


def handbook() -> tuple[Corpus, GoldSet]:
    """Make documents, and queries of words of a passage."""
    rng = np.random.default_rng(0)
    documents, queries, judged = [], [], {}
    for i, words in enumerate(zipf_texts(500, 450, 0)):
        documents.append(Document(f"d{i}", text := " ".join(words)))
        if i < QUERIES:
            start = int(rng.integers(0, len(text) // 2))
            asked = rng.choice(text[start : start + 150].split(), 4)
            queries.append(Query(f"q{i}", " ".join(asked.tolist())))
            judged[f"q{i}"] = (Evidence.of(f"d{i}", text, start, start + 150),)
    return Corpus(tuple(documents), "c", 1), GoldSet("g", "c", tuple(queries), judged)


def error_analysis() -> None:
    """Say where each piece of evidence was lost, and what a change would do for one query."""
    corpus, gold = handbook()
    pipeline = Pipeline(chunk=FixedTokens(size=50), rerank=Rescore(late=0.0), assemble=Context())
    board = Board(gold, corpus, Runtime())
    t = trail(board, pipeline, Measure("R", 10))
    pipeline.search(t.steps.index, Queries(("warm up",)), board.rt).value  # noqa: B018
    search = once(lambda: pipeline.search(t.steps.index, board.queries, Runtime()).value)
    found = diagnose(t)
    chunks, lost = len(t.steps.index.chunks.value), len(found.losses)
    title = f"diagnosis of {QUERIES} queries, {chunks:,} chunks, {lost} lost: search"
    diagnosis = once(lambda: diagnose(trail(board, pipeline, Measure("R", 10))))
    cost(title, diagnosis, search, "<= 2x")
    query, changed = np.array([found.losses[0].query]), replace(pipeline, pool=300)
    tried = once(lambda: t.only(query, changed).lost)
    cost("a what-if on one query: search", tried, search, "<= 0.1x")


def main() -> None:
    """Print all ratios."""
    heading("stages: ingest, contexts, error analysis")
    ingest()
    assembling()
    error_analysis()


if __name__ == "__main__":
    main()
