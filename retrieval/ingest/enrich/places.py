"""Where a chunk stands: code symbols, headings with their anchors, pages."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from retrieval.ingest.enrich.base import Enricher, Values, distinct
from retrieval.ingest.parse import Block, Described, Kind, Piece

EXPLICIT = re.compile(r"\{%?[^{}#]*#([^\s{}%]+)[^{}]*\}\s*$")
"""`{ #use-x }` of Python-Markdown, `{#use-x}` of Pandoc, `{% #use-x %}` of Markdoc."""


@dataclass(frozen=True)
class Symbols(Enricher):
    """`symbol`: the functions and classes a chunk touches (`Oven.bake`); `code`: its languages.

    A chunk within a class of several methods has the class and each method it touches. `code` is
    the language of source files (`python`) and what fences of Markdown call themselves.
    """

    fields: ClassVar[tuple[str, ...]] = ("symbol", "code")

    def rows(self, d: Described, pieces: Sequence[Piece]) -> Iterator[tuple[Values, ...]]:
        """Read them off the blocks."""
        for piece in pieces:
            blocks = d.touched(piece)
            yield distinct(b.symbol for b in blocks), distinct(b.language for b in blocks)


@dataclass(frozen=True)
class Sections(Enricher):
    """`heading`: the titles a chunk stands under or holds; `anchor`: of the nearest; `page`.

    An anchor is what the heading says (`{ #use-x }`), else GitHub's: lower case, hyphens, `-1` for
    the second of its kind. Pages count from 1, as whole numbers; only PDF files have them.
    """

    fields: ClassVar[tuple[str, ...]] = ("heading", "anchor", "page")

    def rows(self, d: Described, pieces: Sequence[Piece]) -> Iterator[tuple[Values, ...]]:
        """Read them off the blocks."""
        anchors = _anchors(d)
        for piece in pieces:
            blocks = d.touched(piece)
            yield (
                distinct(title for b in blocks for title in b.path),
                distinct(anchors[b.start] for b in blocks),
                distinct(b.page for b in blocks),
            )


class Located:
    """Tells where pieces of a document begin."""

    def __init__(self, d: Described) -> None:
        """Find the anchors."""
        self._described, self._anchors = d, _anchors(d)

    def at(self, piece: Piece) -> dict[str, str | int]:
        """Return `heading` (the path), `anchor` and `page` of its first block, empty where none."""
        for block in self._described.touched(piece)[:1]:
            path, anchor = " > ".join(block.path), self._anchors[block.start]
            return {"heading": path, "anchor": anchor, "page": block.page or ""}
        return {"heading": "", "anchor": "", "page": ""}


def _anchors(d: Described) -> dict[int, str]:
    """Return the anchor of the heading that each block stands under, by the block's start."""
    used: Counter[str] = Counter()
    under, now = {}, ""
    for block in d.blocks:
        if block.kind is Kind.HEADING:
            now = _anchor(d.document.text, block, used) if block.path else ""
        under[block.start] = now
    return under


def _anchor(text: str, heading: Block, used: Counter[str]) -> str:
    told = EXPLICIT.search(text, heading.start, heading.end)
    if told:
        return told[1]
    slug = re.sub(r"[^\w\- ]", "", heading.path[-1].lower()).replace(" ", "-")
    used[slug] += 1
    return slug if used[slug] == 1 else f"{slug}-{used[slug] - 1}"
