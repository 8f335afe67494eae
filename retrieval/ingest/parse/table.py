"""Comma- and tab-separated values: the text as it is, one table with its header row first."""

from collections.abc import Iterator

from retrieval.ingest.parse.blocks import Block, Kind, trimmed


def parse(text: str) -> Iterator[Block]:
    """Take the whole text as one table."""
    start, end = trimmed(text, 0, len(text))
    if end > start:
        yield Block(Kind.TABLE, start, end)
