"""How a text is cut: at tokens, sentences and blocks; and how pieces are joined to a size."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from retrieval.ingest.parse import Block, Kind
from retrieval.ingest.parse.blocks import trimmed

Piece = tuple[int, int]

SENTENCE_END = re.compile(
    r"(?:(?<![.!?…])[.!?…]+[\"'”’)\]]*(?=\s)"  # a mark, closing quotes, then space
    r"|[。！？]+[」』”’)]*"  # full-width marks need no space
    r"|(?<=[가-힣])[.!?]+(?=[가-힣]))"  # Korean typed without one
)
ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|cf|vs|al|Dr|Mr|Mrs|Ms|St|No|Fig|approx)|\b[A-Z])$"
)


@dataclass(frozen=True)
class Text:
    """A document's text with its blocks and a ruler in tokens."""

    text: str
    blocks: Sequence[Block]
    starts: Sequence[int]
    given: Sequence[Piece]

    def tokens(self, start: int, end: int) -> int:
        """Count the tokens that start in a span."""
        return bisect_left(self.starts, end) - bisect_left(self.starts, start)

    def trim(self, start: int, end: int) -> Piece:
        """Narrow a span to leave out blank lines and trailing space."""
        return trimmed(self.text, start, end)


def windows(
    t: Text, piece: Piece, size: int, overlap: int = 0, *, whole_words: bool = True
) -> Iterator[Piece]:
    """Cut a span into windows of at most `size` tokens, up to `overlap` of them repeated.

    A character that alone is more tokens than `size` (an emoji) is a window of its own.
    """
    first, last = (bisect_left(t.starts, edge) for edge in piece)
    start = piece[0]
    while last - first > size:
        half = range(first + size, first + max(size // 2, 1) - 1, -1)
        least = chain(range(first + size, first, -1), range(first + size, last))
        cut = _edge(t, half, whole_words) or _edge(t, least, False)
        if cut is None:
            break
        yield start, t.starts[cut]
        repeated = range(max(cut - overlap, first + 1), cut + 1)
        first = _edge(t, repeated, whole_words) or cut
        start = t.starts[first]
    yield start, piece[1]


def _edge(t: Text, tokens: Iterable[int], whole_words: bool) -> int | None:
    """Return the first of the tokens that a window may begin with."""
    edges = (c for c in tokens if _starts_character(t, c))
    if not whole_words:
        return next(edges, None)
    every = list(edges)
    spaced = (c for c in every if _at_space(t, c))
    apart = (c for c in every if not _inside_word(t, c))
    return next(chain(spaced, apart, every), None)


def _starts_character(t: Text, token: int) -> bool:
    return token == 0 or t.starts[token] != t.starts[token - 1]


def _at_space(t: Text, token: int) -> bool:
    at = t.starts[token]
    return at == 0 or t.text[at].isspace() or t.text[at - 1].isspace()


def _inside_word(t: Text, token: int) -> bool:
    at = t.starts[token]
    return at > 0 and _in_word(t.text[at - 1]) and _in_word(t.text[at])


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def sections(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Group blocks by the heading they stand under; a heading without a body joins the next."""
    section: list[Block] = []
    for block in blocks:
        if block.kind is Kind.HEADING and any(b.kind is not Kind.HEADING for b in section):
            yield section
            section = []
        section.append(block)
    if section:
        yield section


def with_heading(section: Sequence[Block]) -> Iterator[list[Block]]:
    """Group each heading with the block that follows it."""
    group: list[Block] = []
    for block in section:
        group.append(block)
        if block.kind is not Kind.HEADING:
            yield group
            group = []
    if group:
        yield group


def sentences(t: Text, block: Block) -> Iterator[Piece]:
    """Cut a block into sentences; code and tables into lines."""
    if block.kind in (Kind.CODE, Kind.TABLE):
        ends = [block.start + m.end() for m in re.finditer("\n", t.text[block.start : block.end])]
    else:
        marks = SENTENCE_END.finditer(t.text, block.start, block.end)
        ends = [m.end() for m in marks if not _abbreviates(t.text, m.start())]
    start = block.start
    for end in [*ends, block.end]:
        low, high = t.trim(start, end)
        if high > low:
            yield low, high
        start = end


def _abbreviates(text: str, mark: int) -> bool:
    return text[mark] == "." and bool(ABBREVIATION.search(text[max(0, mark - 8) : mark]))


def packed(t: Text, units: Sequence[Piece], size: int) -> Iterator[Piece]:
    """Join consecutive units while they fit into `size` tokens; cut a unit that alone does not."""
    start: int | None = None
    end = 0
    for low, high in units:
        if start is not None and t.tokens(start, high) > size:
            yield start, end
            start = None
        if start is None and t.tokens(low, high) > size:
            *full, (low, high) = windows(t, (low, high), size)
            yield from full
        start, end = (low if start is None else start), high
    if start is not None:
        yield start, end


def parts(text: str, piece: Piece, separator: str) -> Iterator[Piece]:
    """Split a span before each separator, into characters at the empty one."""
    start, end = piece
    if not separator:
        yield from ((i, i + 1) for i in range(start, end))
        return
    cut = text.find(separator, start + 1, end)
    while cut >= 0:
        yield start, cut
        start, cut = cut, text.find(separator, cut + len(separator), end)
    yield start, end


def joined(t: Text, parts: Sequence[Piece], size: int, overlap: int) -> Iterator[Piece]:
    """Join adjacent parts up to `size` tokens, each run repeating up to `overlap` of the last."""
    run: list[Piece] = []
    for part in parts:
        if run and t.tokens(run[0][0], part[1]) > size:
            yield run[0][0], run[-1][1]
            while run and _too_long(t, run, part, size, overlap):
                run.pop(0)
        run.append(part)
    if run:
        yield run[0][0], run[-1][1]


def _too_long(t: Text, run: Sequence[Piece], part: Piece, size: int, overlap: int) -> bool:
    repeated = t.tokens(run[0][0], run[-1][1])  # none where the run is the rest of a token
    return not overlap or repeated > overlap or t.tokens(run[0][0], part[1]) > size
