"""Trails against plain loops over the rankings, whatever the corpus, the gold and the pipeline."""

import dataclasses
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsets.diagnosis.attribute import diagnose
from goldsets.diagnosis.causes import Cause
from goldsets.diagnosis.trail import Trail, trail
from goldsets.evaluation.measures import Measure
from goldsets.evaluation.score import score
from goldsets.evaluation.sweep import Board
from goldsets.evaluation.target import NEVER
from goldsets.types import NO_ANSWER, Evidence, GoldSet, Query
from retrieval.errors import InputError
from retrieval.ingest.chunk import FixedTokens, Given
from retrieval.pipeline import Pipeline, first_names
from retrieval.query.assemble import Context, InRankOrder
from retrieval.query.dense import Dense
from retrieval.query.filter import Equals, Filter, Searched
from retrieval.query.fuse import RRF
from retrieval.query.lexical import BM25
from retrieval.query.regex import Regex
from retrieval.query.rerank import Rescore
from retrieval.query.synonyms import Synonyms
from retrieval.runtime import Runtime
from retrieval.types import Bool, Corpus, Document, Span
from tests.goldsets.diagnosis.planted import Concepts, Phrase

pytestmark = pytest.mark.slow

words = st.sampled_from(
    ["kiln", "error", "E17", "lamp", "bike", "가마", "가마를", "the", "a.", "on"]
)
sentences = st.lists(words, min_size=1, max_size=14).map(" ".join)


@st.composite
def corpora(draw: st.DrawFn) -> Corpus:
    documents = []
    for i, text in enumerate(draw(st.lists(sentences, max_size=5))):
        edges = sorted(draw(st.sets(st.integers(0, len(text)), min_size=2, max_size=5)))
        pairs = draw(st.lists(st.sampled_from(edges), min_size=2, max_size=6))
        spans = {(a, b) for a, b in pairwise(pairs) if a < b}
        year = {"year": draw(st.sampled_from([1, 2]))}
        given_ = tuple(Span(a, b) for a, b in sorted(spans))
        documents.append(Document(f"d{i}", text, metadata=year, given=given_))
    return Corpus(tuple(documents), "corpus", 1)


@st.composite
def evidence(draw: st.DrawFn, corpus: Corpus) -> Evidence:
    grade, part = draw(st.integers(0, 3)), draw(st.sampled_from(["", "", "one"]))
    if not len(corpus) or draw(st.integers(0, 9)) == 0:
        return Evidence("gone", 0, 4, "lost", grade=grade, part=part)
    document = draw(st.sampled_from(list(corpus.documents)))
    if draw(st.integers(0, 9)) == 0:
        return Evidence(document.id, 0, 9, "elsewhere", grade=grade, part=part)
    start = draw(st.integers(0, len(document.text) - 1))
    end = draw(st.integers(start + 1, len(document.text)))
    return Evidence.of(document.id, document.text, start, end, grade, part)


@st.composite
def golds(draw: st.DrawFn, corpus: Corpus) -> GoldSet:
    queries, judged = [], {}
    for i, text in enumerate(draw(st.lists(sentences, max_size=4))):
        needs = draw(st.sampled_from(["all", "any"]))
        tags = draw(st.sampled_from([(), (NO_ANSWER,)]))
        queries.append(Query(f"q{i}", text, needs=needs, tags=tags))  # type: ignore[arg-type]
        judged[f"q{i}"] = tuple(draw(st.lists(evidence(corpus), max_size=4)))
    return GoldSet("gold", "corpus", tuple(queries), judged)


contexts = st.builds(
    Context,
    k=st.integers(1, 6),
    duplicates=st.sampled_from([0.0, 0.5, 1.0]),
    diversity=st.sampled_from([0.0, 0.7]),
    per_document=st.sampled_from([None, 1]),
    join=st.booleans(),
    neighbours=st.integers(0, 1),
    order=st.sampled_from(["rank", "document", "edges"]),
    max_tokens=st.sampled_from([None, 3, 9]),
)
in_order = st.builds(InRankOrder, k=st.integers(1, 6), max_tokens=st.sampled_from([None, 3, 9]))
lists = st.sampled_from([(BM25(),), (Dense(),), (Regex(), BM25()), (BM25(), Dense(), BM25(b=0.0))])
rerankers = st.none() | st.builds(Phrase, st.integers(1, 5)) | st.just(Rescore(3, late=0.0))


@dataclasses.dataclass(frozen=True)
class EveryOther(Filter):
    """Keeps some chunks of a document, and not the others."""

    def kept(self, searched: Searched) -> Bool:
        return np.arange(len(searched.chunks)) % 2 == 0


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline:
    size = draw(st.integers(1, 9))
    return Pipeline(
        chunk=draw(st.sampled_from([Given(), FixedTokens(size, overlap=size // 2)])),
        embed=Concepts(),
        filter=draw(st.sampled_from([(), (Equals("year", 1),), (EveryOther(),)])),
        rewrite=draw(st.none() | st.just(Synonyms("kiln: lamp, bike\n가마: kiln"))),
        first=draw(lists),
        pool=draw(st.integers(1, 6)),
        fuse=RRF(k=draw(st.sampled_from([0.0, 60.0]))),
        rerank=draw(rerankers),
        assemble=draw(in_order | contexts),
    )


measures = st.builds(
    Measure,
    st.just("R"),
    st.integers(1, 5),
    rel=st.integers(1, 2),
    share=st.sampled_from([0.3, 0.5, 1.0]),
)


@st.composite
def trails(draw: st.DrawFn) -> Trail:
    corpus, pipeline = draw(corpora()), draw(pipelines())
    if not len(corpus):  # no document has the field
        pipeline = dataclasses.replace(pipeline, filter=())
    board = Board(draw(golds(corpus)), corpus, Runtime())
    return trail(board, pipeline, draw(measures))


def rankings(t: Trail) -> dict[str, list[list[int]]]:
    s, several = t.steps, len(t.pipeline.first) > 1
    made = dict(zip(first_names(t.pipeline.first), s.found, strict=True))
    made |= {"fused": s.pool} if several else {}
    made |= {"reranked": s.reranked} if t.pipeline.rerank else {}
    made |= {"context": s.context}
    return {name: m.value.ids.tolist() for name, m in made.items()}


def naive_rank(t: Trail, row: int, ranking: list[int]) -> int:
    """Walk down a ranking, gathering characters, until there are enough of the evidence's."""
    a, chunks = t.board.anchored, t.steps.index.chunks.value
    if a.document[row] < 0:
        return NEVER
    wanted, seen = set(range(a.start[row], a.end[row])), set[int]()
    for rank, c in enumerate(ranking):
        if c >= 0 and chunks.document[c] == a.document[row]:
            seen |= wanted & set(range(chunks.start[c], chunks.end[c]))
            if len(seen) >= t.measure.share * len(wanted):
                return rank
    return NEVER


@given(trails())
def test_a_rank_is_where_the_chunks_so_far_hold_enough(t: Trail) -> None:
    query = t.board.anchored.query.tolist()
    every = rankings(t)
    assert list(t.boxes) == list(every)
    for box, ranked in zip(t.boxes, every.values(), strict=True):
        wanted = [naive_rank(t, row, ranked[q]) for row, q in enumerate(query)]
        assert t.ranks[t.boxes.index(box)].tolist() == wanted
        assert [t.rank(box, row) for row in range(len(query))] == wanted


@given(trails())
def test_lost_is_what_recall_misses(t: Trail) -> None:
    values = score(t.target, t.steps.context.value.ids[None], [t.measure])[0, 0]
    a = t.board.anchored
    things = defaultdict(set)
    for row in np.flatnonzero(t.relevant).tolist():
        things[int(a.query[row])].add(int(a.thing[row]))
    lost = Counter(a.query[t.lost].tolist())
    for q, value in enumerate(values.tolist()):
        assert (value < 1) == (q in lost)
        if q in things:
            assert value == pytest.approx(1 - lost[q] / len(things[q]))
    assert len(set(a.thing[t.lost].tolist())) == len(t.lost)
    assert t.relevant[t.lost].all()


@given(trails())
def test_of_alternatives_the_one_that_came_furthest_is_looked_at(t: Trail) -> None:
    def came(row: int) -> tuple[int, ...]:
        """Grow with every hurdle that was taken; of equals the better ranked."""
        if t.board.anchored.document[row] < 0:
            return (0,)
        hurdles = [a[row] >= t.measure.share for a in (t.covered, t.searched)]
        later = t.ranks[len(t.firsts) :, row].tolist()
        reached = [min(t.ranks[: len(t.firsts), row].tolist()), *later]
        last = max((i for i, rank in enumerate(reached) if rank < NEVER), default=-1)
        return (1 + sum(hurdles), last, -reached[last])

    things = t.board.anchored.thing
    for row in t.lost.tolist():
        others = np.flatnonzero((things == things[row]) & t.relevant).tolist()
        assert came(row) == max(map(came, others))


@given(trails())
def test_every_lost_thing_has_one_cause_and_always_the_same(t: Trail) -> None:
    found = diagnose(t)
    rows = [loss.row for loss in found.losses if loss.cause is not Cause.NO_ANSWER]
    assert rows == t.lost.tolist()
    assert [loss.query for loss in found.losses if loss.row >= 0] == (
        t.board.anchored.query[t.lost].tolist()
    )
    assert sum(found.causes.values()) == len(found.losses)
    again = diagnose(trail(t.board, t.pipeline, t.measure))
    assert again.losses == found.losses
    for loss in found.losses:
        assert loss.detail
        assert loss.instead < len(t.steps.index.chunks.value)


@given(trails(), st.data())
def test_some_queries_are_trailed_as_among_all(t: Trail, data: st.DataObject) -> None:
    every = range(len(t.board.gold.queries))
    some = np.array(
        sorted(data.draw(st.sets(st.sampled_from(every)) if every else st.just(set()))), np.int64
    )
    part = t.only(some, data.draw(st.sampled_from([None, t.pipeline])))
    rows = np.flatnonzero(np.isin(t.board.anchored.query, some))
    assert part.steps.context.value.ids.tolist() == (
        t.steps.context.value.only(some).ids[:, : part.steps.context.value.depth].tolist()
    )
    assert part.boxes == t.boxes
    assert part.ranks.tolist() == t.ranks[:, rows].tolist()
    assert rows[part.lost].tolist() == [r for r in t.lost.tolist() if r in rows]
    assert t.within(some, rows).tolist() == list(range(len(rows)))
    mine = [
        (rows[x.row] if x.row >= 0 else -1, x.cause, x.verified, x.detail)
        for x in diagnose(part).losses
    ]
    asked = set(some.tolist())
    theirs = [
        (x.row, x.cause, x.verified, x.detail) for x in diagnose(t).losses if x.query in asked
    ]
    assert mine == theirs


@given(trails())
def test_a_first_stage_alone_is_looked_at_beyond_the_pool(t: Trail) -> None:
    rows = np.flatnonzero(t.board.anchored.document >= 0)
    wide = dataclasses.replace(t.pipeline, pool=10_000)
    wanted = trail(t.board, wide, t.measure).ranks[: len(t.firsts), rows]
    assert t.deep(rows).tolist() == wanted.tolist()


@given(trails())
def test_shares_are_those_of_the_characters_that_chunks_hold(t: Trail) -> None:
    c, kept = t.steps.index.chunks.value, t.steps.index.kept
    chunks = [
        {(d, i) for i in range(start, end)}
        for d, start, end in zip(c.document, c.start, c.end, strict=True)
    ]
    searched = [own for i, own in enumerate(chunks) if kept is None or kept.value[i]]
    a = t.board.anchored
    for row, d in enumerate(a.document.tolist()):
        own = {(d, i) for i in range(a.start[row], a.end[row])}
        size = a.length[row]
        assert t.shares[row] == max((len(own & c) for c in chunks), default=0) / size
        assert t.covered[row] == len(own & set().union(*chunks)) / size
        assert t.searched[row] == len(own & set().union(*searched)) / size


@given(trails())
def test_few_chunks_make_a_piece_found(t: Trail) -> None:
    for row in range(len(t.board.anchored.query)):
        chunks = t.chunks_of(row)
        enough = t.covered[row] >= t.measure.share
        assert (naive_rank(t, row, chunks) == len(chunks) - 1) == enough
        assert set(chunks) <= set(t.holders(row))
        kept = t.steps.index.kept
        if kept is not None and t.searched[row] >= t.measure.share:
            assert kept.value[chunks].all()


def test_a_trail_follows_recall_alone() -> None:
    board = Board(GoldSet("gold", "corpus", ()), Corpus((), "corpus", 1), Runtime())
    with pytest.raises(InputError, match="not nDCG@10; give R@20"):
        trail(board, Pipeline(), Measure("nDCG", 10))


def test_two_first_stages_of_one_class_are_told_apart() -> None:
    assert first_names((BM25(), Dense(), BM25(b=0.5))) == ["BM25 1", "Dense", "BM25 2"]
