"""Suspects: which causes may be blamed for each piece of lost evidence, from the first box on.

Evidence is followed to where it still was in reach: what came to the pool in time was not lost by
chunking or by search, and what the assembler got in time was lost in assembling.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from goldsets.diagnosis.causes import Cause
from goldsets.diagnosis.replay import MERGED, is_free, searches_free
from goldsets.diagnosis.trail import DEEP, Trail, is_dense
from goldsets.evaluation.sweep import Board
from goldsets.evaluation.target import NEVER
from goldsets.evidence import Status
from retrieval.query.assemble import Assembled, Context
from retrieval.query.lexical import BM25
from retrieval.query.passages import Reason
from retrieval.query.shingles import UInt64, shingles

SAME_WORDS = 0.5
"""The share of the evidence's shingles from which another passage says the same."""

BY_CHANCE = 2
"""Shingles that it may have in common without saying so; unless there are no more."""

LOOKED_AT = 20
"""Places of the context in which such a passage is looked for."""

WHOLE = 0.9
"""The share of a piece that a chunk holds when no boundary matters."""


@dataclass(frozen=True)
class Suspect:
    """A cause that may be blamed: for certain, or only if its replay finds the evidence."""

    cause: Cause
    detail: str
    certain: bool = True
    instead: int = -1


@dataclass(frozen=True)
class Clues:
    """A trail's lost evidence, with what is found out for all of it at once."""

    trail: Trail

    @property
    def free(self) -> bool:
        """Tell whether rankings may be reranked without paying a vendor."""
        return is_free(self.trail.pipeline.rerank)

    @cached_property
    def deep(self) -> Mapping[int, Sequence[int]]:
        """Return the ranks in each first stage, not cut at the pool, of what is to be ranked."""
        t = self.trail
        rows = t.lost[(t.searched[t.lost] >= t.measure.share) & (t.ranked[t.lost] >= t.k)]
        return dict(zip(rows.tolist(), t.deep(rows, self.depth).T.tolist(), strict=True))

    @property
    def depth(self) -> int:
        """Return how many places of a first stage's list are looked at."""
        return max(DEEP, 2 * self.trail.pipeline.pool) if searches_free(self.trail) else 0

    @cached_property
    def said(self) -> Mapping[int, Suspect]:
        """Return the first passage that reached the reader unjudged and says the same, by row."""
        t = self.trail
        unjudged = {row: list(_unjudged(t, row)) for row in t.lost.tolist() if t.covered[row] > 0}
        rows, chunks = list(unjudged), sorted({c for own in unjudged.values() for _, c in own})
        texts = [t.board.anchored.found[row].evidence.exact for row in rows]
        texts += [t.steps.index.chunks.value.text(t.board.corpus, c) for c in chunks]
        every = shingles(texts)
        of_chunk = dict(zip(chunks, every[len(rows) :], strict=True))
        found = {}
        for row, own in zip(rows, every, strict=False):
            for place, chunk in unjudged[row]:
                if share := _said(own, of_chunk[chunk]):
                    detail = f"the passage at rank {place + 1} has {share:.0%} of its words"
                    found[row] = Suspect(Cause.PROBABLY_UNLABELLED, detail, instead=chunk)
                    break
        return found


def _said(evidence: UInt64, passage: UInt64) -> float:
    """Return the share of the evidence's shingles that a passage has, 0 if that may be chance."""
    common = len(np.intersect1d(evidence, passage, assume_unique=True))
    share = common / len(evidence)
    return share if share == 1 or (share >= SAME_WORDS and common > BY_CHANCE) else 0.0


def suspects(trail: Trail) -> dict[int, list[Suspect]]:
    """List for each lost piece who may be blamed, in that order; the last one is certain."""
    clues = Clues(trail)
    return {row: list(_suspects(clues, row)) for row in trail.lost.tolist()}


def _suspects(clues: Clues, row: int) -> Iterator[Suspect]:
    t, share = clues.trail, clues.trail.measure.share
    if t.board.anchored.document[row] < 0:
        yield absent(t.board, row)
    elif t.covered[row] < share:
        yield Suspect(Cause.PARSE_LOST, f"chunks hold {t.covered[row]:.0%} of its characters")
    elif row in clues.said:
        yield clues.said[row]
    elif t.searched[row] < share:
        yield Suspect(Cause.FILTERED_OUT, _filters(t, row))
    else:
        yield from _ranked(clues, row)


def absent(board: Board, row: int) -> Suspect:
    """Say why evidence has no place in the corpus: its document, or its words, are not there."""
    found = board.anchored.found[row]
    document = found.evidence.document
    if document in board.corpus.row:
        edited = found.status is Status.EDITED
        said = "reads differently now" if edited else "is not in its text any more"
        return Suspect(Cause.PARSE_LOST, f"{document!r} is there; the quote {said}")
    copied = found.document != document
    copy = f"; {found.document!r} has its words, to be confirmed" if copied else ""
    return Suspect(Cause.NOT_IN_CORPUS, f"the corpus has no document {document!r}{copy}")


def _filters(t: Trail, row: int) -> str:
    """Name the filters that let less than enough of a piece through."""
    chunks = t.chunks_of(row)
    masks = zip(t.pipeline.filter, t.pipeline.masks(t.steps.index, t.board.rt), strict=True)
    names = [s.label or type(s).__name__ for s, kept in masks if not kept.value[chunks].all()]
    return f"kept out by {', '.join(names)}"


def _unjudged(t: Trail, row: int) -> Iterator[tuple[int, int]]:
    """Return place and chunk of what the reader gets and nobody has judged for this query."""
    q = int(t.board.anchored.query[row])
    low, high = np.searchsorted(t.target.touch_query, (q, q + 1))
    judged = set(t.target.touch_chunk[low:high].tolist())
    ids = t.steps.context.value.ids[q, : min(t.k, LOOKED_AT)].tolist()
    return ((place, c) for place, c in enumerate(ids) if c >= 0 and c not in judged)


def _ranked(clues: Clues, row: int) -> Iterator[Suspect]:
    """Suspect assembling if it came that far, the reranker if that let it fall, or search."""
    t = clues.trail
    seen = t.pooled[row] < _reach(t)
    if t.ranked[row] < t.k:
        yield from _crowded(t, row)
        yield from _left_out(t, row)
        return
    if t.pooled[row] >= t.k:
        yield from _searched(clues, row, seen=seen)
    else:
        yield from _crowded(t, row)
    if seen:
        detail = f"{nth(t.pooled[row])} before it, {nth(t.ranked[row])} after"
        yield Suspect(Cause.RERANK_DEMOTED, detail)


def _reach(t: Trail) -> int:
    """Return how far down the pool is looked at."""
    return t.pipeline.rerank.top_n if t.pipeline.rerank else t.k


def _cut(t: Trail, row: int) -> Iterator[Suspect]:
    """Suspect a boundary if one of these chunks could hold it; for certain if no k together do."""
    length, holders = int(t.board.anchored.length[row]), t.holders(row)
    chunks, held = list(holders), sorted(holders.values())
    longest = int((t.target.chunk_end[chunks] - t.target.chunk_start[chunks]).max())
    together = sum(held[-t.k :])
    if together < t.measure.share * length:
        detail = (
            f"cut into {len(held)}: no {t.k} chunks hold more than {together / length:.0%} of it"
        )
        yield Suspect(Cause.BOUNDARY_CUT, detail)
    elif held[-1] < max(WHOLE, t.measure.share) * length and length <= longest:
        detail = f"no chunk holds more than {held[-1] / length:.0%} of it"
        yield Suspect(Cause.BOUNDARY_CUT, detail, certain=False)


def _crowded(t: Trail, row: int) -> Iterator[Suspect]:
    assemble = t.pipeline.assemble
    merges = isinstance(assemble, Context) and 0 < assemble.duplicates <= MERGED.duplicates
    if t.ranked[row] < NEVER and not merges:
        detail = f"it is ranked {nth(t.ranked[row])}, behind near duplicates"
        yield Suspect(Cause.CROWDED, detail, certain=False)


def _searched(clues: Clues, row: int, *, seen: bool) -> Iterator[Suspect]:
    """Suspect whatever comes before the pool; less surely so what a reranker has seen."""
    t = clues.trail
    ranks = dict(zip(t.firsts, t.ranks[:, row].tolist(), strict=False))
    best = min(ranks, key=lambda name: ranks[name])
    if len(ranks) > 1 and ranks[best] < t.k and not seen:
        yield _drowned(t, row, best, certain=True)
        return
    yield from _cut(t, row)
    yield from _crowded(t, row)
    if len(ranks) > 1 and ranks[best] < (t.k if seen else _reach(t)):
        yield _drowned(t, row, best, certain=False)
    places = _places(clues, row)
    if not seen:
        yield from _below_pool(clues, row, places)
    yield from _missed(clues, ranks, places, certain=not seen)


def _drowned(t: Trail, row: int, best: str, *, certain: bool) -> Suspect:
    ranks = nth(t.rank(best, row)), nth(t.pooled[row])
    detail = f"{best} alone has it {ranks[0]}; fused it is {ranks[1]}"
    return Suspect(Cause.DROWNED, detail, certain)


def _below_pool(clues: Clues, row: int, places: str) -> Iterator[Suspect]:
    p, near = clues.trail.pipeline, min(clues.deep[row])
    matters = p.rerank or len(p.first) > 1 or p.pool < clues.trail.k
    if matters and near < 2 * p.pool:
        certain = not clues.free and near < 2 * _reach(clues.trail)
        yield Suspect(Cause.BELOW_POOL, places, certain=certain)


def _missed(
    clues: Clues, ranks: Mapping[str, int], places: str, *, certain: bool
) -> Iterator[Suspect]:
    """Suspect the kind of search that lacks it where the other has it, else both."""
    t = clues.trail
    words = min((ranks[n] for n in words_of(t)), default=NEVER)
    meaning = min((ranks[n] for n in meaning_of(t)), default=NEVER)
    if not meaning_of(t):
        yield Suspect(Cause.LEXICAL_MISS, places, certain)
    elif not words_of(t):
        yield Suspect(Cause.SEMANTIC_MISS, places, certain)
    else:
        if (words == NEVER) != (meaning == NEVER):
            one = Cause.LEXICAL_MISS if words == NEVER else Cause.SEMANTIC_MISS
            yield Suspect(one, places, certain and not clues.free)
        yield Suspect(Cause.BOTH_MISS, places, certain)


def words_of(t: Trail) -> list[str]:
    """Return the names of the first stages that go by words."""
    return [n for n, s in zip(t.firsts, t.pipeline.first, strict=True) if not is_dense(s)]


def meaning_of(t: Trail) -> list[str]:
    """Return the names of the first stages that go by meaning."""
    return [n for n, s in zip(t.firsts, t.pipeline.first, strict=True) if is_dense(s)]


def _places(clues: Clues, row: int) -> str:
    """Say where each first stage ranks a piece when nothing cuts its list."""
    t = clues.trail
    depth, chunks = max(clues.depth, t.pipeline.pool), len(t.steps.index.chunks.value)
    nowhere = "nowhere" if depth >= chunks else f"not among its first {depth:,}"
    said = []
    for stage, name, rank in zip(t.pipeline.first, t.firsts, clues.deep[row], strict=True):
        if rank < NEVER:
            said.append(f"{name} ranks it {nth(rank)}")
        elif isinstance(stage, BM25) and not (t.steps.rewritten or _shares_a_term(t, stage, row)):
            said.append(f"{name} shares no term with it")
        else:
            said.append(f"{name} has it {nowhere}")
    return "; ".join(said)


def _shares_a_term(t: Trail, stage: BM25, row: int) -> bool:
    asked = stage.tokenize.tokens(t.board.queries.texts[t.board.anchored.query[row]])
    chunks = stage.seen(t.steps.index).chunks.value
    texts = (chunks.indexed(t.board.corpus, c) for c in t.chunks_of(row))
    return any(not set(asked).isdisjoint(stage.tokenize.tokens(text)) for text in texts)


def _left_out(t: Trail, row: int) -> Iterator[Suspect]:
    """Suspect a step of assembling: what became of the missing chunk that holds most of a piece."""
    context, query = t.steps.context.value, t.board.anchored.query[row]
    if not isinstance(context, Assembled):
        yield Suspect(Cause.CAP_CUT, f"ranked {nth(t.ranked[row])}, and did not fit")
        return
    held, read = t.holders(row), set(context.ids[query, : t.k].tolist())
    seen = context.seen[query, : t.ranked[row] + 1].tolist()
    missing = [i for i, c in enumerate(seen) if c in held and c not in read]
    i = max(missing, key=lambda i: held[seen[i]])
    reason = Reason(int(context.reason[query, i]))
    if reason is not Reason.DUPLICATE and _diversifies(t):
        yield Suspect(Cause.DIVERSITY_CUT, "what resembles it came first", certain=False)
    cause, detail = LEFT_OUT[reason]
    instead = int(context.instead[query, i])
    yield Suspect(cause, f"ranked {nth(i)}: {detail}", instead=instead)


LEFT_OUT = {
    Reason.DUPLICATE: (Cause.MERGED_AWAY, "a better ranked passage says the same"),
    Reason.DOCUMENT: (Cause.DIVERSITY_CUT, "its document had as many passages as it may"),
    Reason.NO_ROOM: (Cause.CAP_CUT, "it did not fit whole under the cap"),
    Reason.BEYOND: (Cause.CAP_CUT, "it stands behind the k that assembling takes"),
    Reason.KEPT: (Cause.CAP_CUT, "it is read too late in the context"),
}


def _diversifies(t: Trail) -> bool:
    return isinstance(t.pipeline.assemble, Context) and t.pipeline.assemble.diversity > 0


def nth(rank: int) -> str:
    """Write a rank that counts from 0 as people count: `1st`, `22nd`; `nowhere` for none."""
    if rank >= NEVER:
        return "nowhere"
    n = int(rank) + 1
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n:,}{ending}"
