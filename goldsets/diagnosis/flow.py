"""The way of evidence for the eye: one piece box by box, and all of it with where it got lost."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from goldsets.diagnosis.attribute import Diagnosis, Loss
from goldsets.diagnosis.causes import Cause
from goldsets.diagnosis.suspects import nth
from goldsets.diagnosis.trail import Trail
from goldsets.evaluation.target import NEVER
from retrieval.pipeline import FUSED, RERANKED
from retrieval.types import Bool

BOXES: dict[str, tuple[Cause, ...]] = {
    "parse": (Cause.NOT_IN_CORPUS, Cause.PARSE_LOST),
    "chunk": (Cause.BOUNDARY_CUT,),
    "filter": (Cause.FILTERED_OUT,),
    "first stage": (Cause.LEXICAL_MISS, Cause.SEMANTIC_MISS, Cause.BOTH_MISS),
    "fuse": (Cause.DROWNED,),
    "rerank": (Cause.BELOW_POOL, Cause.RERANK_DEMOTED),
    "assemble": (Cause.CROWDED, Cause.MERGED_AWAY, Cause.DIVERSITY_CUT, Cause.CAP_CUT),
    "labels": (Cause.PROBABLY_UNLABELLED,),
}
"""The boxes of the diagram, and the causes for which each loses evidence."""


@dataclass(frozen=True)
class Station:
    """A box on the way of one piece of evidence: what it did with it, and whether it lost it."""

    box: str
    says: str
    lost: bool = False


@dataclass(frozen=True)
class Flow:
    """How many things to find there were, what each box lost of them, and what arrived."""

    things: int
    lost: tuple[tuple[str, Counter[Cause]], ...]

    @property
    def arrived(self) -> int:
        """Return how many reached the context."""
        return self.things - sum(causes.total() for _, causes in self.lost)


def flow(diagnosis: Diagnosis, queries: Bool | None = None) -> Flow:
    """Count what each box lost, among some of the queries `(Q,)` if given."""
    t = diagnosis.trail
    rows = t.relevant if queries is None else t.relevant & queries[t.board.anchored.query]
    things = len({*t.board.anchored.thing[rows].tolist()})
    causes = Counter(loss.cause for loss in of_queries(diagnosis, queries) if loss.row >= 0)
    own = {box: Counter({c: causes[c] for c in every}) for box, every in BOXES.items()}
    return Flow(things, tuple((box, +counted) for box, counted in own.items() if +counted))


def of_queries(diagnosis: Diagnosis, queries: Bool | None) -> list[Loss]:
    """Return the losses of some of the queries `(Q,)`, all without."""
    return [s for s in diagnosis.losses if queries is None or queries[s.query]]


def stations(trail: Trail, row: int, cause: Cause | None = None) -> list[Station]:
    """Describe the way of one piece of evidence; the box that `cause` blames is marked."""
    if trail.board.anchored.document[row] < 0:
        said = "not in the corpus" if cause is Cause.NOT_IN_CORPUS else "its words are not there"
        return [Station("parse", said, lost=True)]
    held = trail.holders(row).values()
    share = max(held, default=0) / max(int(trail.board.anchored.length[row]), 1)
    whole = "whole in one chunk" if share > 1 - 1e-9 else f"{share:.0%} of it in one chunk"
    way = [("parse", "in the corpus"), ("chunk", whole)]
    if trail.pipeline.filter:
        way.append(("filter", "searched" if trail.searched[row] > 0 else "not searched"))
    way += [
        (box, nth(int(rank))) for box, rank in zip(trail.boxes, trail.ranks[:, row], strict=True)
    ]
    blamed = _blamed(trail, row, cause)
    return [Station(box, says, lost=box in blamed) for box, says in way]


def _blamed(trail: Trail, row: int, cause: Cause | None) -> Sequence[str]:
    box = next((box for box, causes in BOXES.items() if cause in causes), "")
    below = [name for name in trail.firsts if trail.rank(name, row) >= min(trail.k, NEVER)]
    last = trail.boxes[-1]
    named = {
        "first stage": below or list(trail.firsts),
        "fuse": [FUSED],
        "rerank": [RERANKED] if RERANKED in trail.boxes else [FUSED],
        "assemble": [last],
        "labels": [last],
    }
    return named.get(box, [box])
