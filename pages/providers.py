"""Providers: what is set up to reach each vendor, whether it answers, its models and prices."""

import json
import re
from html import escape
from typing import Any

import streamlit as st

from goldsets.evaluation.words import count
from goldsets.providing import facts, price_rows
from pages.ui import frame
from pages.ui.text import plain
from retrieval.cost import FILE, read_prices
from retrieval.errors import PizzaError
from retrieval.providers.check import PROVIDERS, Provider, check, kind, made
from retrieval.runtime import Runtime
from retrieval.store import Workspace

EXAMPLE = {
    "voyage/voyage-3.5-lite": {"input": 0.015, "since": "2026-11"},
    "openai@localhost:11434/*": {"input": 0, "output": 0},
}
MARKS = {True: "<b class='pn-yes'>✓</b>", False: "<b class='pn-accent'>✗</b>"}


def card(workspace: Workspace, provider: Provider) -> None:
    """Show what is set up of a provider, and let a model of it be checked."""
    with st.container(border=True):
        about, setup, asking = st.columns([1, 2, 1.6], gap="medium")
        with about:
            st.markdown(f"**{provider.name}**")
            frame.quiet(", ".join(cls.__name__ for cls in provider.stages))
        with setup:
            st.html("".join(fact(fine, text) for fine, text in facts(provider, secrets())))
        with asking:
            chosen, pressed = choice(provider)
            if pressed:
                st.session_state[f"told-{provider.name}"] = ask(workspace, *chosen)
        answered, said = st.session_state.get(f"told-{provider.name}", (True, ""))
        if said:
            (st.success if answered else st.error)(plain(said))


def fact(fine: bool, text: str) -> str:
    """Draw a fact with its mark, the names in it as code."""
    body = re.sub("`([^`]*)`", r"<code>\1</code>", escape(text, quote=False))
    return f"<p class='pn-fact'>{MARKS[fine]} {body}</p>"


def secrets() -> set[str]:
    """Return the names that Streamlit's secrets put into the environment."""
    return set(st.secrets) if st.secrets.load_if_toml_exists() else set()


def choice(provider: Provider) -> tuple[tuple[Any, str], bool]:
    """Let a model be chosen, or typed where there are others; tell whether to check it."""
    key = provider.name
    models = {f"{m.label} · {kind(type(m))}": m for m in provider.models}
    by_kind = {kind(cls): cls for cls in provider.stages}
    what = ""
    if provider.any_name:
        what = st.segmented_control(
            "A model that can", list(by_kind), default="embed", required=True, key=f"kind-{key}"
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if what:
            shown = by_kind[what]().label if provider.package else "as the server calls it"
            name = st.text_input("Its name", placeholder=shown, key=f"name-{key}")
            chosen = (by_kind[what], name or "")
        else:
            start = [m.label for m in models.values()].index(provider.stages[0]().label)
            label = st.selectbox("Model", list(models), start, key=f"model-{key}")
            chosen = (type(models[label]), models[label].label)
        return chosen, st.button("Check", key=f"check-{key}")


def ask(workspace: Workspace, cls: Any, model: str) -> tuple[bool, str]:
    """Make one tiny call; return whether it was answered, and what to say of it."""
    try:
        with st.spinner("Asking"):
            return True, f"{model} {check(made(cls, model), Runtime(workspace))}."
    except PizzaError as e:
        return False, str(e)


def prices(workspace: Workspace) -> None:
    """List the models we know with their prices."""
    st.subheader("Models and prices", anchor=False)
    try:
        own = read_prices(workspace.path)
    except PizzaError as e:
        own = {}
        st.error(plain(str(e)))
    widths = {"Model": 240, "For": 60, "Source": 420}
    st.dataframe(
        price_rows(own),
        hide_index=True,
        key="prices",
        height=460,
        column_config={c: st.column_config.Column(width=w) for c, w in widths.items()},
    )
    frame.quiet(
        "US dollars for a million tokens, before tax, standard tier; a search is one query with its"
        " texts. The table was compared in November 2026 with the pages named, which may have"
        " changed since. <b>Unverified</b>: no page was found that says so. <b>Unknown</b> is never"
        " taken for 0."
    )
    st.markdown("**Prices of your own**")
    held = f"has {count(len(own), 'price')}" if own else "is not there yet"
    frame.quiet(
        f"They win over the table. They stand in <code>{escape(str(workspace.path / FILE))}</code>,"
        f" which {held}; <code>*</code> is every model of a server:"
    )
    st.code(json.dumps(EXAMPLE, indent=1), language="json")


with frame.page(
    "Providers",
    "Vendors that pipelines may call. Keys come from the environment and are never shown; a check"
    " is one tiny call, within the budgets and in the ledger.",
) as workspace:
    for provider in PROVIDERS:
        card(workspace, provider)
    prices(workspace)
