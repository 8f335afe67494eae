"""The choice: a sweep, its pinned baseline, the variants and the measure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import streamlit as st

from goldsets.evaluation.comparison import Comparison
from goldsets.evaluation.run import Run
from goldsets.evaluation.sweep import Board
from goldsets.evaluation.words import count, main_measure
from goldsets.reporting.tints import of_sweep
from pages.ui import frame, read, url
from retrieval.store import Workspace

SHOWN = 2
"""Variants that are chosen at first: the best two."""


@dataclass(frozen=True)
class Chosen:
    """What is compared: every run of a sweep, the baseline first, and the rows of those shown."""

    workspace: Workspace
    board: Board
    result: Mapping[str, Any]
    every: list[Run]
    whole: Comparison
    shown: tuple[int, ...]

    @cached_property
    def runs(self) -> list[Run]:
        """Return the baseline and the variants that are shown."""
        return [self.every[i] for i in (0, *self.shown)]

    @cached_property
    def comparison(self) -> Comparison:
        """Return the comparison of those that are shown."""
        return self.whole.only(self.shown)

    @cached_property
    def colours(self) -> dict[str, str]:
        """Return the colour of each run of the sweep."""
        return of_sweep(self.result)

    def colour(self, variant: int) -> str:
        """Return the colour of a run that is shown."""
        return self.colours[self.runs[variant].id]

    @property
    def measure(self) -> str:
        """Return the measure's name."""
        return str(self.whole.measure)

    @property
    def measures(self) -> list[str]:
        """Return the sweep's measures, the chosen one first."""
        return [self.measure, *(m for m in self.result["measures"] if m != self.measure)]

    @property
    def job(self) -> int:
        """Return the sweep's number."""
        return int(self.result["job"])

    @property
    def labels(self) -> list[str]:
        """Return each shown run's letter and name."""
        c = self.comparison
        return [f"{letter}  {name}" for letter, name in zip(c.letters, c.names, strict=True)]


def choose(workspace: Workspace) -> Chosen | None:
    """Let a sweep, baseline, measure and variants be chosen; read, score and compare the runs."""
    results = {str(r["job"]): r for r in read.sweeps(workspace)}
    if not results:
        frame.empty("There is nothing to compare: no sweep has finished.", "Sweep", "Go to Sweep")
    top = st.columns([1.2, 1.6, 0.8], vertical_alignment="bottom")
    with top[0]:
        labels = {
            job: f"{r['goldset']['name']} · {frame.when(r['created'])}"
            for job, r in results.items()
        }
        result = results[url.one("Sweep", labels, "sweep")]
    names = {v["run"]: v["name"] for v in result["variants"]}
    if len(names) < 2:
        st.info("This sweep has one pipeline only; there is nothing to set against it.")
        return None
    pinned = next((run for run, name in names.items() if name == result["baseline"]), "")
    with top[1]:
        base = url.one("Baseline", names, "baseline", default=pinned)
    with top[2]:
        measures = {m: m for m in result["measures"]}
        measure = url.one("Measure", measures, "measure", main_measure(result))
    others = {run: name for run, name in names.items() if run != base}
    best = sorted(others, key=lambda run: -_mean(result, run, measure))
    variants = url.several("Variants", others, "variants", best[:SHOWN])
    if not variants:
        st.info("Choose the variants to set against the baseline.")
        return None
    return _read(workspace, result, [base, *others], variants, measure)


def _read(
    workspace: Workspace,
    result: Mapping[str, Any],
    ids: list[str],
    variants: list[str],
    measure: str,
) -> Chosen:
    board = read.board(workspace, result["goldset"]["name"], result["corpus"]["version"])
    if board.gold.version != result["goldset"]["version"]:
        st.info(
            "The gold set has changed since this sweep; the numbers here are by the gold of now."
        )
    every = read.runs(workspace, ids, result["created"])
    outdated = read.outdated(board, every)
    if others := outdated - {ids[0], *variants}:
        number = count(len(others), "pipeline")
        st.info(f"{number} of an earlier version left out; start the sweep again to have all.")
    every = [run for run in every if run.id not in others]
    ids = [run.id for run in every]
    whole = read.comparison(board, every, measure)
    shown = tuple(ids.index(run) for run in variants)
    return Chosen(workspace, board, result, every, whole, shown)


def _mean(result: Mapping[str, Any], run: str, measure: str) -> float:
    row = next(v for v in result["variants"] if v["run"] == run)
    return float(row["measures"][measure]["mean"] or 0.0)


def focus(chosen: Chosen) -> int:
    """Let one of the variants be set against the baseline; return its row among those shown."""
    letters = chosen.comparison.letters
    options = {run.id: letter for run, letter in zip(chosen.runs[1:], letters[1:], strict=True)}
    if len(options) == 1:
        return 1
    ids = list(options)
    if len(options) > 8:
        labels = dict(zip(ids, chosen.labels[1:], strict=True))
        return 1 + ids.index(url.one("Against A", labels, "against", label_visibility="collapsed"))
    shown = {run: f"A · {letter}" for run, letter in options.items()}
    return 1 + ids.index(url.row("Against A", shown, "against", label_visibility="collapsed"))
