"""A rule of the gate is a value that prints and parses back.

    R@20 >= 0.90
    nDCG@10 not worse than baseline by 0.02
    Success@5 better than baseline
    EvidenceRecall@4000tok >= 0.85 where language = ko

The interval decides, not the mean: a rule passes where the whole 95 % interval keeps it, fails
where the whole interval breaks it, and otherwise nobody can tell.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from goldsets.evaluation import stats
from goldsets.evaluation.measures import Measure, parse_measure
from goldsets.evaluation.power import LEAST
from goldsets.evaluation.slices import DIMENSIONS
from goldsets.evaluation.stats import LEVEL, Estimate
from goldsets.evaluation.words import count, interval, points
from retrieval.errors import SpecError, one_of
from retrieval.types import Float64

BASELINE = "baseline"
DIGITS = 6
"""Decimals to which a difference is looked at: another processor adds up otherwise."""

FORM = re.compile(
    r"(?P<measure>[^\s>]+)\s*"
    r"(?:>=\s*(?P<least>\S+)"
    r"|(?P<worse>not worse than baseline by)\s+(?P<margin>\S+)"
    r"|(?P<better>better than baseline))"
    r"(?:\s+where\s+(?P<by>[\w ]+?)\s*=\s*(?P<value>.+))?"
)
EXAMPLES = "R@20 >= 0.90, or nDCG@10 not worse than baseline by 0.02"


class Outcome(StrEnum):
    """What came of a rule."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Rule:
    """What must hold: of the mean where `against` is empty, else of the difference to the baseline.

    `least` is what the mean, or the difference, has to reach; a slice is `by` a dimension of
    `goldsets.evaluation.slices` and its `value`.
    """

    measure: Measure
    least: float
    against: str = ""
    by: str = ""
    value: str = ""

    def __str__(self) -> str:
        if not self.against:
            said = f">= {self.least:g}"
        elif self.least < 0:
            said = f"not worse than baseline by {-self.least:g}"
        else:
            said = "better than baseline"
        where = f" where {self.by} = {self.value}" if self.by else ""
        return f"{self.measure} {said}{where}"


@dataclass(frozen=True)
class Verdict:
    """What came of a rule on which estimate, in words."""

    rule: Rule
    outcome: Outcome
    estimate: Estimate
    said: str


def parse_rule(text: object) -> Rule:
    """Read a rule.

    Raises:
        SpecError: it is of no form that is known, or a number is none.
    """
    form = FORM.fullmatch(str(text).strip())
    if not form:
        raise SpecError(f"{str(text)[:100]!r} is no rule; write it like {EXAMPLES}")
    by, value = form["by"] or "", (form["value"] or "").strip()
    if by and by not in DIMENSIONS:
        raise SpecError(f"{text!r}: there are no slices by {by!r}{one_of(by, DIMENSIONS)}")
    measure = parse_measure(form["measure"])
    if form["least"]:
        return Rule(measure, _share(form["least"], text), "", by, value)
    least = -_share(form["margin"], text) if form["worse"] else 0.0
    if form["worse"] and not least:
        raise SpecError(f"{text!r}: a margin of 0 can never be shown; write 0.01, say")
    return Rule(measure, least, BASELINE, by, value)


def _share(number: str, text: object) -> float:
    try:
        share = float(number.removesuffix("%")) / (100 if number.endswith("%") else 1)
    except ValueError as e:
        raise SpecError(f"{text!r}: {number!r} is no number") from e
    if not 0 <= share <= 1:
        raise SpecError(f"{text!r}: {number!r} is not from 0 to 1; 90% may be written so")
    return share


def judge(rule: Rule, values: Float64, baseline: Float64 | None = None) -> Verdict:
    """Say what came of a rule, by values `(Q,)` of the queries of its slice, NaN where undefined.

    With fewer than 20 queries nobody can tell. Where every query has the same value, so that
    resampling shows no spread, the lower end is the exact one of as many successes in a row
    (Clopper and Pearson, 1934).
    """
    seen = values if baseline is None else np.round(values - baseline, DIGITS)
    estimate = stats.intervals(seen[None])[0]
    if not rule.against:
        estimate = _with_spread(estimate)
    return Verdict(rule, _outcome(rule, estimate), estimate, _said(rule, estimate))


def _with_spread(e: Estimate) -> Estimate:
    if e.mean is None or not e.queries or e.low != e.high:
        return e
    surely = ((1 - LEVEL) / 2) ** (1 / e.queries)
    return Estimate(e.mean, e.mean * surely, e.high, e.queries, e.undefined)


def _outcome(rule: Rule, e: Estimate) -> Outcome:
    if e.low is None or e.high is None or e.queries < LEAST:
        return Outcome.CANNOT_TELL
    strictly = rule.against and rule.least == 0
    if e.low > rule.least or (e.low == rule.least and not strictly):
        return Outcome.PASS
    same = strictly and e.low == e.high == 0
    return Outcome.FAIL if e.high < rule.least or same else Outcome.CANNOT_TELL


def _said(rule: Rule, e: Estimate) -> str:
    """Phrase the estimate, and what is missing where nobody can tell."""
    number = count(e.queries, "query", "queries")
    if e.mean is None or e.low is None or e.high is None:
        return f"no query defines it ({number})"
    few = f"; {LEAST} are the least that can tell" if e.queries < LEAST else ""
    if not rule.against:
        return f"{interval(vars(e))} on {number}{few}"
    if e.low == e.high == 0:
        return f"the same on every query of {number}{few}"
    low, high = points(e.low, signed=True), points(e.high, signed=True)
    return f"{points(e.mean, signed=True)} points ({low} to {high}) on {number}{few}"
