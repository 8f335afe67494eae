"""Write: what is written for whom, what it would take, and the worker at it."""

from dataclasses import replace
from typing import Any, get_args

import streamlit as st

from goldsets import jobs
from goldsets.generation import work as generating
from goldsets.generation.plan import Plan
from goldsets.generation.spec import (
    KINDS,
    MODELS,
    Contrast,
    GenerationSpec,
    generation_of,
)
from goldsets.generation.types import Generation
from goldsets.store import drafts, gold
from pages.ui import forms, frame, url, work
from pages.ui.generate.setup import NAMES
from pages.ui.text import plain
from retrieval.errors import PizzaError
from retrieval.store import Workspace

ASKED = {
    "keywords": "a few words in a search box",
    "question": "a whole question",
    "symptom": "what goes wrong: it hangs when …",
    "identifier": "an exact name with what is wanted of it",
    "comparison": "the difference between two things",
    "multi_hop": "takes two passages of different documents",
    "unanswerable": "has no answer in the corpus",
}
CONTRAST = {
    "plain": "passage and style",
    "naive": "passage alone",
    "distinct": "a real query too",
}


def view(workspace: Workspace, generation: Generation) -> None:
    """Let the writing be specified; show the plan, start, and how far it is."""
    job = _job(workspace, generation.id)
    if job and not job.over:
        work.progress(workspace, job.id, "steps")
        return
    if job and job.state != "done":
        work.progress(workspace, job.id, "steps")
    elif job:
        _outcome(workspace, generation)
    left, right = st.columns([2.2, 1], gap="large")
    with left:
        spec = _form(generation)
    with right, st.container(border=True, key="pn-plan"):
        st.markdown("**Plan**")
        if spec:
            _start(workspace, generation, spec, again=bool(job))


def _job(workspace: Workspace, generation: int) -> jobs.Job | None:
    every = jobs.recent(workspace, generating.KIND, 50)
    return next((j for j in every if j.spec["generation"] == generation), None)


def _outcome(workspace: Workspace, generation: Generation) -> None:
    """Say what came of it, and lead on."""
    if not drafts.of(workspace, generation.id):
        return
    lines = "; ".join(generating.outcome(workspace, generation.id))
    left, right = st.columns([5, 1], vertical_alignment="center")
    left.success(plain(f"{lines}."), icon=":material/check:")
    if right.button("Review them", icon=":material/checklist:", key="to-review"):
        url.put("view", "review")
        st.rerun()


def _form(generation: Generation) -> GenerationSpec | None:
    """Return the spec with what the form says, None while that cannot be."""
    now, key = generation_of(generation.spec), f"write-{generation.id}"
    try:
        application = st.text_area(
            "What are the documents searched for, and by whom?",
            now.application,
            key=f"{key}-application",
            height=76,
        )
        kinds = _kinds(now, key)
        left, right = st.columns(2, gap="medium")
        with left:
            examples = _lines("Queries that show the style, a line each", now.examples, key)
        with right:
            personas = _lines("Who asks, a line each", now.personas, key)
        spec = replace(
            now,
            application=application or "",
            kinds=kinds,
            examples=examples,
            personas=personas,
            **_numbers(now, key),
            **_models(now, key),
            languages=_languages(now, key),
        )
    except (PizzaError, ValueError) as e:
        st.error(str(e), icon=":material/error:")
        return None
    return now if spec == now else spec  # 1 is 1.0, and the same generation


def _numbers(now: GenerationSpec, key: str) -> dict[str, Any]:
    """Let it be said what the writer sees, and how many passages are drawn."""
    one, two, three = st.columns(3, gap="medium")
    options = list(get_args(Contrast))
    contrast = one.selectbox(
        "The writer sees",
        options,
        options.index(now.contrast),
        format_func=lambda c: CONTRAST[c],
        key=f"{key}-contrast",
        help="Passage, application and examples; the passage alone (naive); or besides them a real"
        " query, to write another one (distinct).",
    )
    real = two.number_input("Real queries shown", 0, 50, now.real_examples, key=f"{key}-real")
    sample = three.number_input("Passages", 1, 20_000, now.sample, step=50, key=f"{key}-sample")
    return {"contrast": contrast, "real_examples": int(real), "sample": int(sample)}


def _kinds(now: GenerationSpec, key: str) -> dict[str, float]:
    """Let the kinds be weighed."""
    rows = [
        {"Weight": float(now.kinds.get(kind, 0)), "Kind": kind.replace("_", "-"), "": ASKED[kind]}
        for kind in KINDS
    ]
    edited = st.data_editor(
        rows,
        hide_index=True,
        disabled=["Kind", ""],
        key=f"{key}-kinds",
        column_config={
            "Weight": st.column_config.NumberColumn(min_value=0, max_value=100, width="small"),
            "Kind": st.column_config.Column(width="small"),
        },
    )
    return {
        kind: float(row["Weight"] or 0)
        for kind, row in zip(KINDS, edited, strict=True)
        if row["Weight"]
    }


def _lines(label: str, held: tuple[str, ...], key: str) -> tuple[str, ...]:
    written = st.text_area(label, "\n".join(held), key=f"{key}-{label}", height=96) or ""
    return tuple(line.strip() for line in written.splitlines() if line.strip())


def _models(now: GenerationSpec, key: str) -> dict[str, Any]:
    with st.expander(f"Judged by {now.judge.name}, written by {now.writer.name}"):
        left, right = st.columns(2, gap="medium")
        with left:
            judge = forms.one_stage("Judge", MODELS, now.judge, f"{key}-judge", NAMES)
        with right:
            writer = forms.one_stage("Writer", MODELS, now.writer, f"{key}-writer", NAMES)
    return {"judge": judge, "writer": writer}


def _languages(now: GenerationSpec, key: str) -> dict[str, float]:
    held = ", ".join(f"{name} {weight:g}" for name, weight in now.languages.items())
    written = st.text_input(
        "Languages and their weights",
        held,
        key=f"{key}-languages",
        help="`passage` is that of the passage, `en` or `ko` another: `passage 3, ko 1`.",
    )
    pairs = [part.rsplit(None, 1) for part in (written or "").split(",") if part.strip()]
    return {p[0].strip(): float(p[1]) if len(p) > 1 else 1.0 for p in pairs}


def _start(
    workspace: Workspace, generation: Generation, spec: GenerationSpec, *, again: bool
) -> None:
    """Say what it would take; start it."""
    try:
        plan = _plan(workspace, spec, generation)
    except PizzaError as e:
        st.error(str(e), icon=":material/error:")
        return
    one, two = st.columns(2)
    one.metric("Passages", f"{plan.passages:,}")
    two.metric("Calls at most", f"{plan.calls:,}")
    frame.facts(f"{line}." for line in plan.lines())
    same = spec == generation_of(generation.spec)
    word = "Write again" if again and same else "Write queries"
    if again and not same:
        frame.quiet("What you changed makes another generation; this one stays.")
    if st.button(word, type="primary", icon=":material/play_arrow:", width="stretch"):
        job = generating.start(workspace, spec, generation.corpus, generation.goldset)
        url.put("generation", str(job.spec["generation"]))
        st.rerun()


def _plan(workspace: Workspace, spec: GenerationSpec, generation: Generation) -> Plan:
    marker = str(gold.marker(workspace, generation.goldset))
    key = (repr(spec), generation.corpus, generation.goldset, marker)
    held = st.session_state.get("generation-plan")
    if not held or held[0] != key:
        with st.spinner("Counting what it takes"):
            plan = generating.plan_of(workspace, spec, generation.corpus, generation.goldset)
        st.session_state["generation-plan"] = held = (key, plan)
    found: Plan = held[1]
    return found
