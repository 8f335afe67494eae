"""Pages that show what commands say: every command in order, and every line that is shown."""

import sys
from pathlib import Path

import pytest

from goldsets import sample
from tests.goldsets.following import ROOT, Reader
from tests.goldsets.processes import Workers

KEYS = ("VOYAGE_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "VOYAGE_BASE_URL")


@pytest.mark.slow
@pytest.mark.parametrize("page", ["docs/tutorial.md", "docs/costs.md"])
def test_a_reader_gets_what_the_page_shows(
    page: str, workers: Workers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "clone").mkdir()
    found = Reader(monkeypatch, tmp_path / "clone").follow(page)
    assert found >= 10 or sys.version_info[:2] != (3, 11)


def test_the_figures_in_the_tutorials_text() -> None:
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    queries = sample.gold().queries
    unanswered = sum(map(sample.gold().unanswerable, queries))
    assert f"{len(sample.documents())} documents, and {len(queries)} questions" in text
    assert unanswered == 5
    assert f"({len(queries) - unanswered} of {len(queries)}: five queries" in text
