import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from types import SimpleNamespace

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from goldsets.evaluation.stats import resamples
from goldsets.labelling import agreement
from goldsets.labelling.agreement import FEWEST, Agreement, Estimate, Kappa, report, table, verdict
from goldsets.labelling.coefficients import Metric, alpha, kappa, overlap
from goldsets.labelling.types import Label
from retrieval.errors import InputError
from retrieval.types import Float64, Int64, Span

METRICS: tuple[Metric, ...] = ("ordinal", "nominal")
NOTHING = Estimate(None, None, None, 0)

# Four observers, twelve units, five values: Krippendorff (2011), section C.
PUBLISHED = (
    np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
            [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
        ]
    ).T
    - 1
)


def oracle(values: Int64, grades: int, metric: Metric) -> float | None:
    """Ask the package; what it refuses or answers with NaN is undefined."""
    if not ((values >= 0).sum(axis=1) > 1).any():
        with pytest.raises(ValueError, match="at least two coders"):
            krippendorff.alpha(np.where(values < 0, np.nan, values).T, None, range(grades), metric)
        return None
    with np.errstate(invalid="ignore"):
        found = krippendorff.alpha(
            np.where(values < 0, np.nan, values).T, None, range(grades), metric
        )
    return None if np.isnan(found) else float(found)


def some_values(seed: int, items: int, raters: int, grades: int, missing: float) -> Int64:
    """Draw grades that agree more often than not, `(I, R)`."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, grades, (items, 1))
    values = np.clip(truth + rng.integers(-1, 2, (items, raters)), 0, grades - 1)
    return np.where(rng.random(values.shape) < missing, -1, values)


def labels_of(values: Int64, spans: Mapping[tuple[int, int], tuple[Span, ...]] = {}) -> list[Label]:
    """Turn `(I, R)` into labels of item 10 on and rater 1 on; -1 is "can't tell", -2 no label."""
    return [
        Label(
            100 * i + r,
            10 + i,
            1 + r,
            "cannot_tell" if grade < 0 else "grade",
            None if grade < 0 else int(grade),
            spans.get((i, r), ()),
            note="unclear",
        )
        for i, row in enumerate(values)
        for r, grade in enumerate(row)
        if grade > -2
    ]


@st.composite
def tables(draw: st.DrawFn) -> tuple[Int64, int]:
    grades, raters = draw(st.integers(2, 5)), draw(st.integers(1, 4))
    row = st.lists(st.integers(-1, grades - 1), min_size=raters, max_size=raters)
    rows = draw(st.lists(row, min_size=1, max_size=8))
    return np.array(rows), grades


@pytest.fixture
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Draw 400 times, so that plain loops can follow; small products need no second thread."""
    fewer = SimpleNamespace(__wrapped__=lambda items, seed, _: resamples(items, seed, 400))
    monkeypatch.setattr(agreement, "resamples", fewer)
    with threadpool_limits(1):
        yield 400


# alpha


@pytest.mark.parametrize(("metric", "value"), [("nominal", 0.743), ("ordinal", 0.815)])
def test_alpha_of_the_published_example(metric: Metric, value: float) -> None:
    assert alpha(PUBLISHED, 5, metric) == pytest.approx(value, abs=5e-4)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("missing", [0.0, 0.3, 0.7])
@pytest.mark.parametrize(("raters", "grades"), [(2, 2), (3, 4), (5, 4), (7, 10)])
def test_alpha_is_that_of_the_package(
    raters: int, grades: int, missing: float, metric: Metric
) -> None:
    values = some_values(raters, 200, raters, grades, missing)
    assert alpha(values, grades, metric) == pytest.approx(oracle(values, grades, metric), abs=1e-12)


@given(tables(), st.sampled_from(METRICS))
def test_alpha_is_that_of_the_package_on_few_items_and_undefined_where_it_is(
    case: tuple[Int64, int], metric: Metric
) -> None:
    expected = oracle(*case, metric)
    found = alpha(*case, metric)
    assert (found is None) == (expected is None)
    assert found == pytest.approx(expected, abs=1e-12)


@given(tables(), st.sampled_from(METRICS), st.randoms(use_true_random=False))
def test_alpha_knows_no_order_of_items_and_raters_nor_a_grade_that_nobody_gave(
    case: tuple[Int64, int], metric: Metric, rng: random.Random
) -> None:
    values, grades = case
    rows, columns = list(range(len(values))), list(range(values.shape[1]))
    rng.shuffle(rows)
    rng.shuffle(columns)
    expected = pytest.approx(alpha(values, grades, metric), abs=1e-12)
    assert alpha(values[rows][:, columns], grades + 2, metric) == expected


@pytest.mark.parametrize(
    "rows",
    [np.empty((0, 0)), np.empty((0, 3)), [[-1, -1]], [[1, -1], [-1, 2]], [[2, 2], [2, 2], [0, -1]]],
    ids=["nothing", "no items", "nobody could tell", "no item with two", "one grade alone meets"],
)
def test_alpha_is_undefined(rows: list[list[int]]) -> None:
    assert alpha(np.array(rows, np.int64), 4) is None


def test_alpha_at_its_landmarks() -> None:
    assert alpha(np.array([[0, 0], [3, 3], [1, 1]]), 4) == 1
    assert alpha(np.array([[0, 1]]), 4) == 0
    assert (alpha(np.array([[0, 3], [3, 0]] * 20), 4) or 0) < -0.9
    near, far = (alpha(np.array([[0, 0], [3, 3], [2, 2], [3, g]]), 4) for g in (2, 0))
    assert (near or 0) > (far or 0)


# kappa


def naive_kappa(pairs: list[tuple[int, int]], *, weighted: bool) -> float | None:
    """Compare each pair, and each grade of the one with each of the other."""

    def cost(a: int, b: int) -> int:
        return abs(a - b) if weighted else int(a != b)

    chance = [cost(a, b) for a, _ in pairs for _, b in pairs]
    if not sum(chance):
        return None
    observed = sum(cost(a, b) for a, b in pairs) / len(pairs)
    return 1 - observed / (sum(chance) / len(chance))


def test_kappa_worked_by_hand() -> None:
    """The counts of Fleiss, Levin and Paik, "Statistical Methods", table 18.1.

    Plain: .89 agree, .8 * .8 + .1 * .05 + .1 * .15 = .66 by chance. Linear: the grades are .15
    apart, and by chance .1 * .8 + .8 * .05 + .1 * .15 + .1 * .05 + 2 * (.8 * .15 + .1 * .8) = .54.
    """
    counts = np.array([[75, 1, 4], [5, 4, 1], [0, 0, 10]])
    assert kappa(counts, weighted=False) == pytest.approx((0.89 - 0.66) / (1 - 0.66), abs=1e-15)
    assert kappa(counts, weighted=True) == pytest.approx(1 - 0.15 / 0.54, abs=1e-15)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=30), st.booleans())
def test_kappa_is_that_of_plain_loops(pairs: list[tuple[int, int]], weighted: bool) -> None:
    counts = np.zeros((4, 4), np.int64)
    for a, b in pairs:
        counts[a, b] += 1
    found, expected = kappa(counts, weighted=weighted), naive_kappa(pairs, weighted=weighted)
    assert (found is None) == (expected is None)
    assert found == pytest.approx(expected, abs=1e-12)
    assert kappa(counts.T, weighted=weighted) == found


def test_kappas_of_every_pair() -> None:
    values = some_values(3, 40, 4, 4, 0.4)
    values[:, 3] = -1
    found = report(labels_of(values), {}, 4, 2).kappas
    assert [k.raters for k in found] == list(combinations([1, 2, 3, 4], 2))
    for k in found:
        a, b = (values[:, rater - 1] for rater in k.raters)
        pairs = [(int(x), int(y)) for x, y in zip(a, b, strict=True) if x >= 0 and y >= 0]
        assert k.items == len(pairs)
        assert k.plain == pytest.approx(naive_kappa(pairs, weighted=False), abs=1e-12)
        assert k.weighted == pytest.approx(naive_kappa(pairs, weighted=True), abs=1e-12)
    assert found[-1] == Kappa((3, 4), 0, None, None)
    assert all(k.weighted is not None for k in found[:2])


# the overlap of spans


def naive_f1(labels: Iterable[Label], answers_from: int) -> dict[int, float]:
    marked: dict[int, list[set[int]]] = {}
    for label in labels:
        characters = {c for span in label.spans for c in range(span.start, span.end)}
        if characters and label.grade is not None and label.grade >= answers_from:
            marked.setdefault(label.item, []).append(characters)
    return {
        item: float(np.mean([2 * len(a & b) / (len(a) + len(b)) for a, b in combinations(by, 2)]))
        for item, by in marked.items()
        if len(by) > 1
    }


spans = st.builds(
    lambda start, length: Span(start, start + length), st.integers(0, 12), st.integers(0, 6)
)
marks = st.dictionaries(
    st.tuples(st.integers(0, 3), st.integers(0, 3)), st.lists(spans, max_size=3).map(tuple)
)


@given(marks, st.randoms(use_true_random=False))
def test_overlap_is_that_of_sets_of_characters(
    marked: dict[tuple[int, int], tuple[Span, ...]], rng: random.Random
) -> None:
    values = np.array([[rng.randint(-2, 3) for _ in range(4)] for _ in range(4)])
    labels = labels_of(values, marked)
    expected = naive_f1(labels, 2)
    items = sorted({label.item for label in labels})
    rng.shuffle(labels)
    found = overlap(labels, 2)
    assert found == pytest.approx([expected.get(i, np.nan) for i in items], abs=1e-12, nan_ok=True)


def test_overlap_of_raters() -> None:
    a, b, c = (Span(0, 10),), (Span(5, 15),), (Span(100, 104), Span(4, 10), Span(8, 10))
    labels = labels_of(
        np.array([[3, 2, 3], [3, 3, 2], [3, 2, 1], [3, 1, 0], [2, 3, -1]]),
        {
            (0, 0): a,  # with b 2 * 5 / 20, with c 2 * 6 / 20, b with c 2 * 5 / 20
            (0, 1): b,
            (0, 2): c,
            (1, 0): a,  # the second found an answer and marked nothing
            (1, 2): b,
            (2, 0): a,  # the third marked, and found no answer
            (2, 1): a,
            (2, 2): b,
            (3, 0): a,  # nobody to compare with
            (3, 1): a,
        },
    )
    expected = [(0.5 + 0.6 + 0.5) / 3, 0.5, 1, np.nan, np.nan]
    assert overlap(labels, 2) == pytest.approx(expected, nan_ok=True)
    found = report(labels, {}, 4, 2).spans
    assert found.value == pytest.approx(np.mean(expected[:3]))
    assert replace(found, value=None) == replace(NOTHING, items=3)
    assert overlap([], 2).shape == (0,)


# the report


def test_a_report_counts_items_and_gives_what_the_coefficients_give() -> None:
    values = some_values(4, 100, 4, 4, 0.5)
    labels = labels_of(values)
    found = report(labels, {}, 4, 2)
    assert table(labels, 4)[2] == pytest.approx(values)
    assert found.items == 100
    assert found.shared_items == found.alpha.items == ((values >= 0).sum(axis=1) > 1).sum()
    assert found.alpha.value == pytest.approx(alpha(values, 4), abs=1e-12)
    assert found.alpha.low is not None
    assert found.alpha.high is not None
    assert found.alpha.low < (found.alpha.value or 0) < found.alpha.high


def test_alpha_is_the_mean_of_the_raters_by_their_shared_items() -> None:
    found = report(labels_of(some_values(5, 60, 5, 4, 0.6)), {}, 4, 2)
    values = [e.value for e in found.per_rater.values()]
    weights = [e.items for e in found.per_rater.values()]
    assert len(set(weights)) > 1
    assert np.average(np.array(values, float), weights=weights) == pytest.approx(
        found.alpha.value, abs=1e-12
    )


def test_who_disagrees_stands_out() -> None:
    values = some_values(6, 150, 4, 4, 0.0)
    values[:, 2] = np.random.default_rng(66).integers(0, 4, 150)
    by = report(labels_of(values), {}, 4, 2).per_rater
    low = [by[rater].low or -1 for rater in (1, 2, 4)]
    assert (by[3].high or 1) < min(low)


def test_two_raters_alone_have_one_value() -> None:
    found = report(labels_of(some_values(7, 50, 2, 4, 0.1)), {}, 4, 2)
    assert found.per_rater[1].value == pytest.approx(found.alpha.value, abs=1e-12)
    assert found.per_rater[2].value == pytest.approx(found.alpha.value, abs=1e-12)


def test_a_tag_has_the_alpha_of_its_items() -> None:
    values = some_values(8, 150, 3, 4, 0.3)
    names = {"even": range(0, 150, 2), "rare": range(0, 30, 3), "all": range(150), "lone": [0]}
    values[0] = [2, -1, -1]
    tags = {
        10 + i: tuple(t for t in names for _ in range(2) if i in names[t]) for i in range(150)
    } | {999: ("elsewhere",)}
    found = report(labels_of(values), tags, 4, 2)
    assert list(found.per_tag) == ["all", "even", "rare"]
    for tag, e in found.per_tag.items():
        own = values[names[tag]]
        assert e.value == pytest.approx(alpha(own, 4), abs=1e-12)
        assert e.items == ((own >= 0).sum(axis=1) > 1).sum()
        assert (e.low is None) == (e.items < FEWEST) == (tag == "rare")
    assert found.per_tag["all"].low == pytest.approx(found.alpha.low, abs=1e-6)
    assert found.per_tag["all"].high == pytest.approx(found.alpha.high, abs=1e-6)


def test_a_tag_is_as_it_is_alone_however_many_there_are() -> None:
    labels = labels_of(some_values(9, 60, 3, 4, 0.0))
    every = {10 + i: tuple(f"t{t}" for t in range(40) if (i + t) % 40 < 30) for i in range(60)}
    found = report(labels, every, 4, 2).per_tag
    assert len(found) == 40 > agreement.BLOCK
    for tag in ("t0", "t31", "t32", "t39"):
        alone = report(labels, {i: (tag,) for i in every if tag in every[i]}, 4, 2).per_tag[tag]
        assert (found[tag].low, found[tag].high) == pytest.approx((alone.low, alone.high), abs=1e-6)


@settings(max_examples=20)
@given(tables(), st.randoms(use_true_random=False))
def test_a_report_knows_no_order_of_labels(case: tuple[Int64, int], rng: random.Random) -> None:
    values, grades = case
    marked = {(i, r): (Span(r, 9),) for i in range(len(values)) for r in range(values.shape[1])}
    labels = labels_of(values, marked)
    tags = {10 + i: ("odd",) if i % 2 else ("even", "all") for i in range(len(values))}
    expected = report(labels, tags, grades, 1)
    rng.shuffle(labels)
    assert report(labels, tags, grades, 1) == expected


def test_intervals_do_not_depend_on_the_order_of_labels_but_on_the_seed() -> None:
    labels = labels_of(some_values(10, 60, 3, 4, 0.2))
    expected = report(labels, {}, 4, 2)
    assert report(labels[::-1], {}, 4, 2) == expected
    again = report(labels, {}, 4, 2, seed=1)
    assert again.alpha.value == expected.alpha.value
    assert again.alpha != expected.alpha
    assert again.alpha.low == pytest.approx(expected.alpha.low, abs=0.01)


# the bootstrap


def naive_per_rater(values: Int64, rater: int, grades: int) -> float:
    """Compare a rater's grades with the others', and all with all."""
    flat = values[values >= 0]
    rank = np.array([(flat < g).sum() + (flat == g).sum() / 2 for g in range(grades)])
    chance = (np.subtract.outer(rank[flat], rank[flat]) ** 2).sum() / len(flat) / (len(flat) - 1)
    own = []
    for row in values[values[:, rater] >= 0]:
        others = [rank[grade] for r, grade in enumerate(row) if r != rater and grade >= 0]
        own.append(sum((rank[row[rater]] - other) ** 2 for other in others) / len(others))
    return float(1 - np.mean(own) / chance)


def middle(values: Iterable[float | None]) -> tuple[float, float]:
    """Return the percentiles of 400: 95 % lie between the 10th and the 391st."""
    ordered = sorted(v for v in values if v is not None)
    return ordered[9], ordered[390]


def test_intervals_are_those_of_resampling_items_in_a_loop(few_resamples: int) -> None:
    values = some_values(11, 45, 3, 4, 0.1)
    values = values[(values >= 0).sum(axis=1) > 1]
    n = len(values)
    marked = {(i, r): (Span(i % 5, 8 + r + i % 3),) for i in range(n) for r in range(3)}
    labels = labels_of(values, marked)
    tags = {10 + i: ("some",) for i in range(35)}
    found = report(labels, tags, 4, 0)
    drawn = [np.repeat(np.arange(n), c.astype(int)) for c in resamples(n, 0, few_resamples)]
    f1 = naive_f1(labels, 0)
    for estimate, by_hand in (
        (found.alpha, [oracle(values[d], 4, "ordinal") for d in drawn]),
        (found.per_tag["some"], [oracle(values[d[d < 35]], 4, "ordinal") for d in drawn]),
        (
            found.spans,
            [float(np.mean([f1[10 + i] for i in d.tolist() if 10 + i in f1])) for d in drawn],
        ),
    ):
        assert (estimate.low, estimate.high) == pytest.approx(middle(by_hand), abs=1e-5)
    own = found.per_rater[3]
    assert own.value == pytest.approx(naive_per_rater(values, 2, 4), abs=1e-12)
    bounds = middle([naive_per_rater(values[d], 2, 4) for d in drawn])
    assert (own.low, own.high) == pytest.approx(bounds, abs=1e-5)


def population(pi: Float64, answers: Float64) -> float:
    """Return the ordinal alpha of infinitely many items."""
    met = answers.T @ np.diag(pi) @ answers
    p = met.sum(axis=0)
    rank = p.cumsum() - p / 2
    apart = (rank[:, None] - rank) ** 2
    return float(1 - (met * apart).sum() / (np.outer(p, p) * apart).sum())


def test_about_95_of_100_intervals_hold_what_the_items_were_drawn_from(few_resamples: int) -> None:
    """Raters and tags are alike here, so that their values are that of all."""
    rng = np.random.default_rng(12)
    pi = np.array([0.4, 0.3, 0.2, 0.1])
    answers = 0.7 * np.eye(4) + 0.1 * np.eye(4, k=1) + 0.1 * np.eye(4, k=-1)
    answers += np.diag(1 - answers.sum(axis=1))
    true = population(pi, answers)
    inside: dict[str, list[bool]] = {"alpha": [], "rater": [], "tag": []}
    tags = {10 + i: ("half",) for i in range(0, 60, 2)}
    for _ in range(120):
        truth = rng.choice(4, 60, p=pi)
        u = rng.random((60, 3, 1))
        values = (u > answers.cumsum(axis=1)[truth][:, None, :3]).sum(axis=2)
        found = report(labels_of(values), tags, 4, 2)
        for name, e in (
            ("alpha", found.alpha),
            ("rater", found.per_rater[2]),
            ("tag", found.per_tag["half"]),
        ):
            assert e.low is not None
            assert e.high is not None
            inside[name].append(e.low <= true <= e.high)
    for name, held in inside.items():
        print(f"coverage of {name}: {np.mean(held):.3f} of {true:.3f}")
        assert 0.88 <= np.mean(held) <= 0.985


# what cannot be told


def test_nothing_to_compare() -> None:
    assert report([], {1: ("a",)}, 4, 2) == Agreement(0, 0, NOTHING, (), NOTHING, {}, {})
    alone = report(labels_of(np.array([[2], [3]])), {10: ("a",)}, 4, 2)
    assert alone == Agreement(2, 0, NOTHING, (), NOTHING, {1: NOTHING}, {})
    unclear = report(labels_of(np.array([[-1, -1], [-1, 2]])), {}, 4, 2)
    pair = (Kappa((1, 2), 0, None, None),)
    assert unclear == Agreement(2, 0, NOTHING, pair, NOTHING, {1: NOTHING, 2: NOTHING}, {})


def test_who_only_cannot_tell_is_there_and_undefined() -> None:
    values = some_values(13, 40, 3, 4, 0.0)
    values[:, 1] = -1
    found = report(labels_of(values), {}, 4, 2)
    assert found.per_rater[2] == NOTHING
    without = np.where(np.arange(3) == 1, -2, values)
    assert report(labels_of(without), {}, 4, 2).alpha == found.alpha


@pytest.mark.parametrize(("odd", "interval"), [(0, False), (1, False), (2, False), (10, True)])
def test_grades_that_hardly_vary_have_no_interval(odd: int, interval: bool) -> None:
    values = np.zeros((40, 2), np.int64)
    values[:odd] = 3
    found = report(labels_of(values), {}, 4, 2)
    assert found.alpha.value == (1 if odd else None)
    assert (found.alpha.low is not None) == interval
    assert verdict(found).startswith("The grades can" if interval else "Cannot tell")


@pytest.mark.parametrize(("items", "interval"), [(FEWEST - 1, False), (FEWEST, True)])
def test_few_items_have_no_interval(items: int, interval: bool) -> None:
    found = report(labels_of(some_values(14, items, 2, 4, 0.0)), {}, 4, 2)
    assert found.alpha.value is not None
    assert (found.alpha.low is not None) == interval
    assert ("are needed" in verdict(found)) == (not interval)


@pytest.mark.parametrize(
    "wrong",
    [
        Label(3, 1, 1, "grade", 2),
        Label(3, 2, 1, "skip"),
        Label(3, 2, 1, "undo"),
        Label(3, 2, 1, "grade", 4),
        Label(3, 2, 1, "grade", -1),
        Label(3, 2, 1, "grade", 2, kind="adjudication"),
    ],
    ids=["twice", "skipped", "undone", "no such grade", "negative", "adjudication"],
)
def test_labels_that_agreement_is_not_about_are_refused(wrong: Label) -> None:
    fine = [Label(1, 1, 1, "grade", 3), Label(2, 1, 2, "cannot_tell", note="unclear")]
    assert report(fine, {}, 4, 2).items == 1
    with pytest.raises(InputError):
        report([*fine, wrong], {}, 4, 2)


# the verdict


@pytest.mark.parametrize(
    ("value", "low", "high", "items", "words"),
    [
        (0.9, 0.85, 0.95, 120, "The grades can be relied on: alpha is 0.90 (0.85 to 0.95) on 120"),
        (0.8, 0.8, 0.8, 120, "The grades can be relied on"),
        (0.79, 0.7, 0.85, 120, "tentative conclusions: alpha is 0.79 (0.70 to 0.85)"),
        (0.79, 0.7, 0.85, 120, "not surely above the .800"),
        (0.7, 0.667, 0.7999, 120, "and below the .800"),
        (
            0.7,
            0.5,
            0.8,
            1204,
            "Too few shared items to tell: alpha is 0.70 (0.50 to 0.80) on 1,204",
        ),
        (0.6, 0.5, 0.667, 120, "Too few shared items to tell"),
        (0.6, 0.5, 0.6669, 120, "The grades cannot be relied on"),
        (0.95, 0.9, 1.0, FEWEST - 1, f"{FEWEST - 1} shared items, where {FEWEST} are needed"),
        (0.95, None, None, 1, f"1 shared item, where {FEWEST} are needed"),
        (None, None, None, 120, "all grades of 120 shared items are the same one"),
        (0.9, None, None, 120, "nearly all grades of 120 shared items are the same one"),
    ],
)
def test_the_verdict_is_one_sentence_that_follows_the_interval(
    value: float | None, low: float | None, high: float | None, items: int, words: str
) -> None:
    found = Agreement(items, items, Estimate(value, low, high, items), (), NOTHING, {}, {})
    said = verdict(found)
    assert words in said
    assert said.endswith(".")
    assert "\n" not in said
    assert ". " not in said
    assert ("Krippendorff's" in said) == (low is not None and items >= FEWEST)
    assert verdict(replace(found, items=items + 5)) == said
