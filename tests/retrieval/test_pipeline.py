import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from retrieval.errors import SpecError
from retrieval.ingest.chunk import ByHeading, Chunker, FixedTokens, Given, Window
from retrieval.ingest.contextualize import Headings
from retrieval.ingest.tokenize import HangulBigrams, Identifiers, Words
from retrieval.pipeline import SLOTS, Pipeline, full_spec, pipeline_of, short_spec
from retrieval.providers.local import Local
from retrieval.query.assemble import InRankOrder
from retrieval.query.dense import Dense
from retrieval.query.fuse import RRF, Weighted
from retrieval.query.lexical import BM25
from retrieval.query.regex import Regex
from retrieval.query.rerank import MaxSim, Rescore
from retrieval.runtime import Runtime
from retrieval.stage import full
from retrieval.store import Workspace
from retrieval.types import Candidates, Corpus, Document, Queries
from tests.retrieval.making import Hashed

PIPELINES = [
    Pipeline(),
    Pipeline(chunk=Given(), contextualize=Headings(), pool=7),
    Pipeline(first=(BM25(k1=0.9, tokenize=HangulBigrams(stem=False)), Dense()), fuse=RRF(k=0)),
    Pipeline(first=(Dense(),), embed=Local("e5-small"), assemble=InRankOrder(max_tokens=9)),
    Pipeline(first=(Dense(), BM25(), BM25()), fuse=Weighted(weights=(0.2, 0.3, 0.5))),
]
CORPUS = Corpus(
    (
        Document("dough.md", "# Dough\n\nIt rests all night.\n\n## Flour\n\nTipo 00.", "Dough"),
        Document("oven.md", "# Oven\n\nA steel stores heat. Bake eight minutes.", "Oven"),
        Document("치즈.md", "# 치즈\n\n모차렐라는 물기를 뺀다.", "치즈"),
    )
)
QUERIES = Queries(("how long does it rest", "bake with a steel", "모차렐라 물기", "nothing shared"))


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_pipeline_comes_back_from_its_specs(pipeline: Pipeline) -> None:
    for spec in (full_spec(pipeline), short_spec(pipeline)):
        assert pipeline_of(json.loads(json.dumps(spec))) == pipeline


def test_a_full_spec_has_every_slot_and_a_short_one_what_differs() -> None:
    assert list(full_spec(Pipeline())) == [f.name for f in dataclasses.fields(Pipeline)]
    assert short_spec(Pipeline()) == {}
    changed = Pipeline(first=(BM25(), Dense()), chunk=FixedTokens(size=200), pool=50)
    assert short_spec(changed) == {
        "chunk": {"FixedTokens": {"size": 200}},
        "first": ["BM25", "Dense"],
        "pool": 50,
    }


def test_every_slot_has_its_stages_and_takes_its_default() -> None:
    assert {f.name for f in dataclasses.fields(Pipeline)} == {*SLOTS, "pool"}
    assert isinstance(Pipeline().parse, SLOTS["parse"])
    assert isinstance(Pipeline().chunk, SLOTS["chunk"])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"chunks": "Given"}, "no slot 'chunks'; did you mean 'chunk'"),
        ({5: "Given"}, "no slot 5"),
        ({"chunk": "Givn"}, "chunk has no stage 'Givn'; did you mean 'Given'"),
        ({"chunk": None}, "chunk takes a name"),
        ({"first": []}, "first needs at least one stage"),
        ({"first": ["BM25", {"Dense": {"k": 1}}]}, "Dense has no field 'k'"),
        ({"pool": 0}, "pool must be from 1 to 10,000 candidates, not 0"),
        ({"pool": True}, "pool takes a number of candidates, not True"),
        ({"pool": 1.5}, "pool takes a number"),
        ({"fuse": ["RRF"]}, "fuse takes a name"),
    ],
)
def test_a_bad_pipeline_says_what_is_wrong(spec: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        pipeline_of(spec)


def test_one_first_stage_needs_no_list_and_no_context_is_nothing() -> None:
    assert pipeline_of({"first": "Dense", "contextualize": None}) == Pipeline(first=(Dense(),))


def test_what_cannot_matter_is_at_its_default_in_the_effective_pipeline() -> None:
    e5 = Local("e5-small")
    assert Pipeline(embed=e5, fuse=RRF(k=1)).effective() == Pipeline()
    dense = Pipeline(embed=e5, fuse=RRF(k=1), first=(Dense(),))
    assert dense.effective() == Pipeline(embed=e5, first=(Dense(),))
    both = Pipeline(embed=e5, fuse=RRF(k=1), first=(BM25(), Dense()))
    assert both.effective() == both


def test_contexts_that_nobody_reads_are_none() -> None:
    plain = Pipeline(first=(BM25(), Dense()))
    blind = dataclasses.replace(plain, first=(BM25(context=False), Dense(context=False)))
    assert blind.effective() == plain
    unread = dataclasses.replace(blind, contextualize=Headings())
    assert unread.effective() == plain
    names = dataclasses.replace(unread, first=(Regex(), Dense(context=False)))
    assert names.effective() == dataclasses.replace(plain, first=(Regex(), Dense()))
    by_scores = dataclasses.replace(unread, rerank=Rescore(late=0))
    assert by_scores.effective() == dataclasses.replace(plain, rerank=Rescore(late=0))
    for read in (
        dataclasses.replace(unread, first=(BM25(), Dense(context=False))),
        dataclasses.replace(unread, first=(BM25(context=False), Dense())),
        dataclasses.replace(unread, first=(Regex(context=True), Dense(context=False))),
        dataclasses.replace(unread, rerank=Rescore()),
        dataclasses.replace(unread, rerank=MaxSim()),
    ):
        assert read.effective() == read
        assert pipeline_of(json.loads(json.dumps(full_spec(read)))) == read


def test_a_field_that_came_later_is_named_only_where_it_is_not_default() -> None:
    assert full(Dense()) == "Dense"
    assert full(Dense(context=False)) == {"Dense": {"context": False}}
    bm25 = full(BM25())
    assert isinstance(bm25, dict)
    assert list(bm25["BM25"]) == ["variant", "k1", "b", "tokenize"]


def search(pipeline: Pipeline, rt: Runtime) -> Candidates:
    return pipeline.search(pipeline.ingest(CORPUS, rt), QUERIES, rt).value


def found(pipeline: Pipeline) -> list[list[str]]:
    """The chunks' texts in rank order, a list a query."""
    rt = Runtime()
    chunks = pipeline.ingest(CORPUS, rt).chunks.value
    ranked = search(pipeline, rt).ids
    return [[chunks.text(CORPUS, i) for i in row if i >= 0] for row in ranked.tolist()]


def test_lexical_search_from_documents_to_ranking() -> None:
    dough, oven, cheese = (d.text for d in CORPUS.documents)
    pipeline = Pipeline(chunk=Given(), first=(BM25(tokenize=HangulBigrams()),))
    assert found(pipeline) == [[dough], [oven], [cheese], []]


def test_the_context_is_searched_and_the_text_stays() -> None:
    plain = Pipeline(chunk=FixedTokens(size=7))
    assert len(found(plain)[0]) < len(found(dataclasses.replace(plain, contextualize=Headings())))
    rt = Runtime()
    queries = Queries(("Dough",))
    for pipeline, hits in ((plain, 1), (dataclasses.replace(plain, contextualize=Headings()), 3)):
        index = pipeline.ingest(CORPUS, rt)
        ids = pipeline.search(index, queries, rt).value.ids
        assert (ids >= 0).sum() == hits
        assert "Dough >" not in index.chunks.value.text(CORPUS, 1)


@pytest.mark.parametrize("chunk", [FixedTokens(size=7), Window(size=7)])
@pytest.mark.parametrize("stage", [BM25(), Dense()])
def test_contexts_are_switched_off_for_one_stage_alone(
    stage: BM25 | Dense, chunk: Chunker, workspace: Workspace, asked: list[str]
) -> None:
    rt = Runtime(workspace)
    plain = Pipeline(chunk=chunk, embed=Hashed(), first=(stage,))
    with_ = dataclasses.replace(plain, contextualize=Headings())
    off = dataclasses.replace(stage, context=False)
    one, other, bare = (
        p.steps(p.ingest(CORPUS, rt), QUERIES, rt).found[0].value
        for p in (with_, dataclasses.replace(with_, first=(off, stage)), plain)
    )
    assert np.array_equal(other.ids, bare.ids)
    assert np.array_equal(other.scores, bare.scores)
    assert not np.array_equal(one.scores, bare.scores)
    both = dataclasses.replace(with_, first=(stage, off))
    lists = both.steps(both.ingest(CORPUS, rt), QUERIES, rt).found
    assert np.array_equal(lists[0].value.scores, one.scores)
    assert np.array_equal(lists[1].value.scores, bare.scores)
    assert len(asked) == len(set(asked))


def test_two_lists_are_fused_and_cut_by_the_assembler(asked: list[str]) -> None:
    pipeline = Pipeline(chunk=Given(), embed=Hashed(), first=(BM25(), Dense()))
    ranked = found(pipeline)
    assert [len(r) for r in ranked] == [3, 3, 3, 3]
    assert [len(r) for r in found(dataclasses.replace(pipeline, pool=2))] == [2, 2, 2, 2]
    capped = dataclasses.replace(pipeline, assemble=InRankOrder(k=2, max_tokens=1000))
    assert found(capped) == [r[:2] for r in ranked]
    assert found(dataclasses.replace(pipeline, assemble=InRankOrder(max_tokens=1))) == [[]] * 4


def test_nothing_is_embedded_without_a_dense_stage(asked: list[str]) -> None:
    search(Pipeline(embed=Hashed(), first=(BM25(), BM25(b=0.1))), Runtime())
    assert asked == []


def keys(pipeline: Pipeline, rt: Runtime) -> dict[str, Sequence[str]]:
    line = pipeline.search(pipeline.ingest(CORPUS, rt), QUERIES, rt).line()
    return {name: [m.key for m in line if m.stage == name] for name in {m.stage for m in line}}


def test_pipelines_share_the_stages_they_have_in_common() -> None:
    rt = Runtime()
    base = Pipeline(first=(BM25(),))
    one, two = keys(base, rt), keys(dataclasses.replace(base, first=(BM25(k1=0.9),)), rt)
    for shared in ("Blocks", "CountTokens", "FixedTokens", "Words", "CountTerms", "SizeChunks"):
        assert one[shared] == two[shared]
    assert one["BM25"] != two["BM25"]
    assert one["InRankOrder"] != two["InRankOrder"]
    other = keys(dataclasses.replace(base, chunk=ByHeading()), rt)
    assert other["Words"] == one["Words"]
    assert other["CountTerms"] != one["CountTerms"]


def test_another_version_of_the_corpus_or_other_queries_are_other_products() -> None:
    rt, pipeline = Runtime(), Pipeline()
    changed = Corpus((*CORPUS.documents[:2], Document("치즈.md", "changed")))
    rankings = {
        pipeline.search(pipeline.ingest(corpus, rt), queries, rt).key
        for corpus in (CORPUS, changed, Corpus(CORPUS.documents, "renamed", 3))
        for queries in (QUERIES, Queries(QUERIES.texts[::-1]))
    }
    assert len(rankings) == 4


def test_equal_pipelines_are_searched_once_ever(workspace: Workspace) -> None:
    pipeline = Pipeline(first=(BM25(tokenize=Identifiers()), BM25(tokenize=Words())), pool=3)
    first, second = Runtime(workspace), Runtime(workspace)
    one = search(pipeline, first)
    two = search(pipeline_of(full_spec(pipeline)), second)
    assert one.ids.tolist() == two.ids.tolist()
    assert one.scores.tolist() == two.scores.tolist()
    assert first.tally.made
    assert not second.tally.made & {
        m.key for m in pipeline.search(pipeline.ingest(CORPUS, first), QUERIES, first).line()
        if m.kept
    }  # fmt: skip


def test_a_passing_query_gives_the_same_ranking_and_leaves_nothing(workspace: Workspace) -> None:
    pipeline, rt = Pipeline(chunk=Given()), Runtime(workspace)
    kept = search(pipeline, rt)
    before = sorted(workspace.artifacts.rglob("*.npy"))
    once = Queries(QUERIES.texts)
    passing = pipeline.search(pipeline.ingest(CORPUS, rt), once, rt, passing=True)
    assert passing.value.ids.tolist() == kept.ids.tolist()
    assert sorted(workspace.artifacts.rglob("*.npy")) == before


def test_an_empty_corpus_and_no_queries_have_a_ranking_too(asked: list[str]) -> None:
    pipeline = Pipeline(embed=Hashed(), first=(BM25(), Dense()), assemble=InRankOrder(max_tokens=5))
    rt = Runtime()
    empty = pipeline.search(pipeline.ingest(Corpus(()), rt), QUERIES, rt).value
    assert (empty.ids == -1).all()
    none = pipeline.search(pipeline.ingest(CORPUS, rt), Queries(()), rt).value
    assert len(none.ids) == 0
