"""Compare in Streamlit's own test harness: every view, and that all of them agree."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from lxml import html
from streamlit.testing.v1 import AppTest

from goldsets import sample
from goldsets.evaluation.beside import query_seconds
from goldsets.evaluation.measures import parse_measure
from goldsets.evaluation.pair import laid
from goldsets.evaluation.paired import compared
from goldsets.evaluation.sweep import Board
from goldsets.evaluation.words import points, verdict
from goldsets.outside.bring import bring_run
from goldsets.store import evenings, gold, labels, open_workspace, runs
from retrieval.runtime import Runtime
from retrieval.store import artifacts, corpora
from tests.pages.sweeping import LEXICAL, swept, with_sweep

pytestmark = pytest.mark.slow

COMPARE = "pages/compare.py"


def bodies(test: AppTest) -> str:
    return " ".join(h.proto.body for h in test.get("html"))


def forests(test: AppTest) -> Iterator[list[list[str]]]:
    """Return the text of the cells of each forest, row by row."""
    for element in test.get("html"):
        if element.proto.body.startswith("<table class='pn-forest'"):
            rows = html.fromstring(element.proto.body).findall(".//tr")
            yield [[cell.text_content() for cell in row] for row in rows]


def quiet(test: AppTest) -> str:
    return " ".join(re.findall(r"<p class='pn-quiet'>(.*?)</p>", bodies(test)))


def figures(test: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in test.get("plotly_chart")]


def test_the_summary_agrees_with_the_sweep(opened, sampled):
    result = runs.sweeps(open_workspace(sampled))[0]
    rows = {v["name"]: v for v in result["variants"]}
    chosen = [v["run"] for v in result["variants"] if v["name"] != result["baseline"]]
    test = opened(COMPARE, sampled, measure="R@5", variants="~".join(chosen))
    ((head, first, *others),) = forests(test)
    assert head[1:4] == ["Pipeline", "R@5", "Worst to best"]
    assert (first[0], first[1], first[-1]) == ("A", result["baseline"], "the baseline")
    assert [row[0] for row in others] == ["B", "C", "D"]
    for row in others:
        e = rows[row[1]]["differences"]["R@5"]
        assert row[-1] == verdict(e)
        ties = e["queries"] - e["wins"] - e["losses"]
        assert row[-2] == f"{e['wins']} · {ties} · {e['losses']}"
        mean, (low, high) = float(row[2].split()[0]), map(float, row[3].split(" to "))
        assert low <= mean <= high <= 100
    assert "by Holm over all 3 comparisons of this sweep" in quiet(test)


def test_fewer_that_are_shown_are_tested_among_all(opened, sampled):
    """What is said of a variant does not depend on which others are looked at."""
    result = runs.sweeps(open_workspace(sampled))[0]
    one = next(v for v in result["variants"] if v["name"] != result["baseline"])
    test = opened(COMPARE, sampled, measure="R@5", variants=one["run"])
    ((_, _, row),) = forests(test)
    assert row[-1] == verdict(one["differences"]["R@5"])
    assert one["differences"]["R@5"]["compared"] == 3


def test_another_baseline_is_compared_anew(opened, sampled):
    workspace = open_workspace(sampled)
    result = runs.sweeps(workspace)[0]
    ids = [v["run"] for v in result["variants"]]
    test = opened(COMPARE, sampled, measure="R@20", baseline=ids[2], variants=ids[0])
    held = gold.read(workspace, sample.NAME)
    board = Board(held, corpora.read(workspace, sample.NAME), Runtime(workspace))
    values = []
    for run in runs.read(workspace, ids):
        index, ids_ = laid(board, run).index, run.aligned(held)[0]
        values.append(board.values(index, ids_, [parse_measure("R@20")])[0])
    expected = compared(np.stack(values), 2)[0]
    ((_, _, row),) = forests(test)
    assert row[-1] == verdict(vars(expected))


def test_a_run_of_an_earlier_version_is_left_out_unless_it_is_asked_for(opened, sampled, copied):
    workspace = copied(sampled)
    result = runs.sweeps(workspace)[0]
    first, one, other, old = (v["run"] for v in result["variants"])
    with workspace.write() as db:
        db.execute(
            "UPDATE runs SET stages = json_set(stages, '$.chunking', 'before') WHERE id = ?", [old]
        )
    test = opened(COMPARE, workspace.path, baseline=first, variants=f"{one}~{other}")
    assert not test.error
    assert "1 pipeline of an earlier version left out" in test.info[0].value
    assert "by Holm over all 2 comparisons" in quiet(test)
    test = opened(COMPARE, workspace.path, baseline=first, variants=old)
    assert "start its sweep again" in test.error[0].value


def test_the_url_brings_back_the_measure_and_the_query(opened, sampled):
    test = opened(COMPARE, sampled, measure="EvidenceRecall@4000tok", query="and-or-result")
    assert test.selectbox(key="in-measure").value == "EvidenceRecall@4000tok"
    assert "short circuit and / or result value" in [s.value for s in test.subheader]


def test_a_filter_of_compare_counts_what_it_shows(opened, sampled):
    test = opened(COMPARE, sampled, show="failed")
    shown = test.dataframe[0].value
    assert len(shown) > 3
    assert (shown[["A", "B", "C"]].max(axis=1) == 0).all()
    offered = [o.content for group in test.get("button_group") for o in group.proto.options]
    assert f"Failed by all {len(shown)}" in offered


def test_a_point_a_query_in_the_scatter(opened, sampled):
    test = opened(COMPARE, sampled, view="scatter", measure="R@5")
    (figure,) = figures(test)
    ((_, _, first, _),) = ([*rows] for rows in forests(test))
    wins, ties, losses = map(int, first[-2].split(" · "))
    numbers = {trace["name"]: len(trace["customdata"]) for trace in figure["data"]}
    assert numbers == {"wins": wins, "ties": ties, "losses": losses}


def test_the_slope_chart_has_the_queries_of_the_filter(opened, sampled):
    test = opened(COMPARE, sampled, view="ranks", measure="R@5", show="different")
    (figure,) = figures(test)
    ((_, _, first, _),) = ([*rows] for rows in forests(test))
    wins, _, losses = map(int, first[-2].split(" · "))
    assert f"{wins + losses} queries" in quiet(test)
    assert figure["layout"]["yaxis"]["ticktext"][-1] == "not found"


def test_slices_say_how_many_queries_they_have(opened, sampled):
    test = opened(COMPARE, sampled, view="slices", measure="R@5")
    _, (head, *rows) = forests(test)
    assert head[1:5] == ["Tag", "Queries", "A", "B"]
    named = {row[1]: row for row in rows}
    held = gold.read(open_workspace(sampled), sample.NAME)
    for tag, row in named.items():
        size = sum(tag in q.tags and not held.unanswerable(q) for q in held.queries)
        assert int(row[2]) == size
        if size < 20:
            assert row[-1] == f"{size} queries: too few to tell"
    assert "no-answer" not in named
    assert "by Holm over the 7 slices" in quiet(test)


@pytest.mark.parametrize("by", ["kind", "language", "document type", "needs", "origin"])
def test_every_dimension_slices(opened, sampled, by):
    test = opened(COMPARE, sampled, view="slices", slice=by)
    assert not test.exception
    _, (head, *rows) = forests(test)
    assert head[1] == by.capitalize()
    assert rows


def test_a_random_sample_is_drawn_by_its_seed(opened, sampled):
    test = opened(COMPARE, sampled, view="sample", measure="R@20", seed="5")
    read = [b.key for b in test.button if (b.key or "").startswith("open-")]
    assert "Seed 5" in quiet(test)
    again = opened(COMPARE, sampled, view="sample", measure="R@20", seed="5")
    assert read == [b.key for b in again.button if (b.key or "").startswith("open-")]
    next(b for b in again.button if b.label == "Draw again").click().run()
    assert again.query_params["seed"] == "6"
    assert "Seed 6" in quiet(again)


def test_a_query_of_the_sample_opens_among_the_others(opened, sampled):
    test = opened(COMPARE, sampled, view="sample", measure="R@20")
    button = next(b for b in test.button if (b.key or "").startswith("open-"))
    button.click().run()
    assert not test.exception
    assert test.query_params["view"] == "queries"
    assert test.query_params["query"] == button.key.removeprefix("open-")
    assert len(test.subheader) == 1


@pytest.mark.parametrize("seed", ["x", "-1", "9" * 40, "²"])
def test_a_seed_that_is_none_is_the_first(opened, sampled, seed):
    assert "Seed 1;" in quiet(opened(COMPARE, sampled, view="sample", seed=seed))


def test_every_pair_is_told(opened, sampled):
    workspace = open_workspace(sampled)
    result = runs.sweeps(workspace)[0]
    chosen = [v["run"] for v in result["variants"] if v["name"] != result["baseline"]]
    test = opened(COMPARE, sampled, view="pairs", measure="R@20", variants="~".join(chosen))
    (body,) = [h.proto.body for h in test.get("html") if "<table class='pn-pairs'" in h.proto.body]
    head, *rows = html.fromstring(body).findall(".//tr")
    assert [cell.text_content() for cell in head] == ["", "A", "B", "C", "D"]
    means = {v["name"]: v["measures"]["R@20"]["mean"] for v in result["variants"]}
    names = [result["baseline"], *(v["name"] for v in result["variants"] if v["run"] in chosen)]
    for i, row in enumerate(rows):
        cells = [cell.text_content() for cell in row]
        assert cells[0].startswith("ABCD"[i])
        for j, cell in enumerate(cells[1:]):
            gained = points(means[names[i]] - means[names[j]], signed=True)
            assert cell == ("" if i == j else gained)
    assert "by Holm over 6 pairs" in quiet(test)


def test_what_a_point_costs(opened, sampled):
    workspace = open_workspace(sampled)
    result = runs.sweeps(workspace)[0]
    (figure,) = figures(opened(COMPARE, sampled, view="costs", measure="R@5"))
    x = [round(v, 1) for trace in figure["data"] for v in trace["x"]]
    assert sorted(x) == sorted(v["tokens_at"]["5"] for v in result["variants"])
    (figure,) = figures(opened(COMPARE, sampled, view="costs", cost="latency"))
    held = gold.read(workspace, sample.NAME)
    board = Board(held, corpora.read(workspace, sample.NAME), Runtime(workspace))
    every = runs.read(workspace, [v["run"] for v in result["variants"]])
    x = [v for trace in figure["data"] for v in trace["x"]]
    expected = sorted(1000 * query_seconds(board, run) for run in every)
    assert sorted(x) == pytest.approx(expected)


def test_a_price_that_is_not_known_is_left_out_and_said(opened, sampled, copied):
    workspace = copied(sampled)
    result = runs.sweeps(workspace)[0]
    result["variants"][0]["cost_usd"] = None
    runs.keep_sweep(workspace, 1, sample.NAME, result)
    test = opened(COMPARE, workspace.path, view="costs", cost="money")
    (figure,) = figures(test)
    assert sum(len(trace["x"]) for trace in figure["data"]) == 3
    assert "1 pipeline left out" in quiet(test)


def lists(test: AppTest) -> list[dict]:
    """Return what the component of the two lists is given."""
    (component,) = test.get("bidi_component")
    return json.loads(component.proto.json)


def test_an_opened_query_shows_the_lists_of_both_and_of_every_stage(opened, sampled):
    test = opened(COMPARE, sampled, query="and-or-result", measure="R@5")
    data = lists(test)
    for side in data["sides"]:
        ranks = [card["rank"] for card in side["cards"]]
        assert ranks[:10] == list(range(1, 11))
        found = [card["rank"] for card in side["cards"] if card["found"]]
        expected = (
            f"The first evidence is at rank {found[0]}."
            if found
            else f"No evidence in its {ranks[-1]} passages."
        )
        assert side["note"] == expected or not found
    for left, right in data["lines"]:
        a, b = data["sides"][0]["cards"][left], data["sides"][1]["cards"][right]
        assert not a["alone"]
        assert not b["alone"]
    boxes = [box for box in test.selectbox if (box.key or "").startswith("box-")]
    assert [box.label for box in boxes] == ["List of A", "List of B"]
    assert boxes[0].options == ["what it returns", "BM25"]
    boxes[0].set_value("BM25").run()
    assert not test.exception
    assert not test.info
    assert lists(test)["sides"][0]["cards"][0]["rank"] == 1


def test_a_stage_that_is_not_kept_says_so(opened, sampled, copied):
    workspace = copied(sampled)
    with workspace.write() as db:
        db.execute("DELETE FROM artifacts WHERE stage = 'BM25'")
    assert artifacts.known(workspace, []) == set()
    test = opened(COMPARE, workspace.path, query="and-or-result")
    box = next(b for b in test.selectbox if (b.key or "").startswith("box-"))
    box.set_value("BM25").run()
    assert not test.exception
    assert any("the list of BM25 is not kept" in i.value for i in test.info)


@pytest.mark.parametrize("view", ["queries", "scatter", "ranks", "slices", "sample", "unjudged"])
def test_a_run_from_outside_is_compared_in_every_view(opened, sampled, copied, view):
    """One of its hits is nowhere in the corpus, which no view trips over."""
    workspace = copied(sampled)
    hits = [{"text": "This passage is nowhere in it, <b>nor</b> anything like it."}]
    lines = []
    for query in gold.read(workspace, sample.NAME).queries:
        held = gold.read(workspace, sample.NAME).of(query)
        own = [{"document": e.document, "start": e.start, "end": e.end} for e in held]
        lines.append(json.dumps({"id": query.id, "hits": [*hits, *own]}))
    file = workspace.path / "run.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    bring_run(workspace, "jsonl", file, sample.NAME, "ours")
    swept(workspace, sample.NAME, {**LEXICAL, "variants": {"ours": {"run": "ours"}}})
    result = runs.sweeps(workspace)[0]
    ours = next(v["run"] for v in result["variants"] if v["name"] == "ours")
    test = opened(COMPARE, workspace.path, variants=ours, view=view, query="and-or-result")
    assert not test.error
    assert next(forests(test))[2][-1].startswith("better by")
    if view == "queries":
        cards = lists(test)["sides"][1]["cards"]
        assert (cards[0]["where"], cards[0]["alone"]) == ("Not found in the corpus", True)
        assert cards[0]["parts"] == [[hits[0]["text"], ""]]
        assert cards[1]["found"]
        boxes = [box.label for box in test.selectbox if (box.key or "").startswith("box-")]
        assert boxes == ["List of A"]
    latency = opened(COMPARE, workspace.path, variants=ours, view="costs", cost="latency")
    assert "1 pipeline left out" in quiet(latency)


def sentences(test: AppTest) -> list[str]:
    """Return what Compare says of each variant and what nobody has judged."""
    return re.findall(r"<p class='pn-lead'>(.*?)</p>", bodies(test))


def test_compare_says_what_unjudged_passages_could_make_of_it(opened, sampled):
    test = opened(COMPARE, sampled, measure="R@5", view="unjudged")
    said = sentences(test)
    assert [s[0] for s in said] == ["B", "C"]
    assert all("unjudged passages could make" in s for s in said)
    assert any(b.label == "Label these 20 items to decide A against B" for b in test.button)


def test_a_measure_of_characters_says_nothing_of_them(opened, sampled):
    test = opened(COMPARE, sampled, measure="EvidenceRecall@4000tok", view="unjudged")
    ((head, *_),) = forests(test)
    assert "Worst to best" not in head
    assert sentences(test) == []
    assert not test.button


def test_ideals_of_two_chunkings_are_not_bounded_together(opened, sampled, copied):
    workspace = copied(sampled)
    with_sweep(workspace, {**LEXICAL, "measures": ["nDCG@10"]})
    first, *others = [v["run"] for v in runs.sweeps(workspace)[0]["variants"]]
    chosen = "~".join(others)
    test = opened(COMPARE, workspace.path, baseline=first, variants=chosen, view="unjudged")
    ((head, *_),) = forests(test)
    assert "Worst to best" in head
    said = sentences(test)
    assert said[0].startswith("B leads A") or said[0].startswith("B trails A")
    assert said[1:] == [
        "Between chunkings nDCG@10 has no bounds: what unjudged passages could make of C, D against"
        " A is not known."
    ]


@pytest.mark.parametrize(
    "view", ["queries", "scatter", "ranks", "slices", "sample", "pairs", "costs"]
)
def test_where_all_evidence_was_withdrawn_every_view_stands(opened, sampled, copied, view):
    workspace = copied(sampled)
    held = gold.read(workspace, sample.NAME)
    gold.write(workspace, replace(held, evidence={}), "test")
    test = opened(COMPARE, workspace.path, measure="R@5", view=view)
    assert not test.error
    ((_, _, row, _),) = forests(test)
    assert row[-1] == "cannot tell: no query defines it"


def test_the_button_puts_the_items_into_an_evening_and_links_to_it(opened, sampled, copied):
    workspace = copied(sampled)
    test = opened(COMPARE, workspace.path, measure="R@5", view="unjudged")
    test.number_input(key="items").set_value(7).run()
    next(b for b in test.button if b.label.startswith("Label these 7 items")).click().run()
    assert not test.exception
    assert not test.error
    evening = evenings.named(workspace, "decide")
    assert evening.goldset == sample.NAME
    assert len(labels.items(workspace, evening)) == 7
    link = next(x.proto for x in test.get("page_link") if "7 items to label" in x.proto.label)
    assert link.query_string == "evening=decide&rater=me"


@pytest.mark.parametrize("page", ["app.py", "pages/sweep.py", COMPARE])
def test_every_page_begins_with_recall_at_20(opened, sampled, page):
    result = runs.sweeps(open_workspace(sampled))[0]
    assert result["measures"][0] == "R@5"
    said = bodies(opened(page, sampled))
    assert "R@20" in said
    assert "R@5" not in said
