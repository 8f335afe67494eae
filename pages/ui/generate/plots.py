"""Plots of Generate: the judge beside people, real queries beside synthetic ones."""

from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from goldsets.generation.align import Alignment, Figures
from goldsets.generation.likeness import RUN, WORDS, Distribution
from goldsets.generation.ranking import Ranking
from goldsets.labelling.agreement import Estimate
from pages.ui.charts import ACCENT, GRID, QUIET, style

BINS = 24
FAINT = "rgba(139,147,161,.45)"
STRONG = "rgba(217,72,15,.55)"


def constant(found: Alignment) -> tuple[str, Figures]:
    """Return the better of the judges that always give one answer, with its name."""
    yes = found.always_yes.agreement.value or 0.0
    return ("always yes", found.always_yes) if yes >= 0.5 else ("always no", found.always_no)


def alignment(found: Alignment) -> go.Figure:
    """Draw the rule's figures with their intervals, in the accent, over the constant judge's."""
    _, fixed = constant(found)
    traces = []
    for figures, colour, size in ((fixed, QUIET, 8), (found.rule, ACCENT, 11)):
        named = {
            "Agreement": figures.agreement,
            "Kappa": figures.kappa,
            "Precision": figures.precision,
            "Recall": figures.recall,
        }
        known = [(n, e) for n, e in named.items() if e.value is not None]
        traces.append(_dots(known, colour, size, interval=figures is found.rule))
    layout = style(210)
    layout["xaxis"] |= {"range": [-0.05, 1.05], "gridcolor": GRID, "zeroline": False}
    layout["yaxis"] |= {
        "categoryorder": "array",
        "categoryarray": ["Recall", "Precision", "Kappa", "Agreement"],
        "automargin": True,
        "gridcolor": "rgba(0,0,0,0)",
    }
    return go.Figure({"data": traces, "layout": layout})


def _dots(
    known: Sequence[tuple[str, Estimate]], colour: str, size: int, *, interval: bool
) -> go.Scatter:
    x = [e.value or 0.0 for _, e in known]
    ends = [(e.low or 0.0, e.high or 0.0) for _, e in known]
    return go.Scatter(
        x=x,
        y=[name for name, _ in known],
        mode="markers",
        marker={"size": size, "color": colour, "symbol": "circle" if interval else "circle-open"},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [high - v for v, (_, high) in zip(x, ends, strict=True)],
            "arrayminus": [v - low for v, (low, _) in zip(x, ends, strict=True)],
            "thickness": 2,
            "width": 0,
            "visible": interval,
        },
        customdata=ends,
        hovertemplate="%{y}: %{x:.2f} (%{customdata[0]:.2f} to %{customdata[1]:.2f})"
        "<extra></extra>",
    )


def overlaid(d: Distribution) -> go.Figure:
    """Draw one measure of real queries, grey, and of synthetic ones, in the accent."""
    both = np.concatenate([d.real, d.synthetic])
    low, high = float(both.min()), float(both.max())
    step = max(1.0, np.ceil((high - low) / BINS)) if d.name in (WORDS, RUN) else (high - low) / BINS
    step = step or 1.0  # all values are one
    bins = {"start": low - (step / 2 if d.name in (WORDS, RUN) else 0), "size": step}
    figure = go.Figure()
    for name, values, colour in (("real", d.real, FAINT), ("synthetic", d.synthetic, STRONG)):
        figure.add_histogram(
            x=values,
            xbins={**bins, "end": high + step},
            histnorm="percent",
            marker={"color": colour},
            name=name,
            hovertemplate="%{y:.0f} % at %{x}<extra>" + name + "</extra>",
        )
    layout = style(170)
    layout["xaxis"] |= {"gridcolor": "rgba(0,0,0,0)"}
    layout["yaxis"] |= {"gridcolor": GRID, "ticksuffix": " %", "nticks": 4}
    return figure.update_layout({**layout, "barmode": "overlay", "bargap": 0.04})


def orders(r: Ranking) -> go.Figure:
    """Draw the order by real queries on the left, by synthetic ones on the right.

    Pipelines of a pair that surely flips are in the accent.
    """
    flipped = {i for f in r.sure_flips for i in (f.a, f.b)}
    places = [_places([e.mean or 0.0 for e in side]) for side in (r.real, r.synthetic)]
    figure = go.Figure()
    for i, name in enumerate(r.names):
        colour = ACCENT if i in flipped else QUIET
        means = [100 * (side[i].mean or 0.0) for side in (r.real, r.synthetic)]
        shown = escape(name if len(name) <= 44 else f"{name[:43]}…")
        figure.add_scatter(
            x=[0, 1],
            y=[p[i] for p in places],
            mode="lines+markers+text",
            line={"color": colour, "width": 2},
            marker={"size": 9, "color": colour},
            text=[f"{shown}  {means[0]:.1f} ", f" {means[1]:.1f}  {shown}"],
            textposition=["middle left", "middle right"],
            textfont={"size": 12},
            hoverinfo="skip",
        )
    layout = style(80 + 32 * len(r.names))
    layout["xaxis"] |= {
        "range": [-1.15, 2.15],
        "tickvals": [0, 1],
        "ticktext": ["real queries", "synthetic queries"],
        "side": "top",
        "gridcolor": "rgba(0,0,0,0)",
        "zeroline": False,
    }
    layout["yaxis"] |= {"autorange": "reversed", "visible": False}
    return figure.update_layout(layout)


def _places(means: Sequence[float]) -> list[int]:
    order = sorted(range(len(means)), key=lambda i: -means[i])
    return [order.index(i) for i in range(len(means))]
