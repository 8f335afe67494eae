"""Dashboard: how retrieval does over time, for a team's wall; it refreshes by itself."""

from collections.abc import Mapping
from html import escape

import streamlit as st

from goldsets import spending
from goldsets.evaluation.words import count, interval, points
from goldsets.reporting import history
from goldsets.reporting.history import Point, Series
from pages.ui import charts, frame, url
from pages.ui.history import trend
from retrieval.cost import money
from retrieval.store import Workspace, ledger

EVERY = 10.0
"""Seconds between two looks."""
MOST = 6
"""Queues that are listed."""
RATED = ("another gold set", "other grades")
"""What keeps the agreement of two evenings apart."""
MARKS = {"cannot tell": " Hollow: nobody could tell.", "fail": " A cross: the gate failed."}
NAMES = {"gate": "Gate {}", "sweeps": "Leaders of the sweeps on {}"}


@st.fragment(run_every=EVERY)
def wall(workspace: Workspace) -> None:
    """Show the trends as they stand."""
    every = {f"{s.kind}-{s.name}": s for s in history.series(workspace)}
    if every:
        _trends(every)
    else:
        frame.missing(
            "Nothing to draw yet: no sweep has finished, and no gate was checked. Start a sweep, or"
            " bring the checks of your CI with `pizza import-check`.",
            "Sweep",
            "Go to Sweep",
        )
    below = st.columns(3, gap="large")
    with below[0]:
        _queues(workspace)
    with below[1]:
        _agreement(list(history.agreement(workspace)))
    with below[2]:
        _cost(workspace)


def _trends(every: Mapping[str, Series]) -> None:
    labels = {key: NAMES[s.kind].format(s.name) for key, s in every.items()}
    left, right = st.columns([1.6, 1], vertical_alignment="bottom")
    with left:
        chosen = every[url.one("Trend", labels, "trend")]
    with right:
        measure = url.one("Measure", {m: m for m in chosen.points}, "measure")
    _trend(chosen, measure)


def _trend(chosen: Series, measure: str) -> None:
    found = chosen.points[measure]
    last = found[-1]
    said = f"{measure} {interval({'mean': last.mean, 'low': last.low, 'high': last.high})}"
    outcome = f"{last.outcome}: " if last.outcome else ""
    st.html(f"<p class='pn-verdict'>{escape(f'{outcome}{said}, {last.label}')}</p>")
    charts.draw(trend(found, measure), "trend", f"{measure} over time")
    number = count(len(found), "point")
    apart = " No line joins points that another gold set or definition of the measure scored."
    marks = [said for outcome, said in MARKS.items() if any(p.outcome == outcome for p in found)]
    frame.quiet(
        f"{number} with 95 % intervals, the last {escape(frame.when(last.when))}."
        f"{apart if len(history.comparable(found)) > 1 else ''}{''.join(marks)}"
        f" {last.made}"
    )


def _queues(workspace: Workspace) -> None:
    st.markdown("**Waiting for people**")
    waiting = list(history.queues(workspace))
    for said, page in waiting[:MOST]:
        _link(page, said)
    if len(waiting) > MOST:
        frame.quiet(f"And {len(waiting) - MOST} more.")
    if not waiting:
        frame.quiet("Nothing waits: no passage to judge, no dispute, no query to review.")
        _link("Pizza night", "Start an evening")


def _link(page: str, label: str) -> None:
    path, icon = frame.PAGES[page]
    st.page_link(path, label=label, icon=icon)


def _agreement(found: list[Point]) -> None:
    st.markdown("**Agreement of the raters**")
    if found:
        charts.draw(
            trend(found, "alpha", 190, RATED), "agreement", "Krippendorff's alpha by evening"
        )
        frame.quiet(f"Krippendorff's alpha; {escape(found[-1].label)}: {points(found[-1].mean)}.")
    else:
        frame.quiet("No evening has passages that two people judged: let two judge each passage.")
        _link("Pizza night", "Start an evening")


def _cost(workspace: Workspace) -> None:
    st.markdown("**Cost**")
    lines = ledger.lines(workspace, "day", spending.since(30))
    total = spending.added_up(lines)
    if lines:
        days = [(str(line.name), line.usd, money(line.usd)) for line in lines]
        charts.draw(charts.spent_by_day(days), "cost", "Dollars by day")
    frame.quiet(f"{spending.paid(total) if lines else 'Nothing was paid'} in the last 30 days.")


with frame.page("Dashboard", "How retrieval does over time; it refreshes by itself.") as workspace:
    wall(workspace)
