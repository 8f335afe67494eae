"""A span is marked with the mouse, is what was selected to the letter, and survives re-chunking."""

import pytest
from playwright.sync_api import Page, expect

from goldsets.evaluation.measures import parse_measure
from goldsets.evaluation.spec import sweep_of
from goldsets.evaluation.sweep import Board
from goldsets.store import gold, open_workspace
from goldsets.types import GoldSet, Query
from retrieval.runtime import Runtime
from retrieval.store import corpora
from retrieval.types import Document
from tests.browser.conftest import serving, settled, shot

WANTED = "모든 주주와 지분율이 👩‍👩‍👧 정리되어"
TEXT = f"""캡테이블 안내 👋

The cap table lists every shareholder. <b>This is not markup</b>.

시리즈 A 라운드 이후 {WANTED} 있다. 스톡옵션은 별도의 표에 있다.

{"Filler that no query asks about, to make the document longer. " * 40}
"""


@pytest.fixture
def workspace(tmp_path):
    workspace = open_workspace(tmp_path / "workspace")
    corpora.write(workspace, "guide", [Document("captable.md", TEXT, "캡테이블", "text/markdown")])
    gold.write(workspace, GoldSet("guide", "guide", (Query("who", "주주가 어디에 있나"),)), "test")
    return workspace


def select(page: Page, words: str) -> None:
    """Drag the mouse from the first to the last character of some words."""
    box = page.evaluate(
        """(words) => {
          const every = [document, ...[...document.querySelectorAll('*')].map(e => e.shadowRoot)];
          const root = every.map(e => e?.querySelector('.spans')).find(Boolean);
          const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) {
            const node = walker.currentNode, at = node.data.indexOf(words);
            if (at < 0) continue;
            const range = document.createRange();
            range.setStart(node, at); range.setEnd(node, at + words.length);
            node.parentElement.scrollIntoView({block: 'center'});
            const all = [...range.getClientRects()];
            const [a, b] = [all[0], all[all.length - 1]];
            return [a.left + 1, a.top + a.height / 2, b.right - 1, b.top + b.height / 2];
          }
        }""",
        words,
    )
    page.mouse.move(box[0], box[1])
    page.mouse.down()
    page.mouse.move((box[0] + box[2]) / 2, box[3], steps=5)
    page.mouse.move(box[2], box[3], steps=5)
    page.mouse.up()


def test_a_marked_span_is_found_after_rechunking(page: Page, workspace):
    with serving(workspace.path) as address:
        page.goto(f"{address}/gold")
        expect(page.get_by_text("<b>This is not markup</b>")).to_be_visible()
        settled(page)
        select(page, WANTED)
        expect(page.locator("mark", has_text="모든 주주와")).not_to_have_count(0)
        settled(page)
        shot(page, "gold")
    (judged,) = gold.judgments(workspace, "guide", "who")
    assert judged.evidence.exact == WANTED
    assert TEXT[judged.evidence.start : judged.evidence.end] == WANTED
    assert judged.evidence.grade == 3

    held, corpus = gold.read(workspace, "guide"), corpora.read(workspace, "guide")
    board = Board(held, corpus, Runtime(workspace))
    sizes = [{"FixedTokens": {"size": s}} for s in (40, 80, 400)]
    first = {"BM25": {"tokenize": "HangulBigrams"}}
    for variant in sweep_of({"grid": {"chunk": ["Given", *sizes], "first": [first]}}).variants:
        laid = board.prepare(variant)
        values = board.values(laid.index, laid.ranking.value.ids, [parse_measure("R@3")])
        assert values[0, 0] == 1.0, variant.name
