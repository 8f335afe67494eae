"""The gate as CI runs it: exit codes, files, baselines, what is missing."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from goldsets import cli, sample
from goldsets.evaluation.spec import sweep_of
from goldsets.evaluation.sweep import sweep
from goldsets.formats import own
from goldsets.reporting.gate import read_gate
from goldsets.store import checks, gold, open_workspace
from goldsets.types import GoldSet
from retrieval.errors import SpecError
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora

GOOD = {"chunk": {"ByHeading": {"size": 200}}, "first": [{"BM25": {"tokenize": "Identifiers"}}]}
WORSE = {"chunk": {"FixedTokens": {"size": 40}}, "first": [{"BM25": {"tokenize": "Identifiers"}}]}
RULES = ["R@20 >= 0.5", "R@20 not worse than baseline by 0.05"]
ECHO = "<!-- & ](http://x) | @team\x07"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = open_workspace(tmp_path_factory.mktemp("gate"))
    sample.load(workspace)
    return workspace


@pytest.fixture
def checkout(tmp_path: Path, loaded: Workspace) -> Path:
    """A folder with the sample's documents as files, and its gold."""
    corpus = corpora.read(loaded, sample.NAME)
    folder = tmp_path / "docs"
    folder.mkdir()
    for document in corpus.documents:
        (folder / document.id).write_text(document.text, encoding="utf-8")
    own.write(gold.read(loaded, sample.NAME), tmp_path / "gold.jsonl")
    return tmp_path


def written(folder: Path, **changes: object) -> Path:
    spec = {
        "documents": "docs",
        "goldset": "gold.jsonl",
        "pipeline": GOOD,
        "baseline": "baseline.jsonl",
        "rules": RULES,
    }
    path = folder / "gate.yaml"
    held = {k: v for k, v in {**spec, **changes}.items() if v is not None}
    path.write_text(yaml.safe_dump(held), encoding="utf-8")
    return path


def run(path: Path, *options: object) -> tuple[int, str]:
    done = CliRunner().invoke(cli.app, ["check", str(path), *map(str, options)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def few(folder: Path, number: int) -> None:
    path = folder / "gold.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:number]), encoding="utf-8")


def test_the_four_exit_codes(checkout: Path) -> None:
    gate = written(checkout)
    code, said = run(gate)
    assert (code, "pizza: baseline.jsonl: cannot be read" in said) == (2, True)
    assert "pizza check --accept" in said
    code, said = run(gate, "--accept")
    assert (code, "baseline.jsonl: 95 queries" in said) == (0, True)
    code, said = run(gate)
    assert (code, "passed, 2 rules kept on 95 queries" in said) == (0, True)
    code, said = run(written(checkout, pipeline=WORSE))
    assert (code, "✗ R@20 not worse than baseline by 0.05" in said) == (1, True)
    assert "worse than the baseline:" in said
    few(checkout, 8)
    code, said = run(gate)
    assert (code, "20 are the least that can tell" in said) == (3, True)
    assert run(written(checkout, cannot_tell="pass"))[0] == 0


def test_the_numbers_are_those_of_a_sweep(tmp_path: Path, loaded: Workspace) -> None:
    names = {"documents": None, "corpus": sample.NAME, "goldset": sample.NAME}
    gate = written(tmp_path, **names, baseline=None, rules=["R@20 >= 0.6"])
    run(gate, "--json", tmp_path / "o.json", "--workspace", loaded.path)
    found = json.loads((tmp_path / "o.json").read_text(encoding="utf-8"))
    held = gold.read(loaded, sample.NAME)
    spec = sweep_of({"variants": {"a": GOOD}, "measures": ["R@20"]})
    swept = sweep(spec, held, corpora.read(loaded, sample.NAME), Runtime())
    assert found["measures"]["R@20"] == swept["variants"][0]["measures"]["R@20"]
    values = [v["R@20"] for v in found["values"].values()]
    assert len(values) == len(held.queries)
    whole = sum(v < 1 for v in values if v is not None)
    assert len(found["regressed"]) == whole > 0


def test_what_it_writes_is_safe_and_complete(checkout: Path) -> None:
    path = checkout / "gold.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row["query"] = f"{ECHO} {row['id']}"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    files = [checkout / name for name in ("o.json", "o.xml", "o.md")]
    asked = zip(("--json", "--junit", "--markdown"), files, strict=True)
    code, _ = run(
        written(checkout, baseline=None, rules=["R@20 >= 0.9", "R@5 >= 0"]),
        *(part for option in asked for part in option),
    )
    assert code == 1
    found, junit, markdown = (file.read_text(encoding="utf-8") for file in files)
    suite = ET.fromstring(junit)
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    (failure,) = suite.iter("failure")
    assert "<!-- & ](http://x) | @team\ufffd" in (failure.text or "")
    assert r"\<!-- & \](http://x) \| \@team" in markdown
    assert "<!--" not in markdown.replace(r"\<!--", "")
    everything = json.loads(found)
    assert {r["text"].split()[-1] for r in everything["regressed"]} <= {r["id"] for r in rows}
    assert everything["exit_code"] == 1
    assert str(checkout) not in found + junit + markdown


def test_queries_that_nobody_asked_are_counted_beside_the_rules(checkout: Path) -> None:
    path = checkout / "gold.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row, origin in zip(rows, ("synthetic", "synthetic, reviewed"), strict=False):
        row["origin"] = origin
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    gate = written(checkout, baseline=None, rules=["R@20 >= 0"])
    files = [checkout / name for name in ("o.json", "o.md")]
    code, said = run(gate, "--json", files[0], "--markdown", files[1])
    told = f"2 of {len(rows)} queries synthetic: 1 reviewed, 1 not. The means here are over both"
    assert (code, told in said) == (0, True)
    assert told in files[1].read_text(encoding="utf-8")
    origins = json.loads(files[0].read_text(encoding="utf-8"))["goldset"]["origins"]
    assert origins["synthetic"] == origins["synthetic, reviewed"] == 1


def test_a_baseline_may_be_a_pipeline(checkout: Path) -> None:
    code, said = run(written(checkout, baseline=WORSE, rules=["R@20 better than baseline"]))
    assert (code, "✓ R@20 better than baseline: +" in said) == (0, True)


def test_a_slice_is_judged_by_itself(checkout: Path) -> None:
    rules = ["R@20 >= 0.2 where language = en", "R@20 >= 0.2 where tag = keywords"]
    code, said = run(written(checkout, baseline=None, rules=rules))
    assert code in (0, 3)
    assert "where tag = keywords" in said
    code, said = run(written(checkout, baseline=None, rules=["R@20 >= 0.2 where tag = none"]))
    assert (code, "no query is in that slice" in said) == (2, True)


def test_queries_that_changed_are_not_compared(checkout: Path) -> None:
    gate = written(checkout)
    run(gate, "--accept")
    path = checkout / "gold.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows[0]["query"] += " at all"
    rows[1]["id"] = "new"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    _, said = run(gate)
    assert "1 query changed, 1 new since the baseline: not compared with it" in said
    text = (checkout / "baseline.jsonl").read_text(encoding="utf-8")
    (checkout / "baseline.jsonl").write_text(text.replace('"definitions": 1', '"definitions": 0'))
    code, said = run(gate)
    assert (code, "of other definitions of the measures" in said) == (3, True)


def test_a_run_may_be_judged(checkout: Path) -> None:
    held = own.read(checkout / "gold.jsonl", own.Report(strict=True))
    rows = []
    for query in held.queries:
        pieces = held.evidence.get(query.id, ())
        hits = [{"document": e.document, "start": e.start, "end": e.end} for e in pieces]
        rows.append({"id": query.id, "hits": hits})
    (checkout / "found.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    changes = {"pipeline": None, "run": "found.jsonl", "baseline": None, "rules": ["R@20 >= 0.9"]}
    code, said = run(written(checkout, **changes))
    assert (code, "passed" in said) == (0, True), said


def test_evidence_that_is_gone_is_named(checkout: Path) -> None:
    first = (checkout / "gold.jsonl").read_text(encoding="utf-8").splitlines()[0]
    (checkout / "docs" / json.loads(first)["evidence"][0]["document"]).unlink()
    _, said = run(written(checkout, baseline=None, rules=["R@20 >= 0.2"]))
    assert "note: not found in gate" in said


def test_checks_are_kept_with_the_commit(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_SHA", "abc123")
    monkeypatch.setenv("GITHUB_REF_NAME", "main")
    gate = written(checkout, baseline=None, rules=["R@20 >= 0.6"], cache="kept")
    run(gate)
    run(gate)
    kept = checks.every(open_workspace(checkout / "kept"))
    assert [(c.name, c.revision, c.branch) for c in kept] == [("gate", "abc123", "main")] * 2
    assert kept[0].result["measures"] == kept[1].result["measures"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rules": []}, "a gate needs rules"),
        ({"goldset": None}, "a gate needs a goldset"),
        ({"documents": None}, "documents (files and folders) or a corpus"),
        ({"documents": "nowhere"}, "nowhere: there is no such file or folder"),
        ({"goldset": "none.jsonl"}, "none.jsonl"),
        ({"goldset": "unknown"}, "unknown"),
        ({"baseline": None}, "a rule speaks of the baseline"),
        ({"http": "http://127.0.0.1:9"}, "one of pipeline, http and run"),
        ({"cannot_tell": "maybe"}, "cannot_tell is block or pass"),
        ({"colour": "red"}, "a gate has no key 'colour'"),
        ({"pipeline": {"first": ["BM26"]}}, "BM26"),
        (
            {"pipeline": None, "run": "none.trec", "baseline": None, "rules": ["R@5 >= 0"]},
            "none.trec",
        ),
    ],
)
def test_what_is_missing_is_one_sentence(
    checkout: Path, changes: dict[str, object], says: str
) -> None:
    code, said = run(written(checkout, **changes))
    assert (code, says in said, len(said.splitlines())) == (2, True, 1), said


def test_a_pipeline_that_fails_is_an_error(checkout: Path) -> None:
    filtered = {**GOOD, "filter": [{"Equals": {"field": "nothing", "value": 1}}]}
    code, said = run(written(checkout, pipeline=filtered, baseline=None, rules=["R@20 >= 0.6"]))
    assert (code, "this checkout could not be run" in said) == (2, True)


@pytest.mark.parametrize("text", ["- a list", "a: [unclosed", ""])
def test_a_file_that_is_no_gate(tmp_path: Path, text: str) -> None:
    path = tmp_path / "gate.yaml"
    path.write_text(text, encoding="utf-8")
    assert run(path)[0] == 2


def test_a_gate_needs_no_pipeline_to_be_said(tmp_path: Path) -> None:
    gate = read_gate(written(tmp_path, pipeline=None, baseline=None, rules=["R@20 >= 0.6"]))
    assert gate.source is not None
    with pytest.raises(SpecError):
        read_gate(written(tmp_path, pipeline={"chunk": "None"}))


@pytest.mark.parametrize("text", ["", "{}", '{"format": "x"}', "no json", '{"format": 1}\n[]'])
def test_a_file_that_is_no_baseline(checkout: Path, text: str) -> None:
    (checkout / "baseline.jsonl").write_text(text, encoding="utf-8")
    code, said = run(written(checkout))
    assert (code, "is no baseline of pizza check --accept" in said) == (2, True)


def test_gold_round_trips_into_the_baseline(checkout: Path, loaded: Workspace) -> None:
    held: GoldSet = gold.read(loaded, sample.NAME)
    run(written(checkout), "--accept")
    lines = (checkout / "baseline.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines[1:]] == sorted(q.id for q in held.queries)
