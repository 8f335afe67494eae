"""Retrieval from outside: bring a run, name a retriever behind a URL, say how hits were found."""

import tempfile
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from goldsets.outside.bring import LONGEST_NAME, bring_run, scores
from goldsets.outside.probe import lines, probe, queries_of
from goldsets.outside.words import placed
from goldsets.store import gold, runs
from pages.ui import frame, read
from pages.ui.text import plain
from retrieval.errors import InputError, PizzaError
from retrieval.providers.own import MOST_HITS, Server
from retrieval.store import Workspace, corpora

FORMATS = {
    "trec": "TREC: query Q0 document rank score tag",
    "jsonl": "JSON lines: a query a line, with its hits",
}
PROBED = 10
"""Queries that a test from the page asks."""


def bring(workspace: Workspace, goldset: str) -> None:
    """Take a run's file, and tell how its hits were found."""
    with st.form("bring-run", border=False):
        name = st.text_input("Name", placeholder="solr", max_chars=LONGEST_NAME)
        file = st.file_uploader("Run")
        format_ = st.selectbox("Format", list(FORMATS), format_func=FORMATS.__getitem__)
        table = st.file_uploader(
            "Where its chunks stand",
            help="For a TREC run that names chunks: JSON lines with id and document, start, end,"
            " or text. Without it a name is a document's id, or id:start-end.",
        )
        if st.form_submit_button("Bring it in", type="primary"):
            try:
                st.session_state["brought"] = _take(workspace, goldset, name, file, format_, table)
            except PizzaError as e:
                st.session_state["brought"] = []
                st.error(plain(str(e)))
    for line in st.session_state.get("brought", ()):
        frame.quiet(escape(line))


def _take(
    workspace: Workspace,
    goldset: str,
    name: str | None,
    file: UploadedFile | None,
    format_: str,
    table: UploadedFile | None,
) -> list[str]:
    if not (name or "").strip() or file is None:
        raise InputError("give the run a name and choose its file")
    with tempfile.TemporaryDirectory() as folder, st.spinner("Finding what was returned"):
        path = Path(folder) / "run"
        path.write_bytes(file.getvalue())
        options = {}
        if table is not None:
            (path.parent / "chunks").write_bytes(table.getvalue())
            options["chunks"] = "chunks"
        run, told = bring_run(
            workspace, format_, path, goldset, name.strip(), options=options, file=file.name
        )
        return [*told, *scores(workspace, run)]


def variants(workspace: Workspace, goldset: str) -> dict[str, Any]:
    """Let imported runs and a retriever behind a URL be put beside the pipelines, as a spec."""
    corpus, _, _ = gold.marker(workspace, goldset)
    version = corpora.versions(workspace, corpus)[0].number
    names = sorted(runs.imports(workspace, goldset, version).values())
    with st.expander("Beside them, retrieval from outside", icon=":material/public:"):
        chosen = st.multiselect(
            "Runs that were imported",
            names,
            key="imported",
            placeholder="Choose runs" if names else "None yet: bring one above",
            disabled=not names,
        )
        spec = {name: {"run": {"name": name}} for name in chosen}
        return spec | _server(workspace, goldset)


def _server(workspace: Workspace, goldset: str) -> dict[str, Any]:
    """Take the address of a retriever, and offer to test it."""
    url = st.text_input(
        "Your own retriever",
        placeholder="http://localhost:8000/search",
        key="own-url",
        help="It answers POST {query, k} with {hits}: see docs/own-retriever.md.",
    )
    columns = st.columns([1, 0.6, 1, 1])
    name = columns[0].text_input("Its name", "ours", key="own-name") or "ours"
    k = columns[1].number_input("Hits", 1, MOST_HITS, 100, key="own-k")
    token = columns[2].text_input("Variable with its token", key="own-token") or ""
    version = columns[3].text_input(
        "Version",
        key="own-version",
        help="Its answers are kept under this name; without one every sweep asks anew.",
    )
    if not (url or "").strip():
        return {}
    address = (url or "").strip()
    if st.button("Test it", icon=":material/network_check:"):
        _test(workspace, goldset, Server(address, token), int(k))
    fields = {"url": address, "k": int(k), "token_env": token, "version": version or ""}
    return {name: {"http": fields}}


def _test(workspace: Workspace, goldset: str, server: Server, k: int) -> None:
    held = read.gold(workspace, goldset)
    corpus = read.corpus(workspace, held.corpus)
    try:
        with st.spinner(f"Asking {server.url}"):
            found = probe(server, queries_of(held, corpus, PROBED), k, corpus)
    except PizzaError as e:
        st.error(plain(str(e)))
        return
    st.code("\n".join(lines(found)), language=None, wrap_lines=True)


def said(rows: Sequence[Mapping[str, Any]]) -> None:
    """Say of each retriever from outside how its hits were found in the corpus."""
    for row in rows:
        if row.get("placed"):
            facts = ". ".join(fact[:1].upper() + fact[1:] for fact in placed(row["placed"]))
            frame.quiet(f"<b>{escape(row['name'])}</b>, from outside: {escape(facts)}.")
