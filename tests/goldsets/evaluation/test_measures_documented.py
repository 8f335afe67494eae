"""docs/measures.md: every measure, and every value of its table, worked out again."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from goldsets.evaluation.measures import NAMES, Measure, parse_measure
from goldsets.evaluation.score import score
from goldsets.evaluation.stats import intervals
from goldsets.evaluation.words import points
from goldsets.types import Evidence, Needs, Query
from retrieval.pipeline import pipeline_of
from retrieval.runtime import Runtime
from retrieval.types import Chunks, Queries
from tests.goldsets.following import ROOT
from tests.goldsets.making import corpus_of, distinct_text, gold_of, target_of

PAGE = (ROOT / "docs" / "measures.md").read_text(encoding="utf-8")
CORPUS = corpus_of(distinct_text(100, 0))
TEXT = CORPUS.documents[0].text
A, B = Evidence.of("d0", TEXT, 0, 15, 3), Evidence.of("d0", TEXT, 50, 60, 1)
GONE = replace(A, document="gone", exact="-" * 15)
TENTHS = [(i, i + 10) for i in range(0, 100, 10)]
HALVES = [(i, i + 10) for i in range(0, 95, 5)]
RANKED = [(80, 90), (10, 20), (50, 60), (0, 10)]

Spans = Sequence[tuple[int, int]]


def value(
    measure: Measure,
    judged: Sequence[Evidence] = (A, B),
    chunks: Spans = TENTHS,
    ranked: Spans = RANKED,
    needs: Needs = "all",
) -> float:
    """Measure a ranking of spans for one query."""
    ids = np.full((1, 1, 12), -1, np.int32)
    ids[0, 0, : len(ranked)] = [chunks.index(span) for span in ranked]
    gold = gold_of([Query("q", "?", needs=needs)], {"q": judged})
    target = target_of(gold, CORPUS, Chunks.of_spans([list(chunks)]))
    return float(score(target, ids, [measure])[0, 0, 0])


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def deeper(measure: Measure) -> Measure:
    return (
        measure if measure.cutoff is None else replace(measure, cutoff=1000 if measure.unit else 10)
    )


WHEN: dict[str, Callable[[Measure], float]] = {
    "the example": value,
    "any is enough": lambda m: value(m, needs="any"),
    "nothing returned": lambda m: value(m, ranked=()),
    "nobody judged": lambda m: value(m, ()),
    "all of grade 0": lambda m: value(m, (replace(A, grade=0), replace(B, grade=0))),
    "k above 4": lambda m: value(deeper(m)),
    "A is gone": lambda m: value(m, (GONE, B)),
    "A twice": lambda m: value(m, (A, B), HALVES, [(0, 10), (5, 15), (50, 60)]),
}
"""The columns of the table, and what they mean."""

HEAD, *ROWS = [
    [cell.strip(" `") for cell in line.strip("|").split("|")]
    for line in section("When something is missing").splitlines()
    if line.startswith("| ")
]


def test_the_table_has_a_column_for_each_case_and_a_row_for_each_measure() -> None:
    assert HEAD[1:] == list(WHEN)
    assert {parse_measure(row[0]).name for row in ROWS} == set(NAMES)


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_value_of_the_table_is_what_the_measure_says(row: list[str], when: str) -> None:
    found = WHEN[when](parse_measure(row[0]))
    assert row[HEAD.index(when)] == ("–" if np.isnan(found) else f"{found:.2f}")


def test_every_measure_is_defined_with_its_formula() -> None:
    assert re.findall(r"^\| `(\w+)(?:@k)?`", section("The formulas"), re.M) == list(NAMES)


def test_a_mean_is_over_the_queries_that_define_it_and_may_be_undefined() -> None:
    half, none = intervals(np.array([[0.5, 1.0, np.nan], [np.nan] * 3]))
    assert (half.mean, half.queries, half.undefined) == (0.75, 2, 1)
    assert (none.mean, none.low, points(none.mean)) == (None, None, "–")


def test_equal_scores_keep_the_order_of_the_corpus() -> None:
    corpus, rt = corpus_of("crust", "dough", "crust", "crust"), Runtime()
    pipeline = pipeline_of({"first": ["BM25"]})
    found = pipeline.search(pipeline.ingest(corpus, rt), Queries(("crust",)), rt).value
    assert found.ids[0, :3].tolist() == [0, 2, 3]
