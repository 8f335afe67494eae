"""Rules: they print and parse back, and the interval decides."""

import numpy as np
import pytest
from scipy.stats import beta

from goldsets.evaluation.power import LEAST
from goldsets.reporting.rule import Outcome, Rule, judge, parse_rule
from retrieval.errors import SpecError

RULES = (
    "R@20 >= 0.9",
    "R(rel=2)@20 >= 0.855",
    "nDCG@10 not worse than baseline by 0.02",
    "Success@5 better than baseline",
    "EvidenceRecall@4000tok >= 0.85 where language = ko",
    "R@5 not worse than baseline by 0.05 where document type = text/x-rst",
)


def rule(text: str) -> Rule:
    return parse_rule(text)


@pytest.mark.parametrize("text", RULES)
def test_a_rule_prints_and_parses_back(text: str) -> None:
    assert str(rule(text)) == text
    assert rule(str(rule(text))) == rule(text)


def test_shares_may_be_percentages() -> None:
    assert rule("R@20>=90%") == rule("  R@20 >= 0.90 ")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("R@20", "is no rule; write it like R@20 >= 0.90"),
        ("R@20 > 0.9", "is no rule"),
        ("Recall@20 >= 0.9", "there is no measure"),
        ("R@20 >= high", "'high' is no number"),
        ("R@20 >= 90", "is not from 0 to 1; 90% may be written so"),
        ("R@20 not worse than baseline by 0", "a margin of 0 can never be shown"),
        ("R@20 >= 0.9 where colour = red", "there are no slices by 'colour'"),
        ({"R@20": 0.9}, "is no rule"),
    ],
)
def test_what_is_no_rule_says_why(text: object, says: str) -> None:
    with pytest.raises(SpecError, match=says.replace("?", r"\?")):
        parse_rule(text)


def values(*counts: int) -> np.ndarray:
    """So many zeros, so many ones."""
    zeros, ones = counts
    return np.array([0.0] * zeros + [1.0] * ones)


@pytest.mark.parametrize(
    ("least", "found", "outcome"),
    [
        (0.5, values(10, 90), Outcome.PASS),
        (0.95, values(30, 70), Outcome.FAIL),
        (0.9, values(8, 92), Outcome.CANNOT_TELL),
        (0.5, values(0, LEAST - 1), Outcome.CANNOT_TELL),
        (0.5, values(0, LEAST), Outcome.PASS),
        (0.9, np.full(40, np.nan), Outcome.CANNOT_TELL),
    ],
)
def test_the_interval_decides_of_a_mean(least: float, found: np.ndarray, outcome: Outcome) -> None:
    assert judge(rule(f"R@20 >= {least}"), found).outcome is outcome


def test_values_that_are_all_alike_are_not_sure() -> None:
    """Twenty successes in a row are no proof of 90 %: the exact interval reaches down to 83 %."""
    n = 20
    verdict = judge(rule("R@20 >= 0.9"), values(0, n))
    assert verdict.outcome is Outcome.CANNOT_TELL
    assert verdict.estimate.low == pytest.approx(beta.ppf(0.025, n, 1))


@pytest.mark.parametrize(
    ("wins", "losses", "text", "outcome"),
    [
        (0, 0, "not worse than baseline by 0.02", Outcome.PASS),
        (0, 30, "not worse than baseline by 0.02", Outcome.FAIL),
        (6, 6, "not worse than baseline by 0.02", Outcome.CANNOT_TELL),
        (6, 6, "not worse than baseline by 0.2", Outcome.PASS),
        (30, 2, "better than baseline", Outcome.PASS),
        (0, 0, "better than baseline", Outcome.FAIL),
        (3, 2, "better than baseline", Outcome.CANNOT_TELL),
        (2, 30, "better than baseline", Outcome.FAIL),
    ],
)
def test_the_interval_decides_of_a_difference(
    wins: int, losses: int, text: str, outcome: Outcome
) -> None:
    before = np.array([0.0] * wins + [1.0] * losses + [1.0] * (100 - wins - losses))
    after = np.array([1.0] * wins + [0.0] * losses + [1.0] * (100 - wins - losses))
    noise = 1e-9 * np.arange(100)  # another processor adds up otherwise
    assert judge(rule(f"R@20 {text}"), after + noise, before).outcome is outcome


def test_queries_that_the_baseline_lacks_are_left_out() -> None:
    before = np.r_[np.ones(30), np.full(70, np.nan)]
    verdict = judge(rule("R@20 not worse than baseline by 0.02"), np.zeros(100), before)
    assert (verdict.estimate.queries, verdict.outcome) == (30, Outcome.FAIL)
