"""A sweep whose worker is killed says so, is resumed with a click, and ends as if undisturbed."""

import os
import signal
import time

import yaml
from playwright.sync_api import Page, expect

from goldsets import jobs, sample
from goldsets.evaluation.spec import sweep_of
from goldsets.evaluation.sweep import sweep
from goldsets.store import gold, open_workspace, runs
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from tests.browser.conftest import serving, settled, shot

SPEC = {
    "grid": {
        "chunk": [{"FixedTokens": {"size": 150}}, {"ByHeading": {"size": 150}}],
        "first": ["Dense", {"BM25": {"tokenize": "Identifiers"}}],
    },
    "measures": ["R@20", "nDCG@10"],
}


def worker(workspace: Workspace, job: int) -> int:
    """Wait until a job is in the middle of embedding; return its worker's process id."""
    for _ in range(1200):
        with workspace.read() as db:
            row = db.execute("SELECT pid, done, step FROM jobs WHERE id = ?", [job]).fetchone()
        if row["pid"] and row["done"] and row["step"].startswith("Embed"):
            return int(row["pid"])
        time.sleep(0.05)
    raise TimeoutError("the worker never got to embedding")


def test_kill_and_resume(page: Page, tmp_path):
    workspace = open_workspace(tmp_path / "workspace")
    sample.load(workspace)
    spec = sweep_of(SPEC)
    with serving(workspace.path) as address:
        page.goto(f"{address}/sweep")
        settled(page)
        page.get_by_text("YAML").click()
        settled(page)
        page.get_by_label("Spec").fill(yaml.safe_dump(SPEC))
        page.get_by_label("Spec").press("Control+Enter")
        expect(page.get_by_text("4", exact=True)).to_be_visible()
        settled(page)
        page.get_by_role("button", name="Start sweep").click()
        expect(page.get_by_role("button", name="Pause")).to_be_visible()
        os.kill(worker(workspace, 1), signal.SIGKILL)
        expect(page.get_by_text("interrupted")).to_be_visible()
        shot(page, "interrupted")
        page.get_by_role("button", name="Resume").click()
        page.locator(".pn-verdict").wait_for(timeout=240_000)
    assert jobs.get(workspace, 1).state == "done"
    resumed = runs.sweep(workspace, 1)

    other = open_workspace(tmp_path / "other")
    sample.load(other)
    held, corpus = gold.read(other, sample.NAME), corpora.read(other, sample.NAME)
    undisturbed = sweep(spec, held, corpus, Runtime(other))
    for name in ("measures", "differences", "run", "spec"):
        assert [v[name] for v in resumed["variants"]] == [v[name] for v in undisturbed["variants"]]
