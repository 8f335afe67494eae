"""From a loss to a change that is tried, and a field that is changed on one query."""

import pytest
from playwright.sync_api import Browser, Page, expect

from goldsets.store import open_workspace
from tests.browser.conftest import serving, settled, shot
from tests.pages.sweeping import with_sweep


@pytest.fixture
def workspace(tmp_path):
    workspace = open_workspace(tmp_path / "workspace")
    with_sweep(workspace)
    return workspace


def open_(page: Page, address: str, view: str) -> None:
    page.goto(f"{address}/diagnose?measure=R@5&view={view}")
    expect(page.get_by_role("heading", name="Error analysis")).to_be_visible()
    settled(page)


def test_from_a_loss_to_a_change_that_is_tried(page: Page, workspace):
    with serving(workspace.path, PIZZA_NO_SAMPLE="1") as address:
        open_(page, address, "lost")
        expect(page.locator(".pn-verdict")).to_contain_text("not among the first 5 passages")
        expect(page.locator(".js-plotly-plot .sankey").first).to_be_visible()
        expect(page.locator(".pn-way .lost").first).to_be_visible()
        shot(page, "error-analysis")
        page.get_by_role("radio", name="What would help").click()
        settled(page)
        card = page.locator("[class*=st-key-cure-]", has_text="BM25 with k1 0.9")
        card.get_by_role("button", name="Try it").click()
        variant = card.get_by_role("button", name="Make it a variant")
        expect(variant).to_be_visible(timeout=180_000)
        expect(card.locator(".pn-lead")).to_contain_text("points")
        shot(page, "error-analysis-tried")


def test_a_changed_field_shows_another_way(page: Page, workspace):
    with serving(workspace.path, PIZZA_NO_SAMPLE="1") as address:
        open_(page, address, "what-if")
        expect(page.get_by_text("As it is")).to_be_visible()
        page.get_by_label("k1").fill("0.3")
        page.keyboard.press("Enter")
        expect(page.get_by_text("What if", exact=True).last).to_be_visible()
        expect(page.get_by_role("button", name="Make it a variant")).to_be_visible()
        shot(page, "error-analysis-what-if")


@pytest.mark.parametrize("width", [1280, 1920])
def test_nothing_is_cut_off(browser: Browser, workspace, width):
    with serving(workspace.path, PIZZA_NO_SAMPLE="1") as address:
        page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
        open_(page, address, "lost")
        for box in (page.locator(".pn-way > div").last, page.locator(".pn-verdict")):
            place = box.bounding_box()
            assert place
            assert place["x"] + place["width"] <= width
        page.context.close()
