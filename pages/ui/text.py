"""Documents as HTML: everything from a document is escaped, nothing in it can run or style."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from rapidfuzz.distance import Indel

from goldsets.evidence import Anchored
from retrieval.ingest.media import is_prose
from retrieval.types import Chunks, Document

TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


def plain(text: str) -> str:
    """Keep a text from being read as Markdown, where a widget takes nothing else."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()<>#+-.!|$:~" else c for c in text)


@dataclass(frozen=True)
class Mark:
    """A span to draw with a CSS class."""

    start: int
    end: int
    css: str = ""


def marked(text: str, low: int, high: int, marks: Iterable[Mark], tag: str = "mark") -> str:
    """Draw a slice of a text with its marks; where several overlap, the first given wins."""
    return "".join(
        escape(piece) if own is None else f'<{tag} class="{own.css}">{escape(piece)}</{tag}>'
        for piece, own in pieces(text, low, high, marks)
    )


def pieces(
    text: str, low: int, high: int, marks: Iterable[Mark]
) -> Iterator[tuple[str, Mark | None]]:
    """Cut a slice of a text at the edges of its marks, each piece with the first mark over it."""
    inside = [m for m in marks if m.start < high and m.end > low]
    edges = sorted({low, high, *(min(max(e, low), high) for m in inside for e in (m.start, m.end))})
    for a, b in pairwise(edges):
        yield text[a:b], next((m for m in inside if m.start <= a and m.end >= b), None)


def evidence_marks(anchored: Anchored, query: int, document: int) -> list[Mark]:
    """Return a query's evidence in a document, the best grade first."""
    if document < 0:  # evidence that is gone has no document either
        return []
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
    return not is_prose(document.media)


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
        f"<div class='body' tabindex='0'>{hit.body}</div></div>"
    )


def differences(old: str, new: str) -> tuple[str, str]:
    """Draw two quotes as HTML with the words that only one of them has in <del> and <ins>."""
    olds, news = TOKEN.findall(old), TOKEN.findall(new)
    alike = [[" " if t.isspace() else t for t in tokens] for tokens in (olds, news)]
    left, right = [], []
    for op in Indel.opcodes(*alike):
        was = "".join(olds[op.src_start : op.src_end])
        now = "".join(news[op.dest_start : op.dest_end])
        left.append(("" if op.tag == "equal" else "del", was))
        right.append(("" if op.tag == "equal" else "ins", now))
    return _tagged(left), _tagged(right)


def _tagged(parts: list[tuple[str, str]]) -> str:
    """Draw parts in their tags; a space between two of one tag joins them."""
    joined: list[tuple[str, str]] = []
    for tag, text in (p for p in parts if p[1]):
        if tag and len(joined) > 1 and joined[-1][1].isspace() and joined[-2][0] == tag:
            space = joined.pop()[1]
            text = joined.pop()[1] + space + text
        joined.append((tag, text))
    return "".join(_in_tag(t, x) if t and x.strip() else escape(x) for t, x in joined)


def _in_tag(tag: str, text: str) -> str:
    core = text.strip()
    before, _, after = text.partition(core)
    return f"{before}<{tag}>{escape(core)}</{tag}>{after}"
