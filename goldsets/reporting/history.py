"""History: what gates and sweeps came to over time, for the dashboard.

Points are comparable where they were scored by the same gold set and the same definitions of the
measures; elsewhere no line may join them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from math import isfinite
from pathlib import Path
from typing import Any

from goldsets.evaluation.measures import DEFINITIONS
from goldsets.evaluation.words import count, mixture, ranked
from goldsets.generation import review
from goldsets.labelling.agreement import report
from goldsets.labelling.evening import night
from goldsets.reporting.gate_said import FORMAT
from goldsets.store import checks, evenings, generations, labels, runs
from goldsets.store.checks import Check
from retrieval.errors import InputError
from retrieval.store import Workspace


@dataclass(frozen=True)
class Point:
    """A mean with its interval at a time: `label` says of what, `outcome` what a gate said of it.

    `scale` names what it was scored by; points of two scales cannot be compared. `made` says how
    many of the queries nobody asked, nothing where all were.
    """

    when: str
    mean: float
    low: float
    high: float
    label: str
    scale: tuple[str, int]
    outcome: str = ""
    made: str = ""


SCORED = ("gold changed", "measures defined anew")
"""What the two parts of a point's scale are, where they change."""


@dataclass(frozen=True)
class Series:
    """A gate, or the leaders of a gold set's sweeps, by every measure they were scored by."""

    name: str
    kind: str
    points: Mapping[str, tuple[Point, ...]]


def series(workspace: Workspace) -> list[Series]:
    """List the gates that were checked and the gold sets that were swept, newest first."""
    gates: dict[str, list[Check]] = {}
    for check in reversed(checks.every(workspace)):
        gates.setdefault(check.name, []).append(check)
    goldsets = {r["goldset"]["name"]: None for r in runs.sweeps(workspace)}
    return [
        *(Series(name, "gate", _gate(own[::-1])) for name, own in gates.items()),
        *(Series(name, "sweeps", _sweeps(runs.sweeps(workspace, name))) for name in goldsets),
    ]


def _gate(every: Sequence[Check]) -> dict[str, tuple[Point, ...]]:
    found: dict[str, list[Point]] = {}
    for check in every:
        scale = (check.result["goldset"]["version"], check.result["definitions"])
        label = f"{check.revision[:10] or 'no commit'} {check.branch}".strip()
        for measure, e in check.result["measures"].items():
            if e["mean"] is not None:
                point = Point(
                    check.created,
                    e["mean"],
                    e["low"],
                    e["high"],
                    label,
                    scale,
                    check.result["outcome"],
                    mixture(check.result["goldset"].get("origins", {})),
                )
                found.setdefault(measure, []).append(point)
    return {measure: tuple(points) for measure, points in found.items()}


def _sweeps(newest_first: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Point, ...]]:
    """Return the leader of each sweep, oldest first."""
    found: dict[str, list[Point]] = {}
    for result in reversed(newest_first):
        scale = (result["goldset"]["version"], result.get("definitions", DEFINITIONS))
        for measure in result["measures"]:
            rows = ranked(result["variants"], measure)
            e: Mapping[str, Any] = rows[0]["measures"][measure] if rows else {"mean": None}
            if e["mean"] is not None:
                made = mixture(result["goldset"].get("origins", {}))
                about = (result["created"], e["mean"], e["low"], e["high"], rows[0]["name"], scale)
                point = Point(*about, made=made)
                found.setdefault(measure, []).append(point)
    return {measure: tuple(points) for measure, points in found.items()}


def comparable(points: Sequence[Point]) -> list[tuple[Point, ...]]:
    """Divide points in order of time into those that one scale joins."""
    return [tuple(group) for _, group in groupby(points, key=lambda p: p.scale)]


def changes(points: Sequence[Point], names: tuple[str, str] = SCORED) -> Iterator[tuple[str, str]]:
    """Return when what points were scored by has changed, and what of it, by two `names`."""
    parts = comparable(points)
    for before, after in pairwise(parts):
        defined = before[0].scale[1] != after[0].scale[1]
        yield after[0].when, names[defined]


def agreement(workspace: Workspace) -> Iterator[Point]:
    """Return each evening's alpha, where there is one, oldest first.

    Of evenings over one gold set with as many grades it can be compared.
    """
    for evening in reversed(evenings.every(workspace)):
        own = [x for x in labels.labels(workspace, evening) if x.kind == "label" and x.final]
        alpha = report(own, {}, len(evening.settings.grades), evening.settings.answers_from).alpha
        if alpha.value is not None:
            low = alpha.value if alpha.low is None else alpha.low
            high = alpha.value if alpha.high is None else alpha.high
            scale = evening.goldset, len(evening.settings.grades)
            yield Point(evening.created, alpha.value, low, high, evening.name, scale)


def queues(workspace: Workspace) -> Iterator[tuple[str, str]]:
    """Phrase what waits for people, each with the page where it is done."""
    for evening in evenings.every(workspace):
        if evening.closed is None:
            now = night(workspace, evening)
            left = sum(q.items - q.decided for q in now.queries)
            if left:
                yield f"{count(left, 'passage')} to judge in {evening.name}", "Pizza night"
            if now.disputed:
                yield f"{count(len(now.disputed), 'dispute')} in {evening.name}", "Pizza night"
    for generation in generations.recent(workspace):
        waiting = review.table(workspace, generation.id).counts["unreviewed"]
        if waiting:
            wrote = count(waiting, "generated query", "generated queries")
            yield f"{wrote} of {generation.goldset} to review", "Generate"


def bring_check(workspace: Workspace, path: Path) -> Check:
    """Keep a check that was made elsewhere, as `pizza check --json` wrote it.

    Raises:
        InputError: there is no such file, or it is no check.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise InputError("cannot be read, or is no JSON", where=path.name) from e
    try:
        if found["format"] != FORMAT or found["version"] != 1:
            raise InputError(f"is no check of this product ({FORMAT})", where=path.name)
        check = Check(found["name"], found["revision"], found["branch"], found["created"], found)
        _whole(check)
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise InputError("is no check, or not a whole one", where=path.name) from e
    checks.keep(workspace, check)
    return check


def _whole(check: Check) -> None:
    """Raise TypeError or ValueError where a check holds what cannot be drawn."""
    points = [p for own in _gate([check]).values() for p in own]
    texts = (check.name, check.revision, check.branch, check.created, check.result["outcome"])
    if not all(isinstance(text, str) for text in texts):
        raise TypeError
    if not all(isfinite(n) for p in points for n in (p.mean, p.low, p.high)):
        raise ValueError
    datetime.fromisoformat(check.created)
