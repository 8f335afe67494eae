"""How numbers are written: one place for all of the command line, the pages and the reports."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from goldsets.evaluation.stats import INTERESTING, LEVEL
from goldsets.types import REVIEWED, STAND_IN, is_synthetic

Estimate = Mapping[str, Any]

ENOUGH = 6
"""With fewer queries that differ no test can tell, even if all of them gain: 2 / 2⁵ > 0.05."""


def main_measure(result: Mapping[str, Any]) -> str:
    """Return the measure that a sweep is first told by: recall at 20 where it was measured."""
    measures: list[str] = result["measures"]
    return next((m for m in measures if m.startswith("R@20")), measures[0])


def points(value: float | None, *, signed: bool = False) -> str:
    """Write a share as points of a hundred with one decimal: `87.3`, `+4.1`, `–` if undefined."""
    if value is None:
        return "–"
    text = f"{abs(value) * 100:.1f}"
    if not signed:
        return f"−{text}" if value < 0 and text != "0.0" else text
    sign = "±" if text == "0.0" else "+" if value > 0 else "−"
    return sign + text


def coefficient(value: float | None) -> str:
    """Write a coefficient from -1 to 1: `0.67`, `−0.33`, `–` if undefined."""
    return "–" if value is None else f"{value:.2f}".replace("-", "−")


def interval(e: Estimate) -> str:
    """Write a mean with its interval: `87.3 (82.1 to 91.9)`."""
    if e["mean"] is None:
        return "undefined"
    return f"{points(e['mean'])} ({points(e['low'])} to {points(e['high'])})"


def side(e: Estimate) -> int:
    """Tell on which side of the baseline a difference is: 1 better, -1 worse, 0 cannot tell.

    The whole interval has to lie on one side of zero, and the test, adjusted for all that were
    compared, has to reject that there is none; results of versions without tests have no `p_holm`.
    """
    p = e.get("p_holm")
    if e["mean"] is None or (p is not None and p > 1 - LEVEL + 1e-9):
        return 0
    return int(e["low"] > 0) - int(e["high"] < 0)


def verdict(e: Estimate) -> str:
    """Say what a difference to the baseline tells, and what would tell where it cannot."""
    if e["mean"] is None:
        return "cannot tell: no query defines it"
    if e["low"] == e["high"] == 0:
        return "the same on every query"
    if side(e):
        ends = sorted((abs(e["low"]), abs(e["high"])))
        word = "better" if e["mean"] > 0 else "worse"
        return f"{word} by {_unsigned(e['mean'])} ({points(ends[0])} to {points(ends[1])})"
    could = f"could be {points(e['low'], signed=True)} to {points(e['high'], signed=True)}"
    if e.get("no_worse"):
        return f"no worse than {_round(INTERESTING)} points: {could}"
    return f"cannot tell: {_why_not(e) or could}{_outlook(e)}"


def _why_not(e: Estimate) -> str:
    """Say why a difference does not tell where its interval is not the reason."""
    differ = e["wins"] + e["losses"] if "wins" in e else ENOUGH
    if differ < ENOUGH:
        return f"only {count(differ, 'query differs', 'queries differ')}"
    if e["low"] > 0 or e["high"] < 0:
        ends = f"{points(e['low'], signed=True)} to {points(e['high'], signed=True)}"
        if e["compared"] > 1:
            return f"{ends}, but as one of {e['compared']} compared it may be chance"
        return f"{ends}, but it may be chance"
    return ""


def _outlook(e: Estimate) -> str:
    """Say how many more queries would tell, where that can be said."""
    more, tells = e.get("more"), e.get("tells")
    if more is None or tells is None:
        return ""
    said = f"{_round(tells)} point{'' if _round(tells) == '1' else 's'}"
    if not more:
        return f"; {said} would probably have shown"
    return f"; {about(more)} more {'query' if more == 1 else 'queries'} would tell {said}"


def _round(difference: float) -> str:
    return points(difference).removesuffix(".0")


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


def mixture(origins: Mapping[str, int]) -> str:
    """Say how many of the queries nobody asked, and how many of those were reviewed; else nothing.

    `origins` counts the queries by their origin.
    """
    made = {origin: n for origin, n in origins.items() if is_synthetic(origin)}
    if not made:
        return ""
    every, synthetic = sum(origins.values()), sum(made.values())
    reviewed = sum(n for origin, n in made.items() if origin.endswith(REVIEWED))
    stand_in = sum(n for origin, n in made.items() if origin.startswith(STAND_IN))
    by = f", {stand_in:,} by the {STAND_IN}" if stand_in else ""
    told = f"{synthetic:,} of {count(every, 'query', 'queries')} synthetic{by}:"
    told = f"{told} {reviewed:,} reviewed, {synthetic - reviewed:,} not"
    if synthetic == every:
        return f"{told}. No user asked any of them."
    return f"{told}. The means here are over both kinds; slices by origin tell them apart."


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


_MENDED = {
    "wrapped": ("grade among other words", "grades among other words"),
    "repeated": ("number given twice", "numbers given twice"),
    "unknown": ("number of no passage", "numbers of no passage"),
    "missing": ("passage left out", "passages left out"),
}


def mended(variants: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Say what had to be mended in the answers of reranking chat models, a sentence a variant."""
    for row in variants:
        told = row.get("answers") or {"mended": 0}
        if told["mended"]:
            kinds = [count(told[kind], *nouns) for kind, nouns in _MENDED.items() if told[kind]]
            answers = f"{told['mended']:,} of {count(told['answers'], 'answer')} by its reranker"
            yield f"{row['name']}: {answers} mended ({', '.join(kinds)})."


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
