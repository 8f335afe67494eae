"""Every pair of what is shown: who is ahead of whom."""

from html import escape

import streamlit as st

from goldsets.evaluation.paired import Difference
from goldsets.evaluation.words import count, points, side, verdict
from pages.ui import frame, read
from pages.ui.compare.choose import Chosen


def pairs(chosen: Chosen) -> None:
    """Show what each gains over each other, in the accent where that can be told."""
    c = chosen.comparison
    told = read.told_pairs(chosen.board, chosen.runs, c)
    head = "".join(f"<th>{letter}</th>" for letter in c.letters)
    rows = "".join(_row(i, chosen.labels, told) for i in range(len(c.names)))
    st.html(f"<table class='pn-pairs'><tr><th></th>{head}</tr>{rows}</table>")
    frame.quiet(
        f"What a row gains over a column by {escape(chosen.measure)}, in points; in the accent"
        f" where interval and test can tell, by Holm over {count(len(told), 'pair')}. Point at a"
        " number for its interval."
    )


def _row(i: int, labels: list[str], told: dict[tuple[int, int], Difference]) -> str:
    cells = "".join(_cell(i, j, told) for j in range(len(labels)))
    return f"<tr><th>{escape(labels[i])}</th>{cells}</tr>"


def _cell(i: int, j: int, told: dict[tuple[int, int], Difference]) -> str:
    if (min(i, j), max(i, j)) not in told:
        return "<td></td>"
    d = vars(told[min(i, j), max(i, j)])
    if i > j:
        d = d | {"mean": -d["mean"], "low": -d["high"], "high": -d["low"]}
    css = "told" if side(d) else ""
    title = escape(verdict(d), quote=True)
    return f"<td class='{css}' title='{title}'>{points(d['mean'], signed=True)}</td>"
