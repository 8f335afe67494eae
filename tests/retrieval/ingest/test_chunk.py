"""The contract every chunker keeps, and what each does by example."""

import random
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import combinations, pairwise
from textwrap import indent

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.ingest.chunk import (
    CHUNKERS,
    ByBlock,
    ByHeading,
    BySentence,
    Chunker,
    FixedTokens,
    Given,
    Recursive,
    Semantic,
    Sized,
    Text,
    Window,
    sentences,
    vocabulary_of,
)
from retrieval.ingest.chunk.semantic import best_parts
from retrieval.ingest.contextualize import Headings
from retrieval.ingest.parse import Block, Blocks, Kind
from retrieval.ingest.tokens import CountTokens, Vocabulary
from retrieval.runtime import Runtime
from retrieval.store import Workspace
from retrieval.types import Chunks, Corpus, Document, Float32, Float64, Span
from tests.retrieval.making import Hashed, decomposed, texts

CONTRACT: dict[type[Chunker], list[Chunker]] = {
    Given: [Given()],
    FixedTokens: [
        *(FixedTokens(size=1), FixedTokens(size=7), FixedTokens(size=7, whole_words=False)),
        *(FixedTokens(size=2, overlap=1), FixedTokens(size=9, overlap=8), FixedTokens()),
        *(FixedTokens(size=4, overlap=1, whole_words=False), FixedTokens(size=60, overlap=20)),
        FixedTokens(size=30, overlap=5, vocabulary="cl100k"),
    ],
    BySentence: [BySentence(size=1), BySentence(size=12), BySentence()],
    ByHeading: [ByHeading(size=1), ByHeading(size=30), ByHeading(size=60), ByHeading()],
    ByBlock: [ByBlock(size=1), ByBlock(size=12), ByBlock(size=60), ByBlock()],
    Window: [Window(size=1), Window(size=12, neighbours=0), Window()],
    Recursive: [
        *(Recursive(size=1), Recursive(size=12), Recursive(size=40, overlap=15), Recursive()),
        Recursive(size=5, overlap=4, vocabulary="cl100k"),
    ],
    Semantic: [
        *(Semantic(size=1, embed=Hashed()), Semantic(size=12, unit=3, embed=Hashed())),
        *(Semantic(size=60, unit=20, embed=Hashed()), Semantic(embed=Hashed())),
    ],
}
CHUNKER = [chunker for several in CONTRACT.values() for chunker in several]

LONG_LINE = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789+/", k=20_000))
FENCE = "```python\ndef bake(minutes):\n\n    return oven.run(minutes)\n```"
TABLE = "| flour | water |\n|---|---|\n| 250 g | 160 ml |\n| 500 g | 320 ml |"
PROSE = "Dough rests. It rises, e.g. overnight. Does it? Yes!\n\nFlour, water; salt.\n"
MARKDOWN = f"# Pizza\n\n{PROSE}\n## Code\n\n{FENCE}\n\n{PROSE}\n## Table\n\n{TABLE}\n\nEnd.\n"

TEXTS = {
    "empty": "",
    "spaces": " \n\t\n  \r\n\u3000",
    "word": "x",
    "prose": PROSE * 12,
    "long-line": LONG_LINE,
    "hangul-unspaced": "가나다라마바사아자차카타파하" * 60,
    "hangul-decomposed": decomposed("파이썬의 예외 처리는 쉽다. 정말 그렇다! ") * 20,
    "emoji": "👩‍🚀🧑🏽‍🚒👨‍👩‍👧‍👦🇰🇷" * 40,
    "emoji-words": "go 👩‍🚀 now 🧑🏽‍🚒! " * 40,
    "crlf": MARKDOWN.replace("\n", "\r\n"),
    "markdown": MARKDOWN * 3,
    "nested": f"- item\n\n{indent(FENCE, '  ')}\n\n> {PROSE}\n1. one\n2. two\n",
    "long-fence": "```\n" + "line of code here\n" * 90 + "```\n\nafter\n",
    "long-row": "| a | b |\n|---|---|\n| " + "cell " * 300 + "| c |\n",
    "open-fence": f"text\n\n```\n{PROSE}",
    "pages": f"\u2001One\ntext\n\f\u2001\u2001Two\n{PROSE}\f \u2001\n\u2001Three\n\f",
    "elements": f'<Tabs>\n <Tab a="b"\n  c={{1}}>\n    # In\n\n    {PROSE}\n </Tab>\n</Tabs>\n',
    "headings": "# One\n## Two\n### Three\n\nFour\n====\n\n## Five\n",
    "dots": "." * 3_000 + " end. " + "?!" * 500,
    "indented": "    code\n\n\tmore\n\n  text  \n" * 9,
}
MEDIA = (
    *("text/markdown", "text/x-rst", "text/plain", "text/x-source-python", "text/csv"),
    "application/pdf",
)


@cache
def prepared(text: str, media: str, vocabulary: Vocabulary) -> tuple[object, ...]:
    corpus = Corpus((Document("d", text, media=media),))
    rt = Runtime()
    return corpus, Blocks().apply(corpus, rt), CountTokens(vocabulary).apply(corpus, rt)


def spans(chunker: Chunker, text: str, media: str = "text/markdown") -> list[tuple[int, int]]:
    inputs = prepared(text, media, vocabulary_of(chunker))
    chunks: Chunks = chunker.apply(*inputs, rt=Runtime())  # type: ignore[arg-type]
    return list(zip(chunks.start.tolist(), chunks.end.tolist(), strict=True))


def pieces(chunker: Chunker, text: str, media: str = "text/markdown") -> list[str]:
    return [text[start:end] for start, end in spans(chunker, text, media)]


def token_starts(text: str, media: str, vocabulary: Vocabulary) -> list[int]:
    tokens = prepared(text, media, vocabulary)[2]
    return tokens.of(0).tolist()  # type: ignore[attr-defined, no-any-return]


def check(chunker: Chunker, text: str, media: str) -> None:
    found = spans(chunker, text, media)
    assert all(0 <= start < end <= len(text) for start, end in found)
    assert all(text[start:end].strip() for start, end in found)
    assert all(a[0] <= b[0] and a[1] < b[1] for a, b in pairwise(found))
    gaps = pairwise([(0, 0), *found, (len(text), len(text))])
    assert not any(text[end:start].strip() for (_, end), (start, _) in gaps)
    if isinstance(chunker, Sized):
        check_sizes(chunker, text, media, found)


def check_sizes(chunker: Sized, text: str, media: str, found: list[tuple[int, int]]) -> None:
    starts = token_starts(text, media, chunker.vocabulary)
    for start, end in found:
        size = bisect_left(starts, end) - bisect_left(starts, start)
        assert size <= chunker.size or end == start + 1  # one character of many tokens
    overlap = getattr(chunker, "overlap", 0)
    for (_, end), (start, _) in pairwise(found):
        repeated = bisect_left(starts, end) - bisect_left(starts, start)
        assert repeated <= overlap
        assert overlap or start >= end


def test_every_chunker_is_held_to_the_contract() -> None:
    assert set(CONTRACT) == set(CHUNKERS)


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("chunker", CHUNKER, ids=repr)
def test_contract(chunker: Chunker, name: str) -> None:
    check(chunker, TEXTS[name], "text/markdown")


@pytest.mark.parametrize("chunker", CHUNKER, ids=repr)
def test_contract_on_pages(chunker: Chunker) -> None:
    check(chunker, TEXTS["pages"], "application/pdf")


@pytest.mark.parametrize("chunker", CHUNKER, ids=repr)
@settings(max_examples=15)
@given(text=texts, media=st.sampled_from(MEDIA))
def test_contract_on_any_text(chunker: Chunker, text: str, media: str) -> None:
    check(chunker, text, media)


@pytest.mark.parametrize("name", ["crlf", "markdown", "nested", "long-fence"])
@pytest.mark.parametrize("size", [30, 31, 40, 60, 400])
@pytest.mark.parametrize("cls", [ByHeading, ByBlock, partial(Semantic, embed=Hashed())])
def test_a_fence_or_table_that_fits_is_not_cut(
    cls: Callable[..., Sized], name: str, size: int
) -> None:
    text = TEXTS[name]
    starts = token_starts(text, "text/markdown", "o200k")
    whole = re.finditer(
        r"^( *)```.*?^\1```|^\|.*?\|(?=\r?$)(?!\r?\n\|)", text, re.DOTALL | re.MULTILINE
    )
    blocks = [m.span() for m in whole]
    found = spans(cls(size=size), text)
    assert blocks
    for start, end in blocks:
        fits = bisect_left(starts, end) - bisect_left(starts, start) <= size
        assert not fits or any(low <= start and end <= high for low, high in found)


def test_documents_are_cut_by_themselves() -> None:
    corpus = Corpus(tuple(Document(f"d{i}", t) for i, t in enumerate(["one", "", "two\n\nthree"])))
    rt = Runtime()
    parsed, tokens = Blocks().apply(corpus, rt), CountTokens().apply(corpus, rt)
    chunks = FixedTokens().apply(corpus, parsed, tokens, rt)
    assert chunks.document.tolist() == [0, 2]
    assert [chunks.text(corpus, i) for i in range(2)] == ["one", "two\n\nthree"]


class TestGiven:
    def test_the_documents_own_spans_stay_as_they_are(self) -> None:
        document = Document("d", " one \n\n two ", given=(Span(0, 5), Span(3, 12), Span(5, 7)))
        corpus, rt = Corpus((document,)), Runtime()
        parsed, tokens = Blocks().apply(corpus, rt), CountTokens().apply(corpus, rt)
        chunks = Given().apply(corpus, parsed, tokens, rt)
        assert [chunks.text(corpus, i) for i in range(len(chunks))] == [" one ", "e \n\n two "]

    def test_a_document_that_came_with_none_is_one_chunk(self) -> None:
        assert pieces(Given(), "one\n\ntwo\n") == ["one\n\ntwo\n"]


class TestFixedTokens:
    def test_windows_are_full_and_meet(self) -> None:
        text = "one two three four five six seven eight nine ten"  # a token a word
        assert pieces(FixedTokens(size=4), text) == [
            "one two three four",
            "five six seven eight",
            "nine ten",
        ]

    def test_windows_repeat_the_last_tokens(self) -> None:
        text = "one two three four five six seven eight"
        found = [p.split() for p in pieces(FixedTokens(size=4, overlap=2), text)]
        assert found == [
            ["one", "two", "three", "four"],
            ["three", "four", "five", "six"],
            ["five", "six", "seven", "eight"],
        ]

    def test_words_are_whole_unless_asked_otherwise(self) -> None:
        text = "antidisestablishmentarianism is incomprehensibly multisyllabic " * 5
        for piece in pieces(FixedTokens(size=12), text):
            assert set(piece.split()) <= set(text.split())
        cut = pieces(FixedTokens(size=12, whole_words=False), text)
        assert not set(" ".join(cut).split()) <= set(text.split())

    def test_without_overlap_a_long_word_is_cut_and_not_repeated(self) -> None:
        text = "one two " + LONG_LINE[:200] + " three"
        assert "".join("".join(pieces(FixedTokens(size=8), text)).split()) == "".join(text.split())

    def test_a_window_is_never_more_than_half_empty_for_a_words_sake(self) -> None:
        starts = token_starts(LONG_LINE, "text/plain", "o200k")
        found = spans(FixedTokens(size=50), LONG_LINE, "text/plain")
        for start, end in found[:-1]:
            assert bisect_left(starts, end) - bisect_left(starts, start) >= 25

    def test_the_other_vocabulary_has_other_windows(self) -> None:
        text = "파이썬의 예외 처리를 배운다. " * 10
        counts = [len(spans(FixedTokens(size=20, vocabulary=v), text)) for v in ("o200k", "cl100k")]
        assert counts[0] < counts[1]


def cut_into_sentences(text: str, kind: Kind) -> list[str]:
    block = Block(kind, 0, len(text))
    return [text[start:end] for start, end in sentences(Text(text, [block], [], []), block)]


class TestBySentence:
    @pytest.mark.parametrize(
        ("text", "parts"),
        [
            ("One is here. Two is there! Three?", ["One is here.", "Two is there!", "Three?"]),
            ('He said "stop." She ran.', ['He said "stop."', "She ran."]),
            ("Use e.g. flour. Add salt.", ["Use e.g. flour.", "Add salt."]),
            ("By J. Smith and Dr. Kim. Next one.", ["By J. Smith and Dr. Kim.", "Next one."]),
            ("Version 3.11 is out. Get it.", ["Version 3.11 is out.", "Get it."]),
            ("Wait... what? Fine.", ["Wait...", "what?", "Fine."]),
            ("먹었다. 잤다! 왜?", ["먹었다.", "잤다!", "왜?"]),
            ("먹었다.그리고 잤다.끝", ["먹었다.", "그리고 잤다.", "끝"]),
            ("そうです。はい！では", ["そうです。", "はい！", "では"]),
            ("no mark at all", ["no mark at all"]),
        ],
    )
    def test_ends_of_sentences(self, text: str, parts: list[str]) -> None:
        assert cut_into_sentences(text, Kind.TEXT) == parts

    def test_lines_of_code_and_rows_of_tables_are_sentences(self) -> None:
        for text, kind in ((FENCE, Kind.CODE), (TABLE, Kind.TABLE)):
            assert cut_into_sentences(text, kind) == [x for x in text.splitlines() if x]

    def test_as_many_sentences_as_fit(self) -> None:
        text = "One two three. Four five six. Seven eight nine."  # four tokens each
        found = [p.strip() for p in pieces(BySentence(size=8), text)]
        assert found == ["One two three. Four five six.", "Seven eight nine."]

    def test_sentences_are_not_joined_across_headings(self) -> None:
        found = pieces(BySentence(size=200), MARKDOWN)
        assert [p.splitlines()[0] for p in found] == ["# Pizza", "## Code", "## Table"]


class TestByHeading:
    def test_a_section_a_chunk(self) -> None:
        found = pieces(ByHeading(), MARKDOWN)
        assert [p.splitlines()[0] for p in found] == ["# Pizza", "## Code", "## Table"]

    def test_a_heading_without_a_body_joins_the_next(self) -> None:
        assert pieces(ByHeading(), "# One\n\n## Two\n\ntext\n\n## Three\n") == [
            "# One\n\n## Two\n\ntext",
            "## Three",
        ]

    def test_what_stands_before_the_first_heading_is_a_section(self) -> None:
        assert pieces(ByHeading(), "intro\n\n# One\n\ntext") == ["intro", "# One\n\ntext"]

    def test_a_long_section_is_cut_between_blocks(self) -> None:
        paragraph = "some words that fill a line\n\n"
        found = pieces(ByHeading(size=14), f"# Title\n\n{paragraph * 4}")
        assert found == [
            "# Title\n\nsome words that fill a line",
            *["some words that fill a line\n\nsome words that fill a line"],
            "some words that fill a line",
        ]

    def test_a_heading_stays_with_the_beginning_of_a_paragraph_that_is_too_long(self) -> None:
        found = pieces(ByHeading(size=12), "# Title\n\n" + "One two three four. " * 9)
        assert found[0].startswith("# Title\n\nOne two three four.")

    def test_a_fence_longer_than_the_size_is_cut_between_lines(self) -> None:
        fence = "```\n" + "".join(f"line = {i}\n" for i in range(40)) + "```"
        found = pieces(ByHeading(size=30), fence)
        assert len(found) > 1
        assert "\n".join(found) == fence


@dataclass(frozen=True)
class Topics(Hashed):
    """Texts that begin with the same word are about the same."""

    def direction(self, text: str) -> Float32:
        return super().direction(text.removeprefix("a passage ").split()[0])


def worth(similarity: Float64, edges: Sequence[int]) -> float:
    """What a segmentation is worth, by its definition."""
    n = len(similarity)
    mean = similarity[np.triu_indices(n, 1)].mean() if n > 1 else 0.0
    pairs = [(i, j) for a, b in pairwise(edges) for i in range(a, b) for j in range(a, b) if i != j]
    return float(sum(similarity[i, j] - mean for i, j in pairs))


class TestSemantic:
    @given(st.integers(0, 8), st.integers(0, 2**32), st.integers(1, 30))
    def test_no_segmentation_that_fits_is_worth_more(self, n: int, seed: int, size: int) -> None:
        random_ = np.random.default_rng(seed)
        vectors = random_.normal(size=(n, 3))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        tokens = random_.integers(1, 9, n)
        end = np.cumsum(tokens)
        first = best_parts(vectors.astype(np.float32), end - tokens, end, size).tolist()
        similarity, found = vectors @ vectors.T, [*first, n]
        inner = range(1, n)
        every = [
            [0, *cut, n] for k in range(n) for cut in combinations(inner, k)
        ] or [[0]]  # fmt: skip
        fits = [
            e for e in every
            if all(b - a == 1 or tokens[a:b].sum() <= size for a, b in pairwise(e))
        ]  # fmt: skip
        assert found in fits or n == 0
        best = max(worth(similarity, e) for e in fits)
        assert worth(similarity, found) == pytest.approx(best, abs=1e-4)

    def test_a_chunk_ends_where_the_topic_does(self) -> None:
        text = "Dough rests. Dough rises. Ovens are hot. Ovens glow. Ovens bake. Dough again."
        chunker = Semantic(size=100, unit=5, embed=Topics())
        assert pieces(chunker, text, "text/plain") == [
            "Dough rests. Dough rises.",
            "Ovens are hot. Ovens glow. Ovens bake.",
            "Dough again.",
        ]
        small = pieces(Semantic(size=8, unit=5, embed=Topics()), text, "text/plain")
        assert [piece.split()[0] for piece in small] == ["Dough", "Ovens", "Ovens", "Dough"]

    def test_every_text_is_embedded_once_and_kept(
        self, asked: list[str], workspace: Workspace
    ) -> None:
        texts = ("One two. Three four. One two.", "", "Five six. One two.")
        corpus = Corpus(tuple(Document(f"d{i}", t) for i, t in enumerate(texts)))
        inputs = (corpus, Blocks().apply(corpus, Runtime()), CountTokens().apply(corpus, Runtime()))
        stage = Semantic(size=100, unit=4, embed=Hashed())
        for times in (1, 2):
            chunks = stage.apply(*inputs, rt=Runtime(workspace))
            assert sorted(asked) == sorted(
                f"passage: {t}" for t in ("One two.", "Three four.", "Five six.")
            ), times
        assert set(chunks.document.tolist()) == {0, 2}
        units = stage.units(*inputs, rt=Runtime())
        assert [units.text(corpus, i) for i in range(2)] == ["One two.", "Three four."]

    def test_the_model_is_part_of_the_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        keys = {Semantic(embed=Hashed()).key(), Semantic(embed=Hashed("b")).key()}
        monkeypatch.setattr(Hashed, "identity", "hashed-a/2")
        assert len({*keys, Semantic(embed=Hashed()).key()}) == 3


def beside(chunker: Chunker, text: str, media: str = "text/markdown") -> list[tuple[str, str]]:
    """Return each chunk's first line and its context."""
    inputs = prepared(text, media, vocabulary_of(chunker))
    chunks: Chunks = chunker.apply(*inputs, rt=Runtime())  # type: ignore[arg-type]
    found = [text[start:end].strip() for start, end in spans(chunker, text, media)]
    return [(piece.splitlines()[0], chunks.context(i)) for i, piece in enumerate(found)]


class TestByBlock:
    CODE = (
        "import os\n\nLIMIT = 1\n\n\ndef bake(m):\n    return m\n\n\nclass Oven:\n    heat = 3\n\n"
        "    def on(self):\n        return 1\n\n    def off(self):\n        return 0\n"
    )

    def test_a_function_or_class_that_fits_is_a_chunk(self) -> None:
        assert beside(ByBlock(), self.CODE, "text/x-source-python") == [
            ("import os", ""),
            ("def bake(m):", ""),
            ("class Oven:", ""),
        ]

    def test_a_class_that_does_not_fit_is_cut_at_its_methods(self) -> None:
        assert beside(ByBlock(size=15), self.CODE, "text/x-source-python") == [
            ("import os", ""),
            ("def bake(m):", ""),
            ("class Oven:", ""),
            ("def on(self):", "Oven.on"),
            ("def off(self):", "Oven.off"),
        ]

    def test_a_part_of_a_long_function_says_whose_it_is(self) -> None:
        code = "def bake():\n" + "    print('hot and hotter')\n" * 30
        found = beside(ByBlock(size=50), code, "text/x-source-python")
        assert [context for _, context in found] == ["", *["bake"] * (len(found) - 1)]
        assert len(found) > 2

    @pytest.mark.parametrize("media", ["text/csv", "text/markdown"])
    def test_a_part_of_a_table_has_its_header_row_beside_it(self, media: str) -> None:
        head, sep = ("what,grams", ",") if media == "text/csv" else ("| what | grams |", " | ")
        rule = [] if media == "text/csv" else ["|---|---|"]
        rows = [head, *rule, *(f"flour{sep}{n}" for n in range(60))]
        found = beside(ByBlock(size=60), "\n".join(rows), media)
        assert [context for _, context in found] == ["", *[head] * (len(found) - 1)]
        assert len(found) > 3

    def test_a_long_table_is_cut_by_itself(self) -> None:
        table = "| a |\n|---|\n" + "| some words |\n" * 40
        found = beside(ByBlock(size=60), f"# T\n\nBefore.\n\n{table}\nAfter.\n\n- x\n- y\n")
        assert [line for line, _ in found[:2]] == ["# T", "| a |"]
        assert found[-1] == ("After.", "")

    def test_lists_and_paragraphs_are_packed_under_one_heading(self) -> None:
        text = "# A\n\none\n\n- x\n- y\n\n# B\n\ntwo"
        assert pieces(ByBlock(), text) == ["# A\n\none\n\n- x\n- y", "# B\n\ntwo"]

    def test_the_headings_stand_before_what_the_chunker_put_beside_a_chunk(self) -> None:
        text = "# T\n\n| a |\n|---|\n" + "| some words |\n" * 40
        corpus, structure, tokens = prepared(text, "text/markdown", "o200k")
        chunks = ByBlock(size=60).apply(corpus, structure, tokens, Runtime())  # type: ignore[arg-type]
        both = Headings().apply(corpus, structure, chunks, Runtime())  # type: ignore[arg-type]
        assert [both.context(i) for i in range(2)] == ["d > T", "d > T\n| a |"]


class TestWindow:
    def test_sentences_have_their_neighbours_beside_them(self) -> None:
        assert beside(Window(neighbours=1), "# H\n\nOne. Two. Three.\n\n```\na\nb\n```\n") == [
            ("# H", "... Two."),
            ("Two.", "# H\n\nOne. ... Three."),
            ("Three.", "Two. ... ```\na\nb\n```"),
            ("```", "Three. ..."),
        ]
        assert beside(Window(neighbours=0), "One. Two.") == [("One.", ""), ("Two.", "")]


class TestRecursive:
    def test_the_coarsest_separator_that_helps_is_used(self) -> None:
        text = "One one one.\n\nTwo two two two. Three three three three\n\nFour"
        found = [p.strip("\n. ") for p in pieces(Recursive(size=6), text)]
        assert found == ["One one one", "Two two two two", "Three three three three", "Four"]

    def test_runs_repeat_whole_parts_up_to_the_overlap(self) -> None:
        text = "a1. b2. c3. d4. e5."
        found = pieces(Recursive(size=9, overlap=4), text)
        assert len(found) > 1
        for one, two in pairwise(found):
            assert any(one.endswith(two[:n]) for n in range(2, len(two) + 1))

    def test_a_text_that_fits_is_one_chunk(self) -> None:
        assert pieces(Recursive(), PROSE) == [PROSE.rstrip()]
