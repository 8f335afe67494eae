"""Gold set: queries, and the evidence that answers them, marked in the documents."""

import tempfile
from collections.abc import Mapping
from html import escape
from pathlib import Path

import streamlit as st

from goldsets.bring import send
from goldsets.evaluation.words import count
from goldsets.evidence import Found
from goldsets.labelling import reanchor
from goldsets.labelling.intake import fresh_id
from goldsets.store import gold
from goldsets.store.gold_log import Judgment
from goldsets.types import Evidence, GoldSet, Query
from pages.ui import changes, frame, read, search, spans, url
from pages.ui.text import is_fixed_width, plain
from retrieval.errors import InputError
from retrieval.store import Workspace, corpora
from retrieval.types import Corpus, Span

WHO = "host"
GRADES = {"3": "3 answers", "2": "2 partly", "1": "1 on topic", "0": "0 not"}


def bar(workspace: Workspace) -> str:
    """Draw the top: which gold set, and what can be done with all of it."""
    sets = gold.summaries(workspace)
    left, right = st.columns([1.4, 2], vertical_alignment="bottom")
    with left:
        name = url.one("Gold set", {s.name: s.name for s in sets}, "goldset") if sets else ""
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        if name:
            with st.popover("Add query", icon=":material/add:"):
                add_query(workspace, name)
            export(workspace, name)
        with st.popover("New gold set", icon=":material/note_add:"):
            new_set(workspace)
    return name


def new_set(workspace: Workspace) -> None:
    """Start an empty gold set on a corpus."""
    with st.form("new-set", border=False):
        name = st.text_input("Name", max_chars=80)
        corpus = st.selectbox("Corpus", [c.corpus for c in corpora.newest(workspace)])
        if st.form_submit_button("Create", type="primary"):
            gold.create(workspace, name or "", corpus)
            url.put("goldset", name or "")
            st.rerun()


def add_query(workspace: Workspace, name: str) -> None:
    """Add a query."""
    with st.form("add-query", border=False, clear_on_submit=True):
        text = st.text_area("Query", placeholder="As a user would type it", max_chars=2000)
        tags = st.text_input("Tags", placeholder="with commas")
        if st.form_submit_button("Add", type="primary"):
            taken = gold.known_ids(workspace, name)
            query = Query(fresh_id(text, taken), text.strip(), "", tags_of(tags), "any")
            gold.put_query(workspace, name, query, WHO)
            url.put("query", query.id)
            st.rerun()


def tags_of(text: str | None) -> tuple[str, ...]:
    """Read tags from a line with commas."""
    return tuple(dict.fromkeys(t.strip() for t in (text or "").split(",") if t.strip()))


def export(workspace: Workspace, name: str) -> None:
    """Offer the gold set as a file."""

    def jsonl() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "gold.jsonl"
            send(workspace, "pizza", name, path)
            return path.read_bytes()

    st.download_button(
        "Download", jsonl, f"{name}.jsonl", "application/jsonl", icon=":material/download:"
    )


def pick_query(held: GoldSet) -> Query:
    """Show the queries; return the one chosen."""
    wanted = url.text(
        "Filter", "filter", placeholder="Filter by words or tag", label_visibility="collapsed"
    )
    rows = [
        q
        for q in held.queries
        if all(w in f"{q.text} {' '.join(q.tags)}".lower() for w in wanted.lower().split())
    ]
    rows = rows or list(held.queries)
    asked = url.get("query")
    place = frame.table(
        [{"Query": q.text, "Spans": sum(e.grade > 0 for e in held.of(q))} for q in rows],
        key=f"pick-{held.name}-{wanted}-{len(rows)}",
        start=next((i for i, q in enumerate(rows) if q.id == asked), 0),
        height=620,
        widths={"Query": 250, "Spans": 40},
    )
    url.put("query", rows[place].id)
    if st.session_state.setdefault("last-query", rows[place].id) != rows[place].id:
        st.session_state["last-query"] = rows[place].id
        url.put("doc", "")  # the document follows the query
        url.put("at", "")
    return rows[place]


def header(workspace: Workspace, name: str, query: Query) -> None:
    """Show the query with what can be done to it."""
    left, right = st.columns([3, 1], vertical_alignment="center")
    with left:
        st.subheader(plain(query.text), anchor=False)
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        with st.popover("", icon=":material/edit:", help="Edit the query"):
            edit(workspace, name, query)
        with st.popover("", icon=":material/delete:", help="Delete the query"):
            st.markdown("Delete this query? The log keeps it and its judgments.")
            if st.button("Delete", type="primary"):
                gold.delete_query(workspace, name, query.id, WHO)
                url.put("query", "")
                st.rerun()


def edit(workspace: Workspace, name: str, query: Query) -> None:
    """Change the words, tags, language and need of a query."""
    with st.form(f"edit-{query.id}", border=False):
        text = st.text_area("Query", query.text, max_chars=2000)
        tags = st.text_input("Tags", ", ".join(query.tags))
        language = st.text_input("Language", query.language, max_chars=8, placeholder="en, ko, ...")
        needs = st.radio(
            "It needs",
            ["any", "all"],
            index=["any", "all"].index(query.needs),
            captions=["any one piece of evidence answers it", "every part is needed"],
        )
        if st.form_submit_button("Save", type="primary"):
            new = Query(
                query.id, text.strip(), (language or "").strip(), tags_of(tags), needs, query.origin
            )
            gold.put_query(workspace, name, new, WHO)
            st.rerun()


def evidence_table(
    workspace: Workspace, name: str, judged: list[Judgment], now: Mapping[int, Found]
) -> None:
    """List the evidence of a query; a click shows it in its document."""
    for judgment in judged:
        e = judgment.evidence
        columns = st.columns([1.1, 4.6, 0.9, 0.5], vertical_alignment="center", gap="small")
        with columns[0]:
            if st.button(
                e.document,
                key=f"show-{judgment.id}",
                type="tertiary",
                help="Show it in the document",
            ):
                url.put("doc", e.document)
                url.put("at", str(e.start))
                st.rerun()
        quote = escape(shorten(e.exact))
        columns[1].html(f"<div class='pn-quote'><mark class='grade{e.grade}'>{quote}</mark></div>")
        grade = GRADES.get(str(e.grade), str(e.grade))
        found = f" · {now[judgment.id].status}" if judgment.id in now else ""
        columns[2].html(f"<span class='pn-quiet' title='{grade}'>{e.grade}{found}</span>")
        with columns[3]:
            if st.button(
                "",
                icon=":material/close:",
                key=f"drop-{judgment.id}",
                type="tertiary",
                help="Withdraw",
            ):
                gold.withdraw(workspace, name, judgment.id, WHO)
                st.rerun()


def shorten(text: str, most: int = 180) -> str:
    """Cut a quote for a list."""
    flat = " ".join(text.split())
    return flat if len(flat) <= most else f"{flat[:most]} …"


def _place(judgment: Judgment, now: Mapping[int, Found]) -> tuple[str, Span | None]:
    """Return where a judgment's evidence stands now; edited evidence stands nowhere for sure."""
    e, found = judgment.evidence, now.get(judgment.id)
    if found is None:
        return e.document, Span(e.start, e.end)
    return found.document, found.span if found.status.sure else None


def _drawn(judgment: Judgment, span: Span, at: str) -> spans.Drawn:
    """Return what is drawn of a judgment; the one at `at` stands out."""
    grade = judgment.evidence.grade
    said = f"{GRADES.get(str(grade), '')} · {judgment.rater}"
    return spans.Drawn(span.start, span.end, grade, said, str(span.start) == at)


def mark(
    workspace: Workspace,
    name: str,
    query: Query,
    judged: list[Judgment],
    corpus: Corpus,
    now: Mapping[int, Found],
) -> None:
    """Show a document with the query's evidence, in which the mouse marks more."""
    left, right = st.columns([1, 1.5], vertical_alignment="bottom")
    first = judged[0].evidence.document if judged else ""
    ids = {d.id: d.label if d.label == d.id else f"{d.id} · {d.label}" for d in corpus.documents}
    with left:
        chosen = url.one("Document", ids, "doc", default=first)
    with right:
        grade = st.segmented_control(
            "A marked span",
            list(GRADES),
            format_func=GRADES.get,
            default="3",
            required=True,
            key="grade",
        )
    document = corpus.documents[corpus.row[chosen]]

    def marked(span: spans.Marked) -> None:
        if span.document != document.id or document.text[span.start : span.end] != span.exact:
            raise InputError("the browser and the corpus disagree about this text; reload the page")
        new = Evidence.of(document.id, document.text, span.start, span.end, int(grade or 3))
        gold.judge(workspace, name, query.id, new, WHO)

    places = [(j, *_place(j, now)) for j in judged]
    here = [(j, span) for j, place, span in places if place == document.id]
    at = url.get("at") or (str(here[0][1].start) if here and here[0][1] else "")
    drawn = [_drawn(j, span, at) for j, span in here if span is not None]
    spans.document(
        document.id,
        document.text,
        drawn,
        "spans",
        marked,
        focus=f"{query.id}-{at}",
        mono=is_fixed_width(document),
    )
    st.html("Select the words that answer the query; they are saved as you let go.")


with frame.page(
    "Gold set", "Real queries, and the words in the documents that answer them."
) as workspace:
    if not corpora.newest(workspace):
        frame.empty(
            "Evidence is marked in documents, and there are none yet.", "Corpora", "Bring documents"
        )
    name = bar(workspace)
    if not name:
        st.info("There is no gold set yet. Make one with **New gold set**: a name and a corpus.")
        st.stop()
    held = read.gold(workspace, name)
    corpus = read.corpus(workspace, held.corpus)
    changed = changes.queue(workspace, name, corpus)
    frame.quiet(
        f"{count(len(held.queries), 'query', 'queries')}, {count(held.judgments, 'judged span')} in"
        f" corpus {escape(held.corpus)} {reanchor.holds_in(corpus, changed)},"
        f" gold version {held.version}."
    )
    if not held.queries:
        st.info("No query yet. Add one with **Add query**: ten real ones beat a hundred invented.")
        st.stop()
    if url.get("view") == "changes":
        changes.view(workspace, name, corpus, changed, WHO)
        st.stop()
    if changed:
        changes.banner(corpus, changed)
    now = {c.judgment.id: c.found for c in changed}
    left, right = st.columns([1, 1.9], gap="large")
    with left:
        query = pick_query(held)
    with right:
        header(workspace, name, query)
        judged = sorted(
            gold.judgments(workspace, name, query.id),
            key=lambda j: (-j.evidence.grade, j.evidence.document),
        )
        if judged:
            with st.expander(count(len(judged), "judged span"), expanded=len(judged) <= 4):
                evidence_table(workspace, name, judged, now)
        else:
            frame.quiet("No evidence yet: find the passage below, select the words that answer.")
        search.passages(workspace, corpus, query.text)
        mark(workspace, name, query, judged, corpus, now)
