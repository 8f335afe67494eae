"""Somebody who does what a page of the documentation says, word for word."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from goldsets.cli import app

ROOT = Path(__file__).parents[2]
OMITTED = "..."
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[tuple[str, str]]:
    """Return the code blocks of a page, each with its language."""
    return BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))


class Reader:
    """Runs commands in a folder, as a shell would; one that fails has to be expected."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path) -> None:
        self.patch, self.code, self.said = patch, 0, ""
        patch.delenv("PIZZA_WORKSPACE", raising=False)
        patch.chdir(folder)

    def follow(self, page: str) -> int:
        """Write a page's files, run its commands, and find what it shows of what they say.

        The first line of YAML names the file; JSON is the workspace's prices. Returns how many
        lines were found: none on other versions of Python than 3.11, whose documents read
        differently.
        """
        said, found = iter(()), 0
        for kind, body in blocks(page):
            if kind == "yaml":
                name, content = body.removeprefix("# ").split("\n", 1)
                Path(name).write_text(content, encoding="utf-8")
            elif kind == "json":
                Path("workspace", "prices.json").write_text(body, encoding="utf-8")
            elif kind == "sh":
                said = iter(self.run(body))
            elif sys.version_info[:2] == (3, 11):
                wanted = [line for line in body.splitlines() if line != OMITTED]
                assert [line for line in wanted if line not in said] == []
                found += len(wanted)
        return found

    def run(self, body: str) -> list[str]:
        """Run a block; return the lines that it says."""
        said = [line for command in body.splitlines() for line in self._one(command)]
        assert self.code == 0, self.said
        return said

    def _one(self, command: str) -> list[str]:
        words = shlex.split(command, comments=True)
        if words == ["echo", "$?"]:
            code, self.code = self.code, 0
            return [str(code)]
        assert self.code == 0, self.said
        match words:
            case ["pizza", *arguments]:
                done = CliRunner().invoke(app, arguments)
                assert isinstance(done.exception, SystemExit | None), command
                self.code, self.said = done.exit_code, done.output
                return done.output.splitlines()
            case ["mkdir", name]:
                Path(name).mkdir()
            case ["cd", name]:
                self.patch.chdir(name)
            case ["make", target]:
                subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True)
            case _:
                assert command == "source .venv/bin/activate"
        return []
