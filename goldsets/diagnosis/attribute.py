"""Attribution: one cause for each piece of evidence that was lost, the earliest box that lost it.

A cause is *verified* when the query, replayed with that one thing changed, finds the evidence; a
box that certainly lost it is blamed even so, as a *guess*: there is more in its way. Causes that
could merely play a part (a boundary, a crowd, a pool that ends too early) are blamed only when
their replay finds it. What a replay would have to pay a vendor for stays a guess.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from goldsets.diagnosis import replay
from goldsets.diagnosis.causes import Cause
from goldsets.diagnosis.trail import Trail, is_dense
from goldsets.evaluation.target import NEVER
from goldsets.evidence import Status
from retrieval.pipeline import FUSED, RERANKED
from retrieval.query.assemble import Assembled, Context
from retrieval.query.lexical import BM25
from retrieval.query.passages import Reason
from retrieval.query.shingles import shingles
from retrieval.types import Bool, Int64

SAME_WORDS = 0.5
"""The share of the evidence's shingles from which another passage says the same."""

LOOKED_AT = 10
"""Places above lost evidence in which such a passage is looked for."""

Replay = Callable[[Trail, Int64], Bool | None]


@dataclass(frozen=True)
class Loss:
    """A thing that was there to find and was not: its query, its evidence that came furthest.

    `query` and `row` are rows of the board's queries and evidence. `verified` is None where it
    could not be replayed without paying.
    """

    query: int
    row: int
    cause: Cause
    verified: bool | None
    detail: str
    instead: int = -1
    """The chunk that stands in its way, where the cause names one."""


@dataclass(frozen=True)
class Diagnosis:
    """A trail with the cause of every loss, and the queries that expect no answer."""

    trail: Trail
    losses: tuple[Loss, ...]

    @property
    def causes(self) -> Counter[Cause]:
        """Count the losses by cause."""
        return Counter(loss.cause for loss in self.losses)

    @property
    def failed(self) -> list[int]:
        """List the queries that lost anything, in order."""
        return sorted({loss.query for loss in self.losses if loss.cause is not Cause.NO_ANSWER})

    def of(self, cause: Cause) -> list[Loss]:
        """Return the losses of one cause."""
        return [loss for loss in self.losses if loss.cause is cause]


@dataclass(frozen=True)
class Suspect:
    """A cause that may be blamed: for certain, or only if its replay finds the evidence."""

    cause: Cause
    detail: str
    certain: bool = True
    instead: int = -1


def diagnose(trail: Trail) -> Diagnosis:
    """Name the cause of every loss, replaying what takes no vendor."""
    lost = _Lost.of(trail)
    suspects = {row: list(_suspects(lost, row)) for row in trail.lost.tolist()}
    found: dict[int, Loss] = {}
    while suspects:
        for cause, rows in _by_cause(suspects).items():
            answers = _replayed(trail, cause, np.array(rows))
            for row, verified in zip(rows, answers, strict=True):
                suspect = suspects[row].pop(0)
                if verified or suspect.certain:
                    query = int(trail.board.anchored.query[row])
                    detail, instead = suspect.detail, suspect.instead
                    found[row] = Loss(query, row, cause, verified, detail, instead)
                    del suspects[row]
    return Diagnosis(trail, (*(found[row] for row in sorted(found)), *_unanswered(trail)))


def _by_cause(suspects: Mapping[int, Sequence[Suspect]]) -> dict[Cause, list[int]]:
    rows = defaultdict(list)
    for row, own in suspects.items():
        rows[own[0].cause].append(row)
    return rows


def _replayed(trail: Trail, cause: Cause, rows: Int64) -> Sequence[bool | None]:
    if cause in FACTS:
        return [True] * len(rows)
    if cause not in REPLAYS:
        return [False] * len(rows)
    found = REPLAYS[cause](trail, rows)
    return [None] * len(rows) if found is None else found.tolist()


def _missed(boxes: Callable[[Trail], Sequence[str]]) -> Replay:
    return lambda trail, rows: replay.promoted(trail, rows, boxes(trail))


def _lexical(trail: Trail) -> list[str]:
    return [n for n, s in zip(trail.firsts, trail.pipeline.first, strict=True) if not is_dense(s)]


def _dense(trail: Trail) -> list[str]:
    return [n for n, s in zip(trail.firsts, trail.pipeline.first, strict=True) if is_dense(s)]


FACTS = (Cause.NOT_IN_CORPUS, Cause.PARSE_LOST, Cause.DROWNED)
"""What the trail itself shows; that one first stage alone finds it is its own replay."""

REPLAYS: Mapping[Cause, Replay] = {
    Cause.BOUNDARY_CUT: replay.whole,
    Cause.FILTERED_OUT: replay.unfiltered,
    Cause.CROWDED: replay.merged,
    Cause.LEXICAL_MISS: _missed(_lexical),
    Cause.SEMANTIC_MISS: _missed(_dense),
    Cause.BOTH_MISS: _missed(lambda trail: trail.firsts),
    Cause.BELOW_POOL: replay.deeper,
    Cause.RERANK_DEMOTED: replay.unranked,
    Cause.MERGED_AWAY: replay.unmerged,
    Cause.DIVERSITY_CUT: replay.undiversified,
    Cause.CAP_CUT: replay.uncut,
}
"""How a cause is put to the test; what is not here stays a guess."""


@dataclass(frozen=True)
class _Lost:
    """A trail, and where each first stage ranks what was lost when nothing cuts its list."""

    trail: Trail
    deep: Mapping[int, Sequence[int]]
    usual: int
    """The characters of a long chunk: what is longer cannot be whole in one."""

    @classmethod
    def of(cls, trail: Trail) -> "_Lost":
        here = trail.lost[trail.board.anchored.document[trail.lost] >= 0]
        chunks = trail.steps.index.chunks.value
        length = chunks.end - chunks.start
        usual = int(np.quantile(length, 0.9)) if len(length) else 0
        ranks = trail.deep(here).T.tolist() if len(here) else []
        return cls(trail, dict(zip(here.tolist(), ranks, strict=True)), usual)


def _suspects(lost: _Lost, row: int) -> Iterator[Suspect]:
    """List who may be blamed, from the first box to the last; the last one is certain."""
    t, a = lost.trail, lost.trail.board.anchored
    if a.document[row] < 0:
        yield _absent(t, row)
        return
    if t.covered[row] < t.measure.share:
        yield Suspect(Cause.PARSE_LOST, f"chunks hold {t.covered[row]:.0%} of its characters")
        return
    if t.shares[row] < t.measure.share and a.length[row] <= lost.usual:
        detail = f"no chunk holds more than {t.shares[row]:.0%} of it"
        yield Suspect(Cause.BOUNDARY_CUT, detail, certain=False)
    if t.searched[row] < t.measure.share:
        yield Suspect(Cause.FILTERED_OUT, _filters(t, row))
        return
    yield from _said_above(t, row)
    if t.ranks[-1, row] < NEVER and not _merges(t):
        detail = f"it stands {nth(t.ranks[-1, row])}, behind near duplicates"
        yield Suspect(Cause.CROWDED, detail, certain=False)
    yield from _ranked(lost, row)


def _absent(t: Trail, row: int) -> Suspect:
    found = t.board.anchored.found[row]
    document = found.evidence.document
    if document not in t.board.corpus.row:
        return Suspect(Cause.NOT_IN_CORPUS, f"the corpus has no document {document!r}")
    edited = found.status is Status.EDITED
    said = "reads differently now" if edited else "is not in its text any more"
    return Suspect(Cause.PARSE_LOST, f"{document!r} is there; the quote {said}")


def _filters(t: Trail, row: int) -> str:
    """Name the filters that let less than enough of a piece through."""
    chunks = t.chunks_of(row)
    masks = zip(t.pipeline.filter, t.pipeline.masks(t.steps.index, t.board.rt), strict=True)
    names = [s.label or type(s).__name__ for s, kept in masks if not kept.value[chunks].all()]
    return f"kept out by {', '.join(names)}"


def _said_above(t: Trail, row: int) -> Iterator[Suspect]:
    """Suspect a passage above that nobody has judged and that has the evidence's words."""
    q = int(t.board.anchored.query[row])
    ids = t.steps.context.value.ids[q][: min(t.k, LOOKED_AT)]
    judged = set(t.target.touch_chunk[t.target.touch_query == q].tolist())
    unjudged = [int(c) for c in ids if c >= 0 and int(c) not in judged]
    chunks, corpus = t.steps.index.chunks.value, t.board.corpus
    said, *others = shingles(
        [t.board.anchored.found[row].evidence.exact, *(chunks.text(corpus, c) for c in unjudged)]
    )
    for chunk, other in zip(unjudged, others, strict=True):
        share = len(np.intersect1d(said, other)) / max(len(said), 1)
        if share >= SAME_WORDS:
            place = int(np.flatnonzero(ids == chunk)[0])
            detail = f"the passage at rank {place + 1} has {share:.0%} of its words"
            yield Suspect(Cause.PROBABLY_UNLABELLED, detail, instead=chunk)
            return


def _merges(t: Trail) -> bool:
    return isinstance(t.pipeline.assemble, Context) and t.pipeline.assemble.duplicates > 0


def _ranked(lost: _Lost, row: int) -> Iterator[Suspect]:
    """Suspect the first stages and fusing, then the reranker, then assembling."""
    t = lost.trail
    rerank = t.pipeline.rerank
    reach = min(rerank.top_n, t.pipeline.pool) if rerank else t.k
    pool = FUSED if FUSED in t.boxes else t.firsts[0]
    if t.rank(pool, row) >= reach:
        yield from _not_found(lost, row, reach)
    elif rerank and t.rank(RERANKED, row) >= t.k:
        detail = f"{nth(t.rank(pool, row))} before it, {nth(t.rank(RERANKED, row))} after"
        yield Suspect(Cause.RERANK_DEMOTED, detail)
    else:
        yield from _left_out(t, row)


def _not_found(lost: _Lost, row: int, reach: int) -> Iterator[Suspect]:
    t = lost.trail
    ranks = {name: t.rank(name, row) for name in t.firsts}
    best = min(ranks, key=lambda name: ranks[name])
    if len(ranks) > 1 and ranks[best] < min(reach, t.k):
        detail = f"{best} alone has it {nth(ranks[best])}; fused it is {nth(t.rank(FUSED, row))}"
        yield Suspect(Cause.DROWNED, detail)
        return
    if t.pipeline.rerank or len(ranks) > 1:
        yield Suspect(Cause.BELOW_POOL, _places(lost, row), certain=False)
    words = min((ranks[n] for n in _lexical(t)), default=NEVER)
    meaning = min((ranks[n] for n in _dense(t)), default=NEVER)
    cause = Cause.BOTH_MISS
    if not _dense(t) or (_lexical(t) and words == NEVER > meaning):
        cause = Cause.LEXICAL_MISS
    elif not _lexical(t) or meaning == NEVER > words:
        cause = Cause.SEMANTIC_MISS
    yield Suspect(cause, _places(lost, row))


def _places(lost: _Lost, row: int) -> str:
    """Say where each first stage ranks a piece when nothing cuts its list."""
    t = lost.trail
    said = []
    for stage, name, rank in zip(t.pipeline.first, t.firsts, lost.deep[row], strict=True):
        if isinstance(stage, BM25) and not _shares_a_term(t, stage, row):
            said.append(f"{name} shares no term with it")
        else:
            said.append(
                f"{name} ranks it {nth(rank)}" if rank < NEVER else f"{name} has it nowhere"
            )
    return "; ".join(said)


def _shares_a_term(t: Trail, stage: BM25, row: int) -> bool:
    asked = stage.tokenize.tokens(t.board.queries.texts[t.board.anchored.query[row]])
    chunks = t.steps.index.chunks.value
    texts = (chunks.indexed(t.board.corpus, c) for c in t.chunks_of(row))
    return any(not set(asked).isdisjoint(stage.tokenize.tokens(text)) for text in texts)


def _left_out(t: Trail, row: int) -> Iterator[Suspect]:
    """Suspect the steps of assembling, by what became of the piece's first missing chunk."""
    context, query = t.steps.context.value, t.board.anchored.query[row]
    if not isinstance(context, Assembled):
        yield Suspect(Cause.CAP_CUT, f"ranked {nth(t.ranks[:-1, row].min())}, and did not fit")
        return
    place = {int(c): i for i, c in enumerate(context.seen[query]) if c >= 0}
    at = [place[c] for c in t.chunks_of(row) if c in place]
    became = [(Reason(int(context.reason[query, i])), i) for i in at]
    reason, i = next((pair for pair in became if pair[0] is not Reason.KEPT), became[0])
    if reason is not Reason.DUPLICATE and _diversifies(t):
        yield Suspect(Cause.DIVERSITY_CUT, "what resembles it came first", certain=False)
    instead = int(context.instead[query, i]) if reason is Reason.DUPLICATE else -1
    cause, detail = LEFT_OUT[reason]
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


def _unanswered(trail: Trail) -> Iterator[Loss]:
    gold = trail.board.gold
    returned = np.count_nonzero(trail.steps.context.value.ids >= 0, axis=1)
    for i, query in enumerate(gold.queries):
        if gold.unanswerable(query):
            detail = f"{returned[i]} passages came back"
            yield Loss(i, -1, Cause.NO_ANSWER, verified=True, detail=detail)


def nth(rank: int) -> str:
    """Write a rank that counts from 0 as people count: `1st`, `22nd`; `nowhere` for none."""
    if rank >= NEVER:
        return "nowhere"
    n = int(rank) + 1
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n:,}{ending}"
