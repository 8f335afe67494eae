from pydoc_data.topics import topics

import pytest

from retrieval.ingest.parse import Kind, parse_document
from retrieval.types import Document


def blocks(text: str) -> list[tuple[str, str]]:
    parsed = parse_document(Document("d", text, media="text/x-rst"))
    return [(b.kind.name, text[b.start : b.end]) for b in parsed]


def paths(text: str) -> list[tuple[str, ...]]:
    parsed = parse_document(Document("d", text, media="text/x-rst"))
    return [b.path for b in parsed if b.kind is Kind.HEADING]


def test_headings_get_their_level_from_the_order_of_their_styles() -> None:
    text = (
        "=====\nTitle\n=====\n\nintro\n\nPart\n====\n\nSub\n---\n\ntext\n\nOther\n=====\n\n"
        '"with"\n------\n\nEnd\n===\n'
    )
    assert paths(text) == [
        ("Title",),
        ("Title", "Part"),
        ("Title", "Part", "Sub"),
        ("Title", "Other"),
        ("Title", "Other", '"with"'),
        ("Title", "End"),
    ]
    assert blocks(text)[0] == ("HEADING", "=====\nTitle\n=====")
    assert blocks(text)[1] == ("TEXT", "intro")


def test_a_rule_that_is_too_short_or_stands_alone_makes_no_heading() -> None:
    text = "A long title\n====\n\ntext\n\n----------\n\nmore\n"
    assert paths(text) == []


def test_a_korean_title_may_have_a_rule_of_its_own_length() -> None:
    assert paths("예외 처리\n=====\n\n본문\n") == [("예외 처리",)]


def test_literal_blocks_after_a_colon() -> None:
    text = "Example::\n\n    x = 1\n\n    y = 2\n\nBack to text:\n\n   code\n\n- item\n"
    assert blocks(text) == [
        ("TEXT", "Example::"),
        ("CODE", "    x = 1\n\n    y = 2"),
        ("TEXT", "Back to text:"),
        ("CODE", "   code"),
        ("LIST", "- item"),
    ]


def test_an_indented_paragraph_without_a_colon_before_it_is_text() -> None:
    assert blocks("text\n\n   quote\n") == [("TEXT", "text"), ("TEXT", "   quote")]


def test_code_directives_hold_their_blank_lines() -> None:
    text = "Before.\n\n.. code-block:: python\n   :linenos:\n\n   a = 1\n\n   b = 2\n\nAfter.\n"
    assert blocks(text) == [
        ("TEXT", "Before."),
        ("CODE", ".. code-block:: python\n   :linenos:\n\n   a = 1\n\n   b = 2"),
        ("TEXT", "After."),
    ]


def test_other_directives_are_text() -> None:
    text = ".. note:: Mind the heat.\n\n   It is hot.\n"
    assert [kind for kind, _ in blocks(text)] == ["TEXT", "TEXT"]


def test_doctests() -> None:
    text = "See\n\n>>> 1 + 1\n2\n\nand\n\n   >>> x\n   1\n\n   >>> y\n\nend\n"
    assert blocks(text) == [
        ("TEXT", "See"),
        ("CODE", ">>> 1 + 1\n2"),
        ("TEXT", "and"),
        ("CODE", "   >>> x\n   1\n\n   >>> y"),
        ("TEXT", "end"),
    ]


GRID = "+---+-----+\n| a | b   |\n+===+=====+\n| 1 | two |\n|   | 2   |\n+---+-----+"
SIMPLE = "=====  =====\nA      B\n=====  =====\none    1\n\ntwo    2\n=====  ====="
HEADLESS = "==  ==\na   1\nb   2\n==  =="


def test_grid_tables() -> None:
    assert blocks(f"text\n\n{GRID}\n\nafter\n") == [
        ("TEXT", "text"),
        ("TABLE", GRID),
        ("TEXT", "after"),
    ]


def test_simple_tables_with_and_without_a_header() -> None:
    text = f"{HEADLESS}\n\nbetween\n\n{SIMPLE}\n\n  {HEADLESS}\n\nend\n{HEADLESS}"
    found = blocks(text)
    assert [kind for kind, _ in found] == ["TABLE", "TEXT", "TABLE", "TABLE", "TEXT"]
    assert [block for kind, block in found if kind == "TABLE"][:2] == [HEADLESS, SIMPLE]


def test_a_table_that_never_ends_is_text() -> None:
    assert blocks("=== ===\na   b\n\ntext\n") == [("TEXT", "=== ===\na   b"), ("TEXT", "text")]


def test_items_are_blocks_of_their_own() -> None:
    text = "Intro\n\n* one\n  goes on\n* two\n\n1. first\n2. second\n\n(a) last\n"
    assert blocks(text) == [
        ("TEXT", "Intro"),
        ("LIST", "* one\n  goes on"),
        ("LIST", "* two"),
        ("LIST", "1. first"),
        ("LIST", "2. second"),
        ("LIST", "(a) last"),
    ]


@pytest.mark.parametrize("topic", ["try", "for"])
def test_the_language_reference_that_python_carries(topic: str) -> None:
    text = topics[topic]
    found = paths(text)
    assert found[0] == (f'The "{topic}" statement',)
    code = [block for kind, block in blocks(text) if kind == "CODE"]
    assert any(f"{topic}_stmt" in block for block in code)
    assert any(block.lstrip().startswith((">>>", f"{topic} ", "for", "try")) for block in code)
