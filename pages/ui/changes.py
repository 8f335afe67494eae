"""What changed under a gold set: each piece as it was and as it is, and a key to decide it."""

from collections.abc import Callable
from functools import partial
from html import escape

import streamlit as st

from goldsets.evaluation.words import count
from goldsets.evidence import Status
from goldsets.labelling import reanchor
from goldsets.labelling.reanchor import Change
from goldsets.store import gold
from pages.ui import frame, spans, url
from pages.ui.text import differences, is_fixed_width, plain
from retrieval.errors import InputError, PizzaError
from retrieval.store import Workspace
from retrieval.types import Corpus, Document, Span

AROUND = 260
"""Characters shown before and after a quote."""


def queue(workspace: Workspace, name: str, corpus: Corpus) -> list[Change]:
    """List what has changed for a gold set in a corpus version."""
    marker = gold.marker(workspace, name)
    return _queue(workspace, str(workspace.path), name, marker, corpus, corpus.version)


@st.cache_resource(max_entries=8, show_spinner="Finding the evidence")
def _queue(
    _workspace: Workspace,
    path: str,
    name: str,
    marker: tuple[str, int, int],
    _corpus: Corpus,
    version: int,
) -> list[Change]:
    return reanchor.changes(_workspace, name, _corpus)


def banner(corpus: Corpus, found: list[Change]) -> None:
    """Say that something changed, and lead to where it is decided."""
    waiting = reanchor.to_confirm(found)
    sentence = (
        f"{count(len(found), 'piece')} of evidence changed with corpus v{corpus.version}:"
        f" {_counted(found)}."
    )
    meanwhile = (
        "What was edited or is gone counts as not found until somebody decides."
        if waiting
        else "The words are the same, and count where they stand now."
    )
    with st.container(key="pn-changed"):
        left, right = st.columns([6, 1], vertical_alignment="center")
        left.html(f"<div>{sentence}<br><span class='pn-quiet'>{meanwhile}</span></div>")
        if right.button("Review", icon=":material/difference:", key="review"):
            url.put("view", "changes")
            st.rerun()


def _counted(found: list[Change]) -> str:
    numbers = {s: sum(c.found.status is s for c in found) for s in reanchor.ORDER}
    return ", ".join(f"{n:,} {status}" for status, n in numbers.items() if n)


def view(workspace: Workspace, name: str, corpus: Corpus, found: list[Change], who: str) -> None:
    """Show one change after the other, with what can be decided about it."""
    told = st.session_state.pop("changes-told", "")
    if told:
        st.error(told, icon=":material/error:")
    if not found:
        st.success(f"All evidence holds in corpus v{corpus.version}.", icon=":material/check:")
        _leave()
        return
    ids = [str(c.judgment.id) for c in found]
    place = ids.index(url.get("change")) if url.get("change") in ids else 0
    change = found[place]
    url.put("change", ids[place])
    _progress(_done(name, corpus), place, len(found))
    wording = change.found.query.text
    st.subheader(plain(wording), anchor=False)
    frame.quiet(_about(change))
    _keys(workspace, name, corpus, found, place, who)
    document = (
        corpus.documents[corpus.row[change.found.document]] if _here(change, corpus) else None
    )
    left, right = st.columns(2, gap="small")
    with left:
        past = reanchor.before(workspace, corpus.name, change.judgment.evidence)
        st.html(_old_card(change, past))
    with right:
        if url.get("by") == "hand":
            _by_hand(workspace, name, corpus, found, place, who)
        else:
            st.html(_new_card(change, document, corpus))


def _here(change: Change, corpus: Corpus) -> bool:
    return change.found.document in corpus.row


def _progress(done: int, place: int, left: int) -> None:
    every = done + left
    share = 100 * done / every
    st.html(
        f"<div class='pn-progress'><span>{done + place + 1} of {every}</span>"
        f"<div><i style='width:{share:.1f}%'></i></div></div>"
    )


def _about(change: Change) -> str:
    e, found = change.judgment.evidence, change.found
    alike = f", {100 * found.score:.0f} % alike" if found.status is Status.EDITED else ""
    facts = [f"<b class='pn-accent'>{found.status}</b>{alike}", f"grade {e.grade}"]
    facts += [f"part {escape(e.part)}"] if e.part else []
    return " · ".join([*facts, f"marked by {escape(change.judgment.rater)}"])


def _keys(
    workspace: Workspace, name: str, corpus: Corpus, found: list[Change], place: int, who: str
) -> None:
    """Offer the decisions; each is about the piece on the screen, whatever has changed since."""
    change = found[place]
    decide = partial(_decide, name, corpus, change, _after(found, place))
    with st.container(horizontal=True, key="pn-keys"):
        st.button(
            "Accept",
            shortcut="A",
            type="primary",
            disabled=change.proposal is None,
            on_click=decide,
            args=(partial(reanchor.accept, workspace, name, change, who),),
            help="The evidence stands where it is shown on the right",
        )
        st.button("Mark by hand", shortcut="M", on_click=_start_by_hand, args=(change, corpus))
        st.button(
            "Drop",
            shortcut="D",
            on_click=decide,
            args=(partial(reanchor.drop, workspace, name, change, who),),
            help="Withdraw this evidence; the log keeps it",
        )
        last = st.session_state.get(f"changes-last-{name}", ())
        undo = partial(_undo, workspace, name, corpus, who)
        st.button("Undo", shortcut="U", disabled=not last, on_click=undo, args=last)
        _step("Previous", "Left", found, place - 1)
        _step("Next", "Right", found, place + 1)
        moved = sum(c.found.status is Status.MOVED for c in found)
        if moved:
            st.button(
                f"Accept all {moved:,} moved",
                on_click=_accept_moved,
                args=(workspace, name, corpus, found, who),
                help="Their words are the same; only their places changed",
            )
        _leave()


def _step(label: str, shortcut: str, found: list[Change], to: int) -> None:
    inside = 0 <= to < len(found)
    there = str(found[to].judgment.id) if inside else ""
    st.button(label, shortcut=shortcut, disabled=not inside, on_click=_go, args=(there,))


def _leave() -> None:
    st.button("Back to the queries", icon=":material/arrow_back:", on_click=_go, args=("", ""))


def _go(change: str, view_: str = "changes") -> None:
    url.put("change", change)
    url.put("view", view_)
    url.put("by", "")


def _after(found: list[Change], place: int) -> str:
    """Return the change that follows when one has been decided."""
    others = [*found[place + 1 :], *found[:place]]
    return str(others[0].judgment.id) if others else ""


def _decide(
    name: str, corpus: Corpus, change: Change, after: str, action: Callable[[], int]
) -> None:
    """Carry a decision out and go on; an error (somebody was quicker) is told."""
    try:
        st.session_state[f"changes-last-{name}"] = (change, action())
        _count_done(name, corpus, 1)
    except PizzaError as e:
        st.session_state["changes-told"] = str(e)
    _go(after)


def _undo(
    workspace: Workspace, name: str, corpus: Corpus, who: str, change: Change, decided: int
) -> None:
    try:
        again = reanchor.undo(workspace, name, change, decided, who)
        _count_done(name, corpus, -1)
        _go(str(again))
    except PizzaError as e:
        st.session_state["changes-told"] = str(e)
    del st.session_state[f"changes-last-{name}"]


def _accept_moved(
    workspace: Workspace, name: str, corpus: Corpus, found: list[Change], who: str
) -> None:
    _count_done(name, corpus, reanchor.accept_moved(workspace, name, found, who))
    _go("")


def _done(name: str, corpus: Corpus) -> int:
    """Return how many were decided here, in this visit."""
    return int(st.session_state.get(f"changes-done-{name}-{corpus.version}", 0))


def _count_done(name: str, corpus: Corpus, more: int) -> None:
    done = max(0, _done(name, corpus) + more)
    st.session_state[f"changes-done-{name}-{corpus.version}"] = done


def _start_by_hand(change: Change, corpus: Corpus) -> None:
    """Open the document for the mouse, where the change is if it is there; or close it again."""
    url.put("by", "" if url.get("by") else "hand")
    url.put("doc", change.found.document if _here(change, corpus) else "")


def _by_hand(
    workspace: Workspace, name: str, corpus: Corpus, found: list[Change], place: int, who: str
) -> None:
    """Let the mouse mark what takes the evidence's place, in any document."""
    change = found[place]
    ids = {d.id: d.label if d.label == d.id else f"{d.id} · {d.label}" for d in corpus.documents}
    chosen = url.one("Select the words that answer now", ids, "doc")
    document = corpus.documents[corpus.row[chosen]]

    def marked(span: spans.Marked) -> None:
        _decide(name, corpus, change, _after(found, place), partial(take, span))

    def take(span: spans.Marked) -> int:
        if span.document != document.id or document.text[span.start : span.end] != span.exact:
            raise InputError("the browser and the corpus disagree about this text; reload the page")
        at = Span(span.start, span.end)
        return reanchor.remark(workspace, name, change, document, at, who)

    guess = change.found.span if change.found.document == document.id else None
    drawn = [spans.Drawn(guess.start, guess.end, 1, "proposed", focus=True)] if guess else []
    spans.document(
        document.id,
        document.text,
        drawn,
        "changed-span",
        marked,
        focus=str(change.judgment.id),
        mono=is_fixed_width(document),
    )


def _old_card(change: Change, past: tuple[int, Document] | None) -> str:
    e = change.judgment.evidence
    old, _ = differences(e.exact, change.proposal.exact if change.proposal else e.exact)
    if past is None:
        return _card("As it was", e.document, f"…{escape(e.prefix)}", old, f"{escape(e.suffix)}…")
    number, document = past
    sides = _around(document.text, Span(e.start, e.end))
    return _card(f"As it was, v{number}", e.document, sides[0], old, sides[1], document)


def _new_card(change: Change, document: Document | None, corpus: Corpus) -> str:
    title, found = f"As it is, v{corpus.version}", change.found
    if document is None:
        gone = "This document is no longer in the corpus, and no other one holds these words."
        return _card(title, found.document, gone, "", "")
    if change.proposal is None or found.span is None:
        gone = "Neither these words nor any like them are in this document now."
        return _card(title, found.document, gone, "", "")
    _, new = differences(change.judgment.evidence.exact, change.proposal.exact)
    sides = _around(document.text, found.span)
    return _card(title, found.document, sides[0], new, sides[1], document)


def _card(
    title: str, where: str, before: str, quote: str, after: str, document: Document | None = None
) -> str:
    """Draw one side; `before`, `quote` and `after` are HTML."""
    mono = " mono" if document and is_fixed_width(document) else ""
    body = f"<span>{before}</span>"
    if quote:
        body += f"<mark>{quote}</mark><span>{after}</span>"
    return (
        f"<div class='pn-change'><div class='head'><span>{escape(title)}</span>"
        f"<span>{escape(where)}</span></div><div class='body{mono}' tabindex='0'>{body}</div></div>"
    )


def _around(text: str, span: Span) -> tuple[str, str]:
    """Return what stands before and after a span, cut at words, as HTML."""
    low, high = max(0, span.start - AROUND), min(len(text), span.end + AROUND)
    before, after = text[low : span.start], text[span.end : high]
    if low > 0:
        before = "… " + before.partition(" ")[2]
    if high < len(text):
        after = after.rpartition(" ")[0] + " …"
    return escape(before), escape(after)
