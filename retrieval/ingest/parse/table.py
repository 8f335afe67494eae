"""Tables: comma- and tab-separated values as they are, and the sheets of a workbook."""

from collections.abc import Iterator
from dataclasses import replace

from retrieval.ingest.parse.blocks import Block, Kind, paragraphs, trimmed


def parse(text: str) -> Iterator[Block]:
    """Take the whole text as one table."""
    start, end = trimmed(text, 0, len(text))
    if end > start:
        yield Block(Kind.TABLE, start, end)


def parse_sheets(text: str) -> Iterator[Block]:
    """Find the sheets of a workbook as it is written: a heading and a table each."""
    for block in paragraphs(text, 0, len(text)):
        if text.startswith("|", block.start):
            yield replace(block, kind=Kind.TABLE)
        else:
            title = text[block.start : block.end].lstrip("# ")
            yield replace(block, kind=Kind.HEADING, level=2, title=title)
