"""Trust: do synthetic queries look, and rank pipelines, as real ones do?"""

import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import streamlit as st

from goldsets.evaluation.sweep import Board
from goldsets.evaluation.words import coefficient, count, points
from goldsets.generation.likeness import FEWEST, LEAKS, Area, Likeness
from goldsets.generation.passages import Ground
from goldsets.generation.ranking import Ranking
from goldsets.generation.spec import generation_of
from goldsets.generation.trust import Sides, Trust, made_by, sides, trusted, verdict
from goldsets.generation.types import Generation
from goldsets.labelling.querylog import logged
from goldsets.store import runs
from pages.ui import charts, frame, read, url
from pages.ui.generate import plots
from retrieval.store import Workspace
from retrieval.types import Float64

ADJUSTED = (
    "How often chance alone would put the furthest of all pairs, on either side, as far from level:"
    " the signs of differences are tossed 10,000 times. 0.05 or less on both sides is sure."
)
Key = tuple[str, int, int, str]
"""What the measuring depends on: the gold's version, the corpus's, the generation, the log."""


def view(workspace: Workspace, generation: Generation) -> None:
    """Compare synthetic queries with real ones."""
    board = read.board(workspace, generation.goldset)
    every = sum(q.synthetic for q in board.gold.queries)
    synthetic = len(made_by(board.gold.queries, generation.id))
    real = len(board.gold.queries) - every
    if not synthetic:
        st.info("No synthetic query of this run is in the gold set.", icon=":material/edit_note:")
        return
    top = st.columns([1.6, 0.8, 1], vertical_alignment="bottom")
    result = _sweep(workspace, generation.goldset, top)
    with top[2]:
        log = _log() or _by_log(generation, real)
    others = f" {every - synthetic:,} of other runs are left out." if every > synthetic else ""
    frame.quiet(
        f"{count(real, 'real query', 'real queries')} and {synthetic:,} synthetic in gold set"
        f" {escape(generation.goldset)}; at least {FEWEST} of each are compared, and they are never"
        f" averaged.{others}"
    )
    if real < FEWEST and not log:
        st.info(
            f"There are {real:,} real queries and {FEWEST} are needed: judge some more on a pizza"
            " night, or bring a log to see at least whether the synthetic ones look like yours.",
            icon=":material/group:",
        )
        st.page_link("pages/pizza_night.py", label="Go to Pizza night", icon=":material/group:")
        return
    key = _key(board, generation, log)
    held = _sides(board, generation, log, key)
    _shown(_compared(workspace, held, result, key), bool(result))


def _sweep(workspace: Workspace, goldset: str, top: Sequence[Any]) -> Mapping[str, Any] | None:
    """Let a sweep of the gold set and a measure be chosen."""
    every = runs.sweeps(workspace, goldset)
    held = {str(r["job"]): r for r in every if len(r["variants"]) > 1}
    if not held:
        return None
    labels = {
        job: f"{count(len(r['variants']), 'pipeline')} · {frame.when(r['created'])}"
        for job, r in held.items()
    }
    with top[0]:
        result = held[url.one("Pipelines of the sweep", labels, "sweep")]
    with top[1]:
        measure = url.one("Measure", {m: m for m in result["measures"]}, "measure")
    return {**result, "measure": measure}


def _log() -> tuple[str, ...]:
    """Let a query log stand in for the real queries."""
    with st.popover("Compare with a log", icon=":material/history:", width="stretch"):
        frame.quiet("CSV or JSON lines of what people asked. It says how queries look, not rank.")
        file = st.file_uploader("Query log", key="trust-log", label_visibility="collapsed")
    if file is None:
        return ()
    found = logged(file.getvalue(), file.name)
    return tuple(found.counts)[:2_000]


def _by_log(generation: Generation, real: int) -> tuple[str, ...]:
    """Return the log's queries that a generation went by where the gold set has too few."""
    return generation.real if real < FEWEST <= len(generation.real) else ()


def _compared(
    workspace: Workspace, held: Sides, result: Mapping[str, Any] | None, key: Key
) -> list[Trust]:
    names, values = _values(workspace, held.board, result)
    about = (*names, result["measure"] if result else "", hashlib.sha256(values).hexdigest())
    return _found(held, names, values, key, about)


@st.cache_resource(max_entries=8, show_spinner="Comparing with the real queries")
def _found(
    _held: Sides, _names: list[str], _values: Float64, key: Key, about: tuple[str, ...]
) -> list[Trust]:
    return trusted(_held, _names, _values)


def _values(
    workspace: Workspace, board: Board, result: Mapping[str, Any] | None
) -> tuple[list[str], Float64]:
    """Score the pipelines of a sweep query by query, `(V, Q)`."""
    if result is None:
        return [], np.zeros((0, len(board.gold.queries)))
    held = read.board(workspace, board.gold.name, result["corpus"]["version"])
    rows = result["variants"]
    every = read.runs(workspace, [r["run"] for r in rows], result["created"])
    values = np.stack([read.values(held, run, [result["measure"]])[0] for run in every])
    return [r["name"] for r in rows], values


def _key(board: Board, generation: Generation, log: tuple[str, ...]) -> Key:
    said = hashlib.sha256("\n".join(log).encode()).hexdigest()
    return board.gold.version, board.corpus.version, generation.id, said


@st.cache_resource(max_entries=4, show_spinner="Measuring the queries")
def _sides(_board: Board, _generation: Generation, _log: tuple[str, ...], key: Key) -> Sides:
    spec = generation_of(_generation.spec)
    return sides(_board, Ground.of(spec, _board.corpus, _board.rt), _generation.id, _log)


def _shown(found: Sequence[Trust], swept: bool) -> None:
    whole = found[0]
    st.html(f"<p class='pn-verdict'>{escape(verdict(whole))}</p>")
    frame.quiet(_who(whole))
    if whole.ranking:
        _ranking(whole.ranking)
    else:
        _unranked(whole, swept)
    if whole.likeness:
        _looks(whole.likeness)
    if len(found) > 1:
        _kinds(found[1:])


def _who(t: Trust) -> str:
    stand_in = f", {t.stand_in:,} of them by the offline stand-in" if t.stand_in else ""
    return (
        f"{count(t.queries, 'synthetic query', 'synthetic queries')}{stand_in}; {t.reviewed:,}"
        f" reviewed, {t.queries - t.reviewed:,} not."
    )


def _unranked(t: Trust, swept: bool) -> None:
    why = "" if swept else "no sweep of this gold set has two pipelines"
    said = why or "; ".join(p for p in t.problems if "rank" in p or "pipeline" in p)
    with st.container(border=True, key="pn-unranked"):
        st.markdown(
            "**Do they rank pipelines alike?** That takes a sweep over the gold set as it is now."
        )
        frame.quiet(escape(said) + ".")
        st.page_link("pages/sweep.py", label="Go to Sweep", icon=":material/tune:")


def _ranking(r: Ranking) -> None:
    st.subheader("Do they rank the pipelines alike?", anchor=False)
    left, right = st.columns([1.7, 1], gap="large")
    with left:
        tau = coefficient(r.tau)
        charts.draw(plots.orders(r), "orders", f"Kendall's tau {tau}")
    with right:
        one, two = st.columns(2)
        one.metric("Kendall's tau", coefficient(r.tau))
        two.metric("Sure flips", f"{len(r.sure_flips)} of {r.pairs}")
        low, high, among = (coefficient(v) for v in (r.low, r.high, r.among_real))
        frame.quiet(
            f"The tau of all queries there could be is between {low} and {high}: that is"
            f" what surely ordered pairs tell. Halves of the real queries agree to {among}."
        )
    if r.flips:
        adjusted = st.column_config.Column(help=ADJUSTED)
        columns = {"p, all pairs": adjusted}
        st.dataframe(_flips(r), hide_index=True, key="flips", column_config=columns)


def _flips(r: Ranking) -> list[dict[str, Any]]:
    return [
        {
            "Leads with real queries": r.names[f.a],
            "Leads with synthetic ones": r.names[f.b],
            "Real": _difference(f.real),
            "Synthetic": _difference(f.synthetic),
            "p, all pairs": "< 0.001" if f.p < 0.001 else f"{f.p:.3f}",
            "": "surely flips" if f.sure else "may be chance",
        }
        for f in r.flips
    ]


def _difference(e: Any) -> str:
    ends = f"{points(e.low, signed=True)} to {points(e.high, signed=True)}"
    return f"{points(e.mean, signed=True)} ({ends})"


def _looks(found: Likeness) -> None:
    st.subheader("Do they look alike?", anchor=False)
    frame.quiet(
        "Grey: real; accent: synthetic. AUC: in how many of 100 pairs the synthetic query has more;"
        " 50 is the aim."
    )
    columns = st.columns(3, gap="medium")
    for i, d in enumerate(found.distributions):
        with columns[i % 3]:
            leak = d.name in LEAKS and d.higher.low > 0.5
            css = "pn-accent" if leak else ""
            st.html(
                f"<p class='pn-lead'><b>{escape(d.name[0].upper() + d.name[1:])}</b><br>"
                f"<span class='pn-quiet {css}'>AUC {_area(d.higher)}{': leaks' if leak else ''}"
                "</span></p>"
            )
            charts.draw(plots.overlaid(d), f"looks-{i}", f"{d.name}: AUC {_area(d.higher)}")
    if found.repeated:
        with st.expander(
            f"{count(len(found.repeated), 'synthetic query says', 'synthetic queries say')} what a"
            " real one says"
        ):
            rows = [
                {"Synthetic": x.synthetic, "Real": x.real, "Alike": x.ratio}
                for x in found.repeated[:200]
            ]
            st.dataframe(rows, hide_index=True, key="repeated")


def _area(a: Area | None) -> str:
    if a is None:
        return "–"
    return f"{points(a.value)} ({points(a.low)} to {points(a.high)})"


def _kinds(found: Sequence[Trust]) -> None:
    st.subheader("Which kinds to keep", anchor=False)
    rows = [
        {
            "Kind": t.name,
            "Queries": t.queries,
            "Reviewed": t.reviewed,
            "Told from real": _area(t.likeness.told_apart if t.likeness else None),
            "Repeats its evidence": "–" if not t.likeness else "yes" if t.leaky else "no",
            "Tau": coefficient(t.ranking.tau if t.ranking else None),
            "Sure flips": "–" if not t.ranking else f"{len(t.ranking.sure_flips)}",
            "Why not": t.problems[0] if t.problems else "",
        }
        for t in found
    ]
    narrow = st.column_config.Column(width="small")
    columns = dict.fromkeys(("Kind", "Queries", "Reviewed", "Tau", "Sure flips"), narrow)
    st.dataframe(rows, hide_index=True, key="by-kind", column_config=columns)
