"""Reads for the pages, cached by the version of what is read; none keeps a connection."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from goldsets.evaluation.measures import Measure, parse_measure
from goldsets.evaluation.run import Run
from goldsets.evaluation.score import score
from goldsets.evaluation.spec import Variant
from goldsets.evaluation.sweep import Board, Prepared
from goldsets.store import gold as gold_store
from goldsets.store import runs as run_store
from goldsets.types import GoldSet
from retrieval.errors import PizzaError
from retrieval.ingest.tokens import CountTokens
from retrieval.pipeline import pipeline_of
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from retrieval.types import Bool, Corpus, Float64, Int32


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


def prepared(held: Board, run: Run) -> Prepared:
    """Lay out the pipeline of a run on the board it was run on.

    Raises:
        PizzaError: the run's chunks are of an earlier version of its stages.
    """
    laid = held.prepare(Variant(run.variant, pipeline_of(run.spec)))
    if laid.index.chunks.key != run.chunking:
        raise PizzaError(f"{run.variant!r} was run by an earlier version; start its sweep again")
    return laid


def aligned(held: Board, run: Run) -> tuple[Int32, Bool]:
    """Return a run's ranking in the order of the gold's queries, and which of them it was asked."""
    rows = run.rows(held.gold)
    asked = rows >= 0
    ids = np.full((len(rows), run.candidates.depth), -1, np.int32)
    ids[asked] = run.candidates.ids[rows[asked]]
    return ids, asked


def values(held: Board, run: Run, measures: Sequence[str]) -> Float64:
    """Score a run query by query, `(M, Q)`, NaN where undefined or not asked."""
    return _values(held, run, tuple(measures), held.gold.version, held.corpus.version, run.id)


@st.cache_data(max_entries=64, show_spinner="Scoring")
def _values(
    _held: Board, _run: Run, measures: tuple[str, ...], gold_version: str, number: int, run: str
) -> Float64:
    ids, asked = aligned(_held, _run)
    wanted: list[Measure] = [parse_measure(m) for m in measures]
    scored = score(_held.target(prepared(_held, _run).index), ids[None], wanted)[:, 0]
    scored[:, ~asked] = np.nan
    return scored
