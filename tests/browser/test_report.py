"""A report saved from the page, opened without a network: its numbers are those of the sweep."""

import json
import re

import pytest
from playwright.sync_api import Browser, Page, expect

from goldsets.evaluation.words import points
from goldsets.store import open_workspace, runs
from tests.browser.conftest import serving, settled, shot
from tests.pages.sweeping import with_sweep


@pytest.fixture
def workspace(tmp_path):
    workspace = open_workspace(tmp_path / "workspace")
    with_sweep(workspace)
    return workspace


def test_a_report_is_saved_and_opens_offline(page: Page, browser: Browser, workspace, tmp_path):
    with serving(workspace.path, PIZZA_NO_SAMPLE="1") as address:
        page.goto(f"{address}/sweep")
        settled(page)
        page.get_by_role("button", name="Report").click()
        with page.expect_download(timeout=60_000) as saving:
            page.get_by_role("button", name="Save it").click()
        path = tmp_path / saving.value.suggested_filename
        saving.value.save_as(path)
    assert path.suffix == ".html"
    for scheme in ("light", "dark"):
        alone = browser.new_context(offline=True, color_scheme=scheme).new_page()
        errors: list[str] = []
        alone.on("pageerror", lambda e, errors=errors: errors.append(str(e)))
        alone.on("console", lambda m, errors=errors: m.type == "error" and errors.append(m.text))
        alone.goto(path.as_uri())
        expect(alone.get_by_role("heading", name="The answer")).to_be_visible()
        shot(alone, f"report-{scheme}")
        assert errors == []
    (result,) = runs.sweeps(workspace)
    first = result["measures"][0]
    table = alone.locator("#pipelines tbody tr")
    shown = {
        row.locator("td").nth(1).inner_text(): row.locator("td").nth(2).inner_text()
        for row in table.all()
    }
    stored = {v["name"]: v["measures"][first]["mean"] for v in result["variants"]}
    assert {name: text.split()[0] for name, text in shown.items()} == {
        name: points(mean) for name, mean in stored.items()
    }
    facts = json.loads(alone.locator("#facts").text_content() or "")
    assert {v["name"]: v["measures"][first]["mean"] for v in facts["variants"]} == stored
    dots = alone.locator(".v1 svg g[data-v]")
    assert dots.count() == len(stored)
    alone.get_by_text("R@20", exact=True).first.click()
    expect(alone.locator(".v2")).to_be_visible()
    expect(alone.locator(".v1")).to_be_hidden()
    dots.first.evaluate("g => g.dispatchEvent(new Event('mouseenter'))")
    expect(alone.locator("#pipelines tr.on")).to_have_count(1)
    alone.locator("#pipelines th").nth(1).click()
    names = [row.locator("td").nth(1).inner_text() for row in table.all()]
    assert names == sorted(names, reverse=True) or names == sorted(names)
    assert re.search(r"\d", alone.locator(".answer").inner_text())
