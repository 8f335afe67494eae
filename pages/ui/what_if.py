"""What if: one query, any field of any stage changed, and its trail at once."""

import dataclasses
from html import escape
from typing import Any

import numpy as np
import streamlit as st

from goldsets.diagnosis.attribute import Diagnosis, diagnose
from goldsets.diagnosis.flow import stations
from goldsets.diagnosis.trail import Trail
from goldsets.evaluation.run import Run
from pages.ui import cures, forms, frame, hits, losses, url
from pages.ui.text import evidence_marks
from retrieval.errors import PizzaError
from retrieval.pipeline import LISTS, OPTIONAL, Pipeline
from retrieval.store import Workspace

SHOWN = 5


def show(workspace: Workspace, found: Diagnosis, run: Run) -> None:
    """Let a query and changes be chosen; show its evidence's way before and after."""
    gold = found.trail.board.gold
    failed = [gold.queries[q] for q in found.failed]
    rest = [q for q in gold.queries if q.id not in {f.id for f in failed}]
    names = {q.id: ("· " if q in failed else "") + q.text for q in (*failed, *rest)}
    chosen = url.one("Query", names, "query", help="Those that lost evidence come first (·).")
    row = next(i for i, q in enumerate(gold.queries) if q.id == chosen)
    left, right = st.columns([1, 2.1], gap="large")
    with left:
        changed = bench(found.trail.pipeline, run.id)
        if changed.effective() != found.trail.pipeline.effective():
            cures.as_variant(workspace, found, changed, "what if", "variant-what-if")
    with right:
        try:
            _before_and_after(found, row, changed)
        except PizzaError as e:
            st.error(str(e))


def bench(base: Pipeline, key: str) -> Pipeline:
    """Draw the fields of one slot at a time; changes to other slots are remembered."""
    name = f"what-if-{key}"
    held: dict[str, Any] = st.session_state.setdefault(name, {})
    slots = [f.name for f in dataclasses.fields(base)]
    slot = st.selectbox(
        "Change", slots, index=slots.index("first"), key=f"{name}-slot", help="A slot at a time."
    )
    value = getattr(base, slot)
    try:
        held[slot] = _slot(slot, value, f"{name}-{slot}")
        changed = dataclasses.replace(base, **held)
    except (PizzaError, ValueError) as e:
        st.error(str(e))
        return base
    others = [s for s in held if s != slot and held[s] != getattr(base, s)]
    if others:
        frame.quiet(escape(f"Also changed: {', '.join(others)}."))
    if held and st.button("As it was", icon=":material/undo:", key=f"{name}-reset"):
        for entry in [k for k in st.session_state if str(k).startswith(name)]:
            del st.session_state[entry]
        st.rerun()
    return changed


def _slot(slot: str, value: Any, key: str) -> Any:
    if slot == "pool":
        return int(st.number_input("pool", 1, 10_000, value, key=key))
    if slot in LISTS:
        return forms.stages(slot, value, key)
    return forms.stage(slot, value, key, empty=slot in OPTIONAL)


def _before_and_after(found: Diagnosis, row: int, changed: Pipeline) -> None:
    before = found.trail.only(np.array([row]))
    after = found.trail.only(np.array([row]), changed)
    same = changed.effective() == found.trail.pipeline.effective()
    for title, trail in (("As it is", before), ("What if", after))[: 1 if same else 2]:
        _trail(title, trail)
    if same:
        frame.quiet("Change a field on the left: the way of the evidence follows at once.")
    _first(after)


def _trail(title: str, trail: Trail) -> None:
    """Show the way of each piece of evidence that is there to find, under a title."""
    causes = {loss.row: loss.cause for loss in diagnose(trail).losses if loss.row >= 0}
    arrived = sum(bool(trail.found[i]) for i in np.flatnonzero(trail.relevant))
    number = int(trail.relevant.sum())
    st.markdown(f"**{title}**  {arrived} of {number} in the first {trail.k}")
    for i in np.flatnonzero(trail.relevant).tolist()[:6]:
        st.html(losses.way(stations(trail, i, causes.get(i))))


def _first(trail: Trail) -> None:
    chunks, corpus = trail.steps.index.chunks.value, trail.board.corpus
    ids = [int(c) for c in trail.steps.context.value.ids[0][:SHOWN] if c >= 0]
    cards = [
        hits.card(
            corpus, chunks, c, n, evidence_marks(trail.board.anchored, 0, int(chunks.document[c]))
        )
        for n, c in enumerate(ids, 1)
    ]
    st.html("".join(cards) or "<p class='pn-quiet'>Nothing was found.</p>")
