"""Bounds against every labelling there is, scored by the product's own `score`."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from goldsets.evaluation.bounds import Bounds, bounds, labels_needed, to_decide
from goldsets.evaluation.measures import Measure, parse_measure
from goldsets.evaluation.score import score
from goldsets.evaluation.target import Target
from goldsets.types import Evidence, Needs, Query
from retrieval.errors import InputError
from retrieval.types import Chunks, Float64, Int32
from tests.goldsets.making import (
    corpus_of,
    distinct_text,
    gold_of,
    one_token_a_character,
    target_of,
)

SIZE, CHUNKS = 5, 60
TEXT = distinct_text(SIZE * CHUNKS, 0)
CORPUS = corpus_of(TEXT)
TOKENS = one_token_a_character(CORPUS)
TOP = 3
NOTHING = np.full((1, 1), -1, np.int32)

Judged = Mapping[int, int]
"""A chunk's grade; what is not in it is unjudged."""


def chunks_of(step: int = SIZE) -> Chunks:
    """Cut chunks of SIZE characters; a smaller step makes them overlap."""
    spans = [(start, start + SIZE) for start in range(0, len(TEXT) - SIZE + 1, step)]
    return Chunks.of_spans([spans])


def judged_by(
    judged: Sequence[Judged], needs: Sequence[Needs] | Needs = "all", step: int = SIZE
) -> Target:
    """Judge whole chunks, a query an entry."""
    every = [needs] * len(judged) if isinstance(needs, str) else needs
    queries = [Query(f"q{i}", "?", needs=n) for i, n in enumerate(every)]
    evidence = {
        f"q{i}": [
            Evidence("d0", c * step, c * step + SIZE, TEXT[c * step : c * step + SIZE], grade=grade)
            for c, grade in own.items()
        ]
        for i, own in enumerate(judged)
    }
    return target_of(gold_of(queries, evidence), CORPUS, chunks_of(step), TOKENS)


def ids(*rankings: Sequence[int], depth: int = 0) -> Int32:
    depth = max(depth, *map(len, rankings))
    return np.array([[*r, *[-1] * (depth - len(r))] for r in rankings], np.int32)


@dataclass(frozen=True)
class World:
    """One query, two rankings."""

    needs: Needs
    judged: Judged
    a: tuple[int, ...]
    b: tuple[int, ...]
    step: int = SIZE

    def target(self) -> Target:
        return judged_by([self.judged], self.needs, self.step)

    def unjudged(self, k: int, *, with_b: bool) -> list[int]:
        """List what is shown and shares no character with a judged chunk."""
        shown = {*self.a[:k], *(self.b[:k] if with_b else ())}
        touching = 0 if self.step == SIZE else 1
        return [c for c in sorted(shown) if all(abs(c - j) > touching for j in self.judged)]

    def values(self, measure: Measure, *, with_b: bool) -> Float64:
        """Score every labelling there is: each is a query of one gold set. NaN is left out."""
        pool = self.unjudged(measure.cutoff or 0, with_b=with_b)
        grades = range(TOP + 1) if measure.name == "nDCG" else (0, measure.rel)
        labels = [
            {**self.judged, **dict(zip(pool, drawn, strict=True))}
            for drawn in itertools.product(grades, repeat=len(pool))
        ]
        target = judged_by(labels, self.needs, self.step)
        a, b = (np.repeat(ids(r)[None], len(labels), axis=1) for r in (self.a, self.b))
        values = score(target, a, [measure])[0, 0]
        if with_b:
            values = values - score(target, b, [measure])[0, 0]
        return values[~np.isnan(values)]


def worlds(most: int = 3) -> st.SearchStrategy[World]:
    """Draw few chunks, so that rankings share some and some are judged."""
    few = 7
    ranking = st.permutations(range(few)).flatmap(
        lambda p: st.integers(0, most).map(lambda n: tuple(p[:n]))
    )
    judged = st.dictionaries(st.integers(0, few - 1), st.integers(0, TOP), max_size=4)
    needs = st.sampled_from(("any", "all"))
    return st.builds(World, needs, judged, ranking, ranking, st.sampled_from((SIZE, SIZE - 1)))


EXACT = ("R@3", "R(rel=2)@2", "P@3", "P(rel=3)@2", "Success@2", "RR@3", "RR(rel=2)@3", "nDCG@2")
ALONE = (*EXACT, "nDCG@3", "AP@3", "AP(rel=2)@3")


def assert_ends(found: Bounds, values: Float64) -> None:
    if len(values):
        assert (found.low[0], found.high[0]) == pytest.approx(
            (values.min(), values.max()), abs=1e-9
        )
    else:
        assert np.isnan([found.low[0], found.high[0], found.today[0]]).all()


@pytest.mark.parametrize("name", ALONE)
@settings(max_examples=12, deadline=None, derandomize=True)
@example(world=World("all", {0: 1, 1: 2, 3: 3}, (0, 1, 2), ()))  # of grade 1: not for rel=2
@example(world=World("all", {0: 0}, (0, 1, 2), ()))  # of two late ones both are better than one
@given(world=worlds())
def test_bounds_of_a_ranking_are_the_ends_of_all_labellings(name: str, world: World) -> None:
    measure = parse_measure(name)
    found = bounds(world.target(), ids(world.a, depth=1), None, measure, top=TOP)
    assert_ends(found, world.values(measure, with_b=False))
    assert not ((found.low < -1e-12) | (found.high > 1 + 1e-12)).any()


@pytest.mark.parametrize("name", EXACT)
@settings(max_examples=12, deadline=None, derandomize=True)
@example(world=World("all", {3: 2}, (0, 1), (3, 0, 1)))  # behind: what both show helps A
@example(world=World("any", {3: 1}, (0, 1), (1, 2)))
@given(world=worlds(most=2))
def test_bounds_of_a_difference_are_the_ends_of_all_labellings(name: str, world: World) -> None:
    measure = parse_measure(name)
    found = bounds(world.target(), ids(world.a, depth=1), ids(world.b, depth=1), measure, top=TOP)
    assert_ends(found, world.values(measure, with_b=True))


def test_bounds_of_a_difference_of_ap_hold_all_labellings_and_are_seldom_wide() -> None:
    rng = np.random.default_rng(0)
    measure, widths = parse_measure("AP@3"), []
    for _ in range(60):
        known = rng.choice(8, rng.integers(1, 5), replace=False).tolist()
        judged = {c: int(rng.integers(0, 2)) for c in known}
        a, b = (tuple(rng.permutation(8)[:3].tolist()) for _ in range(2))
        world = World("all", judged, a, b)
        found = bounds(world.target(), ids(a), ids(b), measure)
        values = world.values(measure, with_b=True)
        if len(values):
            assert found.low[0] <= values.min() + 1e-9
            assert found.high[0] >= values.max() - 1e-9
            assert found.low[0] >= -1
            assert found.high[0] <= 1
            widths.append((found.high[0] - found.low[0], values.max() - values.min()))
    ours, exact = np.array(widths).T
    print(f"AP: {ours.mean():.3f} wide, the ends {exact.mean():.3f}")
    print(f"exact in {np.isclose(ours, exact).mean():.0%}")
    assert ours.mean() <= 1.1 * exact.mean()


def test_ap_of_one_ranking_is_exact_at_depth() -> None:
    rng = np.random.default_rng(1)
    for case in range(8):
        a = tuple(rng.permutation(14)[:8].tolist())
        judged = {int(c): int(rng.integers(0, 2)) for c in rng.choice(14, 6, replace=False)}
        judged = {0: 1} if case == 0 else judged  # then the least is that of several late finds
        a = tuple(range(8)) if case == 0 else a
        world, measure = World("all", judged, a, ()), parse_measure("AP@8")
        assert_ends(
            bounds(world.target(), ids(a), None, measure), world.values(measure, with_b=False)
        )


NAMES = ("R@5", "P@5", "Success@5", "RR@5", "nDCG@5", "AP@5")


def random_case(
    seed: int, queries: int = 20, depth: int = 8
) -> tuple[list[dict[int, int]], Int32, Int32]:
    """Two rankings that share about half, a fifth of the chunks judged, one of them relevant."""
    rng = np.random.default_rng(seed)
    few = 16
    a, b = (
        np.stack([rng.permutation(few)[:depth] for _ in range(queries)]).astype(np.int32)
        for _ in range(2)
    )
    judged = [
        {**{c: int(rng.integers(0, 4)) for c in rng.choice(few, 3).tolist()}, q % few: 2}
        for q in range(queries)
    ]
    return judged, a, b


@pytest.mark.parametrize("name", NAMES)
def test_a_shared_passage_moves_both(name: str) -> None:
    judged, a, _ = random_case(3)
    target, measure = judged_by(judged), parse_measure(name)
    same = bounds(target, a, a, measure)
    np.testing.assert_allclose([same.low, same.high, same.today], 0, atol=1e-12)
    b = np.concatenate([a[:, [1, 0, 4, 2, 3]], a[:, 5:]], axis=1)
    joint = bounds(target, a, b, measure)
    of_a, of_b = bounds(target, a, None, measure), bounds(target, b, None, measure)
    apart = of_a.high - of_b.low - (of_a.low - of_b.high)
    assert (joint.high - joint.low <= apart + 1e-9).all()
    assert (joint.high - joint.low).mean() < 0.7 * apart.mean()


@pytest.mark.parametrize("name", NAMES)
def test_b_against_a_is_a_against_b_turned_around(name: str) -> None:
    judged, a, b = random_case(4)
    target, measure = judged_by(judged), parse_measure(name)
    one, other = bounds(target, a, b, measure), bounds(target, b, a, measure)
    np.testing.assert_allclose(one.low, -other.high, atol=1e-12)
    np.testing.assert_allclose(one.today, -other.today, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_today_is_the_score_and_all_there_is_when_everything_is_judged(name: str) -> None:
    judged, a, b = random_case(5)
    measure = parse_measure(name)
    found = bounds(judged_by(judged), a, b, measure)
    values = score(judged_by(judged), np.stack([a, b]), [measure])[0]
    np.testing.assert_allclose(found.today, values[0] - values[1], atol=1e-12)
    assert ((found.low <= found.today) & (found.today <= found.high)).all()
    full = [{**dict.fromkeys(range(16), 0), **own} for own in judged]
    done = bounds(judged_by(full), a, b, measure)
    np.testing.assert_allclose(done.low, found.today, atol=1e-12)
    np.testing.assert_allclose(done.high, found.today, atol=1e-12)
    assert to_decide(judged_by(full), a, b, measure, 5) == []


@pytest.mark.parametrize("name", NAMES)
def test_many_queries_are_as_each_alone(name: str) -> None:
    """Of a chunk that is ranked twice the first place counts, and the cutoff may be beyond all."""
    judged, a, b = random_case(6, queries=8)
    judged[3] = {}
    needs: list[Needs] = ["any", "all"] * 4
    measure = parse_measure(name.replace("@5", "@10000000"))
    twice = np.concatenate([a, a[:, ::-1], np.full((8, 2), -1, np.int32)], axis=1)
    together = bounds(judged_by(judged, needs), twice, b, measure, top=3)
    for q in range(8):
        alone = bounds(judged_by([judged[q]], [needs[q]]), a[q : q + 1], b[q : q + 1], measure, 3)
        got = together.low[q], together.high[q], together.today[q]
        expected = alone.low[0], alone.high[0], alone.today[0]
        assert got == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_how_a_new_relevant_passage_counts_in_recall() -> None:
    """Known and found: chunk 0; known and not found: chunk 9; unjudged and shown: 1 and 2."""
    measure, a = parse_measure("R@3"), ids([0, 1, 2])
    judged = {0: 1, 9: 1}
    every = bounds(judged_by([judged], "all"), a, None, measure)
    assert (every.low[0], every.high[0]) == pytest.approx((1 / 2, 3 / 4))
    either = bounds(judged_by([judged], "any"), a, None, measure)
    assert (either.low[0], either.high[0]) == (1, 1)
    missed = bounds(judged_by([{9: 1}], "any"), a, None, measure)
    assert (missed.low[0], missed.high[0]) == (0, 1)


@pytest.mark.parametrize("name", ["nDCG@3", "AP@3"])
def test_a_late_find_may_cost_more_than_it_brings(name: str) -> None:
    found = bounds(judged_by([{0: 1, 1: 0}]), ids([0, 1, 2]), None, parse_measure(name))
    assert found.today[0] == found.high[0] == 1
    assert found.low[0] < 0.99


def test_an_intermediate_grade_may_be_best() -> None:
    target, a = judged_by([{0: 1, 9: 1}]), ids([0, 1])
    measure = parse_measure("nDCG@3")
    found = bounds(target, a, None, measure, top=3)
    of = [score(judged_by([{0: 1, 9: 1, 1: g}]), a[None], [measure])[0, 0, 0] for g in range(4)]
    assert int(np.argmax(of)) == 1
    assert found.high[0] == pytest.approx(of[1])


def test_a_chunk_that_only_overlaps_evidence_is_judged() -> None:
    target = judged_by([{3: 2}], step=SIZE - 1)
    measure = parse_measure("P@3")
    assert bounds(target, ids([2, 4]), None, measure).high[0] == 0
    assert bounds(target, ids([2, 5]), None, measure).high[0] == pytest.approx(1 / 3)


def all_means(per_query: Sequence[Float64]) -> list[float]:
    """Average every combination of values, NaN left out as in the mean of a run."""
    means = []
    for values in itertools.product(*map(np.unique, per_query)):
        defined = [v for v in values if not np.isnan(v)]
        means += [float(np.mean(defined))] if defined else []
    return means


@pytest.mark.parametrize(
    "judged",
    [({0: 1}, {7: 1}, {1: 0}), ({}, {8: 1, 1: 0}, {}), ({}, {}, {}), ({0: 1}, {1: 1}, {2: 1})],
)
def test_the_mean_counts_queries_that_may_come_to_be_defined(judged: Sequence[Judged]) -> None:
    a, b = ids([0, 1], [4, 5], [2, 3]), ids([1, 6], [5, 0], [3, 7])
    measure = parse_measure("P@2")
    found = bounds(judged_by(judged), a, b, measure)
    per_query = []
    for q, own in enumerate(judged):
        world = World("all", own, tuple(a[q].tolist()), tuple(b[q].tolist()))
        pool = len(world.unjudged(2, with_b=True))
        values = world.values(measure, with_b=True)
        missing = len(values) < 2**pool  # a labelling that leaves it undefined
        per_query.append(np.append(values, np.nan) if missing else values)
    means = all_means(per_query)
    assert (found.mean_low, found.mean_high) == pytest.approx((min(means), max(means)), abs=1e-12)


def test_decided_is_when_zero_is_out_of_reach() -> None:
    one, two = np.array([0.1, np.nan]), np.array([0.4, np.nan])
    zero = np.array([0.0, np.nan])
    assert Bounds(one, one, two).decided
    assert Bounds(-one, -two, -one).decided
    assert not Bounds(one, zero, two).decided
    assert not Bounds(one, -one, two).decided
    assert not Bounds(zero, zero, zero).decided
    maybe = np.array([0.1, -0.2])  # the second is undefined today and may turn the mean around
    assert not Bounds(one, maybe, np.array([0.1, 0.3])).decided


@pytest.mark.parametrize("name", NAMES)
def test_nothing_at_all(name: str) -> None:
    measure = parse_measure(name)
    empty = np.empty((0, 4), np.int32)
    found = bounds(judged_by([]), empty, empty, measure)
    assert (found.low.shape, found.mean_low, found.mean_high) == ((0,), None, None)
    assert not found.decided
    for rankings in (np.empty((1, 0), np.int32), NOTHING):
        found = bounds(judged_by([{0: 1}]), rankings, rankings, measure)
        assert (found.low[0], found.high[0], found.mean_low, found.mean_high) == (0, 0, 0, 0)
        assert to_decide(judged_by([{0: 1}]), rankings, rankings, measure, 3) == []
        found = bounds(judged_by([{}]), rankings, None, measure)
        assert np.isnan([found.low, found.high]).all()
        assert (found.mean_low, found.mean_high) == (None, None)


@pytest.mark.parametrize("name", ["Judged@5", "IoU@5", "EvidenceRecall@40tok", "PrecisionOmega"])
def test_other_measures_have_no_bounds(name: str) -> None:
    with pytest.raises(InputError, match="has no bounds"):
        bounds(judged_by([{0: 1}]), NOTHING, NOTHING, parse_measure(name))
    with pytest.raises(InputError, match="has no bounds"):
        to_decide(judged_by([{0: 1}]), NOTHING, NOTHING, parse_measure(name), 1)


def test_what_to_judge_is_unjudged_shown_and_best_first() -> None:
    judged, a, b = random_case(7)
    target = judged_by(judged)
    for measure in map(parse_measure, NAMES):
        doubts = to_decide(target, a, b, measure, 1_000)
        gains = [d.gain for d in doubts]
        assert len({(d.query, d.chunk) for d in doubts}) == len(doubts) > 20
        assert gains == pytest.approx(sorted(gains, reverse=True), abs=1e-12)
        assert min(gains) > 0
        for query, chunk, _ in doubts:
            assert chunk in {*a[query, :5].tolist(), *b[query, :5].tolist()}
            assert chunk not in judged[query]
        assert to_decide(target, a, b, measure, 7) == doubts[:7]
        turned = {(d.query, d.chunk): d.gain for d in to_decide(target, b, a, measure, 1_000)}
        assert turned == pytest.approx({(d.query, d.chunk): d.gain for d in doubts}, abs=1e-12)


def test_what_to_judge_leaves_out_what_cannot_move_the_difference() -> None:
    """A leads by one of five; what both show moves nothing, what only B shows decides."""
    target = judged_by([{0: 1}])
    a, b = ids([0, 1, 2, 3]), ids([1, 2, 4, 5])
    doubts = to_decide(target, a, b, parse_measure("P@4"), 10)
    assert [(d.query, d.chunk) for d in doubts] == [(0, 4), (0, 5), (0, 3)]
    assert doubts[0].gain == pytest.approx(0.8 / 4)
    assert doubts[2].gain == pytest.approx(0.2 / 4)
    assert to_decide(judged_by([{0: 1, 4: 0, 5: 0}]), a, b, parse_measure("P@4"), 10) == []


DEPTH = 6


def hidden(seed: int) -> tuple[list[dict[int, int]], list[dict[int, int]], Int32, Int32]:
    """Return what is known, the whole truth, and two rankings of which A is the better one."""
    rng = np.random.default_rng(seed)
    queries, few = 16, 24
    relevant = rng.random((queries, few)) < 0.08
    relevant[np.arange(queries), rng.integers(0, few, queries)] = True
    signal = relevant + rng.normal(0, 0.5, relevant.shape)
    a, b = (
        np.argsort(-(signal + rng.normal(0, noise, relevant.shape)), axis=1)[:, :DEPTH]
        for noise in (0.4, 1.2)
    )
    truth = [dict(enumerate((2 * row).tolist())) for row in relevant]
    known = [
        {c: g for c, g in own.items() if c == max(own, key=own.__getitem__) or rng.random() < 0.2}
        for own in truth
    ]
    return known, truth, a.astype(np.int32), b.astype(np.int32)


def labels_until_decided(seed: int, measure: Measure, *, by_gain: bool, batch: int = 10) -> int:
    """Count labels, given batch by batch: all of the pool where they never decide."""
    known, truth, a, b = hidden(seed)
    pool = [
        (q, c)
        for q in range(len(a))
        for c in sorted({*a[q].tolist(), *b[q].tolist()} - set(known[q]))
    ]
    rest = [pool[i] for i in np.random.default_rng(seed).permutation(len(pool))]
    for done in itertools.count(0, batch):
        target = judged_by(known)
        if bounds(target, a, b, measure).decided or done >= len(pool):
            return min(done, len(pool))
        if by_gain:
            todo = [(d.query, d.chunk) for d in to_decide(target, a, b, measure, batch)]
        else:
            todo, rest = rest[:batch], rest[batch:]
        for q, c in todo:
            known[q][c] = truth[q][c]
    raise AssertionError


@pytest.mark.parametrize(
    ("name", "at_most"), [("R@6", 0.7), ("P@6", 0.7), ("RR@6", 0.4), ("nDCG@6", 0.7)]
)
def test_labelling_in_the_proposed_order_decides_with_fewer_labels(
    name: str, at_most: float
) -> None:
    measure = parse_measure(name)
    proposed = [labels_until_decided(s, measure, by_gain=True) for s in range(3)]
    at_random = [labels_until_decided(s, measure, by_gain=False) for s in range(3)]
    share = np.sum(proposed) / np.sum(at_random)
    print(f"{name}: {np.mean(proposed):.0f} labels against {np.mean(at_random):.0f} at random")
    assert share < at_most


@pytest.mark.parametrize("name", NAMES)
def test_what_is_decided_stays_decided_whatever_the_truth(name: str) -> None:
    """Once decided, the whole truth agrees on the sign."""
    measure = parse_measure(name.replace("@5", f"@{DEPTH}"))
    for seed in range(3):
        known, truth, a, b = hidden(seed)
        found = bounds(judged_by(known), a, b, measure)
        while not found.decided:
            doubts = to_decide(judged_by(known), a, b, measure, 20)
            assert doubts, "undecided, and nothing to label"
            for q, c, _ in doubts:
                known[q][c] = truth[q][c]
            found = bounds(judged_by(known), a, b, measure)
        shown = [
            {c: g for c, g in own.items() if c in {*a[q].tolist(), *b[q].tolist()} or c in known[q]}
            for q, own in enumerate(truth)
        ]
        values = score(judged_by(shown), np.stack([a, b]), [measure])[0]
        difference = float(np.nanmean(values[0]) - np.nanmean(values[1]))
        assert found.mean_low is not None
        assert found.mean_high is not None
        assert found.mean_low - 1e-9 <= difference <= found.mean_high + 1e-9
        assert difference != 0


@pytest.mark.parametrize("name", NAMES)
def test_as_many_labels_as_are_needed_decide_if_none_is_relevant(name: str) -> None:
    measure, seen = parse_measure(name), []
    for seed in range(10, 16):
        judged, a, b = random_case(seed)
        judged = [{**own, int(a[q, 0]): 3} for q, own in enumerate(judged)]  # A is ahead
        target = judged_by(judged)
        needed = labels_needed(target, a, b, measure)
        if needed is None or not needed:
            continue
        doubts = to_decide(target, a, b, measure, needed)
        assert len(doubts) == needed
        for doubt in doubts:
            judged[doubt.query][doubt.chunk] = 0
        assert bounds(judged_by(judged), a, b, measure).decided
        assert labels_needed(judged_by(judged), a, b, measure) == 0
        seen.append(needed)
    assert seen


def test_a_tie_is_not_decided_by_any_number_of_labels() -> None:
    target, a, b = judged_by([{0: 1}]), ids([0, 1, 2]), ids([0, 3, 4])
    for name in ("RR@3", "P@3"):
        assert labels_needed(target, a, b, parse_measure(name)) is None
