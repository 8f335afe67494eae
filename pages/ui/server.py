"""The server: the pages, the routes beside them, and the door where it is shared.

streamlit run pages/ui/server.py
"""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from pages.ui import gate, routes

app = st.App(
    Path(__file__).parents[2] / "app.py",
    routes=[*routes.ROUTES, *gate.ROUTES],
    middleware=[Middleware(gate.Door)],
)
