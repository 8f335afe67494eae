"""Each vendor's embedder through its real SDK against a server on this machine."""

import base64
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from retrieval.errors import BadAnswer, MissingKey, Refused, SpecError
from retrieval.ingest.embed import embed
from retrieval.pipeline import SLOTS, Pipeline, full_spec, pipeline_of
from retrieval.providers.cohere import Cohere
from retrieval.providers.gemini import Gemini
from retrieval.providers.openai import OpenAI
from retrieval.providers.remote import Limits, RemoteEmbedder, pack
from retrieval.providers.voyage import Voyage
from retrieval.query.dense import Dense
from retrieval.runtime import Runtime
from retrieval.stage import build
from retrieval.store import Workspace, ledger
from retrieval.types import Queries
from tests.retrieval.making import corpus_of
from tests.retrieval.providers.conftest import QUICK
from tests.retrieval.providers.stub import KEY, Body, Vendors, direction

EMBEDDERS = [Voyage(), Cohere(), Gemini(), OpenAI()]
TEXTS = ["dough rests", "overnight", "피자", "", "cheese " * 50]
each = pytest.mark.parametrize("embedder", EMBEDDERS, ids=lambda e: type(e).__name__)


def kinds(vendors: Vendors, embedder: RemoteEmbedder) -> set[Any]:
    """What the requests said that their texts are."""
    if isinstance(embedder, Gemini):
        return {r["taskType"] for q in vendors.requests for r in q.body["requests"]}
    return {q.body.get("input_type") for q in vendors.requests}


@each
def test_vectors_are_unit_and_in_the_order_of_the_texts(
    vendors: Vendors, quick: Runtime, embedder: RemoteEmbedder
) -> None:
    found = embed(embedder, TEXTS, "passage", quick)
    rows = np.array([direction(t, embedder.dimensions) for t in TEXTS])
    wanted = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert found.dtype == np.float32
    assert np.allclose(found, wanted, atol=1e-6)


@each
def test_a_second_run_makes_no_call(
    vendors: Vendors, workspace: Workspace, embedder: RemoteEmbedder
) -> None:
    pipeline = Pipeline(embed=embedder, first=(Dense(),))
    corpus, queries = corpus_of("dough rests", "cheese melts"), Queries(("what rests", "oven"))
    answers = []
    for _ in range(2):
        rt = Runtime(workspace, retry=QUICK)
        answers.append(pipeline.search(pipeline.ingest(corpus, rt), queries, rt).value.ids)
        assert len(vendors.requests) == 2  # the passages, and the queries
    assert np.array_equal(*answers)
    again = Runtime(workspace)
    embed(embedder, ["cheese melts", "dough rests"], "passage", again)
    assert len(vendors.requests) == 2
    assert again.tally.embedded == 0


@each
def test_passages_and_queries_are_told_apart(
    vendors: Vendors, quick: Runtime, embedder: RemoteEmbedder
) -> None:
    wanted = {
        "Voyage": ("document", "query"),
        "Cohere": ("search_document", "search_query"),
        "Gemini": ("RETRIEVAL_DOCUMENT", "RETRIEVAL_QUERY"),
        "OpenAI": (None, None),
    }[type(embedder).__name__]
    for purpose, kind in zip(("passage", "query"), wanted, strict=True):
        vendors.requests.clear()
        embed(embedder, ["one text"], purpose, quick)  # type: ignore[arg-type]
        assert kinds(vendors, embedder) == {kind}


@pytest.mark.parametrize(
    "embedder", [Voyage(width=256), Cohere(width=256), Gemini(width=768), OpenAI(width=256)]
)
def test_shorter_vectors_are_asked_for(
    vendors: Vendors, quick: Runtime, embedder: RemoteEmbedder
) -> None:
    found = embed(embedder, ["a"], "query", quick)
    assert found.shape == (1, embedder.width)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("embedder", "n", "calls"),
    [(Voyage(), 1100, 2), (Cohere(), 200, 3), (Gemini(width=8), 230, 3), (OpenAI(), 70, 3)],
)
def test_requests_stay_within_the_vendors_limits(
    vendors: Vendors, quick: Runtime, embedder: RemoteEmbedder, n: int, calls: int
) -> None:
    small = type(embedder)(width=8)
    embed(small, [f"text {i}" for i in range(n)], "passage", quick)
    assert len(vendors.requests) == calls
    assert sorted(vendors.texts) == sorted(f"text {i}" for i in range(n))
    assert vendors.most_in_flight <= embedder.vendor.at_once


def test_a_batch_is_full_by_texts_or_by_tokens() -> None:
    assert pack([1, 1, 1, 1], Limits(3, 100)) == [[0, 1, 2], [3]]
    assert pack([40, 40, 1, 200, 1], Limits(9, 100)) == [[0, 1], [2], [3], [4]]
    assert pack([], Limits(3, 100)) == []


@each
def test_a_missing_key_is_one_sentence_with_the_fix(
    vendors: Vendors, quick: Runtime, embedder: RemoteEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in embedder.vendor.keys:
        monkeypatch.delenv(name, raising=False)
    if embedder.vendor.keyless:
        monkeypatch.delenv(embedder.vendor.url)
    with pytest.raises(MissingKey, match=f"needs a key; set {embedder.vendor.keys[0]}"):
        embed(embedder, ["a"], "query", quick)
    assert vendors.requests == []


def test_a_server_of_ones_own_needs_no_key_and_is_another_model(
    vendors: Vendors, quick: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    mine = OpenAI("tiny", width=8)
    with pytest.raises(Refused, match="OpenAI refused \\(401\\)"):  # this one wants a key
        embed(mine, ["a"], "query", quick)
    assert vendors.requests[0].headers["authorization"] == "Bearer none"
    assert mine.identity.startswith("openai@127.0.0.1:")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://me:secret@example.org:8000/v1")
    assert mine.identity == "openai@example.org:8000/tiny@8"
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert mine.identity == "openai/tiny@8"


@dataclass(frozen=True)
class Bent:
    """A way an answer can be wrong: what is done to its rows."""

    name: str
    rows: Callable[[list[Any]], list[Any]]
    says: str


def first(row: list[Any], value: Any) -> list[list[Any]]:
    return [[value, *row[0][1:]], *row[1:]]


BENT = [
    Bent("few", lambda rows: rows[1:], "2"),
    Bent("many", lambda rows: [*rows, rows[0]], "4|vectors of shape"),
    Bent("none", lambda rows: [], "0|shape|object"),
    Bent("nan", lambda rows: first(rows, math.nan), "a number that is none|cannot be read"),
    Bent("infinite", lambda rows: first(rows, math.inf), "a number that is none|cannot be read"),
    Bent("zero", lambda rows: [[0.0] * len(rows[0]), *rows[1:]], "zero"),
    Bent("short", lambda rows: [row[1:] for row in rows], "shape"),
    Bent("ragged", lambda rows: [rows[0][1:], *rows[1:]], "unequal"),
    Bent(
        "words", lambda rows: [["x"] * len(row) for row in rows], "numbers|cannot be read|vectors"
    ),
]


def bent(body: Body, change: Callable[[list[Any]], list[Any]]) -> Body:
    """Alter the rows of whatever vendor's answer."""
    if "data" in body:
        rows = change([unpacked(d["embedding"]) for d in body["data"]])
        kept = [{"object": "embedding", "index": i, "embedding": r} for i, r in enumerate(rows)]
        return {**body, "data": kept}
    if isinstance(body["embeddings"], dict):
        return {**body, "embeddings": {"float": change(body["embeddings"]["float"])}}
    return {
        "embeddings": [{"values": r} for r in change([e["values"] for e in body["embeddings"]])]
    }


def unpacked(row: Any) -> Any:
    return np.frombuffer(base64.b64decode(row), "<f4").tolist() if isinstance(row, str) else row


@each
@pytest.mark.parametrize("fault", BENT, ids=lambda b: b.name)
def test_a_wrong_answer_is_refused_by_the_vendors_name_and_not_kept(
    vendors: Vendors, quick: Runtime, embedder: RemoteEmbedder, fault: Bent
) -> None:
    vendors.bend = lambda body: bent(body, fault.rows)
    with pytest.raises(BadAnswer, match=f"^{embedder.vendor.name} gave .*({fault.says})"):
        embed(embedder, ["a", "b", "c"], "passage", quick)
    assert len(vendors.requests) == 1
    vendors.bend = None
    embed(embedder, ["a", "b", "c"], "passage", quick)
    assert len(vendors.requests) == 2


def test_specs_name_vendors_and_their_fields() -> None:
    for embedder in EMBEDDERS:
        name = type(embedder).__name__
        made = pipeline_of({"embed": {name: {"model": embedder.model}}, "first": ["Dense"]})
        assert made.embed == embedder == build(name, SLOTS["embed"], "embed")
        assert pipeline_of(full_spec(made)) == made
    with pytest.raises(
        SpecError, match=r"not known here; give it as width; did you mean 'voyage-3.5'"
    ):
        Voyage("voyage-5")
    assert Voyage("voyage-5", width=64).dimensions == 64
    with pytest.raises(SpecError, match="needs a model"):
        Voyage(" ")
    with pytest.raises(SpecError, match="give 1 or more"):
        Voyage(width=0)


@each
def test_a_key_stands_nowhere_but_in_the_header(
    vendors: Vendors, workspace: Workspace, embedder: RemoteEmbedder
) -> None:
    said: list[str] = []
    rt = Runtime(workspace, retry=QUICK, progress=lambda step, *_: said.append(step))
    vendors.play("400")
    with pytest.raises(Refused, match="\\*\\*\\*") as caught:
        embed(embedder, ["a"], "query", rt)
    vendors.play("429")
    embed(embedder, ["a"], "query", rt)
    pipeline = Pipeline(embed=embedder, first=(Dense(),))
    told = [str(caught.value), repr(caught.value.__cause__), repr(pipeline), embedder.key()]
    told += [str(full_spec(pipeline)), *said, *map(repr, ledger.calls(workspace))]
    assert any("trying again" in line for line in said)
    assert not any(KEY in text for text in told)
    held = b"".join(p.read_bytes() for p in workspace.path.rglob("*") if p.is_file())
    assert KEY.encode() not in held
    assert not any(KEY in r.path or KEY in str(r.body) for r in vendors.requests)
