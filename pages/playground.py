"""Playground: type a query and see each stage's list."""

import time
from dataclasses import replace
from html import escape

import streamlit as st

from goldsets.evaluation.spec import stage_label, variant_name
from goldsets.evaluation.words import count
from goldsets.outside.source import source_of
from goldsets.store import runs
from pages.ui import frame, hits, read, url
from retrieval.index import Index
from retrieval.ingest.tokens import count_tokens
from retrieval.pipeline import Pipeline, Steps
from retrieval.query.assemble import Assembled, Assembler, Context
from retrieval.query.passages import Reason
from retrieval.query.rewrite import Rewriter
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from retrieval.types import Candidates, Corpus, Queries

SHOWN = 10
VIEWS = {
    "stages": ":material/account_tree: Stage by stage",
    "text": ":material/article: What the reader gets",
}
LEFT_OUT = {
    Reason.BEYOND: "behind k",
    Reason.DUPLICATE: "said before",
    Reason.DOCUMENT: "enough of it",
    Reason.NO_ROOM: "no room",
}
"""Why a candidate is not in the context, as shortly as a card takes it."""


def pipelines(workspace: Workspace, corpus: str) -> dict[str, tuple[str, Pipeline]]:
    """Collect the pipelines of past sweeps over the corpus, the best of the newest first.

    Retrievers from outside have no stages to look at.
    """
    found: dict[str, tuple[str, Pipeline]] = {}
    for result in runs.sweeps(workspace):
        if result["corpus"]["name"] == corpus:
            measure = result["measures"][0]
            rows = sorted(result["variants"], key=lambda v: -(v["measures"][measure]["mean"] or 0))
            for row in rows:
                source = source_of(row["spec"])
                if isinstance(source, Pipeline):
                    found.setdefault(row["run"], (row["name"], source))
    default = Pipeline()
    return found or {"default": (variant_name(default, ["chunk", "first"]), default)}


@st.cache_resource(max_entries=4, show_spinner="Preparing the index")
def index_of(
    _workspace: Workspace, path: str, _corpus: Corpus, _pipeline: Pipeline, key: str
) -> tuple[Index, Runtime]:
    """Make or load a pipeline's index of a corpus version; chat models are not asked for it."""
    rt = Runtime(_workspace)
    index = _pipeline.ingest(_corpus, rt)
    quick = replace(_pipeline, rewrite=None, rerank=None)
    quick.search(index, Queries(("warm up",)), rt, passing=True).value  # noqa: B018 - loads models
    return index, rt


def lists_of(pipeline: Pipeline, steps: Steps) -> list[tuple[str, Candidates]]:
    """Return each first stage's list with its name, and what became of them."""
    named = zip(pipeline.first, steps.found, strict=True)
    lists = [(type(stage).__name__, found.value) for stage, found in named]
    if pipeline.rerank:
        lists.append((f"Reranked by {stage_label(pipeline.rerank)}", steps.reranked.value))
    elif len(lists) > 1:
        lists.append((f"Fused by {type(pipeline.fuse).__name__}", steps.pool.value))
    return lists


def searched_for(rewrite: Rewriter | None, steps: Steps) -> None:
    """Show what the query was rewritten to."""
    if rewrite and steps.rewritten:
        texts = "".join(f"<li>{escape(text)}</li>" for text in steps.rewritten.value.texts[0])
        name = escape(stage_label(rewrite))
        st.html(f"<div class='pn-quiet'>Rewritten by {name}:<ul>{texts}</ul></div>")


def show(
    index: Index, corpus: Corpus, lists: list[tuple[str, Candidates]], said: dict[int, str]
) -> None:
    """Show the lists side by side; the last with what is said of chunks left out of the context."""
    chunks, tokens = index.chunks.value, index.tokens.value
    for column, (name, found) in zip(st.columns(len(lists)), lists, strict=True):
        ids = [int(i) for i in found.ids[0] if i >= 0]
        of = said if found is lists[-1][1] else {}
        with column:
            st.markdown(f"**{name}**")
            total = sum(int(tokens[i]) for i in ids[:SHOWN])
            frame.quiet(
                f"{len(ids)} candidates; the first {min(SHOWN, len(ids))} hold {total:,} tokens"
            )
            scores = found.scores[0].tolist()
            cards = [
                hits.card(corpus, chunks, i, n + 1, [], of.get(i) or f"{scores[n]:.3f}")
                for n, i in enumerate(ids[:SHOWN])
            ]
            st.html("".join(cards) or "<p class='pn-quiet'>Nothing was found.</p>")


def left_out(steps: Steps) -> dict[int, str]:
    """Say of each candidate that a `Context` left out why."""
    found = steps.context.value
    if not isinstance(found, Assembled):
        return {}
    pairs = zip(found.seen[0].tolist(), found.reason[0].tolist(), strict=True)
    return {c: LEFT_OUT[Reason(why)] for c, why in pairs if why > Reason.KEPT}


def read_as(stage: Assembler, steps: Steps) -> None:
    """Show what the reader gets as text, where the pipeline writes it."""
    found = steps.context.value
    if not (isinstance(stage, Context) and isinstance(found, Assembled)):
        st.info(
            "This pipeline writes no text. One that assembles a `Context` does: instructions, then"
            " the passages by a template, under a cap of tokens."
        )
        return
    (text,) = stage.texts(steps.index, found)
    held = count(int(found.passage[0].max()) + 1, "passage")
    tokens = count_tokens(text, stage.vocabulary)
    cap = f" of at most {stage.max_tokens:,}" if stage.max_tokens else ""
    frame.quiet(f"{held}, {tokens:,} tokens{cap} ({stage.vocabulary})")
    st.code(text or " ", language=None, wrap_lines=True)


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
        steps = chosen.steps(index, Queries((query,)), rt, passing=True)
        lists = lists_of(chosen, steps)
        frame.quiet(
            f"{(time.perf_counter() - begun) * 1000:.0f} ms over {len(index.chunks.value):,} chunks"
        )
        searched_for(chosen.rewrite, steps)
        if url.row("View", VIEWS, "view", label_visibility="collapsed") == "stages":
            show(index, corpus, lists, left_out(steps))
        else:
            read_as(chosen.assemble, steps)
