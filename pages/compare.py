"""Compare: a pinned baseline against other variants, down to the lists of one query."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from goldsets.evaluation import stats
from goldsets.evaluation.pair import laid
from goldsets.evaluation.paired import Difference, compared
from goldsets.evaluation.run import Run
from goldsets.evaluation.sweep import Board
from goldsets.evaluation.words import count, interval, points, verdict
from goldsets.store import runs
from pages.ui import charts, frame, hits, read, unjudged, url
from retrieval.store import Workspace
from retrieval.types import Bool, Float64

MOST = 6
LETTERS = "ABCDEFG"
SAME = 1e-9
CASES = "Worst to best case"
FILTERS = {
    "all": "All",
    "different": "Different",
    "regressed": "Regressed",
    "improved": "Improved",
    "failed": "Failed by all",
}


@dataclass(frozen=True)
class Compared:
    """The runs side by side: `values` is `(V, Q)`, the baseline first.

    `differences` are to the baseline, tested as some among all pipelines of the sweep.
    """

    board: Board
    runs: list[Run]
    measure: str
    values: Float64
    differences: list[Difference]

    @property
    def deltas(self) -> Float64:
        """Return each variant's difference to the baseline, `(V - 1, Q)`."""
        return self.values[1:] - self.values[0]

    @property
    def labels(self) -> list[str]:
        """Return each run's letter and name."""
        return [f"{letter}  {run.variant}" for letter, run in zip(LETTERS, self.runs, strict=False)]


def choose(workspace: Workspace) -> Compared | None:
    """Let a sweep, baseline, variants and measure be chosen; read and score the runs."""
    results = {str(r["job"]): r for r in runs.sweeps(workspace)}
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
    pinned = next((run for run, name in names.items() if name == result["baseline"]), "")
    with top[1]:
        base = url.one("Baseline", names, "baseline", default=pinned)
    with top[2]:
        measure = url.one("Measure", {m: m for m in result["measures"]}, "measure")
    others = {run: name for run, name in names.items() if run != base}
    best = sorted(others, key=lambda run: -_mean(result, run, measure))
    chosen = url.several("Variants", others, "variants", best[:2], max_selections=MOST)
    if not chosen:
        st.info("Choose one to six variants to set against the baseline.")
        return None
    board = read.board(workspace, result["goldset"]["name"], result["corpus"]["version"])
    if board.gold.version != result["goldset"]["version"]:
        st.info(
            "The gold set has changed since this sweep; the numbers here are by the gold of now."
        )
    every = read.runs(workspace, list(names), result["created"])
    values = np.stack([read.values(board, run, [measure])[0] for run in every])
    rows = [list(names).index(run) for run in (base, *chosen)]
    differences = compared(values, rows[0])
    held = [every[i] for i in rows]
    return Compared(board, held, measure, values[rows], [differences[i] for i in rows])


def _mean(result: Mapping[str, Any], run: str, measure: str) -> float:
    row = next(v for v in result["variants"] if v["run"] == run)
    return float(row["measures"][measure]["mean"] or 0.0)


def summary(workspace: Workspace, c: Compared) -> None:
    """Show the means, the differences in words and drawn, and on how many queries each wins.

    Beside them stands what passages that nobody has judged could make of it.
    """
    means = stats.intervals(c.values)
    found = unjudged.Open.of(c.board, c.runs, c.measure)
    rows = [
        {
            "": letter,
            "Pipeline": run.variant,
            c.measure: interval(vars(mean)),
            **({CASES: found.cases[n]} if found.cases else {}),
            "Against the baseline": verdict(vars(difference)) if n else "baseline",
            "Wins": str(difference.wins) if n else "–",
            "Losses": str(difference.losses) if n else "–",
        }
        for n, (letter, run, mean, difference) in enumerate(
            zip(LETTERS, c.runs, means, c.differences, strict=False)
        )
    ]
    widths = {"": 28, "Pipeline": 240, c.measure: 125, CASES: 105, "Wins": 45, "Losses": 45}
    config = {name: st.column_config.TextColumn(width=width) for name, width in widths.items()}
    st.dataframe(rows, hide_index=True, key="summary", column_config=config)
    estimates = [vars(d) for d in c.differences[1:]]
    drawn = charts.differences(c.labels[1:], estimates, c.measure, found.bands)
    charts.draw(
        drawn, "differences", "Each variant's difference to the baseline, with its interval"
    )
    unjudged.sentences(found, LETTERS, [d.mean for d in c.differences[1:]], c.measure)
    unjudged.decide(workspace, found, c.labels, c.board.gold.name)


def keep(c: Compared, which: str) -> Bool:
    """Tell which queries a filter lets through, `(Q,)`."""
    defined = ~np.isnan(c.values).any(axis=0)
    wanted = {
        "all": ~np.isnan(c.values).all(axis=0),
        "different": defined & (np.abs(c.deltas) > SAME).any(axis=0),
        "regressed": defined & (c.deltas < -SAME).any(axis=0),
        "improved": defined & (c.deltas > SAME).any(axis=0),
        "failed": defined & (c.values <= SAME).all(axis=0),
    }
    return np.asarray(wanted[which])


def queries(c: Compared) -> int | None:
    """Show the queries that a filter lets through; return the chosen one's row."""
    counts = {k: f"{label} {int(keep(c, k).sum())}" for k, label in FILTERS.items()}
    which = url.row("Show", counts, "show", label_visibility="collapsed")
    rows = np.flatnonzero(keep(c, which))
    rows = rows[np.argsort(-np.abs(np.nan_to_num(c.deltas[:, rows])).max(axis=0), kind="stable")]
    if not len(rows):
        st.info("No query is like that.")
        return None
    asked = [c.board.gold.queries[q] for q in rows]
    shown = [
        {
            "Query": query.text,
            "Tags": ", ".join(query.tags),
            **{LETTERS[n]: _percent(c.values[n, q]) for n in range(len(c.runs))},
        }
        for q, query in zip(rows, asked, strict=True)
    ]
    place = frame.table(
        shown,
        key=f"queries-{which}-{c.measure}-{len(rows)}",
        start=next((i for i, q in enumerate(asked) if q.id == url.get("query")), 0),
        height=300,
        widths={"Query": 520, "Tags": 150},
    )
    url.put("query", asked[place].id)
    return int(rows[place])


def _percent(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value) * 100, 1)


def lists(c: Compared, query: int) -> None:
    """Show the ranked lists of one query side by side, the evidence marked."""
    st.subheader(c.board.gold.queries[query].text, anchor=False)
    hits.evidence_note(c.board, query)
    width = min(3, len(c.runs))
    for begin in range(0, len(c.runs), width):
        for column, n in zip(st.columns(width), range(begin, len(c.runs)), strict=False):
            with column:
                one_list(c, n, query)


def one_list(c: Compared, n: int, query: int) -> None:
    """Show one run's list."""
    run, value = c.runs[n], c.values[n, query]
    st.markdown(f"**{LETTERS[n]}** {run.variant}")
    score = points(None if np.isnan(value) else float(value))
    st.caption(f"{c.measure} {score}" + ("" if n else " · baseline"))
    ids, _ = run.aligned(c.board.gold)
    hits.ranked_list(c.board, laid(c.board, run), ids[query], query, depth=10)


with frame.page(
    "Compare", "One baseline, up to six others; every difference with its interval."
) as workspace:
    held = choose(workspace)
    if held is not None:
        summary(workspace, held)
        st.subheader("Query by query", anchor=False)
        frame.quiet(
            f"{count(len(held.board.gold.queries), 'query', 'queries')}; values in points of a"
            " hundred, the largest difference first. A query that the corpus does not answer has no"
            " value."
        )
        row = queries(held)
        if row is not None:
            lists(held, row)
