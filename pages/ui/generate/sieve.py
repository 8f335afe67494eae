"""What the filters dropped, what earlier runs left, and where the filters cut."""

from html import escape

import streamlit as st

from goldsets.evaluation.words import count
from goldsets.generation import review
from goldsets.generation.filters import NAMES, sieved
from goldsets.generation.review import Table
from goldsets.generation.spec import Thresholds, thresholds_of
from goldsets.store import drafts
from pages.ui import frame
from pages.ui.generate.passages import who
from retrieval.store import Workspace


def funnel(t: Table) -> None:
    """Draw what each filter dropped, and what is left."""
    counts, held = t.sieved.counts, t.counts
    number = len(t.drafts)
    rows = [("written", number), *((n, -counts[n]) for n in NAMES if counts[n])]
    left = held["unreviewed"] + held["reviewed"]
    rows.append(("in the gold set", left))
    bars = "".join(
        f"<div class='pn-held'>{escape(name)}<span style='float:right'>{_signed(n)}</span>"
        f"<div><i style='width:{100 * abs(n) / number:.1f}%'></i></div></div>"
        for name, n in rows
    )
    st.html(bars)
    frame.quiet(
        f"{count(held['reviewed'], 'query', 'queries')} reviewed, {held['unreviewed']:,} not;"
        f" written by {escape(t.spec.writer.name)}. Reports keep the two apart for ever."
    )


def left_over(workspace: Workspace, t: Table) -> None:
    """Say what earlier runs left unreviewed; let it be dropped at once."""
    found = drafts.left(workspace, t.generation)
    if not found:
        return
    runs = count(len(set(found)), "earlier run")
    with st.container(border=True, key="pn-left"):
        frame.quiet(
            f"{count(len(found), 'query', 'queries')} of {runs} stand in the gold set too,"
            " unreviewed: review them under their own run, or drop them. What this run wrote alike"
            " then takes their place."
        )
        if st.button(f"Drop these {len(found):,}", icon=":material/delete_sweep:", key="drop-left"):
            review.drop_left(workspace, t.generation.id, who())
            st.rerun()


def _signed(n: int) -> str:
    return f"−{-n:,}" if n < 0 else f"{n:,}"


def dial(workspace: Workspace, t: Table) -> None:
    """Let the thresholds be moved; say at once how many would be left."""
    now = thresholds_of(t.generation.thresholds)
    with st.expander("Where the filters cut", icon=":material/tune:"):
        moved = Thresholds(
            st.slider("Words in a row of the passage, from", 2, 15, min(now.run, 15)),
            st.slider("Share of rare words of the passage, above", 0.0, 1.0, now.rare, 0.05),
            st.slider("Cosine to an earlier query, from", 0.7, 1.0, min(now.cosine, 1.0), 0.01),
            st.slider("Letters alike with an earlier query, from", 70.0, 100.0, now.ratio, 1.0),
            now.neighbours,
            st.slider("Neighbours that may answer too", 0, now.neighbours, now.answering)
            if now.neighbours
            else now.answering,
        )
        left = len(sieved(t.drafts, moved, taken=t.taken).survivors)
        before = len(t.sieved.survivors)
        changed = "" if moved == now else f", {before:,} as it stands"
        st.html(f"<p class='pn-lead'><b>{left:,} of {len(t.drafts):,}</b> survive{changed}</p>")
        if st.button("Cut there", disabled=moved == now, type="primary", key="cut"):
            review.turn_dial(workspace, t.generation.id, moved)
            st.rerun()
