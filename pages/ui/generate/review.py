"""Review: a key for each query that the filters left."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from html import escape

import streamlit as st

from goldsets.evaluation.words import count
from goldsets.generation import review
from goldsets.generation.filters import NAMES
from goldsets.generation.review import Table
from goldsets.generation.types import Draft, Generation, Passage
from goldsets.store import generations
from goldsets.types import Evidence
from pages.ui import frame, read, spans, url
from pages.ui.generate import sieve
from pages.ui.generate.passages import warn, who
from pages.ui.text import Mark, is_fixed_width, marked, plain
from retrieval.errors import InputError, PizzaError
from retrieval.store import Workspace

TOLD = "review-told"
SHOWN = {"unreviewed": "To review", "reviewed": "Reviewed", "dropped": "Dropped by people"}


def view(workspace: Workspace, generation: Generation) -> None:
    """Show what became of the drafts, and let people decide on them one by one."""
    t = review.table(workspace, generation.id)
    if not t.drafts:
        st.info("Nothing is written yet: plan it and start it.", icon=":material/edit_note:")
        return
    left, right = st.columns([1, 2.5], gap="large")
    with left:
        rows = _shown(t)
        sieve.funnel(t)
        sieve.left_over(workspace, t)
        sieve.dial(workspace, t)
    with right:
        _one_by_one(workspace, t, rows)


def _shown(t: Table) -> list[Draft]:
    """Let a pile be chosen; return its drafts."""
    piles = {name: [d for d in t.drafts if t.status(d) == name] for name in SHOWN}
    labels = dict(SHOWN)  # no counts: the box would go on showing those it was opened with
    for name in NAMES:
        dropped = [d for d in t.drafts if t.status(d) == "filtered" and _first(t, d) == name]
        piles[name] = dropped
        if dropped:
            labels[name] = f"Filtered: {name}"
    return piles[url.one("Show", labels, "pile")]


def _first(t: Table, draft: Draft) -> str:
    return next(iter(t.sieved.reasons[draft.name]), "")


def _one_by_one(workspace: Workspace, t: Table, rows: Sequence[Draft]) -> None:
    told = st.session_state.pop(TOLD, "")
    if told:
        st.error(told, icon=":material/error:")
    if not rows:
        st.success("Nothing is left in this pile.", icon=":material/check:")
        return
    ids = [str(d.id) for d in rows]
    place = ids.index(url.get("draft")) if url.get("draft") in ids else 0
    draft = rows[place]
    url.put("draft", ids[place])
    passages = {s.id: s.passage for s in generations.sample(workspace, t.generation.id)}
    own = [passages[p] for p in draft.passages]
    standing = t.standing.get(draft.id)
    text = standing.text if standing and standing.text else draft.text
    st.subheader(plain(text or "(no query)"), anchor=False)
    frame.quiet(_about(t, draft, place, len(rows)))
    _keys(workspace, t, draft, text, ids, place)
    for why in t.sieved.reasons[draft.name].values():
        frame.quiet(f"<b class='pn-accent'>Filtered</b>: {escape(why)}")
    if url.get("by") == "edit":
        _edit(workspace, draft, text, ids, place)
    evidence = standing.evidence if standing and standing.evidence else draft.evidence
    if url.get("by") == "hand":
        _by_hand(workspace, t, draft, evidence, ids, place)
        return
    for passage in own:
        st.html(_card(passage, evidence))
        warn(passage)
    elsewhere = [e for e in evidence if not any(_within(e, p) for p in own)]
    if elsewhere:
        said = (f"{escape(e.document)}: “{escape(e.exact[:300])}”" for e in elsewhere)
        frame.quiet("Answers too, in<br>" + "<br>".join(said))


def _about(t: Table, draft: Draft, place: int, number: int) -> str:
    facts = [f"{place + 1} of {number:,}", f"<b>{escape(draft.kind.replace('_', '-'))}</b>"]
    facts += [escape(x) for x in (draft.persona, draft.language) if x]
    facts.append(f"shares {count(draft.measured.run, 'word')} in a row with its passage")
    status = t.status(draft)
    if draft.id in t.standing:
        facts.append(f"{status} by {escape(t.standing[draft.id].who)}")
    return " · ".join(facts)


def _within(e: Evidence, p: Passage) -> bool:
    return e.document == p.document and e.start < p.end and p.start < e.end


def _card(passage: Passage, evidence: Sequence[Evidence]) -> str:
    """Draw a passage with the evidence marked in it."""
    marks = [
        Mark(e.start - passage.start, e.end - passage.start, "grade3")
        for e in evidence
        if _within(e, passage)
    ]
    body = marked(passage.text, 0, len(passage.text), marks)
    mono = " mono" if passage.block in ("code", "table") else ""
    return (
        f"<div class='pn-change'><div class='head'><span>{escape(passage.place)}</span>"
        f"<span>{escape(passage.block)}</span></div>"
        f"<div class='body pn-passage{mono}' tabindex='0'>{body}</div></div>"
    )


def _keys(
    workspace: Workspace, t: Table, draft: Draft, text: str, ids: Sequence[str], place: int
) -> None:
    """Offer the decisions on the query on the screen."""
    after = _after(ids, place)
    decide = partial(_decide, workspace, draft.id, after)
    last = st.session_state.get(f"review-last-{t.generation.id}")

    def undo() -> None:
        st.session_state.pop(f"review-last-{t.generation.id}")
        _decide(workspace, int(last), last, review.decide, "undo")

    def noted(action: str) -> None:
        decide(review.decide, action)
        st.session_state[f"review-last-{t.generation.id}"] = str(draft.id)

    with st.container(horizontal=True, key="pn-keys"):
        st.button("Keep", shortcut="K", type="primary", on_click=noted, args=("keep",))
        st.button("Edit", shortcut="E", on_click=_toggle, args=("edit",))
        st.button("Drop", shortcut="D", on_click=noted, args=("drop",))
        st.button(
            "Fix evidence",
            shortcut="F",
            on_click=_toggle,
            args=("hand",),
            disabled=draft.kind == "unanswerable",
        )
        st.button("Undo", shortcut="U", on_click=undo, disabled=not last)
        _step("Previous", "Left", ids, place - 1)
        _step("Next", "Right", ids, place + 1)


def _after(ids: Sequence[str], place: int) -> str:
    others = [*ids[place + 1 :], *ids[:place]]
    return others[0] if others else ""


def _step(label: str, shortcut: str, ids: Sequence[str], to: int) -> None:
    inside = 0 <= to < len(ids)
    there = ids[to] if inside else ""
    st.button(label, shortcut=shortcut, disabled=not inside, on_click=_go, args=(there,))


def _go(draft: str) -> None:
    url.put("draft", draft)
    url.put("by", "")


def _toggle(by: str) -> None:
    url.put("by", "" if url.get("by") == by else by)


def _decide(
    workspace: Workspace,
    draft: int,
    after: str,
    how: Callable[..., None],
    action: str,
    **more: object,
) -> None:
    """Carry a decision out and go on; an error is told."""
    try:
        how(workspace, draft, action, who(), **more)
    except PizzaError as e:
        st.session_state[TOLD] = str(e)
        return
    _go(after)


def _edit(workspace: Workspace, draft: Draft, text: str, ids: Sequence[str], place: int) -> None:
    with st.form("edit-query", border=False):
        written = st.text_input("The query, as a user would type it", text, max_chars=400)
        if st.form_submit_button("Save", type="primary"):
            _decide(workspace, draft.id, _after(ids, place), review.decide, "edit", text=written)
            st.rerun()


def fixed(evidence: Sequence[Evidence], marked_now: Evidence) -> tuple[Evidence, ...]:
    """Put what was marked in place of the evidence, or of the part that its document held."""
    if len({e.part for e in evidence if e.part}) < 2:
        return (marked_now,)
    same = next((e for e in evidence if e.document == marked_now.document), evidence[0])
    return (*(e for e in evidence if e is not same), replace(marked_now, part=same.part))


def _by_hand(
    workspace: Workspace,
    t: Table,
    draft: Draft,
    evidence: Sequence[Evidence],
    ids: Sequence[str],
    place: int,
) -> None:
    """Let the mouse mark what answers, in any document."""
    corpus = read.corpus(workspace, t.generation.corpus, t.generation.corpus_version)
    names = {d.id: d.label for d in corpus.documents}
    first = next((e.document for e in evidence), "")
    chosen = url.one("Select the words that answer", names, "doc", default=first)
    document = corpus.documents[corpus.row[chosen]]

    def took(span: spans.Marked) -> None:
        if document.text[span.start : span.end] != span.exact:
            raise InputError("the browser and the corpus disagree about this text; reload the page")
        found = fixed(evidence, Evidence.of(document.id, document.text, span.start, span.end))
        after = _after(ids, place)
        _decide(workspace, draft.id, after, review.decide, "edit", evidence=found)

    drawn = [
        spans.Drawn(e.start, e.end, e.grade, "as it stands", focus=i == 0)
        for i, e in enumerate(e for e in evidence if e.document == chosen)
    ]
    spans.document(
        document.id,
        document.text,
        drawn,
        "review-span",
        took,
        focus=str(draft.id),
        mono=is_fixed_width(document),
    )
