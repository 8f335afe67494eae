"""Assembling a context, against plain definitions."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import SpecError
from retrieval.ingest.chunk import FixedTokens
from retrieval.ingest.tokens import Vocabulary, count_tokens, token_starts
from retrieval.pipeline import Pipeline, pipeline_of
from retrieval.query.assemble import Assembled, Context
from retrieval.query.lexical import BM25
from retrieval.query.passages import Passage, Reason, in_order
from retrieval.query.shingles import bags, jaccard, near_duplicates, shingles
from retrieval.runtime import Runtime
from retrieval.store import Workspace
from retrieval.types import Candidates, Chunks, Corpus, Queries
from tests.retrieval.making import corpus_of

words = st.sampled_from(["rest", "dough", "steel", "heat", "Rest", "치즈", "x_y", "é", "a b c d e"])
sentences = st.lists(words, max_size=12).map(" ".join)


def naive_shingles(text: str) -> set[tuple[str, ...]]:
    own = text.casefold().split()
    return {tuple(own[i : i + 4]) for i in range(max(1, len(own) - 3))}


def naive_jaccard(a: str, b: str) -> float:
    x, y = naive_shingles(a), naive_shingles(b)
    return len(x & y) / len(x | y)


@given(sentences, sentences)
def test_resemblance_is_the_share_of_common_shingles(a: str, b: str) -> None:
    assert jaccard(*shingles([a, b])) == pytest.approx(naive_jaccard(a, b))


@given(st.lists(sentences, max_size=8), st.sampled_from([0.2, 0.5, 0.8, 1.0]))
def test_near_duplicates_are_all_pairs_that_resemble_enough(texts: list[str], share: float) -> None:
    found = near_duplicates(texts, share)
    for i, a in enumerate(texts):
        near = {j for j, b in enumerate(texts) if i != j and naive_jaccard(a, b) >= share - 1e-9}
        assert found.get(i, set()) == near


def test_bags_are_unit_vectors_and_say_what_words_are_shared() -> None:
    found = bags(["dough rests all night", "night all Rests dough", "steel stores heat", ""])
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 1, 1, 0])
    assert found[0] @ found[1] == pytest.approx(1)
    assert abs(float(found[0] @ found[2])) < 0.5


@st.composite
def cases(draw: st.DrawFn) -> tuple[Corpus, Chunks, Candidates]:
    """Documents cut into overlapping chunks, some texts twice, and rankings of them."""
    drawn = draw(st.lists(st.lists(words, min_size=2, max_size=9), min_size=1, max_size=4))
    texts = [" ".join(own) for own in drawn]
    corpus = corpus_of(*texts, *texts[: draw(st.integers(0, 2))])
    spans = []
    for document in corpus.documents:
        n, step, size = len(document.text), draw(st.integers(3, 9)), draw(st.integers(3, 12))
        spans.append([(s, min(n, s + size)) for s in range(0, n, step)])
    chunks = Chunks.of_spans(spans)
    ranked = st.lists(st.integers(0, len(chunks) - 1), unique=True, max_size=12)
    rows = draw(st.lists(ranked, min_size=1, max_size=3))
    pairs = [(np.array(r, np.int64), -np.arange(len(r), dtype=float)) for r in rows]
    return corpus, chunks, Candidates.of_lists(pairs, max(1, *map(len, rows), 1))


contexts = st.builds(
    Context,
    k=st.integers(1, 12),
    duplicates=st.sampled_from([0.0, 0.5, 1.0]),
    diversity=st.sampled_from([0.0, 0.5]),
    per_document=st.sampled_from([None, 1, 2]),
    join=st.booleans(),
    neighbours=st.integers(0, 2),
    order=st.sampled_from(["rank", "document", "edges"]),
    max_tokens=st.sampled_from([None, 2, 4, 9, 30]),
)


def passages(found: Assembled, chunks: Chunks, q: int) -> list[tuple[int, int, int]]:
    """The spans that the reader gets, from the arrays alone."""
    spans = []
    for number in range(int(found.passage[q].max()) + 1):
        own = found.ids[q][found.passage[q] == number]
        (document,) = set(chunks.document[own].tolist())
        spans.append((document, int(chunks.start[own].min()), int(chunks.end[own].max())))
    return spans


@given(st.text(max_size=50), st.sampled_from(["o200k", "cl100k"]))
def test_tokens_are_counted_as_they_are_encoded(text: str, vocabulary: Vocabulary) -> None:
    assert count_tokens(text, vocabulary) == len(token_starts(text, vocabulary))


@given(cases(), contexts)
def test_every_promise_of_a_context(
    case: tuple[Corpus, Chunks, Candidates], context: Context
) -> None:
    corpus, chunks, ranking = case
    found = context.apply(corpus, chunks, ranking, rt=Runtime())
    for q, seen in enumerate(ranking.ids):
        own = [c for c in seen.tolist() if c >= 0]
        kept = [c for c in found.ids[q].tolist() if c >= 0]
        reason = dict(zip(own, found.reason[q].tolist(), strict=False))
        instead = dict(zip(own, found.instead[q].tolist(), strict=False))
        spans = passages(found, chunks, q)
        assert len(kept) == len(set(kept))
        assert (found.reason[q, len(own) :] == -1).all()
        assert {c for c in own if reason[c] == Reason.KEPT} == set(kept) & set(own)
        for n, c in enumerate(own):
            if reason[c] == Reason.BEYOND:
                assert n >= context.k
            if reason[c] == Reason.DUPLICATE:
                better = instead[c]
                assert own.index(better) < n
                alike = naive_jaccard(chunks.text(corpus, c), chunks.text(corpus, better))
                assert alike >= context.duplicates - 1e-9 > 0
            else:
                assert instead[c] == -1
        held = [c for c in kept if c in own]
        documents = chunks.document[held].tolist()
        if context.per_document and not context.neighbours:
            assert all(documents.count(d) <= context.per_document for d in documents)
        if not context.neighbours:
            assert set(kept) <= set(own[: context.k])
        if context.join:
            for a, b in ((a, b) for a in spans for b in spans if a < b and a[0] == b[0]):
                assert a[2] < b[1] or b[2] < a[1]
        else:
            assert len(spans) == len(kept)
        if context.max_tokens:
            texts = [corpus.documents[d].text[s:e].strip() for d, s, e in spans]
            assert len(token_starts("".join(f"{t}\n\n" for t in texts))) <= context.max_tokens
        else:
            assert Reason.NO_ROOM not in reason.values()


@given(cases())
def test_with_every_step_off_it_is_the_ranking(case: tuple[Corpus, Chunks, Candidates]) -> None:
    corpus, chunks, ranking = case
    found = Context(duplicates=0, join=False).apply(corpus, chunks, ranking, rt=Runtime())
    width = found.ids.shape[1]
    assert found.ids.tolist() == ranking.ids[:, :width].tolist()
    assert found.scores.tolist() == ranking.scores[:, :width].tolist()
    assert (ranking.ids[:, width:] == -1).all()


def naive_mmr(vectors: np.ndarray, diversity: float) -> list[int]:
    left, order = list(range(len(vectors))), []
    relevance = np.linspace(1, 0, len(vectors), dtype=np.float32)
    while left:

        def worth(i: int) -> float:
            nearest = max([0.0, *(float(vectors[i] @ vectors[j]) for j in order)])
            return (1 - diversity) * float(relevance[i]) - diversity * nearest

        order.append(max(left, key=lambda i: (round(worth(i), 5), -i)))
        left.remove(order[-1])
    return order


@given(st.lists(sentences, min_size=2, max_size=8, unique=True), st.sampled_from([0.3, 0.7]))
def test_diversity_is_maximal_marginal_relevance(texts: list[str], diversity: float) -> None:
    corpus = corpus_of(*texts)
    chunks = Chunks.of_spans([(0, len(t))] for t in texts)
    every = np.arange(len(texts))
    ranking = Candidates.of_lists([(every, -every.astype(float))], len(texts))
    stage = Context(duplicates=0, join=False, diversity=diversity)
    found = stage.apply(corpus, chunks, ranking, rt=Runtime()).ids[0].tolist()
    wanted = naive_mmr(bags(texts), diversity)
    if found != wanted:  # equal worth but for rounding
        assert sorted(found) == sorted(wanted)
        a, b = next(p for p in zip(found, wanted, strict=True) if p[0] != p[1])
        own, before = bags(texts), found[: found.index(a)]
        worth = [
            (1 - diversity) * np.linspace(1, 0, len(texts))[i]
            - diversity * max([0.0, *(float(own[i] @ own[j]) for j in before)])
            for i in (a, b)
        ]
        assert worth[0] == pytest.approx(worth[1], abs=1e-4)


def test_orders_by_hand() -> None:
    def of(document: int, start: int, rank: int) -> Passage:
        return Passage(document, start, start + 1, rank, {})

    given_ = [of(1, 5, 0), of(0, 9, 1), of(1, 2, 2), of(0, 1, 3), of(2, 0, 4)]
    by = {o: [p.rank for p in in_order(given_, o)] for o in ("rank", "document", "edges")}  # type: ignore[arg-type]
    assert by == {"rank": [0, 1, 2, 3, 4], "document": [2, 0, 3, 1, 4], "edges": [0, 2, 4, 3, 1]}


TEXT = "one two three four five six seven eight nine ten"


def assembled(context: Context, ranked: list[int], *cuts: int, text: str = TEXT) -> Assembled:
    chunks = Chunks.of_spans([list(pairwise((0, *cuts, len(text))))])
    ids = np.array(ranked, np.int64)
    ranking = Candidates.of_lists([(ids, -np.arange(len(ids), dtype=float))], len(ranked))
    return context.apply(corpus_of(text), chunks, ranking, rt=Runtime())


def test_neighbours_come_nearest_first_while_they_fit_and_join() -> None:
    cuts = (3, 7, 13, 18, 23, 27, 33, 39, 44)  # a word each, the space with the next
    all_in = assembled(Context(neighbours=1), [4], *cuts)
    assert all_in.ids.tolist() == [[3, 4, 5]]
    assert all_in.passage.tolist() == [[0, 0, 0]]
    assert all_in.scores.tolist() == [[0.0, 0.0, 0.0]]
    two = assembled(Context(neighbours=3, max_tokens=3), [4], *cuts)
    assert two.ids.tolist() == [[3, 4]]
    apart = assembled(Context(neighbours=1, join=False), [4, 8], *cuts)
    assert apart.ids.tolist() == [[3, 4, 5, 7, 8, 9]]
    assert apart.passage.max() == 5


def test_what_does_not_fit_is_passed_over_for_the_next() -> None:
    found = assembled(Context(max_tokens=4, join=False), [0, 1, 2], 7, 39)
    assert found.ids.tolist() == [[0]]
    assert found.reason.tolist() == [[Reason.KEPT, Reason.NO_ROOM, Reason.NO_ROOM]]
    found = assembled(Context(max_tokens=4), [1, 0, 2], 7, 39)
    assert found.reason.tolist() == [[Reason.NO_ROOM, Reason.KEPT, Reason.NO_ROOM]]


def test_it_is_kept_and_found_again(workspace: Workspace) -> None:
    pipeline = Pipeline(
        chunk=FixedTokens(size=9),
        first=(BM25(),),
        assemble=Context(neighbours=1, max_tokens=20),
    )
    queries, corpus = Queries(("night", "heat")), corpus_of(TEXT, "night and heat", "heat at night")
    found = []
    for _ in range(2):
        rt = Runtime(workspace)
        found.append(pipeline.search(pipeline.ingest(corpus, rt), queries, rt).value)
    for one, two in zip(*(f.arrays().values() for f in found), strict=True):
        assert one.tolist() == two.tolist()
    assert isinstance(found[1], Assembled)


def test_bad_fields_are_refused() -> None:
    for field, bad in (("k", 0), ("duplicates", 2.0), ("diversity", -1.0), ("per_document", 0),
                       ("neighbours", -1), ("max_tokens", 0)):  # fmt: skip
        with pytest.raises(SpecError, match=f"Context.{field} must be"):
            pipeline_of({"assemble": {"Context": {field: bad}}})
