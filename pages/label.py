"""Label: a query, a passage, a key."""

import streamlit as st

from goldsets.labelling.types import Evening, Member
from goldsets.store import evenings
from pages.ui import frame, people, words
from pages.ui.label import desk
from retrieval.store import Workspace


def sit_down(workspace: Workspace, evening: Evening, member: Member, language: str) -> None:
    """Put the rater before their queue, the guidelines beside it."""
    settings = evening.settings
    shown = words.meanings(settings.grades, language)
    token = evenings.token(workspace, member)
    if not settings.guidelines.strip():
        desk(token, shown, settings.answers_from, language)
        return
    left, right = st.columns([3.2, 1], gap="medium")
    with left:
        desk(token, shown, settings.answers_from, language)
    with right, st.container(height=620, border=True):
        st.markdown(f"**{words.table(language)['guidelines']}**")
        st.markdown(settings.guidelines)


with frame.page("Label", title="") as workspace:
    language = words.current()
    evening = people.choose_evening(workspace, language)
    member = people.the_member(workspace, evening, language)
    sit_down(workspace, evening, member, language)
