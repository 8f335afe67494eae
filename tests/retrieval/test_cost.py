import json
from dataclasses import fields
from pathlib import Path

import pytest

from retrieval.cost import (
    FILE,
    Outlay,
    Usage,
    cost,
    money,
    price_of,
    read_prices,
    total,
)
from retrieval.errors import InputError
from retrieval.prices import PRICES, Price


def test_a_cost_is_the_sum_over_kinds_of_tokens_and_searches() -> None:
    price = Price(input=1, output=5, cache_write=1.25, cache_read=0.1, searches=0.002)
    used = Usage(1_000_000, 200_000, 400_000, 2_000_000, 3)
    assert cost(used, price) == pytest.approx(1 + 1 + 0.5 + 0.2 + 0.006)
    assert used.tokens == 3_600_000
    assert used + used == Usage(2_000_000, 400_000, 800_000, 4_000_000, 6)


def test_an_unknown_price_is_unknown_and_never_nothing() -> None:
    assert cost(Usage(1), None) is None
    assert cost(Usage(), None) is None
    assert cost(Usage(1, 1), Price(input=1)) is None
    assert cost(Usage(1), Price(input=1)) == 1e-6
    assert cost(Usage(5), Price(input=0)) == 0
    assert total([1, None]) is None
    assert total([1, 2]) == 3
    assert total([]) == 0
    known, unknown = Outlay(1, 2, 3, 4.0, 5, 6, 7.0), Outlay(1, 1, 1, None, 1, 1, 1.0)
    assert known + known == Outlay(2, 4, 6, 8.0, 10, 12, 14.0)
    assert known + unknown == Outlay(2, 3, 4, None, 6, 7, 8.0)


def test_prices_are_found_by_name_date_and_vendor() -> None:
    assert price_of("voyage/voyage-3.5-lite") == PRICES["voyage/voyage-3.5-lite"]
    assert price_of("anthropic/claude-haiku-4-5-20251001") == PRICES["anthropic/claude-haiku-4-5"]
    assert price_of("openai/gpt-4.1-mini-2025-04-14") == PRICES["openai/gpt-4.1-mini"]
    assert price_of("openai@localhost:11434/nomic") is None
    own = {"openai@localhost:11434/*": Price(0, 0), "voyage/voyage-3.5-lite": Price(9)}
    assert price_of("openai@localhost:11434/nomic", own) == Price(0, 0)
    assert price_of("voyage/voyage-3.5-lite", own) == Price(9)


@pytest.mark.parametrize("name", PRICES)
def test_every_price_has_a_date_and_says_what_its_vendor_charges(name: str) -> None:
    price = PRICES[name]
    assert price.since >= "2025"
    assert "://" not in price.source
    amounts = [getattr(price, f.name) for f in fields(Usage)]
    assert any(a is not None for a in amounts)
    assert all(a is None or a > 0 for a in amounts)


def test_a_workspace_has_prices_of_its_own(tmp_path: Path) -> None:
    assert read_prices(tmp_path) == {}
    (tmp_path / FILE).write_text('{"voyage/voyage-9": {"input": 0.5, "since": "2026-11"}}')
    assert read_prices(tmp_path) == {"voyage/voyage-9": Price(0.5, since="2026-11")}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("{", "is not JSON"),
        ("[]", "must be an object"),
        ({"a/b": 3}, "a/b: price: 3 is not a price"),
        ({"a/b": {"input": "3"}}, "a/b: input: '3' is not a price"),
        ({"a/b": {"input": -1}}, "a/b: input: -1 is not a price"),
        ({"a/b": {"inptu": 1}}, "a/b: inptu: 1 is not a price"),
        ({"a/b": {"input": True}}, "a/b: input: True is not a price"),
        ({"a/b": {"source": 1}}, "a/b: source: 1 is not a price"),
    ],
)
def test_prices_that_are_none_are_named(tmp_path: Path, given: object, says: str) -> None:
    text = given if isinstance(given, str) else json.dumps(given)
    (tmp_path / FILE).write_text(text)
    with pytest.raises(InputError, match=says):
        read_prices(tmp_path)


@pytest.mark.parametrize(
    ("usd", "words"),
    [
        (None, "an unknown amount"),
        (0, "$0"),
        (1e-9, "under $0.000001"),
        (0.0000123, "$0.000012"),
        (0.0201, "$0.02"),
        (0.1, "$0.10"),
        (1234.5, "$1,234.50"),
    ],
)
def test_money_in_words(usd: float | None, words: str) -> None:
    assert money(usd) == words
