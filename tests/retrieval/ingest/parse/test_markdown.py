import re
from pathlib import Path

import pytest

from retrieval.ingest.parse import Kind, parse_document
from retrieval.types import Document

Found = tuple[str, str]


def blocks(text: str) -> list[Found]:
    parsed = parse_document(Document("d", text, media="text/markdown"))
    return [(b.kind.name, text[b.start : b.end]) for b in parsed]


def paths(text: str) -> list[tuple[str, ...]]:
    parsed = parse_document(Document("d", text, media="text/markdown"))
    return [b.path for b in parsed if b.kind is Kind.HEADING]


def test_headings_fences_and_paragraphs() -> None:
    text = "# One\n\npara\nof two lines\n```py\n# no heading\n\nx\n```\nafter\n## Two ##\n"
    assert blocks(text) == [
        ("HEADING", "# One"),
        ("TEXT", "para\nof two lines"),
        ("CODE", "```py\n# no heading\n\nx\n```"),
        ("TEXT", "after"),
        ("HEADING", "## Two ##"),
    ]
    assert paths(text) == [("One",), ("One", "Two")]


def test_front_matter_is_one_block_and_no_heading() -> None:
    text = "---\ntitle: Pizza\n# comment\n---\n# One\n\n---\n\nend\n"
    assert blocks(text) == [
        ("META", "---\ntitle: Pizza\n# comment\n---"),
        ("HEADING", "# One"),
        ("TEXT", "---"),
        ("TEXT", "end"),
    ]


@pytest.mark.parametrize("text", ["---\n---\ntext", "---\r\na: 1\r\n---\r\ntext", "---\n---"])
def test_front_matter_may_be_empty_end_the_file_or_have_other_line_ends(text: str) -> None:
    assert blocks(text)[0] == ("META", text.removesuffix("text").rstrip())


@pytest.mark.parametrize("text", [" ---\na: 1\n---\n", "text\n---\na: 1\n---\n", "--- a\nb\n---\n"])
def test_dashes_elsewhere_are_no_front_matter(text: str) -> None:
    assert "META" not in [kind for kind, _ in blocks(text)]


def test_setext_headings() -> None:
    text = "Title\n=====\n\ntext\n\nPart `two`\nof it\n---\nmore\n"
    assert [kind for kind, _ in blocks(text)] == ["HEADING", "TEXT", "HEADING", "TEXT"]
    assert paths(text) == [("Title",), ("Title", "Part two of it")]


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("# Use `x` and `y()` { #use-x }", "Use x and y()"),
        ("## 한국어 제목 {#anchor .class}", "한국어 제목"),
        ("### Closed ###", "Closed"),
        ("# C#", "C#"),
        ("# {braces} stay", "{braces} stay"),
        ("# Markdoc {% #anchor .class %}", "Markdoc"),
        ('# Named {% id="x" %}', "Named"),
        ('# New <Badge text="x" />', "New"),
        ("# <Badge>New</Badge> thing", "New thing"),
        ("# Of `List<T>` and Vec<T>", "Of List<T> and Vec<T>"),
        ("#", ""),
        ("   #   Spaced   out  ", "Spaced out"),
    ],
)
def test_titles_have_no_marks_and_no_anchors(heading: str, title: str) -> None:
    assert paths(f"{heading}\n\ntext\n") == [(title,)]


def test_lists_keep_their_items_and_their_fences() -> None:
    text = "- one\n- two\n\n  ```py\n  x = 1\n\n  y = 2\n  ```\n\n  more\n\n    - deep\n\n# End\n"
    assert blocks(text) == [
        ("LIST", "- one"),
        ("LIST", "- two"),
        ("CODE", "  ```py\n  x = 1\n\n  y = 2\n  ```"),
        ("LIST", "  more"),
        ("LIST", "    - deep"),
        ("HEADING", "# End"),
    ]


def test_a_fence_that_opens_an_item_keeps_its_bullet() -> None:
    text = "1. ```sh\n   make\n   ```\n2. done\n"
    assert blocks(text) == [("CODE", "1. ```sh\n   make\n   ```"), ("LIST", "2. done")]


def test_headings_inside_quotes_and_items_are_not_sections() -> None:
    text = "# Real\n\n> # Quoted\n> text\n\n- # Item\n"
    assert paths(text) == [("Real",)]
    assert [kind for kind, _ in blocks(text)] == ["HEADING", "LIST", "LIST", "LIST"]


@pytest.mark.parametrize(
    "tag",
    [
        *('{% callout type="note" %}', "{% /callout %}", "{%- endif %}", "{% a %}{% b %}"),
        *('<Tip icon="x">', "</Tip>", "<Image src={x} />", "<>", "</>", "<A.B>", "<A><B>"),
        *('<Tab\n  title="a > b"\n  icon={{a: {b: 1}}}\n>', "{% if\n  x %}"),
        *("{/* # no */}", "{/* # a\n\n# b */}"),
    ],
)
def test_a_tag_is_a_block_of_text_that_hides_nothing(tag: str) -> None:
    text = f"before\n{tag}\n---\n{tag}\n===\n{tag}\n# Real\n{tag}\n```\nx\n```\n{tag}\nafter\n"
    found = blocks(text)
    assert [block for kind, block in found if kind == "HEADING"] == ["# Real"]
    assert [block for kind, block in found if kind == "CODE"] == ["```\nx\n```"]
    assert found.count(("TEXT", tag)) == 5
    assert (found[0], found[-1]) == (("TEXT", "before"), ("TEXT", "after"))


def test_what_stands_in_an_element_may_be_indented() -> None:
    text = (
        '<Tabs>\n    <Tab title="a"\n      x="y">\n    ## Deep\n\n    text\n\n'
        "    ```py\n    x = 1\n    ```\n    </Tab>\n</Tabs>\n\n    code\n"
    )
    assert blocks(text) == [
        ("TEXT", "<Tabs>"),
        ("TEXT", '    <Tab title="a"\n      x="y">'),
        ("HEADING", "    ## Deep"),
        ("TEXT", "    text"),
        ("CODE", "    ```py\n    x = 1\n    ```"),
        ("TEXT", "    </Tab>"),
        ("TEXT", "</Tabs>"),
        ("CODE", "    code"),
    ]
    assert paths(text) == [("Deep",)]


@pytest.mark.parametrize(
    "text",
    [
        *("<Tip>one line</Tip> of text", "a <Tip> b", "List<T> of x", "<Tip", "<Https://x.org>"),
        *("{% open\nand no end", "{{ value }}", "{/* open", "<1>", "< A>", "{a}"),
        '<Card\n  href="/x"\n>All about it.</Card>',
    ],
)
def test_what_is_no_line_of_tags_is_text(text: str) -> None:
    assert blocks(f"{text}\n\n    code\n") == [("TEXT", text), ("CODE", "    code")]


def test_tags_in_fences_and_in_indented_code_are_code() -> None:
    assert blocks("```\n<Tip>\n{% x %}\n```") == [("CODE", "```\n<Tip>\n{% x %}\n```")]
    assert blocks("    <Tip>\n    x\n") == [("CODE", "    <Tip>\n    x")]


def test_tables_are_whole() -> None:
    text = "before\n\n| a | b |\n|---|:-:|\n| 1 | `x | y` |\n| 2 | |\n\nafter\n"
    assert blocks(text) == [
        ("TEXT", "before"),
        ("TABLE", "| a | b |\n|---|:-:|\n| 1 | `x | y` |\n| 2 | |"),
        ("TEXT", "after"),
    ]


def test_html_and_what_has_no_token_is_text() -> None:
    text = '<div class="x">\n# no heading\n</div>\n\n[ref]: http://x\n\n<!-- a\n\nb -->\nend\n'
    found = blocks(text)
    assert {kind for kind, _ in found} == {"TEXT"}
    assert "[ref]: http://x" in [block for _, block in found]


def test_indented_code_and_fences_that_never_close() -> None:
    assert blocks("text\n\n    code\n\n    more\n\ntext") == [
        ("TEXT", "text"),
        ("CODE", "    code\n\n    more"),
        ("TEXT", "text"),
    ]
    assert blocks("~~~\n# inside\n\nend") == [("CODE", "~~~\n# inside\n\nend")]


def test_a_longer_fence_holds_a_shorter_one() -> None:
    text = "````md\n```py\nx\n```\n````"
    assert blocks(text) == [("CODE", text)]


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_other_line_ends_give_the_same_blocks(end: str) -> None:
    text = "# One\n\ntext\nmore\n\n```\nx\n```\n\n| a |\n|---|\n| 1 |\n"
    other = blocks(text.replace("\n", end))
    assert [(kind, block.replace(end, "\n")) for kind, block in other] == blocks(text)


def counted(folder: Path) -> tuple[int, int, int]:
    kinds: list[Kind] = []
    for path in folder.rglob("*.md"):
        text = path.read_text(encoding="utf-8")
        kinds += [b.kind for b in parse_document(Document("d", text, media="text/markdown"))]
    return kinds.count(Kind.HEADING), kinds.count(Kind.CODE), kinds.count(Kind.TABLE)


@pytest.mark.data
@pytest.mark.parametrize(
    ("folder", "headings", "fences"),
    [
        ("docs-streamlit/content", 1_673, 1_596),
        ("docs-fastapi/docs/en", 1_165, 369),
        ("docs-fastapi/docs/ko", 1_105, 343),
    ],
)
def test_counts_are_near_those_of_the_data_readme(
    pizza_data: Path, folder: str, headings: int, fences: int
) -> None:
    found = counted(pizza_data / folder)
    assert found[0] == headings
    assert abs(found[1] - fences) <= 2  # one count there is "about"


@pytest.mark.data
def test_korean_and_english_twins_have_the_same_anchors_in_the_same_levels(
    pizza_data: Path,
) -> None:
    english, korean = (sections(pizza_data / "docs-fastapi/docs" / part) for part in ("en", "ko"))
    shared = english.keys() & korean.keys()
    assert len(shared) == 124
    assert [name for name in shared if english[name] != korean[name]] == []


def sections(folder: Path) -> dict[str, list[tuple[int, str]]]:
    found = {}
    for path in folder.rglob("*.md"):
        text = path.read_text(encoding="utf-8")
        parsed = parse_document(Document("d", text, media="text/markdown"))
        headings = [b for b in parsed if b.kind is Kind.HEADING]
        anchors = [re.search(r"\{ #(\S+) \}", text[b.start : b.end]) for b in headings]
        pairs = zip(headings, anchors, strict=True)
        found[str(path.relative_to(folder))] = [(b.level, a[1]) for b, a in pairs if a]
    return found


def test_a_fence_says_its_language() -> None:
    text = "```python title=x\na\n```\n\n~~~\nb\n~~~\n\n    c\n"
    blocks = parse_document(Document("d", text, media="text/markdown"))
    assert [b.language for b in blocks if b.kind is Kind.CODE] == ["python", "", ""]
