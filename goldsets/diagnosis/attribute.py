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
from goldsets.diagnosis.suspects import Suspect, meaning_of, suspects, words_of
from goldsets.diagnosis.trail import Trail
from retrieval.types import Bool, Int64

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


def diagnose(trail: Trail) -> Diagnosis:
    """Name the cause of every loss, replaying what takes no vendor."""
    left = suspects(trail)
    found: dict[int, Loss] = {}
    while left:
        for cause, rows in _by_cause(left).items():
            answers = _replayed(trail, cause, np.array(rows))
            for row, verified in zip(rows, answers, strict=True):
                suspect = left[row].pop(0)
                if verified or suspect.certain:
                    query = int(trail.board.anchored.query[row])
                    detail, instead = suspect.detail, suspect.instead
                    found[row] = Loss(query, row, cause, verified, detail, instead)
                    del left[row]
    return Diagnosis(trail, (*(found[row] for row in sorted(found)), *_unanswered(trail)))


def _by_cause(left: Mapping[int, Sequence[Suspect]]) -> dict[Cause, list[int]]:
    rows = defaultdict(list)
    for row, own in left.items():
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


FACTS = (Cause.NOT_IN_CORPUS, Cause.PARSE_LOST)
"""What the trail itself shows."""

REPLAYS: Mapping[Cause, Replay] = {
    Cause.BOUNDARY_CUT: replay.whole,
    Cause.FILTERED_OUT: replay.unfiltered,
    Cause.CROWDED: replay.merged,
    Cause.LEXICAL_MISS: _missed(words_of),
    Cause.SEMANTIC_MISS: _missed(meaning_of),
    Cause.BOTH_MISS: _missed(lambda trail: trail.firsts),
    Cause.DROWNED: replay.alone,
    Cause.BELOW_POOL: replay.deeper,
    Cause.RERANK_DEMOTED: replay.unranked,
    Cause.MERGED_AWAY: replay.unmerged,
    Cause.DIVERSITY_CUT: replay.undiversified,
    Cause.CAP_CUT: replay.uncut,
}
"""How a cause is put to the test; what is not here stays a guess."""


def _unanswered(trail: Trail) -> Iterator[Loss]:
    gold = trail.board.gold
    returned = np.count_nonzero(trail.steps.context.value.ids >= 0, axis=1)
    for i, query in enumerate(gold.queries):
        if gold.unanswerable(query):
            detail = f"{returned[i]} passages came back"
            yield Loss(i, -1, Cause.NO_ANSWER, verified=True, detail=detail)


def to_judge(trail: Trail, loss: Loss, above: int) -> list[tuple[int, int, int]]:
    """Return the passages nobody has judged that stand in a loss's way: document, start, end.

    It is the one that its cause names, or else those among the first `above`.
    """
    t, chunks = trail.target, trail.steps.index.chunks.value
    judged = set(t.touch_chunk[t.touch_query == loss.query].tolist())
    first = [int(c) for c in trail.steps.context.value.ids[loss.query][:above] if c >= 0]
    own = [loss.instead] if loss.instead >= 0 else first
    return [
        (int(chunks.document[c]), int(chunks.start[c]), int(chunks.end[c]))
        for c in own
        if c not in judged
    ]
