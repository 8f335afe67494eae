"""A pipeline has one colour: in every plot, on every page and in a report."""

import re
from collections.abc import Iterator

import pytest
from lxml import html
from streamlit.testing.v1 import AppTest

from goldsets.reporting.facts import asked_of, facts
from goldsets.reporting.report import rendered
from goldsets.reporting.tints import BASELINE, LEADERS, REST
from goldsets.store import open_workspace, runs
from tests.pages.test_compare import COMPARE, figures

pytestmark = pytest.mark.slow

Seen = Iterator[tuple[str, str]]
"""A pipeline's name with a colour it was drawn in."""


def by_name(test: AppTest) -> Seen:
    """Take the colours of the leaderboard and of quality against cost."""
    for trace in (trace for figure in figures(test) for trace in figure["data"]):
        names = trace.get("hovertext") or [y.removesuffix(" (baseline)") for y in trace["y"]]
        colours = trace["marker"]["color"]
        yield from zip(
            names, [colours] * len(names) if isinstance(colours, str) else colours, strict=True
        )


def forest(test: AppTest) -> Seen:
    """Take the colours of the summary, and of the baseline's losses."""
    table = next(h.proto.body for h in test.get("html") if "pn-forest" in h.proto.body)
    tree = html.fromstring(table)
    rows = tree.findall(".//tbody/tr")
    names = [row.findall("td")[1].text_content() for row in rows]
    yield from zip(names, [row.get("style").removeprefix("--row:") for row in rows], strict=True)
    yield names[0], tree.get("style").removeprefix("--baseline:")


def pair(test: AppTest) -> Seen:
    """Take the colours of wins and losses of the scatter plot; ties are nobody's."""
    (a, _), (b, _), *_ = forest(test)
    (figure,) = figures(test)
    colours = {trace["name"]: trace["marker"]["color"] for trace in figure["data"]}
    assert colours["ties"] == REST
    yield from ((a, colours["losses"]), (b, colours["wins"]))


def lines(test: AppTest) -> Seen:
    """Take the colours of what fell back and what came forward."""
    (a, _), (b, _), *_ = forest(test)
    (figure,) = figures(test)
    for trace in figure["data"]:
        before, after = trace["y"][:2]
        if before != after:
            yield (b if after < before else a), trace["line"]["color"]


def report(page: str) -> Seen:
    """Take the colours of each forest and of the frontier, by the names in their titles."""
    drawn = r"<title>([^<]*?): \d[^<]*</title>(?:(?!</g>).)*?<circle fill='(#\w{6})'"
    yield from re.findall(drawn, page)


@pytest.mark.parametrize("measure", ["R@5", "R@20"])
def test_a_pipeline_has_one_colour(opened, sampled, measure: str) -> None:
    workspace = open_workspace(sampled)
    (result,) = runs.sweeps(workspace)
    names = [v["name"] for v in result["variants"]]
    ids = {v["name"]: v["run"] for v in result["variants"]}
    base = ids[result["baseline"]]
    others = "~".join(run for run in ids.values() if run != base)
    asked = {"measure": measure, "variants": others}
    made = facts(workspace, asked_of(workspace, measures=[measure]))
    seen = [
        *by_name(opened("app.py", sampled)),
        *by_name(opened("pages/sweep.py", sampled, measure=measure)),
        *forest(opened(COMPARE, sampled, **asked)),
        *forest(opened(COMPARE, sampled, measure=measure, baseline=ids[names[-1]], variants=base)),
        *pair(opened(COMPARE, sampled, view="scatter", **asked)),
        *lines(opened(COMPARE, sampled, view="ranks", **asked)),
        *by_name(opened(COMPARE, sampled, view="costs", **asked)),
        *report(rendered(made, "html").decode()),
    ]
    colours = {name: {colour for n, colour in seen if n == name} for name in names}
    assert {n for n, _ in seen} == set(names)
    assert all(len(own) == 1 for own in colours.values()), colours
    assert colours[result["baseline"]] == {BASELINE}
    assert sorted(c for own in colours.values() for c in own) == sorted([BASELINE, *LEADERS[:3]])
