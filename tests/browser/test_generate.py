"""Generate, the whole road on real documentation: labels, judge, writing, review, trust.

The model server stands on this machine; what it gets wrong is planted, and so is known.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from goldsets.evidence import Status, anchor
from goldsets.generation import labelled, review, work
from goldsets.generation.align import is_held_out
from goldsets.generation.passages import Ground
from goldsets.generation.spec import generation_of
from goldsets.generation.types import Sampled
from goldsets.store import generations, gold, open_workspace
from goldsets.types import Evidence, GoldSet, Query
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from tests.browser.conftest import serving, settled, shot
from tests.goldsets.generation.author import COUNTS, PLANTS
from tests.goldsets.generation.conftest import SPEC, answering
from tests.goldsets.generation.reader import APPLICATION, Reader, documents, hostile
from tests.pages.sweeping import swept

pytestmark = pytest.mark.data

REAL, DRAWN, LABELLED = 24, 60, 36
SURVIVE = DRAWN - sum(n for name, n in PLANTS.items() if name) + 1
"""What is written well, and one of the twins."""
SWEEP = {
    "variants": {
        "words": {"first": ["BM25"]},
        "identifiers": {"first": [{"BM25": {"tokenize": "Identifiers"}}]},
        "bigrams": {"first": [{"BM25": {"tokenize": "HangulBigrams"}}]},
    },
    "measures": ["RR@10"],
}


@dataclass(frozen=True)
class Road:
    """Where the road begins: passages drawn, of which somebody mistakes one."""

    workspace: Workspace
    address: str
    author: Reader
    sampled: list[Sampled]
    mistaken: int

    def worthy(self, place: int) -> bool:
        plant = self.author.plant(self.sampled[place].passage.text)
        return plant != "unworthy" and place != self.mistaken


@pytest.fixture
def road(pizza_data: Path, tmp_path: Path) -> Iterator[Road]:
    """Documentation with real queries, its headings, and a generation begun on it."""
    workspace, author = open_workspace(tmp_path / "workspace"), Reader()
    corpora.write(workspace, "docs", [*documents(pizza_data), *hostile()])
    gold.write(workspace, GoldSet("made", "docs", ()), "ann")
    wanted = generation_of(
        {**SPEC, "chunk": "ByHeading", "sample": DRAWN, "application": APPLICATION}
    )
    ask_headings(workspace, Ground.of(wanted, corpora.read(workspace, "docs"), Runtime(workspace)))
    sampled = labelled.draw(workspace, work.begin(workspace, wanted, "docs", "made").id)
    author.sow(sampled)
    mistaken = next(
        i
        for i, s in enumerate(sampled)
        if author.plant(s.passage.text) == "" and not is_held_out(s.passage.key)
    )
    with answering(author), serving(workspace.path, PIZZA_NO_SAMPLE="1") as address:
        yield Road(workspace, address, author, sampled, mistaken)


def ask_headings(workspace: Workspace, ground: Ground) -> None:
    """Take headings for real queries: what stands below one answers it."""
    asked = {p.path[-1]: p for p in ground.passages if p.path}
    held = dict(list(asked.items())[: REAL * 3 : 3])
    queries = tuple(Query(f"q{i}", heading) for i, heading in enumerate(held))
    texts = {d.id: d.text for d in ground.corpus.documents}
    evidence = {
        q.id: (Evidence.of(p.document, texts[p.document], p.start, p.end),)
        for q, p in zip(queries, held.values(), strict=True)
    }
    gold.write(workspace, GoldSet("made", "docs", queries, evidence), "ann")


def press(page: Page, key: str) -> None:
    page.keyboard.press(key)
    settled(page)


def label_by_keys(page: Page, road: Road, number: int) -> int:
    """Say of each passage what was planted; return how many were said to speak to the model."""
    hostile = 0
    for done in range(number):
        text = page.locator(".pn-passage").inner_text()
        assert text.split() == road.sampled[done].passage.text.split()
        speaks = "Ignore all previous" in text
        expect(page.get_by_text("It speaks to the model")).to_have_count(int(speaks))
        hostile += speaks
        press(page, "y" if road.worthy(done) else "n")
        expect(page.locator(".pn-progress")).to_contain_text(f"{done + 1} of ")
        settled(page)
    return hostile


def test_the_whole_road(page: Page, road: Road) -> None:
    workspace, address = road.workspace, road.address
    page.goto(f"{address}/generate")
    expect(page.get_by_text("0 of 30 to begin with")).to_be_visible()
    expect(page.get_by_role("button", name="Worth a query")).to_be_visible()  # and so its key
    settled(page)
    shot(page, "generate-passages")
    seen = Counter(road.author.plant(s.passage.text) for s in road.sampled[:LABELLED])
    assert label_by_keys(page, road, LABELLED) == seen["obeyed"]
    press(page, "u")
    expect(page.locator(".pn-progress")).to_contain_text(f"{LABELLED - 1} of {DRAWN}")
    assert len(generations.labels(workspace, 1)) == LABELLED - 1
    press(page, "y" if road.worthy(LABELLED - 1) else "n")

    page.get_by_role("button", name="Compare the judge with you").click()
    page.get_by_role("button", name=f"Ask about {LABELLED} passages").click()
    expect(page.get_by_text("1 of 1 on the half that criteria are worded on")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Look at the held-out half").click()
    answered = LABELLED - seen["obeyed"]
    agreed = f"The judge agrees with people on {100 * (answered - 1) / answered:.1f} of 100"
    expect(page.get_by_text(agreed)).to_be_visible()
    expect(page.get_by_text("Looked at 1 time, for 1 wording.")).to_be_visible()
    settled(page)
    words = page.get_by_label("complete", exact=True)
    words.fill("It says something.")
    words.press("Control+Enter")
    page.get_by_role("button", name="Ask with these words").click()
    expect(page.get_by_text("Wordings side by side, on the half")).to_be_visible()
    page.get_by_role("button", name="Look at the held-out half").click()
    expect(page.get_by_text("Looked at 2 times, for 2 wordings.")).to_be_visible()
    expect(page.get_by_text("fits it to these passages")).to_be_visible()
    settled(page)
    shot(page, "generate-judge")
    assert [w.generation for w in labelled.wordings(workspace, 2)] == [1, 2]

    page.goto(f"{address}/generate?generation=1&view=write")
    expect(page.get_by_text("to write queries with")).to_be_visible()
    settled(page)
    shot(page, "generate-write")
    page.get_by_role("button", name="Write queries").click()
    page.get_by_role("button", name="Review them").click(timeout=120_000)  # it embeds first
    expect(page.get_by_text("in the gold set")).to_be_visible()
    settled(page)
    bars = page.locator(".pn-held").all_inner_texts()
    assert {bar.splitlines()[0]: bar.splitlines()[-1] for bar in (b.strip() for b in bars)} == {
        "written": str(SURVIVE + sum(COUNTS.values())),
        **{name: f"−{n}" for name, n in COUNTS.items() if n},
        "in the gold set": str(SURVIVE),
    }
    shot(page, "generate-review")
    made = gold.read(workspace, "made")
    assert set(anchor(made, corpora.read(workspace, "docs")).statuses) == {Status.EXACT}
    assert {s.passage.block for s in road.sampled} >= {"text", "code"}

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
