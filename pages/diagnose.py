"""Error analysis: where evidence was lost, what would bring it back, and whether that held."""

import streamlit as st

from goldsets.evaluation.run import Run
from goldsets.evaluation.sweep import Board
from goldsets.evaluation.words import main_measure, mixture, ranked
from goldsets.store import runs
from pages.ui import cures, frame, losses, read, url, what_if
from retrieval.store import Workspace

VIEWS = {
    "lost": ":material/troubleshoot: Where it was lost",
    "cures": ":material/healing: What would help",
    "loop": ":material/autorenew: Step by step",
    "what-if": ":material/science: What if",
}
DEPTHS = {f"R@{k}": f"R@{k}" for k in (20, 10, 5, 50, 100)}


def choose(workspace: Workspace) -> tuple[Board, Run, str]:
    """Let a sweep, one of its pipelines and a cutoff be chosen."""
    results = {str(r["job"]): r for r in runs.sweeps(workspace) if r["variants"]}
    if not results:
        frame.empty("There is nothing to look into: no sweep has finished.", "Sweep", "Go to Sweep")
    top = st.columns([1.2, 1.8, 0.6], vertical_alignment="bottom")
    with top[0]:
        labels = {
            job: f"{r['goldset']['name']} · {frame.when(r['created'])}"
            for job, r in results.items()
        }
        result = results[url.one("Sweep", labels, "sweep")]
    with top[1]:
        rows = ranked(result["variants"], main_measure(result))
        run = url.one("Pipeline", {v["run"]: v["name"] for v in rows}, "run")
    with top[2]:
        measure = url.one(
            "Found by", DEPTHS, "measure", help="Evidence below this place counts as lost."
        )
    board = read.board(workspace, result["goldset"]["name"], result["corpus"]["version"])
    return board, read.runs(workspace, [run], result["created"])[0], measure


with frame.page(
    "Error analysis",
    "Where evidence was lost, what would bring it back, and whether that held on queries it was"
    " not chosen on.",
) as workspace:
    board, run, measure = choose(workspace)
    if run.chunks is not None:
        losses.from_outside(board, read.lost_outside(board, run, measure), measure)
        st.stop()
    if told := mixture(board.gold.origins):
        frame.quiet(told)
    found = read.diagnosis(board, run, measure)
    view = url.row("View", VIEWS, "view", label_visibility="collapsed")
    if view == "lost":
        losses.show(workspace, found)
    elif view == "cures":
        cures.show(workspace, found, run)
    elif view == "loop":
        cures.loop(workspace, found)
    else:
        what_if.show(workspace, found, run)
