"""README.md, read by somebody with a folder of documents: every code block, in order."""

import json
import shutil
from pathlib import Path

import pytest

from tests.goldsets.following import ROOT, Reader, blocks
from tests.goldsets.formats.test_contextual_retrieval import PIECES, asked, chunked, folder
from tests.goldsets.processes import Workers

QUERIES = "application: A handbook.\njudge: Offline\nwriter: Offline\nsample: 20\n"
GATE = """
documents: docs
goldset: gold.jsonl
pipeline: {first: [{BM25: {tokenize: Identifiers}}]}
baseline: {first: [BM25]}
rules: [R@20 >= 0.90, nDCG@10 not worse than baseline by 0.02]
cannot_tell: pass
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with documents, a benchmark, and the files that the commands read."""
    (tmp_path / "docs").mkdir()
    for page in ("compare.md", "reports.md"):
        shutil.copy(ROOT / "docs" / page, tmp_path / "docs")
    (tmp_path / "benchmark").mkdir()
    folder(tmp_path / "benchmark", [chunked("d", "u", PIECES)], [asked("한글", ["u", 3])])
    (tmp_path / "queries.yaml").write_text(QUERIES)
    (tmp_path / "gate.yaml").write_text(GATE)
    (sweep,) = (body for kind, body in blocks("README.md") if kind == "yaml")
    (tmp_path / "sweep.yaml").write_text(sweep)
    return tmp_path


@pytest.mark.slow
def test_every_code_block_runs(
    workers: Workers, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    reader = Reader(monkeypatch, project)
    shell = [
        body.replace("FOLDER", "benchmark") for kind, body in blocks("README.md") if kind != "yaml"
    ]
    said = [line for body in shell for line in reader.run(body)]
    assert "handbook v1: 2 added, 0 changed, 0 unchanged" in said
    assert "gold set contextual: 1 query, 1 judgment" in said
    assert "report.html: every number is as it was" in said
    assert said[-1].startswith("gate: ")
    result = json.loads((project / "result.json").read_text(encoding="utf-8"))
    assert (len(result["variants"]), result["errors"]) == (12, {})
    assert (project / "summary.md").read_text(encoding="utf-8").startswith("### ")


def test_the_languages_of_its_blocks_are_those_that_run() -> None:
    assert {kind for kind, _ in blocks("README.md")} <= {"", "sh", "yaml"}
