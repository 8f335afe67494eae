"""Replays: lost evidence followed again with one thing changed, to see whether that was it.

Each takes rows of a trail's evidence and tells which of these pieces are found then, `(N,)`; None
where a vendor would have to be paid to know.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goldsets.diagnosis.trail import Trail
from retrieval.index import Index
from retrieval.ingest.chunk import Chunker, vocabulary_of
from retrieval.ingest.chunk.cut import Piece, Text
from retrieval.ingest.parse import Structure
from retrieval.ingest.tokens import Tokens, Vocabulary
from retrieval.pipeline import Pipeline
from retrieval.query.assemble import Context
from retrieval.runtime import Made, Runtime
from retrieval.stage import Stage
from retrieval.types import Bool, Candidates, Chunks, Corpus, Int32, Int64, Queries

UNCUT = Context(k=10_000, duplicates=0, join=False)
"""Everything that was ranked, in rank order."""

MERGED = Context(k=10_000, join=False)
"""The same without near duplicates."""


def through(trail: Trail, rows: Int64, pipeline: Pipeline) -> Bool:
    """Tell which pieces another pipeline finds."""
    asked = np.unique(trail.board.anchored.query[rows])
    other = trail.only(asked, pipeline)
    here = np.flatnonzero(np.isin(trail.board.anchored.query, asked))
    return np.asarray(other.found[np.searchsorted(here, rows)])


def unfiltered(trail: Trail, rows: Int64) -> Bool | None:
    """Search every chunk."""
    pipeline = dataclasses.replace(trail.pipeline, filter=())
    return through(trail, rows, pipeline) if is_free(pipeline.rerank) else None


def merged(trail: Trail, rows: Int64) -> Bool:
    """Merge near duplicates in what was ranked."""
    return through(trail, rows, dataclasses.replace(trail.pipeline, assemble=MERGED))


def uncut(trail: Trail, rows: Int64) -> Bool:
    """Put all that was ranked into the context."""
    return through(trail, rows, dataclasses.replace(trail.pipeline, assemble=UNCUT))


def unmerged(trail: Trail, rows: Int64) -> Bool:
    """Merge nothing."""
    assemble = trail.pipeline.assemble
    if isinstance(assemble, Context):
        assemble = dataclasses.replace(assemble, duplicates=0.0)
    return through(trail, rows, dataclasses.replace(trail.pipeline, assemble=assemble))


def undiversified(trail: Trail, rows: Int64) -> Bool:
    """Let any number of passages in, however alike."""
    assemble = trail.pipeline.assemble
    if isinstance(assemble, Context):
        assemble = dataclasses.replace(assemble, diversity=0.0, per_document=None)
    return through(trail, rows, dataclasses.replace(trail.pipeline, assemble=assemble))


def unranked(trail: Trail, rows: Int64) -> Bool:
    """Leave the reranker out."""
    return through(trail, rows, dataclasses.replace(trail.pipeline, rerank=None))


def deeper(trail: Trail, rows: Int64) -> Bool | None:
    """Look at twice as many candidates."""
    p = trail.pipeline
    if not is_free(p.rerank):
        return None
    rerank = p.rerank and dataclasses.replace(p.rerank, top_n=min(2 * p.rerank.top_n, 10_000))
    pool = min(2 * p.pool, 10_000)
    return through(trail, rows, dataclasses.replace(p, pool=pool, rerank=rerank))


def whole(trail: Trail, rows: Int64) -> Bool | None:
    """Make each piece, with what surrounds it, a chunk more, as long as chunks usually are.

    A query competes with the chunk of its own piece only.
    """
    p = trail.pipeline
    if not (is_free(p.contextualize) and is_free(p.embed) and is_free(p.rerank)):
        return None
    pieces = _surrounded(trail, rows)
    also = dataclasses.replace(p, chunk=_Also(p.chunk, tuple(np.ravel(pieces).tolist())))
    rt = trail.board.rt
    index = also.filtered(also.ingest(trail.board.corpus, rt), rt)
    c = index.chunks.value
    place = {row: i for i, row in enumerate(_places(c.document, c.start, c.end))}
    own = np.array([[place[tuple(piece)]] for piece in pieces.tolist()])
    asked = _asked(trail, rows)
    found = also.find(index, asked, also.rewritten(asked, rt), p.pool + len(rows), rt)
    lists = [_without_others(made.value, own, p.pool) for made in found]
    return _reaches(trail, also, index, asked, lists, own)


def promoted(trail: Trail, rows: Int64, boxes: Sequence[str]) -> Bool | None:
    """Let the first stages of these names rank each piece first."""
    p = trail.pipeline
    if not is_free(p.rerank):
        return None
    wanted = [trail.chunks_of(row) for row in rows.tolist()]
    own = np.full((len(rows), max(map(len, wanted), default=1)), -1)
    for i, chunks in enumerate(wanted):
        own[i, : len(chunks)] = chunks
    query = trail.board.anchored.query[rows]
    lists = []
    for name, found in zip(trail.firsts, trail.steps.found, strict=True):
        some = Candidates(found.value.ids[query], found.value.scores[query])
        lists.append(_first(some, own, p.pool) if name in boxes else some)
    return _reaches(trail, p, trail.steps.index, _asked(trail, rows), lists, own)


def is_free(stage: Stage[Any] | None) -> bool:
    """Tell whether a stage asks no vendor for anything."""
    if stage is None:
        return True
    parts = (getattr(stage, f.name) for f in dataclasses.fields(stage))
    return not hasattr(stage, "vendor") and all(
        is_free(part) for part in parts if isinstance(part, Stage)
    )


@dataclass(frozen=True)
class _Also(Chunker):
    """The chunks of another chunker and further ones, flat triples of document, start and end."""

    base: Chunker
    places: tuple[int, ...]

    @property
    def vocabulary(self) -> Vocabulary:
        """Return that of the other chunker."""
        return vocabulary_of(self.base)

    def apply(self, corpus: Corpus, structure: Structure, tokens: Tokens, rt: Runtime) -> Chunks:
        """Cut as the other does, and put each further chunk where it stands in the text."""
        chunks = self.base.apply(corpus, structure, tokens, rt)
        own = list(_places(chunks.document, chunks.start, chunks.end))
        context = dict(zip(own, map(chunks.context, range(len(chunks))), strict=True))
        more = np.array(self.places).reshape(-1, 3)
        every = sorted({*own, *_places(*more.T)})
        table = np.array(every, np.int32).reshape(-1, 3)
        document, start, end = np.ascontiguousarray(table.T)
        bare = Chunks(document, start, end, np.zeros(len(table), np.int32))
        return bare.beside([context.get(place, "") for place in every])

    def spans(self, t: Text) -> Iterable[Piece]:
        """Return those of the other chunker alone."""
        return self.base.spans(t)


def _places(document: Int32, start: Int32, end: Int32) -> Iterator[tuple[int, int, int]]:
    return zip(document.tolist(), start.tolist(), end.tolist(), strict=True)


def _surrounded(trail: Trail, rows: Int64) -> Int32:
    """Return each piece with text around it up to the usual length of a chunk, `(N, 3)`."""
    a, chunks = trail.board.anchored, trail.steps.index.chunks.value
    usual = int(np.median(chunks.end - chunks.start)) if len(chunks) else 0
    around = np.maximum(usual - (a.end - a.start)[rows], 0) // 2
    length = np.diff(trail.board.corpus.base)[a.document[rows]]
    start = np.maximum(a.start[rows] - around, 0)
    end = np.minimum(a.end[rows] + around, length)
    return np.column_stack([a.document[rows], start, end]).astype(np.int32)


def _asked(trail: Trail, rows: Int64) -> Made[Queries]:
    every = trail.board.queries.texts
    queries = Queries(tuple(every[q] for q in trail.board.anchored.query[rows].tolist()))
    return trail.board.rt.given(queries, queries.hash, "queries", passing=True)


def _without_others(ranking: Candidates, own: Int64, depth: int) -> Candidates:
    """Take out of each row the pieces of the others."""
    others = np.isin(ranking.ids, own) & (ranking.ids != own)
    last = np.argsort(others, axis=1, kind="stable")
    ids = np.where(others, np.int32(-1), ranking.ids)
    scores = np.where(others, -np.inf, ranking.scores)
    return Candidates(
        np.take_along_axis(ids, last, axis=1), np.take_along_axis(scores, last, axis=1)
    ).top(depth)


def _first(ranking: Candidates, own: Int64, depth: int) -> Candidates:
    """Put each row's pieces above all others."""
    best = np.max(ranking.scores[:, :1], axis=1, keepdims=True, initial=-np.inf)
    best = np.where(np.isfinite(best), best, 0.0)
    above = np.where(own >= 0, best + np.arange(own.shape[1], 0, -1), -np.inf)
    again = (ranking.ids[:, :, None] == own[:, None, :]).any(axis=2)
    ids = np.hstack([own, np.where(again, -1, ranking.ids)]).astype(np.int32)
    scores = np.hstack([above, np.where(again, -np.inf, ranking.scores)])
    order = np.argsort(ids < 0, axis=1, kind="stable")
    return Candidates(
        np.take_along_axis(ids, order, axis=1), np.take_along_axis(scores, order, axis=1)
    ).top(depth)


def _reaches(
    trail: Trail,
    pipeline: Pipeline,
    index: Index,
    asked: Made[Queries],
    lists: Sequence[Candidates],
    own: Int64,
) -> Bool:
    """Go on from lists of the first stages; tell whether each row's pieces are in the context."""
    rt = trail.board.rt
    found = tuple(rt.given(c, f"replay {i}", passing=True) for i, c in enumerate(lists))
    context = pipeline.combine(index, asked, found, rt).context.value.ids[:, : trail.k]
    here = (context[:, :, None] == own[:, None, :]).any(axis=1)
    return np.asarray((here | (own < 0)).all(axis=1))
