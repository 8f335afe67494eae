import pytest

from goldsets.evidence import Status, anchor, locate
from goldsets.types import Evidence, Query
from retrieval.types import Span
from tests.goldsets.making import corpus_of, gold_of

TEXT = "The dough rests.\nBake it hot.\n\nThe dough rests.\nEat it cold.\n"


def at(text: str, quote: str, nth: int = 0) -> Evidence:
    start = -1
    for _ in range(nth + 1):
        start = text.index(quote, start + 1)
    return Evidence.of("d0", text, start, start + len(quote))


def test_unchanged_text_is_exact() -> None:
    e = at(TEXT, "The dough rests.", 1)
    assert locate(e, TEXT) == (Status.EXACT, Span(e.start, e.end))


@pytest.mark.parametrize("nth", [0, 1])
def test_a_moved_quote_is_told_from_its_copy_by_its_surroundings(nth: int) -> None:
    e = at(TEXT, "The dough rests.", nth)
    now = "A new preface, long enough to confuse the offsets of everything.\n" + TEXT
    moved = at(now, "The dough rests.", nth)
    assert locate(e, now) == (Status.MOVED, Span(moved.start, moved.end))


@pytest.mark.parametrize(
    ("prefix", "suffix", "start"),
    [
        ("left ", "", 18),
        ("right\n", "", 6),
        ("", " up", 26),
        ("", ", in", 18),
        ("the left ", " u", 18),
    ],
)
def test_prefix_or_suffix_alone_tells_places_apart(prefix: str, suffix: str, start: int) -> None:
    text = "right abc or left abc, in abc up"
    e = Evidence("d0", 100, 103, "abc", prefix, suffix)
    assert locate(e, text) == (Status.MOVED, Span(start, start + 3))


def test_of_equal_places_the_nearest_wins() -> None:
    e = Evidence("d0", 50, 53, "abc")
    text = "-".join(["abc"] * 30) + " "
    assert locate(e, text) == (Status.MOVED, Span(48, 51))


def test_rewrapped_text_is_found() -> None:
    e = at(TEXT, "The dough rests.\nBake it hot.")
    now = "X\n\nThe  dough\n   rests. Bake\tit\u00a0hot. And so on."
    status, span = locate(e, now)
    assert status is Status.MOVED
    assert span
    assert now[span.start : span.end] == "The  dough\n   rests. Bake\tit\u00a0hot."


@pytest.mark.parametrize("text", ["", "Nothing of it", "The dough has rested. Bake it."])
def test_what_is_not_there_is_gone(text: str) -> None:
    assert locate(at(TEXT, "The dough rests."), text) == (Status.GONE, None)


@pytest.mark.parametrize("quote", ["반죽은 밤새 쉰다", "🍕👩‍🍳", "é", "𝔘nicode"])
def test_hangul_emoji_and_composed_characters(quote: str) -> None:
    text = f"앞 🍕 {quote}. 뒤"
    e = Evidence.of("d0", text, text.rindex(quote), text.rindex(quote) + len(quote))
    assert locate(e, text)[0] is Status.EXACT
    status, span = locate(e, "새 머리말 👍 " + text)
    assert status is Status.MOVED
    assert span == Span(e.start + 8, e.end + 8)


@pytest.mark.parametrize("quote", ["a.*b", "(x", "[a-z]+", "\\d", "f(*args) ?"])
def test_a_quote_is_no_regular_expression(quote: str) -> None:
    text = f"aXXb xx abc 12 f(args) then {quote} end"
    e = Evidence.of("d0", text, text.index(quote), text.index(quote) + len(quote))
    assert locate(e, "..." + text) == (Status.MOVED, Span(e.start + 3, e.end + 3))


def test_white_space_alone_can_be_exact_but_not_found_again() -> None:
    e = Evidence.of("d0", "a   b", 1, 4)
    assert locate(e, "a   b")[0] is Status.EXACT
    assert locate(e, "xa   b") == (Status.GONE, None)


def test_anchor_lays_evidence_out_in_order_with_rows_of_queries_and_documents() -> None:
    corpus = corpus_of("alpha beta", "gamma delta")
    gold = gold_of(
        [Query("q0", "?"), Query("q1", "?"), Query("q2", "?")],
        {
            "q0": [Evidence.of("d1", "gamma delta", 6, 11, grade=2)],
            "q2": [Evidence("d9", 0, 4, "lost"), Evidence("d0", 0, 4, "beta")],
        },
    )
    a = anchor(gold, corpus)
    assert a.query.tolist() == [0, 2, 2]
    assert a.document.tolist() == [1, -1, 0]
    assert list(zip(a.start, a.end, strict=True)) == [(6, 11), (0, 0), (6, 10)]
    assert a.grade.tolist() == [2, 3, 3]
    assert a.length.tolist() == [5, 4, 4]
    assert a.statuses == {Status.EXACT: 1, Status.GONE: 1, Status.MOVED: 1}
    assert [f.evidence.exact for f in a.gone] == ["lost"]


def test_things_are_the_alternatives_the_parts_or_each_by_itself() -> None:
    text = "abcdef"
    parts = ["", "x", "x", "y", ""]
    spans = [Evidence.of("d0", text, i, i + 1, part=p) for i, p in enumerate(parts)]
    queries = [Query("any", "?", needs="any"), Query("none", "?"), Query("all", "?")]
    a = anchor(gold_of(queries, {"any": spans, "all": spans}), corpus_of(text))
    assert a.thing.tolist() == [0, 0, 0, 0, 0, 1, 2, 2, 3, 4]


def test_no_evidence_at_all() -> None:
    a = anchor(gold_of([Query("q", "?")], {}), corpus_of("x"))
    assert len(a.query) == len(a.length) == 0
    assert a.gone == []
