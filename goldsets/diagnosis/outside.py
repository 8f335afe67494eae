"""What can be seen of a retriever from outside: what it returned, and how high."""

import numpy as np

from goldsets.diagnosis.attribute import Loss
from goldsets.diagnosis.causes import Cause
from goldsets.diagnosis.suspects import absent, nth
from goldsets.evaluation.measures import Measure
from goldsets.evaluation.pair import laid
from goldsets.evaluation.run import Run
from goldsets.evaluation.score import Rankings, found_ranks
from goldsets.evaluation.sweep import Board
from goldsets.evaluation.target import NEVER


def lost_outside(board: Board, run: Run, measure: Measure) -> list[Loss]:
    """Name what a run from outside lost at a measure's cutoff.

    Its boxes cannot be seen: what it ranks too low or did not return is a miss, and a guess.
    """
    prepared, a = laid(board, run), board.anchored
    ids = prepared.ranking.value.ids
    rankings = Rankings(board.target(prepared.index), ids[None])
    rank = found_ranks(rankings, measure.share)[0]
    asked = run.rows(board.gold)[a.query] >= 0
    rows = np.flatnonzero((a.grade >= measure.rel) & asked)
    rows = rows[np.lexsort((rank[rows], a.document[rows] < 0, a.thing[rows]))]
    best = rows[np.unique(a.thing[rows], return_index=True)[1]]
    returned = np.count_nonzero(ids >= 0, axis=1)
    return [
        _loss(board, row, int(rank[row]), int(returned[a.query[row]]))
        for row in best.tolist()
        if rank[row] >= (measure.cutoff or 0)
    ]


def _loss(board: Board, row: int, rank: int, returned: int) -> Loss:
    query = int(board.anchored.query[row])
    if board.anchored.document[row] < 0:
        suspect = absent(board, row)
        return Loss(query, row, suspect.cause, verified=True, detail=suspect.detail)
    low = f"it ranks it {nth(rank)}" if rank < NEVER else f"not among the {returned} it returned"
    return Loss(query, row, Cause.BOTH_MISS, verified=False, detail=low)
