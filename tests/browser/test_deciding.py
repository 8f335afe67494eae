"""From Compare to the passages that decide, and back to what is open still."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from goldsets import sample
from goldsets.store import evenings, gold, labels, open_workspace
from tests.browser.conftest import serving, settled, shot
from tests.browser.test_label import press, saved
from tests.pages.sweeping import with_sweep

ITEMS = 3


@pytest.fixture
def workspace(tmp_path):
    workspace = open_workspace(tmp_path / "workspace")
    with_sweep(workspace)
    return workspace


def ends(page: Page) -> tuple[float, float]:
    """Return the least and the greatest difference between B and A that the page names."""
    said = page.locator(".pn-lead").first
    expect(said).to_contain_text("unjudged passages could make")
    behind, ahead = re.findall(r"([\d.]+) (?:behind|ahead)", said.inner_text())
    return -float(behind), float(ahead)


def open_compare(page: Page, address: str) -> None:
    page.goto(f"{address}/compare?measure=R@5&view=unjudged")
    expect(page.locator(".pn-lead").first).to_be_visible()
    settled(page)


def test_from_compare_to_three_labels_and_back(page: Page, workspace):
    version = gold.read(workspace, sample.NAME).version
    with serving(workspace.path, PIZZA_NO_SAMPLE="1") as address:
        open_compare(page, address)
        low, high = ends(page)
        page.get_by_label("Items").fill(str(ITEMS))
        page.keyboard.press("Enter")
        page.get_by_role("button", name=f"Label these {ITEMS} items to decide A against B").click()
        page.get_by_role("link", name=f"{ITEMS} items to label in decide").click()
        expect(page.locator(".desk .grade").first).to_be_visible()
        for n in range(ITEMS):
            press(page, "0", "Enter")
            saved(page, n + 1)
        expect(page.get_by_text("Nothing is left for you right now")).to_be_visible()
        page.get_by_role("link", name="Compare").click()
        expect(page.get_by_text("the numbers here are by the gold of now")).to_be_visible()
        open_compare(page, address)
        expect(page.get_by_text("items to label in decide")).to_have_count(0)
        narrower = ends(page)
        expect(page.locator(".pn-forest .band").first).to_be_visible()
        shot(page, "compare-bounds")
    assert low <= narrower[0] <= narrower[1] <= high
    assert narrower[1] - narrower[0] < high - low
    evening = evenings.named(workspace, "decide")
    assert len(labels.labels(workspace, evening)) == ITEMS
    assert gold.read(workspace, sample.NAME).version != version


@pytest.mark.parametrize("width", [1280, 1920])
def test_nothing_of_it_is_cut_off(browser: Browser, workspace, width):
    with serving(workspace.path, PIZZA_NO_SAMPLE="1") as address:
        page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
        open_compare(page, address)
        button = page.get_by_role("button", name="Label these 20 items")
        for one in (button, page.locator(".pn-lead").last):
            box = one.bounding_box()
            assert box
            assert box["x"] + box["width"] <= width
            assert box["height"] < 60
        page.context.close()
