"""Filters against plain loops, and every first stage under them."""

import fnmatch
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import SpecError
from retrieval.ingest.chunk import Given
from retrieval.pipeline import Pipeline, full_spec, pipeline_of, short_spec, slot_value
from retrieval.query.dense import Dense
from retrieval.query.filter import Equals, Exists, Filter, Glob, In, Not, Range
from retrieval.query.first import Retriever
from retrieval.query.fuse import RRF
from retrieval.query.lexical import BM25
from retrieval.query.regex import Regex
from retrieval.query.rerank import Rescore
from retrieval.runtime import Runtime
from retrieval.store import Workspace
from retrieval.types import Candidates, Corpus, Document, Queries
from tests.retrieval.making import Hashed, index_of, whole_documents

DOCS = Corpus(
    (
        Document("docs/a.md", "one ERR_1", "A", "text/markdown", {"lang": "ko", "year": 2023}),
        Document("docs/b.md", "two ERR_1 ERR_1", "B", metadata={"lang": "en", "year": 2024}),
        Document(
            "blog/c.md", "three", metadata={"lang": None, "year": 2024.0, "date": "2024-05-01"}
        ),
        Document("blog/d.md", "four ERR_1", metadata={"draft": True, "year": "2024"}),
    )
)


def kept(stage: Filter, corpus: Corpus = DOCS) -> list[int]:
    mask = stage.apply(corpus, whole_documents(corpus), rt=Runtime())
    assert mask.dtype == bool
    return np.flatnonzero(mask).tolist()


@pytest.mark.parametrize(
    ("stage", "rows"),
    [
        (Equals("lang", "ko"), [0]),
        (Equals("lang", "KO"), []),
        (Equals("year", 2024), [1, 2]),
        (Equals("year", "2024"), [3]),
        (Equals("draft", True), [3]),
        (Equals("media", "text/markdown"), [0]),
        (In("lang", ("ko", "en", "ja")), [0, 1]),
        (In("lang"), []),
        (Range("year", 2024, None), [1, 2]),
        (Range("year", None, 2023.5), [0]),
        (Range("year"), [0, 1, 2, 3]),
        (Range("date", "2024", "2024-12"), [2]),
        (Range("year", "2000", None), [3]),
        (Glob("id", "docs/*"), [0, 1]),
        (Glob("id", "*[ac].md"), [0, 2]),
        (Glob("year", "*"), [3]),
        (Exists("lang"), [0, 1]),
        (Exists("title"), [0, 1, 2, 3]),
        (Not(Exists("lang")), [2, 3]),
        (Not(Equals("lang", "ko")), [1, 2, 3]),
    ],
)
def test_what_a_filter_keeps(stage: Filter, rows: list[int]) -> None:
    assert kept(stage) == rows


@pytest.mark.parametrize("cls", [Equals, In, Range, Glob, Exists])
def test_an_unknown_field_lists_those_there_are(cls: type[Any]) -> None:
    for stage in (cls("lng"), Not(cls("lng"))):
        with pytest.raises(SpecError) as error:
            kept(stage)
        says = f"{cls.__name__}.field: no document has the field 'lng'; did you mean 'lang'?"
        assert str(error.value) == f"{says} known: id, title, media, date, draft, lang, year"


def test_an_empty_corpus_keeps_nothing_and_asks_for_no_field() -> None:
    assert kept(Equals("lang", "ko"), Corpus(())) == []
    assert kept(Not(Exists("lang")), Corpus(())) == []


values = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "ab", "b", "1"])


@given(
    st.lists(values, min_size=1, max_size=6), values, values, st.sampled_from(["a*", "?", "[!a]"])
)
def test_filters_are_plain_comparisons(rows: list[Any], one: Any, other: Any, form: str) -> None:
    corpus = Corpus(tuple(Document(str(i), "x", metadata={"f": v}) for i, v in enumerate(rows)))
    there = [i for i, v in enumerate(rows) if v is not None]
    wanted = [v for v in (one, other) if v is not None]
    assert kept(In("f", tuple(wanted)), corpus) == [i for i in there if rows[i] in wanted]
    for value in wanted:
        assert kept(Equals("f", value), corpus) == [i for i in there if rows[i] == value]
    texts = [i for i in there if isinstance(rows[i], str)]
    fits = [i for i in texts if fnmatch.fnmatchcase(rows[i], form)]
    assert kept(Glob("f", form), corpus) == fits
    assert kept(Not(Glob("f", form)), corpus) == [i for i in range(len(rows)) if i not in fits]
    for kind in (str, int):
        ends = [v for v in (one, other) if isinstance(v, kind) and not isinstance(v, bool)]
        if len(ends) == 2:
            low, high = sorted(ends)
            alike = [i for i in there if isinstance(rows[i], kind)]
            within = [i for i in alike if low <= rows[i] <= high]
            assert kept(Range("f", low, high), corpus) == within


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"Range": {"low": 2, "high": 1}}, "Range.high must be at least low, 2, not 1"),
        ({"Range": {"low": "a", "high": 1}}, "Range.high must be text where low is text"),
        ({"Range": {"low": True}}, "Range.low takes str or int or float or NoneType, not True"),
        ({"Equals": {"value": None}}, "Equals.value takes"),
        ({"Equals": {"value": ["a"]}}, "Equals.value takes"),
        ({"Equals": {"field": 3}}, "Equals.field takes str, not 3"),
        ({"In": {"values": "ko"}}, "In.values takes a list, not 'ko'"),
        ({"Not": {"filter": "Not"}}, "Not.filter has no stage 'Not'"),
        ("Equal", "filter has no stage 'Equal'; did you mean 'Equals'?"),
    ],
)
def test_a_bad_filter_says_what_is_wrong(spec: Any, says: str) -> None:
    with pytest.raises(SpecError) as error:
        pipeline_of({"filter": [spec]})
    assert says in str(error.value)


def test_specs_come_back_and_none_is_no_filter() -> None:
    filters = (Equals("year", 2024), In("lang", ("ko", 1)), Not(Range("date", None, "2024")))
    pipeline = Pipeline(filter=filters)
    for spec in (full_spec(pipeline), short_spec(pipeline)):
        assert pipeline_of(json.loads(json.dumps(spec))) == pipeline
    assert short_spec(Pipeline(filter=(Equals("lang", "ko"),))) == {
        "filter": [{"Equals": {"field": "lang", "value": "ko"}}]
    }
    for nothing in (None, "none", []):
        assert slot_value("filter", nothing) == ()
    assert slot_value("filter", {"Exists": {"field": "lang"}}) == (Exists("lang"),)


def test_labels_say_the_comparison() -> None:
    stages = [Equals("lang", "ko"), Equals("year", 2024), Equals("year", "2024"), Equals("d", True)]
    assert [s.label for s in stages] == ["lang = ko", "year = 2024", "year = '2024'", "d = true"]
    assert Range("year", 2020, None).label == "year 2020.."
    assert In("lang", ("ko", "en")).label == "lang in ko, en"
    assert Not(Glob("id", "docs/*")).label == "not id ~ docs/*"


TEXTS = st.lists(
    st.lists(st.sampled_from(["a", "b", "ERR_1", "ERR_2"]), max_size=5).map(" ".join), max_size=9
)
STAGES: list[Retriever] = [
    BM25(),
    BM25(variant="Plus"),
    BM25(variant="L"),
    Dense(),
    Regex(),
    Regex("ERR_."),
]
ASKED = Queries(("a b", "ERR_1 a", "ERR_2 ERR_1", "nothing"))


def search(stage: Retriever, corpus: Corpus, flags: list[bool], depth: int) -> Candidates:
    """Search under a mask, one chunk a document."""
    rt = Runtime()
    index = index_of(corpus, whole_documents(corpus), rt, Hashed())
    mask = rt.given(np.array(flags, bool), f"mask{flags}")
    index = replace(index, kept=mask if flags else None)
    return stage.search(index, rt.given(ASKED, ASKED.hash), depth, rt).value


@pytest.mark.parametrize("stage", STAGES, ids=str)
@given(texts=TEXTS.filter(bool), bits=st.integers(0, 2**9), depth=st.integers(1, 10))
def test_a_filtered_list_is_the_whole_list_without_what_is_dropped(
    stage: Retriever, texts: list[str], bits: int, depth: int
) -> None:
    corpus = Corpus(tuple(Document(f"d{i}", t) for i, t in enumerate(texts)))
    flags = [bool(bits >> i & 1) for i in range(len(texts))]
    whole, found = search(stage, corpus, [], len(texts)), search(stage, corpus, flags, depth)
    assert found.ids.shape == (len(ASKED), depth)
    for row in range(len(ASKED)):
        pairs = zip(whole.ids[row].tolist(), whole.scores[row].tolist(), strict=True)
        wanted = [(i, s) for i, s in pairs if i >= 0 and flags[i]][:depth]
        ids = [i for i in found.ids[row].tolist() if i >= 0]
        assert ids == [i for i, _ in wanted]
        assert np.allclose(found.scores[row, : len(ids)], [s for _, s in wanted])
        assert np.isneginf(found.scores[row, len(ids) :]).all()


def test_a_filter_holds_through_the_pipeline() -> None:
    everything = (BM25(), Dense(), Regex())
    pipeline = Pipeline(
        chunk=Given(),
        embed=Hashed(),
        filter=(Glob("id", "docs/*"), Not(Equals("lang", "ko"))),
        first=everything,
        fuse=RRF(),
        rerank=Rescore(late=0),
    )
    rt, asked = Runtime(), Queries(("one", "ERR_1", "three"))
    found = pipeline.search(pipeline.ingest(DOCS, rt), asked, rt).value
    assert {i for i in found.ids.ravel().tolist() if i >= 0} == {1}
    nothing = replace(pipeline, filter=(Equals("lang", "fr"),))
    assert (nothing.search(nothing.ingest(DOCS, rt), asked, rt).value.ids == -1).all()


def test_a_pool_is_filled_from_what_is_kept() -> None:
    texts = ["word word"] * 30 + ["word"] * 3
    corpus = Corpus(
        tuple(Document(str(i), t, metadata={"n": i}) for i, t in enumerate(texts))
    )  # fmt: skip
    pipeline = Pipeline(filter=(Range("n", 30, None),), pool=3)
    rt = Runtime()
    found = pipeline.search(pipeline.ingest(corpus, rt), Queries(("word",)), rt).value
    assert found.ids.tolist() == [[30, 31, 32]]


def test_filters_are_part_of_the_keys_and_shared_work_is_not(workspace: Workspace) -> None:
    rt, asked = Runtime(workspace), Queries(("one",))
    base = Pipeline(embed=Hashed(), first=(BM25(), Dense()))
    filters: list[tuple[Filter, ...]] = [
        (),
        (Equals("lang", "ko"),),
        (Equals("lang", "en"),),
        (Equals("lang", "ko"), Exists("year")),
    ]
    made = [replace(base, filter=f) for f in filters]
    rankings = [p.search(p.ingest(DOCS, rt), asked, rt) for p in made]
    assert len({r.key for r in rankings}) == len(filters)
    for stage in ("CountTerms", "Hashed", "FixedTokens", "EmbedQueries"):
        assert len({m.key for r in rankings for m in r.line() if m.stage == stage}) == 1


def test_without_filters_no_key_is_other_than_before_there_were_any() -> None:
    rt, asked = Runtime(), Queries(("one", "two"))
    index = Pipeline().ingest(DOCS, rt)
    line = Pipeline().search(index, asked, rt).line()
    scorer = next(m for m in line if m.stage == "Weigh")
    wanted = BM25().key(scorer.key, asked.hash, depth=150)
    assert [m.key for m in line if m.stage == "BM25"] == [wanted]
    assert Pipeline().filtered(index, rt) is index
