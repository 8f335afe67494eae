"""The changes of a gold set: the banner, the two sides, and what each key decides."""

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from goldsets.labelling import reanchor
from goldsets.store import gold, open_workspace
from goldsets.types import Evidence, GoldSet, Query
from pages.ui.text import differences
from retrieval.store import Workspace, corpora
from retrieval.types import Document

ROOT = Path(__file__).parents[2]
DOUGH = "Mix & knead <b>well</b>.\n\nThe dough rests a night in the cold. Shape it by hand.\n"
OVEN = "오븐은 250도로 예열한다.\n\nBake for eight minutes.\n"
NEW_DOUGH = DOUGH.replace("a night", "two <i>nights</i>")
NEW_OVEN = OVEN.replace("Bake for eight minutes.\n", "")


def at(document: str, text: str, quote: str, grade: int = 3) -> Evidence:
    start = text.index(quote)
    return Evidence.of(document, text, start, start + len(quote), grade)


QUOTES = ("The dough rests a night in the cold.", "Bake for eight minutes.", "Shape it by hand.")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = open_workspace(tmp_path / "workspace")
    corpora.write(workspace, "menu", [Document("dough", DOUGH), Document("oven", OVEN)])
    rests, bake, shape = QUOTES
    queries = (Query("rest", "how long?"), Query("bake", "얼마나?"), Query("shape", "how?"))
    evidence = {
        "rest": (at("dough", DOUGH, rests, 2),),
        "bake": (at("oven", OVEN, bake),),
        "shape": (at("dough", DOUGH, shape),),
    }
    gold.write(workspace, GoldSet("gold", "menu", queries, evidence), "ann")
    return workspace


@pytest.fixture
def changed(workspace: Workspace) -> Workspace:
    corpora.write(workspace, "menu", [Document("dough", NEW_DOUGH), Document("oven", NEW_OVEN)])
    return workspace


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch):
    def open_(workspace: Workspace, **query: str) -> AppTest:
        st.cache_resource.clear()
        monkeypatch.setenv("PIZZA_WORKSPACE", str(workspace.path))
        test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        test.switch_page("pages/gold.py")
        for name, value in query.items():
            test.query_params[name] = value
        return ran(test)

    return open_


def ran(test: AppTest) -> AppTest:
    test.run()
    assert not test.exception, test.exception
    return test


def html(test: AppTest) -> str:
    return " ".join(h.proto.body for h in test.get("html"))


def press(test: AppTest, label: str) -> AppTest:
    button = next(b for b in test.button if b.label == label)
    assert not button.disabled
    button.click()
    return ran(test)


def labels(test: AppTest) -> set[str]:
    return {b.label for b in test.button if not b.disabled}


def held(workspace: Workspace) -> dict[str, list[str]]:
    evidence = gold.read(workspace, "gold").evidence
    return {q: [e.exact for e in own] for q, own in evidence.items()}


def test_nothing_is_said_while_nothing_changed(opened, workspace):
    test = opened(workspace)
    assert "Review" not in labels(test)
    assert "in corpus menu v1, gold version" in html(test)


def test_a_banner_counts_and_leads_to_the_review(opened, changed):
    test = opened(changed)
    shown = html(test)
    assert "3 pieces of evidence changed with corpus v2: 1 edited, 1 gone, 1 moved." in shown
    assert "in corpus menu v2 with 2 to confirm, gold version" in shown
    assert "2 · edited" in shown.replace("</span>", "")
    test = press(test, "Review")
    assert test.query_params["view"] == "changes"
    assert "1 of 3" in html(test)
    test = press(test, "Back to the queries")
    assert "view" not in test.query_params
    assert "1 of 3" not in html(test)


def test_both_sides_are_shown_escaped_with_what_differs(opened, changed):
    shown = html(opened(changed, view="changes"))
    assert "As it was, v1" in shown
    assert "As it is, v2" in shown
    assert "<b class='pn-accent'>edited</b>" in shown
    assert "rests <del>a night</del> in the cold." in shown
    assert "rests <ins>two &lt;i&gt;nights&lt;/i&gt;</ins> in the cold." in shown
    assert "Mix &amp; knead &lt;b&gt;well&lt;/b&gt;." in shown
    assert "<i>nights" not in shown


def test_accept_goes_on_to_the_next_and_undo_comes_back(opened, changed):
    test = press(opened(changed, view="changes"), "Accept")
    assert held(changed)["rest"] == ["The dough rests two <i>nights</i> in the cold."]
    (judged,) = gold.judgments(changed, "gold", "rest")
    assert (judged.evidence.grade, judged.rater) == (2, "host")
    assert "2 of 3" in html(test)
    assert "Neither these words nor any like them" in html(test)
    assert "Accept" not in labels(test)
    test = press(test, "Undo")
    assert held(changed)["rest"] == [QUOTES[0]]
    assert "1 of 3" in html(test)
    assert "<del>a night</del>" in html(test)


def test_drop_withdraws_and_the_last_one_ends_the_review(opened, changed):
    test = press(press(opened(changed, view="changes"), "Next"), "Drop")
    assert "bake" not in held(changed)
    assert "Accept all 1 moved" in labels(test)
    test = press(test, "Accept all 1 moved")
    test = press(test, "Accept")
    assert [s.value for s in test.success] == ["All evidence holds in corpus v2."]
    test = press(test, "Back to the queries")
    assert "Review" not in labels(test)
    assert "in corpus menu v2, gold version" in html(test)


def test_the_url_brings_back_the_change(opened, changed):
    found = reanchor.changes(changed, "gold", corpora.read(changed, "menu"))
    test = opened(changed, view="changes", change=str(found[1].judgment.id))
    assert "2 of 3" in html(test)
    assert [s.value for s in test.subheader] == ["얼마나?"]
    test = press(test, "Previous")
    assert test.query_params["change"] == str(found[0].judgment.id)
    assert "Previous" not in labels(test)


def test_who_comes_second_is_told(opened, changed):
    test = opened(changed, view="changes")
    found = reanchor.changes(changed, "gold", corpora.read(changed, "menu"))
    reanchor.drop(changed, "gold", found[0], "ben")
    test = press(test, "Accept")
    (error,) = test.error
    assert "has been replaced already" in error.value
    assert "rest" not in held(changed)
    assert "1 of 2" in html(test)


def test_a_span_can_be_marked_by_hand(opened, changed):
    test = press(opened(changed, view="changes"), "Mark by hand")
    assert test.query_params["by"] == "hand"
    assert test.query_params["doc"] == "dough"
    assert test.selectbox(key="in-doc").value == "dough"


def test_a_document_that_is_gone_is_said_to_be(opened, changed):
    corpora.write(changed, "menu", [Document("oven", NEW_OVEN)], prune=True)
    shown = html(press(opened(changed, view="changes"), "Next"))
    assert "no longer in the corpus" in shown
    assert "As it was, v1" in shown


@pytest.mark.parametrize(
    ("old", "new", "left", "right"),
    [
        ("same", "same", "same", "same"),
        ("a b c d", "a x y d", "a <del>b c</del> d", "a <ins>x y</ins> d"),
        ("반죽은 쉰다", "반죽을 쉰다", "<del>반죽은</del> 쉰다", "<ins>반죽을</ins> 쉰다"),
        ("re\nwrapped  text", "re wrapped\ntext", "re\nwrapped  text", "re wrapped\ntext"),
        ("on request", "on written request", "on request", "on <ins>written</ins> request"),
        ("<p>", "<q>", "&lt;<del>p</del>&gt;", "&lt;<ins>q</ins>&gt;"),
    ],
)
def test_differences_are_of_whole_words(old, new, left, right):
    assert differences(old, new) == (left, right)
