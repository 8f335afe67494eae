"""A vendor is checked, what that cost is seen, and a budget stops the next call."""

import csv
import io
from pathlib import Path

from playwright.sync_api import Page, expect

from goldsets.store import open_workspace
from retrieval.store import ledger
from tests.browser.conftest import serving, settled, shot
from tests.retrieval.providers.conftest import KEYS
from tests.retrieval.providers.stub import KEY, Vendors


def test_from_a_check_to_its_cost_and_a_budget(page: Page, tmp_path):
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(f'VOYAGE_API_KEY = "{KEY}"\n')
    workspace = open_workspace(tmp_path / "workspace")
    with Vendors() as vendors:
        environment = {
            **dict.fromkeys(KEYS, ""),
            "PIZZA_NO_SAMPLE": "1",
            "VOYAGE_BASE_URL": f"{vendors.url}/v1",
            "OPENAI_BASE_URL": "http://me:hidden@127.0.0.1:9/v1?token=hidden",
            "STREAMLIT_SECRETS_FILES": str(secrets),
        }
        with serving(workspace.path, **environment) as address:
            page.goto(f"{address}/cost")
            expect(page.get_by_text("No vendor has been called yet")).to_be_visible()
            page.get_by_role("link", name="Set a vendor up and check it").click()
            expect(
                page.get_by_text("Key in VOYAGE_API_KEY, from Streamlit's secrets")
            ).to_be_visible()
            expect(page.get_by_text("No key: set GEMINI_API_KEY")).to_be_visible()
            settled(page)
            page.get_by_role("button", name="Check").first.click()
            expect(page.get_by_text("voyage-3.5-lite gave a vector of 1,024")).to_be_visible()
            page.get_by_role("button", name="Check").nth(1).click()
            expect(page.get_by_text("Gemini needs a key")).to_be_visible()
            settled(page)
            shown = page.content()
            assert KEY not in shown
            assert "http://127.0.0.1:9/v1" in shown
            assert "hidden@" not in shown
            assert "token=" not in shown
            shot(page, "providers")
            assert len(vendors.requests) == 1

            page.get_by_role("link", name="Cost").click()
            expect(page.locator(".js-plotly-plot")).to_have_count(3)
            expect(page.get_by_text("Any job $0 (no budget)")).to_be_visible()
            settled(page)
            shot(page, "cost")
            with page.expect_download() as download:
                page.get_by_role("button", name="Download calls").click()
            (row,) = csv.DictReader(io.StringIO(Path(download.value.path()).read_text()))
            assert (row["model"], row["state"], row["input"]) == (
                "voyage/voyage-3.5-lite",
                "done",
                "5",
            )

            page.get_by_label("Each day (UTC)").fill("0")
            page.get_by_role("button", name="Set budgets").click()
            expect(page.get_by_text("of $0")).to_be_visible()
            assert ledger.budgets(workspace) == {"day": 0}
            page.get_by_role("link", name="Providers").click()
            settled(page)
            page.get_by_role("button", name="Check").first.click()
            expect(page.get_by_text("would pass the budget of $0 a day")).to_be_visible()
            assert len(vendors.requests) == 1

            page.get_by_role("link", name="Cost").click()
            settled(page)
            page.get_by_label("Each day (UTC)").fill("")
            page.get_by_role("button", name="Set budgets").click()
            expect(page.get_by_text("of $0", exact=False)).to_have_count(0)
            assert ledger.budgets(workspace) == {}
