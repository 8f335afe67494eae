"""Sweep: pick options per slot, see what it would do, run it, read the leaderboard."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from goldsets import jobs
from goldsets.evaluation.spec import SweepSpec
from goldsets.evaluation.words import (
    count,
    duration,
    headline,
    interval,
    main_measure,
    mended,
    mixture,
    no_answer,
    points,
    ranked,
    verdict,
)
from goldsets.launch import embedding_plan, lacking, plan_of, resume_plan, start_sweep, to_ask
from goldsets.reporting.tints import leading, of_sweep
from goldsets.store import gold, runs
from pages.ui import charts, forms, frame, outside, report, url, work
from pages.ui.text import plain
from retrieval.errors import PizzaError
from retrieval.store import Workspace


def design(workspace: Workspace, goldset: str) -> None:
    """Let options be picked per slot; show the plan; start."""
    left, right = st.columns([3, 1.15], gap="large")
    with left:
        spec = forms.sweep_form(lambda: outside.variants(workspace, goldset))
    with right, st.container(border=True, key="pn-plan"):
        st.markdown("**Plan**")
        if spec is not None:
            try:
                plan_and_start(workspace, spec, goldset)
            except PizzaError as e:
                st.error(str(e))


def plan_and_start(workspace: Workspace, spec: SweepSpec, goldset: str) -> None:
    """Show what a sweep would make, and a button that starts it."""
    plan = plan_of(workspace, spec, goldset)
    st.metric("Pipelines", plan.variants)
    frame.quiet(
        f"{count(plan.stages, 'distinct stage')}: {plan.kept} kept from before,"
        f" {plan.to_make} to make."
    )
    for line in embedding_plan(plan):
        frame.quiet(f"{escape(line)}.")
    for line in to_ask(plan):
        frame.quiet(f"{escape(line)}.")
    for line in lacking(plan):
        st.warning(plain(line), icon=":material/key_off:")
    if st.button("Start sweep", type="primary", icon=":material/play_arrow:", width="stretch"):
        job = start_sweep(workspace, spec, goldset)
        url.put("sweep", str(job.id))
        st.session_state["start-designing"] = False
        st.rerun()


def still_to_pay(workspace: Workspace, job: jobs.Job) -> None:
    """Say what going on would take, before it is begun."""
    if not job.over or job.state == "done":
        return
    with st.spinner("Counting what is kept"):
        lines = list(resume_plan(workspace, job))
    frame.quiet("To go on: " + escape("; ".join(lines) or "nothing is embedded or paid") + ".")


def leaderboard(workspace: Workspace, job_id: int) -> None:
    """Show a finished sweep: the sentence, the plots, the table."""
    result = runs.sweep(workspace, job_id)
    if result is None:
        return
    for unit, error in result["errors"].items():
        st.warning(f"{unit}: {error}")
    if not result["variants"]:
        return
    names = {m: m for m in result["measures"]}
    measure = url.row(
        "Measure", names, "measure", main_measure(result), label_visibility="collapsed"
    )
    sentence = headline(result, measure)
    st.html(f"<p class='pn-verdict'>{escape(sentence)}</p>")
    rows, baseline = ranked(result["variants"], measure), result["baseline"]
    tinted = of_sweep(result)
    colours = leading(tinted)
    left, right = st.columns([1.5, 1], gap="large")
    with left:
        board = charts.leaderboard(rows, measure, baseline, colours)
        charts.draw(board, "board", sentence)
    with right:
        k = charts.tokens_cutoff(measure, rows)
        st.markdown("**What a point costs in tokens**")
        spent = [
            charts.Spent(
                r["name"], r["tokens_at"][str(k)], r["measures"][measure]["mean"], colours[r["run"]]
            )
            for r in rows
        ]
        figure = charts.frontier(spent, measure, f"tokens in the first {k} chunks, mean")
        charts.draw(figure, "tokens", f"{measure} against the tokens of the first {k} chunks")
    table(result, measure)
    without_answer(rows)
    for line in mended(rows):
        frame.quiet(escape(line))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            "pages/compare.py",
            label="See which queries differ",
            icon=":material/compare_arrows:",
            query_params={"sweep": str(job_id), "measure": measure},
        )
        others = sorted(result["variants"], key=lambda row: row["name"] != baseline)
        first = [measure, *(m for m in names if m != measure)]
        report.offer(workspace, [row["run"] for row in others], first, f"sweep-{job_id}", tinted)
    fine_print(result)


def table(result: Mapping[str, Any], measure: str) -> None:
    """Show every measure of every variant, and the verdict on the chosen one."""
    shown = [
        {
            "Pipeline": row["name"],
            f"{measure} against the baseline": "baseline"
            if row["name"] == result["baseline"]
            else verdict(row["differences"][measure]),
            **{m: interval(row["measures"][m]) for m in row["measures"]},
            "Time to make": duration(sum(row["seconds"].values())),
        }
        for row in ranked(result["variants"], measure)
    ]
    st.dataframe(shown, hide_index=True, key="table")


def without_answer(rows: Sequence[Mapping[str, Any]]) -> None:
    """Say what the leader makes of queries without an answer, and show it of all if asked."""
    told = {row["name"]: row["no_answer"] for row in rows if row.get("no_answer")}
    if not told:
        return
    leader = next(iter(told))
    frame.quiet(escape(no_answer(leader, told[leader])))
    with st.expander("Queries without an answer, by every pipeline"):
        shown = [
            {
                "Pipeline": name,
                "Returned": points(t["returned"]),
                "As sure as a typical answer": points(t["confident"]),
                "Told apart by its score": interval({**t, "mean": t["auc"]}),
                "Answered": f"{t['found']:,}",
            }
            for name, t in told.items()
        ]
        st.dataframe(shown, hide_index=True, key="no-answer")


def fine_print(result: Mapping[str, Any]) -> None:
    """Say what the numbers rest on."""
    about, stages = result["goldset"], result["stages"]
    if told := mixture(about.get("origins", {})):
        st.info(told)
    if about["gone"]:
        named = ", ".join(about["gone"][:8])
        st.warning(
            f"{count(len(about['gone']), 'piece')} of evidence not found in the corpus: {named}"
        )
    if about.get("edited"):
        named = ", ".join(about["edited"][:8])
        st.warning(
            f"{count(len(about['edited']), 'piece')} of evidence edited since, counted as not found"
            f" until confirmed in the gold set: {named}"
        )
    outside.said(result["variants"])
    undefined = min(
        max(e["undefined"] for e in row["measures"].values()) for row in result["variants"]
    )
    unanswered = f", without {undefined} that the corpus does not answer" if undefined else ""
    frame.quiet(
        escape(
            "Points of a hundred; intervals at 95 % by the paired bootstrap over"
            f" {count(about['queries'] - undefined, 'query', 'queries')}{unanswered};"
            " better or worse where a randomisation test agrees, by Holm"
            f" over all that are compared. Corpus {result['corpus']['name']}"
            f" v{result['corpus']['version']}, gold version {about['version']}."
            f" {stages['computed']} stages computed, {stages['reused']} reused,"
            f" {duration(result['seconds'])}."
        )
    )


def past(workspace: Workspace, goldset: str) -> str:
    """Let a sweep of the gold set be chosen; return its job's id, or nothing."""
    every = [j for j in jobs.recent(workspace, "sweep", 50) if j.spec["goldset"] == goldset]
    labels = {
        str(j.id): f"{frame.when(j.created)} · {count(j.units, 'pipeline')} · {j.state}"
        for j in every
    }
    return url.one("Sweep", labels, "sweep") if labels else ""


with frame.page(
    "Sweep", "Many pipelines on one gold set; every stage that two of them share is made once."
) as workspace:
    sets = {s.name: s.name for s in gold.summaries(workspace)}
    if not sets:
        frame.empty(
            "A sweep needs a gold set: queries, and the evidence that answers them.",
            "Gold set",
            "Make a gold set",
        )
    top = st.columns([1, 1.6, 1.4], vertical_alignment="bottom")
    with top[0]:
        chosen = url.one("Gold set", sets, "goldset")
    with top[1]:
        job = past(workspace, chosen)
    with top[2]:
        if "start-designing" in st.session_state:
            st.session_state["designing"] = st.session_state.pop("start-designing")
        with st.container(horizontal=True, vertical_alignment="center"):
            designing = st.toggle("Design a new sweep", key="designing") if job else True
            with st.popover("Bring a run", icon=":material/upload_file:"):
                outside.bring(workspace, chosen)
    if designing:
        design(workspace, chosen)
    else:
        still_to_pay(workspace, jobs.get(workspace, int(job)))
        work.progress(workspace, int(job), "pipelines")
        leaderboard(workspace, int(job))
