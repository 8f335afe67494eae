"""Compare in a real browser: every view, a click that opens a query, lists with lines."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from goldsets.store import gold, open_workspace
from goldsets.types import Evidence, GoldSet, Query
from retrieval.store import corpora
from retrieval.types import Document
from tests.browser.conftest import serving, settled, shot
from tests.pages.sweeping import swept, with_sweep

VIEWS = {
    "scatter": "Scatter",
    "ranks": "Ranks",
    "slices": "Slices",
    "sample": "Random sample",
    "pairs": "Pairs",
    "costs": "Cost",
    "unjudged": "Unjudged",
    "queries": "Queries",
}
EVIL = '<img src=x onerror="window.hacked=1"> <script>window.hacked=1</script> **bold** '


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory):
    workspace = open_workspace(tmp_path_factory.mktemp("compare"))
    with_sweep(workspace)
    with serving(workspace.path, PIZZA_NO_SAMPLE="1") as address:
        yield address


def drawn(page: Page, view: str) -> None:
    """Wait until a view stands."""
    expect(page.locator(".pn-forest").first).to_be_visible(timeout=90_000)
    settled(page)
    if view in ("scatter", "ranks", "costs"):
        expect(page.locator(".js-plotly-plot .scatterlayer").first).to_be_visible()
    if view == "queries":
        expect(page.locator(".lists .card").first).to_be_visible()


@pytest.mark.parametrize("width", [1280, 1920])
def test_every_view_fits(browser: Browser, address: str, width: int) -> None:
    page = browser.new_context(viewport={"width": width, "height": 1100}).new_page()
    errors: list[str] = []
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.goto(f"{address}/compare?measure=R@5")
    for view, label in VIEWS.items():
        page.get_by_role("radio", name=label, exact=True).click(timeout=60_000)
        drawn(page, view)
        main = page.locator("[data-testid=stMain]")
        assert main.evaluate("m => m.scrollWidth <= m.clientWidth"), view
        for cell in page.locator(".pn-forest td.said").all():
            box = cell.bounding_box()
            assert box
            assert box["x"] + box["width"] <= width
        shot(page, f"compare-{view}-{width}")
    page.context.close()
    assert not errors


def point_at(page: Page, trace: int) -> None:
    """Put the mouse on the first point of a trace; the plot's own layer lies above it."""
    found = page.locator(".js-plotly-plot .scatterlayer .trace").nth(trace)
    box = found.locator(".point").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".hoverlayer .hovertext")).to_be_visible()


def test_a_click_on_a_point_opens_its_query(page: Page, address: str) -> None:
    page.goto(f"{address}/compare?view=scatter&measure=R@5")
    drawn(page, "scatter")
    expect(page.locator(".lists")).to_have_count(0)
    point_at(page, -1)
    told = page.locator(".hoverlayer .hovertext").text_content() or ""
    page.mouse.down()
    page.mouse.up()
    expect(page.locator(".lists .card").first).to_be_visible()
    settled(page)
    heading = page.locator("h3").last.inner_text()
    assert told.startswith(heading[:40])
    assert "query=" in page.url


def test_lines_join_what_stands_in_both_lists(page: Page, address: str) -> None:
    page.goto(f"{address}/compare?query=and-or-result&measure=R@5")
    drawn(page, "queries")
    left, right = page.locator(".lists .column").all()
    alone = left.locator(".card.alone").count()
    lines = page.locator(".lists svg path")
    assert 0 < lines.count() <= 11 * 11
    assert left.locator(".card").count() >= 10
    ends = [line.get_attribute("data-ends").split() for line in lines.all()]
    joined = {int(a.split("-")[1]) for a, _ in ends}
    cards = left.locator(".card").all()
    for place, card in enumerate(cards):
        if "alone" in (card.get_attribute("class") or ""):
            assert place not in joined
            assert card.locator(".other").inner_text() == "not in B"
    assert alone < len(cards)
    place = min(joined)
    cards[place].hover()
    expect(right.locator(".card.near").first).to_be_visible()
    first = cards[place].bounding_box()
    cards[place].click()
    assert "open" in (cards[place].get_attribute("class") or "").split()
    grown = cards[place].bounding_box()
    assert grown["height"] >= first["height"]


def test_the_lists_of_a_stage_are_drawn_on_demand(page: Page, address: str) -> None:
    page.goto(f"{address}/compare?query=and-or-result&measure=R@5")
    drawn(page, "queries")
    before = page.locator(".lists .column").first.inner_text()
    chosen = page.get_by_role("combobox", name="List of A")
    chosen.click()
    chosen.fill("BM25")
    chosen.press("Enter")
    expect(chosen).to_have_value("BM25")
    settled(page)
    assert page.locator(".lists .column").first.inner_text() == before  # the one stage returns it


def test_another_variant_takes_its_place(page: Page, address: str) -> None:
    page.goto(f"{address}/compare?query=and-or-result&measure=R@5")
    drawn(page, "queries")
    page.get_by_text("A · C", exact=True).click()
    expect(page.locator(".lists .title").last).to_contain_text("C ")
    settled(page)
    shot(page, "compare-lists")


def test_a_hostile_document_is_text_everywhere(page: Page, tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "workspace")
    text = "\n\n".join(f"{EVIL} Passage {i} says that the answer is {i * 7}." for i in range(40))
    corpora.write(workspace, "evil", [Document("d", text, title=EVIL), Document("e", text[::-1])])
    asked = [Query(f"q{i}", f"{EVIL} the answer is {i * 7}", tags=(EVIL,)) for i in range(30)]
    start = [text.index(f"the answer is {i * 7}.") for i in range(30)]
    evidence = {
        q.id: (Evidence.of("d", text, at, at + 18),) for q, at in zip(asked, start, strict=True)
    }
    gold.write(workspace, GoldSet("evil", "evil", tuple(asked), evidence), "test")
    swept(workspace, "evil", {"grid": {"chunk": [{"FixedTokens": {"size": 20}}, "BySentence"]}})
    with serving(workspace.path, PIZZA_NO_SAMPLE="1") as own:
        for view in VIEWS:
            page.goto(f"{own}/compare?view={view}&query=q3")
            drawn(page, view)
            assert page.evaluate("window.hacked") is None
            assert page.locator("img[src=x]").count() == 0
        page.goto(f"{own}/compare?view=scatter")
        drawn(page, "scatter")
        point_at(page, 0)
        expect(page.locator(".hoverlayer .hovertext")).to_contain_text("<img src=x")
        assert page.evaluate("window.hacked") is None
