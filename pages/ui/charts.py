"""Plots: one style, each pipeline in its colour or else one accent, grey for the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from html import escape
from typing import Any

import pandas  # noqa: F401
import plotly.graph_objects as go
import streamlit as st

from goldsets.evaluation.comparison import front
from goldsets.evaluation.measures import parse_measure
from goldsets.reporting.tints import LEADERS, REST

# Plotly stumbles over a pandas that another thread is still importing: above it is imported whole.

Row = Mapping[str, Any]

ACCENT, QUIET = LEADERS[0], REST
GRID = "rgba(128,128,128,.18)"
BAND = "rgba(139,147,161,.22)"
LONGEST = 56
"""Characters of a line of a name beside a plot."""
LABELLED = 14
"""Bars up to which each has its number."""
DAY = 86_400_000
"""Milliseconds, in which Plotly counts."""
NOON = time(12)


def leaderboard(
    rows: Sequence[Row], measure: str, baseline: str, colours: Mapping[str, str]
) -> go.Figure:
    """Draw each variant's mean with its interval, best on top, in the colours of the runs.

    The figure is made at once, since each change to one takes Plotly milliseconds.
    """
    shown = [r for r in rows if r["measures"][measure]["mean"] is not None][::-1]
    names = [_label(r["name"], baseline) for r in shown]
    ticks = {"tickvals": names, "ticktext": [_in_two_lines(name) for name in names]}
    height = 42 if any("<br>" in text for text in ticks["ticktext"]) else 30
    layout = style(60 + height * max(len(shown), 2))
    title = f"{measure}, with 95 % interval"
    layout["xaxis"] |= {**titled(title), "gridcolor": GRID, "zeroline": False}
    layout["yaxis"] |= {"automargin": True, "gridcolor": "rgba(0,0,0,0)", **ticks}
    layout["yaxis"]["range"] = (-0.8, len(shown) - 0.2)
    layout["shapes"] = [
        _upright(r["measures"][measure]["mean"] * 100) for r in shown if r["name"] == baseline
    ]
    whiskers = [
        _whisker(name, r["measures"][measure], colours[r["run"]])
        for name, r in zip(names, shown, strict=True)
    ]
    return go.Figure({"data": whiskers, "layout": layout})


def tokens_cutoff(measure: str, rows: Sequence[Row]) -> int:
    """Choose the k at which the tokens of a measure are counted: its own cutoff, else 20."""
    m = parse_measure(measure)
    own = m.cutoff and not m.unit and str(m.cutoff) in rows[0]["tokens_at"]
    return int(m.cutoff or 20) if own else 20


@dataclass(frozen=True)
class Spent:
    """What a pipeline takes, and its mean; None where it is not known. `label` stands beside it."""

    name: str
    cost: float | None
    mean: float | None
    colour: str
    label: str = ""


def frontier(points: Sequence[Spent], measure: str, title: str, height: int = 330) -> go.Figure:
    """Draw a measure against what it takes; larger, and joined, what nothing beats."""
    best = front([p.cost for p in points], [p.mean for p in points])
    known = [(p, on) for p, on in zip(points, best, strict=True) if None not in (p.cost, p.mean)]
    known.sort(key=lambda x: (x[1] or x[0].colour != QUIET, x[0].cost or 0.0, x[0].mean or 0.0))
    groups = ((False, 8, "markers+text"), (True, 12, "lines+markers+text"))
    traces = [_spent([p for p, on in known if on is w], size, mode) for w, size, mode in groups]
    layout = style(height)
    layout["xaxis"] |= {**titled(title), "gridcolor": GRID, "rangemode": "tozero"}
    layout["yaxis"] |= {**titled(measure), "gridcolor": GRID}
    every = [p.cost or 0.0 for p, _ in known]
    if every and min(every) > 0 and max(every) > 20 * min(every):
        layout["xaxis"] |= {"type": "log", "dtick": 1, "minor": {"ticks": "outside"}}
    return go.Figure({"data": traces, "layout": layout})


def _spent(points: Sequence[Spent], size: int, mode: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "x": [p.cost for p in points],
        "y": [100 * (p.mean or 0.0) for p in points],
        "text": [p.label for p in points],
        "hovertext": [escape(p.name) for p in points],
        "mode": mode,
        "textposition": ["top right" if i % 2 else "top left" for i in range(len(points))],
        "textfont": {"size": 14},
        "line": {"color": QUIET, "width": 1.5, "dash": "dot"},
        "marker": {"size": size, "color": [p.colour for p in points], "opacity": 1},
        "hovertemplate": "%{hovertext}<br>%{y:.1f} for %{x:,.4~g}<extra></extra>",
    }


def titled(text: str) -> dict[str, Any]:
    """Return the title of an axis."""
    return {"title": {"text": text, "font": {"size": 13}}}


def spent_by_name(rows: Sequence[tuple[str, float, str]]) -> go.Figure:
    """Draw dollars by name with their words, in the order given; the first, on top, stands out."""
    names, dollars, words = zip(*rows[::-1], strict=True)
    figure = go.Figure(_bars(words, x=dollars, y=names, orientation="h"))
    figure.update_xaxes(visible=False, range=[0, (max(dollars) or 1) * 1.6])
    figure.update_yaxes(automargin=True, gridcolor="rgba(0,0,0,0)", type="category")
    return styled(figure, height=30 + 32 * len(rows))


def spent_by_day(rows: Sequence[tuple[str, float, str]]) -> go.Figure:
    """Draw dollars by day with their words, from the oldest; the last day stands out.

    There is room for a fortnight at least, so that a single day is no wall.
    """
    days, dollars, words = zip(*rows, strict=True)
    few = len(rows) <= LABELLED
    figure = go.Figure(_bars(words, x=days, y=dollars, orientation="v"))
    figure.update_traces(textposition="outside" if few else "none", width=0.7 * DAY)
    every = DAY * -(-len(rows) // LABELLED)
    last, room = date.fromisoformat(days[-1]), timedelta(days=max(len(rows), LABELLED))
    edges = [datetime.combine(day, NOON).isoformat() for day in (last - room, last)]
    figure.update_xaxes(type="date", tickformat="%b %-d", dtick=every, tick0=days[-1], range=edges)
    figure.update_xaxes(gridcolor="rgba(0,0,0,0)")
    figure.update_yaxes(
        visible=not few, range=[0, (max(dollars) or 1) * 1.2], gridcolor=GRID, tickprefix="$"
    )
    return styled(figure, height=280)


def _bars(words: Sequence[str], **axes: Any) -> go.Bar:
    """Make bars whose words stand at their ends, the last in the accent."""
    name = "%{y}" if axes["orientation"] == "h" else "%{x}"
    return go.Bar(
        **axes,
        text=words,
        textposition="outside",
        textfont={"size": 12},
        cliponaxis=False,
        marker={"color": [*[QUIET] * (len(words) - 1), ACCENT]},
        hovertemplate=f"{name}: %{{text}}<extra></extra>",
    )


def _whisker(name: str, e: Row, colour: str) -> dict[str, Any]:
    bounds = "(%{customdata[0]:.1f} to %{customdata[1]:.1f})"
    return {
        "type": "scatter",
        "x": [e["mean"] * 100],
        "y": [name],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [(e["high"] - e["mean"]) * 100],
            "arrayminus": [(e["mean"] - e["low"]) * 100],
            "thickness": 2,
            "width": 0,
        },
        "mode": "markers",
        "marker": {"size": 10, "color": colour},
        "customdata": [[e["low"] * 100, e["high"] * 100]],
        "hovertemplate": f"%{{x:.1f}} {bounds}<extra>%{{y}}</extra>",
    }


def _upright(x: float) -> dict[str, Any]:
    """Make a dotted line from the bottom to the top."""
    line = {"color": QUIET, "dash": "dot"}
    ends = {"x0": x, "x1": x, "xref": "x", "y0": 0, "y1": 1, "yref": "y domain"}
    return {"type": "line", **ends, "line": line}


def draw(figure: go.Figure, key: str, alt: str) -> None:
    """Show a figure without the tool bar."""
    st.plotly_chart(figure, key=key, config={"displayModeBar": False}, alt=alt)


def _label(name: str, baseline: str) -> str:
    return f"{name} (baseline)" if name == baseline else name


def _in_two_lines(name: str) -> str:
    """Break a long name between two of its stages, and leave out the middle of what is longer."""
    stages = name.split(" · ")
    cuts = [" · ".join(stages[:i]) for i in range(1, len(stages))]
    cuts = cuts if len(name) > LONGEST else []
    first = min(cuts, key=lambda c: abs(len(c) - len(name) / 2), default=name)
    rest = name[len(first) + len(" · ") :]
    half = LONGEST // 2
    lines = [x if len(x) <= LONGEST else f"{x[:half]} … {x[-half:]}" for x in (first, rest) if x]
    return "<br>".join(lines)


def styled(figure: go.Figure, height: int) -> go.Figure:
    """Give a figure the height and margins of all others, without a legend."""
    return figure.update_layout(style(height))


def style(height: int) -> dict[str, Any]:
    """Return the layout that all figures have."""
    return {
        "height": height,
        "margin": {"l": 8, "r": 16, "t": 8, "b": 8},
        "showlegend": False,
        "hoverlabel": {"font": {"size": 13}},
        "xaxis": {"tickfont": {"size": 12}, "title": {"font": {"size": 13}}},
        "yaxis": {"tickfont": {"size": 13}, "title": {"font": {"size": 13}}},
    }
