from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsets.evaluation.comparison import Comparison, first_ranks, front, letter, relevant_chunks
from goldsets.evaluation.measures import parse_measure
from goldsets.evaluation.paired import compared
from goldsets.evaluation.score import score
from goldsets.evaluation.stats import intervals
from goldsets.evaluation.target import NEVER
from goldsets.types import Query
from retrieval.types import Chunks, Float64
from tests.goldsets.making import gold_of, sample_corpus, sample_gold, target_of

NAN = float("nan")


def comparison(values: Float64) -> Comparison:
    queries = [Query(f"q{i}", "?") for i in range(values.shape[1])]
    names = [f"variant {i}" for i in range(len(values))]
    return Comparison.of(gold_of(queries, {}), names, parse_measure("R@5"), values)


SMALL = comparison(
    np.array(
        [
            [0.0, 0.5, 1.0, 1.0, 0.0, NAN, NAN],
            [0.0, 1.0, 0.0, 1.0, 0.1, NAN, 1.0],
            [0.0, 0.5, 1.0, 1.0, 0.9, NAN, 1.0],
        ]
    )
)


@pytest.mark.parametrize(
    ("which", "every", "last"),
    [
        ("all", [2, 4, 1, 0, 3, 6], [4, 0, 1, 2, 3, 6]),
        ("different", [2, 4, 1], [4]),
        ("regressed", [2], []),
        ("improved", [4, 1], [4]),
        ("failed", [0], [0]),
    ],
)
def test_queries_of_a_kind_come_with_the_largest_difference_first(which, every, last) -> None:
    assert SMALL.rows(which).tolist() == every
    assert SMALL.rows(which, 2).tolist() == last


def test_origins_are_of_the_queries_that_have_a_value() -> None:
    made = Query("s", "?", origin="synthetic")
    gold = gold_of([Query("q", "?"), made, replace(made, id="t")], {})
    values = np.array([[0.5, NAN, NAN], [1.0, 0.5, NAN]])
    found = Comparison.of(gold, ("a", "b"), parse_measure("R@5"), values)
    assert found.origins == {"written": 1, "synthetic": 1}


def test_some_of_the_variants_keep_what_was_told_of_them() -> None:
    some = SMALL.only([2])
    assert some.names == ("variant 0", "variant 2")
    assert SMALL.differences == tuple(compared(SMALL.values, 0))
    assert SMALL.means == tuple(intervals(SMALL.values))
    assert some.means == (SMALL.means[0], SMALL.means[2])
    assert some.differences == (SMALL.differences[0], SMALL.differences[2])
    assert some.rows("different").tolist() == SMALL.rows("different", 2).tolist() == [4]
    assert SMALL.only([]).rows("all").tolist() == [0, 1, 2, 3, 4]


def test_a_sample_is_drawn_at_random_from_wins_and_losses() -> None:
    rng = np.random.default_rng(1)
    found = comparison(rng.choice([0, 0.5, 1, NAN], (3, 200), p=[0.4, 0.1, 0.4, 0.1]))
    delta = found.deltas[1]
    drawn = np.zeros(200)
    for seed in range(300):
        wins, losses = found.drawn(2, 10, seed)
        assert (delta[wins] > 0).all()
        assert (delta[losses] < 0).all()
        assert len(set(wins)) == len(set(losses)) == 10
        drawn[wins] += 1
        drawn[losses] += 1
    again, first = found.drawn(2, 10, 7), found.drawn(2, 10, 7)
    assert [x.tolist() for x in again] == [x.tolist() for x in first]
    assert again[0].tolist() != found.drawn(2, 10, 8)[0].tolist()
    for sign in (1, -1):
        expected = 3_000 / (sign * delta > 0).sum()
        assert drawn[sign * delta > 0] == pytest.approx(expected, rel=0.45)
    assert drawn.sum() == 6_000


def test_all_are_drawn_where_there_are_few() -> None:
    wins, losses = SMALL.drawn(1, 10, 0)
    assert (sorted(wins), sorted(losses)) == ([1, 4], [2])


def test_letters_are_those_of_spreadsheets() -> None:
    assert SMALL.letters == ["A", "B", "C"]
    assert [letter(n) for n in (25, 26, 27, 51, 52, 701, 702)] == [
        "Z",
        "AA",
        "AB",
        "AZ",
        "BA",
        "ZZ",
        "AAA",
    ]


def test_the_first_rank_is_that_of_the_reciprocal() -> None:
    corpus, gold = sample_corpus(), sample_gold()
    chunks = Chunks.of_spans(list(pairwise(range(0, len(d.text), 12))) for d in corpus.documents)
    target = target_of(gold, corpus, chunks)
    rng = np.random.default_rng(2)
    ids = np.stack([rng.permutation(len(chunks))[:9] for _ in gold.queries]).astype(np.int32)
    ids[0] = -1
    ranks = first_ranks(target, ids)
    expected = score(target, ids[None], [parse_measure("RR@9")])[0, 0]
    assert np.where(ranks < NEVER, 1 / (ranks + 1.0), 0) == pytest.approx(expected)
    assert ranks[0] == NEVER
    for q, row in enumerate(ids.tolist()):
        held = relevant_chunks(target, q)
        first = next((rank for rank, c in enumerate(row) if c in held), NEVER)
        assert first == ranks[q]
    assert (first_ranks(target, ids, rel=4) == NEVER).all()


numbers = st.one_of(st.none(), st.integers(0, 4).map(float))


@given(st.lists(st.tuples(numbers, numbers), max_size=12))
def test_what_is_on_the_front_is_beaten_by_nothing(every: list[tuple[float, float]]) -> None:
    found = front([c for c, _ in every], [v for _, v in every])
    for (cost, value), on in zip(every, found, strict=True):
        beaten = cost is None or value is None
        for other, better in every:
            if other is None or better is None or beaten:
                continue
            no_worse = other <= cost and better >= value
            beaten = no_worse and (other < cost or better > value)
        assert on is not beaten
