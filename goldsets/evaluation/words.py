"""How numbers are written: one place for all of the command line, the pages and the reports."""

from collections.abc import Mapping, Sequence
from typing import Any

Estimate = Mapping[str, Any]


def points(value: float | None, *, signed: bool = False) -> str:
    """Write a share as points of a hundred with one decimal: `87.3`, `+4.1`, `–` if undefined."""
    if value is None:
        return "–"
    text = f"{abs(value) * 100:.1f}"
    if not signed:
        return f"−{text}" if value < 0 and text != "0.0" else text
    sign = "±" if text == "0.0" else "+" if value > 0 else "−"
    return sign + text


def interval(e: Estimate) -> str:
    """Write a mean with its interval: `87.3 (82.1 to 91.9)`."""
    if e["mean"] is None:
        return "undefined"
    return f"{points(e['mean'])} ({points(e['low'])} to {points(e['high'])})"


def verdict(e: Estimate) -> str:
    """Say what a difference to the baseline tells.

    It is better or worse where the whole interval lies on one side of zero.
    """
    if e["mean"] is None:
        return "cannot tell: no query defines it"
    if e["low"] > 0:
        return f"better by {points(e['mean'])} points ({points(e['low'])} to {points(e['high'])})"
    if e["high"] < 0:
        low, high = points(-e["high"]), points(-e["low"])
        return f"worse by {points(-e['mean'])} points ({low} to {high})"
    if e["low"] == e["high"] == 0:
        return "the same on every query"
    return (
        f"cannot tell: could be {points(e['low'], signed=True)} to {points(e['high'], signed=True)}"
    )


def headline(result: Mapping[str, Any], measure: str) -> str:
    """Say in one sentence which variant leads by a measure, and whether it beats the baseline."""
    rows = ranked(result["variants"], measure)
    if not rows:
        return "No variant could be run."
    best, baseline = rows[0], result["baseline"]
    score = f"{best['name']} leads with {measure} {interval(best['measures'][measure])}"
    if best["name"] == baseline:
        return f"{score}; it is the baseline."
    difference = best["differences"].get(measure)
    return f"{score}; {verdict(difference)} against {baseline}." if difference else f"{score}."


def ranked(variants: Sequence[Mapping[str, Any]], measure: str) -> list[Mapping[str, Any]]:
    """Sort variants by a measure's mean, best first, undefined last."""

    def place(row: Mapping[str, Any]) -> float:
        mean = row["measures"][measure]["mean"]
        return float("inf") if mean is None else -float(mean)

    return sorted(variants, key=place)


def lead(name: str, baseline: str, mean: float, low: float, high: float) -> str:
    """Say who leads, and from where to where unjudged passages could take that on these queries."""
    text = f"{name} leads {baseline} by" if mean > 0 else f"{name} trails {baseline} by"
    text = f"{text} {_unsigned(mean)}"
    if _unsigned(mean) == "0.0 points":
        text = f"{name} and {baseline} are level"
    if high - low < 1e-9:
        return f"{text}; no unjudged passage could change that."
    if low > 0 or high < 0:
        near, far = sorted((low, high), key=abs)
        return (
            f"{text}; unjudged passages could make that {points(abs(near))} to {points(abs(far))},"
            " but not turn it."
        )
    return f"{text}; unjudged passages could make it anything from {_ahead(low)} to {_ahead(high)}."


def _ahead(difference: float) -> str:
    size = points(abs(difference))
    return "level" if size == "0.0" else f"{size} {'behind' if difference < 0 else 'ahead'}"


def _unsigned(difference: float) -> str:
    number = points(abs(difference))
    return f"{number} point{'' if number == '1.0' else 's'}"


def about(number: int) -> str:
    """Write an estimate with two digits: `7`, `about 130`."""
    return str(number) if number < 10 else f"about {float(f'{number:.1e}'):,.0f}"


def no_answer(name: str, told: Mapping[str, Any]) -> str:
    """Say what a variant makes of queries that the corpus does not answer."""
    n, returned = told["queries"], round(told["returned"] * told["queries"])
    asked = f"Of {count(n, 'query', 'queries')} without an answer in the corpus,"
    text = f"{asked} {name} returns passages for {returned}"
    if told["auc"] is None:
        return f"{text}; it answers no other in its first {told['k']}."
    sure = round(told["confident"] * n)
    return (
        f"{text}, {sure} of them as confidently as a typical answer. Its best score tells them from"
        f" the {told['found']} it answers in {told['auc'] * 100:.0f} of 100 pairs"
        f" ({told['low'] * 100:.0f} to {told['high'] * 100:.0f}); 50 is chance."
    )


def count(n: int, noun: str, plural: str = "") -> str:
    """Write a count with its noun: `1 query`, `1,204 queries`."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def listed(names: Sequence[str], most: int = 3) -> str:
    """Write the first names of a list and how many follow: `a, b, c and 4 others`."""
    rest = len(names) - most
    if rest > 0:
        return f"{', '.join(names[:most])} and {count(rest, 'other')}"
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def duration(seconds: float) -> str:
    """Write a time span: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
