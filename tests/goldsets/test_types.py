from dataclasses import replace

import pytest

from goldsets.types import Evidence, GoldSet, Query
from retrieval.errors import InputError
from tests.goldsets.making import gold_of

TEXT = "Pizza is flat bread. Dough rests a night. 피자는 맛있다."


def gold() -> GoldSet:
    judged = {
        "a": [Evidence.of("d0", TEXT, 0, 5), Evidence.of("d0", TEXT, 21, 26, grade=1)],
        "b": [Evidence.of("d0", TEXT, 42, 50, part="x")],
    }
    return gold_of([Query("a", "what is it?"), Query("b", "언제?", tags=("ko",))], judged)


def test_evidence_keeps_its_quote_and_surroundings() -> None:
    e = Evidence.of("d0", TEXT, 21, 26)
    assert (e.prefix, e.exact, e.suffix) == (TEXT[:21], "Dough", TEXT[26:])
    assert e.grade == 3


@pytest.mark.parametrize("span", [(-1, 4), (5, 5), (6, 5)])
def test_an_empty_or_negative_span_is_refused(span: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="start"):
        Evidence("d", *span, "x" * max(0, span[1] - span[0]))


def test_a_quote_has_as_many_characters_as_its_span() -> None:
    with pytest.raises(InputError, match="3 characters"):
        Evidence("d", 0, 100, "abc")


@pytest.mark.parametrize("grade", [-1, 101])
def test_grades_have_bounds(grade: int) -> None:
    with pytest.raises(InputError, match="grade"):
        Evidence("d", 0, 1, "x", grade=grade)


@pytest.mark.parametrize("query", [("", "text"), ("id", " \n")])
def test_a_query_needs_an_id_and_a_text(query: tuple[str, str]) -> None:
    with pytest.raises(InputError, match="id and a text"):
        Query(*query)


def test_needs_is_any_or_all() -> None:
    with pytest.raises(InputError, match="'any' or 'all', not 'some'"):
        Query("q", "?", needs="some")  # type: ignore[arg-type]


def test_equal_gold_has_an_equal_version() -> None:
    assert gold().version == gold().version
    assert gold().judgments == 3


def test_order_does_not_change_the_version() -> None:
    g = gold()
    turned = replace(
        g,
        queries=g.queries[::-1],
        evidence={q: e[::-1] for q, e in reversed(g.evidence.items())},
    )
    assert turned.version == g.version


@pytest.mark.parametrize(
    "change",
    [
        {"text": "what?"},
        {"language": "en"},
        {"tags": ("x",)},
        {"needs": "any"},
        {"origin": "logged"},
        {"id": "c"},
    ],
)
def test_any_change_of_a_query_changes_the_version(change: dict[str, str]) -> None:
    g = gold()
    changed = replace(g, queries=(replace(g.queries[0], **change), g.queries[1]))
    assert changed.version != g.version


@pytest.mark.parametrize("change", [{"grade": 2}, {"part": "y"}, {"document": "d1"}])
def test_any_change_of_evidence_changes_the_version(change: dict[str, str]) -> None:
    g = gold()
    first, *rest = g.evidence["a"]
    changed = replace(g, evidence={**g.evidence, "a": (replace(first, **change), *rest)})
    assert changed.version != g.version
    assert replace(g, evidence={**g.evidence, "a": (first,)}).version != g.version
