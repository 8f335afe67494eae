"""A label saved through its route, against a rerun of the same Streamlit page, in one browser.

Both are timed in the page: a POST until its answer is read, which is when the label is on disk; a
widget's change until the script has finished.
"""

import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from goldsets.labelling.types import Settings
from goldsets.store import evenings, gold, labels, open_workspace
from goldsets.store.labels import Passage
from goldsets.types import GoldSet, Query
from retrieval.store import corpora
from retrieval.types import Document
from tests.benchmarks.harness import heading, ratio
from tests.browser.conftest import QUIET, serving, settled
from tests.browser.install import find

ROUNDS = 40

SAVE = """async (n) => {
  const post = async (name, body) => (await fetch(`/api/label/${name}`, {
    method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify(body),
  })).json();
  const {items} = await post("next", {token: TOKEN, tab: "bench", number: 1});
  const begun = performance.now();
  const key = `bench-${n}-${Math.random()}`;
  await post("save", {lease: items[0].lease, key, action: "grade", grade: n % 4});
  return performance.now() - begun;
}"""
RERUN = """() => new Promise((done) => {
  const app = document.querySelector("[data-testid=stApp]");
  const begun = performance.now();
  let ran = false;
  new MutationObserver((_, self) => {
    const state = app.getAttribute("data-test-script-state");
    ran ||= state === "running";
    if (ran && state === "notRunning") { self.disconnect(); done(performance.now() - begun); }
  }).observe(app, {attributes: true});
  [...document.querySelectorAll("[role=radio]")].find((r) => !r.checked
    && r.getAttribute("aria-checked") !== "true").click();
})"""


def main() -> None:
    """Print how much quicker a label is saved than the page is run again."""
    heading("label: a label on disk against a rerun of the same page, in Chromium")
    with tempfile.TemporaryDirectory() as folder:
        workspace = open_workspace(Path(folder) / "workspace")
        token = furnish(workspace)
        with serving(workspace.path, PIZZA_NO_SAMPLE="1") as address, sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=find(), args=list(QUIET))
            page = browser.new_page()
            page.goto(f"{address}/label?evening=friday&rater=Ann")
            page.locator(".desk .grade").first.wait_for()
            settled(page)
            saves, reruns = timed(page, token)
            browser.close()
    ratio("a label saved", statistics.median(saves), statistics.median(reruns), ">= 50x a rerun")


def furnish(workspace) -> str:
    """Start an evening with items for every round; return its rater's token."""
    text = "".join(f"passage {i:04} says something. " for i in range(4 * ROUNDS))
    corpora.write(workspace, "guide", [Document("guide.md", text)])
    gold.write(workspace, GoldSet("friday", "guide", (Query("q", "what?", needs="any"),)), "bench")
    evening = evenings.create(workspace, "friday", "friday", Settings())
    rows = [Passage("q", "guide.md", 29 * i, 29 * i + 28) for i in range(4 * ROUNDS)]
    labels.add(workspace, evening, "guide", 1, rows)
    return evenings.token(workspace, evenings.join(workspace, evening, "Ann"))


def timed(page: Page, token: str) -> tuple[list[float], list[float]]:
    """Time both in turn, in milliseconds."""
    saves, reruns = [], []
    for n in range(ROUNDS):
        saves.append(page.evaluate(SAVE.replace("TOKEN", repr(token)), n))
        reruns.append(page.evaluate(RERUN))
        page.wait_for_timeout(50)
    return saves, reruns
