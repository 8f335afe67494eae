"""The tutorial: every command in order, and every line that it shows."""

import sys
from pathlib import Path

import pytest

from goldsets import sample
from tests.goldsets.following import ROOT, Reader, blocks
from tests.goldsets.processes import Workers

PAGE = "docs/tutorial.md"
OMITTED = "..."


def test_a_reader_gets_what_the_tutorial_shows(
    workers: Workers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clone, said, shown = tmp_path / "clone", iter(()), 0
    clone.mkdir()
    reader = Reader(monkeypatch, clone)
    for kind, body in blocks(PAGE):
        if kind == "yaml":
            name, content = body.removeprefix("# ").split("\n", 1)
            Path(name).write_text(content, encoding="utf-8")
        elif kind == "sh":
            said = iter(reader.run(body))
        elif sys.version_info[:2] == (3, 11):  # the documents of other versions read differently
            wanted = [line for line in body.splitlines() if line != OMITTED]
            assert [line for line in wanted if line not in said] == []
            shown += len(wanted)
    assert shown > 20 or sys.version_info[:2] != (3, 11)


def test_the_figures_in_its_text() -> None:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    queries = sample.gold().queries
    unanswered = sum(map(sample.gold().unanswerable, queries))
    assert f"{len(sample.documents())} documents, and {len(queries)} questions" in text
    assert unanswered == 5
    assert f"({len(queries) - unanswered} of {len(queries)}: five queries" in text
