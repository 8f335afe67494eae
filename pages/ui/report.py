"""One click to a report: of a whole sweep, or of what Compare shows."""

from collections.abc import Mapping, Sequence

import streamlit as st

from goldsets.evaluation.measures import parse_measure
from goldsets.reporting.facts import Asked, facts
from goldsets.reporting.report import FORMATS, rendered
from pages.ui import frame
from retrieval.store import Workspace
from retrieval.store.workspace import now

NAMES = {"html": "HTML", "md": "Markdown", "pdf": "PDF", "csv": "CSV", "json": "JSON"}
LANGUAGES = {"en": "English", "ko": "한국어"}


def offer(
    workspace: Workspace,
    runs: Sequence[str],
    measures: Sequence[str],
    name: str,
    colours: Mapping[str, str],
) -> None:
    """Offer a report of runs, the baseline first, as a file to save; it is made when asked for."""
    with st.popover("Report", icon=":material/summarize:"):
        form = st.segmented_control(
            "Format", FORMATS, default="html", format_func=NAMES.__getitem__, required=True
        )
        language = st.segmented_control(
            "Language",
            list(LANGUAGES),
            default="en",
            format_func=LANGUAGES.__getitem__,
            required=True,
            disabled=form in ("csv", "json"),
        )
        question = st.text_input("The question it answers", placeholder="Shall we ship headings?")
        asked = Asked(
            tuple(runs),
            tuple(map(parse_measure, measures)),
            question.strip(),
            tints=colours,
        )
        st.download_button(
            "Save it",
            lambda: rendered(facts(workspace, asked, now()), form or "html", language or "en"),
            file_name=f"{name}.{form}",
            type="primary",
            icon=":material/download:",
        )
        frame.quiet("One file that opens without a network; its numbers can be verified.")
