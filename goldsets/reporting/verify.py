"""Verify: work a report's numbers out again from the workspace, and name what differs."""

from collections.abc import Iterator, Mapping
from typing import Any

from goldsets.evaluation.measures import DEFINITIONS, parse_measure
from goldsets.evaluation.words import count
from goldsets.reporting.facts import FORMAT, Asked, facts
from retrieval.errors import InputError
from retrieval.store import Workspace

CLOSE = 1e-9
RECOMPUTED = ("leader", "variants", "values", "goldset", "corpus", "lost", "sample", "agreement")
"""What follows from the workspace alone; packages and times may differ."""
TIMES = ("latency_ms",)


def verify(workspace: Workspace, report: Mapping[str, Any]) -> Iterator[str]:
    """Say what differs, a line a number; nothing where all is as it was.

    Raises:
        InputError: it is no report, or one of other definitions of the measures.
        PizzaError: a run, its gold set or its corpus is not here any more.
    """
    if report.get("format") != FORMAT or "asked" not in report:
        raise InputError(f"is no report of this product ({FORMAT})")
    if report.get("definitions") != DEFINITIONS:
        raise InputError("the report is of other definitions of the measures")
    again = facts(workspace, _asked(report["asked"]))
    for key in RECOMPUTED:
        yield from _differing(key, report.get(key), again[key])


def _asked(said: Mapping[str, Any]) -> Asked:
    try:
        measures = tuple(map(parse_measure, said["measures"]))
        return Asked(tuple(said["runs"]), measures, names=said["names"], seed=said["seed"])
    except (KeyError, TypeError, AttributeError) as e:
        raise InputError("does not say what was asked: is no report, or no whole one") from e


def _differing(where: str, said: object, found: object) -> Iterator[str]:
    """Compare what was said with what is found, number by number."""
    if isinstance(said, Mapping) and isinstance(found, Mapping):
        for key in dict.fromkeys((*said, *found)):
            if key not in TIMES:
                yield from _differing(f"{where}.{key}", said.get(key), found.get(key))
    elif isinstance(said, list | tuple) and isinstance(found, list | tuple):
        if len(said) != len(found):
            yield f"{where}: {count(len(said), 'entry', 'entries')} said, {len(found):,} found"
        for i, (a, b) in enumerate(zip(said, found, strict=False)):
            yield from _differing(f"{where}[{i}]", a, b)
    elif not _same(said, found):
        yield f"{where}: {said!r} said, {found!r} found"


def _same(said: object, found: object) -> bool:
    if isinstance(said, bool) or isinstance(found, bool):
        return said is found
    if isinstance(said, int | float) and isinstance(found, int | float):
        return abs(said - found) <= CLOSE * max(1.0, abs(found))
    return said == found
