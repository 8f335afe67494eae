"""Every page, on an empty workspace and on the sample, in Streamlit's own test harness."""

import sys
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from goldsets import sample
from goldsets.evaluation.spec import sweep_of
from goldsets.evaluation.sweep import sweep
from goldsets.jobs import Claim
from goldsets.store import gold, open_workspace, runs
from goldsets.types import Query
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora

ROOT = Path(__file__).parents[2]
PAGES = ["app.py", *(f"pages/{p.name}" for p in sorted((ROOT / "pages").glob("[a-z]*.py")))]

LEXICAL = {
    "grid": {
        "chunk": [{"FixedTokens": {"size": 200}}, {"ByHeading": {"size": 200}}],
        "first": ["BM25", {"BM25": {"tokenize": "Identifiers"}}],
    },
    "measures": ["R@5", "R@20", "EvidenceRecall@4000tok"],
}
"""A sweep without a model, so that it is quick."""


def with_sweep(workspace: Workspace) -> None:
    """Put the sample and a finished sweep of it into a workspace."""
    corpus = sample.load(workspace)
    held = gold.read(workspace, sample.NAME)
    spec = sweep_of(LEXICAL)
    with workspace.write() as db:
        db.execute(
            "INSERT INTO jobs (key, kind, spec, state, wanted, units, units_done, created)"
            " VALUES ('k', 'sweep', ?, 'queued', 'run', 4, 4, '2026-01-01T00:00:00.000+00:00')",
            [f'{{"goldset": "{sample.NAME}"}}'],
        )
    claim = Claim(workspace, 1)
    assert claim.take()
    runs.keep_sweep(workspace, 1, held.name, sweep(spec, held, corpus, Runtime(workspace)))
    claim.finish("done")


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sampled")
    with_sweep(open_workspace(path))
    return path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch):
    """Open a page on a workspace."""

    def open_(page: str, workspace: Path, **query: str) -> AppTest:
        st.cache_resource.clear()
        monkeypatch.setenv("PIZZA_WORKSPACE", str(workspace))
        monkeypatch.setenv("PIZZA_NO_SAMPLE", "1")
        test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        if page != "app.py":
            test.switch_page(page)
        for name, value in query.items():
            test.query_params[name] = value
        test.run()
        assert not test.exception, test.exception
        return test

    return open_


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_workspace_says_what_to_do_next(page, opened, tmp_path):
    test = opened(page, tmp_path / "empty")
    assert not test.error
    shown = " ".join([*(e.value for e in test.info), *(e.value for e in test.markdown)])
    assert any(
        hint in shown for hint in ("Start one", "Bring some", "there are none", "needs a gold set")
    ) or any(hint in shown for hint in ("no sweep has finished", "no corpus to search"))


@pytest.mark.parametrize("page", PAGES)
def test_the_sample_is_shown_without_an_error(page, opened, sampled):
    test = opened(page, sampled)
    assert not test.error
    said = [w.value for w in test.warning]  # the sample's text is that of the Python that runs
    assert not [w for w in said if sys.version_info[:2] == (3, 11) or "of evidence" not in w]


def test_home_says_who_leads_and_how_sure_that_is(opened, sampled):
    test = opened("app.py", sampled)
    shown = " ".join(h.proto.body for h in test.get("html"))
    assert "leads with R@20" in shown
    assert "points" in shown or "cannot tell" in shown


def test_the_leaderboard_holds_every_variant_once(opened, sampled):
    test = opened("pages/sweep.py", sampled)
    table = test.dataframe[0].value
    assert len(table) == 4
    assert len(set(table["Pipeline"])) == 4


def test_queries_without_an_answer_are_reported_apart(opened, sampled):
    test = opened("pages/sweep.py", sampled)
    table = test.dataframe[1].value
    assert list(table["Pipeline"]) == list(test.dataframe[0].value["Pipeline"])
    assert set(table["Returned"]) == {"100.0"}
    quiet = " ".join(h.proto.body for h in test.get("html"))
    assert "Of 5 queries without an answer in the corpus" in quiet


def test_without_such_queries_a_sweep_says_nothing_of_them(opened, tmp_path):
    workspace = open_workspace(tmp_path)
    with_sweep(workspace)
    result = runs.sweeps(workspace)[0]
    for row in result["variants"]:
        del row["no_answer"]  # as in the results of earlier versions
    runs.keep_sweep(workspace, 1, sample.NAME, result)
    test = opened("pages/sweep.py", tmp_path)
    assert len(test.dataframe) == 1
    assert "without an answer" not in " ".join(h.proto.body for h in test.get("html"))


def test_the_url_brings_back_the_measure_and_the_query(opened, sampled):
    test = opened(
        "pages/compare.py", sampled, measure="EvidenceRecall@4000tok", query="and-or-result"
    )
    assert test.selectbox(key="in-measure").value == "EvidenceRecall@4000tok"
    assert "short circuit and / or result value" in [s.value for s in test.subheader]


def test_a_filter_of_compare_counts_what_it_shows(opened, sampled):
    test = opened("pages/compare.py", sampled, show="failed")
    shown = test.dataframe[1].value
    assert len(shown) > 3
    assert (shown[["A", "B", "C"]].max(axis=1) == 0).all()


def test_a_query_is_added_edited_and_deleted(opened, tmp_path):
    workspace = open_workspace(tmp_path)
    sample.load(workspace)
    test = opened("pages/gold.py", tmp_path)
    test.text_area[0].set_value("How do I close a file?")
    added = next(b for b in test.button if b.label == "Add")
    added.click().run()
    held = gold.read(workspace, sample.NAME)
    assert held.queries[-1] == Query("how-do-i-close-a", "How do I close a file?", needs="any")
    assert [s.value for s in test.subheader] == ["How do I close a file?"]
    next(b for b in test.button if b.label == "Delete").click().run()
    assert "how-do-i-close-a" not in {q.id for q in gold.read(workspace, sample.NAME).queries}


def test_the_plan_counts_before_anything_is_started(opened, tmp_path):
    workspace = open_workspace(tmp_path)
    sample.load(workspace)
    test = opened("pages/sweep.py", tmp_path)
    assert test.metric[0].value == "12"
    assert "texts to embed with use-m3" in " ".join(h.proto.body for h in test.get("html"))


def test_the_playground_shows_each_stage(opened, sampled):
    test = opened("pages/playground.py", sampled, q="what runs if I return inside finally")
    bodies = " ".join(h.proto.body for h in test.get("html"))
    assert "finally" in bodies
    assert any("ms over" in c.value for c in test.caption)


def test_text_of_a_document_cannot_become_markup(opened, tmp_path):
    from retrieval.types import Document

    workspace = open_workspace(tmp_path)
    evil = "<script>alert(1)</script> & <b>bold</b>"
    corpora.write(workspace, "evil", [Document("x<i>", evil, title="<img src=x onerror=alert(1)>")])
    test = opened("pages/corpora.py", tmp_path)
    bodies = " ".join(h.proto.body for h in test.get("html"))
    assert "<script>alert" not in bodies
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;bold&lt;/b&gt;" in bodies
