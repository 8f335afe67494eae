"""The text of a PDF: pages end with a form feed, as in pdftotext; blank lines part blocks."""

from collections.abc import Iterator
from dataclasses import replace

from retrieval.ingest.media import PAGE_END
from retrieval.ingest.parse.blocks import Block, paragraphs


def parse(text: str) -> Iterator[Block]:
    """Cut each page at blank lines, and name the page."""
    start, page = 0, 1
    while start < len(text):
        found = text.find(PAGE_END, start)
        end = len(text) if found < 0 else found
        yield from (replace(b, page=page) for b in paragraphs(text, start, end))
        start, page = end + 1, page + 1
