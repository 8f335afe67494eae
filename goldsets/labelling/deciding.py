"""Labelling to decide between two runs: the passages that could turn it, put before a rater.

What to judge first is `Pair.doubts`; here it becomes items of an evening on the same gold set.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from goldsets.evaluation.pair import Pair
from goldsets.evaluation.sweep import Board
from goldsets.labelling.decide import decide
from goldsets.labelling.evening import labels_of
from goldsets.labelling.pools import LONGEST, Place, inside, merged
from goldsets.labelling.types import Evening, Settings
from goldsets.store import evenings, labels
from goldsets.store.labels import Passage
from retrieval.store import Workspace

NAME = "decide"
HOST = "me"
"""The host of an evening that is made here, as of one for practice."""


@dataclass(frozen=True)
class Asked:
    """The evening that the passages went to, and how many items are new to it."""

    evening: Evening
    items: int


def open_evening(workspace: Workspace, goldset: str) -> Evening | None:
    """Return the newest evening on a gold set that is not closed, None if there is none."""
    every = evenings.every(workspace)
    return next((e for e in every if e.goldset == goldset and not e.closed), None)


def top_grade(workspace: Workspace, goldset: str) -> int | None:
    """Return the highest grade on the scales of a gold set's evenings; None without an evening."""
    scales = [e.settings.grades for e in evenings.every(workspace) if e.goldset == goldset]
    return max((len(scale) - 1 for scale in scales), default=None)


def waiting(workspace: Workspace, evening: Evening, pair: Pair) -> int:
    """Count the items of an evening that hold a passage which could decide, and are open still."""
    by = labels_of(labels.labels(workspace, evening))
    doubts = _places(pair)
    open_ = 0
    for item in labels.items(workspace, evening):
        row = pair.board.corpus.row.get(item.document)
        own = doubts.get(item.query, ())
        if row is None or decide(by.get(item.id, ()), evening.settings) is not None:
            continue
        open_ += any(inside(place, [(row, item.start, item.end)]) for place in own)
    return open_


def ask(workspace: Workspace, pair: Pair, n: int, host: str = HOST) -> Asked:
    """Put the `n` items that decide soonest into an evening; fewer if there are no more.

    It is the newest open evening on the gold set, or else a new one with one rater an item, of
    which `host` is the host, or nobody yet without a name.
    Overlapping passages of a query are one item. What is in the queue there already, judged or
    not, is not asked again.
    """
    return _put(workspace, pair.board, lambda queued: _first(pair, queued, n), host)


def judge(
    workspace: Workspace, board: Board, places: Mapping[str, Sequence[Place]], host: str = HOST
) -> Asked:
    """Put passages before a rater, by the query they are for, in the evening that `ask` takes."""

    def left(queued: Mapping[str, Sequence[Place]]) -> dict[str, list[Place]]:
        return {
            query: merged([p for p in own if not inside(p, queued[query])], board.corpus)
            for query, own in places.items()
        }

    return _put(workspace, board, left, host)


_Choice = Callable[[Mapping[str, list[Place]]], Mapping[str, Sequence[Place]]]


def _put(workspace: Workspace, board: Board, choose: _Choice, host: str) -> Asked:
    """Put into an evening what is chosen in view of its queue, by query."""
    evening = open_evening(workspace, board.gold.name) or _new(workspace, board.gold.name, host)
    queued: dict[str, list[Place]] = defaultdict(list)
    for item in labels.items(workspace, evening):
        if item.document in board.corpus.row:
            queued[item.query].append((board.corpus.row[item.document], item.start, item.end))
    passages = [
        Passage(query, board.corpus.documents[document].id, start, end)
        for query, places in choose(queued).items()
        for document, start, end in places
    ]
    corpus = board.corpus
    return Asked(evening, labels.add(workspace, evening, corpus.name, corpus.version, passages))


def _new(workspace: Workspace, goldset: str, host: str) -> Evening:
    taken = {e.name for e in evenings.every(workspace)}
    numbered = (f"{NAME}-{n}" for n in range(2, len(taken) + 3))
    name = NAME if NAME not in taken else next(n for n in numbered if n not in taken)
    evening = evenings.create(workspace, name, goldset, Settings(raters=1))
    if host:
        evenings.join(workspace, evening, host, "host")
    return evening


def _places(pair: Pair) -> dict[str, list[Place]]:
    """Gather the passages that could decide by the query they are for."""
    places: dict[str, list[Place]] = defaultdict(list)
    for doubt in pair.doubts:
        places[pair.board.gold.queries[doubt.query].id].append(pair.place(doubt))
    return places


def _first(pair: Pair, queued: Mapping[str, list[Place]], n: int) -> dict[str, list[Place]]:
    """Merge the passages that decide soonest, query by query, until there are `n` items.

    No passage is cut: who has read half of it could not say that it is not relevant.
    """
    corpus, longest = pair.board.corpus, max(LONGEST, pair.longest)
    taken: dict[str, list[Place]] = defaultdict(list)
    items: dict[str, list[Place]] = {}
    for doubt in pair.doubts:
        query, place = pair.board.gold.queries[doubt.query].id, pair.place(doubt)
        if inside(place, queued[query]):
            continue
        taken[query].append(place)
        more = {**items, query: merged(taken[query], corpus, longest)}
        if items and sum(map(len, more.values())) > n:
            break
        items = more
    return items
