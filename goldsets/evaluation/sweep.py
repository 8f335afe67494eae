"""The sweep: many pipelines over one gold set, every shared stage made once.

There is no tree of stages to maintain: equal prefixes of two variants have equal keys, and whatever
a key names is made once and found from then on, in this process, in a later one, after a crash.
"""

import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from goldsets.evaluation import paired, stats
from goldsets.evaluation.measures import Measure
from goldsets.evaluation.no_answer import FOUND, unanswered
from goldsets.evaluation.outlays import (
    Awaited,
    context_outlays,
    embedded,
    outlays,
    rewrite_outlays,
    to_embed,
)
from goldsets.evaluation.reranking import Laid, Reranking
from goldsets.evaluation.run import Run, content_key, run_id
from goldsets.evaluation.score import score
from goldsets.evaluation.spec import SweepSpec, Variant
from goldsets.evaluation.target import Target
from goldsets.evidence import Anchored, anchor
from goldsets.outside.placing import Placed, ReturnedChunks, ReturnedRanking
from goldsets.outside.source import Outside, source_spec
from goldsets.store import runs as store
from goldsets.types import GoldSet
from retrieval.cost import Outlay, total
from retrieval.errors import Cancelled, PizzaError, Stopped
from retrieval.index import Chunking, Index
from retrieval.ingest.tokens import CountTokens
from retrieval.pipeline import Pipeline, SizeChunks, Steps
from retrieval.query.judged import Judged
from retrieval.runtime import Made, Runtime
from retrieval.store import artifacts
from retrieval.types import Candidates, Corpus, Float64, Int32, Int64, Queries, digest

FORMAT = "pizza-night/sweep"

OnUnit = Callable[[int, str, str], None]
"""Told the variants done so far, the name of the last one, and its error or nothing."""


@dataclass(frozen=True)
class Prepared:
    """A variant as products that have not been made yet."""

    variant: Variant
    index: Chunking
    ranking: Made[Candidates]
    """What reaches the reader."""
    made: Steps | Made[Placed]
    """The boxes of a pipeline's search, or what a retriever from outside returned."""

    @property
    def placed(self) -> Made[Placed] | None:
        """Return what a retriever from outside returned; None for a pipeline."""
        return self.made if isinstance(self.made, Made) else None

    @property
    def searched(self) -> Index:
        """Return the index that its pipeline searches.

        Raises:
            PizzaError: it is a retriever from outside, whose index nobody sees.
        """
        if isinstance(self.index, Index):
            return self.index
        raise PizzaError(f"{self.variant.name!r} is from outside: its index cannot be seen")

    @property
    def steps(self) -> Steps:
        """Return the boxes of its search.

        Raises:
            PizzaError: it is a retriever from outside, whose boxes nobody sees.
        """
        if isinstance(self.made, Steps):
            return self.made
        raise PizzaError(f"{self.variant.name!r} is from outside: its boxes cannot be seen")

    @property
    def laid(self) -> Laid:
        """Return the pipeline with the boxes of its search."""
        return self.variant.pipeline, self.steps


class Board:
    """A gold set's queries and evidence in one corpus, on which rankings are scored."""

    def __init__(
        self, gold: GoldSet, corpus: Corpus, rt: Runtime, anchored: Anchored | None = None
    ) -> None:
        """Find the evidence in the corpus, unless it is `anchored` already."""
        self.gold, self.corpus, self.rt = gold, corpus, rt
        self.queries = Queries(tuple(q.text for q in gold.queries))
        self.anchored = anchored or anchor(gold, corpus)
        self._targets: dict[str, Target] = {}

    def only(self, queries: Int32 | Int64) -> "Board":
        """Return a board of some of the queries (rows, ascending); nothing is looked for again."""
        anchored = self.anchored.only(queries)
        return Board(anchored.gold, self.corpus, self.rt, anchored)

    def prepare(self, variant: Variant) -> Prepared:
        """Lay a variant out as products, making none."""
        source = variant.source
        if isinstance(source, Outside):
            documents = self.rt.given(self.corpus, self.corpus.hash, "corpus")
            return self.lay(variant, source.placed(self.gold, documents, self.rt))
        index = source.ingest(self.corpus, self.rt)
        steps = source.steps(index, self.queries, self.rt)
        return Prepared(variant, index, steps.context, steps)

    def lay(self, variant: Variant, placed: Made[Placed]) -> Prepared:
        """Lay out what a retriever from outside returned."""
        documents = self.rt.given(self.corpus, self.corpus.hash, "corpus")
        chunks = self.rt.run(ReturnedChunks(), placed)
        sizes = self.rt.run(SizeChunks(), documents, self.rt.run(CountTokens(), documents), chunks)
        ranking = self.rt.run(ReturnedRanking(), placed)
        return Prepared(variant, Chunking(documents, chunks, sizes), ranking, placed)

    def target(self, index: Chunking) -> Target:
        """Project the gold onto chunks; once a chunking, whatever its contexts."""
        chunks, whole = index.chunks.value, isinstance(index, Index)
        places = (chunks.document, chunks.start, chunks.end)
        key = digest("index" if whole else "outside", *(a.tobytes() for a in places))
        if key not in self._targets:
            tokens = self.rt.run(CountTokens(), index.corpus).value
            found = Target(self.anchored, self.corpus, chunks, tokens, whole=whole)
            self._targets[key] = found
        return self._targets[key]

    def values(self, index: Chunking, ids: Int32, measures: Sequence[Measure]) -> Float64:
        """Score one ranking `(Q, K)`, `(M, Q)`."""
        return score(self.target(index), ids[None], measures)[:, 0]


def embedding_outlays(
    prepared: Iterable[Prepared], board: Board, waiting: Mapping[str, Awaited]
) -> dict[str, Outlay]:
    """Plan what embedding takes, by model, with chunks that are `waiting` for a model."""
    laid = list(prepared)
    besides = embedded((p.variant.pipeline for p in laid), board.corpus, board.queries, board.rt)
    indexes = (index for p in laid for index in to_embed(p.variant.pipeline, p.searched))
    return outlays(indexes, board.corpus, besides, board.rt, waiting)


def by_chunks(prepared: Iterable[Prepared]) -> dict[str, Pipeline]:
    """Return the pipelines by the key of the chunks they search, or embed without contexts."""
    found: dict[str, Pipeline] = {}
    for p in prepared:
        own = p.variant.pipeline
        for index in to_embed(own, p.searched):
            found.setdefault(index.chunks.key, replace(own, contextualize=None))
        found[p.index.chunks.key] = own
    return found


def sweep(
    spec: SweepSpec,
    gold: GoldSet,
    corpus: Corpus,
    rt: Runtime,
    on_unit: OnUnit | None = None,
) -> dict[str, Any]:
    """Run every variant and compare them; return the result as JSON (see docs/formats.md).

    A variant that fails is reported with its error and stops no other.

    Raises:
        Stopped: asked to pause or cancel; every stage made so far is kept.
    """
    begun = time.perf_counter()
    board = Board(gold, corpus, rt)
    finished: list[Finished] = []
    errors: dict[str, str] = {}
    for done, variant in enumerate(spec.variants, 1):
        try:
            finished.append(_run(board, variant, spec))
        except Cancelled:
            _settle(spec, rt)
            raise
        except Stopped:
            raise
        except PizzaError as e:
            errors[variant.name] = str(e)
        except Exception as e:
            traceback.print_exc()
            errors[variant.name] = f"{type(e).__name__}: {e}"
        if on_unit:
            on_unit(done, variant.name, errors.get(variant.name, ""))
    _settle(spec, rt)
    return {
        "format": FORMAT,
        "version": 1,
        "goldset": _about_gold(board),
        "corpus": {"name": corpus.name, "version": corpus.version, "documents": len(corpus)},
        "measures": [str(m) for m in spec.measures],
        "baseline": spec.baseline,
        "variants": _compared(spec, finished),
        "errors": errors,
        "intervals": stats.METHOD,
        "tests": paired.METHOD,
        "stages": _stages(board, spec),
        "texts_embedded": rt.tally.embedded,
        "seconds": round(time.perf_counter() - begun, 3),
    }


def _settle(spec: SweepSpec, rt: Runtime) -> None:
    for variant in spec.variants:
        if isinstance(variant.source, Outside):
            variant.source.settle(rt)


@dataclass(frozen=True)
class Finished:
    """A variant's run with its values, `(M, Q)`, and the mean tokens of its first k chunks.

    `no_answer` is what it made of queries that the corpus does not answer, None without such.
    `cost_usd` is what vendors cost from nothing, kept or not; None where a price is unknown.
    `answers` is how many answers of a reranking chat model were read, and what was mended in them.
    """

    run: Run
    values: Float64
    tokens_at: dict[str, float]
    no_answer: dict[str, Any] | None
    cost_usd: float | None
    answers: dict[str, int] | None


def _run(board: Board, variant: Variant, spec: SweepSpec) -> Finished:
    prepared = board.prepare(variant)
    ranking, own = prepared.ranking.value, prepared.placed and prepared.placed.value
    made = own.key("swept", variant.name) if own else prepared.ranking.key
    chunking = content_key(board.corpus, own.chunks) if own else prepared.index.chunks.key
    run = Run(
        run_id(made, board.gold, board.corpus),
        variant.name,
        source_spec(variant.source),
        board.gold.name,
        board.gold.version,
        board.corpus.name,
        board.corpus.version,
        chunking,
        tuple(q.id for q in board.gold.queries),
        ranking,
        _seconds(board.rt, prepared.ranking.line()),
        own.chunks if own else None,
        own.counts if own else {},
    )
    if board.rt.workspace:
        store.keep(board.rt.workspace, run)
    values = board.values(prepared.index, ranking.ids, [*spec.measures, FOUND])
    told = unanswered(board.gold, ranking, values[-1] == 1)
    tokens_at = _tokens_at(spec, ranking.ids, prepared.index.tokens.value)
    return Finished(
        run,
        values[:-1],
        tokens_at,
        asdict(told) if told else None,
        cost_of(prepared, board),
        _answers(prepared, board.rt),
    )


def _answers(prepared: Prepared, rt: Runtime) -> dict[str, int] | None:
    """Return what a reranking chat model answered, where one did."""
    source = prepared.variant.source
    stage = source.rerank if isinstance(source, Pipeline) else None
    if stage is None or stage.product is not Judged:
        return None
    judged = rt.at_hand(prepared.steps.reranked, Judged)
    return judged.told() if judged else None


def cost_of(prepared: Prepared, board: Board) -> float | None:
    """Return what vendors cost from nothing, kept or not; None where a price is unknown."""
    source = prepared.variant.source
    if isinstance(source, Outside):
        return source.usd(len(board.queries), board.rt)
    kept = {prepared.steps.reranked.key}
    reranking = Reranking(board.corpus, board.queries, board.rt, kept)
    planned = [
        *context_outlays(by_chunks([prepared]), board.corpus, board.rt).values(),
        *rewrite_outlays([source], board.queries, board.rt).values(),
        *embedding_outlays([prepared], board, {}).values(),
        *reranking.outlays([prepared.laid]).values(),
    ]
    return total(amount for p in planned for amount in (p.usd, p.kept_usd))


def _tokens_at(spec: SweepSpec, ids: Int32, tokens: Int32) -> dict[str, float]:
    cutoffs = {m.cutoff for m in spec.measures if m.cutoff and not m.unit} | {20}
    held = np.where(ids >= 0, tokens[ids], 0) if len(tokens) else np.zeros_like(ids)
    return {str(k): round(float(held[:, :k].sum(axis=1).mean()), 1) for k in sorted(cutoffs)}


def _seconds(rt: Runtime, line: Iterable[Made[Any]]) -> dict[str, float]:
    """Return what each stage took when it was made, be it now or before."""
    made = list(line)
    kept = artifacts.seconds(rt.workspace, [m.key for m in made]) if rt.workspace else {}
    spent: dict[str, float] = defaultdict(float)
    for m in made:
        spent[m.stage] += kept.get(m.key, rt.tally.seconds.get(m.key, 0.0))
    return {stage: round(s, 4) for stage, s in spent.items() if s}


def _stages(board: Board, spec: SweepSpec) -> dict[str, int]:
    keys = {m.key for v in spec.variants for m in board.prepare(v).ranking.line() if m.kept}
    computed = len(keys & board.rt.tally.made)
    return {"computed": computed, "reused": len(keys) - computed}


def _compared(spec: SweepSpec, finished: Sequence[Finished]) -> list[dict[str, Any]]:
    if not finished:
        return []
    values = np.stack([f.values for f in finished], axis=1)
    names = [f.run.variant for f in finished]
    baseline = names.index(spec.baseline) if spec.baseline in names else None
    rows = [_described(f) for f in finished]
    for m, measure in enumerate(spec.measures):
        for row, estimate in zip(rows, stats.intervals(values[m]), strict=True):
            row["measures"][str(measure)] = asdict(estimate)
        if baseline is not None:
            for row, difference in zip(rows, paired.compared(values[m], baseline), strict=True):
                row["differences"][str(measure)] = asdict(difference)
    return rows


def _described(finished: Finished) -> dict[str, Any]:
    run = finished.run
    return {
        "name": run.variant,
        "spec": dict(run.spec),
        "run": run.id,
        "measures": {},
        "differences": {},
        "no_answer": finished.no_answer,
        "placed": dict(run.counts) or None,
        "tokens_at": finished.tokens_at,
        "seconds": dict(run.seconds),
        "cost_usd": finished.cost_usd,
        "answers": finished.answers,
    }


def _about_gold(board: Board) -> dict[str, Any]:
    gold = board.gold
    return {
        "name": gold.name,
        "version": gold.version,
        "queries": len(gold.queries),
        "origins": gold.origins,
        "judgments": gold.judgments,
        "evidence": {str(status): n for status, n in board.anchored.statuses.items()},
        "gone": [f.name for f in board.anchored.gone],
        "edited": [f.name for f in board.anchored.edited],
    }
