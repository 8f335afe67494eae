"""History: points of two gold sets are never joined, and checks come in from elsewhere."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from goldsets import cli, sample
from goldsets.labelling.types import Settings
from goldsets.reporting import history
from goldsets.reporting.history import changes, comparable
from goldsets.store import checks, evenings, labels, leases, open_workspace, runs
from goldsets.store.labels import Passage
from retrieval.store import Workspace
from tests.goldsets.evening import Night
from tests.pages.sweeping import with_sweep

E = {"mean": 0.8, "low": 0.7, "high": 0.9, "queries": 90, "undefined": 0}


def check(day: int, version: str = "a", definitions: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "format": "pizza-night/check",
        "version": 1,
        "definitions": definitions,
        "name": "gate",
        "revision": f"{day:02}abcdef",
        "branch": "main",
        "created": f"2026-01-{day:02}T00:00:00.000+00:00",
        "outcome": "pass",
        "goldset": {"version": version},
        "measures": {"R@20": E, "R@5": {**E, "mean": None}},
        **more,
    }


@pytest.fixture
def brought(tmp_path: Path, workspace: Workspace) -> Callable[..., tuple[int, str]]:
    def bring(*found: object) -> tuple[int, str]:
        paths = []
        for i, one in enumerate(found):
            paths.append(tmp_path / f"{i}.json")
            paths[-1].write_text(one if isinstance(one, str) else json.dumps(one), encoding="utf-8")
        words = ["import-check", *map(str, paths), "--workspace", str(workspace.path)]
        done = CliRunner().invoke(cli.app, words)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    return bring


def test_checks_are_brought_once_and_drawn_in_order(
    brought: Callable[..., tuple[int, str]], workspace: Workspace
) -> None:
    code, said = brought(check(2), check(1), check(2))
    assert (code, said.splitlines()[1]) == (0, "gate 01abcdef 2026-01-01T00:00: pass")
    assert len(checks.every(workspace)) == 2
    (gate,) = history.series(workspace)
    assert (gate.name, gate.kind, list(gate.points)) == ("gate", "gate", ["R@20"])
    first, second = gate.points["R@20"]
    assert (first.label, second.mean, second.outcome) == ("01abcdef main", 0.8, "pass")
    assert first.made == ""


def test_a_point_says_how_many_of_its_queries_nobody_asked(
    brought: Callable[..., tuple[int, str]], workspace: Workspace
) -> None:
    mixed = {"version": "a", "origins": {"written": 5, "synthetic": 3}}
    brought(check(1, goldset=mixed))
    (point,) = history.series(workspace)[0].points["R@20"]
    assert point.made.startswith("3 of 8 queries synthetic: 0 reviewed, 3 not.")
    code, _ = brought(check(2, goldset={"version": "a", "origins": {"synthetic": "<b>"}}))
    assert code == 2


def test_no_line_joins_what_cannot_be_compared(
    brought: Callable[..., tuple[int, str]], workspace: Workspace
) -> None:
    brought(check(1), check(2), check(3, "b"), check(4, "b", 2), check(5, "a", 2))
    points = history.series(workspace)[0].points["R@20"]
    assert [len(part) for part in comparable(points)] == [2, 1, 1, 1]
    what = [said for _, said in changes(points)]
    assert what == ["gold changed", "measures defined anew", "gold changed"]
    assert list(changes(points[:1])) == []


@pytest.mark.parametrize(
    "found",
    ["no json", "[]", "{}", check(1) | {"format": "x"}, check(1) | {"measures": {"R@20": {}}}]
    + [{k: v for k, v in check(1).items() if k != name} for name in ("name", "goldset", "created")]
    + [check(1) | odd for odd in ({"name": ["x"]}, {"created": "yesterday"}, {"outcome": [1]})]
    + [check(1) | {"measures": {"R@20": {**E, "low": low}}} for low in ("x", None, float("nan"))],
)
def test_what_is_no_check_is_one_sentence(
    found: object, brought: Callable[..., tuple[int, str]], workspace: Workspace
) -> None:
    code, said = brought(found)
    assert (code, said.startswith("pizza: 0.json"), len(said.splitlines())) == (2, True, 1), said
    assert checks.every(workspace) == []


def test_the_leaders_of_sweeps_are_drawn(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "swept")
    with_sweep(workspace)
    (found,) = history.series(workspace)
    assert (found.name, found.kind) == (sample.NAME, "sweeps")
    (result,) = runs.sweeps(workspace)
    (point,) = found.points["R@5"]
    assert point.mean == max(v["measures"]["R@5"]["mean"] for v in result["variants"])
    assert point.label in {v["name"] for v in result["variants"]}


def test_an_empty_workspace_has_no_history(workspace: Workspace) -> None:
    assert history.series(workspace) == []
    assert list(history.agreement(workspace)) == []
    assert list(history.queues(workspace)) == []


def test_what_waits_for_people_is_told(night: Callable[..., Night]) -> None:
    tonight = night(people=2, queries=2, passages=3)
    assert list(history.queues(tonight.workspace)) == [
        ("6 passages to judge in friday", "Pizza night")
    ]


def judged(night: Night, apart: int = 0) -> None:
    """Let everybody grade every passage by its number, the second rater `apart` from the first."""
    for token, more in zip(night.tokens, (0, apart), strict=True):
        for leased in leases.lease(night.workspace, token, "tab", 20):
            grade = (leased.item.id + more) % len(night.evening.settings.grades)
            key = f"{token}-{leased.item.id}"
            leases.save(night.workspace, leased.token, key, "grade", grade, ())


def after(night: Night, name: str, **settings: Any) -> Night:
    """Hold another evening over the same gold set and passages."""
    workspace = night.workspace
    evening = evenings.create(workspace, name, night.evening.goldset, Settings(**settings))
    members = tuple(evenings.join(workspace, evening, m.name) for m in night.members)
    width = len("passage 000 says so. ")
    rows = [Passage("q0", "guide.md", i * width, (i + 1) * width - 1) for i in range(6)]
    labels.add(workspace, evening, "guide", 1, rows)
    tokens = tuple(evenings.token(workspace, m) for m in members)
    return Night(workspace, evening, members, tokens)


def test_disputes_wait_until_the_evening_is_closed(night: Callable[..., Night]) -> None:
    tonight = night(people=2, queries=1, passages=3, raters=2)
    judged(tonight, apart=2)
    assert ("3 disputes in friday", "Pizza night") in history.queues(tonight.workspace)
    host = evenings.join(tonight.workspace, tonight.evening, "host", "host")
    evenings.close(tonight.workspace, host)
    assert list(history.queues(tonight.workspace)) == []


def test_agreement_is_joined_over_one_gold_set_by_the_same_grades(
    night: Callable[..., Night],
) -> None:
    tonight = night(people=2, queries=2, passages=3, raters=2)
    judged(tonight)
    judged(after(tonight, "saturday", raters=2), apart=1)
    judged(after(tonight, "sunday", raters=2, grades=("no", "yes"), answers_from=1))
    points = list(history.agreement(tonight.workspace))
    assert [p.label for p in points] == ["friday", "saturday", "sunday"]
    assert points[0].mean == points[2].mean == 1 > points[1].mean
    assert [len(part) for part in comparable(points)] == [2, 1]
    assert [said for _, said in changes(points, ("another gold set", "other grades"))] == [
        "other grades"
    ]
