"""Ranked lists as cards, with the evidence of a query marked in them."""

from html import escape

import streamlit as st

from goldsets.evaluation.sweep import Board, Prepared
from goldsets.evaluation.words import count
from goldsets.labelling.evening import NO_ANSWER
from pages.ui.text import Hit, Mark, evidence_marks, hit_card, marked, plain
from retrieval.types import Chunks, Corpus, Int32

SNIPPET = 900
"""Characters of a chunk that are shown."""

BEFORE = 110
"""Characters shown before the first piece of evidence."""

NOWHERE = "Not found in the corpus"


def ranked_list(board: Board, laid: Prepared, ids: Int32, query: int, depth: int) -> None:
    """Draw the first chunks of a ranking; those that hold evidence have the accent at the edge."""
    chunks = laid.index.chunks.value
    cards, first = [], 0
    for rank, i in enumerate((int(i) for i in ids if i >= 0), 1):
        placed = chunks.document[i] >= 0  # evidence that is gone has no document either
        marks = evidence_marks(board.anchored, query, int(chunks.document[i])) if placed else []
        if not first and _inside(chunks, i, marks):
            first = rank
        if rank <= depth:
            cards.append(card(board.corpus, chunks, i, rank, marks))
        elif first:
            break
    where = f"The first evidence comes at rank {first}." if first > depth else ""
    note = where or ("" if first else f"No evidence in the first {int((ids >= 0).sum())}.")
    st.html(f"{''.join(cards)}<p class='pn-quiet'>{escape(note)}</p>")


def card(
    corpus: Corpus, chunks: Chunks, i: int, rank: int, marks: list[Mark], score: str = ""
) -> str:
    """Draw one chunk as a card, from shortly before its first piece of evidence.

    One that a retriever from outside returned, and that is nowhere in the corpus, says so.
    """
    if chunks.document[i] < 0:
        return hit_card(Hit(rank, NOWHERE, escape(chunks.context(i)[:SNIPPET]), score))
    document = corpus.documents[int(chunks.document[i])]
    start, end = int(chunks.start[i]), int(chunks.end[i])
    inside = _inside(chunks, i, marks)
    low = start
    if inside and inside[0].start - BEFORE > start:
        cut = inside[0].start - BEFORE
        low = cut + len(document.text[cut : inside[0].start].split(maxsplit=1)[0]) + 1
    high = min(end, low + SNIPPET)
    body = marked(document.text, low, high, marks)
    shown = f"{'… ' if low > start else ''}{body}{' …' if high < end else ''}"
    return hit_card(Hit(rank, chunks.context(i) or document.label, shown, score, bool(inside)))


def _inside(chunks: Chunks, i: int, marks: list[Mark]) -> list[Mark]:
    start, end = int(chunks.start[i]), int(chunks.end[i])
    held = [m for m in marks if m.css != "grade0" and m.start < end and m.end > start]
    return sorted(held, key=lambda m: m.start)


def evidence_note(board: Board, query: int) -> None:
    """Say how much evidence a query has, and where."""
    asked = board.gold.queries[query]
    held = [e for e in board.gold.of(asked) if e.grade > 0]
    if not held:
        said = "The corpus has no answer to this query."
        st.caption(said if NO_ANSWER in asked.tags else "Nothing is judged to answer this yet.")
        return
    places = sorted({e.document for e in held})
    needs = "any of it answers" if asked.needs == "any" else "all parts are needed"
    st.caption(
        f"{count(len(held), 'piece')} of evidence in {plain(', '.join(places[:6]))}; {needs}."
    )
