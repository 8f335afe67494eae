"""Passages: people say of each, by a key, whether it is worth a query."""

from html import escape

import streamlit as st

from goldsets.evaluation.words import count
from goldsets.generation import labelled
from goldsets.generation.hostile import addressed
from goldsets.generation.types import Generation, Passage, Sampled
from goldsets.store import generations
from pages.ui import frame, url
from pages.ui.text import plain
from retrieval.store import Workspace

HOST = "host"


def who() -> str:
    """Return under whose name labels and reviews are kept."""
    return frame.the_viewer().name or HOST


@st.fragment
def view(workspace: Workspace, generation: Generation) -> None:
    """Show one passage after the other, with the two answers."""
    sampled = labelled.draw(workspace, generation.id)[: labelled.MOST]
    mine = {
        x.passage: bool(x.worth)
        for x in generations.labels(workspace, generation.id)
        if x.who == who()
    }
    ids = [s.id for s in sampled]
    key = f"passage-{generation.id}"
    place = min(int(st.session_state.get(key, _next(ids, mine, -1))), len(ids) - 1)
    here = sampled[place]
    left, right = st.columns([2.6, 1], gap="large")
    with left:
        _progress(len(mine), len(sampled))
        _keys(workspace, generation, ids, mine, place)
        st.html(card(here, mine.get(here.id)))
        warn(here.passage)
    with right:
        _aside(workspace, generation, mine)


def _next(ids: list[int], mine: dict[int, bool], after: int) -> int:
    """Return the place of the next passage without a label, else of the one that follows."""
    open_ = [i for i, id_ in enumerate(ids) if id_ not in mine]
    later = [i for i in open_ if i > after]
    return (later or open_ or [min(after + 1, len(ids) - 1)])[0]


def _progress(done: int, sampled: int) -> None:
    wanted = labelled.LEAST if done < labelled.LEAST else sampled
    share = 100 * min(done / max(wanted, 1), 1)
    enough = "to begin with" if wanted == labelled.LEAST else "drawn; the more, the surer"
    st.html(
        f"<div class='pn-progress'><span>{done:,} of {wanted:,} {enough}</span>"
        f"<div><i style='width:{share:.1f}%'></i></div></div>"
    )


def _keys(
    workspace: Workspace, generation: Generation, ids: list[int], mine: dict[int, bool], place: int
) -> None:
    key = f"passage-{generation.id}"

    def label(worth: bool) -> None:
        generations.label(workspace, ids[place], worth, who())
        st.session_state[f"{key}-last"] = place
        st.session_state[key] = _next(ids, {**mine, ids[place]: worth}, place)

    def undo() -> None:
        last = st.session_state.pop(f"{key}-last")
        generations.label(workspace, ids[last], None, who())
        st.session_state[key] = last

    def go(to: int) -> None:
        st.session_state[key] = to

    with st.container(horizontal=True, key="pn-keys"):
        st.button(
            "Worth a query", shortcut="Y", type="primary", on_click=label, args=(True,), key="yes"
        )
        st.button("Not worth one", shortcut="N", on_click=label, args=(False,), key="no")
        known = f"{key}-last" in st.session_state
        st.button("Undo", shortcut="U", on_click=undo, disabled=not known, key="undo-label")
        st.button("Previous", shortcut="Left", on_click=go, args=(place - 1,), disabled=not place)
        last = place + 1 >= len(ids)
        st.button("Next", shortcut="Right", on_click=go, args=(place + 1,), disabled=last)


def card(sampled: Sampled, worth: bool | None = None) -> str:
    """Draw a passage with its place and, if there is one, its label."""
    p = sampled.passage
    said = {None: escape(p.block), True: "worth a query", False: "not worth a query"}[worth]
    mono = " mono" if p.block in ("code", "table") else ""
    return (
        f"<div class='pn-change'><div class='head'><span>{escape(p.place)}</span>"
        f"<span>{said}</span></div>"
        f"<div class='body pn-passage{mono}' tabindex='0'>{escape(p.text)}</div></div>"
    )


def warn(passage: Passage) -> None:
    """Say where a passage seems to instruct a model."""
    found = addressed(passage.text)
    if found:
        quoted = "; ".join(f"“{plain(piece)}”" for piece in found)
        st.warning(
            f"It speaks to the model: {quoted}. Passages stand in prompts as data; look at what was"
            " made of this one.",
            icon=":material/shield:",
        )


def _aside(workspace: Workspace, generation: Generation, mine: dict[int, bool]) -> None:
    st.markdown("**Would a user ask for this?**")
    frame.facts(map(str, generation.spec["criteria"].values()))
    yes = sum(mine.values())
    people = {x.who for x in generations.labels(workspace, generation.id)} - {who()}
    others = (
        f"; {count(len(people), 'other person', 'other people')} labelled too" if people else ""
    )
    frame.quiet(f"{yes:,} worth a query, {len(mine) - yes:,} not{others}.")
    if len(mine) < labelled.LEAST:
        frame.quiet(
            f"From {labelled.LEAST} on a judge can be compared with you. They are drawn from all"
            " documents and kinds of block."
        )
        return
    if st.button("Compare the judge with you", icon=":material/gavel:", key="to-judge"):
        url.put("view", "judge")
        st.rerun(scope="app")
