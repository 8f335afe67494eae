"""Where evidence was lost: the flow of all of it, the causes, and the way of one piece."""

from collections import Counter
from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from goldsets.diagnosis.attribute import Diagnosis, Loss, to_judge
from goldsets.diagnosis.causes import ABOUT, Cause
from goldsets.diagnosis.flow import Flow, Station, flow, of_queries, stations
from goldsets.evaluation.slices import DIMENSIONS, slices
from goldsets.evaluation.sweep import Board
from goldsets.evaluation.words import count
from goldsets.labelling import deciding
from goldsets.labelling.deciding import HOST
from pages.ui import charts, frame, hits, url
from pages.ui.text import Mark, evidence_marks, marked
from retrieval.store import Workspace
from retrieval.types import Bool

AROUND = 160
"""Characters shown on either side of lost evidence."""

ABOVE = 3
"""Passages shown that stood above it."""

SURE = {True: "verified by replay", False: "a guess", None: "not replayed: a vendor would be paid"}
SHORT = {True: "verified", False: "a guess", None: "not replayed"}


def show(workspace: Workspace, found: Diagnosis) -> None:
    """Show the flow and the causes, the queries of one, and the way of one piece of evidence."""
    said, asked = st.columns([3, 1], vertical_alignment="bottom")
    with asked:
        chosen = _slice(found)
    seen = flow(found, chosen)
    if not seen.things:
        st.info("No query here has evidence to find. Judge some on the Gold set page.")
        return
    lost = seen.things - seen.arrived
    said.html(
        f"<p class='pn-verdict'>{lost:,} of {count(seen.things, 'thing')} to find"
        f" {'is' if lost == 1 else 'are'} not among the first {found.trail.k} passages"
        f" ({lost / seen.things:.0%}).</p>"
    )
    if not lost:
        frame.quiet("Everything that is there to find arrives.")
        return
    left, right = st.columns([1.5, 1], gap="large")
    losses = of_queries(found, chosen)
    with left:
        charts.draw(sankey(seen), "flow", "What each box of the pipeline lost")
    with right:
        _causes(losses)
    _one_cause(workspace, found, losses)


def from_outside(board: Board, lost: Sequence[Loss], measure: str) -> None:
    """List what a retriever from outside lost: its boxes cannot be seen."""
    queries = board.gold.queries
    frame.quiet(
        "This ranking comes from outside: what it returned can be seen, its boxes cannot. What it"
        " ranks too low is a guess; no change to it can be tried here."
    )
    if not lost:
        st.info(f"By {measure} it lost nothing.")
        return
    rows = [
        {"Query": queries[s.query].text, "Cause": s.cause.words, "What happened": s.detail}
        for s in lost
    ]
    st.dataframe(rows, hide_index=True, key="outside")


def _slice(found: Diagnosis) -> Bool | None:
    """Let a slice of the queries be chosen."""
    board = found.trail.board
    made = {
        f"{by}: {name}": (by, mask)
        for by in DIMENSIONS
        for name, mask in slices(board.anchored, board.corpus, by).items()
        if 0 < mask.sum() < len(mask)
    }
    if not made:
        return None
    names = {"": "All queries"} | {n: f"{n} ({int(m.sum())})" for n, (_, m) in made.items()}
    chosen = url.one("Queries", names, "slice", label_visibility="collapsed")
    return made[chosen][1] if chosen else None


def sankey(seen: Flow) -> go.Figure:
    """Draw what is there to find, box by box, and what each box lost for which cause."""
    names, colours = [f"to find  {seen.things:,}"], [charts.QUIET]
    links: list[tuple[int, int, int, str]] = []
    left, here = seen.things, 0
    for _, causes in seen.lost:
        for cause, n in causes.most_common():
            names.append(f"{cause.words}  {n:,}")
            colours.append(charts.ACCENT)
            links.append((here, len(names) - 1, n, "rgba(217,72,15,.38)"))
        left -= causes.total()
        names.append(f"{left:,} left")
        colours.append(charts.QUIET)
        links.append((here, len(names) - 1, left, charts.BAND))
        here = len(names) - 1
    names[here] = f"found  {left:,}"
    source, target, value, colour = zip(*links, strict=True)
    figure = go.Figure(
        go.Sankey(
            arrangement="snap",
            node={
                "label": names,
                "color": colours,
                "pad": 18,
                "thickness": 12,
                "line": {"width": 0},
            },
            link={"source": source, "target": target, "value": value, "color": colour},
            textfont={"size": 13},
        )
    )
    return charts.styled(figure, height=340)


def _causes(losses: Sequence[Loss]) -> None:
    """Draw the causes as bars, verified ones in the accent; a click chooses one."""
    sure = Counter(s.cause for s in losses if s.verified and s.row >= 0)
    every = Counter(s.cause for s in losses if s.row >= 0)
    order = [cause for cause, _ in every.most_common()][::-1]
    figure = go.Figure()
    rest = [every[c] - sure[c] for c in order]
    for name, n, colour in (
        ("verified by replay", [sure[c] for c in order], charts.ACCENT),
        ("a guess", rest, charts.QUIET),
    ):
        figure.add_bar(
            y=[c.words for c in order],
            x=n,
            orientation="h",
            marker={"color": colour},
            name=name,
            customdata=[c.value for c in order],
            hovertemplate="%{x} " + name + "<extra>%{y}</extra>",
        )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(title="lost, verified by replay (grey: a guess)", gridcolor=charts.GRID)
    figure.update_yaxes(automargin=True)
    picked = st.plotly_chart(
        charts.styled(figure, height=70 + 30 * max(len(order), 3)),
        key="causes",
        on_select="rerun",
        selection_mode="points",
        config={"displayModeBar": False},
        alt="How many were lost for each cause",
    )
    points = picked.selection.points if picked else []
    if points and st.session_state.get("cause-clicked") != points[0]["customdata"]:
        st.session_state["cause-clicked"] = points[0]["customdata"]
        url.put("cause", str(points[0]["customdata"]))


def _one_cause(workspace: Workspace, found: Diagnosis, losses: Sequence[Loss]) -> None:
    """Show the queries of a cause, and the way of the chosen one's evidence."""
    every = Counter(s.cause for s in losses)
    labels = {c.value: f"{c.words}  {n}" for c, n in every.most_common()}
    cause = Cause(url.row("Cause", labels, "cause", label_visibility="collapsed"))
    frame.quiet(escape(ABOUT[cause]))
    own = [s for s in losses if s.cause is cause]
    queries = found.trail.board.gold.queries
    rows = [
        {"Query": queries[s.query].text, "What happened": s.detail, "Replay": SHORT[s.verified]}
        for s in own
    ]
    start = next((i for i, s in enumerate(own) if queries[s.query].id == url.get("query")), 0)
    key = f"losses-{cause}-{len(own)}-{found.trail.measure}"
    place = frame.table(
        rows, key=key, start=start, height=250, widths={"Query": 480, "What happened": 320}
    )
    url.put("query", queries[own[place].query].id)
    if cause is Cause.PROBABLY_UNLABELLED:
        label(workspace, found, own, f"Have these {len(own)} judged")
    _one(workspace, found, own[place])


def _one(workspace: Workspace, found: Diagnosis, loss: Loss) -> None:
    """Show the way of one piece of evidence, the piece itself, and what stood above it."""
    t = found.trail
    st.subheader(t.board.gold.queries[loss.query].text, anchor=False)
    if loss.row < 0:
        frame.quiet(escape(f"{ABOUT[loss.cause]} {loss.detail}."))
        return
    st.html(way(stations(t, loss.row, loss.cause)))
    frame.quiet(f"<b>{escape(loss.cause.words)}</b>, {SURE[loss.verified]}: {escape(loss.detail)}.")
    left, right = st.columns([1, 1.25], gap="large")
    with left:
        st.markdown("**The evidence**")
        st.html(_evidence(found, loss))
    with right:
        st.markdown("**What stood above it**")
        above(found, loss)
        label(workspace, found, [loss], "Have the unjudged ones judged")


def way(boxes: Sequence[Station]) -> str:
    """Draw the boxes that a piece of evidence passed; the one that lost it in the accent."""
    drawn = (
        f"<div class='{'lost' if s.lost else ''}'><b>{escape(s.box)}</b>"
        f"<span>{escape(s.says)}</span></div>"
        for s in boxes
    )
    return f"<div class='pn-way'>{''.join(drawn)}</div>"


def _evidence(found: Diagnosis, loss: Loss) -> str:
    a, corpus = found.trail.board.anchored, found.trail.board.corpus
    evidence = a.found[loss.row].evidence
    where = f"<p class='pn-quiet'>{escape(evidence.document)}</p>"
    if a.document[loss.row] < 0:
        return f"{where}<div class='pn-quote'>{escape(evidence.exact[:1200])}</div>"
    document = corpus.documents[int(a.document[loss.row])]
    start, end = int(a.start[loss.row]), int(a.end[loss.row])
    low, high = max(0, start - AROUND), min(len(document.text), min(end, start + 1200) + AROUND)
    body = marked(document.text, low, high, [Mark(start, end)])
    return f"{where}<div class='pn-quote pn-lost'>{body}</div>"


def above(found: Diagnosis, loss: Loss) -> None:
    """Show the first passages of the context, and the one that is in the way where there is one."""
    t = found.trail
    ids = t.steps.context.value.ids[loss.query]
    shown = [int(c) for c in ids[:ABOVE] if c >= 0]
    if loss.instead >= 0 and loss.instead not in shown:
        shown.append(loss.instead)
    chunks, corpus = t.steps.index.chunks.value, t.board.corpus
    place = {int(c): i + 1 for i, c in enumerate(ids) if c >= 0}
    cards = []
    for c in shown:
        marks = evidence_marks(t.board.anchored, loss.query, int(chunks.document[c]))
        judged = bool(np.isin(c, t.target.touch_chunk[t.target.touch_query == loss.query]))
        said = "judged" if judged else "never judged"
        cards.append(hits.card(corpus, chunks, c, place.get(c, 0), marks, said))
    st.html("".join(cards) or "<p class='pn-quiet'>Nothing was found.</p>")


def label(workspace: Workspace, found: Diagnosis, losses: Sequence[Loss], text: str) -> None:
    """Offer to put the unjudged passages that stand in the way before a rater."""
    queries = found.trail.board.gold.queries
    places: dict[str, list[tuple[int, int, int]]] = {}
    for loss in losses:
        places.setdefault(queries[loss.query].id, []).extend(to_judge(found.trail, loss, ABOVE))
    if not any(places.values()):
        return
    if st.button(text, icon=":material/keyboard:"):
        host = "" if frame.the_viewer().identity else url.get("rater") or HOST
        asked = deciding.judge(workspace, found.trail.board, places, host)
        if not asked.items:
            st.info("They are in the queue already.")
        st.page_link(
            "pages/label.py",
            label=f"Label in {asked.evening.name}",
            icon=":material/arrow_forward:",
            query_params={"evening": asked.evening.name, **({"rater": host} if host else {})},
        )
