"""Small corpora, chunkings and gold for tests."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from goldsets.evaluation.target import Target
from goldsets.evidence import anchor
from goldsets.types import Evidence, GoldSet, Query
from retrieval.ingest.tokens import Tokens
from retrieval.types import Chunks, Corpus, Document

Judged = Mapping[str, Sequence[Evidence]]


def corpus_of(*texts: str) -> Corpus:
    return Corpus(tuple(Document(f"d{i}", text) for i, text in enumerate(texts)), "corpus", 1)


def distinct_text(length: int, first: int) -> str:
    """A text in which no character occurs twice, nor in one that starts `length` further on."""
    return "".join(chr(0x4E00 + first + i) for i in range(length))


def gold_of(queries: Sequence[Query], judged: Judged) -> GoldSet:
    evidence = {q: tuple(e) for q, e in judged.items() if e}
    return GoldSet("gold", "corpus", tuple(queries), evidence)


def one_token_a_character(corpus: Corpus) -> Tokens:
    starts = [np.arange(len(d.text), dtype=np.int32) for d in corpus.documents]
    return Tokens(np.concatenate(starts), corpus.base)


def target_of(
    gold: GoldSet, corpus: Corpus, chunks: Chunks, tokens: Tokens | None = None
) -> Target:
    return Target(anchor(gold, corpus), corpus, chunks, tokens or one_token_a_character(corpus))


SAMPLE_TEXTS = (
    "Dough rests a night in the cold. Flour, water, salt and a little yeast are all it takes.",
    "The oven is as hot as it gets. A stone or a steel stores heat. Bake for eight minutes.",
    "Tomatoes are crushed by hand. Salt them. Basil goes on last, after the oven.",
    "Mozzarella is torn and drained for an hour, or else the pizza is wet. 치즈는 물기를 뺀다.",
    "Guests come at seven. Cold beer and a salad wait. Nobody counts the slices.",
)
SAMPLE_QUERIES = (
    ("how long does dough rest", 0, "rests a night in the cold"),
    ("baking time in the oven", 1, "Bake for eight minutes"),
    ("when does basil go on", 2, "Basil goes on last, after the oven."),
    ("why is my pizza wet", 3, "drained for an hour, or else the pizza is wet"),
    ("치즈 물기", 3, "치즈는 물기를 뺀다."),
    ("what to drink", 4, "Cold beer"),
)


def sample_corpus() -> Corpus:
    return corpus_of(*SAMPLE_TEXTS)


def sample_gold(corpus: Corpus | None = None) -> GoldSet:
    corpus = corpus or sample_corpus()
    queries, judged = [], {}
    for i, (text, row, quote) in enumerate(SAMPLE_QUERIES):
        document = corpus.documents[row]
        start = document.text.index(quote)
        queries.append(Query(f"q{i}", text))
        judged[f"q{i}"] = [Evidence.of(document.id, document.text, start, start + len(quote))]
    return gold_of(queries, judged)


def lasting(result: dict[str, Any]) -> dict[str, Any]:
    """Leave out what tells how a sweep went, and keep what it found."""
    kept = {k: v for k, v in result.items() if k not in ("seconds", "stages", "texts_embedded")}
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in result["variants"]]
    return {**kept, "variants": rows}
