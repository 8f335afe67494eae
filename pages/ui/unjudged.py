"""What unjudged passages leave open between runs, and how to have the ones judged that decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape

import streamlit as st

from goldsets.evaluation.pair import Pair
from goldsets.evaluation.run import Run
from goldsets.evaluation.sweep import Board
from goldsets.evaluation.words import about, count, lead, points
from goldsets.labelling import deciding
from goldsets.labelling.deciding import HOST
from goldsets.store import evenings
from pages.ui import frame, read, url
from retrieval.store import Workspace

DEFAULT, MOST = 20, 500
"""Items that are asked for at once."""


@dataclass(frozen=True)
class Open:
    """What is open between runs: each alone, and each but the first against the first.

    Where the measure has no bounds, `alone` is empty and `against` holds None.
    """

    alone: list[Pair]
    against: list[Pair | None]

    @classmethod
    def of(cls, board: Board, runs: Sequence[Run], measure: str) -> "Open":
        """Work out what is open between runs, the first of which is the baseline."""
        return cls(*read.pairs(board, runs, measure))

    @cached_property
    def cases(self) -> list[str]:
        """Write the worst and the best case of each run, in points."""
        return [f"{points(p.bounds.mean_low)} to {points(p.bounds.mean_high)}" for p in self.alone]

    @cached_property
    def bands(self) -> list[tuple[float, float] | None]:
        """Return the least and the greatest difference of each run to the first."""
        return [_ends(p) for p in self.against]


def _ends(pair: Pair | None) -> tuple[float, float] | None:
    low, high = (pair.bounds.mean_low, pair.bounds.mean_high) if pair else (None, None)
    return None if low is None or high is None else (low, high)


def sentences(
    found: Open, letters: Sequence[str], means: Sequence[float | None], measure: str
) -> None:
    """Say of each variant whether unjudged passages could turn its lead."""
    if not found.alone:  # a measure of characters
        return
    rows = list(zip(letters[1:], means, found.bands, found.against, strict=False))
    said = [
        lead(letter, letters[0], mean, *band)
        for letter, mean, band, _ in rows
        if mean is not None and band is not None
    ]
    apart = ", ".join(letter for letter, _, _, pair in rows if pair is None)
    if apart:
        said.append(
            f"Between chunkings {measure} has no bounds: what unjudged passages could make of"
            f" {apart} against {letters[0]} is not known."
        )
    if said:
        st.html("".join(f"<p class='pn-lead'>{escape(s)}</p>" for s in said))


def decide(workspace: Workspace, found: Open, labels: Sequence[str], goldset: str) -> None:
    """Offer to have the passages judged that decide between a variant and the baseline."""
    open_ = {
        label.split()[0]: pair
        for label, pair in zip(labels[1:], found.against, strict=True)
        if pair and pair.doubts
    }
    if not open_:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="pn-decide"):
        letter = next(iter(open_))
        if len(open_) > 1:
            letter = url.one("Decide", {k: f"{k} against A" for k in open_}, "decide", width=150)
        n = st.number_input("Items", 1, MOST, DEFAULT, key="items", width=120)
        text = f"Label these {n} items to decide A against {letter}"
        asked = st.button(text, icon=":material/keyboard:")
    pair = open_[letter]
    if asked:
        host = "" if frame.the_viewer().identity else url.get("rater") or HOST
        if not deciding.ask(workspace, pair, int(n), host).items:
            st.info("All that could decide is in the queue already.")
    needed = pair.labels_needed
    enough = (
        f"Probably {about(needed)} labels decide, on these queries."
        if needed
        else "All of them together might not decide: the two are too close on these queries."
    )
    frame.quiet(escape(f"{count(len(pair.doubts), 'unjudged passage')} could move it. {enough}"))
    to_label(workspace, pair, goldset)


def to_label(workspace: Workspace, pair: Pair, goldset: str) -> None:
    """Link to the desk where passages that could decide are waiting there."""
    evening = deciding.open_evening(workspace, goldset)
    waiting = deciding.waiting(workspace, evening, pair) if evening else 0
    if evening and waiting:
        known = HOST in {m.name for m in evenings.members(workspace, evening)}
        rater = url.get("rater") or (HOST if known else "")
        st.page_link(
            "pages/label.py",
            label=f"{count(waiting, 'item')} to label in {evening.name}",
            icon=":material/arrow_forward:",
            query_params={"evening": evening.name, **({"rater": rater} if rater else {})},
        )
