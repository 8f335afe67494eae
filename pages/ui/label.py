"""The labelling component: one item after another, without a rerun between them."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import streamlit as st

from pages.ui import words

HERE = Path(__file__).parent

_component = st.components.v2.component(
    "pizza_desk",
    html="<div class='desk'></div>",
    css=(HERE / "label.css").read_text(encoding="utf-8"),
    js="".join((HERE / name).read_text(encoding="utf-8") for name in ("offsets.js", "label.js")),
)


def desk(token: str, grades: Sequence[str], answers_from: int, language: str) -> None:
    """Draw the desk of the rater a token belongs to; it fetches and saves by itself."""
    data = {
        "token": token,
        "owner": sha256(token.encode()).hexdigest()[:12],
        "grades": list(grades),
        "answers_from": answers_from,
        "words": words.table(language),
        "sheet": [list(row) for row in words.SHEET],
    }
    _component(data=data, key=f"desk-{data['owner']}")
