"""An opened query: two ranked lists side by side, of any stage, joined where they agree."""

from html import escape

import numpy as np
import streamlit as st

from goldsets.evaluation.beside import Beside, beside, stage_list, stages_of
from goldsets.evaluation.comparison import relevant_chunks
from goldsets.evaluation.pair import laid
from goldsets.evaluation.words import count, points
from pages.ui import frame, hits, url
from pages.ui.compare import lists
from pages.ui.compare.choose import Chosen
from pages.ui.text import evidence_marks
from retrieval.errors import PizzaError
from retrieval.pipeline import CONTEXT
from retrieval.types import Chunks, Int32

DEPTH = 10
"""Places of a list that are shown; the first evidence is shown wherever it stands."""


def opened(chosen: Chosen, variant: int) -> None:
    """Show the query that the URL names, as the baseline and a variant rank it."""
    asked = url.get("query")
    rows = [i for i, q in enumerate(chosen.comparison.gold.queries) if q.id == asked]
    if not rows:
        return
    query = chosen.comparison.gold.queries[rows[0]]
    st.subheader(query.text, anchor=False)
    frame.quiet(f"{hits.evidence_note(chosen.board, rows[0])} {_values(chosen, rows[0])}")
    boxes = [_box(chosen, n, column) for n, column in zip((0, variant), st.columns(2), strict=True)]
    try:
        ids = [
            _ranking(chosen, n, box, rows[0]) for n, box in zip((0, variant), boxes, strict=True)
        ]
    except PizzaError as e:
        st.info(str(e))
        return
    _beside(chosen, variant, rows[0], ids)


def _values(chosen: Chosen, q: int) -> str:
    """Say as HTML what each pipeline that is shown gets for the query."""
    c = chosen.comparison
    values = (
        f"<b>{letter}</b> {points(None if np.isnan(v) else float(v))}"
        for letter, v in zip(c.letters, c.values[:, q], strict=True)
    )
    return f"{escape(chosen.measure)}: {' · '.join(values)}."


def _box(chosen: Chosen, n: int, column: st.delta_generator.DeltaGenerator) -> str:
    """Let one of a pipeline's lists be chosen; what it returns is the default."""
    try:
        names = list(stages_of(chosen.board, chosen.runs[n]))
    except PizzaError:
        return CONTEXT
    labels = {CONTEXT: "what it returns", **{name: name for name in names if name != CONTEXT}}
    with column:
        return st.selectbox(
            f"List of {chosen.comparison.letters[n]}",
            list(labels),
            format_func=lambda name: labels[name],
            key=f"box-{chosen.runs[n].id}",
        )


def _ranking(chosen: Chosen, n: int, box: str, q: int) -> Int32:
    run, gold = chosen.runs[n], chosen.comparison.gold
    if box == CONTEXT:
        return run.aligned(gold)[0][q]
    return stage_list(chosen.board, run, box, gold.queries[q].id)


def _beside(chosen: Chosen, variant: int, q: int, ids: list[Int32]) -> None:
    chunks = [laid(chosen.board, chosen.runs[n]).index.chunks.value for n in (0, variant)]
    joined = beside(chunks[0], ids[0], chunks[1], ids[1])
    letters = [chosen.comparison.letters[n] for n in (0, variant)]
    sides = []
    for n, own, held, other in (
        (0, joined, chunks[0], letters[1]),
        (variant, joined.turned, chunks[1], letters[0]),
    ):
        sides.append(_side(chosen, n, q, own, held, other))
    (left, left_places), (right, right_places) = sides
    lines = [
        (i, j)
        for i, a in enumerate(left_places)
        for j, b in enumerate(right_places)
        if joined.joined[a, b]
    ]
    lists.draw(left, right, lines, key="lists")


def _side(
    chosen: Chosen, n: int, q: int, own: Beside, chunks: Chunks, other: str
) -> tuple[lists.List, list[int]]:
    """Lay out one list: its first places and its first evidence."""
    target = chosen.board.target(laid(chosen.board, chosen.runs[n]).index)
    relevant = relevant_chunks(target, q, chosen.whole.measure.rel)
    first = next((place for place, i in enumerate(own.a.tolist()) if i in relevant), None)
    places = list(range(min(DEPTH, len(own.a))))
    if first is not None and first >= DEPTH:
        places.append(first)
    cards = [_card(chosen, q, own, place, chunks, relevant, other) for place in places]
    number = count(len(own.a), "passage")
    told = f"No evidence in its {number}." if len(own.a) else "It returned nothing."
    note = told if first is None else f"The first evidence is at rank {first + 1}."
    return lists.List(chosen.labels[n], note, cards), places


def _card(
    chosen: Chosen,
    q: int,
    own: Beside,
    place: int,
    chunks: Chunks,
    relevant: set[int],
    other: str,
) -> lists.Card:
    i, corpus = int(own.a[place]), chosen.board.corpus
    marks = evidence_marks(chosen.board.anchored, q, int(chunks.document[i]))
    parts = hits.cut(corpus, chunks, i, marks)
    at = own.other(place)
    return lists.Card(
        rank=place + 1,
        where=hits.place(corpus, chunks, i),
        parts=[(text, mark.css if mark else "") for text, mark in parts],
        found=i in relevant,
        other=f"not in {other}" if at is None else f"{other} {at + 1}",
        alone=at is None,
        apart=place >= DEPTH,
    )
