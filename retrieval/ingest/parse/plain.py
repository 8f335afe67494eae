"""Plain text: paragraphs between blank lines. Source code: pieces that begin at the left margin."""

import re
from collections.abc import Iterator

from retrieval.ingest.parse.blocks import Block, Kind, paragraphs, trimmed

TOP_LEVEL = re.compile(r"\n[^\S\n]*\n(?=[^\s})\]])")


def parse(text: str) -> Iterator[Block]:
    """Cut at blank lines."""
    return paragraphs(text, 0, len(text))


def parse_code(text: str) -> Iterator[Block]:
    """Cut at blank lines that are followed by an unindented line, so that a body stays whole."""
    at = 0
    for gap in [*TOP_LEVEL.finditer(text), None]:
        stop = len(text) if gap is None else gap.end()
        low, high = trimmed(text, at, stop)
        if high > low:
            yield Block(Kind.CODE, low, high)
        at = stop
