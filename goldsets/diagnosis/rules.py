"""Rules: for each cause, the changes to a pipeline that could bring its evidence back.

A rule is a small function of a pipeline and the losses of one cause. It proposes; nothing is
claimed before the change has run on the tuning half and held on the other (see `verify`).
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping

from goldsets.diagnosis.causes import Cause
from goldsets.diagnosis.changes import (
    Change,
    Lost,
    assembled,
    contexts_too,
    fuser,
    headings_too,
    hypothetical,
    larger,
    late_interaction,
    meaning_too,
    narrowed,
    other_models,
    other_words,
    reranked,
    reworded,
    size_of,
    smaller,
    vendors,
    widened,
    words_too,
)
from retrieval.ingest.chunk import ByBlock, ByHeading, FixedTokens, Recursive
from retrieval.query.assemble import Context, InRankOrder
from retrieval.query.fuse import RRF, Weighted
from retrieval.query.rerank import MaxSim, Rescore

Rule = Callable[[Lost], Iterator[Change]]


def cut(lost: Lost) -> Iterator[Change]:
    """Cut elsewhere: larger, overlapping, or where the text itself divides."""
    chunk, size = lost.pipeline.chunk, size_of(lost)
    if isinstance(chunk, FixedTokens | Recursive) and not chunk.overlap:
        overlapping = dataclasses.replace(chunk, overlap=size // 4)
        yield f"Let chunks overlap by {size // 4} tokens", lost.changed(chunk=overlapping)
    yield from larger(lost)
    for other in (ByBlock(size), ByHeading(size), Recursive(size)):
        if type(other) is not type(chunk):
            name = type(other).__name__
            yield f"Chunk by {name}, up to {size} tokens", lost.changed(chunk=other)


def filtered(lost: Lost) -> Iterator[Change]:
    """Relax each filter to what the evidence's documents hold, or drop it."""
    every = lost.pipeline.filter
    masks = lost.pipeline.masks(lost.trail.steps.index, lost.trail.board.rt)
    for i, stage in enumerate(every):
        rest = (*every[:i], *every[i + 1 :])
        if masks[i].value[lost.chunks].all():
            continue
        wider = widened(stage, lost)
        if wider:
            relaxed = lost.changed(filter=(*every[:i], wider, *every[i + 1 :]))
            yield f"Filter {wider.label} instead of {stage.label}", relaxed
        yield f"Drop the filter {stage.label}", lost.changed(filter=rest)


def lexical(lost: Lost) -> Iterator[Change]:
    """Search by meaning too; or cut words, or chunks, otherwise; put more beside the chunks."""
    yield from meaning_too(lost)
    yield from other_words(lost)
    yield from headings_too(lost)
    yield from smaller(lost)
    yield from reranked(lost)
    yield from narrowed(lost)
    yield from contexts_too(lost)
    yield from reworded(lost)


def semantic(lost: Lost) -> Iterator[Change]:
    """Search by words too; or by a better model, in smaller chunks, with more beside them."""
    yield from words_too(lost)
    yield from other_models(lost)
    yield from smaller(lost)
    yield from headings_too(lost)
    yield from reranked(lost)
    yield from narrowed(lost)
    yield from contexts_too(lost)
    yield from hypothetical(lost)


def both(lost: Lost) -> Iterator[Change]:
    """Change what is indexed, or what is asked: headings, contexts, size, words, model."""
    yield from headings_too(lost)
    yield from smaller(lost)
    yield from larger(lost)
    yield from other_words(lost)
    yield from other_models(lost)
    yield from reranked(lost)
    yield from narrowed(lost)
    yield from contexts_too(lost)
    yield from reworded(lost)
    yield from hypothetical(lost)


def drowned(lost: Lost) -> Iterator[Change]:
    """Give the first stage that has them more weight, or fuse otherwise."""
    p, n = lost.pipeline, len(lost.pipeline.first)
    ranks = lost.trail.ranks[:n, [loss.row for loss in lost.losses]]
    wins = [int((ranks.argmin(axis=0) == i).sum()) for i in range(n)]
    best = wins.index(max(wins))
    for share in (0.65, 0.8):
        weights = tuple(share if i == best else (1 - share) / (n - 1) for i in range(n))
        name = lost.trail.firsts[best]
        fuse = dataclasses.replace(p.fuse, weights=weights)
        yield f"Give {name} {share:.0%} of the weight", lost.changed(fuse=fuse)
    for fuse in (RRF(k=10), RRF(k=0), Weighted(normalise="zscore")):
        yield f"Fuse by {fuser(fuse)}", lost.changed(fuse=fuse)
    yield from reranked(lost)


def below(lost: Lost) -> Iterator[Change]:
    """Look at more candidates."""
    p = lost.pipeline
    pool = min(2 * p.pool, 10_000)
    rerank = p.rerank and dataclasses.replace(p.rerank, top_n=min(2 * p.rerank.top_n, 10_000))
    yield f"A pool of {pool} candidates", lost.changed(pool=pool, rerank=rerank)
    yield from narrowed(lost)


def demoted(lost: Lost) -> Iterator[Change]:
    """Leave the reranker out, let it see less, or take another."""
    rerank = lost.pipeline.rerank
    if rerank is None:
        return
    yield f"Leave {type(rerank).__name__} out", lost.changed(rerank=None)
    half = max(lost.trail.k, rerank.top_n // 2)
    if half < rerank.top_n:
        fewer = dataclasses.replace(rerank, top_n=half)
        yield f"Let it see the first {half} only", lost.changed(rerank=fewer)
    own = (Rescore(), MaxSim()) if late_interaction() else (Rescore(late=0),)
    for other in (*own, *vendors("rerank")):
        if type(other) is not type(rerank):
            yield f"Rerank by {type(other).__name__}", lost.changed(rerank=other)


def merged(lost: Lost) -> Iterator[Change]:
    """Call fewer passages duplicates."""
    yield from assembled(lost, "Merge only what shares 95 % of its shingles", duplicates=0.95)
    yield from assembled(lost, "Merge equal texts only", duplicates=1.0)


def diversified(lost: Lost) -> Iterator[Change]:
    """Let more of a document in, or what is more alike."""
    assemble = lost.pipeline.assemble
    if isinstance(assemble, Context) and assemble.per_document:
        more = 2 * assemble.per_document
        yield from assembled(lost, f"Up to {more} chunks of a document", per_document=more)
        yield from assembled(lost, "Any number of chunks of a document", per_document=None)
    if isinstance(assemble, Context) and assemble.diversity:
        yield from assembled(lost, "Half the diversity", diversity=assemble.diversity / 2)
        yield from assembled(lost, "No diversity", diversity=0.0)


def capped(lost: Lost) -> Iterator[Change]:
    """Take more in, or in smaller pieces, or put what ranks best first."""
    assemble = lost.pipeline.assemble
    if not isinstance(assemble, InRankOrder | Context):
        return
    if assemble.max_tokens:
        for times in (1.5, 2, 4):
            more = int(times * assemble.max_tokens)
            yield from assembled(lost, f"A context of {more:,} tokens", max_tokens=more)
        yield from smaller(lost)
    if assemble.k < lost.trail.k:
        yield from assembled(lost, f"The first {lost.trail.k} chunks", k=lost.trail.k)
    if isinstance(assemble, Context) and assemble.order != "rank":
        yield from assembled(lost, "A context in order of rank", order="rank")
    if isinstance(assemble, Context) and assemble.neighbours:
        yield from assembled(lost, "No neighbours", neighbours=0)


def crowded(lost: Lost) -> Iterator[Change]:
    """Merge near duplicates; under a cap there is then room for what ranks behind them."""
    p, assemble = lost.pipeline, lost.pipeline.assemble
    if not isinstance(assemble, InRankOrder | Context):
        return
    k = assemble.k * (2 if assemble.max_tokens else 1)
    if isinstance(assemble, InRankOrder):
        merging = Context(k=k, max_tokens=assemble.max_tokens, join=False)
        yield "Merge near duplicates", dataclasses.replace(p, assemble=merging)
    else:
        yield from assembled(lost, "Merge near duplicates", duplicates=Context.duplicates, k=k)


RULES: Mapping[Cause, Rule] = {
    Cause.BOUNDARY_CUT: cut,
    Cause.FILTERED_OUT: filtered,
    Cause.CROWDED: crowded,
    Cause.LEXICAL_MISS: lexical,
    Cause.SEMANTIC_MISS: semantic,
    Cause.BOTH_MISS: both,
    Cause.DROWNED: drowned,
    Cause.BELOW_POOL: below,
    Cause.RERANK_DEMOTED: demoted,
    Cause.MERGED_AWAY: merged,
    Cause.DIVERSITY_CUT: diversified,
    Cause.CAP_CUT: capped,
}
"""One rule a cause; what is missing here no pipeline mends."""
