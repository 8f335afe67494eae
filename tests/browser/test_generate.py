"""Generate, the whole road: labels by keys, a judge in character, planted faults, review, trust.

The model server stands on this machine; what it gets wrong is planted, and so is known.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from goldsets.generation import labelled, review, work
from goldsets.generation.spec import generation_of
from goldsets.store import generations, gold, open_workspace
from goldsets.types import Evidence, GoldSet, Query
from retrieval.store import Workspace, corpora
from tests.browser.conftest import serving, settled, shot
from tests.goldsets.generation.author import COUNTS, PLANTS, SURVIVE, Author, planted
from tests.goldsets.generation.conftest import SPEC, answering
from tests.pages.sweeping import swept

REAL = 24
DRAWN = sum(PLANTS.values())
SWEEP = {
    "variants": {
        "words": {"chunk": "Given", "first": ["BM25"]},
        "identifiers": {"chunk": "Given", "first": [{"BM25": {"tokenize": "Identifiers"}}]},
        "bigrams": {"chunk": "Given", "first": [{"BM25": {"tokenize": "HangulBigrams"}}]},
    },
    "measures": ["RR@10"],
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """The planted corpus with real queries, and a generation begun on it."""
    workspace, corpus = open_workspace(tmp_path / "workspace"), planted()
    corpora.write(workspace, "planted", corpus.documents)
    asked = [
        (Query(f"q{i}", f"which part is first in rule {i}"), d)
        for i, d in enumerate(corpus.documents[:REAL])
    ]
    evidence = {q.id: (Evidence.of(d.id, d.text, 0, len(d.text)),) for q, d in asked}
    gold.write(workspace, GoldSet("made", "planted", tuple(q for q, _ in asked), evidence), "ann")
    labelled.draw(workspace, work.begin(workspace, generation_of(SPEC), "planted", "made").id)
    return workspace


@pytest.fixture
def address(workspace: Workspace) -> Iterator[str]:
    with answering(Author()), serving(workspace.path, PIZZA_NO_SAMPLE="1") as address:
        yield address


def press(page: Page, key: str) -> None:
    page.keyboard.press(key)
    settled(page)


def label_by_keys(page: Page, number: int) -> int:
    """Say of each passage what was planted; return how many were said to speak to the model."""
    hostile = 0
    for done in range(number):
        text = page.locator(".pn-passage").inner_text()
        named = page.get_by_text("It speaks to the model").count()
        assert named == ("Ignore all previous" in text)
        hostile += named
        press(page, "n" if "plant: unworthy" in text else "y")
        expect(page.locator(".pn-progress")).to_contain_text(f"{done + 1} of ")
        settled(page)
    return hostile


def test_the_whole_road(page: Page, workspace: Workspace, address: str) -> None:
    page.goto(f"{address}/generate")
    expect(page.get_by_text("0 of 30 to begin with")).to_be_visible()
    settled(page)
    shot(page, "generate-passages")
    hostile = label_by_keys(page, DRAWN)
    assert hostile == PLANTS["obeyed"]
    press(page, "u")
    expect(page.locator(".pn-progress")).to_contain_text(f"{DRAWN - 1} of {DRAWN}")
    assert len(generations.labels(workspace, 1)) == DRAWN - 1
    press(page, "n" if "plant: unworthy" in page.locator(".pn-passage").inner_text() else "y")

    page.get_by_role("button", name="Compare the judge with you").click()
    page.get_by_role("button", name=f"Ask about {DRAWN} passages").click()
    expect(page.get_by_text("The judge agrees with people on 100.0 of 100")).to_be_visible()
    expect(page.get_by_text("2 answers could not be read")).to_be_visible()
    expect(page.get_by_text("Nowhere on the half that criteria are worded on")).to_be_visible()
    settled(page)
    words = page.get_by_label("complete", exact=True)
    words.fill("It says something.")
    words.press("Control+Enter")
    page.get_by_role("button", name="Ask with these words").click()
    expect(page.get_by_text("Wordings side by side, on the held-out half")).to_be_visible()
    expect(page.get_by_text("The judge agrees with people on 9")).to_be_visible()
    settled(page)
    shot(page, "generate-judge")
    assert [w.generation for w in labelled.wordings(workspace, 2)] == [1, 2]

    page.goto(f"{address}/generate?generation=1&view=write")
    expect(page.get_by_text("to write queries with")).to_be_visible()
    settled(page)
    shot(page, "generate-write")
    page.get_by_role("button", name="Write queries").click()
    page.get_by_role("button", name="Review them").click()
    expect(page.get_by_text("in the gold set")).to_be_visible()
    settled(page)
    bars = page.locator(".pn-held").all_inner_texts()
    assert {bar.splitlines()[0]: bar.splitlines()[-1] for bar in (b.strip() for b in bars)} == {
        "written": str(SURVIVE + sum(COUNTS.values())),
        **{name: f"−{n}" for name, n in COUNTS.items() if n},
        "in the gold set": str(SURVIVE),
    }
    shot(page, "generate-review")

    first = page.locator("h3").last.inner_text()
    press(page, "k")
    expect(page.get_by_text("1 query reviewed")).to_be_visible()
    second = page.locator("h3").last.inner_text()
    assert second != first
    press(page, "e")
    page.get_by_label("The query, as a user would type it").fill("what nobody asked before")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("2 queries reviewed")).to_be_visible()
    settled(page)
    third = page.locator("h3").last.inner_text()
    press(page, "d")
    expect(page.get_by_text(f"Show To review ({SURVIVE - 3})")).to_have_count(0)
    expect(page.get_by_text(f"2 queries reviewed, {SURVIVE - 3} not")).to_be_visible()
    settled(page)
    held = gold.read(workspace, "made").queries
    texts = {q.text: q.reviewed for q in held if q.synthetic}
    assert texts[first]
    assert texts["what nobody asked before"]
    assert third not in texts
    assert second not in texts
    assert review.table(workspace, 1).counts["dropped"] == 1

    swept(workspace, "made", SWEEP)
    page.goto(f"{address}/generate?generation=1&view=trust")
    expect(page.get_by_text(f"{REAL} real queries and {SURVIVE - 1} synthetic")).to_be_visible()
    expect(page.get_by_text("A classifier tells them from real ones in")).to_be_visible()
    expect(page.get_by_text("Do they rank the pipelines alike?")).to_be_visible()
    expect(page.get_by_text("Kendall's tau")).to_be_visible()
    settled(page)
    shot(page, "generate-trust")
