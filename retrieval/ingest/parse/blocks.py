"""Blocks: what a parser finds in a text, as exact spans in order."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

LINE_BREAK = re.compile(r"\r\n?|\n")
BLANK_LINES = re.compile(r"\n[^\S\n]*(?=\n)")


class Kind(IntEnum):
    """What a block is."""

    TEXT = 0
    HEADING = 1
    CODE = 2
    TABLE = 3
    LIST = 4
    META = 5


@dataclass(frozen=True, slots=True)
class Block:
    """A span of one kind. `level` and `title` are a heading's; `path` is the headings above.

    `language` and `symbol` (`Oven.bake`) are code's; `page` counts from 1 and is 0 where there are
    no pages.
    """

    kind: Kind
    start: int
    end: int
    level: int = 0
    title: str = ""
    path: tuple[str, ...] = ()
    language: str = ""
    symbol: str = ""
    page: int = 0


Parse = Callable[[str], Iterable[Block]]


def line_starts(text: str) -> list[int]:
    """Return the offset of each line's first character, and the text's length at the end."""
    return [0, *(m.end() for m in LINE_BREAK.finditer(text)), len(text)]


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Narrow a span so that no blank line or space is left at its edges.

    A line's indent stays where the line begins in the span: it means something in code and lists.
    """
    body = text[start:end]
    blank = re.match(r"(?:[^\S\n]*\n)+", body)
    at_line = blank is not None or start == 0 or text[start - 1] == "\n"
    lead = (blank.end() if blank else 0) if at_line else len(body) - len(body.lstrip())
    return min(start + lead, end), start + len(body.rstrip())


def paragraphs(text: str, start: int, end: int, kind: Kind = Kind.TEXT) -> Iterator[Block]:
    """Cut a span at blank lines."""
    at = start
    for gap in [*BLANK_LINES.finditer(text, start, end), None]:
        stop = end if gap is None else gap.end()
        low, high = trimmed(text, at, stop)
        if high > low:
            yield Block(kind, low, high)
        at = stop


def covering(text: str, found: Iterable[Block]) -> list[Block]:
    """Fill what lies between the blocks with paragraphs, so that no text is left out."""
    blocks: list[Block] = []
    at = 0
    for block in [*found, Block(Kind.TEXT, len(text), len(text))]:
        if text[at : block.start].strip():
            blocks += paragraphs(text, at, block.start)
        if block.end > block.start:
            blocks.append(block)
        at = max(at, block.end)
    return blocks


def with_paths(blocks: Iterable[Block]) -> list[Block]:
    """Give each block the titles of the headings it stands under; a heading stands under itself."""
    above: list[Block] = []
    placed = []
    for block in blocks:
        if block.kind is Kind.HEADING:
            above = [h for h in above if h.level < block.level] + [block]
        placed.append(replace(block, path=tuple(h.title for h in above)))
    return placed
