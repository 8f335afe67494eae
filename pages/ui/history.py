"""Plots over time: points with intervals, joined only where they can be compared."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Any

import plotly.graph_objects as go

from goldsets.evaluation.words import points
from goldsets.reporting.history import SCORED, Point, changes, comparable
from pages.ui.charts import ACCENT, GRID, QUIET, style, titled

MARKS = {"fail": "x", "cannot tell": "circle-open"}


def trend(
    found: Sequence[Point], measure: str, height: int = 340, names: tuple[str, str] = SCORED
) -> go.Figure:
    """Draw a measure over time, a line a scale; what changed in between is said above."""
    layout = style(height)
    layout["xaxis"] |= {"type": "date", "gridcolor": "rgba(0,0,0,0)", "range": _reach(found)}
    layout["yaxis"] |= {**titled(measure), "gridcolor": GRID}
    moved = list(changes(found, names))
    layout["shapes"] = [_mark(when) for when, _ in moved]
    layout["annotations"] = [_said(when, what) for when, what in moved]
    layout["margin"] = {**layout.get("margin", {}), "t": 34 if moved else 12}
    parts = comparable(found)
    return go.Figure({"data": [_line(part, part is parts[-1]) for part in parts], "layout": layout})


def _reach(found: Sequence[Point]) -> list[datetime]:
    """Leave half a day beside the points, or more, so that one alone stands on a day."""
    times = [datetime.fromisoformat(p.when) for p in found]
    first, last = min(times), max(times)
    room = max(timedelta(hours=12), (last - first) / 25)
    return [first - room, last + room]


def _line(part: Sequence[Point], newest: bool) -> dict[str, Any]:
    colour = ACCENT if newest else QUIET
    symbols = [MARKS.get(p.outcome, "circle") for p in part]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [p.when for p in part],
        "y": [100 * p.mean for p in part],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [100 * (p.high - p.mean) for p in part],
            "arrayminus": [100 * (p.mean - p.low) for p in part],
            "thickness": 1.2,
            "width": 0,
            "color": colour,
        },
        "line": {"color": colour, "width": 1.6},
        "marker": {
            "size": 9,
            "color": colour,
            "symbol": symbols,
        },
        "text": [_told(p) for p in part],
        "hovertemplate": "%{text}<br>%{x}<extra></extra>",
    }


def _told(p: Point) -> str:
    outcome = f"{p.outcome}: " if p.outcome else ""
    return f"{outcome}{points(p.mean)} ({points(p.low)} to {points(p.high)})<br>{escape(p.label)}"


def _mark(when: str) -> dict[str, Any]:
    line = {"color": QUIET, "dash": "dot", "width": 1}
    return {"type": "line", "x0": when, "x1": when, "yref": "paper", "y0": 0, "y1": 1, "line": line}


def _said(when: str, what: str) -> dict[str, Any]:
    return {
        "x": when,
        "yref": "paper",
        "y": 1.02,
        "yanchor": "bottom",
        "text": what,
        "showarrow": False,
        "font": {"size": 11, "color": QUIET},
    }
