"""The outline of a PDF (its bookmarks), written into the text as marks before headings."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from pypdf import PdfReader

from retrieval.ingest.media import HEADING_MARK

ENTRIES, TITLE = 10_000, 300
"""Entries that are looked at, and characters of a title."""
LINES = 3
"""Over which a heading is broken, at most."""
NUMBER = re.compile(r"[\d.]+\)?\s+(?=\S)")
ALONE = re.compile(r"[\d.]+\)?")

Headings = Mapping[int, Sequence[tuple[int, str]]]
"""The levels and titles of the headings of each page, by its number from 0."""


def outline(reader: PdfReader) -> Headings:
    """Read the outline; there is none where it is damaged, as the text is good without it."""
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    try:
        for level, entry in islice(_entries(reader.outline, 1), ENTRIES):
            page = reader.get_destination_page_number(entry)
            title = " ".join(str(entry.title).split())[:TITLE]
            if page is not None and page >= 0 and title:
                found[page].append((min(level, 6), title))
    except Exception:  # whatever pypdf raises on what is damaged
        return {}
    return found


def _entries(entries: Sequence[Any], level: int) -> Iterator[tuple[int, Any]]:
    for entry in entries:
        if isinstance(entry, list):
            yield from _entries(entry, level + 1)
        else:
            yield level, entry


def headed(page: str, headings: Sequence[tuple[int, str]]) -> str:
    """Mark the lines of a page that are its headings, in their order, each as one line.

    A heading is found where nothing but its title stands in a line, or in a few in a row, whatever
    its case, spaces and number are; one that is not stands where the one before it was found.
    """
    lines = page.split("\n")
    at = 0
    for level, title in headings:
        place = _find(lines, at, _bare(title))
        start, end = place or (at, at)
        said = " ".join(" ".join(lines[start:end]).split()) or title
        lines[start:end] = [HEADING_MARK * level + said]
        at = start + 1
    return "\n".join(lines)


def _find(lines: Sequence[str], at: int, bare: str) -> tuple[int, int] | None:
    """Return the lines in which a title stands alone, as a slice."""
    for start in range(at, len(lines)):
        if not lines[start].strip():
            continue
        for end in range(start + 1, min(start + LINES, len(lines)) + 1):
            said = _bare(" ".join(lines[start:end]))
            if said == bare:
                return start, end
            if not bare.startswith(said) and not ALONE.fullmatch(said):
                break
    return None


def _bare(title: str) -> str:
    """Return what is compared: no number in front, no spaces, no case."""
    return "".join(NUMBER.sub("", title.strip(), count=1).casefold().split())
