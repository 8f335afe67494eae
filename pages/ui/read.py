"""Reads for the pages, cached by the version of what is read; none keeps a connection."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from goldsets.diagnosis import outside, work
from goldsets.diagnosis.attribute import Diagnosis, Loss, diagnose
from goldsets.diagnosis.suggest import Suggestion, suggestions
from goldsets.diagnosis.trail import trail
from goldsets.evaluation.bounds import bounded
from goldsets.evaluation.measures import Measure, parse_measure
from goldsets.evaluation.pair import Pair, laid, open_to
from goldsets.evaluation.pair import pair as pair_of
from goldsets.evaluation.run import Run
from goldsets.evaluation.score import score
from goldsets.evaluation.sweep import Board
from goldsets.labelling import deciding
from goldsets.store import gold as gold_store
from goldsets.store import runs as run_store
from goldsets.types import GoldSet
from retrieval.ingest.tokens import CountTokens
from retrieval.pipeline import pipeline_of
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from retrieval.types import Corpus, Float64


def corpus(workspace: Workspace, name: str, version: int | None = None) -> Corpus:
    """Read a corpus version, the newest by default."""
    number = version or corpora.versions(workspace, name)[0].number
    return _corpus(workspace, str(workspace.path), name, number)


@st.cache_resource(max_entries=8, show_spinner="Reading the corpus")
def _corpus(_workspace: Workspace, path: str, name: str, version: int) -> Corpus:
    return corpora.read(_workspace, name, version)


def gold(workspace: Workspace, name: str) -> GoldSet:
    """Read a gold set as it stands."""
    return _gold(workspace, str(workspace.path), name, gold_store.marker(workspace, name))


@st.cache_resource(max_entries=8, show_spinner=False)
def _gold(_workspace: Workspace, path: str, name: str, marker: tuple[str, int, int]) -> GoldSet:
    return gold_store.read(_workspace, name)


def board(workspace: Workspace, goldset: str, version: int | None = None) -> Board:
    """Anchor a gold set in a version of its corpus, ready to run and score pipelines."""
    held = gold(workspace, goldset)
    number = version or corpora.versions(workspace, held.corpus)[0].number
    return _board(workspace, str(workspace.path), goldset, held.version, number)


@st.cache_resource(max_entries=4, show_spinner="Finding the evidence")
def _board(_workspace: Workspace, path: str, goldset: str, gold_version: str, number: int) -> Board:
    held = gold(_workspace, goldset)
    return Board(held, corpus(_workspace, held.corpus, number), Runtime(_workspace))


@st.cache_data(max_entries=16, show_spinner="Counting tokens")
def token_count(_workspace: Workspace, path: str, name: str, version: int) -> int:
    """Count the tokens (o200k) of a corpus version."""
    held = corpus(_workspace, name, version)
    rt = Runtime(_workspace)
    return len(rt.run(CountTokens(), rt.given(held, held.hash)).value.start)


@st.cache_resource(max_entries=64, show_spinner="Reading the runs")
def _run(_workspace: Workspace, path: str, run: str, made: str) -> Run:
    return run_store.read(_workspace, [run])[0]


def runs(workspace: Workspace, ids: Sequence[str], made: str) -> list[Run]:
    """Read runs of a sweep; `made` is the time of its result, which tells reruns apart."""
    return [_run(workspace, str(workspace.path), run, made) for run in ids]


def values(held: Board, run: Run, measures: Sequence[str]) -> Float64:
    """Score a run query by query, `(M, Q)`, NaN where undefined or not asked."""
    return _values(held, run, tuple(measures), held.gold.version, held.corpus.version, run.id)


@st.cache_data(max_entries=64, show_spinner="Scoring")
def _values(
    _held: Board, _run: Run, measures: tuple[str, ...], gold_version: str, number: int, run: str
) -> Float64:
    ids, asked = _run.aligned(_held.gold)
    wanted: list[Measure] = [parse_measure(m) for m in measures]
    scored = score(_held.target(laid(_held, _run).index), ids[None], wanted)[:, 0]
    scored[:, ~asked] = np.nan
    return scored


def diagnosis(held: Board, run: Run, measure: str) -> Diagnosis:
    """Name the cause of everything that a run's pipeline lost at a measure's cutoff."""
    return _diagnosis(held, run, measure, held.gold.version, held.corpus.version, run.id)


@st.cache_resource(max_entries=16, show_spinner="Following the evidence")
def _diagnosis(
    _held: Board, _run: Run, measure: str, gold_version: str, number: int, run: str
) -> Diagnosis:
    return diagnose(trail(_held, pipeline_of(_run.spec), parse_measure(measure)))


def lost_outside(held: Board, run: Run, measure: str) -> list[Loss]:
    """Name what a run from outside lost at a measure's cutoff."""
    return _lost_outside(held, run, measure, held.gold.version, held.corpus.version, run.id)


@st.cache_data(max_entries=16, show_spinner="Looking for the evidence")
def _lost_outside(
    _held: Board, _run: Run, measure: str, gold_version: str, number: int, run: str
) -> list[Loss]:
    return outside.lost_outside(_held, _run, parse_measure(measure))


def of_tuning(held: Board, found: Diagnosis, run: str) -> tuple[Diagnosis, list[Suggestion]]:
    """Diagnose a run's pipeline on the tuning half, and list what could help."""
    measure = str(found.trail.measure)
    return _of_tuning(found, measure, held.gold.version, held.corpus.version, run)


@st.cache_resource(max_entries=16, show_spinner="Looking for what could help")
def _of_tuning(
    _found: Diagnosis, measure: str, gold_version: str, number: int, run: str
) -> tuple[Diagnosis, list[Suggestion]]:
    tuning = work.of_tuning(_found.trail)
    return tuning, suggestions(tuning)


def pair(held: Board, every: Sequence[Run], a: Run, b: Run | None, measure: str) -> Pair | None:
    """Set a run against another, or nothing, on the queries that all of `every` were asked.

    None where there are no bounds: the measure has none, or not between these chunkings.
    """
    if not bounded(parse_measure(measure)):
        return None
    workspace = held.rt.workspace
    top = deciding.top_grade(workspace, held.gold.name) if workspace else None
    ids = tuple(run.id for run in every)
    version = (held.gold.version, held.corpus.version)
    rows = (ids.index(a.id), ids.index(b.id) if b else None)
    return _pair(held, tuple(every), ids, rows, measure, top, version)


@st.cache_resource(max_entries=32, show_spinner=False)
def _pair(
    _held: Board,
    _every: tuple[Run, ...],
    ids: tuple[str, ...],
    rows: tuple[int, int | None],
    measure: str,
    top: int | None,
    version: tuple[str, int],
) -> Pair | None:
    a, b = (None if row is None else _every[row] for row in rows)
    return pair_of(_open(_held, _every, ids, version), a, b, parse_measure(measure), top)


@st.cache_resource(max_entries=4, show_spinner=False)
def _open(
    _held: Board, _every: tuple[Run, ...], ids: tuple[str, ...], version: tuple[str, int]
) -> Board:
    return open_to(_held, _every)
