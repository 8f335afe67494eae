"""BM25 against rank_bm25, bit-identical: 300 queries of 8 terms, top 100."""

from itertools import accumulate

import numpy as np
from rank_bm25 import BM25Okapi

from retrieval.ingest.lexical import CountTerms
from retrieval.ingest.tokenize import Words
from retrieval.query.lexical import Scorer, Weigh
from retrieval.runtime import Runtime
from retrieval.types import Chunks, Corpus, Document
from tests.benchmarks.harness import heading, medians, once, ratio, zipf_texts

QUERIES, TERMS, TOP = 300, 8, 100
GOALS = {5_000: ">= 100x", 50_000: ">= 1,000x", 200_000: ">= 1,400x"}
PEER_QUERIES = {5_000: 60, 50_000: 10, 200_000: 3}
"""Queries that rank_bm25 is given; its time is scaled."""


def scorer_of(texts: list[list[str]]) -> Scorer:
    """Index tokenized documents, one chunk each."""
    corpus = Corpus(tuple(Document(str(i), " ".join(t)) for i, t in enumerate(texts)))
    chunks = Chunks.of_spans([(0, len(d.text))] for d in corpus.documents)
    rt = Runtime()
    terms = Words().apply(corpus, rt)
    return Weigh("Okapi", 1.5, 0.75).apply(CountTerms(Words()).apply(corpus, terms, chunks, rt), rt)


def peer_top(peer: BM25Okapi, query: list[str]) -> np.ndarray:
    """Rank as rank_bm25's users do."""
    return np.argsort(-peer.get_scores(query), kind="stable")[:TOP]


def run(size: int) -> None:
    """Print the ratio at one size, after checking that not a bit differs."""
    texts = zipf_texts(size, 80, seed=0)
    rng = np.random.default_rng(1)
    queries = [
        rng.permutation(list(dict.fromkeys(texts[i])))[:TERMS].tolist()
        for i in rng.integers(size, size=QUERIES)
    ]
    peer, ours = BM25Okapi(texts), scorer_of(texts)
    for query in queries[:5]:
        scores, hit = ours.scores(query)
        assert (scores[hit] == peer.get_scores(query)[hit]).all(), "not bit-identical"
        found, _ = ours.top(query, TOP)
        wanted = [i for i in peer_top(peer, query) if hit[i]]
        assert found.tolist() == wanted, "not the same ranking"
    some = queries[: PEER_QUERIES[size]]
    room = np.empty(ours.size)
    spent = medians({"ours": lambda: [ours.top(q, TOP, room) for q in queries]})["ours"]
    theirs = once(lambda: [peer_top(peer, q) for q in some]) * QUERIES / len(some)
    ratio(f"BM25, {size:,} chunks, {QUERIES} queries", spent, theirs, GOALS[size])


def rechunk(size: int) -> None:
    """Print one more chunking, tokens cached, against rank_bm25 from text."""
    passages = [" ".join(t) for t in zipf_texts(size, 80, seed=2)]
    texts = [passages[i : i + 10] for i in range(0, size, 10)]
    corpus = Corpus(tuple(Document(str(i), " ".join(t)) for i, t in enumerate(texts)))
    ends = [list(accumulate(len(p) + 1 for p in t)) for t in texts]
    chunks = Chunks.of_spans(
        [(e - len(p) - 1, e - 1) for e, p in zip(own, t, strict=True)]
        for own, t in zip(ends, texts, strict=True)
    )
    rt, weigh = Runtime(), Weigh("Okapi", 1.5, 0.75)
    terms = Words().apply(corpus, rt)
    spent = medians(
        {
            "ours": lambda: weigh.apply(CountTerms(Words()).apply(corpus, terms, chunks, rt), rt),
            "rank_bm25": lambda: BM25Okapi([Words().tokens(p) for p in passages]),
        },
        rounds=3,
    )
    title = f"one more chunking, {len(chunks):,} chunks, tokens cached"
    ratio(title, spent["ours"], spent["rank_bm25"], ">= 15x at 50,000")


def main(sizes: tuple[int, ...] = (5_000, 50_000)) -> None:
    """Print all ratios."""
    heading("lexical: against rank_bm25.BM25Okapi, scores equal to the last bit")
    for size in sizes:
        run(size)
    rechunk(50_000)


if __name__ == "__main__":
    main()
