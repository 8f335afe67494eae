"""The span component: a document with its marks, in which the mouse marks a further one."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent

_component = st.components.v2.component(
    "pizza_spans",
    html="<div class='spans' tabindex='0'></div>",
    css=(HERE / "spans.css").read_text(encoding="utf-8"),
    js="".join((HERE / name).read_text(encoding="utf-8") for name in ("offsets.js", "spans.js")),
)


@dataclass(frozen=True)
class Drawn:
    """A span to draw; `focus` scrolls to it when the document is first shown."""

    start: int
    end: int
    grade: int
    title: str
    focus: bool = False


@dataclass(frozen=True)
class Marked:
    """What the mouse marked: offsets in code points, and the text the browser saw there."""

    document: str
    start: int
    end: int
    exact: str


def document(
    name: str,
    text: str,
    spans: Sequence[Drawn],
    key: str,
    on_marked: Callable[[Marked], None],
    focus: str = "",
    *,
    mono: bool = False,
) -> None:
    """Draw a document; call `on_marked` before the next rerun when a span was marked."""

    def handle() -> None:
        value = getattr(st.session_state[key], "marked", None)
        if value:
            on_marked(_checked(value))

    marks = [asdict(s) for s in spans]
    data = {"document": name, "text": text, "marks": marks, "focus": focus, "mono": mono}
    _component(data=data, key=key, on_marked_change=handle)


def _checked(value: Any) -> Marked:
    return Marked(
        str(value["document"]), int(value["start"]), int(value["end"]), str(value["exact"])
    )
