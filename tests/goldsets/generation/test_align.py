import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, cohen_kappa_score, precision_score, recall_score

from goldsets.generation.align import (
    UNDEFINED,
    Case,
    Figures,
    aligned,
    disagreements,
    figures,
    is_held_out,
    share,
    verdict,
    versions,
)
from retrieval.errors import InputError

CRITERIA = ("relevant", "complete", "asked for")


def simulated(
    seed: int, number: int, worth: float = 0.6, kappa: float = 0.5, bias: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels and a judge's answers whose kappa in the long run is known."""
    yes = worth + bias
    chance = worth * yes + (1 - worth) * (1 - yes)
    agree = chance + kappa * (1 - chance)
    both = (agree + worth + yes - 1) / 2
    cells = [both, yes - both, worth - both, agree - both]
    assert min(cells) >= -1e-12, "there is no such judge"
    drawn = np.random.default_rng(seed).choice(4, number, p=np.clip(cells, 0, 1))
    return drawn % 2 == 0, drawn < 2


def cases_of(worth: np.ndarray, passes: np.ndarray, seed: int = 0) -> list[Case]:
    """Spread what passes over three criteria: all yes, or at least one no."""
    rng = np.random.default_rng(seed)
    cases = []
    for i, (label, whole) in enumerate(zip(worth, passes, strict=True)):
        answers = [True] * 3
        if not whole:
            answers = [bool(a) for a in rng.random(3) < 0.6]
            answers[rng.integers(3)] = False
        cases.append(Case(f"p{i}", bool(label), tuple(answers), ("because",) * 3))
    return cases


def values(f: Figures) -> list[float | None]:
    return [e.value for e in (f.agreement, f.kappa, f.precision, f.recall)]


def of_sklearn(worth: np.ndarray, passes: np.ndarray) -> list[float]:
    return [
        accuracy_score(worth, passes),
        cohen_kappa_score(worth, passes),
        precision_score(worth, passes),
        recall_score(worth, passes),
    ]


@pytest.mark.parametrize("kappa", [-0.2, 0.0, 0.4, 0.9])
@pytest.mark.parametrize("number", [31, 200])
def test_figures_are_those_of_scikit_learn(number: int, kappa: float) -> None:
    worth, passes = simulated(3, number, 0.55, kappa)
    cases = cases_of(worth, passes)
    found = aligned(cases, CRITERIA)
    assert values(found.rule) == pytest.approx(of_sklearn(worth, passes), abs=1e-12)
    for i, criterion in enumerate(found.criteria):
        answers = np.array([c.answers[i] for c in cases])
        assert values(criterion.figures) == pytest.approx(of_sklearn(worth, answers), abs=1e-12)
    assert found.rule.both + found.rule.judge_only == passes.sum()
    assert found.rule.both + found.rule.people_only == worth.sum()


def test_what_is_measured_is_all_criteria_and_neither_a_count_of_them_nor_of_yes() -> None:
    worth = np.array([True] * 30 + [False] * 30)
    split = [Case(f"p{i}", bool(w), (True, bool(w), True)) for i, w in enumerate(worth)]
    assert values(aligned(split, CRITERIA).rule) == [1, 1, 1, 1]
    most = [Case(f"p{i}", bool(w), (True, True, False)) for i, w in enumerate(worth)]
    assert values(aligned(most, CRITERIA).rule) == [0.5, 0, None, 0]


@pytest.mark.parametrize(("part", "whole"), [(0, 30), (1, 30), (17, 30), (30, 30), (1, 1)])
def test_the_interval_of_a_share_is_wilsons(part: int, whole: int) -> None:
    found, ci = share(part, whole), binomtest(part, whole).proportion_ci(method="wilson")
    assert found.value == part / whole
    assert found.low == pytest.approx(ci.low, abs=1e-12)
    assert found.high == pytest.approx(ci.high, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "worth", "kappa", "bias"),
    [(30, 0.5, 0.6, 0.0), (30, 0.8, 0.95, 0.0), (60, 0.7, 0.3, 0.1), (200, 0.3, 0.6, 0.2)],
)
def test_a_simulated_judge_of_known_kappa_is_measured_within_its_interval(
    number: int, worth: float, kappa: float, bias: float
) -> None:
    held, sets = 0, 500
    for seed in range(sets):
        found = figures(*simulated(seed, number, worth, kappa, bias)).kappa
        assert found.low is not None
        assert found.high is not None
        held += found.low <= kappa <= found.high
    assert 0.88 <= held / sets <= 0.99


def test_constant_judges_stand_beside() -> None:
    worth, passes = simulated(1, 100, 0.7, 0.0)
    found = aligned(cases_of(worth, passes), CRITERIA)
    assert found.always_yes.agreement.value == worth.mean() == found.always_yes.precision.value
    assert found.always_no.agreement.value == pytest.approx(1 - worth.mean())
    assert found.always_yes.kappa.value == found.always_no.kappa.value == 0
    assert found.always_no.precision == UNDEFINED
    assert found.gain.mean == pytest.approx((passes == worth).mean() - worth.mean())


def test_a_judge_that_says_yes_more_often_is_not_one_that_agrees_more() -> None:
    """The mistake of a published alignment: it took the share of yes for that of agreement."""
    worth = np.array([True, False] * 50)
    eager = aligned(cases_of(worth, np.ones(100, bool)), CRITERIA)
    assert values(eager.rule)[:2] == [0.5, 0]
    assert "kappa 0.00" in verdict(eager)
    assert verdict(eager).endswith("and so does this one throughout.")
    assert "surely better" not in verdict(eager)


def test_a_good_judge_is_surely_better_than_a_constant_one() -> None:
    found = aligned(cases_of(*simulated(5, 200, 0.6, 0.8)), CRITERIA)
    assert found.gain.low is not None
    assert found.gain.low > 0
    assert verdict(found).startswith("The judge agrees with people on 9")
    assert verdict(found).endswith("and it is surely better than that.")


@pytest.mark.parametrize(
    ("worth", "passes", "expected"),
    [
        ([], [], [None, None, None, None]),
        ([1] * 40, [1] * 40, [1, None, 1, 1]),
        ([0] * 40, [0] * 40, [1, None, None, None]),
        ([1] * 40, [0] * 40, [0, 0, None, 0]),
        ([0] * 40, [1] * 40, [0, 0, 0, None]),
        ([1], [1], [1, None, 1, 1]),
    ],
    ids=["empty", "all yes", "all no", "worth it, no", "not worth it, yes", "one label"],
)
def test_what_a_degenerate_table_leaves_open_is_undefined(
    worth: list[int], passes: list[int], expected: list[float | None]
) -> None:
    found = aligned(cases_of(np.array(worth, bool), np.array(passes, bool)), CRITERIA)
    assert values(found.rule) == expected
    every = [found.rule, found.always_yes, found.always_no, *(c.figures for c in found.criteria)]
    for e in (e for f in every for e in (f.agreement, f.kappa, f.precision, f.recall)):
        assert (e.value is None) == (e.low is None) == (e.high is None)
        if e.value is not None and e.low is not None and e.high is not None:
            assert e.low <= e.value <= e.high
    words = verdict(found)
    assert words.startswith(("Too few", "Cannot tell", "The judge agrees with people on 0.0"))


def test_a_passage_without_answers_is_counted_and_in_no_figure() -> None:
    cases = cases_of(*simulated(2, 50))
    silent = [Case("x", True, ()), Case("y", False, ())]
    with_them, without = aligned([*cases, *silent], CRITERIA), aligned(cases, CRITERIA)
    assert with_them.unanswered == 2
    assert with_them.rule == without.rule
    assert not Case("x", True, ()).passes


def test_what_a_criterion_turns_down_alone() -> None:
    cases = [
        Case("a", True, (False, True, True)),
        Case("b", True, (False, False, True)),
        Case("c", False, (False, True, True)),
        Case("d", True, (True, True, True)),
        Case("e", True, (True, True, False)),
    ]
    assert [c.turns_down for c in aligned(cases, CRITERIA).criteria] == [1, 0, 1]


def test_labels_that_cannot_be_are_refused() -> None:
    one = Case("a", True, (True, True, True))
    with pytest.raises(InputError, match="'a' is there twice"):
        aligned([one, one], CRITERIA)
    with pytest.raises(InputError, match="'a' has 3 answers, the judge was asked 2"):
        aligned([one], CRITERIA[:2])


def test_disagreements_are_of_the_tuning_half_alone_wrong_yes_first() -> None:
    cases = cases_of(*simulated(4, 300))
    found = disagreements(cases)
    assert found
    assert all(c.passes != c.worth and not is_held_out(c.passage) for c in found)
    every = [c for c in cases if c.passes != c.worth]
    assert {c.passage for c in every} - {c.passage for c in found} == {
        c.passage for c in every if is_held_out(c.passage)
    }
    kinds = [(c.worth, c.answers.count(False)) for c in found]
    assert kinds == sorted(kinds)
    assert found[0].reasons == ("because",) * 3


def test_halves_are_even_and_do_not_move() -> None:
    held = [is_held_out(f"guide/page-{i}.md#{i * 37}") for i in range(2_000)]
    assert 0.46 < np.mean(held) < 0.54
    assert [is_held_out(p) for p in ("a", "b", "c", "d", "e")] == [False, False, False, False, True]


def test_versions_side_by_side() -> None:
    worth, bad = simulated(6, 240, 0.6, 0.1)
    good = np.where(np.random.default_rng(0).random(240) < 0.9, worth, ~worth)
    wordings = {"1": cases_of(worth, bad), "2": cases_of(worth, good), "3": cases_of(worth, bad)}
    first, second, third = versions(wordings, held_out=True)
    held = np.array([is_held_out(f"p{i}") for i in range(240)])
    assert values(second.figures) == pytest.approx(of_sklearn(worth[held], good[held]), abs=1e-12)
    worded_on = versions(wordings, held_out=False)[1].figures
    assert values(worded_on) == pytest.approx(of_sklearn(worth[~held], good[~held]), abs=1e-12)
    assert second.gain.mean == pytest.approx(
        (good == worth)[held].mean() - (bad == worth)[held].mean()
    )
    assert second.gain.p_holm is not None
    assert second.gain.p_holm < 0.01
    assert first.gain.mean == third.gain.mean == 0
    assert first.gain.p is None


def test_a_gain_rests_on_what_both_versions_answered() -> None:
    cases = cases_of(*simulated(7, 100))
    fewer = [c if i % 3 else Case(c.passage, c.worth, ()) for i, c in enumerate(cases)]
    first, second = versions({"1": cases, "2": fewer}, held_out=True)
    both = sum(is_held_out(c.passage) for i, c in enumerate(cases) if i % 3)
    assert second.gain.queries == both == second.figures.agreement.items
    assert first.figures.agreement.items > both
    assert versions({}, held_out=True) == []
    assert versions({"1": []}, held_out=False)[0].figures.agreement == UNDEFINED


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_figures_of_any_table_are_defined_or_none(table: list[tuple[bool, bool]]) -> None:
    worth, passes = (
        np.array(column, bool) for column in (zip(*table, strict=True) if table else ((), ()))
    )
    found = figures(worth, passes)
    for e in (found.agreement, found.kappa, found.precision, found.recall):
        assert e.value is None or np.isfinite([e.value, e.low, e.high]).all()
