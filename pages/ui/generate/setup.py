"""Begin a generation: what is asked about, for whom, and which models judge and write."""

from dataclasses import replace

import streamlit as st

from goldsets.generation import labelled, work
from goldsets.generation.offline import Offline
from goldsets.generation.spec import MODELS, GenerationSpec, generation_of
from goldsets.generation.types import Generation
from goldsets.store import generations, gold
from pages.ui import forms, frame, url
from retrieval.errors import PizzaError
from retrieval.store import Workspace, corpora

EXAMPLE = "The documentation of a web framework; its users are developers who build APIs."
NAMES = {"Offline": "Offline stand-in (no key)"}
BEGUN = "generations-begun"


def choose(workspace: Workspace) -> Generation:
    """Let a generation be chosen, or begun; draw nothing further until there is one."""
    held = {str(g.id): g for g in generations.recent(workspace)}
    names = [c.corpus for c in corpora.newest(workspace)]
    if not names:
        frame.empty(
            "Queries are written for passages of documents, and there are none yet.",
            "Corpora",
            "Bring documents",
        )
    if not held:
        begin(workspace, names)
        st.stop()
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    with left:
        labels = {i: _named(g) for i, g in held.items()}
        chosen = url.one("Generation", labels, "generation")
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        turn = st.session_state.get(BEGUN, 0)  # a new key each time, so that it is off again
        another = st.toggle("Begin another", key=f"begin-another-{turn}")
    if another:
        begin(workspace, names, held[chosen])
        st.stop()
    return held[chosen]


def _named(g: Generation) -> str:
    writer = generation_of(g.spec).writer.name
    return f"{g.id} · {g.goldset} · {frame.when(g.created)} · {writer}"


def begin(workspace: Workspace, names: list[str], like: Generation | None = None) -> None:
    """Ask for what a generation needs, and draw its passages."""
    _, middle, _ = st.columns([1, 4, 1])
    with middle, st.container(border=True, key="pn-begin"):
        st.markdown("**What should be asked, and by whom?**")
        one, two = st.columns(2)
        corpus = one.selectbox("Corpus", names, key="begin-corpus")
        own = next((s.name for s in gold.summaries(workspace) if s.corpus == corpus), corpus)
        goldset = two.text_input(
            "Gold set",
            like.goldset if like else own,
            help="Its real queries show the style, and later how far the synthetic ones can be"
            " trusted; what is written is added under an origin of its own.",
        )
        application = st.text_area(
            "What are the documents searched for, and by whom?",
            like.spec["application"] if like else "",
            placeholder=EXAMPLE,
            height=90,
        )
        spec = GenerationSpec(application or " ", Offline(), Offline()) if application else None
        left, right = st.columns(2)
        with left:
            judge = forms.one_stage("Judge", MODELS, Offline(), "begin-judge", NAMES)
        with right:
            writer = forms.one_stage("Writer", MODELS, Offline(), "begin-writer", NAMES)
        sample = st.number_input("Passages to draw", 1, 20_000, 200, step=50)
        if st.button("Draw passages", type="primary", disabled=spec is None) and spec:
            try:
                chosen = replace(spec, judge=judge, writer=writer, sample=int(sample))
                started(workspace, chosen, corpus, (goldset or "").strip())
            except PizzaError as e:
                st.error(str(e), icon=":material/error:")


def started(workspace: Workspace, spec: GenerationSpec, corpus: str, goldset: str) -> None:
    """Enter a generation, draw its passages and go to them."""
    with st.spinner("Cutting the passages"):
        begun = work.begin(workspace, spec, corpus, goldset)
        labelled.draw(workspace, begun.id)
    url.put("generation", str(begun.id))
    url.put("view", "passages")
    st.session_state[BEGUN] = st.session_state.get(BEGUN, 0) + 1
    st.rerun()
