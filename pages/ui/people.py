"""Who is here: the evening in the URL, and the member that takes part in it."""

from dataclasses import replace

import streamlit as st

from goldsets.labelling.types import Evening, Member
from goldsets.store import evenings
from pages.ui import frame, url, words
from retrieval.store import Workspace

RATER = "rater"
"""Where a tab's session keeps the name it was last used under."""


def choose_evening(workspace: Workspace, language: str) -> Evening:
    """Offer the evenings beside the language; draw nothing further where there is none."""
    held = evenings.every(workspace)
    if not held:
        words.choose()
        frame.empty(
            words.table(language)["no_evening"], "Pizza night", words.table(language)["night"]
        )
    names = {e.name: e.name for e in held}
    left, right = st.columns([1, 2], vertical_alignment="center")
    with left:
        name = url.one(
            words.table(language)["evening"], names, "evening", label_visibility="collapsed"
        )
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        words.choose()
    return evenings.named(workspace, name)


def the_member(workspace: Workspace, evening: Evening, language: str) -> Member:
    """Return who takes part, after asking for a name; draw nothing further until there is one.

    On this machine alone the name in the URL is trusted, so that a reload finds the same person,
    and the one last used in this tab, so that another page does; on a shared server it is the
    cookie or the sign-in that tells who somebody is, and whether they are a host today.
    """
    viewer = frame.the_viewer()
    known = {m.name: m for m in evenings.members(workspace, evening)}
    name = url.get("rater") or str(st.session_state.get(RATER, ""))
    member = evenings.of_identity(workspace, evening, viewer.identity)
    if member is None and not viewer.identity:
        member = known.get(name)
        st.session_state[RATER] = name
        url.put("rater", name)
    if member is not None:
        known_as = viewer.role if viewer.identity and member.role != "onlooker" else member.role
        return replace(member, role=known_as)
    said = words.table(language)
    with st.form("join", border=True, width=460):
        proposed = (viewer.name or name)[: evenings.MAX_NAME]
        name = st.text_input(said["your_name"], proposed, max_chars=evenings.MAX_NAME)
        frame.quiet(said["join_hint"])
        if st.form_submit_button(said["join"], type="primary"):
            role = viewer.role if viewer.identity else "rater"
            again = not viewer.identity
            member = evenings.join(
                workspace, evening, name or "", role, identity=viewer.identity, again=again
            )
            url.put("rater", member.name)
            st.rerun()
    return st.stop()
