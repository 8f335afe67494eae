"""docs/pizza-night.md: its figures are those of the code."""

import pytest

from goldsets.evaluation.power import SPREAD, smallest
from goldsets.labelling import agreement
from goldsets.labelling.pools import DEPTH, EXTRAS, PIPELINES
from goldsets.store.leases import LEASE_SECONDS
from pages.ui import words
from tests.goldsets.following import ROOT

PAGE = " ".join((ROOT / "docs" / "pizza-night.md").read_text(encoding="utf-8").split())
PLANNED = 25
TWICE, ONCE = (8 * 75 * 3 // (PLANNED * raters) for raters in (2, 1))
TELLS = [f"{100 * (smallest(n, SPREAD) or 0):.0f}" for n in (TWICE, ONCE)]


@pytest.mark.parametrize(
    "said",
    [
        f"up to {len(PIPELINES) * DEPTH + EXTRAS} passages to read",
        f"Plan with {PLANNED}.",
        f"come to {TWICE} queries with two raters an item, and to {ONCE} with one",
        f"{TWICE} queries tell differences of about {TELLS[0]} points apart",
        f"and {ONCE} of about {TELLS[1]}.",
        f"until {agreement.FEWEST} items have been judged twice",
    ],
)
def test_a_figure_is_that_of_the_code(said: str) -> None:
    assert said in PAGE
    assert LEASE_SECONDS == 600


def test_what_it_tells_to_click_is_there() -> None:
    said = words.table("en")
    names = ["raters", "v_tonight", "v_queries", "v_agreement", "v_disputes", "v_settings"]
    for name in [*names, "from_log", "close", "try", "label"]:
        assert f"*{said[name]}*" in PAGE
