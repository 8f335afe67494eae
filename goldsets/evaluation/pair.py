"""Two runs against each other on the gold of now: what the passages nobody judged leave open.

A run keeps its ranking, so it is scored by the newest gold whatever gold it was made on. Bounds
need both rankings in one numbering of chunks. Where two pipelines cut documents in different ways,
the chunks of both are put side by side: `ACROSS` names the measures whose values do not change with
chunks that a ranking does not show. Labels of chunks that overlap count as independent there, which
makes bounds a little wide. Only a label that reaches, in the other chunking, a chunk that has been
judged could take a query beyond them; in simulations 7 of 7,680 went there, and no mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from goldsets.evaluation import bounds as bounding
from goldsets.evaluation.bounds import Bounds, Doubt
from goldsets.evaluation.measures import Measure
from goldsets.evaluation.run import Run
from goldsets.evaluation.spec import Variant
from goldsets.evaluation.sweep import Board, Prepared
from goldsets.evaluation.target import Target
from goldsets.outside.source import Outside, source_of
from goldsets.types import GoldSet
from retrieval.errors import PizzaError
from retrieval.ingest.tokens import CountTokens
from retrieval.types import Chunks, Int32, digest

ACROSS = ("R", "P", "Success", "RR")
"""nDCG and AP are not among them: each of their ideals is that of one chunking."""


@dataclass(frozen=True)
class Pair:
    """A ranking `a` and another, `b`, if any, `(Q, K)`, both numbering `chunks`.

    `top` is the highest grade that a label may have, None for the highest in the gold set.
    """

    board: Board
    target: Target
    chunks: Chunks
    a: Int32
    b: Int32 | None
    measure: Measure
    top: int | None = None

    @cached_property
    def bounds(self) -> Bounds:
        """Return what labels could make of A, or of A - B."""
        return bounding.bounds(self.target, self.a, self.b, self.measure, self.top)

    @cached_property
    def labels_needed(self) -> int | None:
        """Estimate how many labels decide who is ahead; None: even all might not."""
        b = self._other
        return bounding.labels_needed(self.target, self.a, b, self.measure, self.top)

    @cached_property
    def doubts(self) -> list[Doubt]:
        """List the passages that could decide, the best to label first; none when decided."""
        every = self.a.size + self._other.size
        return bounding.to_decide(self.target, self.a, self._other, self.measure, every, self.top)

    def place(self, doubt: Doubt) -> tuple[int, int, int]:
        """Return where a passage stands: row of its document, start, end."""
        c, i = self.chunks, doubt.chunk
        return int(c.document[i]), int(c.start[i]), int(c.end[i])

    @property
    def longest(self) -> int:
        """Return the characters of the longest passage that could decide, 0 without any."""
        return max((end - start for _, start, end in map(self.place, self.doubts)), default=0)

    @property
    def _other(self) -> Int32:
        return self.a[:, :0] if self.b is None else self.b


def pair(
    board: Board, a: Run, b: Run | None, measure: Measure, top: int | None = None
) -> Pair | None:
    """Set run A against run B, or against nothing; None where they cannot be bounded together.

    The board is one that `open_to` returned for them.

    Raises:
        PizzaError: a run's chunks are of an earlier version of its stages.
        InputError: the measure has no bounds; said when they are asked for.
    """
    one, a_ids = laid(board, a).index, a.aligned(board.gold)[0]
    if b is None:
        return Pair(board, board.target(one), one.chunks.value, a_ids, None, measure, top)
    other, b_ids = laid(board, b).index, b.aligned(board.gold)[0]
    if board.target(one) is board.target(other):
        return Pair(board, board.target(one), one.chunks.value, a_ids, b_ids, measure, top)
    if measure.name not in ACROSS:
        return None
    chunks = _side_by_side(one.chunks.value, other.chunks.value)
    tokens = board.rt.run(CountTokens(), one.corpus).value
    target = Target(board.anchored, board.corpus, chunks, tokens)
    b_ids = np.where(b_ids >= 0, b_ids + len(one.chunks.value), -1).astype(np.int32)
    return Pair(board, target, chunks, a_ids, b_ids, measure, top)


def open_to(board: Board, runs: Sequence[Run]) -> Board:
    """Return the board of those queries that every run was asked and that may have an answer.

    What is said to have none has nothing to be found by a label.
    """
    gold = board.gold
    asked = np.all([run.rows(gold) >= 0 for run in runs], axis=0)
    kept = tuple(
        query
        for query, here in zip(gold.queries, asked, strict=True)
        if here and not gold.unanswerable(query)
    )
    if len(kept) == len(gold.queries):
        return board
    return Board(GoldSet(gold.name, gold.corpus, kept, gold.evidence), board.corpus, board.rt)


def laid(board: Board, run: Run) -> Prepared:
    """Lay out the pipeline of a run again on the corpus version it was run on.

    Of a run from outside, all that it returned; nobody is asked again.

    Raises:
        PizzaError: the run's chunks are of an earlier version of its stages, or of the corpus.
    """
    variant = Variant(run.variant, source_of(run.spec))
    if isinstance(variant.source, Outside):
        key = digest(run.id, board.gold.version, *(q.id for q in board.gold.queries))
        return board.lay(variant, board.rt.given(run.placed_in(board.corpus, board.gold), key))
    found = board.prepare(variant)
    if found.index.chunks.key != run.chunking:
        raise PizzaError(f"{run.variant!r} was run by an earlier version; start its sweep again")
    return found


def _side_by_side(a: Chunks, b: Chunks) -> Chunks:
    document, start, end = (
        np.concatenate([getattr(a, name), getattr(b, name)])
        for name in ("document", "start", "end")
    )
    bare = Chunks(document, start, end, np.zeros(len(document), np.int32))
    return bare.beside([c.context(i) for c in (a, b) for i in range(len(c))])
