"""The prompt of a reranker: what it put too low, and another prompt to try."""

from html import escape

import streamlit as st

from goldsets.diagnosis import prompting
from goldsets.diagnosis import work as trying
from goldsets.diagnosis.attribute import Diagnosis
from goldsets.evaluation.words import count
from goldsets.store.trials import Scene
from pages.ui import frame
from retrieval.errors import PizzaError
from retrieval.pipeline import Pipeline
from retrieval.store import Workspace


def edit(workspace: Workspace, tuning: Diagnosis, scene: Scene, base: Pipeline) -> None:
    """Show the tuning queries whose evidence a chat model put too low; let its prompt be edited."""
    reranker, shown = prompting.chat_reranker(tuning), prompting.examples(tuning)
    if reranker is None or not shown:
        return
    st.subheader(f"The prompt of {type(reranker).__name__}", anchor=False)
    frame.quiet(
        f"It put the evidence of {count(len(shown), 'tuning query', 'tuning queries')} low."
    )
    for example in shown[:3]:
        st.html(
            f"<div class='pn-quote'><b>{escape(example.query)}</b><br>"
            f"answered by: {escape(example.evidence[:300])}<br>"
            f"put first: {escape(example.first[:300])}</div>"
        )
    key = f"prompt-{hash(reranker.prompt)}"
    draft = st.session_state.pop(f"{key}-draft", None)
    if draft:
        st.session_state[key] = draft
    edited = st.text_area("Prompt", reranker.prompt, height=260, key=key)
    with st.container(horizontal=True):
        if st.button("Try this prompt", icon=":material/play_arrow:", disabled=not edited):
            change = prompting.with_prompt(tuning, edited)
            trying.start_trials(workspace, scene, base, [change])
            st.rerun()
        if st.button(f"Let {reranker.model.label} draft one", icon=":material/edit_note:"):
            try:
                st.session_state[f"{key}-draft"] = prompting.draft(
                    reranker, shown, tuning.trail.board.rt
                )
            except PizzaError as e:
                st.error(str(e))
            else:
                st.rerun()
