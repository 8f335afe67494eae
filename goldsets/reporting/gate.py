"""The gate: a checkout's documents, its gold set and its pipeline, judged by rules.

documents: docs                  # files and folders beside this file; or corpus: NAME
goldset: gold.jsonl              # own JSON lines beside this file, or a gold set's name
pipeline: {first: [BM25]}        # or http: URL, or run: found.jsonl
baseline: baseline.jsonl         # written by `pizza check --accept`; or a pipeline
rules: [R@20 >= 0.90, nDCG@10 not worse than baseline by 0.02]
cannot_tell: block               # or pass: what nobody can tell then lets through
cache: .pizza                    # a folder to keep between runs
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from goldsets.bring import evidence_lines
from goldsets.evaluation import stats
from goldsets.evaluation.measures import Measure
from goldsets.evaluation.pair import laid
from goldsets.evaluation.run import Run
from goldsets.evaluation.slices import slices
from goldsets.evaluation.spec import SweepSpec, Variant, read_yaml
from goldsets.evaluation.stats import Estimate
from goldsets.evaluation.sweep import Board, sweep
from goldsets.evaluation.words import mixture
from goldsets.formats.base import Report
from goldsets.formats.own import read as read_gold
from goldsets.outside.bring import bring_run
from goldsets.outside.source import Source, source_of
from goldsets.reporting.baseline import read_baseline
from goldsets.reporting.rule import BASELINE, DIGITS, Outcome, Rule, Verdict, judge, parse_rule
from goldsets.store import gold as gold_store
from goldsets.store import open_workspace, runs
from goldsets.types import GoldSet
from retrieval.errors import InputError, PizzaError, SpecError, one_of
from retrieval.ingest.read import read_paths
from retrieval.pipeline import pipeline_of
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from retrieval.types import Corpus, Float64

KEYS = (
    *("name", "documents", "corpus", "goldset", "pipeline", "http", "run", "baseline", "rules"),
    *("cannot_tell", "cache"),
)
BLOCK, PASS = "block", "pass"
CACHE = ".pizza"
OURS, THEIRS = "this checkout", BASELINE


@dataclass(frozen=True)
class Gate:
    """A gate as its file says; paths are beside that file."""

    name: str
    folder: Path
    documents: tuple[Path, ...]
    corpus: str
    goldset: str
    source: Source | None
    run: Path | None
    baseline: Path | Source | None
    rules: tuple[Rule, ...]
    blocks: bool
    cache: Path

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Return the measures of its rules, each once."""
        return tuple(dict.fromkeys(rule.measure for rule in self.rules))


@dataclass(frozen=True)
class Regressed:
    """A query that a measure values less than the baseline did; without one, that lost something.

    `before` is None where there is no baseline.
    """

    query: str
    text: str
    measure: str
    before: float | None
    now: float


@dataclass(frozen=True)
class Checked:
    """What a gate came to; `values` are those of each query, `(Q,)`, by measure."""

    gate: Gate
    verdicts: tuple[Verdict, ...]
    regressed: tuple[Regressed, ...]
    notes: tuple[str, ...]
    run: Run
    values: Mapping[Measure, Float64]
    gold: GoldSet
    corpus: Corpus
    cost_usd: float | None
    seconds: float

    @property
    def means(self) -> dict[Measure, Estimate]:
        """Return the mean of each measure over all queries, with its interval."""
        return {m: stats.intervals(v[None])[0] for m, v in self.values.items()}

    @property
    def outcome(self) -> Outcome:
        """Return the worst outcome of a rule: fail, then cannot tell, then pass."""
        found = {v.outcome for v in self.verdicts}
        return next(o for o in (Outcome.FAIL, Outcome.CANNOT_TELL, Outcome.PASS) if o in found)

    @property
    def exit_code(self) -> int:
        """Return 0 to let through, 1 if a rule fails, 3 if nobody can tell and that blocks."""
        told = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.CANNOT_TELL: 3 * self.gate.blocks}
        return told[self.outcome]


def read_gate(path: Path) -> Gate:
    """Read a gate's file.

    Raises:
        InputError: the file is missing or is not YAML.
        SpecError: it is no gate: an unknown key, stage or rule, or something is missing.
    """
    spec = read_yaml(path)
    if not isinstance(spec, Mapping):
        raise SpecError(f"a gate is a mapping with the keys {', '.join(KEYS)}")
    for key in spec:
        if key not in KEYS:
            raise SpecError(f"a gate has no key {key!r}{one_of(str(key), KEYS, 'key')}")
    folder = path.resolve().parent
    given = spec.get("documents")
    documents = [given] if isinstance(given, str) else given or []
    rules = tuple(parse_rule(text) for text in spec.get("rules") or ())
    source, run = _competitor(spec)
    baseline = spec.get("baseline")
    gate = Gate(
        str(spec.get("name") or path.stem),
        folder,
        tuple(folder / str(name) for name in documents),
        str(spec.get("corpus") or ""),
        str(spec.get("goldset") or ""),
        source,
        folder / run if run else None,
        folder / baseline if isinstance(baseline, str) else baseline and source_of(baseline),
        rules,
        _blocks(spec.get("cannot_tell", BLOCK)),
        folder / str(spec.get("cache") or CACHE),
    )
    _complete(gate)
    return gate


def _competitor(spec: Mapping[str, Any]) -> tuple[Source | None, str]:
    """Return what is judged: a pipeline, a retriever behind a URL, or the path of a run."""
    named = [key for key in ("pipeline", "http", "run") if key in spec]
    if len(named) > 1:
        raise SpecError(f"a gate judges one of pipeline, http and run, not {' and '.join(named)}")
    if named == ["http"]:
        return source_of({"http": spec["http"]}), ""
    if named == ["run"]:
        return None, str(spec["run"])
    return pipeline_of(spec.get("pipeline") or {}), ""


def _blocks(cannot_tell: object) -> bool:
    if cannot_tell not in (BLOCK, PASS):
        raise SpecError(f"cannot_tell is {BLOCK} or {PASS}, not {cannot_tell!r}")
    return cannot_tell == BLOCK


def _complete(gate: Gate) -> None:
    if bool(gate.documents) == bool(gate.corpus):
        raise SpecError("a gate names documents (files and folders) or a corpus, one of the two")
    if not gate.goldset:
        raise SpecError("a gate needs a goldset: a file such as gold.jsonl, or a gold set's name")
    if not gate.rules:
        raise SpecError("a gate needs rules, such as R@20 >= 0.90")
    if any(rule.against for rule in gate.rules) and gate.baseline is None:
        raise SpecError(
            "a rule speaks of the baseline; say baseline: baseline.jsonl, or a pipeline"
        )


def check(gate: Gate, workspace: Path | None = None, *, accepting: bool = False) -> Checked:
    """Run what a gate judges on the documents as they are, and judge it.

    The work is kept in the gate's cache, or in the `workspace`. With `accepting` a baseline's file
    need not be there, since it is about to be written.

    Raises:
        PizzaError: something is missing, or the pipeline could not be run.
    """
    begun = time.perf_counter()
    ws = open_workspace(workspace or gate.cache)
    gold, corpus, notes = _inputs(gate, ws)
    board = Board(gold, corpus, Runtime(ws))
    before = gate.baseline
    file = read_baseline(before) if isinstance(before, Path) and not accepting else None
    ours = gate.source if gate.run is None else _imported(gate.run, ws, gold)
    variants = [Variant(OURS, ours)] if ours else []
    if before and not isinstance(before, Path):
        variants.append(Variant(THEIRS, before))
    result = sweep(SweepSpec(tuple(variants), gate.measures, OURS), gold, corpus, board.rt)
    for name, error in result["errors"].items():
        raise PizzaError(f"{name} could not be run: {error}")
    rows = {row["name"]: row for row in result["variants"]}
    old = file.notes(gold) if file else ()
    found = dict(zip(rows, runs.read(ws, [r["run"] for r in rows.values()]), strict=True))
    values = {name: _values(board, run, gate) for name, run in found.items()}
    against = file.values(gold, gate.measures) if file else values.get(THEIRS)
    return Checked(
        gate,
        tuple(_verdict(rule, board, values[OURS], against) for rule in gate.rules),
        tuple(_regressed(gold, values[OURS], against)),
        tuple(filter(None, (*notes, mixture(gold.origins), *old, *evidence_lines(gold, corpus)))),
        found[OURS],
        values[OURS],
        gold,
        corpus,
        rows[OURS]["cost_usd"],
        time.perf_counter() - begun,
    )


def _inputs(gate: Gate, ws: Workspace) -> tuple[GoldSet, Corpus, list[str]]:
    """Read documents and gold, and keep them under the gate's name."""
    name, notes = gate.corpus or gate.name, []
    if gate.documents:
        for path in gate.documents:
            if not path.exists():
                raise InputError("there is no such file or folder", where=str(path.name))
        read = read_paths(gate.documents)
        if not read.documents:
            raise InputError("; ".join(read.problems[:3]) or "no document was found")
        corpora.write(ws, name, read.documents, prune=True, note="for the gate")
        notes = read.problems
    corpus = corpora.read(ws, name)
    if not gate.goldset.endswith(".jsonl"):
        return gold_store.read(ws, gate.goldset), corpus, notes
    report = Report(strict=True)
    held = read_gold(gate.folder / gate.goldset, report)
    gold = GoldSet(gate.name, name, held.queries, held.evidence)
    if not gold.queries:
        raise InputError("holds no query", where=gate.goldset)
    gold_store.write(ws, gold, "gate")
    return gold, corpus, notes


def _imported(path: Path, ws: Workspace, gold: GoldSet) -> Source:
    format_ = "jsonl" if path.suffix == ".jsonl" else "trec"
    run, _ = bring_run(ws, format_, path, gold.name, path.stem[:80])
    return source_of({"run": {"name": run.variant}})


def _values(board: Board, run: Run, gate: Gate) -> dict[Measure, Float64]:
    ids, _ = run.aligned(board.gold)
    values = board.values(laid(board, run).index, ids, gate.measures)
    return dict(zip(gate.measures, values, strict=True))


def _verdict(
    rule: Rule,
    board: Board,
    values: Mapping[Measure, Float64],
    against: Mapping[Measure, Float64] | None,
) -> Verdict:
    here = np.ones(len(board.gold.queries), bool)
    if rule.by:
        every = slices(board.anchored, board.corpus, rule.by)
        if rule.value not in every:
            raise SpecError(f"{str(rule)!r}: no query is in that slice{one_of(rule.value, every)}")
        here = every[rule.value]
    now = values[rule.measure][here]
    if not rule.against:
        return judge(rule, now)
    before = against[rule.measure][here] if against else np.full(len(now), np.nan)
    return judge(rule, now, before)


def _regressed(
    gold: GoldSet,
    values: Mapping[Measure, Float64],
    against: Mapping[Measure, Float64] | None,
) -> list[Regressed]:
    """List what got worse, most first; without a baseline what is not whole."""
    found = []
    for measure, now in values.items():
        before = against[measure] if against else np.ones(len(now))
        for q in np.flatnonzero(np.round(now - before, DIGITS) < 0).tolist():
            query, was = gold.queries[q], float(before[q]) if against else None
            found.append(Regressed(query.id, query.text, str(measure), was, float(now[q])))
    return sorted(found, key=lambda r: (r.now - (1.0 if r.before is None else r.before), r.query))
