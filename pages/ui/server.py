"""The server: the pages, the routes beside them, and the door where it is shared.

streamlit run pages/ui/server.py
"""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from threading import Thread

import streamlit as st
from starlette.middleware import Middleware
from streamlit.components.v2 import manifest_scanner

from pages.ui import gate, routes

# No package here brings a component; to look for one parses the metadata of all that are installed
manifest_scanner.scan_component_manifests = list


@asynccontextmanager
async def ahead(_app: st.App) -> AsyncIterator[None]:
    """Import what every page will need while the browser still loads its part."""
    Thread(target=_import_ahead, daemon=True).start()
    yield


def _import_ahead() -> None:
    for module in ("pages.ui.frame", "pages.ui.charts"):
        import_module(module)
    gc.freeze()  # what is imported stays: the collector may pass over it


app = st.App(
    Path(__file__).parents[2] / "app.py",
    routes=[*routes.ROUTES, *gate.ROUTES],
    middleware=[Middleware(gate.Door)],
    lifespan=ahead,
)
