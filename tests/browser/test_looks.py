"""Every page in light and dark: a screenshot, nothing wider than the window, no fault by axe."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from goldsets.store import open_workspace
from pages.ui.frame import PAGES
from tests.browser.conftest import serving, settled, shot
from tests.pages.sweeping import with_sweep

RULES = {"runOnly": ["wcag2a", "wcag2aa"]}
SCHEMES = ("light", "dark")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    workspace = open_workspace(tmp_path_factory.mktemp("looks"))
    with_sweep(workspace)
    with serving(workspace.path, PIZZA_NO_SAMPLE="1") as address:
        yield address


@pytest.fixture(scope="module", params=SCHEMES)
def themed(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme=request.param
    )
    yield context.new_page()
    context.close()


def faults(page: Page) -> list[str]:
    """What axe finds, a line a fault with where it is."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:150]}: {(node['any'] or [{'message': ''}])[0]['message']}"
        for rule in found
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_read_by_everybody(name: str, address: str, themed: Page) -> None:
    path = Path(PAGES[name][0])
    themed.goto(f"{address}/{'' if path.stem == 'app' else path.stem}")
    themed.get_by_role("heading").first.wait_for()
    expect(themed.locator("[data-testid=stSkeleton]")).to_have_count(0)
    settled(themed)
    scheme = "dark" if themed.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else ""
    shot(themed, f"page-{path.stem}{'-dark' if scheme else ''}")
    assert faults(themed) == []
    wide = themed.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
