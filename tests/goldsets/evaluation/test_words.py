from dataclasses import asdict, replace
from typing import Any

import pytest

from goldsets.evaluation.paired import Difference
from goldsets.evaluation.words import (
    about,
    count,
    duration,
    headline,
    interval,
    lead,
    listed,
    mixture,
    no_answer,
    points,
    ranked,
    side,
    verdict,
)


def estimate(mean: float | None, low: float | None, high: float | None) -> dict[str, Any]:
    return {"mean": mean, "low": low, "high": high, "queries": 9, "undefined": 0}


UNDEFINED = estimate(None, None, None)


@pytest.mark.parametrize(
    ("value", "plain", "signed"),
    [
        (0.873, "87.3", "+87.3"),
        (1.0, "100.0", "+100.0"),
        (0.0, "0.0", "±0.0"),
        (0.0004, "0.0", "±0.0"),
        (-0.0004, "0.0", "±0.0"),
        (-0.0412, "−4.1", "−4.1"),
        (None, "–", "–"),
    ],
)
def test_points(value: float | None, plain: str, signed: str) -> None:
    assert points(value) == plain
    assert points(value, signed=True) == signed


def test_interval() -> None:
    assert interval(estimate(0.873, 0.8214, 0.919)) == "87.3 (82.1 to 91.9)"
    assert interval(UNDEFINED) == "undefined"


@pytest.mark.parametrize(
    ("e", "expected"),
    [
        (estimate(0.041, 0.012, 0.07), "better by 4.1 points (1.2 to 7.0)"),
        (estimate(-0.041, -0.07, -0.012), "worse by 4.1 points (1.2 to 7.0)"),
        (estimate(0.01, 0.002, 0.04), "better by 1.0 point (0.2 to 4.0)"),
        (estimate(0.01, -0.02, 0.04), "cannot tell: could be −2.0 to +4.0"),
        (estimate(0.01, 0.0, 0.04), "cannot tell: could be ±0.0 to +4.0"),
        (estimate(0.0, 0.0, 0.0), "the same on every query"),
        (UNDEFINED, "cannot tell: no query defines it"),
    ],
)
def test_verdict_on_results_that_were_not_tested(e: dict[str, Any], expected: str) -> None:
    assert verdict(e) == expected


def difference(mean: float, low: float, high: float, p_holm: float, **more: Any) -> dict[str, Any]:
    """A difference as it stands in results: told by 20 queries, the others are ties."""
    plain = Difference(mean, low, high, 95, 0, wins=15, losses=5, p=p_holm / 3, p_holm=p_holm)
    return asdict(replace(plain, compared=3)) | more


CLEAR, UNCLEAR = (0.041, 0.012, 0.07), (0.011, -0.02, 0.03)
OUTLOOK = {"more": 61, "tells": 0.041}


@pytest.mark.parametrize(
    ("e", "which", "expected"),
    [
        (difference(*CLEAR, 0.05), 1, "better by 4.1 points (1.2 to 7.0)"),
        (difference(-0.041, -0.07, -0.012, 0.01), -1, "worse by 4.1 points (1.2 to 7.0)"),
        (
            difference(*CLEAR, 0.06, **OUTLOOK),
            0,
            "cannot tell: +1.2 to +7.0, but as one of 3 compared it may be chance; about 61 more"
            " queries would tell 4.1 points",
        ),
        (
            difference(*CLEAR, 0.06, compared=1),
            0,
            "cannot tell: +1.2 to +7.0, but it may be chance",
        ),
        (difference(*UNCLEAR, 0.01), 0, "cannot tell: could be −2.0 to +3.0"),
        (
            difference(*UNCLEAR, 0.5, more=412, tells=0.02),
            0,
            "cannot tell: could be −2.0 to +3.0; about 410 more queries would tell 2 points",
        ),
        (
            difference(*UNCLEAR, 0.5, more=1, tells=0.01),
            0,
            "cannot tell: could be −2.0 to +3.0; 1 more query would tell 1 point",
        ),
        (
            difference(*UNCLEAR, 0.5, more=0, tells=0.02),
            0,
            "cannot tell: could be −2.0 to +3.0; 2 points would probably have shown",
        ),
        (
            difference(*UNCLEAR, 0.5, no_worse=True, **OUTLOOK),
            0,
            "no worse than 2 points: could be −2.0 to +3.0",
        ),
        (difference(*CLEAR, 0.01, no_worse=True), 1, "better by 4.1 points (1.2 to 7.0)"),
        (difference(*UNCLEAR, 1.0, wins=3, losses=2), 0, "cannot tell: only 5 queries differ"),
        (
            difference(0.02, 0.0, 0.05, 1.0, wins=1, losses=0, **OUTLOOK),
            0,
            "cannot tell: only 1 query differs; about 61 more queries would tell 4.1 points",
        ),
    ],
)
def test_verdict_takes_both_the_interval_and_the_test(
    e: dict[str, Any], which: int, expected: str
) -> None:
    assert verdict(e) == expected
    assert side(e) == which


def variant(name: str, mean: float | None, difference: dict[str, Any] | None) -> dict[str, Any]:
    e = UNDEFINED if mean is None else estimate(mean, mean - 0.1, mean + 0.1)
    return {
        "name": name,
        "measures": {"R@5": e},
        "differences": {"R@5": difference} if difference else {},
    }


def test_headline_names_the_best_and_whether_it_beats_the_baseline() -> None:
    base = variant("a", 0.5, estimate(0.0, 0.0, 0.0))
    best = variant("b", 0.7, estimate(0.2, 0.1, 0.3))
    result = {"variants": [base, best], "baseline": "a"}
    assert headline(result, "R@5") == (
        "b leads with R@5 70.0 (60.0 to 80.0); better by 20.0 points (10.0 to 30.0) against a."
    )
    assert headline({**result, "baseline": "b"}, "R@5") == (
        "b leads with R@5 70.0 (60.0 to 80.0); it is the baseline."
    )
    failed = {"variants": [variant("b", 0.7, None)], "baseline": "a"}
    assert headline(failed, "R@5") == "b leads with R@5 70.0 (60.0 to 80.0)."
    assert headline({"variants": [], "baseline": "a"}, "R@5") == "No variant could be run."


def test_ranked_puts_the_best_first_and_the_undefined_last() -> None:
    rows = [variant("low", 0.1, None), variant("none", None, None), variant("high", 0.9, None)]
    assert [r["name"] for r in ranked(rows, "R@5")] == ["high", "low", "none"]


def test_count() -> None:
    assert count(1, "query", "queries") == "1 query"
    assert count(1204, "query", "queries") == "1,204 queries"
    assert count(0, "variant") == "0 variants"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (9.9, "9.9 s"),
        (12.4, "12 s"),
        (200, "3 min 20 s"),
        (3599, "59 min 59 s"),
        (7500, "2 h 5 min"),
        (59.6, "1 min 0 s"),
        (9.96, "10 s"),
    ],
)
def test_duration(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


def test_what_a_variant_makes_of_queries_without_an_answer() -> None:
    told: dict[str, Any] = {"queries": 5, "returned": 0.8, "found": 71, "k": 10, "confident": 0.4}
    told |= {"auc": 0.634, "low": 0.38, "high": 0.83}
    assert no_answer("BM25", told) == (
        "Of 5 queries without an answer in the corpus, BM25 returns passages for 4, 2 of them as"
        " confidently as a typical answer. Its best score tells them from the 71 it answers in"
        " 63 of 100 pairs (38 to 83); 50 is chance."
    )
    nothing = {**told, "found": 0, "confident": None, "auc": None, "low": None, "high": None}
    assert no_answer("BM25", nothing) == (
        "Of 5 queries without an answer in the corpus, BM25 returns passages for 4; it answers no"
        " other in its first 10."
    )


@pytest.mark.parametrize(
    ("mean", "low", "high", "expected"),
    [
        (
            0.041,
            -0.02,
            0.093,
            "B leads A by 4.1 points; unjudged passages could make it anything from 2.0 behind to"
            " 9.3 ahead.",
        ),
        (
            -0.01,
            -0.02,
            0.093,
            "B trails A by 1.0 point; unjudged passages could make it anything from 2.0 behind to"
            " 9.3 ahead.",
        ),
        (
            0.0001,
            0.0,
            0.5,
            "B and A are level; unjudged passages could make it anything from level to 50.0 ahead.",
        ),
        (
            0.041,
            0.02,
            0.093,
            "B leads A by 4.1 points; unjudged passages could make that 2.0 to 9.3, but not turn"
            " it.",
        ),
        (
            -0.041,
            -0.093,
            -0.02,
            "B trails A by 4.1 points; unjudged passages could make that 2.0 to 9.3, but not turn"
            " it.",
        ),
        (0.041, 0.041, 0.041, "B leads A by 4.1 points; no unjudged passage could change that."),
    ],
)
def test_who_leads_and_whether_the_unjudged_could_turn_it(
    mean: float, low: float, high: float, expected: str
) -> None:
    assert lead("B", "A", mean, low, high) == expected


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "1"), (9, "9"), (12, "about 12"), (127, "about 130"), (1251, "about 1,300")],
)
def test_an_estimate_has_two_digits(number: int, text: str) -> None:
    assert about(number) == text


def test_names_in_a_row() -> None:
    assert [listed(list("abcde"[:n])) for n in range(6)] == [
        *("", "a", "a and b", "a, b and c", "a, b, c and 1 other", "a, b, c and 2 others")
    ]


def test_a_mixture_names_what_nobody_asked() -> None:
    assert mixture({"written": 5, "logged": 2}) == ""
    alone = mixture({"synthetic": 3, "synthetic, reviewed": 1})
    assert alone == "4 of 4 queries synthetic: 1 reviewed, 3 not. No user asked any of them."
    both = mixture({"written": 6, "offline stand-in": 2, "synthetic, reviewed": 1})
    assert both.startswith("3 of 9 queries synthetic, 2 by the offline stand-in: 1 reviewed, 2 not")
    assert "over both kinds" in both
