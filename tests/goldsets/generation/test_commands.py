"""`pizza generate`: the plan, the work, and errors in a sentence."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from goldsets.cli import app
from goldsets.store import gold
from goldsets.types import STAND_IN
from retrieval.store import Workspace
from tests.goldsets.generation.author import SURVIVE
from tests.goldsets.processes import Workers
from tests.retrieval.providers.stub import Vendors

pytestmark = pytest.mark.slow

YAML = """
application: A handbook of rules.
judge: {OpenAIChat: {model: gpt-4.1-mini}}
writer: {OpenAIChat: {model: gpt-4.1-mini}}
chunk: Given
kinds: {question: 1}
"""


@pytest.fixture
def spec_file(tmp_path: Path) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(YAML)
    return path


def generate(desk: Workspace, spec: Path, *more: str, goldset: str = "made") -> Result:
    given = ("--corpus", "planted", "--goldset", goldset, "--workspace", str(desk.path))
    return CliRunner().invoke(app, ["generate", str(spec), *given, *more])


def test_it_generates_and_says_what_came_of_it(
    desk: Workspace, spec_file: Path, vendors: Vendors, workers: Workers
) -> None:
    plan = generate(desk, spec_file, "--plan")
    assert plan.exit_code == 0, plan.output
    assert plan.stdout.startswith("49 passages drawn\n")
    assert workers.pids == []
    done = generate(desk, spec_file)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "49 passages drawn, 43 worth a query by the judge"
    assert "6 dropped: duplicate" in lines
    assert lines[-1].startswith(f"{SURVIVE} in gold set 'made' (0 reviewed, {SURVIVE} not)")
    again = generate(desk, spec_file)
    assert again.stdout == done.stdout


def test_the_stand_in_needs_no_key(
    desk: Workspace, spec_file: Path, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    spec_file.write_text("application: a\njudge: Offline\nwriter: Offline\nchunk: Given\nseed: 3\n")
    done = generate(desk, spec_file)
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith(f"written by {STAND_IN}\n")
    origins = {q.origin for q in gold.read(desk, "made").queries}
    assert origins <= {STAND_IN}


def test_what_is_wrong_is_said_in_a_sentence(
    desk: Workspace, spec_file: Path, monkeypatch: pytest.MonkeyPatch, workers: Workers
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    failed = generate(desk, spec_file)
    assert failed.exit_code == 2
    assert "OPENAI_API_KEY" in failed.stderr
    spec_file.write_text("judge: Offline")
    assert "needs application" in generate(desk, spec_file).stderr
    assert "cannot be read" in generate(desk, spec_file.with_name("none.yaml")).stderr
