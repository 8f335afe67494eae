"""Runs in and out: a file on one side, a run of the workspace on the other."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from goldsets.evaluation import stats
from goldsets.evaluation.measures import DEFAULT_MEASURES
from goldsets.evaluation.pair import laid
from goldsets.evaluation.run import Run, content_key, run_id
from goldsets.evaluation.sweep import Board
from goldsets.evaluation.words import count, interval
from goldsets.formats.registry import export_run, import_run
from goldsets.formats.run_base import in_order
from goldsets.outside.placing import place
from goldsets.outside.words import nowhere, placed
from goldsets.store import gold as gold_store
from goldsets.store import runs
from retrieval.errors import InputError
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora

LONGEST_NAME = 80


def bring_run(
    workspace: Workspace,
    format_: str,
    path: Path,
    goldset: str,
    name: str,
    *,
    version: int | None = None,
    strict: bool = False,
    options: Mapping[str, str] | None = None,
    file: str = "",
) -> tuple[Run, list[str]]:
    """Import a run over a gold set and a version of its corpus, the newest if none is named.

    Returns it with what is worth telling, a line a fact. `file` is what the file is called where
    that is not what its path says.

    Raises:
        NotFound: there is no such gold set or version.
        InputError: an unknown format or option, a missing file, no query of the gold set in it, or
            with `strict` the first line that cannot be used.
    """
    if not name.strip() or len(name) > LONGEST_NAME:
        raise InputError(f"a run needs a name of at most {LONGEST_NAME} characters, not {name!r}")
    gold = gold_store.read(workspace, goldset)
    corpus = corpora.read(workspace, gold.corpus, version)
    rows, report = import_run(format_, path, corpus, strict=strict, **options or {})
    found = place(corpus, in_order(rows, gold, report))
    run = Run(
        run_id(found.key("imported", name), gold, corpus),
        name,
        {"run": {"name": name}},
        gold.name,
        gold.version,
        corpus.name,
        corpus.version,
        content_key(corpus, found.chunks),
        tuple(q.id for q in gold.queries),
        found.ranking,
        {},
        found.chunks,
        found.counts,
        f"{format_} {file or path.name}",
    )
    runs.keep(workspace, run)
    told = [f"run {name} ({run.id}): {count(len(run.queries), 'query', 'queries')}"]
    return run, [*told, *placed(run.counts), *nowhere(run), *report.lines()]


def scores(workspace: Workspace, run: Run) -> Iterator[str]:
    """Phrase what a run comes to, a line a measure."""
    board = _board(workspace, run)
    ids, _ = run.aligned(board.gold)
    values = board.values(laid(board, run).index, ids, DEFAULT_MEASURES)
    for measure, estimate in zip(DEFAULT_MEASURES, stats.intervals(values), strict=True):
        yield f"{measure} {interval(vars(estimate))}"


def send_run(workspace: Workspace, format_: str, named: str, out: Path) -> Mapping[str, int]:
    """Export a run by its id or its variant's name; return the number of rows by kind.

    Raises:
        NotFound: there is no such run, gold set or corpus.
        InputError: an unknown format, or it cannot be written there.
        PizzaError: its chunks are of an earlier version of its stages.
    """
    run = runs.find(workspace, named)
    board = _board(workspace, run)
    chunks = laid(board, run).index.chunks.value
    return export_run(format_, run, chunks, board.gold, board.corpus, out)


def _board(workspace: Workspace, run: Run) -> Board:
    gold = gold_store.read(workspace, run.goldset)
    corpus = corpora.read(workspace, run.corpus, run.corpus_version)
    return Board(gold, corpus, Runtime(workspace))
