"""What leaves the app: a report opened without a network, and the wall that shows the trend."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from typer.testing import CliRunner

from goldsets import cli
from goldsets.bring import bring
from goldsets.evaluation.words import interval, main_measure, points
from goldsets.store import checks, open_workspace, runs
from goldsets.store.checks import Check
from retrieval.store import Workspace
from tests.browser.conftest import serving, settled, shot
from tests.goldsets.reporting.test_history import E, check
from tests.pages.sweeping import swept, with_sweep

PATHS = {
    "base": {"chunk": "Given", "first": [{"BM25": {"tokenize": "Identifiers"}}]},
    "grid": {"contextualize": [None, "Headings"]},
    "measures": ["R@5", "R@20", "nDCG@10"],
}
"""BM25 without and with the path of its file beside each chunk."""


@pytest.fixture(scope="module", params=["sample", "anthropic-contextual"])
def workspace(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Workspace:
    workspace = open_workspace(tmp_path_factory.mktemp("leaving") / "workspace")
    if request.param == "sample":
        with_sweep(workspace)
    else:
        folder = request.getfixturevalue("pizza_data") / request.param
        bring(workspace, "contextual-retrieval", folder, "guide", "guide", True, {})
        swept(workspace, "guide", PATHS)
    return workspace


@pytest.fixture(scope="module")
def address(workspace: Workspace) -> Iterator[str]:
    with serving(workspace.path, PIZZA_NO_SAMPLE="1") as address:
        yield address


def verified(path: Path, workspace: Workspace) -> tuple[int, str]:
    words = ["report", "--verify", str(path), "--workspace", str(workspace.path)]
    done = CliRunner().invoke(cli.app, words)
    return done.exit_code, done.output


def cells(alone: Page) -> dict[str, list[str]]:
    """Return the table of pipelines, by name."""
    rows = [
        row.locator("td").all_inner_texts() for row in alone.locator("#pipelines tbody tr").all()
    ]
    return {row[1]: row for row in rows}


def test_a_report_is_saved_and_opens_offline(
    page: Page, browser: Browser, workspace: Workspace, address: str, tmp_path: Path
) -> None:
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
    first = main_measure(result)
    others = [m for m in result["measures"] if m != first]
    stored = {v["name"]: v["measures"] for v in result["variants"]}
    shown = cells(alone)
    assert {name: row[2] for name, row in shown.items()} == {
        name: interval(measures[first]) for name, measures in stored.items()
    }
    assert {name: row[4 : 4 + len(others)] for name, row in shown.items()} == {
        name: [points(measures[m]["mean"]) for m in others] for name, measures in stored.items()
    }
    same_facts(json.loads(alone.locator("#facts").text_content() or ""), result)
    dots = alone.locator(".v1 svg g[data-v]")
    assert dots.count() == len(stored)
    alone.get_by_text(others[0], exact=True).first.click()
    expect(alone.locator(".v2")).to_be_visible()
    expect(alone.locator(".v1")).to_be_hidden()
    dots.first.evaluate("g => g.dispatchEvent(new Event('mouseenter'))")
    expect(alone.locator("#pipelines tr.on")).to_have_count(1)
    alone.locator("#pipelines th").nth(1).click()
    names = list(cells(alone))
    assert names == sorted(names, reverse=True) or names == sorted(names)
    assert re.search(r"\d", alone.locator(".answer").inner_text())
    assert verified(path, workspace) == (0, f"{path.name}: every number is as it was\n")
    tampered(path, workspace)


def same_facts(facts: dict[str, Any], result: dict[str, Any]) -> None:
    """Compare the numbers inside the page with those that the sweep stored, to the last bit."""
    found = {v["name"]: v for v in facts["variants"]}
    for row in result["variants"]:
        assert found[row["name"]]["measures"] == row["measures"]
        for measure, e in row["measures"].items():
            values = [v for v in facts["values"][row["run"]][measure].values() if v is not None]
            assert sum(values) / len(values) == pytest.approx(e["mean"], abs=1e-12)


def tampered(path: Path, workspace: Workspace) -> None:
    """Alter a number of the page, then one of its facts: either is found."""
    whole = path.read_text(encoding="utf-8")
    mean = re.search(r'"mean": (0\.\d+)', whole)
    cell = re.search(r'<td class="n">(\d\d\.\d) \(', whole)
    assert mean
    assert cell
    for at, other, says in ((cell, "12.3", "page: it says"), (mean, "0.123456", "0.123456 said, ")):
        path.write_text(whole[: at.start(1)] + other + whole[at.end(1) :], encoding="utf-8")
        code, said = verified(path, workspace)
        assert (code, says in said) == (1, True), said


def kept(workspace: Workspace, day: int, **found: Any) -> None:
    """Keep a day's check; means go up and down, so that no point is left out of a straight line."""
    made = check(day, measures={"R@20": {**E, "mean": 0.8 + (-1) ** day / 20}}, **found)
    checks.keep(workspace, Check("gate", made["revision"], "main", made["created"], made))


@pytest.mark.parametrize("workspace", ["sample"], indirect=True)
def test_the_wall_draws_what_comes_in(page: Page, workspace: Workspace, address: str) -> None:
    """Points of two gold sets are two lines; a check that is written while it is open appears."""
    for day in range(1, 6):
        kept(
            workspace,
            day=day,
            version="a" if day < 4 else "b",
            outcome="fail" if day < 2 else "pass",
        )
    page.goto(f"{address}/dashboard")
    settled(page)
    trend = page.get_by_test_id("stPlotlyChart").first
    lines = trend.locator(".scatterlayer .trace path.js-line")
    expect(lines).to_have_count(2)
    assert [path.get_attribute("d").count("L") for path in lines.all()] == [2, 1]
    expect(trend.get_by_text("gold changed")).to_be_visible()
    expect(page.get_by_text("5 points with 95 % intervals")).to_be_visible()
    expect(page.get_by_text("A cross: the gate failed.")).to_be_visible()
    expect(page.get_by_role("link", name="Start an evening").first).to_be_visible()
    shot(page, "dashboard-gate")
    kept(workspace, day=6, version="b", outcome="cannot tell")
    expect(page.get_by_text("6 points with 95 % intervals")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("cannot tell: R@20")).to_be_visible()
    expect(lines.nth(1)).to_have_attribute("d", re.compile("L.*L"))
