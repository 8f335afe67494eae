"""Markdown, by markdown-it-py: headings, fences, tables and lists with their exact lines."""

import re
from collections.abc import Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from retrieval.ingest.parse.blocks import Block, Kind, covering, line_starts, trimmed

FRONT_MATTER = re.compile(r"\A---[^\S\n]*\n(.*?\n)?---[^\S\n]*(?:\n|\Z)", re.DOTALL)
ANCHOR = re.compile(r"\s*\{\s*[#.:][^{}]*\}\s*$")
MARKS = re.compile(r"^\s{0,3}#{1,6}(?:\s+|$)|\s+#+\s*$|\n\s{0,3}(?:=+|-+)\s*$")
LEAVES = {
    "paragraph_open": Kind.TEXT,
    "heading_open": Kind.HEADING,
    "fence": Kind.CODE,
    "code_block": Kind.CODE,
    "html_block": Kind.TEXT,
    "table_open": Kind.TABLE,
}


def parse(text: str) -> list[Block]:
    """Find the blocks of a Markdown text; front matter is one block of kind META."""
    front = FRONT_MATTER.match(text)
    skipped = front.end() if front else 0
    meta = [Block(Kind.META, 0, len(text[:skipped].rstrip()))] if skipped else []
    body = text[skipped:]
    starts = [skipped + s for s in line_starts(body)]
    return covering(text, [*meta, *_blocks(text, _parser().parse(body), starts)])


def heading_title(source: str) -> str:
    """Strip a heading's marks, anchor and code ticks: `## Use `x` { #use }` -> `Use x`."""
    bare = ANCHOR.sub("", MARKS.sub("", source.strip())).replace("`", "")
    return " ".join(bare.split())


def _blocks(text: str, tokens: list[Token], starts: list[int]) -> Iterator[Block]:
    covered = -1
    for token in tokens:
        kind = LEAVES.get(token.type)
        if kind is None or token.map is None or token.map[0] < covered:
            continue
        first, covered = token.map
        start, end = trimmed(text, starts[first], starts[covered])
        if kind is Kind.HEADING and token.level == 0:
            title = heading_title(text[start:end])
            yield Block(kind, start, end, level=int(token.tag[1:]), title=title)
        else:
            language = token.info.split()[:1] if kind is Kind.CODE else []
            yield Block(_nested(kind, token.level), start, end, language="".join(language))


def _nested(kind: Kind, level: int) -> Kind:
    inside = level > 0 and kind in (Kind.TEXT, Kind.HEADING)
    return Kind.LIST if inside else kind


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table").disable("inline")
