"""A pipeline that left the app finds what it found inside."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from goldsets import cli, sample
from goldsets.evaluation.run import Run
from goldsets.reporting.snippet import as_python
from goldsets.store import gold, open_workspace, runs
from retrieval.ingest.tokens import count_tokens
from retrieval.pipeline import full_spec, pipeline_of
from retrieval.store import Workspace, corpora
from tests.pages.sweeping import with_sweep

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = open_workspace(tmp_path_factory.mktemp("snippet"))
    with_sweep(made)
    return made


@pytest.fixture
def run(workspace: Workspace) -> Run:
    (result,) = runs.sweeps(workspace)
    return runs.find(workspace, result["variants"][-1]["run"])


def export(workspace: Workspace, run: str, out: Path) -> tuple[int, str]:
    words = ["export", "pipeline", run, "--out", str(out), "--workspace", str(workspace.path)]
    done = CliRunner().invoke(cli.app, words)
    return done.exit_code, done.output


@pytest.fixture
def folder(tmp_path: Path, workspace: Workspace) -> Path:
    made = tmp_path / "docs"
    made.mkdir()
    for document in corpora.read(workspace, sample.NAME).documents:
        (made / f"{document.id}.rst").write_text(document.text, encoding="utf-8")
    return made


def printed(program: Path, *words: str) -> str:
    command = [sys.executable, str(program), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


def test_the_program_finds_what_the_run_found(
    tmp_path: Path, workspace: Workspace, run: Run, folder: Path
) -> None:
    asked = gold.read(workspace, sample.NAME)
    assert export(workspace, run.id, tmp_path / "search.py")[0] == 0
    found = printed(tmp_path / "search.py", str(folder), asked.queries[0].text)
    rows = [line.split() for line in found.splitlines() if line[:1].isdigit() and "  " in line]
    best = [(float(r[0]), r[1].removesuffix(".rst")) for r in rows if r[1].endswith(".rst")]
    ids, _ = run.aligned(asked)
    assert len(best) == 5
    scores = run.candidates.scores[0][:5]
    assert [score for score, _ in best] == pytest.approx(scores.tolist(), abs=6e-4)
    assert (ids[0][:5] >= 0).all()


def test_the_program_of_a_context_prints_its_text(tmp_path: Path, run: Run, folder: Path) -> None:
    fields = {"instructions": "Cite.", "template": "{number}: {id}\n{text}", "max_tokens": 300}
    pipeline = pipeline_of({**run.spec, "assemble": {"Context": fields}})
    program = tmp_path / "context.py"
    program.write_text(as_python(replace(run, spec=full_spec(pipeline))), encoding="utf-8")
    text = printed(program, str(folder), "close", "a", "file")
    assert text.startswith("Cite.\n\n1: ")
    assert 200 < count_tokens(text.removesuffix("\n")) <= 300


@pytest.mark.parametrize("ending", [".yaml", ".json"])
def test_the_spec_comes_back_as_the_pipeline(
    ending: str, tmp_path: Path, workspace: Workspace, run: Run
) -> None:
    out = tmp_path / f"pipeline{ending}"
    assert export(workspace, run.variant, out)[0] == 0
    text = out.read_text(encoding="utf-8")
    spec = json.loads(text) if ending == ".json" else yaml.safe_load(text)
    assert full_spec(pipeline_of(spec)) == run.spec


def test_what_cannot_be_written_is_said(tmp_path: Path, workspace: Workspace, run: Run) -> None:
    code, said = export(workspace, run.id, tmp_path / "pipeline.txt")
    assert (code, ".yaml" in said) == (2, True)
    assert export(workspace, "nobody", tmp_path / "pipeline.py")[0] == 2


def test_a_name_cannot_end_the_docstring(run: Run) -> None:
    named = Run(**{**vars(run), "variant": '"""\nimport os\\'})
    compile(as_python(named), "snippet", "exec")
    assert "\nimport os" not in as_python(named)
