"""Measures against pytrec_eval and ir_measures, intervals and p-values against scipy."""

import ir_measures
import numpy as np
import pytrec_eval
import scipy.stats

from goldsets.evaluation import paired, stats
from goldsets.evaluation.measures import parse_measure
from goldsets.evaluation.score import score
from goldsets.evaluation.target import Target
from goldsets.evidence import anchor
from goldsets.types import Evidence, GoldSet, Query
from retrieval.ingest.tokens import Tokens
from retrieval.types import Chunks, Corpus, Document
from tests.benchmarks.harness import cost, heading, medians, ratio

VARIANTS, QUERIES, DEPTH, CHUNKS, PEER = 100, 300, 100, 5_000, 10
CUTOFFS = (1, 3, 5, 10, 20, 50, 100)
NAMES = [*(f"P@{k}" for k in CUTOFFS), *(f"nDCG@{k}" for k in CUTOFFS), "RR@100", "AP@100"]
RECALL = [f"R@{k}" for k in CUTOFFS]


def gold_and_rankings() -> tuple[Target, np.ndarray, dict[str, dict[str, int]]]:
    """Make judged chunks, and rankings that find some of them."""
    rng = np.random.default_rng(0)
    corpus = Corpus(tuple(Document(f"d{i}", "abcdefgh") for i in range(CHUNKS)))
    chunks = Chunks.of_spans([(0, 8)] for _ in range(CHUNKS))
    near = np.stack([rng.permutation(CHUNKS)[:400] for _ in range(QUERIES)])
    queries, evidence, qrels = [], {}, {}
    for q in range(QUERIES):
        chosen = near[q][rng.permutation(400)[: rng.integers(1, 6)]]
        grades = rng.integers(1, 4, len(chosen)).tolist()
        judged = [(int(c), g) for c, g in zip(chosen, grades, strict=True)]
        queries.append(Query(f"q{q}", f"query {q}"))
        evidence[f"q{q}"] = tuple(Evidence(f"d{c}", 0, 8, "abcdefgh", grade=g) for c, g in judged)
        qrels[f"q{q}"] = {f"d{c}": g for c, g in judged}
    gold = GoldSet("g", "c", tuple(queries), evidence)
    tokens = Tokens(np.zeros(CHUNKS, np.int32), np.arange(CHUNKS + 1))
    target = Target(anchor(gold, corpus), corpus, chunks, tokens)
    ids = np.stack([[rng.permutation(n)[:DEPTH] for n in near] for _ in range(VARIANTS)])
    return target, ids.astype(np.int32), qrels


def as_run(ids: np.ndarray) -> dict[str, dict[str, float]]:
    """Spell a ranking out as the libraries want it."""
    return {
        f"q{q}": {f"d{c}": float(DEPTH - i) for i, c in enumerate(row)}
        for q, row in enumerate(ids.tolist())
    }


def measures() -> np.ndarray:
    """Print the ratios for 100 variants, after checking every value; return values of nDCG@10."""
    target, ids, qrels = gold_and_rankings()
    wanted = [parse_measure(m) for m in [*NAMES, *RECALL]]
    runs = [as_run(v) for v in ids[:PEER]]
    cut = ",".join(map(str, CUTOFFS))
    trec = pytrec_eval.RelevanceEvaluator(
        qrels, {f"recall.{cut}", f"P.{cut}", f"ndcg_cut.{cut}", "recip_rank", "map"}
    )
    theirs = ir_measures.evaluator([ir_measures.parse_measure(str(m)) for m in wanted], qrels)
    ours = score(target, ids[:2], wanted)
    names = {"P": "P", "nDCG": "ndcg_cut", "R": "recall"}
    worst = 0.0
    for v in range(2):
        per_query = trec.evaluate(runs[v])
        for m, measure in enumerate(wanted):
            key = {"RR": "recip_rank", "AP": "map"}.get(
                measure.name
            ) or f"{names[measure.name]}_{measure.cutoff}"
            for q in range(QUERIES):
                worst = max(worst, abs(ours[m, v, q] - per_query[f"q{q}"][key]))
    assert worst <= 1e-12, worst
    spent = medians(
        {
            "ours": lambda: score(target, ids, wanted),
            "pytrec_eval": lambda: [trec.evaluate(r) for r in runs],
            "ir_measures": lambda: [theirs.calc_aggregate(r) for r in runs],
        },
        rounds=3,
    )
    scale = VARIANTS / PEER
    title = f"{len(wanted)} measures, {VARIANTS} variants (largest error {worst:.0e})"
    ratio(f"{title}: pytrec_eval", spent["ours"], spent["pytrec_eval"] * scale, ">= 30x")
    ratio(f"{title}: ir_measures", spent["ours"], spent["ir_measures"] * scale, ">= 100x")
    return score(target, ids, [parse_measure("nDCG@10")])[0]


def intervals(values: np.ndarray) -> None:
    """Print what intervals of 100 variants cost against one scipy bootstrap."""

    def ours() -> None:
        stats.resamples.cache_clear()
        stats.intervals(values)

    def theirs() -> None:
        scipy.stats.bootstrap(
            (values[0],),
            np.mean,
            n_resamples=10_000,
            method="percentile",
            vectorized=True,
            random_state=0,
        )

    spent = medians({"ours": ours, "scipy": theirs})
    title = f"10,000-resample intervals, {VARIANTS} variants, to ONE scipy bootstrap"
    cost(title, spent["ours"], spent["scipy"], "<= 1.3x")


def tests(values: np.ndarray) -> None:
    """Print what testing all pairs of 100 variants costs against one scipy permutation test."""
    seen = values[1] - values[0]

    def ours() -> None:
        paired.tosses.cache_clear()
        paired.every_pair(values)

    def theirs() -> None:
        scipy.stats.permutation_test(
            (seen,),
            np.mean,
            permutation_type="samples",
            n_resamples=10_000,
            vectorized=True,
            rng=0,
        )

    spent = medians({"ours": ours, "scipy": theirs})
    pairs = VARIANTS * (VARIANTS - 1) // 2
    title = f"10,000-toss tests, all {pairs:,} pairs, to ONE scipy permutation_test"
    cost(title, spent["ours"], spent["scipy"], "<= 1.2x")


def main() -> None:
    """Print all ratios."""
    heading("measures and statistics: 300 queries, depth 100")
    values = measures()
    intervals(values)
    tests(values)


if __name__ == "__main__":
    main()
