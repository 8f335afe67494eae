"""The queries of an evening: typed, pasted, from a log; and how far each is."""

from collections.abc import Mapping
from dataclasses import replace
from html import escape

import streamlit as st

from goldsets import jobs
from goldsets.evaluation.words import count
from goldsets.labelling import evening as nights
from goldsets.labelling.evening import QueryState
from goldsets.labelling.intake import Proposal, as_queries, logged, pasted, proposed
from goldsets.labelling.types import Evening, Member
from goldsets.store import evenings, gold, runs
from goldsets.types import Query
from pages.ui import frame, read
from pages.ui.text import plain
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora

HEADS, TAIL = 15, 10

EACH = 25
"""Passages that a query brings, once what overlaps is one; for plans (docs/pizza-night.md)."""


def show(workspace: Workspace, evening: Evening, member: Member, t: Mapping[str, str]) -> None:
    """Show the queries, and offer to add some."""
    with st.container(horizontal=True):
        with st.popover(t["paste"], icon=":material/add:"):
            paste(workspace, evening, member, t)
        with st.popover(t["from_runs"], icon=":material/tune:"):
            from_runs(workspace, evening, t)
        with st.popover(t["from_log"], icon=":material/upload_file:"):
            from_log(workspace, evening, member)
    night = nights.night(workspace, evening)
    states = night.queries
    if night.unread and not jobs.at_work(workspace):
        gather(workspace, evening, night.unread, t)
    if not states:
        st.info(t["no_query"])
        return
    place = frame.table(
        [row(q, t) for q in states],
        key=f"queries-{evening.name}-{len(states)}",
        height=560,
        widths={t["v_queries"]: 520},
    )
    details(workspace, evening, member, states[place], t)


def from_runs(workspace: Workspace, evening: Evening, t: Mapping[str, str]) -> None:
    """Offer to pool what a sweep's pipelines and imported runs found, besides the usual ones."""
    swept = runs.sweeps(workspace, evening.goldset)
    found = {v["run"]: v["name"] for v in swept[0]["variants"]} if swept else {}
    corpus, _, _ = gold.marker(workspace, evening.goldset)
    found |= runs.imports(workspace, evening.goldset, corpora.versions(workspace, corpus)[0].number)
    if not found:
        st.markdown(t["no_runs"])
        return
    chosen = st.multiselect(t["pipelines"], list(found), format_func=lambda r: found[r])
    if st.button(t["pool_runs"], type="primary", disabled=not chosen):
        queries = [q.query.id for q in nights.night(workspace, evening).queries if not q.no_answer]
        nights.pool(workspace, evening, queries, chosen)
        st.rerun()


def gather(workspace: Workspace, evening: Evening, unread: list[str], t: Mapping[str, str]) -> None:
    """Offer to pool passages for queries that have none."""
    some = unread[: nights.AT_ONCE]
    if st.button(t["gather"].format(n=len(some), all=len(unread)), icon=":material/menu_book:"):
        nights.pool(workspace, evening, some)
        st.rerun()
    frame.quiet(t["gather_means"].format(n=f"{EACH * len(some):,}"))


def row(state: QueryState, t: Mapping[str, str]) -> dict[str, object]:
    """Describe a query for the table."""
    q = state.query
    return {
        t["v_queries"]: q.text,
        t["q_read"]: t["q_of"].format(done=state.decided, all=state.items),
        t["q_state"]: t[said(state)],
        "Needs": q.needs,
        "Tags": ", ".join(q.tags),
        "Origin": q.origin,
    }


def said(state: QueryState) -> str:
    """Name the sentence that says how far a query is."""
    if state.no_answer:
        return "s_contradiction" if state.answered else "s_no_answer"
    if not state.done:
        return "s_open" if state.items else "s_waiting"
    return "s_answered" if state.answered else "s_none"


def details(
    workspace: Workspace,
    evening: Evening,
    member: Member,
    state: QueryState,
    t: Mapping[str, str],
) -> None:
    """Offer what can be done to the chosen query."""
    if member.role == "onlooker":
        return
    token = evenings.token(workspace, member)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(state.query.text)}**")
        label = t["has_answer" if state.no_answer else "no_answer"]
        if st.button(label, type="tertiary", icon=":material/block:"):
            nights.say_no_answer(workspace, token, state.query.id, not state.no_answer)
            st.rerun()
        other = "any" if state.query.needs == "all" else "all"
        if st.button(t["needs_other"].format(other=other), type="tertiary"):
            gold.put_query(
                workspace, evening.goldset, replace(state.query, needs=other), member.name
            )
            st.rerun()
        if st.button(t["take_out"], type="tertiary", icon=":material/delete:"):
            gold.delete_query(workspace, evening.goldset, state.query.id, member.name)
            st.rerun()


def paste(workspace: Workspace, evening: Evening, member: Member, t: Mapping[str, str]) -> None:
    """Take typed or pasted queries."""
    with st.form("paste", border=False, clear_on_submit=True):
        text = st.text_area(t["one_a_line"], height=220, placeholder="how do I reset my password")
        if st.form_submit_button(t["add"], type="primary"):
            held = read.gold(workspace, evening.goldset)
            taken = gold.known_ids(workspace, evening.goldset)
            intake = pasted(text or "", held, taken=taken)
            added(workspace, evening, member, list(intake.queries), list(intake.notes()))


def added(
    workspace: Workspace, evening: Evening, member: Member, queries: list[Query], notes: list[str]
) -> None:
    """Add queries; say what was not added and why."""
    nights.ask(workspace, evening, queries, member)
    message = " · ".join([f"{count(len(queries), 'query', 'queries')} added", *notes[:4]])
    st.toast(plain(message), icon=":material/check:" if queries else ":material/info:")
    if queries and not notes:
        st.rerun()


def from_log(workspace: Workspace, evening: Evening, member: Member) -> None:
    """Propose queries of a log: the most frequent, and some of the others by chance."""
    file = st.file_uploader("CSV or JSONL, with counts if it has them", ["csv", "tsv", "jsonl"])
    if file is None:
        return
    one, two = st.columns(2)
    heads = int(one.number_input("Most frequent", 0, 200, HEADS))
    tail = int(two.number_input("Of the others, by chance", 0, 200, TAIL))
    held = gold.marker(workspace, evening.goldset)
    rows, lines = proposals(
        workspace, evening.goldset, held, file.getvalue(), file.name, heads, tail
    )
    frame.quiet(" · ".join(map(escape, lines)))
    table = [
        {"Add": not p.held, "Query": p.text, "Asked": p.count, "Share": p.share, "Kind": p.kind}
        for p in rows
    ]
    chosen = st.data_editor(
        table,
        hide_index=True,
        height=320,
        disabled=["Query", "Asked", "Share", "Kind"],
        column_config={"Share": st.column_config.NumberColumn(format="percent")},
        key=f"log-{file.file_id}-{heads}-{tail}",
    )
    picked = [p for p, r in zip(rows, chosen, strict=True) if r["Add"]]
    if st.button(f"Add {len(picked)}", type="primary", disabled=not picked):
        taken = gold.known_ids(workspace, evening.goldset)
        added(workspace, evening, member, as_queries(picked, taken), [])


@st.cache_data(max_entries=4, show_spinner="Grouping what asks the same")
def proposals(
    _workspace: Workspace,
    goldset: str,
    marker: tuple[str, int, int],
    log: bytes,
    name: str,
    heads: int,
    tail: int,
) -> tuple[list[Proposal], list[str]]:
    """Read a log and group it; kept until the file or the numbers change."""
    parsed = logged(log, name)
    held = gold.read(_workspace, goldset)
    rows = proposed(parsed, held, heads=heads, tail=tail, seed=0, rt=Runtime(_workspace))
    return rows, list(parsed.lines())
