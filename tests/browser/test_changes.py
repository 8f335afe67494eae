"""A document comes in again, changed; its evidence is accepted, marked anew, dropped by keys."""

import pytest
from playwright.sync_api import Page, expect

from goldsets.store import gold, open_workspace
from goldsets.types import Evidence, GoldSet, Query
from retrieval.store import Workspace, corpora
from retrieval.types import Document
from tests.browser.conftest import serving, settled, shot
from tests.browser.test_mark import select

OLD = """# Returns

Refunds are granted within 30 days of the purchase, on request. Shipping is not paid back.

The manager decides on damaged goods. Ask before you send anything, and keep the receipt.

## 환불

환불은 구매 후 30일 이내에 요청하시면 됩니다. 배송비는 돌려드리지 않습니다.
훼손된 상품은 매장에서 확인합니다.

Gift cards are not refunded.
"""
NEW = (
    OLD.replace("within 30 days of the purchase, on", "within two weeks of delivery, on written")
    .replace("30일 이내에 요청하시면", "14일 안에 서면으로 요청하시면")
    .replace("The manager decides on damaged goods. ", "")
    .replace("# Returns\n", "# Returns and refunds\n\nWe want you to be happy with what you buy.\n")
)
ASKED = {
    "until-when": (
        "How long do I have to ask for my money?",
        "Refunds are granted within 30 days of the purchase, on request.",
    ),
    "ko": ("환불은 언제까지 되나요", "환불은 구매 후 30일 이내에 요청하시면 됩니다."),
    "damaged": ("my pizza steel came with a dent", "The manager decides on damaged goods."),
    "gift": ("can I give a gift card back", "Gift cards are not refunded."),
    "receipt": ("do I need the receipt", "keep the receipt"),
}


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    workspace = open_workspace(tmp_path / "workspace")
    about = {"title": "Returns", "media": "text/markdown"}
    corpora.write(workspace, "shop", [Document("returns.md", OLD, **about)])
    evidence = {
        id_: (Evidence.of("returns.md", OLD, OLD.index(quote), OLD.index(quote) + len(quote)),)
        for id_, (_, quote) in ASKED.items()
    }
    queries = tuple(Query(id_, text, needs="any") for id_, (text, _) in ASKED.items())
    gold.write(workspace, GoldSet("shop", "shop", queries, evidence), "ann")
    corpora.write(workspace, "shop", [Document("returns.md", NEW, **about)])
    return workspace


def quotes(workspace: Workspace, query: str) -> list[str]:
    return [j.evidence.exact for j in gold.judgments(workspace, "shop", query)]


def test_changes_are_decided_by_keys(page: Page, workspace: Workspace):
    with serving(workspace.path) as address:
        page.goto(f"{address}/gold")
        expect(page.get_by_text("5 pieces of evidence changed with corpus v2")).to_be_visible()
        settled(page)
        shot(page, "changes-banner")
        page.get_by_role("button", name="Review").click()
        expect(page.get_by_text("1 of 5")).to_be_visible()
        expect(page.locator("ins").first).to_be_visible()
        settled(page)
        shot(page, "changes")
        page.keyboard.press("a")
        expect(page.get_by_text("2 of 5")).to_be_visible()
        settled(page)
        page.keyboard.press("ArrowRight")
        expect(page.get_by_text("3 of 5")).to_be_visible()
        expect(page.get_by_text("Neither these words nor any like them")).to_be_visible()
        settled(page)
        shot(page, "changes-gone")
        page.keyboard.press("m")
        expect(page.get_by_text("Select the words that answer now")).to_be_visible()
        settled(page)
        shot(page, "changes-by-hand")
        select(page, "훼손된 상품은 매장에서 확인합니다.")
        expect(page.get_by_text("4 of 5")).to_be_visible()
        settled(page)
        page.keyboard.press("d")
        expect(page.get_by_text("5 of 5")).to_be_visible()
        settled(page)
    assert quotes(workspace, "until-when") == [
        "Refunds are granted within two weeks of delivery, on written request."
    ]
    assert quotes(workspace, "damaged") == ["훼손된 상품은 매장에서 확인합니다."]
    assert quotes(workspace, "ko") == [ASKED["ko"][1]]
