"""What would help: suggestions, what came of trying them, and the loop that tries by itself."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

import plotly.graph_objects as go
import streamlit as st
import yaml

from goldsets import jobs
from goldsets.diagnosis import work as trying
from goldsets.diagnosis.attribute import Diagnosis
from goldsets.diagnosis.improve import MINUTES
from goldsets.diagnosis.suggest import Suggestion
from goldsets.diagnosis.verify import Badge, detectable, tuning_half
from goldsets.evaluation.run import Run
from goldsets.evaluation.spec import sweep_of
from goldsets.evaluation.words import count, duration, points
from goldsets.launch import start_sweep
from goldsets.store import trials
from goldsets.store.trials import Scene
from pages.ui import charts, frame, prompt, read, work
from pages.ui.text import plain
from retrieval.pipeline import Pipeline, full_spec, pipeline_of, short_spec
from retrieval.store import Workspace

ICONS = {
    Badge.VERIFIED: ":material/verified:",
    Badge.CANNOT_TELL: ":material/help:",
    Badge.REJECTED: ":material/block:",
    Badge.WORSE: ":material/trending_down:",
}


def show(workspace: Workspace, found: Diagnosis, run: Run) -> None:
    """List the suggestions, each with a button that tries it or with what came of it."""
    board, base = found.trail.board, found.trail.pipeline
    scene = trying.scene_of(board, str(found.trail.measure))
    tuning, suggestions = read.of_tuning(board, found, run.id)
    _split(workspace, found)
    if not suggestions:
        frame.quiet("The tuning half lost nothing that a change could bring back.")
        return
    rows = trying.with_trials(workspace, scene, base, suggestions)
    left = [s for s, r in zip(suggestions, rows, strict=True) if s.pipeline and not r["trial"]]
    free = [s for s in left if s.free]
    job = _latest(workspace, "try", scene, base)
    waiting = job is not None and job.state != "done" and not job.over
    if left and st.button(
        _try_label(left, free), type="primary", icon=":material/play_arrow:", disabled=waiting
    ):
        _try(workspace, found, free or left)
    if job is not None:
        work.progress(workspace, job.id, "changes")
    every = enumerate(zip(suggestions, rows, strict=True))
    for why, group in groupby(every, key=lambda each: each[1][0].why):
        with st.container(border=True, gap="xsmall"):
            frame.quiet(escape(why))
            for n, (suggestion, row) in group:
                with st.container(key=f"cure-{n}"):
                    _one(workspace, found, suggestion, row, n, waiting)
    for trial in trying.other_trials(workspace, scene, base, suggestions):
        with st.container(border=True):
            st.html(f"<div class='pn-cure'><b>{escape(trial['title'])}</b></div>")
            result(trial)
    prompt.edit(workspace, tuning, scene, base)


def _try_label(left: Sequence[Suggestion], free: Sequence[Suggestion]) -> str:
    if 0 < len(free) < len(left):
        return f"Try what asks no vendor ({len(free)})"
    return f"Try {'all' if len(left) > 1 else 'it'} ({len(left)})"


def _try(workspace: Workspace, found: Diagnosis, changes: Sequence[Suggestion]) -> None:
    """Start trials; what asks a vendor shows what it takes first."""
    if all(s.free for s in changes):
        _start(workspace, found, changes)
    else:
        _ask_first(workspace, found, changes)


def _start(workspace: Workspace, found: Diagnosis, changes: Sequence[Suggestion]) -> None:
    scene = trying.scene_of(found.trail.board, str(found.trail.measure))
    trying.start_trials(workspace, scene, found.trail.pipeline, changes)
    st.rerun()


@st.dialog("This asks a vendor", width="medium")
def _ask_first(workspace: Workspace, found: Diagnosis, changes: Sequence[Suggestion]) -> None:
    """Show what trying takes at most, before it is begun."""
    with st.spinner("Counting calls, tokens and money"):
        lines = trying.trial_plan(found.trail.board, found.trail.pipeline, changes)
    st.markdown("\n".join(f"- {plain(line)}" for line in lines))
    frame.quiet(
        "At most: held-out queries are asked only where a change helps on the tuning half. No call"
        " is made that would pass a budget."
    )
    if st.button("Try it", type="primary", icon=":material/play_arrow:", key="pay-and-try"):
        _start(workspace, found, changes)


def _split(workspace: Workspace, found: Diagnosis) -> None:
    """Say how the queries are divided, what the held-out half can tell, and how worn it is."""
    board = found.trail.board
    tuning = tuning_half(board.gold)
    held_out = int((~tuning).sum())
    able = detectable(held_out)
    told = (
        f" A true gain of {points(able)} points or more is verified in 4 of 5 cases."
        if able
        else " That is too few to verify anything: add queries."
    )
    frame.quiet(
        f"Found in what {count(int(tuning.sum()), 'tuning query', 'tuning queries')} lost. A change"
        f" runs on these and, if it helps, once on the {held_out} held-out ones.{told}"
        f" {escape(trying.wear(workspace, board))}"
    )


def _one(
    workspace: Workspace,
    found: Diagnosis,
    suggestion: Suggestion,
    row: Mapping[str, Any],
    n: int,
    waiting: bool,
) -> None:
    words, button = st.columns([4, 1.1], vertical_alignment="center")
    trial = row["trial"]
    with words:
        st.html(f"<div class='pn-cure'><b>{escape(suggestion.title)}</b></div>")
        if trial:
            result(trial)
    with button:
        if suggestion.pipeline is None:
            _by_hand(suggestion)
        elif not trial:
            label = "Try it" if suggestion.free else "Try it…"
            if st.button(label, key=f"try-{n}", disabled=waiting, width="stretch"):
                _try(workspace, found, [suggestion])
        else:
            as_variant(workspace, found, suggestion.pipeline, suggestion.title, f"variant-{n}")
    if trial:
        _queries(found, trial, n)


def result(trial: Mapping[str, Any]) -> None:
    """Show what came of a change: its badge and its sentence."""
    badge = Badge(trial["badge"])
    css = "pn-accent" if badge is Badge.VERIFIED else ""
    says = str(trial["says"]).removeprefix(f"{badge}: ")
    st.badge(badge, icon=ICONS[badge], color="orange" if css else "gray")
    st.html(f"<p class='pn-lead {css}'>{escape(says)}</p>")


def _by_hand(suggestion: Suggestion) -> None:
    page = next((p for p in ("Corpora", "Gold set") if p in suggestion.title), "Pizza night")
    path, icon = frame.PAGES[page]
    st.page_link(path, label=page, icon=icon)


def _queries(found: Diagnosis, trial: Mapping[str, Any], n: int) -> None:
    """Name the queries that a change fixed and broke."""
    texts = {q.id: q.text for q in found.trail.board.gold.queries}
    said = f"{len(trial['fixes'])} better, {len(trial['breaks'])} worse"
    if trial["fixes"] or trial["breaks"]:
        with st.expander(said, key=f"queries-{n}"):
            better, worse = st.columns(2)
            for column, name, ids in (
                (better, "Better", trial["fixes"]),
                (worse, "Worse", trial["breaks"]),
            ):
                with column:
                    st.markdown(f"**{name}**")
                    st.html(_listed(texts[i] for i in ids if i in texts))


def _listed(texts: Any) -> str:
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<ul class='pn-quiet'>{items}</ul>" if items else "<p class='pn-quiet'>None.</p>"


def as_variant(
    workspace: Workspace, found: Diagnosis, changed: Pipeline, title: str, key: str
) -> None:
    """Offer to run a changed pipeline beside the one it came from, as a sweep of its own."""
    if st.button("Make it a variant", key=key, icon=":material/add:", width="stretch"):
        board = found.trail.board
        spec = {
            "variants": {
                trying.AS_IT_WAS: full_spec(found.trail.pipeline),
                title: full_spec(changed),
            },
            "measures": [str(found.trail.measure), "nDCG@10", "EvidenceRecall@4000tok"],
            "baseline": trying.AS_IT_WAS,
        }
        job = start_sweep(workspace, sweep_of(spec), board.gold.name, board.corpus.version)
        st.session_state["start-designing"] = False
        st.switch_page(
            "pages/sweep.py", query_params={"goldset": board.gold.name, "sweep": str(job.id)}
        )


def loop(workspace: Workspace, found: Diagnosis) -> None:
    """Let the app improve the pipeline step by step; show the way and what it came to."""
    board, base = found.trail.board, found.trail.pipeline
    scene = trying.scene_of(board, str(found.trail.measure))
    _split(workspace, found)
    job = _latest(workspace, "improve", scene, base)
    if job is None:
        st.markdown(
            "Each step looks at what the tuning half lost, races every change that could help on"
            " these queries, and takes the best. What comes out is compared with the pipeline as it"
            f" was, once, on the held-out half. It looks for at most {MINUTES:.0f} minutes and asks"
            " no vendor."
        )
        if st.button("Improve it", type="primary", icon=":material/autorenew:"):
            trying.start_loop(workspace, scene, base)
            st.rerun()
        return
    work.progress(workspace, job.id, "loop")
    came = trials.loop(workspace, job.id)
    if came is not None:
        _way(workspace, found, came)


def _way(workspace: Workspace, found: Diagnosis, came: Mapping[str, Any]) -> None:
    if not came["steps"]:
        st.info("Nothing that was tried helps on the tuning half.")
    else:
        result(came["trial"])
        left, right = st.columns([1.4, 1], gap="large")
        with left:
            charts.draw(steps(came["steps"]), "steps", "What each step gained on the tuning half")
            frame.quiet(
                "Gains on the tuning half, on which each change was chosen: they flatter. What"
                " counts is the held-out figure above."
            )
        with right:
            st.markdown("**The pipeline it came to**")
            best = pipeline_of(came["best"])
            st.code(yaml.safe_dump(short_spec(best), sort_keys=False, allow_unicode=True), "yaml")
            as_variant(workspace, found, best, "improved", "variant-best")
    texts = {q.id: q.text for q in found.trail.board.gold.queries}
    unfixed = [texts[i] for i in came["unfixed"] if i in texts]
    if unfixed:
        with st.expander(f"Answered whole by nothing that was tried: {len(unfixed)}"):
            st.html(_listed(unfixed))
    if came["errors"]:
        with st.expander(f"Not tried: {len(came['errors'])}"):
            st.html(_listed(came["errors"]))


def steps(taken: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Draw what each step gained on the tuning half, one on top of the other."""
    names = [f"{n}. {s['title']}" for n, s in enumerate(taken, 1)]
    gains = [100 * (s["gain"]["mean"] or 0.0) for s in taken]
    notes = [f"raced against {s['raced'] - 1} others, {duration(s['seconds'])}" for s in taken]
    figure = go.Figure(
        go.Waterfall(
            y=names[::-1],
            x=gains[::-1],
            orientation="h",
            base=0,
            customdata=notes[::-1],
            text=[f"+{g:.1f}" for g in gains[::-1]],
            hovertemplate="%{customdata}<extra>%{y}</extra>",
            increasing={"marker": {"color": charts.ACCENT}},
            decreasing={"marker": {"color": charts.QUIET}},
            connector={"line": {"color": charts.GRID}},
        )
    )
    figure.update_xaxes(title="points gained on the tuning half", gridcolor=charts.GRID)
    figure.update_yaxes(automargin=True)
    return charts.styled(figure, height=90 + 34 * max(len(names), 2))


def _latest(workspace: Workspace, kind: str, scene: Scene, base: Pipeline) -> jobs.Job | None:
    wanted = {"scene": vars(scene), "base": full_spec(base)}
    every = jobs.recent(workspace, kind, 50)
    return next((j for j in every if {k: j.spec[k] for k in wanted} == wanted), None)
