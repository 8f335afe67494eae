"""Playground: type a query and see each stage's list."""

import time

import streamlit as st

from goldsets.evaluation.spec import variant_name
from goldsets.store import runs
from pages.ui import frame, hits, read, url
from retrieval.index import Index
from retrieval.pipeline import Pipeline, pipeline_of
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from retrieval.types import Candidates, Corpus, Queries

SHOWN = 10


def pipelines(workspace: Workspace, corpus: str) -> dict[str, tuple[str, Pipeline]]:
    """Collect the pipelines of past sweeps over the corpus, the best of the newest first."""
    found: dict[str, tuple[str, Pipeline]] = {}
    for result in runs.sweeps(workspace):
        if result["corpus"]["name"] == corpus:
            measure = result["measures"][0]
            rows = sorted(result["variants"], key=lambda v: -(v["measures"][measure]["mean"] or 0))
            for row in rows:
                found.setdefault(row["run"], (row["name"], pipeline_of(row["spec"])))
    default = Pipeline()
    return found or {"default": (variant_name(default, ["chunk", "first"]), default)}


@st.cache_resource(max_entries=4, show_spinner="Preparing the index")
def index_of(
    _workspace: Workspace, path: str, _corpus: Corpus, _pipeline: Pipeline, key: str
) -> tuple[Index, Runtime]:
    """Make or load a pipeline's index of a corpus version."""
    rt = Runtime(_workspace)
    index = _pipeline.ingest(_corpus, rt)
    _pipeline.search(index, Queries(("warm up",)), rt, passing=True).value  # noqa: B018 - loads models
    return index, rt


def stages(
    pipeline: Pipeline, index: Index, query: str, rt: Runtime
) -> list[tuple[str, Candidates]]:
    """Run a query; return each stage's list with its name."""
    asked = Queries((query,))
    given = rt.given(asked, asked.hash, "queries", passing=True)
    searched = pipeline.filtered(index, rt)
    lists = [
        (type(s).__name__, s.search(searched, given, pipeline.pool, rt).value)
        for s in pipeline.first
    ]
    final = pipeline.search(index, asked, rt, passing=True).value
    if len(lists) > 1:
        lists.append((f"Fused by {type(pipeline.fuse).__name__}", final))
    return lists


def show(index: Index, corpus: Corpus, lists: list[tuple[str, Candidates]]) -> None:
    """Show the lists side by side."""
    chunks, tokens = index.chunks.value, index.tokens.value
    for column, (name, found) in zip(st.columns(len(lists)), lists, strict=True):
        ids = [int(i) for i in found.ids[0] if i >= 0]
        with column:
            st.markdown(f"**{name}**")
            total = sum(int(tokens[i]) for i in ids[:SHOWN])
            st.caption(
                f"{len(ids)} candidates; the first {min(SHOWN, len(ids))} hold {total:,} tokens"
            )
            cards = [
                hits.card(corpus, chunks, i, rank, [], f"{found.scores[0, rank - 1]:.3f}")
                for rank, i in enumerate(ids[:SHOWN], 1)
            ]
            st.html("".join(cards) or "<p class='pn-quiet'>Nothing was found.</p>")


with frame.page("Playground", "One query through one pipeline, stage by stage.") as workspace:
    held = corpora.newest(workspace)
    if not held:
        frame.empty("There is no corpus to search yet.", "Corpora", "Bring documents")
    top = st.columns([1, 2.4])
    with top[0]:
        name = url.one("Corpus", {c.corpus: c.corpus for c in held}, "corpus")
    offered = pipelines(workspace, name)
    with top[1]:
        labels = {run: label for run, (label, _) in offered.items()}
        chosen = offered[url.one("Pipeline", labels, "pipeline")][1]
    query = url.text("Query", "q", placeholder="what runs if I return inside finally")
    if query.strip():
        corpus = read.corpus(workspace, name)
        index, rt = index_of(
            workspace, str(workspace.path), corpus, chosen, f"{corpus.hash}{chosen!r}"
        )
        begun = time.perf_counter()
        lists = stages(chosen, index, query, rt)
        st.caption(
            f"{(time.perf_counter() - begun) * 1000:.0f} ms over {len(index.chunks.value):,} chunks"
        )
        show(index, corpus, lists)
