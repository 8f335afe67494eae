"""The server of docs/own-retriever.md runs, keeps the contract, and competes as its spec says."""

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from goldsets.evaluation.spec import sweep_of
from goldsets.evaluation.sweep import sweep
from goldsets.outside.source import Http, ImportedRun
from goldsets.store import gold, open_workspace
from retrieval.hits import FIELDS, hit_of
from retrieval.ingest.read import read_paths
from retrieval.runtime import Runtime
from retrieval.store import corpora
from tests.goldsets.making import SAMPLE_TEXTS, sample_gold
from tests.goldsets.test_cli import pizza

DOC = (Path(__file__).parents[3] / "docs" / "own-retriever.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", DOC, re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "docs"
    path.mkdir()
    for i, text in enumerate(SAMPLE_TEXTS):
        (path / f"d{i}.txt").write_text(f"{text}\n\nAnother paragraph, 둘째.\n", encoding="utf-8")
    return path


@pytest.fixture
def url(folder: Path, tmp_path: Path) -> Iterator[str]:
    (source,) = blocks("python")
    server = tmp_path / "server.py"
    server.write_text(source, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, server, folder, str(port)], stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/search"
    finally:
        process.kill()
        process.wait()


def test_the_documented_server_keeps_the_contract_and_competes(
    url: str, folder: Path, tmp_path: Path
) -> None:
    workspace = open_workspace(tmp_path / "workspace")
    read = read_paths([folder])
    corpora.write(workspace, "corpus", read.documents)
    ids = {d.id[:2]: d.id for d in read.documents}
    held = sample_gold()
    evidence = {
        q: tuple(replace(e, document=ids[e.document]) for e in own)
        for q, own in held.evidence.items()
    }
    gold.write(workspace, replace(held, evidence=evidence), "test")
    probed = pizza(workspace, "probe", url, "--goldset", "gold", "--k", "5", "--json")
    assert probed.exit_code == 0, probed.output
    found = json.loads(probed.stdout)
    assert {c["state"] for c in found["checks"]} <= {"pass", "warn"}
    assert found["placed"]["position"] == found["placed"]["hits"] > 5
    spec = sweep_of({"variants": {"theirs": {"http": url}, "ours": {}}, "measures": ["R@5"]})
    corpus = corpora.read(workspace, "corpus")
    result = sweep(spec, gold.read(workspace, "gold"), corpus, Runtime(workspace))
    assert result["errors"] == {}
    assert result["variants"][0]["measures"]["R@5"]["mean"] >= 0.5


def test_the_documented_answers_are_hits() -> None:
    asked, answered = map(json.loads, blocks("json"))
    assert asked.keys() == {"query", "k"}
    assert [hit_of(row).document for row in answered["hits"]] == ["guides/keys.md"] * 2 + [""]
    table = re.findall(r"^\| `(\w+)`(?:, `(\w+)`)? \|", DOC, re.MULTILINE)
    assert {name for row in table for name in row if name} == set(FIELDS)


def test_the_documented_spec_has_what_it_says() -> None:
    (body,) = blocks("yaml")
    spec = sweep_of(yaml.safe_load(body))
    kinds = {v.name: type(v.source) for v in spec.variants[1:]}
    assert kinds == {"production": Http, "candidate": Http, "solr": ImportedRun}
    assert spec.baseline == "production"
