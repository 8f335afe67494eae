"""The views of Compare, of which one is drawn at a time."""

from html import escape

import numpy as np
import streamlit as st

from goldsets.evaluation.paired import Difference, family
from goldsets.evaluation.power import LEAST
from goldsets.evaluation.slices import DIMENSIONS, slices
from goldsets.evaluation.words import count, points, verdict
from pages.ui import forest, frame, read, unjudged, url
from pages.ui.compare import plots
from pages.ui.compare.choose import Chosen
from pages.ui.compare.queries import which
from pages.ui.unjudged import Open
from retrieval.types import Bool, Float64


def scatter(chosen: Chosen, variant: int) -> None:
    """Show the values of the baseline and a variant, a point a query."""
    c = chosen.comparison
    names = _named(chosen, variant)
    colours = chosen.colour(0), chosen.colour(variant)
    figure = plots.scatter(c.values[0], c.values[variant], _texts(chosen), names, colours)
    alt = f"{chosen.measure} of each query: {names[0]} across, {names[1]} up"
    _, middle, _ = st.columns([1, 2.2, 1])
    with middle:
        plots.clickable(figure, f"scatter-{chosen.runs[variant].id}", alt, _ids(chosen))
    frame.quiet(
        "Above the dotted line the variant is better. Queries of the same values form a spiral."
        " Click one to open it."
    )


def ranks(chosen: Chosen, variant: int) -> None:
    """Show where the first evidence of each query moved."""
    kind = which(chosen, variant)
    rows = chosen.comparison.rows(kind, variant)
    a, b = (
        read.first_ranks(chosen.board, chosen.runs[n], chosen.whole.measure.rel)
        for n in (0, variant)
    )
    if not len(rows):
        st.info("No query is like that.")
        return
    names = _named(chosen, variant)
    _, middle, _ = st.columns([1, 2.2, 1])
    with middle:
        colours = chosen.colour(0), chosen.colour(variant)
        figure = plots.slope(a, b, rows, _texts(chosen), names, colours)
        key = f"ranks-{kind}-{chosen.runs[variant].id}"
        plots.clickable(figure, key, "Ranks of the first evidence in both", _ids(chosen))
    frame.quiet(
        f"{count(len(rows), 'query', 'queries')}. In the variant's colour what came forward,"
        " in the baseline's what fell back; a thick line is"
        " several queries that moved alike, and a click opens the first of them."
    )


def sliced(chosen: Chosen, variant: int) -> None:
    """Show the difference on each slice of the queries, few queries said to be few."""
    by = url.row("Slice by", {d: d.capitalize() for d in DIMENSIONS}, "slice")
    c = chosen.comparison
    masks = slices(chosen.board.anchored, chosen.board.corpus, by)
    defined = ~np.isnan(c.deltas[variant - 1])
    masks = {name: mask & defined for name, mask in masks.items() if (mask & defined).any()}
    if not masks:
        st.info("No query that has a value is known by that.")
        return
    seen = np.stack([np.where(mask, c.deltas[variant - 1], np.nan) for mask in masks.values()])
    rows = [
        _slice(name, c.values[[0, variant]], mask, difference, chosen.colour(variant))
        for (name, mask), difference in zip(masks.items(), family(seen), strict=True)
    ]
    heads = ["Queries", *(c.letters[n] for n in (0, variant))]
    st.html(forest.table(rows, heads, chosen.colour(0), first=by.capitalize()))
    frame.quiet(
        f"A slice of fewer than {LEAST} queries has a mean and no interval: it would be too narrow."
        f" Better and worse are said by Holm over the {count(len(rows), 'slice')} shown."
    )


def _slice(
    name: str, values: Float64, mask: Bool, difference: Difference, colour: str
) -> forest.Row:
    few = difference.queries < LEAST
    said = f"{count(difference.queries, 'query', 'queries')}: too few to tell"
    return forest.Row(
        letter="",
        name=name,
        cells=[str(difference.queries), *(points(float(v[mask].mean())) for v in values)],
        said=said if few else verdict(vars(difference)),
        difference=vars(difference),
        sure=not few,
        colour=colour,
    )


def not_judged(chosen: Chosen, found: Open) -> None:
    """Say what unjudged passages leave open, and have the ones judged that decide."""
    c = chosen.comparison
    means = [d.mean for d in c.differences[1:]]
    if not found.alone:
        st.info(f"{chosen.measure} counts characters; passages without a label have no bounds.")
    unjudged.sentences(found, c.letters, means, chosen.measure)
    unjudged.decide(chosen.workspace, found, chosen.labels, c.gold.name)


def _named(chosen: Chosen, variant: int) -> tuple[str, str]:
    return escape(chosen.labels[0]), escape(chosen.labels[variant])


def _texts(chosen: Chosen) -> list[str]:
    return [query.text for query in chosen.comparison.gold.queries]


def _ids(chosen: Chosen) -> list[str]:
    return [query.id for query in chosen.comparison.gold.queries]
