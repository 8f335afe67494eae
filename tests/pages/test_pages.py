"""Every page, on an empty workspace and on the sample, in Streamlit's own test harness."""

import json
import sys
from pathlib import Path

import pytest

from goldsets import sample
from goldsets.evaluation.spec import sweep_of
from goldsets.store import gold, open_workspace, runs
from goldsets.types import Query
from retrieval.ingest.tokens import count_tokens
from retrieval.store import corpora
from tests.pages.sweeping import LEXICAL, with_sweep
from tests.retrieval.providers.stub import KEY, Vendors

ROOT = Path(__file__).parents[2]
PAGES = ["app.py", *(f"pages/{p.name}" for p in sorted((ROOT / "pages").glob("[a-z]*.py")))]

HINTS = (
    *("Start one", "Bring some", "there are none", "needs a gold set", "no sweep has finished"),
    *("no corpus to search", "No vendor has been called", "Prices of your own"),
)


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_workspace_says_what_to_do_next(page, opened, tmp_path):
    test = opened(page, tmp_path / "empty")
    assert not test.error
    shown = " ".join([*(e.value for e in test.info), *(e.value for e in test.markdown)])
    assert any(hint in shown for hint in HINTS)


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


def test_without_such_queries_a_sweep_says_nothing_of_them(opened, sampled, copied):
    workspace = copied(sampled)
    result = runs.sweeps(workspace)[0]
    for row in result["variants"]:
        del row["no_answer"]  # as in the results of earlier versions
    runs.keep_sweep(workspace, 1, sample.NAME, result)
    test = opened("pages/sweep.py", workspace.path)
    assert len(test.dataframe) == 1
    assert "without an answer" not in " ".join(h.proto.body for h in test.get("html"))


def test_a_query_is_added_edited_and_deleted(opened, loaded, copied):
    workspace = copied(loaded)
    test = opened("pages/gold.py", workspace.path)
    test.text_area[0].set_value("How do I close a file?")
    added = next(b for b in test.button if b.label == "Add")
    added.click().run()
    held = gold.read(workspace, sample.NAME)
    assert held.queries[-1] == Query("how-do-i-close-a", "How do I close a file?", needs="any")
    assert [s.value for s in test.subheader] == ["How do I close a file?"]
    next(b for b in test.button if b.label == "Delete").click().run()
    assert "how-do-i-close-a" not in {q.id for q in gold.read(workspace, sample.NAME).queries}


def test_the_plan_counts_before_anything_is_started(opened, loaded, copied):
    test = opened("pages/sweep.py", copied(loaded).path)
    assert test.metric[0].value == "12"
    assert "texts to embed with use-m3" in " ".join(h.proto.body for h in test.get("html"))


def test_a_sweep_that_was_paused_says_what_going_on_would_take(opened, tmp_path, copied, sampled):
    workspace = copied(sampled)
    with workspace.write() as db:
        spec = {"sweep": sweep_of(LEXICAL).plain(), "goldset": sample.NAME, "corpus_version": 1}
        db.execute("UPDATE jobs SET state = 'paused', spec = ?", [json.dumps(spec)])
    test = opened("pages/sweep.py", tmp_path)
    quiet = " ".join(h.proto.body for h in test.get("html"))
    assert "To go on: nothing is embedded or paid." in quiet


def test_the_plan_warns_of_a_missing_key_before_the_start(opened, loaded, copied, monkeypatch):
    for name in ("VOYAGE_API_KEY", "VOYAGE_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    test = opened("pages/sweep.py", copied(loaded).path)
    assert not test.warning
    test.multiselect(key="grid-embed").set_value(["voyage-3.5-lite"]).run()
    (warning,) = test.warning
    assert "will fail\\: Voyage needs a key; set VOYAGE\\_API\\_KEY in" in warning.value


def test_a_filter_is_made_in_the_form(opened, loaded, copied):
    test = opened("pages/sweep.py", copied(loaded).path)
    test.multiselect(key="new-filter").set_value(["Equals", "Not"]).run()
    test.text_input(key="new-filter-Equals-field").set_value("year")
    test.text_input(key="new-filter-Equals-value").set_value("2024")
    test.selectbox(key="new-filter-Not-filter").set_value("In").run()
    test.text_input(key="new-filter-Not-filter-In-values").set_value('ko, "1", en')
    test.button(key="add-filter").click().run()
    assert not test.exception
    made = "year = 2024 + not id in ko, '1', en"
    assert test.multiselect(key="grid-filter").value == ["none", made]
    assert test.metric[0].value == "24"


def test_fields_for_filters_are_offered_and_count_only_under_a_filter(opened, tmp_path):
    sample.load(open_workspace(tmp_path))
    test = opened("pages/sweep.py", tmp_path)
    test.multiselect(key="grid-enrich").set_value(["none", "Language", "Dates"]).run()
    assert not test.exception
    assert test.metric[0].value == "12"
    test.multiselect(key="new-filter").set_value(["Exists"]).run()
    test.text_input(key="new-filter-Exists-field").set_value("id").run()
    test.button(key="add-filter").click().run()
    assert test.metric[0].value == str(12 + 3 * 12)


def test_a_table_of_synonyms_is_typed_in_the_form(opened, tmp_path):
    sample.load(open_workspace(tmp_path))
    test = opened("pages/sweep.py", tmp_path)
    test.selectbox(key="new-rewrite").set_value("Synonyms").run()
    test.text_area(key="new-rewrite-Synonyms-table").set_value("gc garbage").run()
    assert "'gc garbage' is no term with its expansions" in test.error[0].value
    test.text_area(key="new-rewrite-Synonyms-table").set_value("gc: garbage collector\nk: v").run()
    test.button(key="add-rewrite").click().run()
    assert not test.exception
    made = "Synonyms(table=gc: garbage collector k: v…043f)"
    assert test.multiselect(key="grid-rewrite").value == ["none", made]
    assert test.metric[0].value == "24"


def test_rerankers_that_are_paid_are_made_in_the_form_and_planned(opened, tmp_path, monkeypatch):
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    sample.load(open_workspace(tmp_path))
    test = opened("pages/sweep.py", tmp_path)
    test.multiselect(key="grid-first").set_value(["BM25"])
    test.selectbox(key="new-rerank").set_value("Listwise").run()
    prompt = test.text_area(key="new-rerank-Listwise-prompt")
    assert "{passages}\n\n{query}" in prompt.value
    prompt.set_value("Which?").run()
    assert "Listwise.prompt needs {query}" in test.error[0].value
    test.text_area(key="new-rerank-Listwise-prompt").set_value("Sort\n{passages}\nby {query}")
    test.selectbox(key="new-rerank-Listwise-model").set_value("OpenAIChat").run()
    test.number_input(key="new-rerank-Listwise-model-OpenAIChat-temperature").set_value(0.3)
    test.number_input(key="new-rerank-Listwise-window").set_value(10)
    test.number_input(key="new-rerank-Listwise-stride").set_value(5).run()
    test.button(key="add-rerank").click().run()
    assert not test.exception
    chosen = test.multiselect(key="grid-rerank").value
    assert "OpenAIChat(model=gpt-4.1-mini, temperature=0.3)" in chosen[1]
    test.multiselect(key="grid-rerank").set_value([*chosen, "Pointwise"]).run()
    said = " ".join(
        m.value for m in (*test.markdown, *test.get("html")) if "rerank" in str(m.value)
    )
    assert "candidates to rerank with openai/gpt-4.1-mini" in said
    assert "an estimate until the first stages have run" in said
    (warning,) = test.warning
    assert "will fail\\: Anthropic needs a key; set ANTHROPIC\\_API\\_KEY in" in warning.value


def test_the_playground_shows_what_a_query_was_rewritten_to(opened, loaded, copied, monkeypatch):
    workspace = copied(loaded)
    with Vendors() as vendors:
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", vendors.url)
        vendors.says = lambda _: '{"questions": ["<b>close</b> a file"], "keywords": []}'
        rewrite = {"MultiQuery": {"questions": 1, "keywords": 0}}
        base = {"chunk": "ByHeading", "rewrite": rewrite, "first": ["BM25"]}
        with_sweep(workspace, {"base": base, "measures": ["R@5"]})
        vendors.requests.clear()
        for _ in range(2):
            test = opened("pages/playground.py", workspace.path, q="how do I close a file")
            assert not test.error
            shown = " ".join(h.proto.body for h in test.get("html"))
            assert "Rewritten by MultiQuery(questions=1, keywords=0)" in shown
            assert "<li>&lt;b&gt;close&lt;/b&gt; a file</li>" in shown
        assert len(vendors.requests) == 1  # kept, and nothing is asked to warm up


def test_the_playground_shows_what_the_reader_gets(opened, loaded, copied):
    workspace = copied(loaded)
    context = {"instructions": "Answer from these.", "template": "({number})\n{text}"}
    base = {"first": ["BM25"], "assemble": {"Context": {**context, "max_tokens": 900}}}
    with_sweep(workspace, {"base": base, "measures": ["R@5"]})
    asked = {"q": "how do I close a file"}
    stages = opened("pages/playground.py", workspace.path, **asked)
    assert "no room" in " ".join(h.proto.body for h in stages.get("html"))
    test = opened("pages/playground.py", workspace.path, view="text", **asked)
    assert not test.exception
    assert test.code[0].value.startswith("Answer from these.\n\n(1)\n")
    shown = " ".join(h.proto.body for h in test.get("html"))
    assert f"{count_tokens(test.code[0].value):,} tokens of at most 900" in shown


def test_a_stage_with_a_model_inside_is_made_in_the_form(opened, loaded, copied):
    test = opened("pages/sweep.py", copied(loaded).path)
    test.selectbox(key="new-contextualize").set_value("Gloss").run()
    test.selectbox(key="new-contextualize-Gloss-model").set_value("OpenAIChat").run()
    test.text_area(key="new-contextualize-Gloss-glossary").set_value("a: b\nc: d").run()
    test.checkbox(key="new-contextualize-Gloss-instead").check().run()
    test.button(key="add-contextualize").click().run()
    assert not test.exception
    made = test.multiselect(key="grid-contextualize").value[-1]
    assert made.startswith("Gloss(model=OpenAIChat(")
    assert "glossary=a: b c: d" in made
    assert made.endswith("instead=True)")


def test_contexts_are_switched_off_for_one_first_stage_in_the_form(opened, loaded, copied):
    test = opened("pages/sweep.py", copied(loaded).path)
    test.multiselect(key="new-first").set_value(["BM25", "Dense"]).run()
    test.checkbox(key="new-first-BM25-context").uncheck().run()
    test.button(key="add-first").click().run()
    assert not test.exception
    assert test.multiselect(key="grid-first").value[-1] == "BM25(context=False) + Dense"


def test_the_playground_shows_each_stage(opened, sampled):
    test = opened("pages/playground.py", sampled, q="what runs if I return inside finally")
    bodies = " ".join(h.proto.body for h in test.get("html"))
    assert "finally" in bodies
    assert "ms over" in " ".join(h.proto.body for h in test.get("html"))


def test_text_of_a_document_cannot_become_markup(opened, tmp_path):
    from retrieval.types import Document

    workspace = open_workspace(tmp_path)
    evil = "<script>alert(1)</script> & <b>bold</b>"
    corpora.write(workspace, "evil", [Document("x<i>", evil, title="<img src=x onerror=alert(1)>")])
    test = opened("pages/corpora.py", tmp_path)
    bodies = " ".join(h.proto.body for h in test.get("html"))
    assert "<script>alert" not in bodies
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;bold&lt;/b&gt;" in bodies
