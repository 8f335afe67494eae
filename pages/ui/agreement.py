"""How far raters agree, in words and tables."""

from collections.abc import Mapping, Sequence

import streamlit as st

from goldsets import jobs
from goldsets.evaluation.measures import parse_measure
from goldsets.evaluation.power import phrase
from goldsets.labelling.agreement import Agreement, Estimate, report, verdict
from goldsets.labelling.evening import Night
from goldsets.labelling.pools import power_of
from goldsets.labelling.types import Item
from pages.ui import frame, read
from pages.ui.text import Mark, marked
from retrieval.runtime import Runtime
from retrieval.store import Workspace
from retrieval.types import Span


def of(night: Night) -> Agreement:
    """Work out the agreement of an evening; anew when there are 2 % more labels."""
    seen = len(night.labels)
    step = max(1, seen // 50)
    return _report(night, night.evening.id, seen // step, step, night.evening.settings)


@st.cache_data(max_entries=16, show_spinner=False)
def _report(_night: Night, evening: int, seen: int, step: int, settings: object) -> Agreement:
    tags = {q.query.id: q.query.tags for q in _night.queries}
    own = [x for x in _night.labels if x.kind == "label" and x.final]
    of_item = {i.id: tags.get(i.query, ()) for i in _night.items}
    decided = _night.evening.settings
    return report(own, of_item, len(decided.grades), decided.answers_from)


def sentence(night: Night) -> str:
    """Say how far the raters agree."""
    return verdict(of(night))


MEASURE = "R@20"


def power(workspace: Workspace, night: Night) -> str:
    """Say what differences the evening's queries can tell apart, as far as they are judged."""
    answered = sum(q.answered for q in night.queries)
    if jobs.at_work(workspace):
        return ""
    return _power(workspace, night, night.evening.goldset, night.gold.version, answered)


@st.cache_data(max_entries=64, show_spinner=False)
def _power(
    _workspace: Workspace, _night: Night, goldset: str, gold_version: str, answered: int
) -> str:
    rt, corpus = Runtime(_workspace), read.corpus(_workspace, _night.gold.corpus)
    return phrase(power_of(_night.gold, corpus, parse_measure(MEASURE), rt), MEASURE)


def show(night: Night, t: Mapping[str, str]) -> None:
    """Show agreement overall, by pair, by rater and by tag."""
    if night.evening.settings.raters < 2:
        st.info(t["alone"])
        return
    found = of(night)
    st.html(f"<p class='pn-verdict'>{sentence(night)}</p>")
    if not found.shared_items:
        return
    names = {m.id: m.name for m in night.members}
    columns = st.columns(3)
    columns[0].metric("Krippendorff's alpha, ordinal", _range(found.alpha), border=True)
    columns[1].metric("Marked characters, F1", _range(found.spans), border=True)
    columns[2].metric("Items with two grades", f"{found.shared_items:,}", border=True)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**By pair** (Cohen's kappa, linear weights)")
        rows = [
            {
                "Pair": " & ".join(names[r] for r in k.raters),
                "Kappa": _number(k.weighted),
                "Items": k.items,
            }
            for k in found.kappas
        ]
        st.dataframe(rows, hide_index=True)
    with right:
        st.markdown("**By rater** (alpha of the items each shares)")
        _table({names[r]: e for r, e in found.per_rater.items()}, "Rater")
        if found.per_tag:
            st.markdown("**By tag**")
            _table(found.per_tag, "Tag")
    frame.quiet("Intervals: 95 %, items resampled. Alpha is 1 for perfect agreement, 0 for chance.")


def _table(estimates: dict[str, Estimate], first: str) -> None:
    rows = [{first: name, "Alpha": _range(e), "Items": e.items} for name, e in estimates.items()]
    st.dataframe(rows, hide_index=True)


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}"


def _range(e: Estimate) -> str:
    if e.value is None or e.low is None or e.high is None:
        return _number(e.value)
    return f"{e.value:.2f} ({e.low:.2f} to {e.high:.2f})"


def passage(text: str, item: Item, spans: Sequence[Span]) -> str:
    """Draw a passage with what somebody marked in it, as HTML."""
    low = min([item.start, *(s.start for s in spans)])
    high = max([item.end, *(s.end for s in spans)])
    body = marked(text, low, high, [Mark(s.start, s.end, "grade3") for s in spans])
    return f"<div class='pn-doc' style='max-height:22rem;overflow-y:auto'>{body}</div>"
