"""What gates came to: one check a row, kept for the dashboard."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retrieval.store import Workspace


@dataclass(frozen=True)
class Check:
    """A gate's check: of which gate, at which revision of the checkout, when, with its result."""

    name: str
    revision: str
    branch: str
    created: str
    result: Mapping[str, Any]


def keep(workspace: Workspace, check: Check) -> None:
    """Keep a check; one that is kept already stays as it is."""
    with workspace.write() as db:
        db.execute(
            "INSERT OR IGNORE INTO checks (name, revision, branch, result, created)"
            " VALUES (?, ?, ?, ?, ?)",
            [
                check.name,
                check.revision,
                check.branch,
                json.dumps(check.result, ensure_ascii=False),
                check.created,
            ],
        )


def every(workspace: Workspace) -> list[Check]:
    """List the checks of all gates, oldest first."""
    with workspace.read() as db:
        rows = db.execute("SELECT * FROM checks ORDER BY created, id")
        return [
            Check(r["name"], r["revision"], r["branch"], r["created"], json.loads(r["result"]))
            for r in rows
        ]
