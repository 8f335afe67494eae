"""Which revision of a checkout is judged: what CI says, else what git says."""

import os
import shutil
import subprocess
from pathlib import Path

REVISIONS = ("GITHUB_SHA", "CI_COMMIT_SHA", "BUILDKITE_COMMIT", "CIRCLE_SHA1")
BRANCHES = ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "CIRCLE_BRANCH")


def revision_of(folder: Path) -> tuple[str, str]:
    """Return the commit and the branch of a checkout, each empty where nobody knows it."""
    revision = _said(REVISIONS) or _git(folder, "rev-parse", "HEAD")
    return revision, _said(BRANCHES) or _git(folder, "rev-parse", "--abbrev-ref", "HEAD")


def _said(names: tuple[str, ...]) -> str:
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")


def _git(folder: Path, *asked: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    try:
        done = subprocess.run(  # noqa: S603
            [git, "-C", str(folder), *asked],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
