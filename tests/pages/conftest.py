"""Pages in Streamlit's own test harness, and workspaces to open them on."""

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from goldsets import sample
from goldsets.store import open_workspace
from retrieval.store import Workspace
from tests.goldsets.evening import dusk, night  # noqa: F401
from tests.pages.sweeping import with_sweep
from tests.retrieval.providers.conftest import server, vendors  # noqa: F401

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def components_found_once() -> Iterator[None]:
    """Look once for components among what is installed, not for every page that is opened."""
    with pytest.MonkeyPatch.context() as patch:
        found = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        yield


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the sample, to copy or to read."""
    path = tmp_path_factory.mktemp("loaded")
    sample.load(open_workspace(path))
    return path


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[Path], Workspace]:
    """Copy a workspace that others read, to write into."""
    return lambda held: open_workspace(shutil.copytree(held, tmp_path, dirs_exist_ok=True))


@pytest.fixture(scope="session")
def sampled(tmp_path_factory: pytest.TempPathFactory, loaded: Path) -> Path:
    path = tmp_path_factory.mktemp("sampled")
    with_sweep(Workspace(shutil.copytree(loaded, path, dirs_exist_ok=True)))
    return path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch):
    """Open a page on a workspace."""

    def open_(page: str, workspace: Path, **query: str) -> AppTest:
        st.cache_resource.clear()
        monkeypatch.setenv("PIZZA_WORKSPACE", str(workspace))
        monkeypatch.setenv("PIZZA_NO_SAMPLE", "1")
        test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        if page != "app.py":
            test.switch_page(page)
        for name, value in query.items():
            test.query_params[name] = value
        test.run()
        assert not test.exception, test.exception
        return test

    return open_
