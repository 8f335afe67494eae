"""Query by query: a table of values, narrowed to those that differ, regressed, improved, failed."""

import numpy as np
import streamlit as st

from goldsets.evaluation.comparison import Which
from goldsets.evaluation.words import count
from pages.ui import frame, url
from pages.ui.compare.choose import Chosen

FILTERS: dict[Which, str] = {
    "all": "All",
    "different": "Different",
    "regressed": "Regressed",
    "improved": "Improved",
    "failed": "Failed by all",
}


def which(chosen: Chosen, variant: int | None = None) -> Which:
    """Let a kind of query be chosen, by all variants or by one; each with its number."""
    counts = {
        kind: f"{label} {len(chosen.comparison.rows(kind, variant))}"
        for kind, label in FILTERS.items()
    }
    picked = url.row("Show", counts, "show", label_visibility="collapsed")
    return next(kind for kind in FILTERS if kind == picked)


def queries(chosen: Chosen) -> None:
    """Show the queries that a filter lets through; the chosen one goes into the URL."""
    c, kind = chosen.comparison, which(chosen)
    rows = c.rows(kind)
    if not len(rows):
        st.info("No query is like that.")
        return
    asked = [c.gold.queries[q] for q in rows]
    shown = [
        {
            "Query": query.text,
            "Tags": ", ".join(query.tags),
            **{letter: _percent(c.values[n, q]) for n, letter in enumerate(c.letters)},
        }
        for q, query in zip(rows, asked, strict=True)
    ]
    place = frame.table(
        shown,
        key=f"queries-{kind}-{chosen.measure}-{len(rows)}",
        start=next((i for i, q in enumerate(asked) if q.id == url.get("query")), 0),
        height=300,
        widths={"Query": 520, "Tags": 150},
    )
    url.put("query", asked[place].id)
    frame.quiet(
        f"{count(len(rows), 'query', 'queries')}, the largest difference first; values in points of"
        " a hundred. A query that the corpus does not answer has no value."
    )


def _percent(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value) * 100, 1)
