"""Choices that live in the URL by their ids, so that a link brings back what it showed.

The widget holds the choice while the page is open; the URL wins whenever it was changed from
outside (a link, the back button).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

SEPARATOR = "~"


def one(label: str, options: Mapping[str, str], name: str, default: str = "", **more: Any) -> str:
    """Offer a select box over `id -> label`; return the chosen id."""
    ids = list(options)
    fallback = default if default in options else ids[0]
    key = _synced(name, lambda asked: asked if asked in options else fallback)
    if st.session_state[key] not in options:
        st.session_state[key] = fallback
    chosen: str = st.selectbox(label, ids, format_func=lambda i: options[i], key=key, **more)
    _remember(name, chosen)
    return chosen


def row(label: str, options: Mapping[str, str], name: str, default: str = "", **more: Any) -> str:
    """Offer a segmented control over `id -> label`; return the chosen id."""
    ids = list(options)
    fallback = default if default in options else ids[0]
    key = _synced(name, lambda asked: asked if asked in options else fallback)
    if st.session_state[key] not in options:
        st.session_state[key] = fallback
    chosen: str = st.segmented_control(
        label, ids, format_func=lambda i: options[i], key=key, required=True, **more
    )
    _remember(name, chosen)
    return chosen


def chosen(options: Mapping[str, str], name: str) -> str:
    """Return what a select box or segmented control further down has chosen, before it is drawn."""
    ids = list(options)
    key = _synced(name, lambda asked: asked if asked in options else ids[0])
    value = st.session_state[key]
    return value if value in options else ids[0]


def several(
    label: str, options: Mapping[str, str], name: str, default: Sequence[str], **more: Any
) -> list[str]:
    """Offer a multiselect over `id -> label`; return the chosen ids in the order of choice."""

    def read(asked: str) -> list[str]:
        known = [i for i in asked.split(SEPARATOR) if i in options]
        return known or [i for i in default if i in options]

    key = _synced(name, read)
    st.session_state[key] = [i for i in st.session_state[key] if i in options] or read("")
    chosen = st.multiselect(label, list(options), format_func=lambda i: options[i], key=key, **more)
    _remember(name, SEPARATOR.join(chosen))
    return list(chosen)


def text(label: str, name: str, **more: Any) -> str:
    """Offer a text input."""
    key = _synced(name, lambda asked: asked)
    written: str = st.text_input(label, key=key, **more) or ""
    _remember(name, written)
    return written


def get(name: str) -> str:
    """Return what the URL holds under a name, or the empty string."""
    return str(st.query_params.get(name, ""))


def put(name: str, value: str) -> None:
    """Put a value into the URL."""
    if value and st.query_params.get(name) != value:
        st.query_params[name] = value
    elif not value and name in st.query_params:
        del st.query_params[name]


def _synced(name: str, read: Any) -> str:
    """Return the widget's key, its value taken from the URL where that is newer."""
    key, seen, asked = f"in-{name}", f"seen-{name}", get(name)
    if key not in st.session_state or st.session_state.get(seen) != asked:
        st.session_state[key] = read(asked)
    return key


def _remember(name: str, value: str) -> None:
    put(name, value)
    st.session_state[f"seen-{name}"] = value
