"""A forest: one row a comparison, its difference drawn on a common scale, wins beside losses."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from goldsets.evaluation.words import points, side
from goldsets.reporting.tints import REST

Ends = tuple[float, float]


@dataclass(frozen=True)
class Row:
    """A row; `cells` stand before the drawing, `said` after it.

    Without a `difference` (the baseline) nothing is drawn; `sure` draws the interval, which is too
    narrow on few queries. `band` reaches from the worst to the best case.
    """

    letter: str
    name: str
    cells: Sequence[str]
    said: str
    difference: Mapping[str, Any] | None = None
    band: Ends | None = None
    sure: bool = True
    colour: str = REST


def table(rows: Sequence[Row], heads: Sequence[str], baseline: str, first: str = "Pipeline") -> str:
    """Draw rows as HTML; everything given is escaped here. `baseline` is its colour."""
    scale = _Scale.of(rows)
    titles = "".join(f"<th class='number'>{escape(head)}</th>" for head in heads)
    head = (
        f"<tr><th></th><th>{escape(first)}</th>{titles}<th class='axis'>{scale.axis}</th>"
        "<th>Wins · ties · losses</th><th>Against the baseline</th></tr>"
    )
    body = "".join(_row(row, scale) for row in rows)
    style = f"class='pn-forest' style='--baseline:{escape(baseline)}'"
    return f"<table {style}><thead>{head}</thead><tbody>{body}</tbody></table>"


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "_Scale":
        """Reach over all differences and zero, and over bands no further than as much again."""
        drawn = [r for r in rows if r.difference is not None and r.difference["mean"] is not None]
        ends, bands = [0.0], [end for row in drawn for end in row.band or ()]
        for row in drawn:
            e = row.difference or {}
            ends += [e["low"], e["high"]] if row.sure else [e["mean"]]
        low, high = min(ends), max(ends)
        span = high - low or 1.0
        ends += [min(max(end, low - span), high + span) for end in bands]
        margin = 0.04 * (max(ends) - min(ends)) or 0.01
        return cls(min(ends) - margin, max(ends) + margin)

    def at(self, value: float) -> float:
        """Return the place of a value, in percent from the left."""
        return round(100 * (value - self.low) / (self.high - self.low), 2)

    @property
    def axis(self) -> str:
        """Draw the labels of zero and of the ends that are not next to it."""
        marks = [m for m in (self.low, self.high) if abs(self.at(m) - self.at(0)) > 18]
        ends = (
            f"<span style='left:{self.at(m)}%' class='{'first' if m < 0 else 'last'}'>"
            f"{points(m, signed=True)}</span>"
            for m in marks
        )
        return f"<div><span style='left:{self.at(0)}%'>0</span>{''.join(ends)}</div>"


def _row(row: Row, scale: _Scale) -> str:
    cells = "".join(f"<td class='number'>{escape(cell)}</td>" for cell in row.cells)
    e = row.difference
    drawn = _drawn(row, e, scale) if e is not None and e["mean"] is not None else ""
    bar = _bar(e) if e is not None and e["queries"] else ""
    return (
        f"<tr style='--row:{escape(row.colour)}'>"
        f"<td class='letter'><b>{escape(row.letter)}</b></td>"
        f"<td class='name'>{escape(row.name).replace('(', '<wbr>(')}</td>{cells}"
        f"<td class='axis'>{drawn}</td><td>{bar}</td><td class='said'>{escape(row.said)}</td></tr>"
    )


def _drawn(row: Row, e: Mapping[str, Any], scale: _Scale) -> str:
    parts = [f"<i class='zero' style='left:{scale.at(0)}%'></i>"]
    if row.band:
        parts.append(_reach("band", row.band, scale))
    if row.sure:
        parts.append(_reach("reach", (e["low"], e["high"]), scale))
    parts.append(f"<i class='dot' style='left:{scale.at(e['mean'])}%'></i>")
    told = " told" if row.sure and side(e) else ""
    title = f"{points(e['mean'], signed=True)}"
    if row.sure:
        title += f" ({points(e['low'], signed=True)} to {points(e['high'], signed=True)})"
    return f"<div class='track{told}' title='{title}'>{''.join(parts)}</div>"


def _reach(css: str, ends: Ends, scale: _Scale) -> str:
    left, right = (min(max(scale.at(end), 0.0), 100.0) for end in ends)
    return f"<i class='{css}' style='left:{left}%;width:{right - left:.2f}%'></i>"


def _bar(e: Mapping[str, Any]) -> str:
    """Draw how many queries are won, tied and lost; the numbers stand above."""
    wins, losses = e["wins"], e["losses"]
    ties = e["queries"] - wins - losses
    parts = (("win", wins), ("tie", ties), ("loss", losses))
    bar = "".join(f"<i class='{css}' style='flex:{n}'></i>" for css, n in parts)
    return (
        f"<div class='pn-wtl'><span><b>{wins:,}</b> · {ties:,} · {losses:,}</span>"
        f"<div>{bar}</div></div>"
    )
