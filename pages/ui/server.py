"""The server: the pages, and the routes beside them.

streamlit run pages/ui/server.py
"""

from pathlib import Path

import streamlit as st

from pages.ui.routes import ROUTES

app = st.App(Path(__file__).parents[2] / "app.py", routes=ROUTES)
