"""How far a judge agrees with people on which passages are worth a query.

What is measured is the rule that generation uses: a passage passes when the judge answers yes to
every criterion. A judge that always says yes agrees with people wherever they do, so it stands
beside: its agreement is what answering without reading gives, its kappa is 0.

Criteria are reworded on the tuning half of the labelled passages, which are those to show; the
held-out half says whether that held. A passage's half follows from its id: labelling more moves
none.

Sources: Cohen 1960 for kappa; Wilson 1927 for the intervals of shares. That of kappa is from the
posterior of the four counts with Jeffreys' prior (Brown, Cai and DasGupta, Statistical Science 16,
2001, on why for one share): simulated with 30 to 250 passages, true kappas of 0 to .95 and 30 to
80 % worth a query, 89 to 97 of 100 hold the truth, of the bootstrap's 38 to 96.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np

from goldsets.evaluation import paired
from goldsets.evaluation.paired import Difference
from goldsets.evaluation.stats import LEVEL, RESAMPLES, SEED
from goldsets.evaluation.words import coefficient, count, points
from goldsets.labelling.agreement import FEWEST, Estimate
from goldsets.labelling.coefficients import kappa, ratio
from retrieval.errors import InputError
from retrieval.types import Bool, Float64, Int64

UNDEFINED = Estimate(None, None, None, 0)


@dataclass(frozen=True)
class Case:
    """A passage that people found worth a query or not, and what the judge made of it.

    `answers` and `reasons` follow the criteria; no answers: the judge gave none that can be read.
    """

    passage: str
    worth: bool
    answers: tuple[bool, ...]
    reasons: tuple[str, ...] = ()

    @property
    def passes(self) -> bool:
        """Tell whether the rule lets it through."""
        return bool(self.answers) and all(self.answers)


@dataclass(frozen=True)
class Figures:
    """A judge beside people: counts of passages by who says yes, and what follows from them.

    Precision is the share of what the judge lets through that people find worth a query; recall
    the share of these that it lets through. Each is None where it is 0/0.
    """

    both: int
    judge_only: int
    people_only: int
    neither: int
    agreement: Estimate
    kappa: Estimate
    precision: Estimate
    recall: Estimate


@dataclass(frozen=True)
class Criterion:
    """One criterion as if it were the rule, and how many worth a query it turns down alone."""

    name: str
    figures: Figures
    turns_down: int


@dataclass(frozen=True)
class Alignment:
    """The rule beside the judges that always give one answer, and each criterion by itself.

    `unanswered` passages are in no figure. `gain` is the rule's agreement less that of the better
    constant.
    """

    rule: Figures
    always_yes: Figures
    always_no: Figures
    gain: Difference
    criteria: tuple[Criterion, ...]
    unanswered: int

    @property
    def passages(self) -> int:
        """Count the passages that the figures rest on."""
        return self.rule.agreement.items


@dataclass(frozen=True)
class Version:
    """The criteria in one wording, on one half of the passages.

    `gain` is the agreement less the first version's, on what both answered.
    """

    name: str
    figures: Figures
    gain: Difference


def aligned(cases: Sequence[Case], criteria: Sequence[str]) -> Alignment:
    """Measure a judge on labelled passages.

    Raises:
        InputError: a passage is there twice, or has not one answer for each criterion.
    """
    _check(cases, len(criteria))
    answered = [c for c in cases if c.answers]
    worth = np.array([c.worth for c in answered], bool)
    answers = np.array([c.answers for c in answered], bool).reshape(-1, len(criteria))
    passes, yes = np.asarray(answers.all(axis=1)), np.ones(len(worth), bool)
    best = yes if worth.sum() * 2 >= len(worth) else ~yes
    gain = (passes == worth).astype(np.float64) - (best == worth)
    alone = ~answers & (answers.sum(axis=1) == len(criteria) - 1)[:, None] & worth[:, None]
    return Alignment(
        figures(worth, passes),
        figures(worth, yes),
        figures(worth, ~yes),
        paired.family(gain[None])[0],
        tuple(
            Criterion(name, figures(worth, answers[:, i]), int(alone[:, i].sum()))
            for i, name in enumerate(criteria)
        ),
        len(cases) - len(answered),
    )


def _check(cases: Sequence[Case], criteria: int) -> None:
    seen: set[str] = set()
    for case in cases:
        if case.passage in seen:
            raise InputError(f"passage {case.passage!r} is there twice; give it one label")
        if case.answers and len(case.answers) != criteria:
            raise InputError(
                f"passage {case.passage!r} has {len(case.answers)} answers, the judge was asked"
                f" {criteria}; judge it again"
            )
        seen.add(case.passage)


def figures(worth: Bool, passes: Bool, seed: int = SEED) -> Figures:
    """Set what a judge lets through `(P,)` against what people find worth a query `(P,)`."""
    counts = np.bincount(2 * ~passes + ~worth, minlength=4)
    both, judge_only, people_only, neither = (int(n) for n in counts)
    return Figures(
        both,
        judge_only,
        people_only,
        neither,
        share(both + neither, len(worth)),
        _kappa(counts, seed),
        share(both, both + judge_only),
        share(both, both + people_only),
    )


def share(part: int, whole: int) -> Estimate:
    """Estimate a share by Wilson's interval; undefined of nothing."""
    if not whole:
        return UNDEFINED
    z, p = NormalDist().inv_cdf((1 + LEVEL) / 2), part / whole
    middle = (p + z**2 / (2 * whole)) / (1 + z**2 / whole)
    half = z / (1 + z**2 / whole) * sqrt(p * (1 - p) / whole + z**2 / (4 * whole**2))
    return Estimate(p, max(0.0, min(p, middle - half)), min(1.0, max(p, middle + half)), whole)


def _kappa(counts: Int64, seed: int) -> Estimate:
    value = kappa(counts.reshape(2, 2), weighted=False)
    if value is None:
        return Estimate(None, None, None, int(counts.sum()))
    drawn = np.random.default_rng(seed).dirichlet(counts + 0.5, RESAMPLES)
    low, high = np.quantile(_kappas(drawn), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, min(value, float(low)), max(value, float(high)), int(counts.sum()))


def _kappas(shares: Float64) -> Float64:
    """Return kappas `(N,)` of shares `(N, 4)` that sum to 1, in the order of the counts."""
    judge, people = shares[:, 0] + shares[:, 1], shares[:, 0] + shares[:, 2]
    by_chance = judge * people + (1 - judge) * (1 - people)
    return ratio(shares[:, 0] + shares[:, 3] - by_chance, 1 - by_chance)


def is_held_out(passage: str) -> bool:
    """Tell whether a passage belongs to the held-out half."""
    return hashlib.sha256(passage.encode()).digest()[0] % 2 == 1


def half(cases: Sequence[Case], *, held_out: bool) -> list[Case]:
    """Return the cases of one half."""
    return [c for c in cases if is_held_out(c.passage) == held_out]


def disagreements(cases: Sequence[Case]) -> list[Case]:
    """List where the rule and people differ: first what it lets through, then what it turns down.

    Of these the ones that the fewest criteria turned down come first; what is held out, where
    looking would wear it out, does not come at all.
    """
    seen = [c for c in half(cases, held_out=False) if c.answers and c.passes != c.worth]
    return sorted(seen, key=lambda c: (c.worth, c.answers.count(False)))


def versions(cases: Mapping[str, Sequence[Case]], *, held_out: bool) -> list[Version]:
    """Set wordings of the criteria side by side on one half; others gain over the first.

    The gains are adjusted for being several.
    """
    held = {
        name: {c.passage: c for c in half(its, held_out=held_out) if c.answers}
        for name, its in cases.items()
    }
    passages = list(dict.fromkeys(p for its in held.values() for p in its))
    agrees = np.array([[_agrees(its.get(p)) for p in passages] for its in held.values()])
    gains = paired.compared(agrees.reshape(len(held), -1), 0) if held else []
    return [
        Version(name, _figures(its.values()), gain)
        for (name, its), gain in zip(held.items(), gains, strict=True)
    ]


def _agrees(case: Case | None) -> float:
    return np.nan if case is None else float(case.passes == case.worth)


def _figures(cases: Collection[Case]) -> Figures:
    worth, passes = ([getattr(c, name) for c in cases] for name in ("worth", "passes"))
    return figures(np.array(worth, bool), np.array(passes, bool))


def verdict(found: Alignment) -> str:
    """Say in one sentence how far the judge can be left alone with the passages."""
    number, rule = count(found.passages, "labelled passage"), found.rule
    if found.passages < FEWEST:
        return f"Too few to tell how far the judge agrees: {number}, where {FEWEST} are needed."
    if rule.kappa.value is None or rule.agreement.value is None:
        return f"Cannot tell how far the judge agrees: people and judge say one thing of {number}."
    yes = found.rule.both + found.rule.people_only
    always = "yes" if yes * 2 >= found.passages else "no"
    constant = (found.always_yes if always == "yes" else found.always_no).agreement.value
    said = (
        f"The judge agrees with people on {points(rule.agreement.value)} of 100 ({_span(rule)}),"
        f" kappa {coefficient(rule.kappa.value)}"
        f" ({coefficient(rule.kappa.low)} to {coefficient(rule.kappa.high)});"
        f" one that always says {always} agrees on {points(constant)}"
    )
    return f"{said}, {_compared(found.gain)}."


def _span(rule: Figures) -> str:
    return f"{points(rule.agreement.low)} to {points(rule.agreement.high)}"


def _compared(gain: Difference) -> str:
    if gain.low == gain.high == 0:
        return "and so does this one throughout"
    if gain.p is not None and gain.p <= 1 - LEVEL and gain.mean:
        return "and it is surely better than that" if gain.mean > 0 else "and it is surely worse"
    return "and whether it is better than that cannot be told yet"
