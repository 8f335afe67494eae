"""Cost: what vendors were paid, by model, job and day, and the budgets that hold it."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from html import escape

import streamlit as st

from goldsets import jobs, spending
from goldsets.evaluation.words import count
from pages.ui import charts, frame, url
from retrieval.cost import FILE, money
from retrieval.store import Workspace, ledger
from retrieval.store.ledger import By, Call, Line

PERIODS = {"all": "All", "30": "30 days", "7": "7 days", "1": "Today"}
TABLES: dict[str, By] = {"Model": "model", "Job": "job", "Day": "day"}
MOST = 8
"""Bars of a chart; what follows is one bar more."""
ERRORS = 50


def budgets(workspace: Workspace) -> None:
    """Show what is used of each budget, and let them be set."""
    st.markdown("**Budgets**")
    held = spending.held(workspace)
    st.html("".join(map(used, held)))
    limits = {budget.scope: budget.limit for budget in held}
    with st.form("budgets", border=False):
        wanted = {scope: dollars(label, limits[scope]) for label, scope in BUDGETS.items()}
        if st.form_submit_button("Set budgets", type="primary", width="stretch"):
            for scope, usd in wanted.items():
                ledger.set_budget(workspace, scope, usd)
            st.rerun()
    frame.quiet(
        "Dollars; empty is no budget. A call that would pass a budget is not made, nor, while there"
        " is one, a call whose price is not known."
    )


def dollars(label: str, limit: float | None) -> float | None:
    """Let an amount be given, or none: a field can be emptied where empty is its default."""
    key = f"{label}-{limit}"
    st.session_state.setdefault(key, limit)
    return st.number_input(
        label, min_value=0.0, value=None, format="%g", placeholder="no budget", key=key
    )


def used(budget: spending.Held) -> str:
    """Draw how much of a budget is used, where there is one."""
    bar = f"<div><i style='width:{budget.share:.0%}'></i></div>" if budget.limit is not None else ""
    return f"<div class='pn-held'>{escape(budget.said)}{bar}</div>"


BUDGETS: dict[str, ledger.Scope] = {
    "Each day (UTC)": "day",
    "Each job": "job",
    "The workspace, ever": "workspace",
}


def numbers(workspace: Workspace, since: str) -> None:
    """Show the sums of the period, and what is in flight."""
    total = spending.added_up(ledger.lines(workspace, "model", since))
    used = total.usage
    columns = st.columns([1.6, 1, 1.2, 1])
    unknown = total.unknown and not total.usd
    columns[0].metric("Spent", "unknown" if unknown else money(total.usd), border=True)
    columns[1].metric("Calls", f"{total.calls:,}", border=True)
    columns[2].metric("Tokens in", f"{used.tokens - used.output:,}", border=True)
    columns[3].metric("Tokens out", f"{used.output:,}", border=True)
    frame.quiet(" ".join(notes(workspace, total)))


def notes(workspace: Workspace, total: Line) -> Iterator[str]:
    """Say in HTML what the sums leave out, and what they hold that is not over."""
    if total.unknown:
        what = count(total.unknown, "call of unknown price is", "calls of unknown price are")
        path = escape(str(workspace.path / FILE))
        yield f"{what} in no sum; say what a model costs in <code>{path}</code>."
    flying, gone = spending.in_flight(workspace)
    if flying:
        yield f"{count(len(flying), 'call')} in flight, counted as is expected of them."
    if gone:
        yield f"{count(len(gone), 'call')} left by a process that is gone, counted as was expected."


def short(line: Line) -> str:
    """Write what calls cost in a word or two; calls of unknown price are never nothing."""
    if line.unknown and not line.usd:
        return "unknown"
    return money(line.usd) + (" + unknown" if line.unknown else "")


def by_day(lines: Sequence[Line]) -> None:
    """Draw each day from the first with a call to the last."""
    known = {str(line.name): line for line in lines}
    first, last = (date.fromisoformat(edge(known)) for edge in (min, max))
    days = [str(first + timedelta(days=i)) for i in range((last - first).days + 1)]
    rows = [
        (day, known[day].usd, short(known[day])) if day in known else (day, 0.0, "") for day in days
    ]
    charts.draw(charts.spent_by_day(rows), "by-day", "What was spent each day, in dollars")


def by_name(rows: Sequence[tuple[str, Line]], what: str) -> None:
    """Draw what the most expensive names cost, and the others together."""
    first, rest = [*rows[:MOST]], [line for _, line in rows[MOST:]]
    if rest:
        first.append((f"{count(len(rest), 'other')}", spending.added_up(rest)))
    drawn = [(name, line.usd, short(line)) for name, line in first]
    charts.draw(charts.spent_by_name(drawn), f"by-{what}", f"What was spent by {what}, in dollars")


def table(rows: Sequence[tuple[str, Line]], what: str) -> None:
    """Show every number of every line."""
    shown = [
        {
            what: name,
            "Spent": spending.paid(line),
            "Calls": line.calls,
            "Failed": line.failed,
            "Input": line.usage.input,
            "Output": line.usage.output,
            "Cache written": line.usage.cache_write,
            "Cache read": line.usage.cache_read,
            "Searches": line.usage.searches,
        }
        for name, line in rows
    ]
    numbers = {c: st.column_config.NumberColumn(format="localized") for c in list(shown[0])[2:]}
    wide = {c: st.column_config.Column(width=220) for c in (what, "Spent")}
    st.dataframe(shown, hide_index=True, key="lines", column_config={**wide, **numbers})


def errors(failed: Sequence[Call]) -> None:
    """List the calls that failed, newest first, and why."""
    st.subheader("Calls that failed", anchor=False)
    shown = [
        {
            "When": frame.when(call.begun),
            "Why": call.error,
            "Model": call.model,
            "Job": "" if call.job is None else str(call.job),
        }
        for call in failed
    ]
    widths = {"When": 150, "Why": 520, "Model": 200}
    st.dataframe(
        shown,
        hide_index=True,
        key="errors",
        height=min(35 * (len(shown) + 1) + 3, 320),
        column_config={c: st.column_config.Column(width=w) for c, w in widths.items()},
    )


def named(workspace: Workspace, by: By, since: str) -> list[tuple[str, Line]]:
    """Return the lines with their names for a person."""
    lines = ledger.lines(workspace, by, since)
    if by == "job":
        return [(spending.job_name(workspace, line.name), line) for line in lines]
    return [(str(line.name), line) for line in lines]


def overview(workspace: Workspace, since: str) -> None:
    """Show the sums since a day, and each day."""
    busy = jobs.at_work(workspace) or spending.in_flight(workspace)[0]
    st.fragment(numbers, run_every=3.0 if busy else None)(workspace, since)
    lines = ledger.lines(workspace, "day", since)
    if lines:
        st.markdown("**By day**")
        by_day(lines)
    else:
        st.info("No call was made in this time.")


def bars(workspace: Workspace, since: str) -> None:
    """Draw models and jobs side by side."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**By model**")
        by_name(named(workspace, "model", since), "model")
    with right:
        st.markdown("**By job**")
        by_name(named(workspace, "job", since), "job")


def details(workspace: Workspace, since: str) -> None:
    """List every number, and what failed."""
    with st.container(horizontal=True, vertical_alignment="center"):
        what = url.row("By", {t: t for t in TABLES}, "by", label_visibility="collapsed")
        st.download_button(
            "Download calls",
            lambda: spending.as_csv(ledger.calls(workspace, -1, since=since)),
            "calls.csv",
            "text/csv",
            icon=":material/download:",
        )
    table(named(workspace, TABLES[what], since), what)
    failed = ledger.calls(workspace, ERRORS, "failed", since)
    if failed:
        errors(failed)


with frame.page(
    "Cost", "What vendors were paid: every call stands in a ledger before it is made. Days are UTC."
) as workspace:
    left, right = st.columns([3, 1], gap="large")
    with right, st.container(border=True):
        budgets(workspace)
    with left:
        if not ledger.calls(workspace, 1):
            frame.empty(
                "No vendor has been called yet, so nothing was paid. What runs on this machine"
                " costs nothing; a vendor's model needs a key.",
                "Providers",
                "Set a vendor up and check it",
            )
        period = url.row("Period", PERIODS, "period", label_visibility="collapsed")
        since = spending.since(None if period == "all" else int(period))
        overview(workspace, since)
    if ledger.calls(workspace, 1, since=since):
        bars(workspace, since)
        details(workspace, since)
