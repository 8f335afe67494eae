"""reStructuredText, as far as retrieval needs it: headings, literal blocks, tables, lists.

It also takes the plain-text rendering that Python carries in `pydoc_data.topics`, where a literal
block is an indented one after a line that ends in a colon.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from retrieval.ingest.parse.blocks import Block, Kind, covering, line_starts, trimmed

RULE = re.compile(r"([!-/:-@\[-`{-~])\1{2,}\s*$")
GRID = re.compile(r"\+[-=+]{2,}|\|")
SIMPLE_TABLE = re.compile(r"=+(?:\s+=+)+\s*$")
CODE_DIRECTIVE = re.compile(
    r"\.\.\s+(?:code-block|code|sourcecode|parsed-literal|productionlist)::"
)
ITEM = re.compile(r"\s*(?:[-*+•]|\(?(?:\d+|[a-zA-Z#])[.)])\s+\S")


@dataclass(frozen=True)
class Lines:
    """The lines of a text and where they start."""

    text: str
    lines: list[str]
    starts: list[int]

    def block(self, kind: Kind, first: int, last: int) -> Block:
        """Return lines `first` up to but without `last` as a block."""
        return Block(kind, *trimmed(self.text, self.starts[first], self.starts[last]))

    def indent(self, i: int) -> int:
        """Return the width of a line's indent."""
        return len(self.lines[i]) - len(self.lines[i].lstrip())

    @cached_property
    def table_ends(self) -> list[int]:
        """Return the lines that can end a simple table: rules before a blank line."""
        after = [*self.lines[1:], ""]
        rules = (bool(SIMPLE_TABLE.match(line.lstrip())) for line in self.lines)
        return [i for i, rule in enumerate(rules) if rule and not after[i].strip()]

    def run(self, first: int, width: int) -> int:
        """Return the first line after `first` that is not blank and is indented less than width."""
        i = first
        while i < len(self.lines) and (not self.lines[i].strip() or self.indent(i) >= width):
            i += 1
        return i


def parse(text: str) -> list[Block]:
    """Find the blocks of a reStructuredText."""
    starts = line_starts(text)
    lines = Lines(text, [text[a:b].rstrip("\r\n") for a, b in pairwise(starts)], starts)
    return covering(text, _blocks(lines))


def _blocks(t: Lines) -> Iterator[Block]:
    styles: list[str] = []
    i, literal = 0, False
    while i < len(t.lines):
        if not t.lines[i].strip():
            i += 1
            continue
        block, i = _heading(t, i, styles) or _code(t, i, literal) or _table(t, i) or _text(t, i)
        if block.end > block.start:
            yield block
        literal = t.text[block.start : block.end].endswith(":") and block.kind is not Kind.CODE


def _heading(t: Lines, i: int, styles: list[str]) -> tuple[Block, int] | None:
    over = bool(RULE.match(t.lines[i])) and i + 2 < len(t.lines) and t.lines[i + 2] == t.lines[i]
    title = i + 1 if over else i
    if title + 1 >= len(t.lines) or not t.lines[title].strip():
        return None
    rule = RULE.match(t.lines[title + 1])
    text = t.lines[title].strip()
    if not rule or len(t.lines[title + 1].strip()) < len(text) or (not over and t.indent(title)):
        return None
    style = rule[1] * (2 if over else 1)
    if style not in styles:
        styles.append(style)
    block = t.block(Kind.HEADING, i, title + 2)
    name = text.replace("``", "")
    return Block(Kind.HEADING, block.start, block.end, styles.index(style) + 1, name), title + 2


def _code(t: Lines, i: int, literal: bool) -> tuple[Block, int] | None:
    if CODE_DIRECTIVE.match(t.lines[i].lstrip()):
        end = t.run(i + 1, t.indent(i) + 1)
    elif literal and t.indent(i) and not ITEM.match(t.lines[i]):
        end = t.run(i, t.indent(i))
    elif t.lines[i].lstrip().startswith(">>> "):
        end = t.run(i, t.indent(i)) if t.indent(i) else _text(t, i)[1]
    else:
        return None
    return t.block(Kind.CODE, i, end), end


def _table(t: Lines, i: int) -> tuple[Block, int] | None:
    end = i
    if GRID.match(t.lines[i].lstrip()):
        while end < len(t.lines) and GRID.match(t.lines[end].lstrip()):
            end += 1
    elif SIMPLE_TABLE.match(t.lines[i].lstrip()):
        after = bisect_right(t.table_ends, i)
        end = t.table_ends[after] + 1 if after < len(t.table_ends) else i
    return (t.block(Kind.TABLE, i, end), end) if end > i + 1 else None


def _text(t: Lines, i: int) -> tuple[Block, int]:
    end = i + 1
    while end < len(t.lines) and t.lines[end].strip() and not ITEM.match(t.lines[end]):
        end += 1
    return t.block(Kind.LIST if ITEM.match(t.lines[i]) else Kind.TEXT, i, end), end
