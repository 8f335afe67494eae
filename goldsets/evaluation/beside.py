"""Two rankings of one query side by side: which passages stand in both, which in one alone."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from goldsets.evaluation.pair import laid
from goldsets.evaluation.run import Run
from goldsets.evaluation.sweep import Board
from retrieval.errors import PizzaError
from retrieval.pipeline import boxes
from retrieval.runtime import Made
from retrieval.store import artifacts
from retrieval.types import Bool, Candidates, Chunks, Int32, Int64, Queries


@dataclass(frozen=True)
class Beside:
    """Two lists of chunk numbers `(N,)` and `(M,)`, best first, and which places are joined.

    `joined` is `(N, M)`: the same span in both; between different chunkings one that covers at
    least half of the other.
    """

    a: Int64
    b: Int64
    joined: Bool

    @property
    def turned(self) -> "Beside":
        """Return the same with the sides changed."""
        return Beside(self.b, self.a, self.joined.T)

    def other(self, place: int) -> int | None:
        """Return the best place in B of what stands at one in A, None where A alone has it."""
        found = np.flatnonzero(self.joined[place])
        return int(found[0]) if len(found) else None

    def lines(self, depth: int) -> Iterator[tuple[int, int]]:
        """Return the joined places of the first `depth` of both."""
        rows, columns = np.nonzero(self.joined[:depth, :depth])
        return zip(rows.tolist(), columns.tolist(), strict=True)


def beside(a: Chunks, a_ids: Int32, b: Chunks, b_ids: Int32) -> Beside:
    """Join two rankings of one query, padded with -1; what is nowhere in a corpus joins nothing."""
    one, other = (ids[ids >= 0].astype(np.int64) for ids in (a_ids, b_ids))
    document, start, end = _places(a, one)
    documents, starts, ends = _places(b, other)
    here = (document[:, None] == documents) & (documents >= 0)
    same = here & (start[:, None] == starts) & (end[:, None] == ends)
    if _alike(a, b):
        return Beside(one, other, same)
    shared = np.minimum(end[:, None], ends) - np.maximum(start[:, None], starts)
    shorter = np.minimum((end - start)[:, None], ends - starts)
    covers = here & (shared > 0) & (2 * shared >= shorter)
    return Beside(one, other, np.asarray(same | covers))


def _places(chunks: Chunks, ids: Int64) -> tuple[Int64, Int64, Int64]:
    document, start, end = (
        getattr(chunks, name)[ids].astype(np.int64) for name in ("document", "start", "end")
    )
    return document, start, end


def _alike(a: Chunks, b: Chunks) -> bool:
    return a is b or all(
        np.array_equal(getattr(a, name), getattr(b, name)) for name in ("document", "start", "end")
    )


def stages_of(board: Board, run: Run) -> Mapping[str, Made[Candidates]]:
    """Lay out every list that a run's pipeline made on its way, by the name of the box.

    Raises:
        PizzaError: the gold set no longer has the queries it was run on, or its stages changed, or
            it is from outside.
    """
    text = {query.id: query.text for query in board.gold.queries}
    missing = [q for q in run.queries if q not in text]
    if missing:
        raise PizzaError(
            f"{missing[0]!r} is no longer in the gold set; start the sweep again for its stages"
        )
    prepared = laid(board, run)
    queries = Queries(tuple(text[q] for q in run.queries))
    pipeline = prepared.variant.pipeline
    return boxes(pipeline, pipeline.steps(prepared.searched, queries, board.rt))


def stage_list(board: Board, run: Run, box: str, query: str) -> Int32:
    """Return one query's list `(K,)` at a box; what was kept is read, nobody is asked for more.

    Raises:
        PizzaError: what it is made from is not kept.
    """
    made = stages_of(board, run)[box]
    workspace = board.rt.workspace
    keys = [m.key for m in made.line() if m.kept]
    if not _at_hand(made, artifacts.known(workspace, keys) if workspace else set()):
        raise PizzaError(f"the list of {box} is not kept for these queries; start the sweep again")
    return np.asarray(made.value.ids[run.queries.index(query)])


def _at_hand(made: Made[Any], known: Container[str]) -> bool:
    """Tell whether a product is kept, or comes at once from what is."""
    return made.key in known if made.kept else all(_at_hand(m, known) for m in made.parents)


def query_seconds(board: Board, run: Run) -> float | None:
    """Return the mean seconds that a run took for a query: of all stages that saw the queries.

    All queries went through at once; the index, and vectors of passages, are not in it. None of a
    run from outside: what was timed of it is more than its answers.
    """
    if run.chunks is not None:
        return None
    line = laid(board, run).ranking.line()
    asked = {m.stage for m in line if any(a.stage == "queries" for a in m.line())}
    return sum(run.seconds.get(stage, 0.0) for stage in asked) / max(len(run.queries), 1)
