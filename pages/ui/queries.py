"""The queries of an evening: typed, pasted, from a log; and how far each is."""

import streamlit as st

from goldsets.labelling import evening as nights
from goldsets.labelling.evening import QueryState
from goldsets.labelling.types import Evening, Member
from retrieval.store import Workspace


def show(workspace: Workspace, evening: Evening, member: Member) -> None:
    """Show the queries, and offer to add some."""
    st.dataframe([row(q) for q in nights.night(workspace, evening).queries], hide_index=True)


def row(state: QueryState) -> dict[str, object]:
    """Describe a query for the table."""
    return {"Query": state.query.text, "Passages": state.items, "Decided": state.decided}
