"""The frame of every page: its title, the way through the work, the job under way."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from goldsets import jobs, sample
from goldsets.evaluation.spec import sweep_of
from goldsets.labelling.access import Viewer
from goldsets.launch import start_sweep
from goldsets.store import open_workspace
from pages.ui import gate, sign_in
from retrieval.errors import Forbidden, PizzaError
from retrieval.store import Workspace, corpora

PAGES = {
    "Home": ("app.py", ":material/local_pizza:"),
    "Corpora": ("pages/corpora.py", ":material/library_books:"),
    "Pizza night": ("pages/pizza_night.py", ":material/group:"),
    "Label": ("pages/label.py", ":material/keyboard:"),
    "Gold set": ("pages/gold.py", ":material/ink_highlighter:"),
    "Generate": ("pages/generate.py", ":material/auto_awesome:"),
    "Providers": ("pages/providers.py", ":material/key:"),
    "Sweep": ("pages/sweep.py", ":material/tune:"),
    "Compare": ("pages/compare.py", ":material/compare_arrows:"),
    "Error analysis": ("pages/diagnose.py", ":material/troubleshoot:"),
    "Playground": ("pages/playground.py", ":material/science:"),
    "Dashboard": ("pages/dashboard.py", ":material/monitoring:"),
    "Cost": ("pages/cost.py", ":material/payments:"),
}
FOR_RATERS = ("Pizza night", "Label")
STYLE = Path(__file__).with_name("style.css")


@contextmanager
def page(name: str, about: str = "", *, title: str | None = None) -> Iterator[Workspace]:
    """Draw the frame of a page and hand out the workspace; an error becomes one sentence.

    The title is the name unless another is given; "" is none.
    """
    st.set_page_config(page_title=f"{name} · Pizza Night", page_icon="🍕", layout="wide")
    st.html(STYLE)
    try:
        viewer = the_viewer()
        with st.sidebar:
            st.markdown("### :material/local_pizza: Pizza Night")
            for label, (path, icon) in PAGES.items():
                if may_see(viewer, label):
                    st.page_link(path, label=label, icon=icon, width="stretch")
            if gate.by_sign_in():
                sign_in.out(viewer)
        if not may_see(viewer, name):
            if name == "Home":
                st.switch_page(PAGES[FOR_RATERS[0]][0])
            raise Forbidden(f"{name} is the host's; yours are {' and '.join(FOR_RATERS)}")
        if title != "":
            st.title(title or name, anchor=False)
        if about:
            st.html(f"<p class='pn-about'>{about}</p>")
        workspace = the_workspace()
        with st.sidebar:
            _under_way(workspace)
        yield workspace
    except PizzaError as e:
        st.error(str(e), icon=":material/error:")


def the_viewer() -> Viewer:
    """Return who looks at the page; where people sign in, draw nothing further until they have.

    Raises:
        Forbidden: the server is shared, and nobody has said its passphrase here.
    """
    viewer = gate.viewer(st.context.headers.get("Cookie", ""), st.user.to_dict)
    if viewer is None and gate.by_sign_in():
        sign_in.ask()
    if viewer is None:
        raise Forbidden("say the passphrase first: reload the page")
    return viewer


def may_see(viewer: Viewer, name: str) -> bool:
    """Tell whether a page is for whoever looks at it."""
    return name in FOR_RATERS or viewer.role == "host"


@st.cache_resource(show_spinner="Opening the workspace")
def the_workspace() -> Workspace:
    """Open the workspace; an empty one gets the sample, and its sweep is started.

    PIZZA_NO_SAMPLE=1 leaves it empty.
    """
    workspace = open_workspace()
    if not corpora.newest(workspace) and os.environ.get("PIZZA_NO_SAMPLE") != "1":
        sample.load(workspace)
        start_sweep(workspace, sweep_of(sample.SWEEP), sample.NAME)
    return workspace


@st.fragment(run_every=2.0)
def _under_way(workspace: Workspace) -> None:
    """Show the jobs that are at work, wherever one is."""
    for job in jobs.at_work(workspace)[:2]:
        share = job.units_done / max(job.units, 1)
        if job.kind == "sweep":
            text = f"Sweep: {job.units_done} of {job.units} pipelines"
        elif job.kind == "try":
            text = f"Trials: {job.units_done} of {job.units} changes"
        elif job.kind == "improve":
            share, text = job.done / max(job.total, 1), f"Improving: {job.step}"
        elif job.kind == "generate":
            share, text = job.done / max(job.total, 1), f"Generating: {job.step}"
        elif job.kind == "judge":
            text = f"Judging passages: {job.units_done} of {job.units} criteria"
        else:
            share, text = job.done / max(job.total, 1), f"Gathering passages to read: {job.step}"
        st.progress(min(share, 1.0), text=text)


def when(moment: str) -> str:
    """Write a stored time to the minute."""
    return f"{moment[:16].replace('T', ' ')} UTC"


def table(
    rows: Sequence[Mapping[str, Any]],
    key: str,
    start: int = 0,
    height: int = 300,
    widths: Mapping[str, int] | None = None,
) -> int:
    """Show rows of which one is always chosen; return its position."""
    picked = st.dataframe(
        rows,
        hide_index=True,
        height=min(35 * (len(rows) + 1) + 3, height),
        on_select="rerun",
        selection_mode="single-row-required",
        selection_default={"selection": {"rows": [start]}},
        key=key,
        column_config={c: st.column_config.Column(width=w) for c, w in (widths or {}).items()},
    )
    chosen = picked.selection.rows
    return int(chosen[0]) if chosen and chosen[0] < len(rows) else start


def quiet(html: str) -> None:
    """Write small print; the caller has escaped it."""
    st.html(f"<p class='pn-quiet'>{html}</p>")


def facts(lines: Iterable[str]) -> None:
    """List facts in small print, each a sentence."""
    items = "".join(f"<li>{escape(line[:1].upper() + line[1:])}</li>" for line in lines)
    st.html(f"<ul class='pn-quiet pn-facts'>{items}</ul>")


def empty(sentence: str, page_name: str, label: str) -> None:
    """Say what is missing and link to where it is made; draw nothing further."""
    missing(sentence, page_name, label)
    st.stop()


def missing(sentence: str, page_name: str, label: str) -> None:
    """Say what is missing and link to where it is made."""
    with st.container(border=True, key="pn-empty"):
        st.markdown(sentence)
        path, icon = PAGES[page_name]
        st.page_link(path, label=label, icon=icon)
