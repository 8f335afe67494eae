"""The colour of each pipeline of a sweep: the same in every plot, on every page and in a report."""

from collections.abc import Mapping
from typing import Any

BASELINE = "#5b8bd0"
LEADERS = ("#b93d0b", "#36a174", "#9a4fe0", "#a88e48", "#b43c90")
"""Of the best, the second best, ...; chosen so that they and the baseline's differ for the
colour-blind too, and stand out three to one from a white page and a dark one."""
REST = "#8b93a1"


def tints(means: Mapping[str, float | None], baseline: str) -> dict[str, str]:
    """Return each pipeline's colour, the baseline first, then the best first.

    After the last colour the first comes again.
    """
    others = [name for name in means if name != baseline]
    others.sort(key=lambda name: -1.0 if means[name] is None else means[name] or 0.0, reverse=True)
    first = {baseline: BASELINE} if baseline in means else {}
    return first | {name: LEADERS[i % len(LEADERS)] for i, name in enumerate(others)}


def of_sweep(result: Mapping[str, Any]) -> dict[str, str]:
    """Return the colour of each run of a sweep, whatever measure is looked at."""
    rows, measure = result["variants"], result["measures"][0]
    baseline = next((row["run"] for row in rows if row["name"] == result["baseline"]), "")
    return tints({row["run"]: row["measures"][measure]["mean"] for row in rows}, baseline)


def leading(tinted: Mapping[str, str]) -> dict[str, str]:
    """Keep the colours where they are first, for a plot of many pipelines: the rest is grey."""
    seen: set[str] = set()
    kept = {}
    for name, colour in tinted.items():
        kept[name] = REST if colour in seen else colour
        seen.add(colour)
    return kept
