"""Judge: how far it agrees with people, where it does not, and what other words would do."""

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from goldsets import jobs
from goldsets.evaluation.words import coefficient, count, points
from goldsets.generation import labelled, looks
from goldsets.generation.align import (
    Alignment,
    Case,
    Version,
    aligned,
    disagreements,
    half,
    verdict,
    versions,
)
from goldsets.generation.labelled import Wording
from goldsets.generation.types import Generation, Sampled
from goldsets.labelling.agreement import Estimate
from goldsets.store import generations
from pages.ui import charts, frame, url, work
from pages.ui.generate import plots
from pages.ui.generate.passages import card, warn, who
from retrieval.errors import PizzaError
from retrieval.store import Workspace

WORN = (
    "Keeping whichever wording does best here fits it to these passages, and its figures flatter."
    " Label more passages: half of them are held out afresh."
)


def view(workspace: Workspace, generation: Generation) -> None:
    """Show the judge beside people; let its criteria be worded anew."""
    held = labelled.wordings(workspace, generation.id)
    own = next(w for w in held if w.generation == generation.id)
    labels = len(own.cases) + own.unasked
    if not labels:
        st.info(
            f"The judge is compared with people: label {labelled.LEAST} passages or more first.",
            icon=":material/playlist_add_check:",
        )
        return
    left, right = st.columns([1.55, 1], gap="large")
    worded_on = half(own.cases, held_out=False)
    with left:
        if own.cases:
            found = aligned(worded_on, list(own.criteria))
            _figures(found, "alignment")
            _by_criterion(found)
        else:
            st.info("The judge has not been asked about what you labelled yet.")
    with right:
        criteria(workspace, generation, own)
    if own.cases:
        differ(workspace, generation, own)
    if len(held) > 1:
        st.subheader("Wordings side by side, on the half they are worded on", anchor=False)
        side_by_side(held, generation.id, held_out=False)
    if own.cases:
        _held_out(workspace, generation, held, own)


def _held_out(
    workspace: Workspace, generation: Generation, held: Sequence[Wording], own: Wording
) -> None:
    """Show what the held-out half says to whoever asks for it; each look is counted."""
    st.subheader("Does it hold?", anchor=False)
    number, found = looks.held_out(held), generations.looks(workspace, generation)
    frame.quiet(
        f"{count(number, 'labelled passage is', 'labelled passages are')} held out: no criterion is"
        f" worded on them. {looks.wear(found)}"
    )
    if not looks.looked_at(found, held):
        st.button(
            "Look at the held-out half",
            icon=":material/visibility:",
            disabled=not number,
            on_click=looks.look,
            args=(workspace, generation, held, who()),
        )
        frame.quiet("Look when the words are settled: each look at others uses this half up.")
        return
    if len(found) > 1:
        st.warning(WORN, icon=":material/visibility:")
    one = len(held) == 1
    cases = own.cases if one else half(own.cases, held_out=True)
    _figures(aligned(cases, list(own.criteria)), "held-out")
    if one:
        frame.quiet("Nothing was reworded yet, so that all labelled passages count here.")
    else:
        side_by_side(held, generation.id, held_out=True)


def _figures(found: Alignment, key: str) -> None:
    sentence = verdict(found)
    st.html(f"<p class='pn-verdict'>{escape(sentence)}</p>")
    charts.draw(plots.alignment(found), key, sentence)
    name, _ = plots.constant(found)
    unread = f" {count(found.unanswered, 'answer')} could not be read." if found.unanswered else ""
    frame.quiet(
        "The rule is that of the generation: every criterion says yes. Open circles: a judge that"
        f" says {name}. 95 % intervals.{unread}"
    )


def _by_criterion(found: Alignment) -> None:
    rows = [
        {
            "Criterion": c.name,
            "Agreement": shown(c.figures.agreement),
            "Kappa": shown(c.figures.kappa, kappa=True),
            "Turns down alone": c.turns_down,
        }
        for c in found.criteria
    ]
    st.dataframe(
        rows,
        hide_index=True,
        key="by-criterion",
        column_config={
            "Turns down alone": st.column_config.NumberColumn(
                help="Passages that people find worth a query and that this criterion alone rejects"
            )
        },
    )


def shown(e: Estimate, *, kappa: bool = False) -> str:
    """Write an estimate with its interval, shares in points of a hundred."""
    if e.value is None:
        return "–"
    low, high = e.low or 0.0, e.high or 0.0
    if kappa:
        return f"{coefficient(e.value)} ({coefficient(low)} to {coefficient(high)})"
    return f"{points(e.value)} ({points(low)} to {points(high)})"


def criteria(workspace: Workspace, generation: Generation, own: Wording) -> None:
    """Let the criteria be worded; ask the judge about what is not known yet."""
    with st.container(border=True, key="pn-criteria"):
        st.markdown("**Criteria**")
        words = _worded(generation)
        changed = words != dict(own.criteria)
        running = _job(workspace, generation.id)
        if running and not running.over:
            work.progress(workspace, running.id, "criteria")
            return
        if running and running.error:
            st.error(running.error, icon=":material/error:")
        if words and (changed or own.unasked):
            lines = labelled.judging_plan(workspace, generation.id, words)
            frame.facts(f"{line}." for line in lines)
        if changed:
            frame.quiet("Only what you reworded is asked again; this wording stays beside it.")
        ask = f"Ask about {count(own.unasked, 'passage')}" if own.unasked else "All are asked about"
        ask = "Ask with these words" if changed else ask
        idle = not changed and not own.unasked
        if st.button(ask, type="primary", disabled=idle or not words, key="ask-judge"):
            _ask(workspace, generation, words if changed else None)


def _worded(generation: Generation) -> dict[str, str]:
    """Return the criteria as they stand in the form; an empty one is left out."""
    found: dict[str, str] = {}
    for name, text in generation.spec["criteria"].items():
        key = f"criterion-{generation.id}-{name}"
        written = st.text_area(str(name), str(text), key=key, height=76, max_chars=4_000)
        if (written or "").strip():
            found[str(name)] = (written or "").strip()
    with st.expander("Another criterion"):
        name = st.text_input("Name", key=f"criterion-name-{generation.id}", max_chars=60)
        text = st.text_area("Says", key=f"criterion-text-{generation.id}", height=76)
        if (name or "").strip() and (text or "").strip():
            found[(name or "").strip()] = (text or "").strip()
    return found


def _job(workspace: Workspace, generation: int) -> jobs.Job | None:
    every = jobs.recent(workspace, labelled.KIND, 50)
    return next((j for j in every if j.spec["generation"] == generation), None)


def _ask(workspace: Workspace, generation: Generation, words: Mapping[str, str] | None) -> None:
    try:
        at = labelled.reworded(workspace, generation.id, words).id if words else generation.id
        labelled.start_judging(workspace, at)
    except PizzaError as e:
        st.error(str(e), icon=":material/error:")
        return
    url.put("generation", str(at))
    st.rerun()


@st.fragment
def differ(workspace: Workspace, generation: Generation, own: Wording) -> None:
    """Show one disagreement after the other, with the judge's reasons."""
    found = disagreements(own.cases)
    st.subheader("Where they differ", anchor=False)
    if not found:
        frame.quiet("Nowhere on the half that criteria are worded on.")
        return
    key = f"differ-{generation.id}"
    place = min(int(st.session_state.get(key, 0)), len(found) - 1)
    with st.container(horizontal=True, vertical_alignment="center"):
        _step("Previous", "Left", place - 1, len(found), key)
        _step("Next", "Right", place + 1, len(found), key)
        frame.quiet(
            f"{place + 1} of {len(found)} on the half that criteria are worded on; the other half"
            " is not shown, so that it can tell whether the wording holds."
        )
    case = found[place]
    sampled = {s.passage.key: s for s in labelled.draw(workspace, generation.id)}
    left, right = st.columns([1.55, 1], gap="large")
    with left:
        _passage(sampled.get(case.passage), case)
    with right:
        people = "worth a query" if case.worth else "not worth a query"
        st.html(f"<p class='pn-lead'>People: <b>{people}</b>. The judge:</p>")
        for name, yes, reason in zip(own.criteria, case.answers, case.reasons, strict=True):
            st.html(
                f"<p class='pn-fact'><b class='{'' if yes else 'pn-accent'}'>"
                f"{'✓' if yes else '✗'}</b> {escape(name)}<br>"
                f"<span class='pn-quiet'>{escape(reason)}</span></p>"
            )


def _passage(sampled: Sampled | None, case: Case) -> None:
    if sampled:
        st.html(card(sampled, case.worth))
        warn(sampled.passage)


def _step(label: str, shortcut: str, to: int, number: int, key: str) -> None:
    def go() -> None:
        st.session_state[key] = to

    inside = 0 <= to < number
    st.button(label, shortcut=shortcut, disabled=not inside, on_click=go, key=f"{key}-{label}")


def side_by_side(held: Sequence[Wording], current: int, *, held_out: bool) -> None:
    """Set the wordings side by side on one half of the passages."""
    names = {
        f"{n}{' (this one)' if w.generation == current else ''}": w for n, w in enumerate(held, 1)
    }
    found = versions({name: w.cases for name, w in names.items()}, held_out=held_out)
    rows = [_row(v, names[v.name], held[0]) for v in found]
    wide = st.column_config.Column(width=150)
    key = "wordings-held-out" if held_out else "wordings"
    st.dataframe(rows, hide_index=True, key=key, column_config={"Its own words": wide})
    frame.quiet(
        "Gain: agreement against the first wording, on passages of this half that both judged,"
        " adjusted for the number of wordings; open: it may be chance."
    )


def _row(v: Version, wording: Wording, first: Wording) -> dict[str, object]:
    g = v.gain
    other = [f"judged by {wording.judge}"] if wording.judge != first.judge else []
    other += [f"{n}: {t}" for n, t in wording.criteria.items() if first.criteria.get(n) != t]
    known = g.mean is not None and g.p_holm is not None
    sure = known and (g.p_holm or 1) <= 0.05
    gain = points(g.mean, signed=True) + (", sure" if sure else ", open") if known else "–"
    return {
        "Wording": v.name,
        "Its own words": " · ".join(other) or "–",
        "Passages": v.figures.agreement.items,
        "Agreement": shown(v.figures.agreement),
        "Kappa": shown(v.figures.kappa, kappa=True),
        "Precision": shown(v.figures.precision),
        "Recall": shown(v.figures.recall),
        "Gain": gain,
    }
