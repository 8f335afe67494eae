"""The text of a PDF: pages end with a form feed, as in pdftotext; blank lines part blocks.

A line that begins with marks is a heading: the outline of the file names it so.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from retrieval.ingest.media import HEADING_MARK, PAGE_END
from retrieval.ingest.parse.blocks import Block, Kind, paragraphs

HEADING = re.compile(rf"(?:\A|(?<=[\n{PAGE_END}]))({HEADING_MARK}{{1,6}})([^\n{PAGE_END}]*\S)")


def parse(text: str) -> Iterator[Block]:
    """Cut each page at headings and blank lines, and name the page."""
    start, page = 0, 1
    while start < len(text):
        found = text.find(PAGE_END, start)
        end = len(text) if found < 0 else found
        yield from (replace(b, page=page) for b in _blocks(text, start, end))
        start, page = end + 1, page + 1


def _blocks(text: str, start: int, end: int) -> Iterator[Block]:
    for found in HEADING.finditer(text, start, end):
        yield from paragraphs(text, start, found.start())
        title = found[2].strip()
        yield Block(Kind.HEADING, found.start(), found.end(), len(found[1]), title)
        start = found.end()
    yield from paragraphs(text, start, end)
