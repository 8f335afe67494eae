"""A newcomer's first minutes, as docs/tutorial.md tells them: from an empty folder to a report."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import serving, settled, shot


def test_from_an_empty_folder_to_a_verdict_and_a_verified_change(page: Page, tmp_path):
    with serving(tmp_path / "workspace") as address:
        page.goto(address)
        expect(page.get_by_text("Which pipeline finds the right passage?")).to_be_visible()
        verdict = page.locator(".pn-verdict")
        verdict.wait_for(timeout=240_000)
        assert re.search(r"BM25 \+ Dense leads with R@20 .*; better by", verdict.inner_text())
        expect(page.locator(".js-plotly-plot")).to_be_visible()
        settled(page)
        shot(page, "home")

        page.get_by_role("link", name="The whole leaderboard").click()
        expect(page.get_by_role("heading", name="Sweep")).to_be_visible()
        expect(page.locator(".js-plotly-plot")).to_have_count(2)
        expect(page.locator(".pn-verdict")).to_contain_text("leads with R@20")
        page.get_by_role("radio", name="nDCG@10").click()
        expect(page.locator(".pn-verdict")).to_contain_text("nDCG@10")
        expect(page).to_have_url(re.compile("measure=nDCG"))
        shot(page, "sweep")

        page.get_by_role("link", name="See which queries differ").click()
        expect(page.locator(".lists .card").first).to_be_visible()
        page.get_by_role("radio", name="Improved").click()
        expect(page).to_have_url(re.compile("show=improved"))
        settled(page)
        expect(page.locator(".lists .card mark").first).to_be_visible()
        shot(page, "compare")

        shared = page.url
        page.goto("about:blank")
        page.goto(shared)
        expect(page.locator(".lists .card").first).to_be_visible()
        settled(page)
        assert page.url == shared

        page.get_by_role("link", name="Playground").click()
        box = page.get_by_label("Query")
        box.fill("what runs if I return inside finally")
        box.press("Enter")
        expect(page.get_by_text("Fused by RRF")).to_be_visible()
        expect(page.locator(".pn-hit").first).to_be_visible()
        settled(page)
        shot(page, "playground")

        page.get_by_role("link", name="Error analysis").click()
        settled(page)
        page.get_by_role("combobox", name="Pipeline").click()
        page.get_by_role("option", name="FixedTokens · BM25", exact=True).click()
        expect(page.get_by_role("radio", name="lexical miss")).to_be_visible()
        settled(page)
        page.get_by_role("radio", name="What would help").click()
        change = page.locator(
            "[class*=st-key-cure-]", has_text="Search by meaning too, with use-m3"
        )
        change.get_by_role("button", name="Try it").click()
        expect(change.get_by_text("verified")).to_be_visible(timeout=180_000)
        settled(page)

        page.get_by_role("link", name="Sweep", exact=True).click()
        page.get_by_role("button", name="Report").click()
        with page.expect_download() as saved:
            page.get_by_role("button", name="Save it").click()
        assert "leads with R@" in saved.value.path().read_text(encoding="utf-8")


def test_the_corpus_page_draws_chunks_on_the_text(page: Page, tmp_path):
    with serving(tmp_path / "workspace") as address:
        page.goto(f"{address}/corpora?doc=try")
        expect(page.get_by_text("This fits into a prompt.")).to_be_visible()
        expect(page.locator(".pn-chunk").first).to_be_visible()
        before = page.locator(".pn-no").count()
        settled(page)
        page.get_by_role("combobox", name="Chunks by").click()
        page.get_by_role("option", name="BySentence").click()
        expect(page.locator(".pn-no")).not_to_have_count(before)
        settled(page)
        shot(page, "corpora")
