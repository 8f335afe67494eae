"""The passages of one query's context: chunks placed under a cap, joined, and put in order."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby
from typing import Literal

Order = Literal["rank", "document", "edges"]
Span = tuple[int, int, int]
"""A document's row, start and end."""
Sizes = Mapping[Span, int]


class Reason(IntEnum):
    """What became of a candidate."""

    KEPT = 0
    BEYOND = 1
    """It stood behind the first k."""
    DUPLICATE = 2
    """A better ranked one says the same."""
    DOCUMENT = 3
    """Its document had as many as it may."""
    NO_ROOM = 4
    """It did not fit whole."""


@dataclass(slots=True)
class Passage:
    """A span that is read in one piece; `rank` is that of its best chunk."""

    document: int
    start: int
    end: int
    rank: int
    chunks: dict[int, int]
    """Each chunk, and the candidate it was added for."""

    @property
    def span(self) -> Span:
        """Return document, start and end."""
        return self.document, self.start, self.end


class Passages:
    """Places chunks one by one; what does not fit under the cap is passed over."""

    def __init__(
        self, spans: Sequence[Span], ranked: list[int], size: Sizes | None, cap: int | None
    ) -> None:
        """Begin empty; `spans` are those of all chunks.

        `size` counts the tokens of a span, None where there is no cap.
        """
        self.spans, self.size, self.room = spans, size, cap or 0
        self.reason: dict[int, Reason] = dict.fromkeys(ranked, Reason.NO_ROOM)
        self._placed: dict[int, list[Passage]] = {}
        """By document."""

    def drop(self, candidates: Iterable[int], reason: Reason) -> None:
        """Note why candidates were left out."""
        self.reason.update(dict.fromkeys(candidates, reason))

    @property
    def placed(self) -> list[Passage]:
        """Return the passages so far, in no order."""
        return [p for own in self._placed.values() for p in own]

    def fill(self, chosen: Iterable[int], per_document: int | None, *, join: bool) -> None:
        """Place the chosen, best first."""
        held: Counter[int] = Counter()
        for rank, chunk in enumerate(chosen):
            document = self.spans[chunk][0]
            if per_document is not None and held[document] >= per_document:
                self.reason[chunk] = Reason.DOCUMENT
            elif self._place(chunk, rank, chunk, join=join):
                held[document] += 1

    def extend(self, neighbours: int, *, join: bool) -> None:
        """Add the chunks around those placed: nearer ones first, then by rank."""
        placed = [(p.rank, c) for p in self.placed for c in p.chunks]
        around = (
            (rank, chunk, chunk + side * step)
            for step in range(1, neighbours + 1)
            for rank, chunk in sorted(placed)
            for side in (-1, 1)
        )
        for rank, chunk, other in around:
            if self._may_be_added(chunk, other):
                self._place(other, rank, chunk, join=join)

    def shrink(self, fits: Callable[[Sequence[Span]], bool], order: Order) -> None:
        """Leave out the worst ranked passages until all of them, in reading order, fit."""
        while not fits([p.span for p in in_order(self.placed, order)]):
            last = max(self.placed, key=lambda p: p.rank)
            self._placed[last.document].remove(last)
            self.drop(last.chunks, Reason.NO_ROOM)

    def read(self, order: Order) -> list[tuple[int, int, int]]:
        """Return (chunk, number of its passage, candidate it stands for) in reading order."""
        return [
            (chunk, number, source)
            for number, passage in enumerate(in_order(self.placed, order))
            for chunk, source in sorted(passage.chunks.items(), key=self._position)
        ]

    def _position(self, item: tuple[int, int]) -> tuple[int, int, int]:
        return (*self.spans[item[0]][1:], item[0])

    def _may_be_added(self, chunk: int, other: int) -> bool:
        inside = 0 <= other < len(self.spans)
        if not inside or self.spans[other][0] != self.spans[chunk][0]:
            return False
        return self.reason.get(other, Reason.NO_ROOM) == Reason.NO_ROOM

    def _place(self, chunk: int, rank: int, source: int, *, join: bool) -> bool:
        """Place a chunk if it fits whole, joined with what it overlaps or touches."""
        document, start, end = self.spans[chunk]
        own = self._placed.get(document, [])
        met = [p for p in own if p.start <= end and start <= p.end] if join and own else []
        for p in met:
            start, end = min(start, p.start), max(end, p.end)
        if self.size is not None:
            cost = self.size[document, start, end] - sum(self.size[p.span] for p in met)
            if cost > self.room:
                return False
            self.room -= cost
        new = Passage(document, start, end, min([rank, *(p.rank for p in met)]), {chunk: source})
        for p in met:
            new.chunks.update(p.chunks)
        apart = [p for p in own if all(p is not m for m in met)]
        self._placed[document] = [*apart, new]
        self.reason[chunk] = Reason.KEPT
        return True


def in_order(passages: Iterable[Passage], order: Order) -> list[Passage]:
    """Put passages in reading order."""
    ranked = sorted(passages, key=lambda p: (p.rank, p.start))
    if order == "rank":
        return ranked
    if order == "edges":
        return ranked[::2] + ranked[1::2][::-1]
    first = {d: min(p.rank for p in own) for d, own in _by_document(ranked)}
    return sorted(ranked, key=lambda p: (first[p.document], p.start, p.end))


def _by_document(passages: Iterable[Passage]) -> Iterable[tuple[int, list[Passage]]]:
    ordered = sorted(passages, key=lambda p: p.document)
    return ((d, list(own)) for d, own in groupby(ordered, key=lambda p: p.document))
