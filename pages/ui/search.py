"""Find a passage in a corpus by words, to mark evidence that no pipeline returned."""

import streamlit as st

from pages.ui import frame, url
from retrieval.index import Index
from retrieval.pipeline import Pipeline, pipeline_of
from retrieval.runtime import Runtime
from retrieval.store import Workspace
from retrieval.types import Corpus, Queries

SHOWN = 6
FINDER = {
    "chunk": {"ByHeading": {"size": 200}},
    "contextualize": "Headings",
    "first": [{"BM25": {"tokenize": "HangulBigrams"}}],
}


@st.cache_resource(max_entries=4, show_spinner="Indexing the corpus")
def finder(
    _workspace: Workspace, path: str, _corpus: Corpus, key: str
) -> tuple[Pipeline, Index, Runtime]:
    """Make a lexical index of a corpus version."""
    pipeline, rt = pipeline_of(FINDER), Runtime(_workspace)
    return pipeline, pipeline.ingest(_corpus, rt), rt


def passages(workspace: Workspace, corpus: Corpus, placeholder: str) -> None:
    """Offer a search box; a click on a passage opens its document there."""
    with st.expander("Find a passage", icon=":material/search:"):
        asked = st.text_input(
            "Words", placeholder=placeholder, key="find", label_visibility="collapsed"
        )
        if not (asked or "").strip():
            return
        pipeline, index, rt = finder(workspace, str(workspace.path), corpus, corpus.hash)
        found = pipeline.search(index, Queries((asked or "",)), rt, passing=True).value
        chunks = index.chunks.value
        for i in [int(i) for i in found.ids[0, :SHOWN] if i >= 0]:
            document = corpus.documents[int(chunks.document[i])]
            words = " ".join(chunks.text(corpus, i).split())[:110]
            if st.button(f"{chunks.context(i)}: {words}", key=f"found-{i}", type="tertiary"):
                url.put("doc", document.id)
                url.put("at", str(int(chunks.start[i])))
                st.rerun()
        if not (found.ids[0] >= 0).any():
            frame.quiet("No passage shares a word with that.")
