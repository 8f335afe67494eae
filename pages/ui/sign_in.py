"""Signing in and out, where a server is shared that way."""

from html import escape
from typing import NoReturn

import streamlit as st

from goldsets.labelling.access import Viewer
from goldsets.sign_in import providers

NAMELESS = "default"


def ask() -> NoReturn:
    """Draw the way in, and nothing else of the page."""
    with st.container(key="pn-sign-in", border=True):
        st.markdown("## :material/local_pizza: Pizza Night")
        st.html("<p>Sign in to take part.<br>참여하려면 로그인하세요.</p>")
        for name in providers(st.secrets["auth"]):
            by = "" if name == NAMELESS else f" · {name.title()}"
            st.button(
                f"Sign in · 로그인{by}",
                key=f"sign-in-{name}",
                type="primary",
                icon=":material/login:",
                width="stretch",
                on_click=st.login,
                args=(name,),
            )
    st.stop()


def out(viewer: Viewer) -> None:
    """Say who is signed in, and offer to sign out."""
    st.html(f"<p class='pn-quiet pn-me'>{escape(viewer.name)}</p>")
    st.button("Sign out · 로그아웃", type="tertiary", icon=":material/logout:", on_click=st.logout)
