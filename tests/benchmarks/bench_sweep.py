"""A 48-variant sweep against the plain loop: rank_bm25 and chromadb, rebuilt for each variant.

4 chunkings x {BM25, dense, both by RRF} x k in {5, 10, 20, 50}; 300 queries; gold as spans. Both
sides use the same word vectors in place of a model, cached on both sides.
"""

import math
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rank_bm25 import BM25Okapi

from goldsets.evaluation.measures import parse_measure
from goldsets.evaluation.score import score
from goldsets.evaluation.spec import Variant, named
from goldsets.evaluation.sweep import Board
from goldsets.types import Evidence, GoldSet, Query
from retrieval.ingest.chunk import FixedTokens
from retrieval.ingest.embed import Embedder, Purpose
from retrieval.pipeline import Pipeline
from retrieval.query.dense import Dense
from retrieval.query.lexical import BM25
from retrieval.runtime import Runtime
from retrieval.types import Corpus, Document, Float32
from tests.benchmarks.harness import heading, once, ratio, zipf_texts

DOCUMENTS, QUERIES, DEPTH, DIMENSIONS = 1_000, 300, 200, 256
CHUNKINGS = ((100, 0), (100, 20), (80, 10), (120, 30))
KS = (5, 10, 20, 50)
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class WordVectors(Embedder):
    """The mean of a fixed random vector a word: quick, and the same on both sides."""

    identity = "word-vectors"
    dimensions = DIMENSIONS

    def embed_batch(self, texts: Sequence[str], purpose: Purpose) -> Float32:
        """Embed by a table."""
        return np.stack([vector(text) for text in texts])


_table: dict[str, np.ndarray] = {}
_seen: dict[str, np.ndarray] = {}


def vector(text: str) -> np.ndarray:
    """Return a text's unit vector, remembered."""
    if text not in _seen:
        rows = [_word(w) for w in WORD.findall(text)] or [np.ones(DIMENSIONS, np.float32)]
        mean = np.mean(rows, axis=0)
        _seen[text] = mean / np.linalg.norm(mean)
    return _seen[text]


def _word(word: str) -> np.ndarray:
    if word not in _table:
        seed = int.from_bytes(word.encode()[-8:].rjust(8, b"\0"), "big")
        _table[word] = np.random.default_rng(seed).standard_normal(DIMENSIONS, dtype=np.float32)
    return _table[word]


def data() -> tuple[Corpus, GoldSet]:
    """Make documents, and queries of eight words of a span of twenty."""
    texts = [" ".join(t) for t in zipf_texts(DOCUMENTS, 420, seed=3)]
    corpus = Corpus(tuple(Document(f"d{i}", t) for i, t in enumerate(texts)))
    rng = np.random.default_rng(5)
    queries, evidence = [], {}
    while len(queries) < QUERIES:
        d = int(rng.integers(DOCUMENTS))
        spans = [m.span() for m in WORD.finditer(texts[d])]
        if len(spans) < 60:
            continue
        at = int(rng.integers(len(spans) - 25))
        start, end = spans[at][0], spans[at + 20][1]
        words = rng.permutation(WORD.findall(texts[d][start:end]))[:8]
        name = f"q{len(queries)}"
        queries.append(Query(name, " ".join(words)))
        evidence[name] = (Evidence.of(f"d{d}", texts[d], start, end),)
    return corpus, GoldSet("g", "c", tuple(queries), evidence)


def variants() -> tuple[Variant, ...]:
    """Spell the grid out; k is a cutoff of the measures, so one ranking serves all four."""
    stages = ((BM25(),), (Dense(),), (BM25(), Dense()))
    return named(
        Pipeline(chunk=FixedTokens(size=s, overlap=o), first=first, embed=WordVectors(), pool=DEPTH)
        for s, o in CHUNKINGS
        for first in stages
    )


MEASURES = [parse_measure(f"{m}@{k}") for k in KS for m in ("R", "nDCG", "RR", "AP")]


def ours(corpus: Corpus, gold: GoldSet) -> list[np.ndarray]:
    """Run all variants from raw text, nothing kept from before."""
    board = Board(gold, corpus, Runtime())
    values = []
    for variant in variants():
        laid = board.prepare(variant)
        values.append(score(board.target(laid.index), laid.ranking.value.ids[None], MEASURES)[:, 0])
    return values


def plain(
    corpus: Corpus, gold: GoldSet, chunkings: list[list[tuple[int, int, int]]]
) -> list[float]:
    """Do what a script does: for every variant cut, index, ask and score anew."""
    import chromadb
    from chromadb.config import Settings

    scores = []
    for spans in chunkings:
        for kind in ("bm25", "dense", "both"):
            for k in KS:
                texts = [corpus.documents[d].text[a:b] for d, a, b in spans]
                relevant = [_relevant(gold, q, corpus, spans) for q in gold.queries]
                lists = []
                if kind != "dense":
                    index = BM25Okapi([WORD.findall(t) for t in texts])
                    found = [index.get_scores(WORD.findall(q.text)) for q in gold.queries]
                    lists.append([np.argsort(s)[::-1][:DEPTH].tolist() for s in found])
                if kind != "bm25":
                    folder = tempfile.mkdtemp()
                    client = chromadb.PersistentClient(folder, Settings(anonymized_telemetry=False))
                    held = client.create_collection("chunks", embedding_function=None)
                    rows = [vector(t) for t in texts]
                    for i in range(0, len(rows), 5_000):
                        ids = [str(n) for n in range(i, min(i + 5_000, len(rows)))]
                        held.add(ids=ids, embeddings=rows[i : i + 5_000])
                    asked = [vector(q.text) for q in gold.queries]
                    few = [asked[i : i + 100] for i in range(0, len(asked), 100)]  # SQLite's limit
                    lists.append(
                        [
                            [int(n) for n in row]
                            for part in few
                            for row in held.query(query_embeddings=part, n_results=DEPTH)["ids"]
                        ]
                    )
                    shutil.rmtree(folder, ignore_errors=True)
                ranked = [_fused([part[q] for part in lists]) for q in range(len(gold.queries))]
                scores.append(
                    float(
                        np.mean(
                            [_measures(r[:k], rel) for r, rel in zip(ranked, relevant, strict=True)]
                        )
                    )
                )
    return scores


def _relevant(
    gold: GoldSet, query: Query, corpus: Corpus, spans: list[tuple[int, int, int]]
) -> set[int]:
    (e,) = gold.of(query)
    d = corpus.row[e.document]
    half = (e.end - e.start) / 2
    return {
        i for i, (n, a, b) in enumerate(spans) if n == d and min(b, e.end) - max(a, e.start) >= half
    }


def _fused(lists: list[list[int]]) -> list[int]:
    total: dict[int, float] = {}
    for ranking in lists:
        for rank, i in enumerate(ranking, 1):
            total[i] = total.get(i, 0.0) + 1 / (60 + rank)
    return sorted(total, key=lambda i: -total[i])


def _measures(ranking: list[int], relevant: set[int]) -> float:
    hits = [i in relevant for i in ranking]
    gain = sum(h / math.log2(n + 2) for n, h in enumerate(hits))
    first = next((1 / (n + 1) for n, h in enumerate(hits) if h), 0.0)
    precision = sum(sum(hits[: n + 1]) / (n + 1) for n, h in enumerate(hits) if h)
    return (sum(hits) + gain + first + precision) / max(len(relevant), 1)


def more_cutoffs(corpus: Corpus, gold: GoldSet) -> float:
    """Return what ten more k add to a sweep, as a share of it."""
    board = Board(gold, corpus, Runtime())
    laid = [board.prepare(v) for v in variants()]
    whole = once(lambda: [board.values(p.index, p.ranking.value.ids, MEASURES) for p in laid])
    more = [parse_measure(f"R@{k}") for k in range(51, 61)]
    added = once(lambda: [board.values(p.index, p.ranking.value.ids, more) for p in laid])
    return added / whole


def main() -> None:
    """Print the ratio; the plain loop takes minutes."""
    heading("sweep: 48 variants, 300 queries, against rank_bm25 + chromadb rebuilt for each")
    corpus, gold = data()
    ours(corpus, gold)  # fill the vectors both sides share
    spent = min(once(lambda: ours(corpus, gold)) for _ in range(3))
    print(f"  ten more k add {more_cutoffs(corpus, gold):.2%} of a sweep" + " " * 30 + "goal < 1%")
    board = Board(gold, corpus, Runtime())
    cut = []
    for variant in variants()[::3]:
        chunks = board.prepare(variant).index.chunks.value
        cut.append(
            list(
                zip(
                    chunks.document.tolist(),
                    chunks.start.tolist(),
                    chunks.end.tolist(),
                    strict=True,
                )
            )
        )
    theirs = once(lambda: plain(corpus, gold, cut))
    ratio("48 variants from raw text, vectors cached on both sides", spent, theirs, ">= 200x")


if __name__ == "__main__":
    main()
