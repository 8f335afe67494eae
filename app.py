"""Home: what is loaded, what it says, what to do next."""

from html import escape
from typing import Any

import streamlit as st

from goldsets import jobs
from goldsets.evaluation.words import count, headline, main_measure, ranked
from goldsets.reporting.tints import leading, of_sweep
from goldsets.store import gold, runs
from pages.ui import charts, frame
from pages.ui.text import plain
from retrieval.store import Workspace, corpora


def loaded(workspace: Workspace) -> None:
    """Show what is in the workspace."""
    held, sets = corpora.newest(workspace), gold.summaries(workspace)
    columns = st.columns(3)
    columns[0].metric("Documents", f"{sum(c.documents for c in held):,}", border=True)
    columns[1].metric("Queries with gold", f"{sum(s.queries for s in sets):,}", border=True)
    columns[2].metric("Judged spans", f"{sum(s.judgments for s in sets):,}", border=True)


@st.fragment(run_every=1.0)
def waiting(workspace: Workspace) -> None:
    """Show the first sweep's progress until there is a result to look at."""
    at_work = [job for job in jobs.recent(workspace, "sweep", 1) if not job.over]
    if not at_work:
        st.rerun()
    job = at_work[0]
    st.subheader("Comparing pipelines", anchor=False)
    st.progress(job.units_done / max(job.units, 1), text=f"{job.units_done} of {job.units} done")
    st.caption(f"{job.step} {job.done:,} of {job.total:,}" if job.total > 1 else job.step)


def verdict(workspace: Workspace) -> None:
    """Show the newest sweep's verdict and where to look further."""
    results = runs.sweeps(workspace)
    if not results:
        if any(not job.over for job in jobs.recent(workspace, "sweep", 1)):
            waiting(workspace)
            return
        if not any(s.queries for s in gold.summaries(workspace)):
            frame.missing(
                "A sweep needs a gold set: judge passages for queries of your own.",
                "Pizza night",
                "Judge passages",
            )
            return
        st.info("No sweep has finished yet. Start one: it takes a minute or two on the sample.")
        st.page_link("pages/sweep.py", label="Start a sweep", icon=":material/tune:")
        return
    result = results[0]
    measure = main_measure(result)
    name = plain(result["corpus"]["name"])
    st.subheader(f"Which pipeline finds the evidence in {name}?", anchor=False)
    st.html(f"<p class='pn-verdict'>{escape(headline(result, measure))}</p>")
    rows = ranked(result["variants"], measure)
    colours = leading(of_sweep(result))
    board = charts.leaderboard(rows, measure, result["baseline"], colours)
    charts.draw(board, "home", headline(result, measure))
    frame.quiet(_fine_print(result))
    with st.container(horizontal=True):
        link = {"sweep": str(result["job"]), "measure": measure}
        st.page_link(
            "pages/sweep.py",
            label="The whole leaderboard",
            icon=":material/leaderboard:",
            query_params=link,
        )
        st.page_link(
            "pages/compare.py",
            label="Which queries differ",
            icon=":material/compare_arrows:",
            query_params=link,
        )


def _fine_print(result: dict[str, Any]) -> str:
    goldset, variants = result["goldset"], result["variants"]
    return escape(
        f"{count(goldset['queries'], 'query', 'queries')} of gold set {goldset['name']},"
        f" {count(goldset['judgments'], 'judged span')}, {count(len(variants), 'pipeline')}."
        " Bars are 95 % intervals: where they overlap much, look at the difference instead."
    )


STEPS = (
    (
        "Corpora",
        "Bring your documents",
        "Markdown, HTML, PDF, Office, code; a whole folder by <code>pizza ingest</code>.",
    ),
    ("Pizza night", "Judge passages", "Real queries, alone or as a team, by keys."),
    ("Sweep", "Sweep pipelines", "Chunkers, context, BM25 and embeddings, fusion."),
    ("Playground", "Try a query", "See what each stage makes of it."),
)


def next_steps() -> None:
    """Say how to go on with one's own documents."""
    st.subheader("Your own search", anchor=False)
    for page, label, about in STEPS:
        path, icon = frame.PAGES[page]
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.page_link(path, label=label, icon=icon, width=230)
            frame.quiet(about)


with frame.page("Home", title="Which pipeline finds the right passage?") as workspace:
    loaded(workspace)
    verdict(workspace)
    next_steps()
