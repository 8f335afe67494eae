"""The component of two ranked lists side by side, with lines between what stands in both."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent

_component = st.components.v2.component(
    "pizza_lists",
    html="<div class='lists'></div>",
    css=(HERE / "lists.css").read_text(encoding="utf-8"),
    js=(HERE / "lists.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Card:
    """A passage in a list: `parts` are pieces of text with a CSS class or nothing.

    `other` says where the other list has it; `alone` that it has not. `apart` draws a gap above.
    """

    rank: int
    where: str
    parts: Sequence[tuple[str, str]]
    found: bool
    other: str
    alone: bool
    apart: bool = False


@dataclass(frozen=True)
class List:
    """One side: its title, what is to be said of it, its cards."""

    title: str
    note: str
    cards: Sequence[Card]


def draw(left: List, right: List, lines: Iterable[tuple[int, int]], key: str) -> None:
    """Draw two lists, and lines between the places of cards given; text goes in as text nodes."""
    data = {"sides": [asdict(left), asdict(right)], "lines": [list(line) for line in lines]}
    _component(data=data, key=key)
