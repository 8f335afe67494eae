"""Every format that is written: what comes back is what went out, whatever it holds.

A format that is added to the registry is tested here without another line. What it may lose has to
be declared in `goldsets.formats.left`, which is what its users are told.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from goldsets.evaluation.run import Run
from goldsets.formats.base import whole
from goldsets.formats.left import ENCODED, LEFT, left
from goldsets.formats.names import encoded
from goldsets.formats.registry import (
    RUN_WRITERS,
    WRITERS,
    export_path,
    export_run,
    import_path,
    import_run,
)
from goldsets.formats.run_base import in_order
from goldsets.outside.placing import place
from goldsets.types import Evidence, GoldSet, Query
from retrieval.errors import InputError
from retrieval.types import Candidates, Chunks, Corpus, Document

ODD = [
    *(
        "한글",
        "공백 있음",
        "탭\t탭",
        "줄\n바꿈",
        "\r\n",
        ' "quoted" ',
        "🍕👩‍👩‍👧",
        "a:0-2",
        "a%20b",
    ),
    *(
        "nbsp\u00a0\u2028\x85",
        "<b>&amp;</b></doc>",
        "back\\slash",
        "\ufeffmark",
        "e\u0301",
        "é",
        "#,;",
    ),
    *("http://x/?a=%EA%B0%80", "Number: 1", "nul\0", "'", "q\tQ0 d 1"),
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12) | st.lists(
    st.sampled_from(ODD), min_size=1, max_size=3
).map("".join)
FILLED = TEXTS.filter(str.strip)
MANY = 100_000


def gold_of(ids: list[str], texts: list[str]) -> tuple[GoldSet, Corpus]:
    """Ask of document i in every way that gold knows: parts, alternatives, grades from 0 to 3."""
    documents = tuple(
        Document(name, text, f"제목 {text}", metadata={"author": text, "year": 2020})
        for name, text in zip(ids, texts, strict=True)
    )
    queries, evidence = [], {}
    for i, (name, text) in enumerate(zip(ids, texts, strict=True)):
        any_ = i % 2 == 1
        queries.append(Query(name, text, "ko", (text,), "any" if any_ else "all", "imported"))
        one, two, three = (documents[(i + j) % len(ids)] for j in range(3))
        parts = ("", "") if any_ else ("1", "2")
        evidence[name] = (whole(one, 1 + i % 3, parts[0]), whole(two, 2, parts[1]), whole(three, 0))
    return GoldSet("gold", "corpus", tuple(queries), evidence), Corpus(documents)


def told(format_: str, gold: GoldSet, corpus: Corpus) -> tuple[GoldSet, Corpus]:
    """Change gold as a format says it does: nothing else may come back otherwise."""
    lost, pattern = LEFT.get(format_, ()), ENCODED.get(format_)
    names = {name: encoded(name, pattern) if pattern else name for name in corpus.row}
    without = {"language": "", "tags": (), "needs": "all", "part": "", "grade": 3}

    def kept(value: Any, **more: Any) -> Any:
        fields = {f: without[f] for f in lost if f in without and hasattr(value, f)}
        return replace(value, **fields, **more)

    queries = tuple(kept(q, id=names[q.id]) for q in gold.queries)
    evidence = {
        names[q]: tuple(
            kept(e, document=names[e.document]) for e in found if e.grade or "grade" not in lost
        )
        for q, found in gold.evidence.items()
    }
    fields = ("author",) if "metadata" in lost else ("author", "year")
    documents = tuple(
        replace(d, id=names[d.id], metadata={f: d.metadata[f] for f in fields})
        for d in corpus.documents
    )
    return GoldSet("gold", "corpus", queries, evidence), Corpus(documents)


def there_and_back(format_: str, gold: GoldSet, corpus: Corpus) -> None:
    with tempfile.TemporaryDirectory() as folder:
        counts = export_path(format_, gold, corpus, Path(folder) / "out")
        got, report = import_path(format_, Path(folder) / "out", strict=True)
    gold, corpus = told(format_, gold, corpus)
    assert list(report.lines()) == []
    assert GoldSet("gold", "corpus", got.queries, got.evidence).version == gold.version
    assert got.documents == (corpus.documents if "documents" in counts else ())
    found = {"queries": len(got.queries), "judgments": sum(map(len, got.evidence.values()))}
    assert counts == found | ({"documents": len(corpus)} if "documents" in counts else {})


@pytest.mark.parametrize("format_", WRITERS)
@settings(max_examples=40, deadline=None)
@given(st.lists(FILLED, min_size=3, max_size=6, unique=True), st.data())
@example([name for name in ODD if name.strip()], None)
def test_gold_comes_back_as_it_was(format_: str, ids: list[str], data: Any) -> None:
    texts = data.draw(st.lists(FILLED, min_size=len(ids), max_size=len(ids))) if data else ids
    gold, corpus = gold_of(ids, texts)
    with refused(format_, ids, "".join(texts)):
        there_and_back(format_, gold, corpus)


@contextmanager
def refused(format_: str, ids: list[str], texts: str = "") -> Iterator[None]:
    """Let a refusal pass that has a reason: a NUL in a text of TREC, or two ids alike."""
    pattern = ENCODED.get(format_)
    alike = pattern is not None and len({encoded(i, pattern) for i in ids}) < len(ids)
    if alike or (format_ == "trec" and "\0" in texts):
        with pytest.raises(InputError, match=r"would be the same|NUL"):
            yield
    else:
        yield


@pytest.mark.slow
@pytest.mark.parametrize("format_", WRITERS)
def test_a_hundred_thousand_judgments(format_: str) -> None:
    """In and out again, every one of them."""
    gold, corpus = gold_of(
        ids := [f"문서-{i}" for i in range(MANY // 50)], [f"{i} 🍕\n" for i in ids]
    )
    documents = corpus.documents
    evidence = {
        q.id: tuple(
            whole(documents[(i * 7 + j * 3) % len(documents)], part="" if i % 2 else f"{j + 1}")
            for j in range(50)
        )
        for i, q in enumerate(gold.queries)
    }
    gold = replace(gold, evidence=evidence)
    assert gold.judgments == MANY
    there_and_back(format_, gold, corpus)


@pytest.mark.parametrize("format_", RUN_WRITERS)
@settings(max_examples=40, deadline=None)
@given(st.lists(FILLED, min_size=2, max_size=6, unique=True), st.integers(0, 99))
@example([name for name in ODD if name.strip()], 0)
@example([name for name in ODD if name.strip() and "%" not in name], 0)
def test_a_run_comes_back_as_it_was(format_: str, ids: list[str], seed: int) -> None:
    rng = np.random.default_rng(seed)
    corpus = Corpus(tuple(Document(name, f"본문 {name}") for name in ids))
    gold = GoldSet("gold", "corpus", tuple(Query(name, name) for name in ids))
    cuts = [
        [(0, 2), (2, len(d.text))] if i % 2 else [(0, len(d.text))]
        for i, d in enumerate(corpus.documents)
    ]
    chunks = Chunks.of_spans(cuts)
    ranked = np.array([rng.permutation(len(chunks)) for _ in ids], np.int32)
    scores = -np.sort(-rng.integers(0, 3, ranked.shape).astype(float))
    ranking = Candidates(ranked, scores)
    run = Run("id", "v ariant", {}, "gold", "v", "corpus", 1, "k", tuple(ids), ranking, {})
    with tempfile.TemporaryDirectory() as folder, refused(format_, ids):
        path = Path(folder) / "out"
        counts = export_run(format_, run, chunks, gold, corpus, path)
        rows, report = import_run(format_, path, corpus, strict=True)
        found = place(corpus, in_order(rows, gold, report))
        assert list(report.lines()) == []
        assert counts == {"queries": len(ids), "hits": ranked.size}
        assert found.counts["position"] == ranked.size
        for name in ("document", "start", "end"):
            back = getattr(found.chunks, name)[found.ranking.ids]
            np.testing.assert_array_equal(back, getattr(chunks, name)[ranked])
        if format_ != "trec":  # which orders by scores, so that equal ones are written apart
            np.testing.assert_array_equal(found.ranking.scores, scores)


def test_what_is_left_out_is_said() -> None:
    gold, corpus = gold_of(["a b", "c", "d"], ["one", "two", "three"])
    found = Evidence.of("c", "two", 0, 2, 1)
    gold = replace(gold, evidence={**gold.evidence, "c": (found,)})
    assert list(left("pizza", gold, corpus)) == []
    assert list(left("trec", gold, corpus)) == [
        "trec has no place for the tags of 3 queries",
        "trec has no place for the language of 3 queries",
        "trec has no place for the needs of 1 query",
        "percent-encoded: the id of 1 query",
        "trec has no place for the metadata of 3 documents",
        "percent-encoded: the id of 1 document",
        "trec has no place for the span of 1 judgment",
        "trec has no place for the part of 4 judgments",
    ]
