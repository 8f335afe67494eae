"""The summary: each variant's difference to the baseline, drawn and in words."""

import streamlit as st

from goldsets.evaluation.words import interval, verdict
from pages.ui import forest, frame
from pages.ui.compare.choose import Chosen
from pages.ui.unjudged import Open

CASES = "Worst to best"


def summary(chosen: Chosen, found: Open) -> None:
    """Show means, differences, wins and losses, and what the data can say."""
    c = chosen.comparison
    means = [interval(vars(mean)) for mean in c.means]
    rows = [
        forest.Row(
            letter=c.letters[n],
            name=c.names[n],
            cells=[means[n], found.cases[n]] if found.cases else [means[n]],
            said=verdict(vars(difference)) if n else "the baseline",
            difference=vars(difference) if n else None,
            band=found.bands[n - 1] if n else None,
            colour=chosen.colour(n),
        )
        for n, difference in enumerate(c.differences)
    ]
    heads = [chosen.measure, CASES] if found.cases else [chosen.measure]
    st.html(forest.table(rows, heads, chosen.colour(0)))
    frame.quiet(_small_print(chosen, found))


def _small_print(chosen: Chosen, found: Open) -> str:
    compared = len(chosen.every) - 1
    among = "this one comparison" if compared == 1 else f"all {compared} comparisons of this sweep"
    band = " The light band: what unjudged passages could make of it; at an edge it goes on."
    return (
        "Points of a hundred; the line is the 95 % interval, drawn full where it tells: it lies"
        f" on one side of zero, and a randomisation test, by Holm over {among}, agrees."
        f"{band if any(found.bands) else ''}"
    )
