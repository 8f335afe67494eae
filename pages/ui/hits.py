"""Ranked lists as cards, with the evidence of a query marked in them."""

from html import escape

from goldsets.evaluation.sweep import Board
from goldsets.evaluation.words import count
from goldsets.labelling.evening import NO_ANSWER
from pages.ui.text import Hit, Mark, hit_card, pieces
from retrieval.types import Chunks, Corpus

SNIPPET = 900
"""Characters of a chunk that are shown."""

BEFORE = 110
"""Characters shown before the first piece of evidence."""

NOWHERE = "Not found in the corpus"


def card(
    corpus: Corpus, chunks: Chunks, i: int, rank: int, marks: list[Mark], score: str = ""
) -> str:
    """Draw one chunk as a card, from shortly before its first piece of evidence.

    One that a retriever from outside returned, and that is nowhere in the corpus, says so.
    """
    shown = passage(corpus, chunks, i, marks)
    found = bool(_inside(chunks, i, marks))
    return hit_card(Hit(rank, place(corpus, chunks, i), shown, score, found))


def place(corpus: Corpus, chunks: Chunks, i: int) -> str:
    """Name where a chunk stands: what was put beside it, else its document."""
    document = int(chunks.document[i])
    if document < 0:
        return NOWHERE
    return chunks.context(i) or corpus.documents[document].label


def passage(corpus: Corpus, chunks: Chunks, i: int, marks: list[Mark], most: int = SNIPPET) -> str:
    """Draw the text of a chunk, cut and marked."""
    return "".join(
        escape(piece) if own is None else f'<mark class="{own.css}">{escape(piece)}</mark>'
        for piece, own in cut(corpus, chunks, i, marks, most)
    )


def cut(
    corpus: Corpus, chunks: Chunks, i: int, marks: list[Mark], most: int = SNIPPET
) -> list[tuple[str, Mark | None]]:
    """Cut a chunk to `most` characters, beginning shortly before its first piece of evidence.

    Of one that is nowhere in the corpus there is what the retriever returned.
    """
    if chunks.document[i] < 0:
        return [(chunks.context(i)[:most], None)]
    text = corpus.documents[int(chunks.document[i])].text
    start, end = int(chunks.start[i]), int(chunks.end[i])
    inside = _inside(chunks, i, marks)
    low = start
    if inside and inside[0].start - BEFORE > start:
        begin = inside[0].start - BEFORE
        low = begin + len(text[begin : inside[0].start].split(maxsplit=1)[0]) + 1
    high = min(end, low + most)
    before, after = [("… ", None)] * (low > start), [(" …", None)] * (high < end)
    return [*before, *pieces(text, low, high, marks), *after]


def _inside(chunks: Chunks, i: int, marks: list[Mark]) -> list[Mark]:
    start, end = int(chunks.start[i]), int(chunks.end[i])
    held = [m for m in marks if m.css != "grade0" and m.start < end and m.end > start]
    return sorted(held, key=lambda m: m.start)


def evidence_note(board: Board, query: int) -> str:
    """Say as HTML how much evidence a query has, and where."""
    asked = board.gold.queries[query]
    held = [e for e in board.gold.of(asked) if e.grade > 0]
    if not held:
        unanswerable = NO_ANSWER in asked.tags
        return (
            "The corpus has no answer to this query."
            if unanswerable
            else "Nothing is judged to answer this yet."
        )
    places = sorted({e.document for e in held})
    needs = "any of it answers" if asked.needs == "any" else "all parts are needed"
    return f"{count(len(held), 'piece')} of evidence in {escape(', '.join(places[:6]))}; {needs}."
