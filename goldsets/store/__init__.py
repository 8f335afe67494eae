"""What a workspace keeps for the outer loop: gold sets, runs, sweeps and jobs."""

from pathlib import Path

from goldsets.store.schema import MIGRATIONS
from retrieval.db import migrate
from retrieval.store import Workspace

__all__ = ["open_workspace"]


def open_workspace(path: Path | str | None = None) -> Workspace:
    """Open a workspace with both parts of its schema up to date (see `Workspace.open`)."""
    workspace = Workspace.open(path)
    migrate(workspace.database, MIGRATIONS, "goldsets")
    return workspace
