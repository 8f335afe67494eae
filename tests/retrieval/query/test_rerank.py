import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import SpecError
from retrieval.ingest.chunk import FixedTokens
from retrieval.ingest.embed import Purpose
from retrieval.ingest.late import BATCH, TokenEmbedder, packed, token_vectors, unpacked
from retrieval.pipeline import Pipeline, full_spec, pipeline_of, short_spec
from retrieval.query.dense import Dense
from retrieval.query.lexical import BM25
from retrieval.query.rerank import (
    MaxSim,
    Reranker,
    Rescore,
    best_of_document,
    max_sim,
    reordered,
    scores_in,
    standardised,
)
from retrieval.runtime import Runtime
from retrieval.store import Workspace
from retrieval.types import Candidates, Chunks, Corpus, Float32, Queries
from tests.retrieval.making import Hashed, corpus_of

INF = float("inf")


@dataclass(frozen=True)
class HashedTokens(TokenEmbedder):
    """Gives every word a direction of its own; remembers nothing, so tests count `tally`."""

    @property
    def identity(self) -> str:
        return "hashed-tokens/1"

    @property
    def dimensions(self) -> int:
        return 8

    def embed_tokens(self, texts: Sequence[str], purpose: Purpose) -> list[Float32]:
        return [self.vectors(text) for text in texts]

    def vectors(self, text: str) -> Float32:
        rows = np.zeros((len(text.split()), 8), np.float32)
        for row, word in zip(rows, text.split(), strict=True):
            seed = int.from_bytes(sha256(word.casefold().encode()).digest()[:8], "big")
            row[:] = np.random.default_rng(seed).normal(size=8)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@dataclass(frozen=True)
class HashedMaxSim(MaxSim):
    embed: ClassVar[TokenEmbedder] = HashedTokens()


@dataclass(frozen=True)
class HashedRescore(Rescore):
    max_sim: ClassVar[type[MaxSim]] = HashedMaxSim


def rankings(chunks: int = 9) -> st.SearchStrategy[Candidates]:
    ids = st.lists(st.integers(0, chunks - 1), unique=True, max_size=6)
    return st.lists(ids, min_size=1, max_size=3).map(candidates)


def candidates(rows: list[list[int]]) -> Candidates:
    pairs = [(np.array(r, np.int64), -np.arange(len(r), dtype=float)) for r in rows]
    return Candidates.of_lists(pairs, 7)


@given(rankings(), st.integers(1, 9), st.randoms(use_true_random=False))
def test_the_first_are_ordered_anew_and_the_rest_follows(
    pool: Candidates, top_n: int, random: "st.DataObject"
) -> None:
    n = min(top_n, pool.depth)
    values = np.array([[float(random.randint(0, 3)) for _ in range(n)] for _ in pool.ids])  # type: ignore[attr-defined]
    found = reordered(pool, values)
    for row, scores, old, new in zip(found.ids, found.scores, pool.ids, values, strict=True):
        pairs = sorted(
            (-v, i) for v, i in zip(new.tolist(), old[:n].tolist(), strict=True) if i >= 0
        )
        rest = [i for i in old[n:].tolist() if i >= 0]
        wanted = [i for _, i in pairs] + rest
        assert [i for i in row.tolist() if i >= 0] == wanted
        assert (row[len(wanted) :] == -1).all()
        assert np.isneginf(scores[len(wanted) :]).all()
        assert (np.diff(scores[: len(wanted)]) <= 0).all()


@given(rankings(), rankings())
def test_a_list_is_looked_up_and_lacks_at_its_least(pool: Candidates, other: Candidates) -> None:
    rows = min(len(pool.ids), len(other.ids))
    found = scores_in(Candidates(other.ids[:rows], other.scores[:rows]), pool.ids[:rows])
    for q in range(rows):
        own = {int(i): s for i, s in zip(other.ids[q], other.scores[q], strict=True) if i >= 0}
        least = min(own.values(), default=0.0)
        present = pool.ids[q] >= 0
        wanted = [own.get(int(i), least) for i in pool.ids[q][present]]
        assert found[q][present].tolist() == wanted


def test_standardised_by_hand_and_flat_is_nothing() -> None:
    scores = np.array([[3.0, 1.0, 99.0], [2.0, 2.0, 2.0], [5.0, 6.0, 7.0]])
    present = np.array([[True, True, False], [True] * 3, [False] * 3])
    assert standardised(scores, present).tolist() == [[1.0, -1.0, 0.0], [0.0] * 3, [0.0] * 3]


def test_the_best_of_a_document_is_that_of_its_candidates() -> None:
    chunks = Chunks.of_spans([[(0, 1), (1, 2)], [(0, 1), (1, 2)]])
    ids = np.array([[0, 3, 1, -1], [2, -1, -1, -1], [-1] * 4], np.int32)
    scores = np.array([[1.0, -2.0, 5.0, 99.0], [-3.0, 9.0, 9.0, 9.0], [9.0] * 4])
    found = best_of_document(chunks, ids, scores)
    assert found.tolist() == [[5.0, -2.0, 5.0, 0.0], [-3.0, 0.0, 0.0, 0.0], [0.0] * 4]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.integers(0, 6))
def test_max_sim_is_the_mean_of_the_nearest(lengths: list[int], passage: int) -> None:
    random = np.random.default_rng(sum(lengths) + passage)
    queries = [random.normal(size=(n, 8)).astype(np.float32) for n in lengths]
    own = random.normal(size=(passage, 8)).astype(np.float32)
    wanted = [
        float(np.mean([max(float(t @ p) for p in own) for t in q])) if len(q) and passage else 0.0
        for q in queries
    ]
    assert max_sim(queries, own) == pytest.approx(wanted, abs=1e-5)


@given(st.integers(0, 20))
def test_vectors_come_back_from_8_bits(tokens: int) -> None:
    vectors = np.random.default_rng(tokens).normal(size=(tokens, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    back = unpacked(packed(vectors), 384)
    assert back.shape == vectors.shape
    assert np.vecdot(back, vectors).min(initial=1.0) > 0.9998


TEXTS = [f"word{i % 7} word{i % 5} text {i}" for i in range(2 * BATCH + 3)] + ["", "word1"]


def test_tokens_are_embedded_once_ever(workspace: Workspace) -> None:
    first, second = Runtime(workspace), Runtime(workspace)
    one = [v for b in token_vectors(HashedTokens(), TEXTS, "passage", first) for v in b]
    two = [v for b in token_vectors(HashedTokens(), TEXTS[::-1], "passage", second) for v in b]
    assert first.tally.embedded == len(TEXTS)
    assert second.tally.embedded == 0
    for a, b, text in zip(one, two[::-1], TEXTS, strict=True):
        assert a.tobytes() == b.tobytes()
        assert a == pytest.approx(HashedTokens().vectors(text), abs=0.02)


CORPUS = corpus_of("dough rests all night", "a steel stores heat", "cheese is dry", "night heat")
QUERIES = Queries(("dough night", "heat", "nothing shared"))
BASE = Pipeline(embed=Hashed(), chunk=FixedTokens(size=9), first=(BM25(), Dense()))


def search(pipeline: Pipeline, rt: Runtime, corpus: Corpus = CORPUS) -> Candidates:
    return pipeline.search(pipeline.ingest(corpus, rt), QUERIES, rt).value


def naive_max_sim(query: str, text: str) -> float:
    q, t = (HashedTokens().vectors(x) for x in (query, text))
    return float((q @ t.T).max(axis=1).mean())


def test_maxsim_in_a_pipeline_is_the_plain_definition() -> None:
    rt = Runtime()
    pipeline = dataclasses.replace(BASE, rerank=HashedMaxSim())
    found = search(pipeline, rt)
    for q, row, scores in zip(QUERIES.texts, found.ids, found.scores, strict=True):
        own = row[row >= 0]
        wanted = [naive_max_sim(q, CORPUS.documents[i].text) for i in own]
        assert scores[: len(own)] == pytest.approx(wanted, abs=0.01)
        assert (np.diff(scores[: len(own)]) <= 0).all()


RERANKERS: list[Reranker] = [
    Rescore(late=0, top_n=3),
    HashedRescore(),
    HashedMaxSim(top_n=2),
]


@pytest.mark.parametrize("reranker", RERANKERS)
def test_no_candidate_is_lost_or_added(reranker: Reranker) -> None:
    before = search(BASE, Runtime())
    after = search(dataclasses.replace(BASE, rerank=reranker), Runtime())
    assert np.sort(after.ids).tolist() == np.sort(before.ids).tolist()
    assert after.ids[:, reranker.top_n :].tolist() == before.ids[:, reranker.top_n :].tolist()


@pytest.mark.parametrize("reranker", RERANKERS)
def test_nothing_to_rerank_is_reranked(reranker: Reranker) -> None:
    pipeline = dataclasses.replace(BASE, rerank=reranker)
    assert (search(pipeline, Runtime(), Corpus(())).ids == -1).all()
    rt = Runtime()
    none = pipeline.search(pipeline.ingest(CORPUS, rt), Queries(()), rt).value
    assert len(none.ids) == 0


def test_depths_of_one_pool_share_what_they_scored(workspace: Workspace) -> None:
    def alone(top_n: int) -> Candidates:
        return search(dataclasses.replace(BASE, rerank=HashedMaxSim(top_n=top_n)), Runtime())

    rt = Runtime(workspace)
    search(BASE, rt)
    plain = rt.tally.embedded
    for top_n in (2, 4, 1, 3):
        found = search(dataclasses.replace(BASE, rerank=HashedMaxSim(top_n=top_n)), rt)
        assert found.ids.tolist() == alone(top_n).ids.tolist()
        assert found.scores == pytest.approx(alone(top_n).scores, abs=1e-6)
    assert rt.tally.embedded == plain + len(QUERIES) + len(CORPUS)
    before = rt.tally.embedded
    for top_n in (3, 1, 2, 4) * 3:
        rerank = dataclasses.replace(BASE, rerank=HashedRescore(top_n=top_n))
        assert search(rerank, rt).ids.tolist() == search(rerank, Runtime()).ids.tolist()
    assert rt.tally.embedded == before
    other = dataclasses.replace(BASE, first=(BM25(),), rerank=HashedMaxSim())
    assert search(other, rt).ids.tolist() == search(other, Runtime()).ids.tolist()


def test_rescore_by_hand() -> None:
    chunks = Chunks.of_spans([[(0, 1), (1, 2)], [(0, 1)]])
    pool = candidates([[0, 1, 2]])
    lists = [
        Candidates(np.array([[2, 0, 1]], np.int32), np.array([[4.0, 2.0, 0.0]])),
        Candidates(np.array([[1, -1, -1]], np.int32), np.array([[1.0, -INF, -INF]])),
    ]
    z = np.sqrt(1.5)
    found = Rescore(late=0, document=1).apply(chunks, pool, *lists, rt=Runtime())
    own = {0: 0.0, 1: -z, 2: z}  # of the first list; the second has one hit: all alike
    wanted = {0: own[0] + 0.0, 1: own[1] + 0.0, 2: own[2] + own[2]}
    got = dict(zip(found.ids[0].tolist(), found.scores[0].tolist(), strict=True))
    assert [i for i in found.ids[0].tolist() if i >= 0] == [2, 0, 1]
    assert {i: got[i] for i in wanted} == pytest.approx(wanted)


def test_the_reranker_is_part_of_the_keys_and_none_changes_none() -> None:
    rt = Runtime()

    def line(pipeline: Pipeline) -> list[str]:
        made = pipeline.search(pipeline.ingest(CORPUS, rt), QUERIES, rt).line()
        return [m.stage for m in made] + [made[-1].key]

    plain = line(BASE)
    assert "Rescore" not in plain
    keys = {line(dataclasses.replace(BASE, rerank=r))[-1] for r in RERANKERS}
    assert len({plain[-1], *keys}) == len(RERANKERS) + 1


def test_without_late_interaction_no_model_is_asked() -> None:
    rt = Runtime()
    pipeline = dataclasses.replace(BASE, first=(BM25(),), rerank=Rescore(late=0))
    search(pipeline, rt)
    assert rt.tally.embedded == 0


def test_specs_of_rerankers() -> None:
    assert full_spec(Pipeline())["rerank"] is None
    assert pipeline_of({"rerank": None}) == Pipeline()
    pipeline = pipeline_of({"rerank": {"Rescore": {"late": 2}}})
    assert pipeline.rerank == Rescore(late=2.0)
    assert short_spec(pipeline) == {"rerank": {"Rescore": {"late": 2.0}}}
    assert pipeline_of(full_spec(pipeline)) == pipeline
    for field in ("top_n", "late", "document"):
        with pytest.raises(SpecError, match=f"Rescore.{field} must be"):
            pipeline_of({"rerank": {"Rescore": {field: -1}}})
