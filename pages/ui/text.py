"""Documents as HTML: everything from a document is escaped, nothing in it can run or style."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from goldsets.evidence import Anchored
from retrieval.types import Chunks, Document


@dataclass(frozen=True)
class Mark:
    """A span to draw with a CSS class."""

    start: int
    end: int
    css: str = ""


def marked(text: str, low: int, high: int, marks: Iterable[Mark], tag: str = "mark") -> str:
    """Draw a slice of a text with its marks; where several overlap, the first given wins."""
    inside = [m for m in marks if m.start < high and m.end > low]
    edges = sorted({low, high, *(min(max(e, low), high) for m in inside for e in (m.start, m.end))})
    parts = []
    for a, b in pairwise(edges):
        own = next((m for m in inside if m.start <= a and m.end >= b), None)
        piece = escape(text[a:b])
        parts.append(f'<{tag} class="{own.css}">{piece}</{tag}>' if own else piece)
    return "".join(parts)


def evidence_marks(anchored: Anchored, query: int, document: int) -> list[Mark]:
    """Return a query's evidence in a document, the best grade first."""
    rows = ((anchored.query == query) & (anchored.document == document)).nonzero()[0].tolist()
    rows.sort(key=lambda i: -int(anchored.grade[i]))
    return [
        Mark(int(anchored.start[i]), int(anchored.end[i]), f"grade{int(anchored.grade[i])}")
        for i in rows
    ]


def document_with_chunks(
    document: Document, chunks: Chunks, rows: Sequence[int], low: int, high: int
) -> str:
    """Draw a slice of a document with its chunks in two tints, numbered, overlaps hatched."""
    spans = [(int(chunks.start[i]), int(chunks.end[i]), n) for n, i in enumerate(rows, 1)]
    inside = [s for s in spans if s[0] < high and s[1] > low]
    edges = sorted({low, high, *(min(max(e, low), high) for s in inside for e in s[:2])})
    parts = []
    for a, b in pairwise(edges):
        over = [n for start, end, n in inside if start <= a and end >= b]
        begins = "".join(f"<span class='pn-no'>{n}</span>" for s, _, n in inside if s == a)
        css = "both" if len(over) > 1 else "ab"[over[0] % 2] if over else ""
        piece = f"{begins}{escape(document.text[a:b])}"
        parts.append(f"<span class='pn-chunk {css}'>{piece}</span>" if css else piece)
    css = "pn-doc mono" if is_fixed_width(document) else "pn-doc"
    return f"<div class='{css}'>{''.join(parts)}</div>"


def is_fixed_width(document: Document) -> bool:
    """Tell whether a document's columns mean something, so that it wants a fixed-width font."""
    return document.media != "text/markdown" and document.media != "text/plain"


@dataclass(frozen=True)
class Hit:
    """A ranked chunk, to be drawn as a card."""

    rank: int
    where: str
    body: str
    score: str = ""
    found: bool = False


def hit_card(hit: Hit) -> str:
    """Draw a ranked chunk; `body` is HTML made by `marked`."""
    return (
        f"<div class='pn-hit{' found' if hit.found else ''}'><div class='head'>"
        f"<span class='rank'>{hit.rank}</span>"
        f"<span class='where' title='{escape(hit.where, quote=True)}'>{escape(hit.where)}</span>"
        f"<span class='score'>{escape(hit.score)}</span></div>"
        f"<div class='body'>{hit.body}</div></div>"
    )
