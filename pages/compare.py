"""Compare: a pinned baseline against other variants, down to the lists of one query."""

import streamlit as st

from goldsets.evaluation.words import mixture
from pages.ui import frame, report, url
from pages.ui.compare import views
from pages.ui.compare.choose import Chosen, choose, focus
from pages.ui.compare.costs import costs
from pages.ui.compare.opened import opened
from pages.ui.compare.pairs import pairs
from pages.ui.compare.queries import queries
from pages.ui.compare.sample import sample
from pages.ui.compare.summary import summary
from pages.ui.unjudged import Open

VIEWS = {
    "queries": "Queries",
    "scatter": "Scatter",
    "ranks": "Ranks",
    "slices": "Slices",
    "sample": "Random sample",
    "pairs": "Pairs",
    "costs": "Cost",
    "unjudged": "Unjudged",
}
OF_ALL = ("pairs", "costs", "unjudged")
"""Views of all that are chosen; the others set one variant against the baseline."""


def view(chosen: Chosen, name: str, variant: int, found: Open) -> None:
    """Draw one view."""
    match name:
        case "scatter":
            views.scatter(chosen, variant)
        case "ranks":
            views.ranks(chosen, variant)
        case "slices":
            views.sliced(chosen, variant)
        case "sample":
            sample(chosen, variant)
        case "pairs":
            pairs(chosen)
        case "costs":
            costs(chosen)
        case "unjudged":
            views.not_judged(chosen, found)
        case _:
            queries(chosen)


with frame.page(
    "Compare", "One baseline against any others; every difference with its interval."
) as workspace:
    chosen = choose(workspace)
    if chosen is not None:
        found = Open.of(chosen.board, chosen.runs, chosen.measure)
        summary(chosen, found)
        if told := mixture(chosen.comparison.origins):
            st.info(told)
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            name = url.row("View", VIEWS, "view", label_visibility="collapsed")
            variant = focus(chosen) if name not in OF_ALL else 1
            ids = [run.id for run in chosen.runs]
            report.offer(workspace, ids, chosen.measures, f"compare-{chosen.job}", chosen.colours)
        view(chosen, name, variant, found)
        if name not in (*OF_ALL, "sample"):
            opened(chosen, variant)
