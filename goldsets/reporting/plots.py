"""Plots of a report as SVG: they need no script, print as they are, and take the page's colours."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from typing import Any

from goldsets.evaluation.words import points
from goldsets.reporting.tints import LEADERS

ROW, LEFT, WIDTH = 26, 330, 920
TALL = 36
"""Rows of a plot, so that it fits on a page; more are drawn below it on the same scale."""
GRID = "#e6e1d9"
DOTTED = "fill='none' stroke='#6b6660' stroke-dasharray='2 3'"
"""Colours stand at each mark, for a PDF: what makes it gives the page's style to no plot."""
Place = Callable[[float], float]
LONGEST = 46
"""Characters of a name beside its bar; the whole name is in the title."""


def _short(name: str) -> str:
    return escape(name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…")


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers from one end to the other."""
    span = max(high - low, 1e-9)
    raw = span / most
    unit = 10 ** floor(log10(raw))
    step = next(unit * f for f in (1, 2, 2.5, 5, 10) if unit * f >= raw * (1 - 1e-9))
    first = ceil(low / step - 1e-9)
    return [n * step for n in range(first, floor(high / step + 1e-9) + 1)]


def forest(
    variants: Sequence[Mapping[str, Any]], measure: str, leader: int, tints: Sequence[str]
) -> str:
    """Draw each mean with its interval, best first; the baseline's mean as a line."""
    rows = [(n, v) for n, v in enumerate(variants) if v["measures"][measure]["mean"] is not None]
    rows.sort(key=lambda row: -row[1]["measures"][measure]["mean"])
    if not rows:
        return ""
    ends = [v["measures"][measure][end] for _, v in rows for end in ("low", "high")]
    low, high = max(0.0, min(ends) - 0.02), min(1.0, max(ends) + 0.02)
    base = variants[0]["measures"][measure]["mean"]

    def x(value: float) -> float:
        return float(LEFT + (value - low) / (high - low or 1) * (WIDTH - LEFT - 70))

    def part(first: int) -> str:
        own = rows[first : first + TALL]
        height = ROW * len(own) + 50
        parts = _axis(ticks(100 * low, 100 * high), lambda t: x(t / 100), height)
        if base is not None:
            ends = f"x1='{x(base):.1f}' x2='{x(base):.1f}' y1='4' y2='{height - 34}'"
            parts.append(f"<line class='base' {DOTTED} {ends}/>")
        for i, (n, v) in enumerate(own):
            css = "lead" if n == leader else "quiet"
            parts.append(_whisker(v, measure, css, tints[n], x, 18 + ROW * i))
        return _svg(parts, height, measure)

    return "".join(part(first) for first in range(0, len(rows), TALL))


def _whisker(v: Mapping[str, Any], measure: str, css: str, colour: str, x: Place, y: int) -> str:
    e, tint = v["measures"][measure], escape(colour)
    title = f"{escape(v['name'])}: {points(e['mean'])} ({points(e['low'])} – {points(e['high'])})"
    ends = f"x1='{x(e['low']):.1f}' x2='{x(e['high']):.1f}' y1='{y}' y2='{y}'"
    return (
        f"<g class='{css}' tabindex='0' data-v='{escape(v['letter'])}'><title>{title}</title>"
        f"<rect class='hit' fill='none' x='0' y='{y - 12}' width='{WIDTH}' height='{ROW}'/>"
        f"<text x='{LEFT - 12}' y='{y + 4}' text-anchor='end'>{_short(v['name'])}</text>"
        f"<line stroke='{tint}' stroke-width='2.5' {ends}/>"
        f"<circle fill='{tint}' cx='{x(e['mean']):.1f}' cy='{y}' r='5'/>"
        f"<text class='value' x='{WIDTH - 60}' y='{y + 4}'>{points(e['mean'])}</text></g>"
    )


def frontier(
    variants: Sequence[Mapping[str, Any]], measure: str, title: str, tints: Sequence[str]
) -> str:
    """Draw quality against tokens to read; what nothing else beats is joined by a line."""
    rows = [v for v in variants if v["measures"][measure]["mean"] is not None]
    colours = {v["letter"]: colour for v, colour in zip(variants, tints, strict=True)}
    if len(rows) < 2:
        return ""
    height, bottom = 330, 280
    most = max(v["tokens"] for v in rows) * 1.06 or 1.0
    means = [v["measures"][measure]["mean"] for v in rows]
    low, high = max(0.0, min(means) - 0.03), min(1.0, max(means) + 0.03)

    def x(value: float) -> float:
        return float(60 + value / most * (WIDTH - 100))

    def y(value: float) -> float:
        return float(bottom - (value - low) / (high - low or 1) * (bottom - 20))

    parts = []
    for t in ticks(100 * low, 100 * high, 5):
        up = y(t / 100)
        ends = f"x1='60' x2='{WIDTH - 40}' y1='{up:.1f}' y2='{up:.1f}'"
        parts.append(f"<line class='grid' stroke='{GRID}' {ends}/>")
        parts.append(f"<text x='50' y='{up + 4:.1f}' text-anchor='end'>{t:g}</text>")
    for t in ticks(0, most, 7):
        parts.append(f"<text x='{x(t):.1f}' y='{bottom + 20}' text-anchor='middle'>{t:,.0f}</text>")
    middle = (WIDTH + 20) / 2
    parts.append(f"<text x='{middle}' y='{height - 8}' text-anchor='middle'>{escape(title)}</text>")
    best = sorted((v for v in rows if v["front"]), key=lambda v: v["tokens"])
    line = " ".join(f"{x(v['tokens']):.1f},{y(v['measures'][measure]['mean']):.1f}" for v in best)
    parts.append(f"<polyline class='front' {DOTTED} points='{line}'/>")
    for v in sorted(rows, key=lambda v: bool(v["front"])):
        mean = v["measures"][measure]["mean"]
        css = "lead" if v["front"] else "quiet"
        title_ = f"{escape(v['name'])}: {points(mean)}, {v['tokens']:,.0f}"
        at = f"cx='{x(v['tokens']):.1f}' cy='{y(mean):.1f}'"
        label = (
            f"<text x='{x(v['tokens']) + 9:.1f}' y='{y(mean) - 7:.1f}'>{escape(v['letter'])}</text>"
        )
        parts.append(
            f"<g class='{css}' tabindex='0'><title>{title_}</title>"
            f"<circle fill='{escape(colours[v['letter']])}' {at} r='{6 if v['front'] else 4}'/>"
            f"{label}</g>"
        )
    return _svg(parts, height, measure)


def bars(rows: Sequence[tuple[str, int, str]]) -> str:
    """Draw counts by name, each with what it means in its title."""
    if not rows:
        return ""
    most, height = max(n for _, n, _ in rows), ROW * len(rows) + 12
    parts = []
    for i, (name, number, about) in enumerate(rows):
        y, wide = 8 + ROW * i, number / most * (WIDTH - LEFT - 70)
        parts.append(
            f"<g class='lead' tabindex='0'><title>{escape(about)}</title>"
            f"<text x='{LEFT - 12}' y='{y + 14}' text-anchor='end'>{_short(name)}</text>"
            f"<rect fill='{LEADERS[0]}' x='{LEFT}' y='{y}' width='{wide:.1f}' height='{ROW - 8}'"
            " rx='2'/>"
            f"<text class='value' x='{LEFT + wide + 8:.1f}' y='{y + 14}'>{number:,}</text></g>"
        )
    return _svg(parts, height, "")


def _axis(at: Sequence[float], x: Place, height: float) -> list[str]:
    parts = []
    for t in at:
        ends = f"x1='{x(t):.1f}' x2='{x(t):.1f}' y1='4' y2='{height - 34}'"
        parts.append(f"<line class='grid' stroke='{GRID}' {ends}/>")
        parts.append(f"<text x='{x(t):.1f}' y='{height - 16}' text-anchor='middle'>{t:g}</text>")
    return parts


def _svg(parts: Sequence[str], height: float, label: str) -> str:
    inside = "".join(parts)
    return (
        f"<svg font-size='12' viewBox='0 0 {WIDTH} {height}' role='img'"
        f" aria-label='{escape(label, quote=True)}' xmlns='http://www.w3.org/2000/svg'>{inside}</svg>"
    )
