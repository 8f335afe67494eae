"""Chunkers that pack sentences or blocks under one heading."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from retrieval.ingest.chunk.base import Sized
from retrieval.ingest.chunk.cut import Piece, Text, packed, sections, sentences, with_heading
from retrieval.ingest.parse import Block, Kind
from retrieval.stage import shown


@dataclass(frozen=True)
class BySentence(Sized):
    """Whole sentences (English and Korean), as many as fit into `size` tokens.

    Blocks are not joined across headings; lines of code and rows of tables count as sentences.
    """

    size: int = shown(200)

    def spans(self, t: Text) -> Iterable[Piece]:
        """Pack each section's sentences."""
        for section in sections(t.blocks):
            units = [unit for block in section for unit in sentences(t, block)]
            yield from packed(t, units, self.size)


@dataclass(frozen=True)
class ByHeading(Sized):
    """A section a chunk; one that is longer than `size` is cut between its blocks.

    A code block or table is never cut unless it alone is longer than `size`, then between lines;
    a heading stays with what follows it.
    """

    def spans(self, t: Text) -> Iterable[Piece]:
        """Pack each section's blocks."""
        for section in sections(t.blocks):
            units = [unit for group in with_heading(section) for unit in self._units(t, group)]
            yield from packed(t, units, self.size)

    def _units(self, t: Text, group: Sequence[Block]) -> Iterable[Piece]:
        whole = (group[0].start, group[-1].end)
        if t.tokens(*whole) <= self.size:
            return [whole]
        last = group[-1]
        if last.kind in (Kind.CODE, Kind.TABLE) and t.tokens(last.start, last.end) <= self.size:
            return [(b.start, b.end) for b in group]
        return [unit for block in group for unit in sentences(t, block)]
