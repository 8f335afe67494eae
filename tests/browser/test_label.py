"""An evening in a real browser: keys, marks, several people, a server that goes away."""

import unicodedata

import pytest
from playwright.sync_api import Browser, Page, expect

from goldsets import sample
from goldsets.labelling.types import Settings
from goldsets.store import evenings, gold, labels, open_workspace
from goldsets.store.labels import Passage
from goldsets.types import GoldSet, Query
from retrieval.store import corpora
from retrieval.types import Document
from tests.browser.conftest import await_server, serving, settled, shot
from tests.browser.test_bad_days import Server

NFD = unicodedata.normalize("NFD", "한글 자모")
PARTS = (
    "The cap table 👩‍👩‍👧 lists every shareholder by name.",
    f"{NFD} 풀어쓴 글자도 그대로 표시된다.",
    "טקסט מימין לשמאל with some English in it.",
    "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'> is only text.",
    "word " * 4_000,
    "The last passage has nothing of it.",
)
TEXT = "\n\n".join(PARTS)


def place(part: str) -> tuple[int, int]:
    start = TEXT.index(part)
    return start, start + len(part.rstrip())


def evening_of(path, raters: int = 1, parts=PARTS, **settings):
    workspace = open_workspace(path / "workspace")
    corpora.write(workspace, "guide", [Document("guide.md", TEXT, "Guide", "text/markdown")])
    queries = (Query("who", "who owns what?", needs="any"),)
    gold.write(workspace, GoldSet("friday", "guide", queries), "test")
    evening = evenings.create(workspace, "friday", "friday", Settings(raters=raters, **settings))
    evenings.join(workspace, evening, "Host", "host")
    rows = [Passage("who", "guide.md", *place(p)) for p in parts]
    labels.add(workspace, evening, "guide", 1, rows)
    return workspace, evening


def sit_down(page: Page, address: str, name: str, language: str = "en") -> None:
    page.goto(f"{address}/label?evening=friday&lang={language}")
    page.get_by_label("이름" if language == "ko" else "Your name").fill(name)
    page.keyboard.press("Enter")
    expect(page.locator(".desk .grade").first).to_be_visible()
    settled(page)


def passage(page: Page) -> str:
    """Return the passage shown, as the page has it."""
    return page.evaluate("""() => {
      const every = [document, ...[...document.querySelectorAll('*')].map(e => e.shadowRoot)];
      const root = every.map(e => e?.querySelector('.desk .text')).find(Boolean);
      return [...root.querySelectorAll('.in')].map(e => e.textContent).join('');
    }""")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def decide(page: Page, key: str, while_shown: str) -> None:
    """Press a key of Streamlit's, which a page that is just being drawn may not hear."""
    for _ in range(5):
        if page.get_by_text(while_shown).is_visible():
            press(page, key)
            page.wait_for_timeout(6000)


def saved(page: Page, number: int) -> None:
    line = page.locator(".desk .status")
    expect(line).to_have_attribute("data-saved", str(number))
    expect(line).to_have_attribute("data-waiting", "0")


def test_everything_by_keys_and_every_offset_exact(page: Page, tmp_path):
    workspace, evening = evening_of(tmp_path, guidelines="**Names** count as *answers*.")
    with serving(workspace.path, PIZZA_NO_SAMPLE="1") as address:
        sit_down(page, address, "Ann")
        expect(page.get_by_text("Names count as answers.")).to_be_visible()
        seen: dict[str, list[str]] = {}
        for n in range(len(PARTS)):
            shown = passage(page)
            part = next(p for p in PARTS if p.rstrip() == shown)
            if part == PARTS[-1]:
                press(page, "0", "0")
            else:
                press(page, "ArrowRight", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight")
                if n == 0:
                    shot(page, "label")
                press(page, "f", "Enter")
            seen[part] = []
            saved(page, n + 1)
        expect(page.get_by_text("Nothing is left for you right now")).to_be_visible()
        assert page.evaluate("window.hacked") is None
        press(page, "1", "Enter", "x", "n", "l")  # there is nothing before the rater to judge
        saved(page, len(PARTS))
        for name in ("Pizza night", "Label"):  # who has said their name is not asked again
            page.get_by_test_id("stSidebar").get_by_role("link", name=name).click()
            expect(page.get_by_text("Your name")).to_have_count(0)
            settled(page)
        expect(page.get_by_text("Nothing is left for you right now")).to_be_visible()
    held = {i.id: i for i in labels.items(workspace, evening)}
    for label in labels.labels(workspace, evening):
        item = held[label.item]
        part = TEXT[item.start : item.end]
        assert label.grade == (0 if part == PARTS[-1] else 3)
        for span in label.spans:
            seen[next(p for p in PARTS if p.rstrip() == part)].append(TEXT[span.start : span.end])
    assert seen[PARTS[0]] == ["cap table"]  # the emoji after it is no word
    (nfd,) = seen[PARTS[1]]
    assert unicodedata.is_normalized("NFD", nfd.split()[0])
    assert nfd in PARTS[1]
    assert seen[PARTS[2]][0] in PARTS[2]
    assert seen[PARTS[4]] == ["word word"]
    exact = {e.exact for e in gold.read(workspace, "friday").evidence["who"] if e.grade == 3}
    assert "cap table" in exact


def test_undo_later_skip_and_cannot_tell(page: Page, tmp_path):
    workspace, evening = evening_of(tmp_path, parts=(PARTS[0], PARTS[1], PARTS[5]))
    with serving(workspace.path, PIZZA_NO_SAMPLE="1") as address:
        sit_down(page, address, "Ann")
        first = passage(page)
        press(page, "3", "Enter")
        saved(page, 1)
        second = passage(page)
        assert second != first
        press(page, "u")  # the item comes back, and is nobody's judgment
        assert passage(page) == first
        saved(page, 2)
        assert labels.labels(workspace, evening) == []
        press(page, "Control+z")  # and the grade is taken back too
        expect(page.locator(".desk .grade.on")).to_have_count(0)
        press(page, "Enter")
        expect(page.get_by_text("A grade first: 0 to 3")).to_be_visible()
        press(page, "l")
        assert passage(page) == second
        press(page, "x")
        page.keyboard.type("0 of it is in English, n")  # nothing fires while typing
        press(page, "Enter")
        saved(page, 4)
        press(page, "n")
        assert passage(page) == first
        press(page, "2", "2")
        saved(page, 6)
        press(page, "?")
        expect(page.get_by_text("Undo, as often as you like", exact=False)).to_be_visible()
    by = {x.action: x for x in labels.labels(workspace, evening)}
    assert set(by) == {"grade", "cannot_tell", "skip"}
    assert by["cannot_tell"].note == "0 of it is in English, n"


def test_what_is_not_saved_is_said_and_is_sent_when_the_server_is_back(page: Page, tmp_path):
    workspace, evening = evening_of(tmp_path, parts=(PARTS[0], PARTS[1], PARTS[5]))
    with serving(workspace.path, PIZZA_NO_SAMPLE="1") as address:
        sit_down(page, address, "Ann")
        page.route("**/api/label/save", lambda route: route.abort())
        press(page, "0", "0", "1", "1")
        expect(page.locator(".desk .status")).to_have_attribute("data-waiting", "2")
        expect(page.get_by_text("2 kept here, not yet saved")).to_be_visible()
        shot(page, "label-offline")
        assert labels.labels(workspace, evening) == []
        page.unroute("**/api/label/save")
        saved(page, 2)
    assert [x.grade for x in labels.labels(workspace, evening)] == [0, 1]


def test_a_closed_tab_sends_what_was_left_when_it_is_opened_again(page: Page, tmp_path):
    workspace, evening = evening_of(tmp_path, parts=(PARTS[0], PARTS[5]))
    with serving(workspace.path, PIZZA_NO_SAMPLE="1") as address:
        sit_down(page, address, "Ann")
        page.route("**/api/label/save", lambda route: route.abort())
        press(page, "3", "Enter")
        expect(page.locator(".desk .status")).to_have_attribute("data-waiting", "1")
        page.close()
        again = page.context.new_page()
        again.goto(f"{address}/label?evening=friday&rater=Ann")
        saved(again, 1)
        again.close()
    assert [x.grade for x in labels.labels(workspace, evening)] == [3]


def test_two_raters_differ_and_the_host_decides_in_korean_too(browser: Browser, tmp_path):
    workspace, evening = evening_of(tmp_path, raters=2, parts=(PARTS[0], PARTS[5]))
    with serving(workspace.path, PIZZA_NO_SAMPLE="1") as address:
        contexts = [browser.new_context(viewport={"width": 1280, "height": 900}) for _ in range(3)]
        ann, bora, host = (c.new_page() for c in contexts)
        sit_down(ann, address, "Ann")
        sit_down(bora, address, "보라", "ko")
        expect(bora.get_by_text("단축키")).to_be_visible()
        shot(bora, "label-korean")
        for _ in range(2):
            press(ann, "0", "0")
        for n in range(2):
            press(bora, "3", "Enter")
            saved(bora, n + 1)
        saved(ann, 2)
        host.goto(f"{address}/pizza_night?evening=friday&rater=Host&view=disputes")
        expect(host.get_by_text("1 of 2")).to_be_visible()
        settled(host)
        shot(host, "disagreement")
        decide(host, "0", while_shown="1 of 2")
        expect(host.get_by_text("1 of 1")).to_be_visible()
        settled(host)
        decide(host, "3", while_shown="1 of 1")
        expect(host.get_by_text("Nobody disagrees")).to_be_visible()
        host.goto(f"{address}/pizza_night?evening=friday&rater=Host&view=tonight")
        expect(host.get_by_text("1 / 20")).to_be_visible()
        settled(host)
        shot(host, "pizza-night")
        for context in contexts:
            context.close()
    grades = sorted(e.grade for e in gold.read(workspace, "friday").evidence["who"])
    assert grades == [0, 3]
    kinds = [x.kind for x in labels.labels(workspace, evening)]
    assert kinds.count("adjudication") == 2


@pytest.mark.parametrize("width", [1280, 1920])
def test_a_newcomer_judges_five_passages_of_the_sample(browser: Browser, tmp_path, width):
    workspace = open_workspace(tmp_path / "workspace")
    sample.load(workspace)
    with serving(workspace.path, PIZZA_NO_SAMPLE="1") as address:
        page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
        page.goto(f"{address}/pizza_night")
        page.get_by_role("button", name="Judge five passages").click()
        expect(page.locator(".desk .grade").first).to_be_visible(timeout=60_000)
        for n in range(5):
            press(page, "1", "Enter")
            saved(page, n + 1)
        press(page, "ArrowRight", *["Shift+ArrowRight"] * 8, "3")
        shot(page, f"label-newcomer-{width}")
        page.context.close()
    assert len(labels.labels(workspace, evenings.named(workspace, "practice"))) == 5


def test_an_open_page_goes_on_when_a_killed_server_is_back(page: Page, tmp_path):
    workspace, evening = evening_of(tmp_path, parts=(PARTS[0], PARTS[1], PARTS[5]))
    server = Server(workspace.path)
    try:
        await_server(f"{server.address}/_stcore/health")
        sit_down(page, server.address, "Ann")
        press(page, "0", "0")
        saved(page, 1)
        server.kill()
        press(page, "1", "1", "3", "Enter")
        expect(page.get_by_text("2 kept here, not yet saved")).to_be_visible()
        assert len(labels.labels(workspace, evening)) == 1
        server.start()
        saved(page, 3)
    finally:
        server.kill()
    assert [x.grade for x in labels.labels(workspace, evening)] == [0, 1, 3]
