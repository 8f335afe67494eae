"""Voyage's contextualized chunk embeddings through the real SDK against a local server."""

from dataclasses import replace

import numpy as np
import pytest

from retrieval.errors import BadAnswer
from retrieval.ingest.embed import embed
from retrieval.providers import voyage
from retrieval.providers.remote import outlay
from retrieval.providers.voyage import VoyageContext
from retrieval.retry import Retry
from retrieval.runtime import Runtime
from retrieval.store import Workspace
from retrieval.types import Chunks, Corpus
from tests.retrieval.making import corpus_of
from tests.retrieval.providers.stub import Vendors, direction

MODEL = VoyageContext(width=8)
CORPUS = corpus_of("dough rests", "", "cheese melts slowly", "oven")
CHUNKS = Chunks.of_spans([[(0, 5), (6, 11)], [], [(0, 6), (7, 12), (13, 19)], [(0, 4)]])
GROUPS = [["dough", "rests"], ["cheese", "melts", "slowly"], ["oven"]]


def wanted(groups: list[list[str]] = GROUPS) -> np.ndarray:
    rows = np.array([direction("|".join([*g, t]), 8) for g in groups for t in g])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def inputs(vendors: Vendors) -> list[list[str]]:
    return [group for r in vendors.requests for group in r.body["inputs"]]


def made(corpus: Corpus, chunks: Chunks, rt: Runtime) -> np.ndarray:
    return MODEL.apply(corpus, chunks, rt).matrix


def test_chunks_are_embedded_with_those_of_their_document(vendors: Vendors, quick: Runtime) -> None:
    assert np.allclose(made(CORPUS, CHUNKS, quick), wanted(), atol=1e-6)
    assert inputs(vendors) == GROUPS
    assert [r.body["input_type"] for r in vendors.requests] == ["document"]
    assert quick.tally.embedded == 6


def test_a_document_that_did_not_change_is_not_sent_again(
    vendors: Vendors, workspace: Workspace
) -> None:
    made(CORPUS, CHUNKS, Runtime(workspace))
    vendors.requests.clear()
    assert np.allclose(made(CORPUS, CHUNKS, Runtime(workspace)), wanted(), atol=1e-6)
    assert vendors.requests == []
    corpus = corpus_of("dough rests", "", "cheese melts quickly", "oven")
    made(corpus, replace(CHUNKS), Runtime(workspace))
    assert inputs(vendors) == [["cheese", "melts", "quickl"]]


def test_queries_stand_alone(vendors: Vendors, quick: Runtime) -> None:
    found = embed(MODEL, ["what rests", "oven"], "query", quick)
    assert np.allclose(found, wanted([["what rests"], ["oven"]]), atol=1e-6)
    assert [r.body["input_type"] for r in vendors.requests] == ["query"]


def test_a_long_document_is_embedded_in_parts(
    vendors: Vendors, quick: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voyage, "_DOCUMENT", 3)
    made(CORPUS, CHUNKS, quick)
    assert [t for g in inputs(vendors) for t in g] == [t for g in GROUPS for t in g]
    assert len(inputs(vendors)) > len(GROUPS)


def test_vectors_for_other_chunks_are_refused(vendors: Vendors, quick: Runtime) -> None:
    vendors.bend = lambda body: {**body, "data": body["data"][1:]}
    with pytest.raises(BadAnswer, match=r"^Voyage gave vectors for other chunks"):
        made(CORPUS, CHUNKS, quick)


def test_faults_are_tried_again(vendors: Vendors, quick: Runtime) -> None:
    vendors.play("503", "429")
    assert made(CORPUS, CHUNKS, Runtime(retry=Retry(3, 0.01, 0.01))).shape == (6, 8)
    assert made(corpus_of(), Chunks.of_spans([]), quick).shape == (0, 8)
    assert len(vendors.requests) == 3


def test_the_plan_knows_what_is_kept(vendors: Vendors, quick: Runtime) -> None:
    before = outlay(MODEL, MODEL.units(CORPUS, CHUNKS), "passage", quick)
    made(CORPUS, CHUNKS, quick)
    after = outlay(MODEL, MODEL.units(CORPUS, CHUNKS), "passage", quick)
    assert (before.texts, before.kept_texts) == (after.kept_texts, after.texts) == (6, 0)
    assert before.usd == after.kept_usd == pytest.approx(before.tokens * 0.18e-6)
