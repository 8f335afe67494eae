"""What calls cost: usage, prices, plans of money. A price not known is None, never 0."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from retrieval.errors import InputError
from retrieval.prices import PRICES
from retrieval.prices import Price as Price

MILLION = 1_000_000
FILE = "prices.json"
"""Beside a workspace's database: `{"voyage/voyage-4": {"input": 0.06, "since": "2026-01-15"}}`."""


@dataclass(frozen=True)
class Usage:
    """What a vendor counts: tokens, each of one kind (no cached ones in `input`); searches."""

    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_read: int = 0
    searches: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def tokens(self) -> int:
        """Return the tokens of all kinds."""
        return self.input + self.output + self.cache_write + self.cache_read


@dataclass(frozen=True)
class Outlay:
    """What paid work takes: `calls` and `tokens` to come, beside what is kept from before.

    `usd` is None where the price is not known; `kept_usd` is what is not paid again. `searches` are
    what rerankers are paid by that count no tokens. An `estimated` one is of work that depends on
    other work to come.
    """

    calls: int
    texts: int
    tokens: int
    usd: float | None
    kept_texts: int
    kept_tokens: int
    kept_usd: float | None
    searches: int = 0
    estimated: bool = False

    def __add__(self, other: "Outlay") -> "Outlay":
        return Outlay(
            self.calls + other.calls,
            self.texts + other.texts,
            self.tokens + other.tokens,
            total([self.usd, other.usd]),
            self.kept_texts + other.kept_texts,
            self.kept_tokens + other.kept_tokens,
            total([self.kept_usd, other.kept_usd]),
            self.searches + other.searches,
            self.estimated or other.estimated,
        )


def cost(usage: Usage, price: Price | None) -> float | None:
    """Return US dollars; None when something that was used has no known price."""
    parts = []
    for f in fields(Usage):
        used = getattr(usage, f.name)
        each = getattr(price, f.name) if price else None
        if used and each is None:
            return None
        parts.append(used * (each or 0.0) / (1 if f.name == "searches" else MILLION))
    return sum(parts) if price else None


def price_of(model: str, own: Mapping[str, Price] | None = None) -> Price | None:
    """Find the price of `vendor/model`: a workspace's own first, then the table; else None.

    A model's date (`-20251001`, `-2025-04-14`) may be left out of a price's name, and `vendor/*`
    stands for every model of a vendor.
    """
    undated = re.sub(r"-(\d{8}|\d{4}-\d\d-\d\d)$", "", model)
    names = (model, undated, model.split("/")[0] + "/*")
    tables = (own or {}, PRICES)
    return next((table[n] for table in tables for n in names if n in table), None)


def read_prices(folder: Path) -> dict[str, Price]:
    """Read a workspace's own prices; none where there is no file.

    Raises:
        InputError: the file is no JSON of `{"vendor/model": {"input": dollars, ...}}`.
    """
    path = folder / FILE
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as e:
        raise InputError(f"is not JSON that can be read ({e})", where=str(path)) from e
    if not isinstance(given, dict):
        raise InputError(f"must be an object of prices by vendor/model, not {given!r}", where=FILE)
    return {str(name): _price(name, value) for name, value in given.items()}


def _price(name: str, value: Any) -> Price:
    known = [f.name for f in fields(Price)]
    for field, amount in value.items() if isinstance(value, dict) else [("price", value)]:
        number = isinstance(amount, int | float) and not isinstance(amount, bool) and amount >= 0
        fits = isinstance(amount, str) if field in ("since", "source") else number
        if field not in known or not fits:
            raise InputError(
                f"{amount!r} is not a price; give US dollars for a million tokens (searches: for"
                f" one) under {', '.join(known)}",
                where=f"{FILE}: {name}: {field}",
            )
    return Price(**value)


def total(costs: Iterable[float | None]) -> float | None:
    """Add dollars up; one that is not known makes the sum unknown."""
    amounts = list(costs)
    return None if None in amounts else sum(a for a in amounts if a is not None)


def money(usd: float | None) -> str:
    """Phrase dollars for a person: three significant digits below ten cents, else cents."""
    if usd is None:
        return "an unknown amount"
    if usd == 0:
        return "$0"
    if usd < 1e-6:
        return "under $0.000001"
    return f"${usd:,.2f}" if usd >= 0.1 else f"${float(f'{usd:.2g}'):f}".rstrip("0")
