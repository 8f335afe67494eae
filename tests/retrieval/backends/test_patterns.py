"""Patterns over many texts against a plain loop of RE2 over each."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.backends import patterns, trigrams
from retrieval.backends.patterns import MOST_LOOKED_AT, Pattern, Texts, compiled, required
from retrieval.backends.trigrams import Trigrams
from retrieval.errors import SpecError

Rows = list[tuple[int, int, int]]


def found(texts: Sequence[str], source: str, *, match_case: bool = False) -> Rows:
    f = Texts(texts).search(Pattern(source, match_case=match_case))
    return list(
        zip(f.texts.tolist(), f.distinct.tolist(), f.matches.tolist(), strict=True)
    )  # fmt: skip


def looped(texts: Sequence[str], source: str, *, match_case: bool = False) -> Rows:
    """The definition: each text by itself."""
    pattern = compiled(source, match_case=match_case)
    rows = []
    for i, text in enumerate(texts):
        matches = [m[0] for m in pattern.finditer(text)][:MOST_LOOKED_AT]
        held = [m for m in matches if m]
        if held:
            rows.append((i, len(set(held)), len(held)))
    return rows


ATOMS = (
    *(
        "a",
        "b",
        "err",
        "ERR_4",
        "sks",
        "캡",
        "é",
        "\n",
        "_",
        "\\.",
        "\\-",
        " ",
        "{",
        "}",
        "a{b",
        "]",
    ),
    *(".", "\\w", "\\W", "\\s", "\\b", "\\B", "^", "$", "\\A", "\\z", "\\pL", "\\p{Hangul}", "\\C"),
    *(
        "[^a]",
        "[]a]",
        "[^]]",
        "[[:alpha:]]",
        "[a|b(]",
        "\\Qa.b\\E",
        "\\x61",
        "\\x{e9}",
        "(?i)",
        "\\n",
    ),
    *("(?-i)", "(?s)", "(?m)", "\\|", "\\("),
)
sources = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.tuples(inner, st.sampled_from("?*+")).map("".join),
        st.tuples(inner, st.sampled_from(["{0,2}", "{2}", "{1,}", "{,2}", "+?"])).map("".join),
        st.tuples(inner, inner).map("|".join),
        inner.map("({})".format),
        inner.map("(?:{})".format),
    ),
    max_leaves=8,
)
PIECES = (
    "a",
    "b",
    "err",
    "ERR_4",
    "Err_42",
    "sks",
    "SKS",
    "ſks",
    "\u212a",
    "캡",
    "캡테이블",
    "é",
    "É",
)
texts = st.lists(
    st.lists(st.sampled_from((*PIECES, " ", "\n", "_", ".", "{", "]", "a.b", "\x00")), max_size=8)
    .map("".join), max_size=8,
)  # fmt: skip


@given(sources, texts, st.booleans())
def test_what_is_found_is_what_a_loop_over_the_texts_finds(
    source: str, row: list[str], match_case: bool
) -> None:
    try:
        Pattern(source, match_case=match_case)
    except SpecError:
        return
    wanted = looped(row, source, match_case=match_case)
    assert found(row, source, match_case=match_case) == wanted


@given(st.lists(st.sampled_from(("err", "x", "_4", " ", "캡", "\n")), max_size=60).map("".join))
def test_a_string_is_found_across_the_edges_of_blocks(text: str) -> None:
    with pytest.MonkeyPatch.context() as small:
        for module in (trigrams, patterns):
            small.setattr(module, "BLOCK", 8)
        small.setattr(trigrams, "PART", 2)
        small.setattr(trigrams, "OVERLAP", 5)
        small.setattr(patterns, "STEP", 16)
        row = [text, "", text[5:], "x", *[text[i : i + 9] for i in range(0, len(text), 7)]]
        for source in ("err", "err_4", "x{1}err", "캡|errx", "r{2}|err_4 err", r"\w+"):
            assert found(row, source) == looped(row, source)


@given(st.binary(max_size=300), st.integers(0, 300), st.integers(3, 80))
def test_the_trigrams_leave_out_no_block_a_string_begins_in(
    data: bytes, start: int, length: int
) -> None:
    string = data[start : start + length]
    if len(string) >= 3:
        with pytest.MonkeyPatch.context() as small:
            small.setattr(trigrams, "BLOCK", 16)
            assert start // 16 in Trigrams(data).blocks(string).tolist()


def test_a_trigram_that_is_not_there_is_in_no_block() -> None:
    assert Trigrams(b"").blocks(b"abc").tolist() == []
    assert Trigrams(b"abcd" * 9).blocks(b"abd").tolist() == []
    assert Trigrams(b"x" * 5_000 + b"abc").blocks(b"abc").tolist() == [4]


@pytest.mark.parametrize(
    ("source", "strings"),
    [
        ("ERR_4", ((b"err_4",),)),
        (r"ERR_\d{3}x: no", ((b"err_", b"x: no"),)),
        ("ab|cde", ()),
        ("abc|cde", ((b"abc",), (b"cde",))),
        ("(abc|x)def?", ()),
        ("(abc|x)defg?", ((b"def",),)),
        (r"\babc\.d", ((b"abc.d",),)),
        (r"[[:alpha:]]]abc", ((b"]abc",),)),
        (r"\Qa.c|d\E?", ((b"a.c|",),)),
        ("캡", (("캡".encode(),),)),
        ("naïve", ()),
        ("abc+def*", ((b"abc",),)),
        ("naïvetés", ((b"vet",),)),
        ("a{b}c", ((b"a{b}c",),)),
        (r"\x61bc", ()),
        ("", ()),
    ],
)
def test_the_strings_that_have_to_occur(
    source: str, strings: tuple[tuple[bytes, ...], ...]
) -> None:
    assert required(source) == strings


@pytest.mark.parametrize(
    "bad", ["(", "(?=x)", r"(a)\1", "a{5000}", "x" * 1_001, "x*", "", "^", "a|", r"\z", r"a\C"]
)
def test_a_pattern_that_cannot_be_is_refused_in_a_sentence(bad: str) -> None:
    with pytest.raises(SpecError, match="pattern") as error:
        Pattern(bad)
    assert "\n" not in str(error.value)


def test_classes_are_ascii_and_letters_of_any_script_have_their_own() -> None:
    row = ["캡테이블", "cap", "é1"]
    assert [i for i, *_ in found(row, r"\w")] == [1, 2]
    assert [i for i, *_ in found(row, r"^\pL+$")] == [0, 1]
    assert [i for i, *_ in found(row, r"\p{Hangul}")] == [0]


def test_hostile_patterns_come_to_an_end() -> None:
    row = ["a" * 100_000 + "!", "ab" * 50_000, "a " * 50_000]
    for source in ("(a+)+$", "(a|aa)+!", "a[^c]*c|a", r"\b(?:[^z]*z)?", "(.*)(.*)(.*)(.*)[^a!b ]"):
        Texts(row).search(Pattern(source))


def test_progress_is_reported_from_start_to_end() -> None:
    told: list[tuple[int, int]] = []
    Texts(["a"] * 5).search(Pattern("a$"), lambda done, total: told.append((done, total)))
    Texts(["a"] * 5).search(Pattern("a"), lambda done, total: told.append((done, total)))
    assert told[-1] == (5, 5)
