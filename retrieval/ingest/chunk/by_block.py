"""Chunkers that put a context beside what they cut: `ByBlock` and `Window`."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from retrieval.ingest.chunk.base import Sized
from retrieval.ingest.chunk.cut import Piece, Text, packed, sections, sentences, with_heading
from retrieval.ingest.parse import Block, Kind
from retrieval.stage import require, shown

HEADER_LIMIT = 500
"""Characters of a table's header row."""
SAYING = re.compile(r"[^\n]*\w[^\n]*")


@dataclass(frozen=True)
class ByBlock(Sized):
    """Code by function or class; lists, paragraphs and tables packed up to `size` under a heading.

    A class that fits is one chunk, else its functions are one each. What is longer than `size` is
    cut between lines or sentences, by itself. A part of a table has the table's header row as
    context; a method, or a part of a function, has its symbol (`Oven.bake`).
    """

    def spans(self, t: Text) -> Iterable[Piece]:
        """Cut each section: code that has a name apart from the rest."""
        for section in sections(t.blocks):
            for symbol, run in groupby(section, lambda b: bool(b.symbol)):
                cut = self._named if symbol else self._packed
                yield from cut(t, list(run))

    def contexts(self, t: Text, pieces: Sequence[Piece]) -> Sequence[str]:
        """Return the header row or the symbol where the chunk does not hold it."""
        return [_context(t, start) for start, _ in pieces]

    def _named(self, t: Text, blocks: Sequence[Block], depth: int = 1) -> Iterator[Piece]:
        for _, group in groupby(blocks, lambda b: b.symbol.split(".")[:depth]):
            held = list(group)
            if t.tokens(held[0].start, held[-1].end) <= self.size:
                yield held[0].start, held[-1].end
            elif len({b.symbol for b in held}) > 1:
                yield from self._named(t, held, depth + 1)
            else:
                yield from packed(t, [u for b in held for u in sentences(t, b)], self.size)

    def _packed(self, t: Text, blocks: Sequence[Block]) -> Iterator[Piece]:
        groups = with_heading(blocks)
        for long, run in groupby(groups, lambda g: t.tokens(g[0].start, g[-1].end) > self.size):
            for units in self._units(t, list(run), long):
                yield from packed(t, units, self.size)

    def _units(
        self, t: Text, groups: Sequence[Sequence[Block]], long: bool
    ) -> Iterator[list[Piece]]:
        """Return what is packed together: whole groups, or the lines of a long one."""
        if not long:
            yield [(g[0].start, g[-1].end) for g in groups]
            return
        for group in groups:
            last = group[-1]
            if last.kind in (Kind.CODE, Kind.TABLE) and t.tokens(last.start, last.end) <= self.size:
                yield [(b.start, b.end) for b in group]
            else:
                yield [unit for block in group for unit in sentences(t, block)]


@dataclass(frozen=True)
class Window(Sized):
    """A sentence a chunk, with `neighbours` sentences on either side as its context.

    Code and tables are one chunk up to `size`; a heading belongs to the sentence after it.
    """

    size: int = shown(200)
    neighbours: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.neighbours <= 50, self, "neighbours", "from 0 to 50 sentences")

    def spans(self, t: Text) -> Iterable[Piece]:
        """Cut each block into its sentences."""
        for group in with_heading(t.blocks):
            for units in _sentence_groups(t, group):
                yield from packed(t, units, self.size)

    def contexts(self, t: Text, pieces: Sequence[Piece]) -> Sequence[str]:
        """Return the chunks around each, ` ... ` in its own place."""
        return [self._around(t, pieces, i) for i in range(len(pieces))]

    def _around(self, t: Text, pieces: Sequence[Piece], i: int) -> str:
        low, high = max(0, i - self.neighbours), i + 1 + self.neighbours
        sides = (pieces[low:i], pieces[i + 1 : high])
        before, after = (" ".join(t.text[slice(*p)].strip() for p in side) for side in sides)
        return f"{before} ... {after}".strip() if before or after else ""


def _sentence_groups(t: Text, group: Sequence[Block]) -> Iterator[list[Piece]]:
    """Return what is packed together: a block of code or a table whole, else single sentences."""
    above = [(b.start, b.end) for b in group[:-1]]
    units = list(sentences(t, group[-1]))
    if group[-1].kind in (Kind.CODE, Kind.TABLE):
        yield above + units
        return
    yield above + units[:1]
    yield from ([unit] for unit in units[1:])


def _context(t: Text, start: int) -> str:
    at = bisect_right(t.blocks, start, key=lambda b: b.start) - 1
    if at < 0:
        return ""
    block = t.blocks[at]
    if block.kind is Kind.TABLE and start > block.start:
        return _header(t, block, start)
    inside = start > block.start or "." in block.symbol
    return block.symbol if inside else ""


def _header(t: Text, table: Block, start: int) -> str:
    """Return a table's first row that says anything, unless the chunk begins with it."""
    row = SAYING.search(t.text, table.start, min(table.start + 4 * HEADER_LIMIT, start))
    return row[0].strip()[:HEADER_LIMIT] if row else ""
