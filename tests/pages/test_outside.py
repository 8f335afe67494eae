"""Retrieval from outside on the pages: bring a run, name a server, see what was not found."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from goldsets import jobs, sample
from goldsets.evaluation.spec import sweep_of
from goldsets.evaluation.sweep import sweep
from goldsets.jobs import Claim
from goldsets.outside.bring import bring_run
from goldsets.store import gold, open_workspace, runs
from retrieval.hits import Hit
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from tests.retrieval.providers.own_server import Retriever

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EVIL = "<script>alert('nowhere')</script> that no document has ever said anywhere"


@pytest.fixture(scope="module")
def own() -> Iterator[Retriever]:
    with Retriever(search=lambda query, k: [Hit(text=EVIL), Hit("reference/lambda.txt")]) as own:
        yield own


def run_file(folder: Path) -> Path:
    """The first piece of each query's evidence at rank 2, behind what is nowhere."""
    held = gold.read(open_workspace(folder), sample.NAME)
    path = folder / "solr.jsonl"
    rows = []
    for query in held.queries:
        found = [
            {"document": e.document, "start": e.start, "end": e.end} for e in held.of(query)[:1]
        ]
        rows.append({"id": query.id, "hits": [{"text": EVIL}, *found]})
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, own: Retriever) -> Path:
    """The sample with an imported run, and a sweep of it, a server and a pipeline."""
    folder = tmp_path_factory.mktemp("outside")
    workspace = open_workspace(folder)
    sample.load(workspace)
    bring_run(workspace, "jsonl", run_file(folder), sample.NAME, "solr")
    swept(
        workspace,
        {
            "base": {"chunk": {"FixedTokens": {"size": 200}}},
            "variants": {"solr": {"run": "solr"}, "production": {"http": own.url}},
            "measures": ["R@5", "nDCG@10", "EvidenceRecall@4000tok", "PrecisionOmega"],
        },
    )
    return folder


def swept(workspace: Workspace, spec: object) -> None:
    with workspace.write() as db:
        db.execute(
            "INSERT INTO jobs (key, kind, spec, state, wanted, units, units_done, created)"
            " VALUES ('k', 'sweep', ?, 'queued', 'run', 3, 3, '2026-01-01T00:00:00.000+00:00')",
            [json.dumps({"goldset": sample.NAME})],
        )
    claim = Claim(workspace, 1)
    assert claim.take()
    held, corpus = gold.read(workspace, sample.NAME), corpora.read(workspace, sample.NAME)
    result = sweep(sweep_of(spec), held, corpus, Runtime(workspace, job=1))
    assert result["errors"] == {}
    runs.keep_sweep(workspace, 1, held.name, result)
    claim.finish("done")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch):
    """Open a page on a workspace."""
    monkeypatch.setattr(jobs, "spawn", lambda *_: None)

    def open_(page: str, workspace: Path, **query: str) -> AppTest:
        st.cache_resource.clear()
        st.cache_data.clear()
        monkeypatch.setenv("PIZZA_WORKSPACE", str(workspace))
        monkeypatch.setenv("PIZZA_NO_SAMPLE", "1")
        test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        test.switch_page(page)
        for name, value in query.items():
            test.query_params[name] = value
        test.run()
        assert not test.exception, test.exception
        return test

    return open_


def said(test: AppTest) -> str:
    return " ".join(h.proto.body for h in test.get("html"))


@pytest.mark.parametrize(
    "page", ["sweep", "compare", "diagnose", "playground", "pizza_night", "label"]
)
def test_no_page_stumbles_over_what_is_from_outside(page, opened, compared):
    test = opened(f"pages/{page}.py", compared)
    assert not test.error
    assert "<script>" not in said(test)


@pytest.mark.parametrize("measure", ["R@5", "nDCG@10", "EvidenceRecall@4000tok", "PrecisionOmega"])
def test_the_leaderboard_has_it_by_every_measure(measure, opened, compared):
    test = opened("pages/sweep.py", compared, measure=measure)
    assert not test.error
    assert set(test.dataframe[0].value["Pipeline"]) >= {"solr", "production"}
    assert "<b>solr</b>, from outside: 190 hits: 95 by position, 95 nowhere in the corpus" in said(
        test
    )


def test_compare_shows_the_lists_with_what_is_nowhere(opened, compared):
    (result,) = runs.sweeps(open_workspace(compared))
    ids = {v["name"]: v["run"] for v in result["variants"]}
    test = opened("pages/compare.py", compared, baseline=ids["solr"], variants=ids["production"])
    assert not test.error
    (component,) = test.get("bidi_component")
    sides = json.loads(component.proto.json)["sides"]
    for card in (sides[0]["cards"][0], sides[1]["cards"][0]):
        assert card["where"] == "Not found in the corpus"
        assert "".join(text for text, _ in card["parts"]) == EVIL  # goes in as a text node


def test_error_analysis_says_what_can_be_seen(opened, compared):
    (result,) = runs.sweeps(open_workspace(compared))
    run = next(v["run"] for v in result["variants"] if v["name"] == "production")
    test = opened("pages/diagnose.py", compared, run=run)
    assert not test.error
    assert "its boxes cannot" in said(test)


def test_the_form_puts_them_beside_the_grid(opened, compared, own):
    test = opened("pages/sweep.py", compared)
    test.toggle(key="designing").set_value(True).run()
    pipelines = int(test.metric[0].value)
    test.multiselect(key="imported").set_value(["solr"])
    test.text_input(key="own-url").set_value(own.url)
    test.text_input(key="own-name").set_value("production").run()
    assert not test.exception
    assert int(test.metric[0].value) == pipelines + 2
    assert f"95 queries to ask {own.url}" in said(test)
    next(b for b in test.button if b.label == "Test it").click().run()
    assert not test.error
    assert any("pass  answers" in c.value for c in test.code)
    test.text_input(key="own-url").set_value("localhost:8000").run()
    assert any("not an http or https address" in e.value for e in test.error)


def test_a_server_that_is_not_there_is_one_sentence(opened, compared):
    test = opened("pages/sweep.py", compared)
    test.toggle(key="designing").set_value(True).run()
    test.text_input(key="own-url").set_value("http://127.0.0.1:9/search").run()
    next(b for b in test.button if b.label == "Test it").click().run()
    assert not test.exception
    assert any("cannot be reached" in e.value.replace("\\", "") for e in test.error)


def test_a_run_is_brought_in(opened, tmp_path):
    workspace = open_workspace(tmp_path)
    sample.load(workspace)
    path = run_file(tmp_path)
    test = opened("pages/sweep.py", tmp_path)
    bring = next(b for b in test.button if b.label == "Bring it in")
    bring.click().run()
    assert any("give the run a name" in e.value for e in test.error)
    name, file = next(t for t in test.text_input if t.label == "Name"), path.read_bytes()
    name.set_value("solr")
    next(s for s in test.selectbox if s.label == "Format").set_value("jsonl")
    next(u for u in test.get("file_uploader") if u.label == "Run").upload("solr.jsonl", file)
    next(b for b in test.button if b.label == "Bring it in").click().run()
    assert not test.exception
    assert not test.error, test.error
    assert "run solr (" in said(test)
    assert list(runs.imports(workspace, sample.NAME, 1).values()) == ["solr"]
