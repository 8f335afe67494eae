"""A gate that asks a team's own retriever: what it says, what it exits with, what it keeps."""

import json
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from goldsets.formats import own as own_format
from goldsets.reporting import gate
from goldsets.reporting.facts import asked_of, facts
from goldsets.reporting.report import FORMATS, rendered
from goldsets.store import open_workspace
from goldsets.types import GoldSet, Query
from retrieval.errors import SpecError
from retrieval.hits import Hit
from retrieval.providers.own import Server
from retrieval.retry import Retry
from retrieval.runtime import Runtime
from tests.goldsets.making import sample_corpus, sample_gold
from tests.goldsets.reporting.test_gate import run
from tests.retrieval.providers.own_server import Retriever, nothing

TOKEN = "t0ken-of-the-team"
CORPUS, GOLD = sample_corpus(), sample_gold()
TIMES = 5
QUICK = Retry(2, first_seconds=0.01, longest_seconds=0.01, timeout_seconds=0.5)


def right(query: str, k: int) -> list[Hit]:
    """Find the evidence, whatever is asked after the words of the sample."""
    asked = next(q for q in GOLD.queries if query.startswith(q.text))
    return [Hit(e.document, e.start, e.end) for e in GOLD.of(asked)]


@pytest.fixture
def server() -> Iterator[Retriever]:
    with Retriever(search=right, token=TOKEN) as retriever:
        yield retriever


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small corpus as files, and 30 queries; a server is waited for half a second, twice."""
    monkeypatch.setattr(gate, "Runtime", partial(Runtime, retry=QUICK))
    monkeypatch.setenv("TEAM_TOKEN", TOKEN)
    (tmp_path / "docs").mkdir()
    for document in CORPUS.documents:
        (tmp_path / "docs" / document.id).write_text(document.text, encoding="utf-8")
    asked = [(q, Query(f"{q.id}-{i}", f"{q.text} {i}")) for q in GOLD.queries for i in range(TIMES)]
    evidence = {new.id: GOLD.of(old) for old, new in asked}
    many = GoldSet("gold", "docs", tuple(new for _, new in asked), evidence)
    own_format.write(many, tmp_path / "gold.jsonl")
    return tmp_path


def checked(checkout: Path, http: Any, *options: object) -> tuple[int, str]:
    spec = {"documents": "docs", "goldset": "gold.jsonl", "rules": ["R@5 >= 0.5"], "http": http}
    (checkout / "gate.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    return run(checkout / "gate.yaml", *options)


def with_token(server: Retriever) -> dict[str, str]:
    return {"url": server.url, "token_env": "TEAM_TOKEN"}


def test_it_passes_and_fails_as_the_retriever_does(checkout: Path, server: Retriever) -> None:
    code, said = checked(checkout, with_token(server))
    assert (code, "gate: passed, 1 rule kept on 30 queries, 5 documents" in said) == (0, True), said
    assert len(server.requests) == 30
    server.search = nothing
    code, said = checked(checkout, with_token(server))
    assert (code, "gate: failed by R@5 >= 0.5" in said) == (1, True), said
    assert len(server.requests) == 60, "what it answered before is no answer of now"


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("500", "failed (500): no, says the stub to ***"),
        ("401", "refused (401): no, says the stub to ***; check its key in the environment"),
        ("hang", "did not answer in time (TimeoutError)"),
        ("drop", "dropped the connection, or cannot be reached"),
        ("html", "gave what cannot be used, its answer: not JSON"),
        ('{"hits": [{"document": 7}]}', "gave what cannot be used, hits[0].document: not text: 7"),
        (f'{{"hits": [{{"document": ["{TOKEN}"]}}]}}', "hits[0].document: not text: ['***']"),
        (f"302 http://u:{TOKEN}@x/{TOKEN}?{TOKEN}", "redirects (302) to 'http://x/***'"),
    ],
)
def test_what_breaks_the_retriever_is_an_error_in_one_sentence(
    checkout: Path, server: Retriever, fault: str, says: str
) -> None:
    server.for_ever = fault
    code, said = checked(checkout, with_token(server))
    assert (code, len(said.splitlines())) == (2, 1), said
    assert said.startswith(f"pizza: this checkout could not be run: {server.url} ")
    assert says in said
    assert TOKEN not in said
    assert [path for path, text in everything(checkout) if TOKEN.encode() in text] == []


def test_a_retriever_that_is_not_there(checkout: Path, server: Retriever) -> None:
    code, said = checked(checkout, {**with_token(server), "token_env": "NO_TOKEN"})
    assert (code, "NO_TOKEN" in said, len(said.splitlines())) == (2, True, 1), said
    code, said = checked(checkout, "http://127.0.0.1:9/search")
    assert (code, "cannot be reached" in said, len(said.splitlines())) == (2, True, 1), said


def everything(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Return what stands in every file below, the database and its log among them."""
    for place, _, files in os.walk(folder):
        for name in files:
            yield Path(place, name), Path(place, name).read_bytes()


def test_the_token_reaches_nothing_that_is_kept_or_shown(checkout: Path, server: Retriever) -> None:
    options = [x for name in ("json", "junit", "markdown") for x in (f"--{name}", checkout / name)]
    code, said = checked(checkout, with_token(server), *options)
    assert code == 0
    assert all(h["authorization"] == f"Bearer {TOKEN}" for h in server.headers)
    workspace = open_workspace(checkout / ".pizza")
    found = facts(workspace, asked_of(workspace, ["this checkout"], measures=["R@5"]))
    assert found["variants"][0]["spec"]["http"]["token_env"] == "TEAM_TOKEN"
    for form in set(FORMATS) - {"pdf"}:
        (checkout / f"report.{form}").write_bytes(rendered(found, form))
    held = dict(everything(checkout))
    assert {path.name for path in held} > {
        "json",
        "junit",
        "markdown",
        "report.html",
        "workspace.db",
    }
    assert server.url.encode() in held[checkout / "report.json"]
    assert [path for path, text in held.items() if TOKEN.encode() in text] == []
    assert TOKEN not in said
    assert json.loads((checkout / "json").read_text())["outcome"] == "pass"


@pytest.mark.parametrize("secret", ["http://u:{}@{}/search", "http://{1}/search?api_key={0}"])
def test_an_address_with_a_secret_is_refused_before_anything_is_kept(
    checkout: Path, server: Retriever, secret: str
) -> None:
    host = server.url.removeprefix("http://").removesuffix("/search")
    url = secret.format(TOKEN, host)
    code, said = checked(checkout, url)
    assert (code, "name its variable in token_env" in said) == (2, True), said
    assert (TOKEN in said, server.requests, (checkout / ".pizza").exists()) == (False, [], False)
    with pytest.raises(SpecError, match="token_env") as caught:
        Server(url)
    assert TOKEN not in str(caught.value)
