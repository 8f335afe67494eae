"""docs/statistics.md: its figures are those of the code."""

import pytest

from goldsets.diagnosis.verify import WORN_OUT
from goldsets.evaluation import paired, power, stats
from goldsets.evaluation.bounds import bounded
from goldsets.evaluation.measures import NAMES, Measure
from goldsets.evaluation.pair import ACROSS
from goldsets.evaluation.power import CORRECTION, LEAST, REACH, SPREAD, smallest
from goldsets.evaluation.words import ENOUGH, points
from goldsets.generation import ranking
from goldsets.labelling import agreement
from tests.goldsets.following import ROOT

PAGE = " ".join((ROOT / "docs" / "statistics.md").read_text(encoding="utf-8").split())
SIZES = (20, 50, 100, 200, 500)


@pytest.mark.parametrize(
    "said",
    [
        f"{stats.RESAMPLES:,} times a set of the same size",
        f"signs are tossed {paired.RESAMPLES:,} times",
        f"where at most {paired.FEW} queries differ",
        f"With fewer than {ENOUGH} queries that differ",
        f"{REACH:.2f} · s / √(n + {CORRECTION:.1f})",
        f"before that {SPREAD:.2f}".replace("0.", "."),
        f"in {power.POWER * 100:.0f} of 100 cases",
        f"fewer than {LEAST} queries. Each rule",
        f"the median of {ranking.SPLITS} splits",
        f"takes {ranking.FEWEST} of them at least",
        f"so after {WORN_OUT} the app",
        f"where at least {agreement.FEWEST} were graded by two",
        f"From .{agreement.RELIABLE * 1000:.0f} on",
        f"from .{agreement.TENTATIVE * 1000:.0f} on",
        " ".join(f"| {points(smallest(n, SPREAD))}" for n in SIZES),
    ],
)
def test_a_figure_is_that_of_the_code(said: str) -> None:
    assert said in PAGE


def test_what_has_bounds_is_named() -> None:
    ranks = [
        name for name in NAMES if bounded(Measure(name, None if name == "PrecisionOmega" else 5))
    ]
    assert set(ranks) - set(ACROSS) == {"nDCG", "AP"}
    assert f"exact for {', '.join(ranks[:-2])} and nDCG, at times a little wide for AP" in PAGE
    assert stats.INTERESTING == 0.02
    assert 2 / 2 ** (ENOUGH - 1) > 1 - stats.LEVEL >= 2 / 2**ENOUGH
