"""What the tests let other processes do; they are started afresh and import this module."""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from retrieval.store import Workspace, corpora
from retrieval.types import Document


def at_once(work: Callable[[Path, str], None], folder: Path) -> None:
    """Run `work(folder, name)` in two processes that begin together; raise what either raises."""
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        for done in [pool.submit(_together, work, folder, name) for name in ("a", "b")]:
            done.result()


def _together(work: Callable[[Path, str], None], folder: Path, name: str) -> None:
    meet(folder, name, "start")
    work(folder, name)


def meet(folder: Path, name: str, place: str) -> None:
    """Wait until both processes are here."""
    (folder / f"{place}-{name}").touch()
    for other in ("a", "b"):
        while not (folder / f"{place}-{other}").exists():
            time.sleep(0.0005)


def open_fresh_workspaces(folder: Path, name: str) -> None:
    sys.modules["pandas"] = None  # type: ignore[assignment]  # sqlite-utils would spend seconds on it
    for i in range(30):
        meet(folder, name, f"round-{i}")
        Workspace.open(folder / f"workspace-{i}")


def write_twenty_versions(folder: Path, name: str) -> None:
    for i in range(20):
        corpora.write(Workspace(folder), "shared", [Document(f"{name}{i}", f"text {i} of {name}")])
