"""Reads for the pages, cached by the version of what is read; none keeps a connection."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from goldsets.diagnosis import outside, work
from goldsets.diagnosis.attribute import Diagnosis, Loss, diagnose
from goldsets.diagnosis.suggest import Suggestion, suggestions
from goldsets.diagnosis.trail import trail
from goldsets.evaluation import paired
from goldsets.evaluation.beside import query_seconds
from goldsets.evaluation.bounds import bounded
from goldsets.evaluation.comparison import Comparison
from goldsets.evaluation.comparison import first_ranks as ranks_of
from goldsets.evaluation.measures import Measure, parse_measure
from goldsets.evaluation.pair import Pair, laid, open_to
from goldsets.evaluation.pair import pair as pair_of
from goldsets.evaluation.paired import Difference
from goldsets.evaluation.run import Run
from goldsets.evaluation.score import score
from goldsets.evaluation.sweep import Board
from goldsets.labelling import deciding
from goldsets.store import gold as gold_store
from goldsets.store import runs as run_store
from goldsets.types import GoldSet
from retrieval.errors import PizzaError
from retrieval.ingest.tokens import CountTokens
from retrieval.pipeline import pipeline_of
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from retrieval.types import Corpus, Float64, Int64


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


def runs(workspace: Workspace, ids: Sequence[str], made: str) -> list[Run]:
    """Read runs of a sweep; `made` is the time of its result, which tells reruns apart."""
    held = _runs(workspace, str(workspace.path), tuple(sorted(ids)), made)
    return [held[run] for run in ids]


@st.cache_resource(max_entries=8, show_spinner="Reading the runs")
def _runs(_workspace: Workspace, path: str, ids: tuple[str, ...], made: str) -> dict[str, Run]:
    return dict(zip(ids, run_store.read(_workspace, ids), strict=True))


def sweeps(workspace: Workspace) -> list[dict[str, Any]]:
    """Read the results of finished sweeps, newest first."""
    return _sweeps(workspace, str(workspace.path), run_store.listed(workspace))


@st.cache_resource(max_entries=2, show_spinner=False)
def _sweeps(
    _workspace: Workspace, path: str, listed: tuple[tuple[int, str], ...]
) -> list[dict[str, Any]]:
    return run_store.sweeps(_workspace)


def comparison(held: Board, every: Sequence[Run], measure: str) -> Comparison:
    """Compare runs with the first of them."""
    ids = tuple(run.id for run in every)
    return _comparison(held, tuple(every), ids, measure, (held.gold.version, held.corpus.version))


@st.cache_resource(max_entries=16, show_spinner="Comparing")
def _comparison(
    _held: Board,
    _every: tuple[Run, ...],
    ids: tuple[str, ...],
    measure: str,
    version: tuple[str, int],
) -> Comparison:
    scored = np.stack([values(_held, run, [measure])[0] for run in _every])
    names = [run.variant for run in _every]
    return Comparison.of(_held.gold, names, parse_measure(measure), scored)


def outdated(held: Board, every: Sequence[Run]) -> set[str]:
    """Return the ids of runs that earlier versions of the stages or the corpus made."""
    ids = tuple(run.id for run in every)
    return _outdated(held, tuple(every), ids, held.gold.version, held.corpus.version)


@st.cache_resource(max_entries=16, show_spinner=False)
def _outdated(
    _held: Board, _every: tuple[Run, ...], ids: tuple[str, ...], gold_version: str, number: int
) -> set[str]:
    def is_outdated(run: Run) -> bool:
        try:
            laid(_held, run)
        except PizzaError:
            return True
        return False

    return {run.id for run in _every if is_outdated(run)}


def told_pairs(
    held: Board, every: Sequence[Run], of: Comparison
) -> dict[tuple[int, int], Difference]:
    """Compare each of some runs with each other, by the values of a comparison of them."""
    ids = tuple(run.id for run in every)
    return _told_pairs(of, ids, str(of.measure), (held.gold.version, held.corpus.version))


@st.cache_resource(max_entries=16, show_spinner="Comparing")
def _told_pairs(
    _of: Comparison, ids: tuple[str, ...], measure: str, version: tuple[str, int]
) -> dict[tuple[int, int], Difference]:
    return paired.pairs(_of.values)


def first_ranks(held: Board, run: Run, rel: int) -> Int64:
    """Return the rank of a run's first relevant chunk for each query, from 0."""
    return _first_ranks(held, run, run.id, rel, (held.gold.version, held.corpus.version))


@st.cache_resource(max_entries=256, show_spinner=False)
def _first_ranks(_held: Board, _run: Run, run: str, rel: int, version: tuple[str, int]) -> Int64:
    return ranks_of(_held.target(laid(_held, _run).index), _run.aligned(_held.gold)[0], rel)


def latency(held: Board, run: Run) -> float | None:
    """Return the mean milliseconds that a run took for a query, None where nobody knows."""
    return _latency(held, run, run.id, held.corpus.version, tuple(run.seconds.items()))


@st.cache_data(max_entries=512, show_spinner=False)
def _latency(
    _held: Board, _run: Run, run: str, number: int, seconds: tuple[tuple[str, float], ...]
) -> float | None:
    seconds = query_seconds(_held, _run)
    return None if seconds is None else 1000 * seconds


def values(held: Board, run: Run, measures: Sequence[str]) -> Float64:
    """Score a run query by query, `(M, Q)`, NaN where undefined or not asked."""
    return _values(held, run, tuple(measures), held.gold.version, held.corpus.version, run.id)


@st.cache_data(max_entries=512, show_spinner="Scoring")
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


Pairs = list[Pair | None]


def pairs(held: Board, every: Sequence[Run], measure: str) -> tuple[list[Pair], Pairs]:
    """Set each run alone, and each but the first against it, on the queries that all were asked.

    None where there are no bounds between two chunkings; nothing where the measure has none.
    """
    workspace = held.rt.workspace
    top = deciding.top_grade(workspace, held.gold.name) if workspace else None
    ids = tuple(run.id for run in every)
    return _pairs(held, tuple(every), ids, measure, top, (held.gold.version, held.corpus.version))


@st.cache_resource(max_entries=16, show_spinner="Bounding what is unjudged")
def _pairs(
    _held: Board,
    _every: tuple[Run, ...],
    ids: tuple[str, ...],
    measure: str,
    top: int | None,
    version: tuple[str, int],
) -> tuple[list[Pair], Pairs]:
    if not bounded(parse_measure(measure)):
        return [], [None] * (len(_every) - 1)
    asked = np.packbits(np.all([run.rows(_held.gold) >= 0 for run in _every], axis=0)).tobytes()
    board = _open(_held, _every, asked, version)

    def pair(a: Run, b: Run | None) -> Pair | None:
        both = (a.id, b.id if b else "")
        return _pair(board, a, b, both, measure, top, asked, version)

    alone = [pair(run, None) for run in _every]
    return [p for p in alone if p], [pair(run, _every[0]) for run in _every[1:]]


@st.cache_resource(max_entries=512, show_spinner=False)
def _pair(
    _board: Board,
    _a: Run,
    _b: Run | None,
    ids: tuple[str, str],
    measure: str,
    top: int | None,
    asked: bytes,
    version: tuple[str, int],
) -> Pair | None:
    return pair_of(_board, _a, _b, parse_measure(measure), top)


@st.cache_resource(max_entries=4, show_spinner=False)
def _open(_held: Board, _every: tuple[Run, ...], asked: bytes, version: tuple[str, int]) -> Board:
    return open_to(_held, _every)
