"""What every reranker keeps to: a row here for each class that the slot takes."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrieval.ingest.chunk import FixedTokens
from retrieval.pipeline import SLOTS, Pipeline, full_spec, pipeline_of
from retrieval.providers.cohere import CohereRerank
from retrieval.providers.fastembed import CrossEncoder
from retrieval.providers.openai import OpenAIChat
from retrieval.providers.voyage import VoyageRerank
from retrieval.query.dense import Dense
from retrieval.query.lexical import BM25
from retrieval.query.listwise import Listwise
from retrieval.query.pointwise import Pointwise
from retrieval.query.rerank import Reranker
from retrieval.runtime import Runtime
from retrieval.store import Workspace
from retrieval.types import Candidates, Corpus, Queries
from tests.retrieval.making import Hashed, corpus_of
from tests.retrieval.providers import tiny
from tests.retrieval.providers.stub import Vendors
from tests.retrieval.query.reader import read
from tests.retrieval.query.test_rerank import HashedMaxSim, HashedRescore

FOLDER = tempfile.TemporaryDirectory()
RERANKERS: list[Reranker] = [
    HashedRescore(),
    HashedMaxSim(),
    CrossEncoder(model="tiny"),
    VoyageRerank(),
    CohereRerank(),
    CrossEncoder(model="tiny", folder=str(tiny.cross_encoder(Path(FOLDER.name)))),
    Pointwise(),
    Listwise(model=OpenAIChat(), window=3, stride=2),
]

WORDS = ["dough", "rests", "night", "steel", "heat", "cheese", "basil", "salt", "oven", "bake"]
TEXTS = [" ".join(WORDS[(i * k) % 10] for k in range(1, 5)) for i in range(14)]
CORPUS = corpus_of(*TEXTS, TEXTS[3], "no word of them")
QUERIES = Queries(("dough night", "heat of the steel", "치즈", "salt basil oven"))
BASE = Pipeline(embed=Hashed(), chunk=FixedTokens(size=30), first=(BM25(), Dense()), pool=12)


@pytest.fixture(autouse=True)
def reading(vendors: Vendors) -> None:
    vendors.says = read


@pytest.fixture(params=RERANKERS, ids=lambda r: type(r).__name__)
def reranker(request: pytest.FixtureRequest, tmp_path: Path) -> Reranker:
    """Each in turn; the cross-encoder with its files."""
    if isinstance(request.param, CrossEncoder):
        return replace(request.param, folder=str(tiny.cross_encoder(tmp_path / "tiny")))
    found: Reranker = request.param
    return found


def search(reranker: Reranker | None, rt: Runtime, corpus: Corpus = CORPUS) -> Candidates:
    pipeline = replace(BASE, rerank=reranker)
    return pipeline.search(pipeline.ingest(corpus, rt), QUERIES, rt).value


def test_every_reranker_has_its_row() -> None:
    for cls in SLOTS["rerank"]:
        assert any(isinstance(r, cls) for r in RERANKERS), cls.__name__


@pytest.mark.parametrize("top_n", [1, 3, 12, 150])
def test_the_first_are_ordered_and_no_candidate_is_lost(reranker: Reranker, top_n: int) -> None:
    before = search(None, Runtime())
    after = search(replace(reranker, top_n=top_n), Runtime())
    for old, new, scores in zip(before.ids, after.ids, after.scores, strict=True):
        assert sorted(new[:top_n].tolist()) == sorted(old[:top_n].tolist())
        assert new[top_n:].tolist() == old[top_n:].tolist()
        there = new >= 0
        assert np.isneginf(scores[~there]).all()
        assert np.isfinite(scores[there]).all()
        assert (np.diff(scores[there]) <= 0).all()


def test_only_the_first_are_looked_at(vendors: Vendors, reranker: Reranker) -> None:
    before = search(None, Runtime())
    search(replace(reranker, top_n=2), Runtime())
    sent = " ".join(str(r.body) for r in vendors.requests)
    seen = {int(c) for row in before.ids for c in row[:2]}
    for chunk, text in enumerate(d.text for d in CORPUS.documents):
        if vendors.requests:
            shown = text in {CORPUS.documents[c].text for c in seen}
            assert (text in sent) == shown, chunk


def test_it_is_deterministic_and_a_second_run_calls_nobody(
    vendors: Vendors, workspace: Workspace, reranker: Reranker
) -> None:
    first = search(reranker, Runtime(workspace))
    vendors.requests.clear()
    deeper = search(replace(reranker, top_n=149), Runtime(workspace))  # another key, equal work
    assert vendors.requests == []
    alone = search(reranker, Runtime())
    for other in (deeper, alone):
        assert other.ids.tolist() == first.ids.tolist()
        assert other.scores.tolist() == first.scores.tolist()


def test_nothing_is_reranked(vendors: Vendors, reranker: Reranker) -> None:
    assert (search(reranker, Runtime(), Corpus(())).ids == -1).all()
    pipeline, rt = replace(BASE, rerank=reranker), Runtime()
    none = pipeline.search(pipeline.ingest(CORPUS, rt), Queries(()), rt).value
    assert len(none.ids) == 0
    assert vendors.requests == []


def test_it_comes_back_from_its_spec_and_is_part_of_the_key(reranker: Reranker) -> None:
    if type(reranker) in SLOTS["rerank"]:
        pipeline = replace(BASE, embed=Pipeline().embed, rerank=reranker)
        assert pipeline_of(full_spec(pipeline)) == pipeline
    assert reranker.key("x") != replace(reranker, top_n=7).key("x") != reranker.key("y")
