"""Enrichers by example, on public data, and filters that ask for what they find."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import SpecError
from retrieval.ingest.chunk import ByHeading, Chunker, FixedTokens
from retrieval.ingest.contextualize import Headings
from retrieval.ingest.enrich import (
    ENRICHERS,
    Dates,
    Enricher,
    Field,
    Fields,
    Language,
    Sections,
    Symbols,
)
from retrieval.ingest.enrich.dates import date_of
from retrieval.ingest.enrich.language import language_of
from retrieval.ingest.parse import Blocks
from retrieval.ingest.read import read_paths
from retrieval.ingest.tokens import CountTokens
from retrieval.pipeline import Pipeline, full_spec, pipeline_of, short_spec, slot_value
from retrieval.query.filter import Equals, Exists, Filter, Glob, In, Not, Range
from retrieval.runtime import Runtime
from retrieval.store import Workspace
from retrieval.types import Chunks, Corpus, Document, Queries
from tests.retrieval.making import Hashed, texts

Rows = list[tuple[Any, ...]]


def found(stage: Enricher, corpus: Corpus, spans: Sequence[Sequence[tuple[int, int]]]) -> Rows:
    """Return the values of each field, a row a chunk."""
    rt = Runtime()
    chunks = Chunks.of_spans(spans)
    fields = stage.apply(corpus, Blocks().apply(corpus, rt), chunks, rt)
    again = Fields.of_arrays(fields.arrays())
    assert list(again.held) == list(stage.fields)
    for name, field in fields.held.items():
        assert field.of.dtype == np.int32
        assert again.held[name].values == field.values
        assert again.held[name].of.tolist() == field.of.tolist()
    columns = [[f.values[i] for i in f.of.tolist()] for f in again.held.values()]
    return list(zip(*columns, strict=True))


def whole(stage: Enricher, text: str, name: str = "d", media: str = "", **about: Any) -> Any:
    document = Document(name, text, media=media or "text/plain", metadata=about)
    return found(stage, Corpus((document,)), [[(0, len(text))]])[0]


def parts(stage: Enricher, text: str, media: str, marks: Sequence[str]) -> Rows:
    """Cut a text before each mark, and return what is found of each part."""
    edges = [0, *(text.index(m) for m in marks), len(text)]
    document = Document("d", text, media=media)
    return found(stage, Corpus((document,)), [list(pairwise(edges))])


class TestDates:
    @pytest.mark.parametrize(
        ("text", "dates"),
        [
            ("on 2024-05-01, 2024/5/1 and 2024. 5. 1.", "2024-05-01"),
            ("2024.05.01 2024-05-31T10:00:00Z 2024-06", "2024-05-01 2024-05-31 2024-06"),
            ("2024년 5월 1일, 2024년5월 그리고 2023년", "2024-05-01 2024-05 2023"),
            ("令和6年 2024年5月1日", "2024-05-01"),
            ("May 1, 2024; 2 May 2024; the 3rd of June 2024", "2024-05-01 2024-05-02 2024-06-03"),
            ("Sept. 4th, 2024 and Mon, 23 Nov 2026 10:00", "2024-09-04 2026-11-23"),
            ("in December 1999, may 2024", "1999-12"),
            ("31.12.1999, 1. 2. 2003, 12/31/1999, 31/12/1998", "1999-12-31 2003-02-01 1998-12-31"),
            ("5/1/2024 is one of two days", ""),
            ("2024-02-30 2023-02-29 2024-13-01 31.04.2024", ""),
            ("12024-05-01 2024-05-011 v1.2024.05", ""),
            ("10.12.2024.7 192.168.20.24 in 2024, 2024 items, 20240501", ""),
            ("1499-05-01 2100-05-01", ""),
            ("May 1,\n2024", ""),
        ],
    )
    def test_of_a_text(self, text: str, dates: str) -> None:
        assert whole(Dates(), text)[1] == tuple(dates.split())

    @pytest.mark.parametrize(
        ("name", "text", "about", "date"),
        [
            ("a.md", "2020-01-01", {"date": "2024-05-01"}, "2024-05-01"),
            ("a.eml", "", {"from": "x", "date": "Mon, 23 Nov 2026 10:00 +0900"}, "2026-11-23"),
            ("a.md", "", {"Last-Modified": "1.5.2024", "updated": "soon"}, "2024-05-01"),
            ("blog/2024/05/01/a.md", "2020-01-01", {"draft": True}, "2024-05-01"),
            ("2024-05-01-a.md", "", {}, "2024-05-01"),
            ("report_20240501.pdf", "", {}, "2024-05-01"),
            ("report_2024_05.pdf", "", {}, "2024-05"),
            ("report_20241301 202405 120240501.pdf", "", {}, ""),
            ("a.md", "Written on May 1, 2024, read in 2025-01-01.", {}, "2024-05-01"),
            ("a.md", "x" * 1_000 + " 2024-05-01", {}, ""),
        ],
    )
    def test_of_a_document(self, name: str, text: str, about: dict[str, Any], date: str) -> None:
        assert date_of(Document(name, text, metadata=about)) == date

    def test_a_chunk_has_the_dates_that_begin_in_it(self) -> None:
        rows = parts(Dates(), "2024-05-01 one 2024-05-02\ntwo 2024-05-03", "text/plain", ["2\ntwo"])
        assert rows == [
            (("2024-05-01",), ("2024-05-01", "2024-05-02")),
            (("2024-05-01",), ("2024-05-03",)),
        ]

    @given(st.dates(date(1500, 1, 1), date(2099, 12, 31)), texts)
    def test_any_day_is_read_in_every_form(self, day: date, around: str) -> None:
        forms = ["%Y-%m-%d", "%Y/%m/%d", "%Y년 %m월 %d일", "%B %d, %Y", "%d %b %Y", "%d.%m.%Y"]
        for form in forms:
            assert whole(Dates(), day.strftime(form))[1] == (day.isoformat(),)
        iso = re.compile(r"[12][0-9]{3}(-[01][0-9](-[0-3][0-9])?)?")
        assert all(iso.fullmatch(d) for d in whole(Dates(), around + str(day))[1])

    def test_a_long_line_takes_no_time(self) -> None:
        for text in ("2024-" * 40_000, "1 " * 100_000 + "2024", "Jan " * 50_000 + "2024"):
            assert len(whole(Dates(), text)[1]) <= 1


RIGHTS = {
    "ko": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
    "en": "All human beings are born free and equal in dignity and rights.",
    "de": "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft"
    " und Gewissen begabt und sollen einander im Geist der Brüderlichkeit begegnen.",
    "fr": "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués"
    " de raison et de conscience et doivent agir les uns envers les autres dans un esprit de"
    " fraternité.",
    "es": "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como"
    " están de razón y conciencia, deben comportarse fraternalmente los unos con los otros.",
    "pt": "Todos os seres humanos nascem livres e iguais em dignidade e em direitos. Dotados de"
    " razão e de consciência, devem agir uns para com os outros em espírito de fraternidade.",
    "it": "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Essi sono dotati"
    " di ragione e di coscienza e devono agire gli uni verso gli altri in spirito di fratellanza.",
    "nl": "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren. Zij zijn begiftigd"
    " met verstand en geweten, en behoren zich jegens elkander in een geest van broederschap te"
    " gedragen.",
    "sv": "Alla människor är födda fria och lika i värde och rättigheter. De är utrustade med"
    " förnuft och samvete och bör handla gentemot varandra i en anda av broderskap.",
    "da": "Alle mennesker er født frie og lige i værdighed og rettigheder. De er udstyret med"
    " fornuft og samvittighed, og de bør handle mod hverandre i en broderskabets ånd.",
    "fi": "Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan. Heille on"
    " annettu järki ja omatunto, ja heidän on toimittava toisiaan kohtaan veljeyden hengessä.",
    "pl": "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Są oni"
    " obdarzeni rozumem i sumieniem i powinni postępować wobec innych w duchu braterstwa.",
    "cs": "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv. Jsou nadáni"
    " rozumem a svědomím a mají spolu jednat v duchu bratrství.",
    "tr": "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Akıl ve vicdana"
    " sahiptirler ve birbirlerine karşı kardeşlik zihniyeti ile hareket etmelidirler.",
    "id": "Semua orang dilahirkan merdeka dan mempunyai martabat dan hak-hak yang sama. Mereka"
    " dikaruniai akal dan hati nurani dan hendaknya bergaul satu sama lain dalam persaudaraan.",
    "vi": "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi. Mọi con"
    " người đều được tạo hoá ban cho lý trí và lương tâm và cần phải đối xử với nhau trong tình"
    " bằng hữu.",
    "ja": "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
    "zh": "人人生而自由，在尊严和权利上一律平等。",
    "ru": "Все люди рождаются свободными и равными в своем достоинстве и правах.",
    "uk": "Всі люди народжуються вільними і рівними у своїй гідності та правах.",
    "el": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια.",
    "ar": "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق.",
    "fa": "تمام افراد بشر آزاد به دنیا می‌آیند و باید نسبت به یکدیگر با روح برادری رفتار کنند.",
    "he": "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.",
    "hi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता है।",
    "th": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ",
}
"""Of the first article of the Universal Declaration of Human Rights."""


class TestLanguage:
    @pytest.mark.parametrize("code", RIGHTS)
    def test_of_a_sentence_or_two(self, code: str) -> None:
        assert language_of(RIGHTS[code]) == code

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("FastAPI는 Starlette와 Pydantic을 쓰는 modern web framework입니다", "ko"),
            ("Python과 https://example.com/a/very/long/path 그리고 docs/tutorial/index.md", "ko"),
            ("the word 안녕 is Korean and it is not the only one", "en"),
            ("", ""),
            ("12345 ... 👩‍🚀", ""),
            ("def main(): return x.y", ""),
            ("<p class='of the'> <b>", ""),
            ("Dough", ""),
        ],
    )
    def test_of_what_is_mixed_or_says_little(self, text: str, code: str) -> None:
        assert language_of(text) == code

    def test_code_is_left_out_and_what_says_little_is_its_documents(self) -> None:
        text = (
            f"{RIGHTS['ko']}\n\n```\nthis is for the code and not the text\n```\n\n{RIGHTS['en']}\n"
        )
        rows = parts(Language(), text, "text/markdown", ["```\nthis", RIGHTS["en"]])
        assert rows == [(("ko",),), (("ko",),), (("en",),)]
        assert whole(Language(), "x = 1\n", media="text/x-source-python") == ((),)

    @given(texts)
    def test_any_text_has_a_language_or_none(self, text: str) -> None:
        assert language_of(text) in {"", *RIGHTS, "bn", "ta", "te", "ka", "hy"}

    @pytest.mark.data
    @pytest.mark.parametrize("code", ["en", "ko"])
    def test_of_the_chunks_of_two_manuals(self, pizza_data: Path, code: str) -> None:
        read = read_paths([pizza_data / "docs-fastapi/docs" / code])
        corpus, rt = Corpus(read.documents), Runtime()
        structure, tokens = Blocks().apply(corpus, rt), CountTokens().apply(corpus, rt)
        chunks = FixedTokens(size=200).apply(corpus, structure, tokens, rt)
        field = Language().apply(corpus, structure, chunks, rt).held["language"]
        counts = Counter(field.values[i] for i in field.of.tolist())
        assert counts[(code,)] >= 0.99 * len(chunks)
        assert set(counts) <= {("en",), ("ko",), ()}


CODE = (
    "import os\n\n\nclass Oven:\n    def on(self):\n        return 1\n\n\ndef bake():\n    pass\n"
)
MARKDOWN = """# Use `it` { #use-it }

one

## More, *and* more!

two

```python
x = 1
```

## More, and more!

three
"""


class TestPlaces:
    def test_symbols_and_languages_of_code(self) -> None:
        rows = parts(Symbols(), CODE, "text/x-source-python", ["class", "def bake"])
        assert rows == [
            ((), ("python",)),
            (("Oven", "Oven.on"), ("python",)),
            (("bake",), ("python",)),
        ]
        assert whole(Symbols(), MARKDOWN, media="text/markdown") == ((), ("python",))
        assert whole(Symbols(), "prose") == ((), ())

    def test_headings_anchors_and_no_pages(self) -> None:
        rows = parts(Sections(), MARKDOWN, "text/markdown", ["two", "## More, and"])
        first, more = "Use it", "More, *and* more!"
        assert rows == [
            ((first, more), ("use-it", "more-and-more"), ()),
            ((first, more), ("more-and-more",), ()),
            ((first, "More, and more!"), ("more-and-more-1",), ()),
        ]

    @pytest.mark.parametrize("mark", ["{#x-y}", "{ #x-y .c }", "{: #x-y }", "{% #x-y %}"])
    def test_an_anchor_that_a_heading_says(self, mark: str) -> None:
        assert whole(Sections(), f"# Title {mark}\n\ntext", media="text/markdown")[1] == ("x-y",)

    def test_pages(self) -> None:
        rows = parts(Sections(), "one\n\ftwo\n\fthree\n\f", "application/pdf", ["two", "three"])
        assert [row[2] for row in rows] == [(1,), (2,), (3,)]
        assert whole(Sections(), "one\n\ftwo\n\f", media="application/pdf")[2] == (1, 2)


def test_every_enricher_says_what_it_finds() -> None:
    names = [name for cls in ENRICHERS for name in cls.fields]
    assert len({*names}) == len(names) >= len(ENRICHERS)
    for cls in ENRICHERS:
        assert all(f"`{name}`" in (cls.__doc__ or "") for name in cls.fields)


@pytest.mark.parametrize("cls", ENRICHERS)
def test_no_documents_and_no_chunks(cls: type[Enricher]) -> None:
    assert found(cls(), Corpus(()), []) == []
    assert found(cls(), Corpus((Document("d", "text"),)), [[]]) == []


DOCS = Corpus(
    (
        Document("a.md", f"{RIGHTS['en']} On 2023-04-01 and 2024-05-01.", metadata={"n": 1}),
        Document("b.md", f"{RIGHTS['ko']} 2024년 6월 2일.", metadata={"dates": "mine"}),
        Document("c.md", f"{RIGHTS['en']} No day.", metadata={"language": "xx", "n": None}),
    )
)
ASKED = Queries(("human beings", "인간은 자유", "day"))
EVERY = tuple(cls() for cls in ENRICHERS)


def kept(
    *filters: Filter, enrich: tuple[Enricher, ...] = EVERY, chunk: Chunker | None = None
) -> Any:
    pipeline = Pipeline(chunk=chunk or FixedTokens(), enrich=enrich, filter=filters)
    rt = Runtime()
    index = pipeline.filtered(pipeline.ingest(DOCS, rt), rt)
    mask = index.kept.value if index.kept else np.ones(len(index.chunks.value), bool)
    return index.chunks.value.document[mask].tolist()


@pytest.mark.parametrize(
    ("stage", "rows"),
    [
        (Equals("language", "en"), [0, 2]),
        (Equals("language", "xx"), []),
        (In("language", ("ko", "ja")), [1]),
        (Not(Equals("language", "en")), [1]),
        (Range("dates", "2024", "2024-05-31"), [0]),
        (Range("dates", "2023-05", "2024-04"), []),
        (Range("dates", "2024", None), [0, 1]),
        (Glob("dates", "2023-*"), [0]),
        (Exists("dates"), [0, 1]),
        (Not(Exists("dates")), [2]),
        (Equals("dates", "mine"), []),
        (Equals("date", "2023-04-01"), [0]),
        (Equals("n", 1), [0]),
        (Exists("symbol"), []),
        (Range("page", 1, None), []),
    ],
)
def test_filters_ask_for_what_enrichers_find(stage: Filter, rows: list[int]) -> None:
    assert kept(stage) == rows


def test_a_chunk_is_asked_not_its_document() -> None:
    halves = FixedTokens(size=12)
    assert len(kept(Exists("dates"), chunk=halves)) < len(kept(Exists("date"), chunk=halves))
    assert set(kept(Exists("date"), chunk=halves)) == {0, 1}


@given(
    st.lists(st.lists(st.sampled_from(["a", "ab", "b", 1, 2, 3]), max_size=3), max_size=6),
    st.sampled_from(["a", "b", 2, "c"]),
)
def test_one_value_of_several_is_enough(rows: list[list[Any]], wanted: Any) -> None:
    corpus = Corpus(tuple(Document(str(i), "x") for i in range(len(rows))))
    chunks = Chunks.of_spans([[(0, 1)]] * len(rows))
    fields = Fields({"f": Field.of_rows(map(tuple, rows))})
    for stage, expected in (
        (Equals("f", wanted), [wanted in row for row in rows]),
        (Exists("f"), [bool(row) for row in rows]),
        (Not(Equals("f", wanted)), [wanted not in row for row in rows]),
        (Range("f", 2, None), [any(v in (2, 3) for v in row) for row in rows]),
    ):
        assert stage.apply(corpus, chunks, fields, rt=Runtime()).tolist() == expected


def test_an_unknown_field_lists_those_that_enrichers_find_too() -> None:
    with pytest.raises(SpecError) as error:
        kept(Equals("langage", "en"), enrich=(Language(), Dates()))
    assert str(error.value) == (
        "Equals.field: no document has the field 'langage'; did you mean 'language'?"
        " known: id, title, media, language, date, dates, n"
    )
    with pytest.raises(SpecError, match="'symbol'; put Symbols under enrich, which finds it"):
        kept(Exists("symbol"), enrich=(Language(),))


def test_two_stages_that_find_the_same_are_refused() -> None:
    with pytest.raises(SpecError, match="two stages that find the same fields"):
        Pipeline(enrich=(Dates(), Dates()))


def test_the_slot_in_specs() -> None:
    pipeline = Pipeline(enrich=(Dates(), Language()), filter=(Exists("dates"),))
    assert pipeline_of(full_spec(pipeline)) == pipeline == pipeline.effective()
    assert short_spec(pipeline)["enrich"] == ["Dates", "Language"]
    assert all(slot_value("enrich", nothing) == () for nothing in (None, "none", []))
    assert slot_value("enrich", "Dates") == (Dates(),)
    assert Pipeline(enrich=(Dates(),)).effective() == Pipeline()


def test_without_filters_no_enricher_runs_and_no_key_changes(workspace: Workspace) -> None:
    rt = Runtime(workspace)
    plain = Pipeline(embed=Hashed(), contextualize=Headings(), chunk=ByHeading())
    rich = Pipeline(embed=Hashed(), contextualize=Headings(), chunk=ByHeading(), enrich=EVERY)
    one, two = (p.search(p.ingest(DOCS, rt), ASKED, rt) for p in (plain, rich))
    assert one.key == two.key
    assert one.value.ids.tolist() == two.value.ids.tolist()
    filtered = Pipeline(filter=(Exists("n"),))
    index = filtered.ingest(DOCS, rt)
    mask = filtered.filtered(index, rt).kept
    assert mask is not None
    wanted = Exists("n").key(index.corpus.key, index.chunks.key)
    assert wanted in {m.key for m in mask.line()}


def test_what_is_found_is_kept_and_shared_whatever_the_context(workspace: Workspace) -> None:
    pipelines = [
        Pipeline(enrich=EVERY, filter=(Exists("dates"),), contextualize=context)
        for context in (None, Headings())
    ]
    first = Runtime(workspace)
    for p in pipelines:
        _ = p.search(p.ingest(DOCS, first), ASKED, first).value
    second = Runtime(workspace)
    for p in pipelines:
        _ = p.search(p.ingest(DOCS, second), ASKED, second).value
    keys = {found.key for p in pipelines for found in p.ingest(DOCS, first).fields}
    assert len(keys) == len(EVERY)
    assert keys <= first.tally.made
    assert not keys & second.tally.made
