"""The pizza whose slices fill as queries are done."""

from math import cos, pi, sin

MOST_SLICES = 24
SIZE = 320
CRUST, CHEESE, PAN = "#d9a066", "#f5b301", "#9ca3af"


def drawn(done: float, target: int) -> str:
    """Draw a pizza of `target` slices, `done` of them with their topping, as SVG."""
    slices = min(max(target, 1), MOST_SLICES)
    full = done / max(target, 1) * slices
    parts = [_slice(i, slices, min(max(full - i, 0.0), 1.0)) for i in range(slices)]
    half = SIZE / 2
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {SIZE} {SIZE}' width='{SIZE}'"
        f" height='{SIZE}'>"
        f"<circle cx='{half}' cy='{half}' r='{half - 2}' fill='{CRUST}' fill-opacity='.35'/>"
        f"{''.join(parts)}</svg>"
    )


def _slice(number: int, slices: int, share: float) -> str:
    """Draw one slice: the pan, the cheese as far as it is done, and a topping when it is."""
    shape = _wedge(number, slices, SIZE / 2 - 14)
    out = f"<path d='{shape}' fill='{PAN}' fill-opacity='.12' stroke='{CRUST}' stroke-width='1.5'/>"
    if share > 0:
        part = _wedge(number, slices, (SIZE / 2 - 14) * max(share, 0.15) ** 0.5)
        out += f"<path d='{part}' fill='{CHEESE}' stroke='{CRUST}' stroke-width='1.5'/>"
    if share >= 1:
        out += _topping(number, slices)
    return out


def _topping(number: int, slices: int) -> str:
    middle = 2 * pi * (number + 0.5) / slices - pi / 2
    spots = [(0.72, 0.0)] if slices > 12 else [(0.78, -0.22), (0.56, 0.16)]
    out = ""
    for at, turn in spots:
        angle = middle + turn * 2 * pi / slices
        x, y = SIZE / 2 * (1 + 0.9 * at * cos(angle)), SIZE / 2 * (1 + 0.9 * at * sin(angle))
        out += f"<circle cx='{x:.1f}' cy='{y:.1f}' r='{min(11, 90 / slices):.1f}' fill='#b93d0b'/>"
    return out


def _wedge(number: int, slices: int, radius: float) -> str:
    middle = SIZE / 2
    if slices == 1:
        return (
            f"M{middle},{middle - radius} A{radius},{radius} 0 1 1 {middle - 0.01},"
            f"{middle - radius} Z"
        )
    a, b = (2 * pi * (number + i) / slices - pi / 2 for i in (0, 1))
    points = [(middle + radius * cos(x), middle + radius * sin(x)) for x in (a, b)]
    (x1, y1), (x2, y2) = points
    large = int(2 / slices > 1)
    return (
        f"M{middle},{middle} L{x1:.2f},{y1:.2f}"
        f" A{radius:.2f},{radius:.2f} 0 {large} 1 {x2:.2f},{y2:.2f} Z"
    )
