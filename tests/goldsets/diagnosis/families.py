"""The same fault planted many times over: enough queries to verify a cure on the held-out half."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from goldsets.evaluation.sweep import Board
from goldsets.types import Evidence, GoldSet, Query
from retrieval.ingest.chunk import Given
from retrieval.ingest.enrich import Language
from retrieval.pipeline import Pipeline
from retrieval.query.assemble import Context
from retrieval.query.dense import Dense
from retrieval.query.filter import Equals, Exists
from retrieval.query.fuse import RRF
from retrieval.query.lexical import BM25
from retrieval.runtime import Runtime
from retrieval.types import Corpus, Document
from tests.goldsets.diagnosis.planted import Concepts, Phrase, paragraphs

COPIES = 40
WORDS = Pipeline(chunk=Given(), embed=Concepts(), first=(BM25(),), pool=12)
Placed = tuple[list[Document], str, str]
"""Documents, the first of which holds the evidence; the query; the evidence."""


def word(i: int, letter: str) -> str:
    """A word of its own for each copy."""
    return letter + "".join("bdfgklmnprtv"[i // 12**n % 12] + "aeiou"[(i + n) % 5] for n in (0, 1))


def hangul(i: int) -> str:
    """The same in Hangul: two syllables, which no other copy has beside each other."""
    return chr(0xAC00 + 28 * (i * 7 + 3)) + chr(0xAC00 + 28 * (i * 5 + 11))


def document(name: str, text: str, **metadata: str | int) -> Document:
    return Document(name, text, metadata=metadata, given=paragraphs(text))


def others(i: int, texts: list[str], **metadata: str | int) -> list[Document]:
    return [document(f"{i}-{n}", text, **metadata) for n, text in enumerate(texts, 1)]


def particles(i: int) -> Placed:
    text = f"{hangul(i)}를 서늘한 곳에 둔다."
    return [document(f"{i}-0", text)], f"{hangul(i)} 어디", text


def last_year(i: int) -> Placed:
    text = f"The {word(i, 'z')} costs nine coins."
    return [document(f"{i}-0", text, year=2023)], f"price of a {word(i, 'z')}", text


def among_tests(i: int) -> Placed:
    w, text = word(i, "z"), f"Use {word(i, 'z')} with care, and only after reading all of this."
    noise = others(i, [f"{w} {w} test {n}." for n in ("one", "two", "three", "four")], kind="test")
    return [document(f"{i}-0", text, kind="guide"), *noise], f"{w} test", text


def titled(i: int) -> Placed:
    text = f"Turn {word(i, 'y')} to the {word(i, 'x')}, until it {word(i, 'w')}."
    held = replace(document(f"{i}-0", text), title=f"The {word(i, 'z')}")
    return [held], f"how to stop a {word(i, 'z')}", text


def second_of_its_document(i: int) -> Placed:
    w, text = word(i, "z"), f"{word(i, 'z')} for boats dries in {i} hours, so they say, in the sun."
    return [document(f"{i}-0", f"{w}. {w} drips.\n\n{text}")], w, text


def deep_down(i: int) -> Placed:
    w, text = word(i, "z"), f"A spare {word(i, 'z')}, as the old ones say, costs {i} coins."
    noise = [f"{w} spare {w} {n}." for n in ("one", "two", "three", "four", "five", "six")]
    return [document(f"{i}-0", text), *others(i, noise)], f"spare {w}", text


def let_fall(i: int) -> Placed:
    a, b = word(i, "z"), word(i, "y")
    text = f"{a}, {b}: {a}."
    noise = [f"Nobody {n} has seen the {a} {b} since then." for n in ("here", "there", "around")]
    return [document(f"{i}-0", text), *others(i, noise)], f"{a} {b}", text


def drowned(i: int) -> Placed:
    w = word(i, "z")
    text = f"{w} means, for {w} is all it shows, {w}: open lid {i}."
    return (
        [document(f"{i}-0", text), *others(i, [f"Kiln error, kiln fault {i}."])],
        f"kiln {w}",
        text,
    )


@dataclass(frozen=True)
class Family:
    """Copies of a fault, the pipeline that has it, and how the change is called that cures it."""

    place: Callable[[int], Placed]
    pipeline: Pipeline
    cure: str


FAMILIES = (
    Family(particles, WORDS, "Cut words by HangulBigrams"),
    Family(
        last_year, replace(WORDS, filter=(Equals("year", 2024),)), "Drop the filter year = 2024"
    ),
    Family(among_tests, WORDS, "Search only where kind = guide"),
    Family(titled, WORDS, "Put title and headings beside each chunk"),
    Family(
        second_of_its_document,
        replace(WORDS, assemble=Context(duplicates=0.0, per_document=1)),
        "Any number of chunks of a document",
    ),
    Family(deep_down, replace(WORDS, pool=4, rerank=Phrase(top_n=4)), "A pool of 8 candidates"),
    Family(let_fall, replace(WORDS, rerank=Phrase(top_n=12)), "Leave Phrase out"),
    Family(
        drowned,
        replace(WORDS, first=(BM25(), Dense()), fuse=RRF(weights=(0.2, 0.8))),
        "Fuse by RRF with k 0",
    ),
)

PLACEBOS: tuple[Callable[[Pipeline], Pipeline], ...] = (
    lambda p: replace(p, pool=p.pool + 1),
    lambda p: replace(p, filter=(*p.filter, Exists("id"))),
    lambda p: replace(p, first=tuple(replace(s, k1=1.21) if s == BM25() else s for s in p.first)),
    lambda p: replace(p, enrich=(Language(),)),
)
"""Changes that cure none of these faults."""


def board(family: Family) -> Board:
    placed = [family.place(i) for i in range(COPIES)]
    documents = tuple(d for own, _, _ in placed for d in own)
    queries = tuple(Query(f"q{i}", asked) for i, (_, asked, _) in enumerate(placed))
    evidence = {}
    for query, (own, _, quote) in zip(queries, placed, strict=True):
        start = own[0].text.index(quote)
        evidence[query.id] = (Evidence.of(own[0].id, own[0].text, start, start + len(quote)),)
    gold = GoldSet("family", "corpus", queries, evidence)
    return Board(gold, Corpus(documents, "corpus", 1), Runtime())
