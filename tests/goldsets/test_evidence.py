import random
import re
from dataclasses import replace
from pydoc_data.topics import topics

import numpy as np
import pytest

from goldsets import evidence
from goldsets.evidence import Status, anchor, locate
from goldsets.resemblance import ALIKE, TOGETHER, Text, resembling
from goldsets.types import Evidence, Query
from retrieval.types import Corpus, Document, Span
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


@pytest.mark.parametrize("text", ["", "x", "Nothing of it", "Flour has risen. Bake it."])
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


def test_some_queries_or_pieces_are_taken_as_they_were_found() -> None:
    pieces = [at(RULES, "30 days"), at(RULES, "Ask before"), at(RULES, "30 days")]
    queries = [Query(f"q{i}", f"{i}?") for i in range(3)]
    every = anchor(gold_of(queries, {f"q{i}": [p] for i, p in enumerate(pieces)}), corpus_of(RULES))
    some = every.only(np.array([0, 2]))
    assert [q.id for q in some.gold.queries] == ["q0", "q2"]
    assert some.query.tolist() == [0, 1]
    assert some.found == (every.found[0], every.found[2])
    assert some.start.tolist() == every.start[[0, 2]].tolist()
    each = every.each(np.array([2, 1, 2]))
    assert [q.id for q in each.gold.queries] == ["q2", "q1", "q2"]
    assert each.query.tolist() == [0, 1, 2]
    assert each.end.tolist() == every.end[[2, 1, 2]].tolist()
    none = every.only(np.array([], np.int64))
    assert (none.gold.queries, len(none.query)) == ((), 0)


def test_no_evidence_at_all() -> None:
    a = anchor(gold_of([Query("q", "?")], {}), corpus_of("x"))
    assert len(a.query) == len(a.length) == 0
    assert a.gone == []


RULES = """# Returns

Refunds are granted within 30 days of the purchase, on request. Shipping is not paid back.

The manager decides on damaged goods. Ask before you send anything.

# 환불

환불은 구매 후 30일 이내에 요청하시면 됩니다. 배송비는 돌려드리지 않습니다.

반죽은 냉장고에서 하룻밤 쉰다. 오븐은 미리 예열한다.
"""


@pytest.mark.parametrize(
    ("quote", "old", "new", "wanted", "score"),
    [
        ("30 days", "30 days", "45 days", "45 days", 0.71),
        ("30 days", "30 days", "two weeks", "two weeks", TOGETHER),
        ("30일 이내", "30일 이내", "14일 이내", "14일 이내", 0.66),
        (
            "The manager decides on damaged goods.",
            "The manager decides on damaged goods.",
            "The shop's owner decides on damaged goods, and on late ones.",
            "The shop's owner decides on damaged goods, and on late ones.",
            ALIKE,
        ),
        (
            "Shipping is not paid back.",
            "not paid back.",
            "paid back in full.",
            "Shipping is paid back in full.",
            0.6,
        ),
        (
            "반죽은 냉장고에서 하룻밤 쉰다.",
            "반죽은 냉장고에서 하룻밤 쉰다.",
            "먼저 씻는다. 반죽을 냉장고에 두고 하룻밤 쉬게 한다.",
            "반죽을 냉장고에 두고 하룻밤 쉬게 한다.",
            ALIKE,
        ),
        (
            "환불은 구매 후 30일 이내에 요청하시면 됩니다. 배송비는 돌려드리지 않습니다.",
            "배송비는 돌려드리지",
            "구매 확인서가 필요합니다. 배송비도 돌려드리지",
            "환불은 구매 후 30일 이내에 요청하시면 됩니다. 구매 확인서가 필요합니다."
            " 배송비도 돌려드리지 않습니다.",
            0.7,
        ),
    ],
)
@pytest.mark.parametrize("preface", ["", "A preface that moves it all.\n\n" * 9])
def test_edited_evidence_is_found_to_its_edges(
    quote: str, old: str, new: str, wanted: str, score: float, preface: str
) -> None:
    e = at(RULES, quote)
    now = preface + RULES.replace(old, new)
    status, span = locate(e, now)
    assert status is Status.EDITED
    assert span
    assert now[span.start : span.end] == wanted
    (found,) = anchor(gold_of([Query("q", "?")], {"q": [e]}), corpus_of(now)).edited
    assert found.span == span
    assert score <= found.score < 1


@pytest.mark.parametrize(
    ("quote", "old"),
    [
        ("The manager decides on damaged goods.", "The manager decides on damaged goods. "),
        ("반죽은 냉장고에서 하룻밤 쉰다.", "반죽은 냉장고에서 하룻밤 쉰다. "),
        ("30 days", " within 30 days of the purchase"),
        ("Shipping is not paid back.", RULES[RULES.index("Shipping") : RULES.index("# 환불")]),
    ],
)
def test_a_passage_that_was_left_out_is_gone(quote: str, old: str) -> None:
    assert locate(at(RULES, quote), RULES.replace(old, "")) == (Status.GONE, None)


def test_a_part_of_a_word_stays_one() -> None:
    text = "앞 문장이다. 지분율은 별도의 표에 정리되어 있다."
    e = at(text, "지분율")
    now = text.replace("지분율은", "지분률은")
    assert locate(e, now) == (Status.EDITED, Span(8, 11))


def reworded(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    swapped = [rng.choice((w.upper(), "or so", "")) if rng.random() < 0.12 else w for w in words]
    return " ".join(w for w in swapped if w)


def test_reworded_sentences_of_real_documents_are_found_where_they_are() -> None:
    rng = random.Random(7)
    right = []
    for text in (t for _, t in sorted(topics.items()) if 2_000 < len(t) < 20_000):
        sentences = [m.span() for m in re.finditer(r"(?<=\. )[A-Z][^.]{50,400}\.(?=\s)", text)]
        for start, end in rng.sample(sentences, min(3, len(sentences))):
            e = Evidence.of("d", text, start, end)
            new = reworded(e.exact, rng)
            guess = resembling(e, Text("A preface.\n\n" + text[:start] + new + text[end:]))
            low, high = start + 12, start + 12 + len(new)
            shared = min(guess[0].end, high) - max(guess[0].start, low) if guess else 0
            right.append(guess is not None and shared >= 0.95 * max(high - low, _length(guess[0])))
    assert len(right) > 60
    assert sum(right) >= 0.95 * len(right)


def _length(span: Span) -> int:
    return span.end - span.start


@pytest.mark.parametrize("length", [2_000, 20_000])
@pytest.mark.parametrize(
    "alphabet", ["etaoinshrdlu", "가나다라마바사아자하기니리시은는이을의에도고지서로"]
)
def test_a_long_quote_is_found_in_a_long_document(length: int, alphabet: str) -> None:
    rng = random.Random(1)
    known = ["".join(rng.choices(alphabet, k=rng.randint(2, 9))) for _ in range(20_000)]
    words = [known[int(rng.paretovariate(0.5)) % 20_000] for _ in range(250_000)]
    text = " ".join(words)[:1_000_000]
    e = Evidence.of("d0", text, 400_000, 400_000 + length)
    now = text[:400_000] + reworded(e.exact, rng) + text[400_000 + length :]
    status, span = locate(e, now)
    assert status is Status.EDITED
    assert span
    assert abs(span.start - 400_000) < 20


def test_white_space_and_lone_surrogates_do_no_harm() -> None:
    text = "\n\n  \ud800 The  dough\u3000rests well \udfff for a night.\n\n Then bake.  "
    e = at(text, "The  dough\u3000rests well")
    now = text.replace("rests", "sleeps")
    status, span = locate(e, now)
    assert status is Status.EDITED
    assert span
    assert now[span.start : span.end] == "The  dough\u3000sleeps well"


def test_what_was_edited_counts_as_not_found() -> None:
    e = at(RULES, "The manager decides on damaged goods.")
    gold = gold_of([Query("q", "?")], {"q": [e]})
    a = anchor(gold, corpus_of(RULES.replace("manager decides", "owner decides")))
    assert a.document.tolist() == [-1]
    assert (a.start.tolist(), a.end.tolist()) == ([0], [0])
    assert a.length.tolist() == [len(e.exact)]
    assert a.statuses == {Status.EDITED: 1}
    assert a.gone == []
    assert [f.name for f in a.edited] == ["q: d0"]


def test_a_guess_is_the_same_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    gold = gold_of([Query("q", "?")], {"q": [at(RULES, q) for q in ("30 days", "Ask before")]})
    corpus = corpus_of(RULES.replace("30 days", "a month").replace("Ask before", "Ask us before"))
    monkeypatch.setattr(evidence, "_GUESSED", {})
    first = anchor(gold, corpus).found
    monkeypatch.setattr(evidence, "GUESSES", 1)
    assert anchor(gold, corpus).found == first
    monkeypatch.setattr(evidence, "_GUESSED", {})
    assert anchor(gold, corpus).found == first
    assert {f.status for f in first} == {Status.EDITED}


def test_a_place_is_not_guessed_twice_nor_where_other_evidence_of_the_query_stands() -> None:
    text = "Add salt to taste, now.\n\nAdd salt to the taste, now.\n"
    first, second = at(text, "Add salt to taste, now."), at(text, "Add salt to the taste, now.")
    gold = gold_of([Query("q", "?")], {"q": [first, second]})
    a = anchor(gold, corpus_of("Add salt to the taste, now.\n"))
    assert [f.status for f in a.found] == [Status.GONE, Status.MOVED]
    other = gold_of([Query("q", "?"), Query("r", "?")], {"q": [first], "r": [second]})
    b = anchor(other, corpus_of("Add salt to the taste, now.\n"))
    assert [f.status for f in b.found] == [Status.EDITED, Status.MOVED]


def renamed(*documents: tuple[str, str]) -> Corpus:
    return Corpus(tuple(Document(name, text) for name, text in documents), "corpus", 2)


def test_evidence_of_a_renamed_document_has_moved_there() -> None:
    long, short = at(RULES, "The manager decides on damaged goods."), at(RULES, "30 days")
    gold = gold_of([Query("q", "?")], {"q": [long, short]})
    a = anchor(gold, renamed(("other", "Nothing."), ("returns", "New.\n\n" + RULES)))
    assert [f.status for f in a.found] == [Status.MOVED, Status.GONE]  # 30 days may be of anything
    found = a.found[0]
    assert (found.document, found.span) == ("returns", Span(long.start + 6, long.end + 6))
    assert a.document.tolist() == [1, -1]
    assert a.start.tolist() == [long.start + 6, 0]


def test_the_same_words_in_other_surroundings_are_to_be_confirmed() -> None:
    e = at(RULES, "The manager decides on damaged goods.")
    gold = gold_of([Query("q", "?")], {"q": [e]})
    a = anchor(gold, renamed(("law", "Elsewhere: The manager decides on damaged goods. And more.")))
    (found,) = a.edited
    assert (found.document, found.span, found.score) == ("law", Span(11, 48), 1.0)
    assert a.document.tolist() == [-1]


def test_without_surroundings_only_a_single_place_is_sure() -> None:
    e = replace(at(RULES, "The manager decides on damaged goods."), prefix="", suffix="")
    gold = gold_of([Query("q", "?")], {"q": [e]})
    one = anchor(gold, renamed(("a", "..."), ("b", RULES)))
    assert [(f.status, f.document) for f in one.found] == [(Status.MOVED, "b")]
    two = anchor(gold, renamed(("a", RULES), ("b", RULES)))
    assert [(f.status, f.document) for f in two.found] == [(Status.EDITED, "a")]


def test_a_copy_that_is_judged_already_is_no_place_to_move_to() -> None:
    quote = "The manager decides on damaged goods."
    old = at(RULES, quote)
    copy = replace(old, document="d1")
    gold = gold_of([Query("q", "?")], {"q": [old, copy]})
    a = anchor(gold, renamed(("d1", RULES)))
    assert [f.status for f in a.found] == [Status.GONE, Status.EXACT]


def test_evidence_whose_document_is_there_is_not_looked_for_in_others() -> None:
    e = at(RULES, "The manager decides on damaged goods.")
    gold = gold_of([Query("q", "?")], {"q": [e]})
    a = anchor(gold, renamed(("d0", "All new."), ("copy", RULES)))
    assert [f.status for f in a.found] == [Status.GONE]


def test_evidence_of_many_lost_documents_is_found_in_others() -> None:
    texts = [f"{t}\n{n}" for n in range(3) for t in topics.values()]
    corpus = Corpus(tuple(Document(f"new{i}", t) for i, t in enumerate(texts)), "corpus", 2)
    rng = random.Random(3)
    judged = []
    for i in range(1000):
        text = texts[rng.randrange(len(texts))]
        start = rng.randrange(max(1, len(text) - 200))
        judged.append(Evidence.of(f"old{i}", text, start, min(start + 150, len(text))))
    gold = gold_of([Query("q", "?", needs="any")], {"q": judged})
    a = anchor(gold, corpus)
    assert a.statuses[Status.MOVED] > 700


def test_unchanged_evidence_is_never_laid_out_for_guessing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "resembling", None)
    gold = gold_of([Query("q", "?")], {"q": [at(RULES, "30 days"), at(RULES, "Ask before")]})
    assert anchor(gold, corpus_of("Preface. " + RULES)).statuses == {Status.MOVED: 2}
