"""Corpora: documents and their versions, and how a chunker would cut them."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from goldsets.evaluation.words import count
from pages.ui import charts, forms, frame, read, text, url
from retrieval.errors import InputError
from retrieval.ingest.media import kind_of
from retrieval.ingest.read import read_uploads
from retrieval.pipeline import pipeline_of
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from retrieval.types import Chunks, Corpus

FITS = 200_000
"""Tokens below which Anthropic's Contextual Retrieval (2024) advises to read all of it."""

DOLLARS = 3.0
SHOWN = 40_000
"""Characters of a document drawn at once."""


def upload(workspace: Workspace, known: list[str]) -> None:
    """Take files into a corpus."""
    with st.form("upload", border=False):
        name = st.text_input(
            "Corpus", value="", placeholder=known[0] if known else "my-docs", max_chars=80
        )
        files = st.file_uploader(
            "Files",
            accept_multiple_files=True,
            help="Markdown, HTML, PDF, Word, Excel, CSV, notebooks, mail, code, text, JSONL, zip",
        )
        encoding = st.text_input("Encoding of files that are not UTF-8", "utf-8", max_chars=20)
        if st.form_submit_button("Read them", type="primary"):
            take(workspace, (name or "").strip(), files or [], encoding or "utf-8")
    frame.quiet("A whole folder comes in with <code>pizza ingest FOLDER --corpus NAME</code>.")


def take(workspace: Workspace, name: str, files: list[UploadedFile], encoding: str) -> None:
    """Read uploaded files into a corpus, and tell what became of each."""
    if not name or not files:
        raise InputError("give the corpus a name and choose at least one file")
    held = read_uploads([(f.name, f.getvalue()) for f in files], encoding=encoding)
    if held.documents:
        written = corpora.write(workspace, name, held.documents)
        st.success(
            f"{name} v{written.number}: {len(written.added)} added, {len(written.changed)} changed"
        )
    for problem in held.problems:
        st.warning(problem)


def facts(workspace: Workspace, corpus: Corpus) -> None:
    """Show the size of a corpus, and whether it needs retrieval at all."""
    tokens = read.token_count(workspace, str(workspace.path), corpus.name, corpus.version)
    characters = sum(len(d.text) for d in corpus.documents)
    columns = st.columns(4)
    columns[0].metric("Documents", f"{len(corpus):,}", border=True)
    columns[1].metric("Characters", f"{characters:,}", border=True)
    columns[2].metric("Tokens", f"{tokens:,}", border=True, help="Counted in the o200k vocabulary")
    columns[3].metric(
        "To read it whole",
        f"${tokens / 1e6 * DOLLARS:,.2f}",
        border=True,
        help=f"For each question, at ${DOLLARS:.0f} per million input tokens; about a tenth of that"
        " where the provider's prompt cache holds the text.",
    )
    if tokens <= FITS:
        frame.quiet(
            "This fits into a prompt. Anthropic's advice below 200,000 tokens is to put all of it"
            " there and skip retrieval; retrieval then has to earn its place by cost and speed."
        )


def table(corpus: Corpus) -> str:
    """Show the documents; return the id of the chosen one."""
    rows = [
        {
            "Document": d.id,
            "Title": d.title,
            "Kind": kind_of(d.media),
            "Characters": len(d.text),
        }
        for d in corpus.documents
    ]
    start = corpus.row.get(url.get("doc"), 0)
    place = frame.table(rows, f"documents-{corpus.name}-{corpus.version}", start, 520)
    url.put("doc", corpus.documents[place].id)
    return corpus.documents[place].id


@st.cache_resource(max_entries=8, show_spinner="Cutting")
def cut(
    _workspace: Workspace, _corpus: Corpus, corpus_hash: str, label: str
) -> tuple[Chunks, np.ndarray]:
    """Cut a corpus by a chunker from the list; return chunks and their tokens."""
    option = next(o for o in forms.OFFERED["chunk"] if forms.option_label("chunk", o) == label)
    rt = Runtime(_workspace)
    index = pipeline_of({"chunk": option}).ingest(_corpus, rt)
    return index.chunks.value, index.tokens.value


def drawn(workspace: Workspace, corpus: Corpus, document: str) -> None:
    """Draw a document with the chunks that a chunker makes of it."""
    labels = {
        forms.option_label("chunk", o): forms.option_label("chunk", o)
        for o in forms.OFFERED["chunk"]
    }
    left, right = st.columns([1, 1], vertical_alignment="bottom")
    with left:
        label = url.one("Chunks by", labels, "chunker", default="ByHeading(size=200)")
    chunks, tokens = cut(workspace, corpus, corpus.hash, label)
    row = corpus.row[document]
    rows = np.flatnonzero(chunks.document == row).tolist()
    with right:
        sizes(tokens)
    body = corpus.documents[row].text
    parts = max(1, -(-len(body) // SHOWN))
    part = st.pagination(parts, key=f"part-{document}") if parts > 1 else 1
    low = (int(part) - 1) * SHOWN
    frame.quiet(
        f"{count(len(rows), 'chunk')} here, {len(chunks):,} in the corpus,"
        f" {int(tokens.mean()) if len(tokens) else 0} tokens on average."
    )
    with st.container(height=560, border=True):
        shown = text.document_with_chunks(
            corpus.documents[row], chunks, rows, low, min(low + SHOWN, len(body))
        )
        st.html(f"<div tabindex='0'>{shown}</div>")


def sizes(tokens: np.ndarray) -> None:
    """Draw how large the chunks of the corpus are."""
    figure = go.Figure(go.Histogram(x=tokens, nbinsx=40, marker={"color": charts.QUIET}))
    figure.update_layout(
        height=84, margin={"l": 0, "r": 0, "t": 0, "b": 0}, bargap=0.05, showlegend=False
    )
    figure.update_yaxes(visible=False)
    figure.update_xaxes(title=None, gridcolor=charts.GRID)
    charts.draw(figure, "sizes", "Histogram of the tokens in each chunk")


def history(workspace: Workspace, name: str) -> None:
    """List the versions of a corpus."""
    st.dataframe(
        [
            {
                "Version": v.number,
                "Documents": v.documents,
                "Characters": v.characters,
                "Made": v.created[:16].replace("T", " "),
                "Note": v.note,
            }
            for v in corpora.versions(workspace, name)
        ],
        hide_index=True,
        key="versions",
    )


with frame.page(
    "Corpora", "The documents that are searched. Reading them again makes a new version."
) as workspace:
    held = corpora.newest(workspace)
    names = [c.corpus for c in held]
    left, right = st.columns([2.4, 1], vertical_alignment="bottom")
    with (
        right,
        st.container(horizontal=True, horizontal_alignment="right"),
        st.popover("Bring documents", icon=":material/upload:"),
    ):
        upload(workspace, names)
    if not held:
        st.info(
            "There are no documents yet. Bring some with **Bring documents**, or load the sample"
            " with `pizza sample`."
        )
        st.stop()
    with left, st.container(horizontal=True):
        name = url.one("Corpus", {n: n for n in names}, "corpus", width=320)
        versions = {str(v.number): f"v{v.number}" for v in corpora.versions(workspace, name)}
        version = url.one("Version", versions, "version", width=120)
    corpus = read.corpus(workspace, name, int(version))
    facts(workspace, corpus)
    one, two = st.columns([1, 1.5], gap="large")
    with one:
        chosen = table(corpus)
        with st.expander("Versions"):
            history(workspace, name)
    with two:
        drawn(workspace, corpus, chosen)
