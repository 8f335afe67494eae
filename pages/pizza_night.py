"""Pizza night: an evening on which a team makes a gold set, as it goes."""

from html import escape

import streamlit as st

from goldsets import sample
from goldsets.labelling import evening as nights
from goldsets.labelling.evening import Night
from goldsets.labelling.types import Evening, Member, Settings
from goldsets.store import evenings, gold, labels
from goldsets.types import Query
from pages.ui import agreement, frame, people, pizza, queries, url, words
from pages.ui.text import plain
from retrieval.store import Workspace, corpora

VIEWS = ("tonight", "queries", "agreement", "disputes", "settings")
PRACTICE = "practice"
t = words.table(words.current())
PRACTICE_QUERIES = 6


def begin(workspace: Workspace) -> None:
    """Offer to start an evening."""
    names = [c.corpus for c in corpora.newest(workspace)]
    if not names:
        frame.empty(
            "Passages are judged in documents, and there are none yet.",
            "Corpora",
            "Bring documents",
        )
    left, right = st.columns([1.5, 1], gap="large")
    with left, st.form("start", border=True):
        st.markdown(f"**{t['start_title']}**")
        name = st.text_input(t["name"], placeholder="friday", max_chars=evenings.MAX_NAME)
        corpus = st.selectbox(t["corpus"], names)
        settings = settings_form(Settings())
        proposed = frame.the_viewer().name[: evenings.MAX_NAME]
        host = st.text_input(t["your_name"], proposed, max_chars=evenings.MAX_NAME)
        if st.form_submit_button(t["start"], type="primary"):
            open_evening(workspace, name or "", corpus, settings, host or "")
    with right:
        practice(workspace, names)


def settings_form(held: Settings) -> Settings:
    """Offer what a host decides; errors in it are said when it is used."""
    one, two = st.columns(2)
    raters = one.number_input(t["raters"], 1, 5, held.raters, help=t["raters_help"])
    target = two.number_input(t["target"], 1, 10_000, held.target)
    with st.expander(t["guidelines_grades"]):
        guidelines = st.text_area(
            t["guidelines_md"],
            held.guidelines,
            placeholder=t["guidelines_hint"],
        )
        grades = st.text_input(t["grades"], ", ".join(held.grades))
        answers = st.number_input(
            t["answers_from"],
            1,
            9,
            held.answers_from,
            help=t["answers_help"],
        )
    words_ = tuple(g.strip() for g in (grades or "").split(",") if g.strip())
    return Settings(guidelines or "", words_, int(answers), int(raters), int(target))


def open_evening(
    workspace: Workspace, name: str, corpus: str, settings: Settings, host: str
) -> None:
    """Start an evening and go to its queries."""
    identity = frame.the_viewer().identity
    evening, member = nights.start(workspace, name.strip(), corpus, settings, host, identity)
    url.put("evening", evening.name)
    url.put("rater", member.name)
    url.put("view", "queries")
    st.rerun()


def practice(workspace: Workspace, names: list[str]) -> None:
    """Offer a few queries on the sample, for one who wants to see how it feels."""
    if sample.NAME not in names:
        return
    with st.container(border=True):
        st.markdown(f"**{t['try_title']}**")
        st.markdown(t["try_about"].format(n=PRACTICE_QUERIES))
        if st.button(t["try"], type="primary", icon=":material/keyboard:"):
            held = gold.read(workspace, sample.NAME).queries[:PRACTICE_QUERIES]
            name = fresh(workspace, PRACTICE)
            settings = Settings(target=PRACTICE_QUERIES)
            identity = frame.the_viewer().identity
            evening, member = nights.start(workspace, name, sample.NAME, settings, "me", identity)
            bare = [Query(q.id, q.text, q.language, q.tags, "any") for q in held]
            nights.ask(workspace, evening, bare, member)
            st.switch_page("pages/label.py", query_params={"evening": name, "rater": member.name})


def fresh(workspace: Workspace, stem: str) -> str:
    """Return a name that no evening or gold set has."""
    taken = {e.name for e in evenings.every(workspace)}
    taken |= {s.name for s in gold.summaries(workspace)}
    numbered = (f"{stem}-{n}" for n in range(2, len(taken) + 3))
    return stem if stem not in taken else next(n for n in numbered if n not in taken)


@st.fragment(run_every=2.0)
def tonight(workspace: Workspace, name: str) -> None:
    """Show the evening live."""
    night = nights.night(workspace, evenings.named(workspace, name))
    left, right = st.columns([1, 1.7], gap="large", vertical_alignment="center")
    with left:
        st.image(pizza.drawn(night.progress, night.evening.settings.target), width=300)
    with right:
        figures(workspace, night)
        table(night)


def figures(workspace: Workspace, night: Night) -> None:
    """Show the evening in numbers."""
    columns = st.columns(4)
    target = night.evening.settings.target
    judged = sum(night.judged.values())
    columns[0].metric(t["m_done"], f"{night.done} / {target}")
    columns[1].metric(t["m_judgments"], f"{judged:,}")
    columns[2].metric(t["m_minute"], f"{labels.pace(workspace, night.evening):.1f}")
    columns[3].metric(t["m_decide"], f"{len(night.disputed):,}")
    alone = night.evening.settings.raters < 2
    frame.quiet(t["alone"] if alone else escape(agreement.sentence(night)))
    frame.quiet(escape(agreement.power(workspace, night)))


def table(night: Night) -> None:
    """Show who did what."""
    rows = [{"Who": m.name, "Judgments": night.judged[m.id], "Role": m.role} for m in night.members]
    st.dataframe(rows, hide_index=True, height=min(35 * (len(rows) + 1) + 3, 250))


def disputes(workspace: Workspace, night: Night, member: Member) -> None:
    """Let the host decide what raters differ on: both judgments side by side, one key."""
    open_ = night.disputed
    if not open_:
        st.info(t["no_disputes"])
        return
    by, names = nights.labels_of(night.labels), {m.id: m.name for m in night.members}
    place = min(int(st.session_state.get("dispute", 0)), len(open_) - 1)
    item = open_[place]
    text = labels.text_of(workspace, item)
    wording = {q.query.id: q.query.text for q in night.queries}
    st.subheader(plain(wording.get(item.query, item.query)), anchor=False)
    frame.quiet(f"{place + 1} of {len(open_)} · {escape(item.document)}")
    said = [x for x in by[item.id] if x.final]
    grades = words.meanings(night.evening.settings.grades, words.current())
    for column, label in zip(st.columns(len(said)), said, strict=True):
        with column, st.container(border=True):
            grade = (
                t["cannot_tell"] if label.grade is None else f"{label.grade} {grades[label.grade]}"
            )
            st.markdown(f"**{names[label.rater]}** · {grade}")
            if label.note:
                frame.quiet(escape(label.note))
            st.html(agreement.passage(text, item, label.spans))
    if member.role != "host":
        frame.quiet(t["host_decides"])
        return
    with st.container(horizontal=True):
        for grade, meaning in enumerate(grades):
            if st.button(f"{grade} {meaning}", key=f"d-{item.id}-{grade}", shortcut=str(grade)):
                decide(workspace, member, item.id, grade, said)
        if st.button(t["next"], shortcut="N", key=f"d-next-{item.id}"):
            st.session_state["dispute"] = (place + 1) % len(open_)
            st.rerun()


def decide(workspace: Workspace, host: Member, item: int, grade: int, said: list) -> None:
    """Log the decision with the spans of whoever gave that grade; on with the next."""
    spans = next((x.spans for x in said if x.grade == grade and x.spans), ())
    labels.adjudicate(workspace, host, item, grade, spans, f"decide-{item}-{said[-1].id}-{grade}")
    st.rerun()


def change(workspace: Workspace, evening: Evening, member: Member) -> None:
    """Let the host change the settings, close the evening or open it again."""
    if member.role != "host":
        st.info(t["host_only"])
        return
    with st.form("settings", border=True, width=720):
        settings = settings_form(evening.settings)
        if st.form_submit_button(t["save"], type="primary"):
            evenings.change(workspace, member, settings)
            labels.settle_all(workspace, evenings.named(workspace, evening.name))
            st.rerun()
    if st.button(t["open" if evening.closed else "close"]):
        evenings.close(workspace, member, closed=not evening.closed)
        st.rerun()


with frame.page("Pizza night", t["about_night"]) as workspace:
    is_host = frame.the_viewer().role == "host"
    if is_host and (not evenings.every(workspace) or url.get("view") == "new"):
        begin(workspace)
        st.stop()
    language = words.current()
    evening = people.choose_evening(workspace, language)
    member = people.the_member(workspace, evening, language)
    with st.container(horizontal=True, vertical_alignment="center"):
        views = {v: t[f"v_{v}"] for v in VIEWS}
        view = url.row("View", views, "view", label_visibility="collapsed")
        st.page_link(
            "pages/label.py",
            label=t["label"],
            icon=":material/keyboard:",
            query_params={"evening": evening.name, "rater": member.name},
        )
        if is_host and st.button(t["new_evening"], type="tertiary", icon=":material/add:"):
            url.put("view", "new")
            st.rerun()
    if view == "tonight":
        tonight(workspace, evening.name)
    elif view == "queries":
        queries.show(workspace, evening, member, t)
    elif view == "agreement":
        agreement.show(nights.night(workspace, evening), t)
    elif view == "disputes":
        disputes(workspace, nights.night(workspace, evening), member)
    else:
        change(workspace, evening, member)
