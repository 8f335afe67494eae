"""Plots of two pipelines, query by query, in which a click opens the query."""

from collections import defaultdict
from collections.abc import Sequence
from math import cos, pi, sin, sqrt
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from goldsets.evaluation.paired import SAME
from goldsets.evaluation.target import NEVER
from pages.ui import url
from pages.ui.charts import GRID, QUIET, style, titled
from retrieval.types import Float64, Int64

STEP, GOLDEN = 0.9, pi * (3 - sqrt(5))
CLASSES = ((0, "ties"), (-1, "losses"), (1, "wins"))
"""Ties below, wins on top: sign of the difference, name."""
TICKS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)


def scatter(
    a: Float64, b: Float64, texts: Sequence[str], names: tuple[str, str], colours: tuple[str, str]
) -> go.Figure:
    """Draw the values of two pipelines against each other, a point a query.

    A query has the colour of the one that does better on it.
    Points that would lie on each other form a spiral around their place, so that each can be hit.
    """
    rows = np.flatnonzero(~np.isnan(a - b))
    x, y = _spread(100 * a[rows], 100 * b[rows])
    sign = np.sign(np.where(np.abs(b - a) > SAME, b - a, 0))[rows]
    traces = []
    for own, label in CLASSES:
        here = np.flatnonzero(sign == own)
        data = [[int(q), _short(texts[q]), 100 * a[q], 100 * b[q]] for q in rows[here]]
        traces.append(
            {
                "type": "scatter",
                "x": x[here],
                "y": y[here],
                "mode": "markers",
                "name": label,
                "marker": {
                    "size": 8,
                    "color": _colour(own, colours),
                    "opacity": 0.85 if own else 0.45,
                },
                "customdata": data,
                "hovertemplate": "%{customdata[1]}<br>%{customdata[2]:.1f} → %{customdata[3]:.1f}"
                "<extra></extra>",
            }
        )
    layout = style(520)
    ends = min([-9, *x - 2, *y - 2]), max([109, *x + 2, *y + 2])
    for axis, name in zip(("xaxis", "yaxis"), names, strict=True):
        grid = {"gridcolor": GRID, "range": ends, "zeroline": False, "dtick": 20}
        layout[axis] |= {**titled(name), **grid}
    line = {"color": QUIET, "dash": "dot", "width": 1}
    layout["shapes"] = [{"type": "line", "x0": 0, "y0": 0, "x1": 100, "y1": 100, "line": line}]
    return go.Figure({"data": traces, "layout": layout})


def _colour(sign: int, colours: tuple[str, str]) -> str:
    return {-1: colours[0], 0: QUIET, 1: colours[1]}[sign]


def _spread(x: Float64, y: Float64) -> tuple[Float64, Float64]:
    """Move the k-th point of a place along a sunflower's spiral."""
    seen: dict[tuple[float, float], int] = defaultdict(int)
    moved = np.empty((2, len(x)))
    for i, place in enumerate(zip(x.round(1).tolist(), y.round(1).tolist(), strict=True)):
        k, seen[place] = seen[place], seen[place] + 1
        radius, angle = STEP * sqrt(k), k * GOLDEN
        moved[:, i] = place[0] + radius * cos(angle), place[1] + radius * sin(angle)
    return moved[0], moved[1]


def slope(
    a: Int64,
    b: Int64,
    rows: Int64,
    texts: Sequence[str],
    names: tuple[str, str],
    colours: tuple[str, str],
) -> go.Figure:
    """Draw where the first evidence of queries stands in two rankings; equal lines are one.

    Ranks count from 0 and are drawn from 1, on a scale of orders; what a ranking does not hold is
    at the foot.
    """
    never = max([9, *(int(r) for r in (*a[rows], *b[rows]) if r < NEVER)]) * 2 + 1
    lines: dict[tuple[int, int], list[int]] = defaultdict(list)
    for q in rows.tolist():
        lines[min(int(a[q]), never), min(int(b[q]), never)].append(q)
    traces = []
    for own, _ in CLASSES:
        group = [(p, qs) for p, qs in lines.items() if np.sign(p[0] - p[1]) == own]
        for size in sorted({len(qs) for _, qs in group}, reverse=True):
            alike = [(p, qs) for p, qs in group if len(qs) == size]
            traces.append(_lines(alike, size, texts, _colour(own, colours)))
    shown = [t for t in TICKS if t <= never // 2]
    layout = style(520)
    layout["yaxis"] |= {
        "tickvals": [*np.log10(shown), np.log10(never + 1)],
        "ticktext": [*map(str, shown), "not found"],
        "autorange": "reversed",
        "gridcolor": GRID,
        "zeroline": False,
        **titled("rank of the first evidence"),
    }
    layout["xaxis"] |= {
        "tickvals": [0, 1],
        "ticktext": [name.split()[0] for name in names],
        "range": (-0.12, 1.12),
        "side": "top",
        "showgrid": False,
    }
    return go.Figure({"data": traces, "layout": layout})


def _lines(
    lines: Sequence[tuple[tuple[int, int], Sequence[int]]],
    size: int,
    texts: Sequence[str],
    colour: str,
) -> dict[str, Any]:
    """Make one trace of lines of equally many queries, with a gap between two."""
    ends = [(x, place + 1) for places, _ in lines for x, place in (*enumerate(places), (None, 0))]
    told = [[queries[0], _told(queries, texts)] for _, queries in lines]
    return {
        "type": "scatter",
        "x": [x for x, _ in ends],
        "y": [None if x is None else np.log10(place) for x, place in ends],
        "mode": "lines+markers",
        "line": {"color": colour, "width": 1 + 1.4 * sqrt(size - 1)},
        "marker": {"size": 7, "color": colour},
        "opacity": 0.75,
        "customdata": [data for data in told for _ in range(3)],  # both ends, and the gap
        "hovertemplate": "%{customdata[1]}<extra></extra>",
    }


def _told(queries: Sequence[int], texts: Sequence[str]) -> str:
    more = [f"and {len(queries) - 6} more"] if len(queries) > 6 else []
    return "<br>".join([*(_short(texts[q]) for q in queries[:6]), *more])


def _short(text: str, most: int = 90) -> str:
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return cut.replace("&", "&amp;").replace("<", "&lt;")


def clickable(figure: go.Figure, key: str, alt: str, ids: Sequence[str]) -> None:
    """Draw a figure whose points carry a query's row first; a click puts its id into the URL."""

    def opened() -> None:
        state: Any = st.session_state.get(key)
        points = state["selection"]["points"] if state else []
        if points:
            url.put("query", ids[int(points[0]["customdata"][0])])

    st.plotly_chart(
        figure,
        key=key,
        config={"displayModeBar": False},
        on_select=opened,
        selection_mode="points",
        alt=alt,
    )
