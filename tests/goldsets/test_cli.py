import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from goldsets.cli import app
from goldsets.store import gold, open_workspace
from retrieval.cost import Usage
from retrieval.store import Workspace, corpora, ledger
from tests.goldsets.making import SAMPLE_TEXTS, lasting
from tests.goldsets.processes import Workers

SWEEP = """
grid: {chunk: [Given, {FixedTokens: {size: 10}}]}
measures: [R@1, nDCG@10]
"""


def pizza(workspace: Path | Workspace, *arguments: str | Path) -> Result:
    path = workspace.path if isinstance(workspace, Workspace) else workspace
    return CliRunner().invoke(app, [*map(str, arguments), "--workspace", str(path)])


def explained(result: Result) -> str:
    """Return the one sentence that a refusal consists of."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("pizza: ")
    return line


def test_a_run_goes_out_and_comes_in(
    workspace: Workspace, workers: Workers, sweep_file: Path, tmp_path: Path
) -> None:
    assert pizza(workspace, "sweep", sweep_file, "--goldset", "gold").exit_code == 0
    out = tmp_path / "given.run"
    sent = pizza(workspace, "export", "run", "Given", "--out", out, "--format", "trec")
    assert re.fullmatch(rf"{out}: 6 queries, \d+ hits\n", sent.stdout)
    read = pizza(workspace, "import-run", "trec", out, "--goldset", "gold", "--name", "theirs")
    assert read.exit_code == 0, read.output
    first, *scores = read.stdout.splitlines()
    assert re.fullmatch(r"run theirs \(\w{12}\): 6 queries", first)
    assert scores[0].startswith("    R@5 ")
    assert " hits: " in read.stderr
    assert " by position" in read.stderr
    sweep_file.write_text(f"{SWEEP}\nvariants: {{theirs: {{run: theirs}}}}")
    done = pizza(workspace, "sweep", sweep_file, "--goldset", "gold")
    assert done.exit_code == 0, done.output
    said = done.stdout.splitlines()
    assert " hits: " in said[said.index("theirs") + 3]
    plan = pizza(workspace, "sweep", sweep_file, "--goldset", "gold", "--plan")
    assert plan.stdout.startswith("3 variants from ")
    diagnosed = pizza(workspace, "diagnose", "theirs")
    assert diagnosed.exit_code == 0, diagnosed.output
    assert diagnosed.stdout.startswith("a run from outside: its boxes cannot be seen")
    assert "'theirs' is from outside: its stages" in explained(
        pizza(workspace, "suggest", "theirs")
    )


@pytest.fixture
def sweep_file(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.yaml"
    path.write_text(SWEEP)
    return path


def test_ingest_makes_a_version_of_what_changed(tmp_path: Path) -> None:
    folder, ws = tmp_path / "docs", tmp_path / "workspace"
    folder.mkdir()
    for i, text in enumerate(SAMPLE_TEXTS[:3]):
        (folder / f"{i}.md").write_text(text, encoding="utf-8")
    first = pizza(ws, "ingest", folder, "--corpus", "texts")
    assert first.stdout == "texts v1: 3 added, 0 changed, 0 unchanged\n"
    (folder / "1.md").write_text("Another text.")
    (folder / "0.md").unlink()
    second = pizza(ws, "ingest", folder, "--corpus", "texts")
    assert second.stdout.splitlines() == [
        "texts v2: 0 added, 1 changed, 1 unchanged",
        "1 not among what was given, kept (--prune leaves them out)",
    ]
    third = pizza(ws, "ingest", folder, "--corpus", "texts", "--prune")
    assert third.stdout.endswith("1 not among what was given, removed\n")
    assert len(corpora.read(open_workspace(ws), "texts")) == 2


def test_a_bad_file_is_named_and_stops_only_when_strict(tmp_path: Path) -> None:
    folder, ws = tmp_path / "docs", tmp_path / "workspace"
    folder.mkdir()
    (folder / "good.md").write_text("Good.")
    (folder / "bad.md").write_bytes(b"\xff\xff")
    assert "bad.md" in explained(pizza(ws, "ingest", folder, "--corpus", "c", "--strict"))
    rest = pizza(ws, "ingest", folder, "--corpus", "c")
    assert (rest.exit_code, rest.stdout) == (0, "c v1: 1 added, 0 changed, 0 unchanged\n")
    assert "bad.md" in rest.stderr


def test_gold_out_and_in(workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "gold.jsonl"
    sent = pizza(workspace, "export", "goldset", "gold", "--out", out)
    assert sent.stdout == f"{out}: 6 queries, 6 judgments\n"
    assert len(out.read_text(encoding="utf-8").splitlines()) == 6
    read = pizza(workspace, "import", "pizza", out, "--name", "copy", "--corpus", "corpus")
    assert read.stdout == "gold set copy: 6 queries, 6 judgments\n"
    held = [gold.read(workspace, name).version for name in ("gold", "copy")]
    assert held[0] == held[1]


def test_a_sweep_prints_a_leaderboard_and_writes_json(
    workspace: Workspace, workers: Workers, sweep_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "result.json"
    done = pizza(workspace, "sweep", sweep_file, "--goldset", "gold", "--out", out)
    assert (done.exit_code, done.stderr) == (0, "")
    result = json.loads(out.read_text(encoding="utf-8"))
    assert [row["name"] for row in result["variants"]] == ["Given", "FixedTokens"]
    lines = done.stdout.splitlines()
    assert {"Given", "FixedTokens"} <= set(lines)
    assert "    R@1: baseline" in lines
    assert any(" leads with R@1 " in line for line in lines)
    assert lines[-1] == f"{out}: 2 variants"
    again = pizza(workspace, "sweep", sweep_file, "--goldset", "gold", "--out", out)
    assert "0 stages computed" in again.stdout
    assert lasting(json.loads(out.read_text(encoding="utf-8"))) == lasting(result)


def test_the_plan_is_said_and_nothing_is_run(
    workspace: Workspace, workers: Workers, sweep_file: Path
) -> None:
    plan = pizza(workspace, "sweep", sweep_file, "--goldset", "gold", "--plan")
    assert plan.exit_code == 0
    assert plan.stdout.startswith("2 variants from ")
    assert workers.pids == []


def test_a_failed_variant_is_shown_and_the_exit_code_is_2(
    workspace: Workspace, workers: Workers, sweep_file: Path, slow_model: None
) -> None:
    sweep_file.write_text(
        "{grid: {embed: [{Letters: {fails: true}}, Letters]}, base: {first: [Dense]}}"
    )
    done = pizza(workspace, "sweep", sweep_file, "--goldset", "gold")
    assert done.exit_code == 2
    assert "    R@5: not compared: the baseline failed" in done.stdout.splitlines()
    assert "failed: the model is out of letters" in done.stderr


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("grid: {chunk: [Givn]}", "did you mean 'Given'? known: Given, FixedTokens"),
        ("grid: {chnk: [Given]}", "no slot 'chnk'"),
        ("measures: [Recal@5]", "no measure 'Recal'"),
        ("grid: [", "is not YAML"),
        ("", "a sweep is a mapping"),
    ],
)
def test_a_wrong_spec_is_one_sentence(
    workspace: Workspace, sweep_file: Path, spec: str, says: str
) -> None:
    sweep_file.write_text(spec)
    assert says in explained(pizza(workspace, "sweep", sweep_file, "--goldset", "gold"))


def test_unknown_names_list_the_known_ones(
    workspace: Workspace, sweep_file: Path, tmp_path: Path
) -> None:
    known = "there is no gold set 'god'; did you mean 'gold'? known: gold"
    assert known in explained(pizza(workspace, "sweep", sweep_file, "--goldset", "god"))
    assert known in explained(pizza(workspace, "sweep", sweep_file, "--goldset", "god", "--plan"))
    assert known in explained(pizza(workspace, "export", "goldset", "god", "--out", tmp_path / "x"))
    wrong = pizza(workspace, "import", "bear", tmp_path, "--name", "x")
    assert "did you mean 'beir'? known: contextual-retrieval, chunking-eval" in explained(wrong)
    version = pizza(workspace, "sweep", sweep_file, "--goldset", "gold", "--version", "9")
    assert "no version of corpus 'corpus' 9" in explained(version)


@pytest.mark.parametrize(
    "arguments",
    [
        ["ingest", "nowhere", "--corpus", "c"],
        ["import", "beir", "nowhere", "--name", "x"],
        ["import", "beir", ".", "--name", "x", "--option", "split"],
        ["import", "beir", ".", "--name", "x", "--option", "colour=red"],
        ["sweep", "nowhere.yaml", "--goldset", "gold"],
        ["import-run", "trec", "nowhere", "--goldset", "gold", "--name", "x"],
        ["import-run", "beir", ".", "--goldset", "gold", "--name", "x"],
        ["import-run", "trec", ".", "--goldset", "gold", "--name", "x", "--option", "chunks"],
        ["export", "run", "nobody", "--out", "x"],
        ["export", "goldset", "gold", "--out", "no/such/folder/x.jsonl"],
        ["export", "goldset", "gold", "--out", "x", "--format", "csv"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_is_one_sentence(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    explained(pizza(workspace, *arguments))


def test_a_result_that_cannot_be_written_is_one_sentence_after_the_leaderboard(
    workspace: Workspace, workers: Workers, sweep_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "no" / "result.json"
    done = pizza(workspace, "sweep", sweep_file, "--goldset", "gold", "--out", out)
    assert done.exit_code == 2
    assert done.stderr == f"pizza: {out}: cannot be written (No such file or directory)\n"


def test_a_file_is_no_workspace(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    assert "cannot be used as a workspace" in explained(pizza(path, "sample"))


def test_pizza_from_the_shell(workspace: Workspace, sweep_file: Path) -> None:
    """The installed command, in another process, with a worker of its own."""
    command = shutil.which("pizza", path=str(Path(sys.executable).parent))
    assert command, "the project is not installed"
    run = subprocess.run(
        [command, "sweep", sweep_file, "--goldset", "gold"],
        env={"PIZZA_WORKSPACE": str(workspace.path), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert " leads with R@1 " in run.stdout


def test_budgets_are_set_and_what_was_spent_is_told(tmp_path: Path) -> None:
    told = pizza(tmp_path, "budget", "--day", "5", "--job", "$0.5").stdout.splitlines()
    assert told == [
        "today: $0, of $5.00 (0 calls, 0 tokens)",
        "ever: $0, no budget (0 calls, 0 tokens)",
        "each job: $0.50",
    ]
    workspace = open_workspace(tmp_path)
    for usd in (0.25, None):
        ledger.set_budget(workspace, "day", None)
        ledger.set_budget(workspace, "job", None)
        ledger.enter(workspace, "v/m", "embed", None, Usage(input=600), usd)
    told = pizza(tmp_path, "budget", "--ever", "100", "--job", "none").stdout.splitlines()
    assert told == [
        "today: $0.25 and 1 call of unknown price, no budget (2 calls, 1,200 tokens)",
        "ever: $0.25 and 1 call of unknown price, of $100.00 (2 calls, 1,200 tokens)",
        "each job: no budget",
    ]
    assert "'much' is no amount of dollars" in explained(pizza(tmp_path, "budget", "--day", "much"))
