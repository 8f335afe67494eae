"""Quality against what it takes: tokens to read, time to wait, money to pay."""

from collections.abc import Callable, Mapping
from typing import Any

from goldsets.evaluation.run import Run
from goldsets.evaluation.words import count
from goldsets.reporting.tints import leading
from pages.ui import charts, frame, read, url
from pages.ui.compare.choose import Chosen

AXES = {"tokens": "Tokens", "latency": "Latency", "money": "Money"}


def costs(chosen: Chosen) -> None:
    """Show every pipeline of the sweep, those joined that nothing else beats."""
    axis = url.row("Against", AXES, "cost", label_visibility="collapsed")
    title, of, note = _axis(chosen, axis)
    rows = {v["run"]: v for v in chosen.result["variants"]}
    spent = [of(run, rows[run.id]) for run in chosen.every]
    unknown = sum(cost is None for cost in spent)
    names = dict(zip([run.id for run in chosen.runs], chosen.comparison.letters, strict=True))
    shown = {run.id: chosen.colours[run.id] for run in chosen.runs}
    colours = leading(chosen.colours) | shown
    points = [
        charts.Spent(run.variant, cost, mean.mean, colours[run.id], names.get(run.id, ""))
        for run, cost, mean in zip(chosen.every, spent, chosen.whole.means, strict=True)
    ]
    figure = charts.frontier(points, chosen.measure, title, height=460)
    charts.draw(figure, f"cost-{axis}", f"{chosen.measure} against {title}")
    left_out = f" {count(unknown, 'pipeline')} left out: nobody knows of it." if unknown else ""
    frame.quiet(f"The line joins what nothing else beats for as little. {note}{left_out}")


Cost = Callable[[Run, Mapping[str, Any]], float | None]


def _axis(chosen: Chosen, axis: str) -> tuple[str, Cost, str]:
    """Return the title of an axis, what a run takes on it, and what is to be known of it."""
    if axis == "latency":
        return (
            "milliseconds a query, mean",
            lambda run, _: read.latency(chosen.board, run),
            "All queries went through a stage at once, on the machine that ran the sweep; building"
            " the index is not in it.",
        )
    if axis == "money":
        return (
            "US dollars to build the index and ask these queries, from nothing",
            lambda _, row: row.get("cost_usd"),
            "At list prices, whatever was kept from before.",
        )
    k = charts.tokens_cutoff(chosen.measure, chosen.result["variants"])
    return (
        f"tokens in the first {k} chunks, mean",
        lambda _, row: row["tokens_at"][str(k)],
        "Tokens are those that a reader of the context has to pay for.",
    )
