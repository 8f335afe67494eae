"""A random sample: wins and losses to read before a mean is believed."""

from dataclasses import dataclass
from html import escape

import streamlit as st

from goldsets.evaluation.pair import laid
from goldsets.evaluation.sweep import Board
from goldsets.evaluation.target import NEVER
from goldsets.evaluation.words import count, points
from pages.ui import frame, hits, read, url
from pages.ui.compare.choose import Chosen
from pages.ui.text import evidence_marks, plain
from retrieval.types import Chunks, Float64, Int32, Int64

NUMBER = 10
"""Wins that are drawn, and losses."""

QUOTE = 240
"""Characters of a passage that are shown."""


@dataclass(frozen=True)
class Side:
    """A pipeline as the sample reads it: its values and first ranks `(Q,)`, its ranking."""

    letter: str
    board: Board
    chunks: Chunks
    values: Float64
    ranks: Int64
    ids: Int32

    @classmethod
    def of(cls, chosen: Chosen, n: int) -> "Side":
        """Lay out one of those shown."""
        board, run, c = chosen.board, chosen.runs[n], chosen.comparison
        ranks = read.first_ranks(board, run, c.measure.rel)
        chunks = laid(board, run).index.chunks.value
        return cls(c.letters[n], board, chunks, c.values[n], ranks, run.aligned(c.gold)[0])

    def told(self, q: int) -> str:
        """Say how it did on a query, and draw what it put first."""
        rank = int(self.ranks[q])
        where = f"first evidence at rank {rank + 1}" if rank < NEVER else "no evidence found"
        said = f"<b>{escape(self.letter)}</b> {points(float(self.values[q]))}, {where}"
        i = int(self.ids[q, 0]) if self.ids.shape[1] else -1
        if i < 0:
            return (
                f"<div class='pn-first'><p class='pn-quiet'>{said}: it returns nothing.</p></div>"
            )
        return (
            f"<div class='pn-first'><p class='pn-quiet'>{said}; it puts first:</p>"
            f"<div class='body' tabindex='0'>{self._passage(q, i)}</div></div>"
        )

    def _passage(self, q: int, i: int) -> str:
        marks = evidence_marks(self.board.anchored, q, int(self.chunks.document[i]))
        return hits.passage(self.board.corpus, self.chunks, i, marks, QUOTE)


def sample(chosen: Chosen, variant: int) -> None:
    """Show wins and losses drawn at random, each with its evidence and what came first."""
    asked = url.get("seed")
    seed = int(asked) if asked.isdecimal() and len(asked) < 10 else 1
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Draw again",
            icon=":material/casino:",
            on_click=url.put,
            args=("seed", str(seed + 1)),
        )
        frame.quiet(f"Seed {seed}; the same link draws the same queries.")
    sides = [Side.of(chosen, n) for n in (0, variant)]
    c = chosen.comparison
    drawn, told, letter = c.drawn(variant, NUMBER, seed), c.differences[variant], c.letters[variant]
    heads = (f"**{letter}** wins", told.wins), (f"**{letter}** loses", told.losses)
    for column, rows, (head, number) in zip(st.columns(2, gap="large"), drawn, heads, strict=True):
        with column:
            few = "" if len(rows) == number else f", {len(rows)} of them at random"
            st.markdown(f"{head} {count(number, 'query', 'queries')}{few}")
            for q in rows.tolist():
                _card(chosen, sides, q)


def _card(chosen: Chosen, sides: list[Side], q: int) -> None:
    """Show a query, a piece of its evidence, and how both did."""
    query = chosen.comparison.gold.queries[q]
    held = max(chosen.comparison.gold.of(query), key=lambda e: e.grade)
    quote = held.exact if len(held.exact) <= QUOTE else f"{held.exact[:QUOTE]}…"
    with st.container(border=True, gap="xxsmall"):
        st.button(
            plain(query.text),
            key=f"open-{query.id}",
            type="tertiary",
            on_click=_open,
            args=(query.id,),
        )
        body = f"<div class='body' tabindex='0'><mark>{escape(quote)}</mark></div>"
        evidence = f"<div class='pn-first'>{body}</div>"
        st.html(evidence + "".join(side.told(q) for side in sides))


def _open(query: str) -> None:
    """Show a query among the others, where its lists are."""
    url.put("query", query)
    url.put("show", "all")
    url.put("view", "queries")
