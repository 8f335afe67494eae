"""Replays: lost evidence followed again with one thing changed, to see whether that was it.

Each takes rows of a trail's evidence and tells which of these pieces are found then, `(N,)`; None
where a vendor would have to be paid to know. A replay goes on from the box before the one that is
changed, and what becomes of one piece does not depend on the others.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from goldsets.diagnosis.trail import Trail, is_dense
from goldsets.evaluation.score import Rankings, found_ranks
from goldsets.evaluation.target import Target
from retrieval.index import Index
from retrieval.ingest.tokens import CountTokens, token_counts
from retrieval.pipeline import Pipeline
from retrieval.query.assemble import Assembler, Context, InRankOrder
from retrieval.runtime import Made
from retrieval.stage import Stage
from retrieval.types import Bool, Candidates, Chunks, Float64, Int32, Int64, Queries

MOST = 10_000
"""Candidates, and places of a context: as many as a stage takes."""

MERGED = Context(k=MOST, join=False)
"""What was ranked, without near duplicates."""


def unfiltered(trail: Trail, rows: Int64) -> Bool | None:
    """Search every chunk."""
    return _through(trail, rows, dataclasses.replace(trail.pipeline, filter=()))


def deeper(trail: Trail, rows: Int64) -> Bool | None:
    """Look at twice as many candidates."""
    p = trail.pipeline
    rerank = p.rerank and dataclasses.replace(p.rerank, top_n=min(2 * p.rerank.top_n, MOST))
    pool = min(2 * p.pool, MOST)
    return _through(trail, rows, dataclasses.replace(p, pool=pool, rerank=rerank))


def alone(trail: Trail, rows: Int64) -> Bool | None:
    """Leave out all first stages but the one that ranks a piece best."""
    if not is_free(trail.pipeline.rerank):
        return None
    best = trail.ranks[: len(trail.firsts), rows].argmin(axis=0)
    found = np.zeros(len(rows), bool)
    for i, made in enumerate(trail.steps.found):
        own = rows[best == i]
        if len(own):
            found[best == i] = _onward(trail, own, trail.steps.index, [_lists(trail, own, made)])
    return found


def promoted(trail: Trail, rows: Int64, boxes: Sequence[str]) -> Bool | None:
    """Let the first stages of these names rank each piece first."""
    if not is_free(trail.pipeline.rerank):
        return None
    wanted = [trail.chunks_of(row) for row in rows.tolist()]
    own = np.full((len(rows), max(map(len, wanted), default=1)), -1, np.int32)
    for i, chunks in enumerate(wanted):
        own[i, : len(chunks)] = chunks
    lists = []
    for name, made in zip(trail.firsts, trail.steps.found, strict=True):
        found = _lists(trail, rows, made)
        lists.append(_first(found, own, trail.pipeline.pool) if name in boxes else found)
    return _onward(trail, rows, trail.steps.index, lists)


def whole(trail: Trail, rows: Int64) -> Bool | None:
    """Make each piece, with what surrounds it, a chunk more.

    It is as long as the chunk that holds most of the piece, and has its context. A query competes
    with the chunk of its own piece only. None too where first stages search for something else than
    the query, since a list that was gathered tells no score.
    """
    p, rt = trail.pipeline, trail.board.rt
    embeds = any(map(is_dense, p.first))
    free = is_free(p.rerank) and (not embeds or is_free(p.embed))
    if not free or trail.steps.rewritten is not None:
        return None
    index, asked = trail.steps.index, _asked(trail, rows)
    more = _surrounded(trail, rows, index)
    own = np.arange(len(rows)) + len(index.chunks.value)
    lists = []
    for stage, made in zip(p.first, trail.steps.found, strict=True):
        scores = stage.as_if(index, asked, _surrounded(trail, rows, stage.seen(index)), rt)
        lists.append(_inserted(_lists(trail, rows, made), own, scores, p.pool))
    return _onward(trail, rows, _with_chunks(trail, more), lists)


def unranked(trail: Trail, rows: Int64) -> Bool:
    """Leave the reranker out."""
    return _assembled(trail, rows, trail.steps.pool, trail.pipeline.assemble)


def merged(trail: Trail, rows: Int64) -> Bool:
    """Merge near duplicates in what was ranked, then assemble as ever."""
    return _assembled(trail, rows, trail.steps.reranked, MERGED, trail.pipeline.assemble)


def unmerged(trail: Trail, rows: Int64) -> Bool:
    """Merge nothing."""
    return _assembled(trail, rows, trail.steps.reranked, _changed(trail, duplicates=0.0))


def undiversified(trail: Trail, rows: Int64) -> Bool:
    """Let any number of passages in, however alike."""
    every = _changed(trail, diversity=0.0, per_document=None)
    return _assembled(trail, rows, trail.steps.reranked, every)


def uncut(trail: Trail, rows: Int64) -> Bool:
    """Let in all that was ranked, to be read in rank order."""
    assemble = _changed(trail, k=MOST, max_tokens=None, neighbours=0, order="rank")
    if isinstance(assemble, InRankOrder):
        assemble = InRankOrder(k=MOST)
    return _assembled(trail, rows, trail.steps.reranked, assemble)


def is_free(stage: Stage[Any] | None) -> bool:
    """Tell whether a stage asks no vendor for anything."""
    if stage is None:
        return True
    parts = (getattr(stage, f.name) for f in dataclasses.fields(stage))
    return not hasattr(stage, "vendor") and all(
        is_free(part) for part in parts if isinstance(part, Stage)
    )


def _changed(trail: Trail, **fields: object) -> Assembler:
    assemble: Any = trail.pipeline.assemble
    changes = isinstance(assemble, Context)
    return dataclasses.replace(assemble, **fields) if changes else assemble  # type: ignore[no-any-return]


def searches_free(trail: Trail) -> bool:
    """Tell whether the queries may be searched again; a workspace keeps what vendors answered."""
    p = trail.pipeline
    embeds = any(map(is_dense, p.first))
    free = is_free(p.rewrite) and (not embeds or is_free(p.embed))
    return free or trail.board.rt.workspace is not None


def _through(trail: Trail, rows: Int64, pipeline: Pipeline) -> Bool | None:
    """Search anew."""
    if not (is_free(pipeline.rerank) and searches_free(trail)):
        return None
    asked = np.unique(trail.board.anchored.query[rows])
    return np.asarray(trail.only(asked, pipeline).found[trail.within(asked, rows)])


def _lists(trail: Trail, rows: Int64, made: Made[Candidates]) -> Candidates:
    """Return each piece's list: that of its query."""
    return made.value.only(trail.board.anchored.query[rows])


def _asked(trail: Trail, rows: Int64) -> Made[Queries]:
    every = trail.board.queries.texts
    queries = Queries(tuple(every[q] for q in trail.board.anchored.query[rows].tolist()))
    return trail.board.rt.given(queries, queries.hash, "queries", passing=True)


def _onward(trail: Trail, rows: Int64, index: Index, lists: Sequence[Candidates]) -> Bool:
    """Go on from lists of the first stages."""
    rt = trail.board.rt
    found = tuple(rt.given(c, f"replay {i}", passing=True) for i, c in enumerate(lists))
    steps = trail.pipeline.combine(index, _asked(trail, rows), found, rt)
    return _found(trail, rows, index, steps.context.value)


def _assembled(
    trail: Trail, rows: Int64, ranking: Made[Candidates], *assemblers: Assembler
) -> Bool:
    """Go on from a ranking, by one assembler after the other."""
    rt, index = trail.board.rt, trail.steps.index
    context = rt.given(_lists(trail, rows, ranking), "replay", passing=True)
    for assemble in assemblers:
        context = assemble.assemble(index, context, rt)
    return _found(trail, rows, index, context.value)


def _found(trail: Trail, rows: Int64, index: Index, context: Candidates) -> Bool:
    """Tell which pieces the first k places of their own contexts hold."""
    board, chunks = trail.board, index.chunks.value
    tokens = board.rt.run(CountTokens(), index.corpus).value
    target = Target(board.anchored.each(rows), board.corpus, chunks, tokens)
    ranks = found_ranks(Rankings(target, context.ids[None]), trail.measure.share)
    return np.asarray(ranks[0] < trail.k)


def _surrounded(trail: Trail, rows: Int64, index: Index) -> Chunks:
    """Return each piece with text around it, as long as the chunk that holds most of it."""
    a, chunks = trail.board.anchored, index.chunks.value
    held = map(trail.holders, rows.tolist())
    best = np.array([max(own, key=lambda chunk: own[chunk]) for own in held])
    usual = (chunks.end - chunks.start)[best]
    around = np.maximum(usual - (a.end - a.start)[rows], 0) // 2
    length = np.diff(trail.board.corpus.base)[a.document[rows]]
    start = np.maximum(a.start[rows] - around, 0).astype(np.int32)
    end = np.minimum(a.end[rows] + around, length).astype(np.int32)
    only = None if chunks.context_only is None else chunks.context_only[best]
    context_of, contexts = chunks.context_of[best], chunks.contexts
    return Chunks(a.document[rows], start, end, context_of, contexts, only)


def _with_chunks(trail: Trail, more: Chunks) -> Index:
    """Return the index with further chunks behind its own, for what follows the first stages."""
    rt, index = trail.board.rt, trail.steps.index
    own, counted = index.chunks.value, rt.run(CountTokens(), index.corpus).value
    only = None
    if own.context_only is not None and more.context_only is not None:
        only = np.append(own.context_only, more.context_only)
    longer = Chunks(
        np.append(own.document, more.document),
        np.append(own.start, more.start),
        np.append(own.end, more.end),
        np.append(own.context_of, more.context_of),
        more.contexts,
        only,
    )
    size = np.append(index.tokens.value, token_counts(more, trail.board.corpus, counted))
    return dataclasses.replace(
        index,
        chunks=rt.given(longer, "more chunks", passing=True),
        tokens=rt.given(size, "more tokens", passing=True),
    )


def _inserted(ranking: Candidates, own: Int64, scores: Float64, depth: int) -> Candidates:
    """Put a chunk more into each row, behind those of the same score; -inf: it is no hit."""
    ids = np.column_stack([ranking.ids, np.where(np.isneginf(scores), -1, own)])
    every = np.column_stack([ranking.scores, scores])
    order = np.argsort(-every, axis=1, kind="stable")
    return _ordered(ids.astype(np.int32), every, order, depth)


def _first(ranking: Candidates, own: Int32, depth: int) -> Candidates:
    """Put each row's chunks, padded with -1, above all others."""
    best = np.max(ranking.scores[:, :1], axis=1, keepdims=True, initial=-np.inf)
    best = np.where(np.isfinite(best), best, 0.0)
    above = np.where(own >= 0, best + np.arange(own.shape[1], 0, -1), -np.inf)
    again = (ranking.ids[:, :, None] == own[:, None, :]).any(axis=2)
    ids = np.hstack([own, np.where(again, -1, ranking.ids)]).astype(np.int32)
    scores = np.hstack([above, np.where(again, -np.inf, ranking.scores)])
    return _ordered(ids, scores, np.argsort(ids < 0, axis=1, kind="stable"), depth)


def _ordered(ids: Int32, scores: Float64, order: Int64, depth: int) -> Candidates:
    return Candidates(
        np.take_along_axis(ids, order, axis=1), np.take_along_axis(scores, order, axis=1)
    ).top(depth)
