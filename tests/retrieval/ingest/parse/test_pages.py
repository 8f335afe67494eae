from retrieval.ingest.parse import Kind, parse_document
from retrieval.types import Document


def test_paragraphs_know_their_page() -> None:
    text = "one\n\ntwo\n\f\fthree\n\f"
    blocks = parse_document(Document("d", text, media="application/pdf"))
    assert [(b.page, text[b.start : b.end]) for b in blocks] == [
        (1, "one"),
        (1, "two"),
        (3, "three"),
    ]


def test_a_table_is_one_block() -> None:
    for media in ("text/csv", "text/tab-separated-values"):
        text = "\na,b\n1,2\n\n3,4\n"
        (block,) = parse_document(Document("d", text, media=media))
        assert (block.kind, text[block.start : block.end]) == (Kind.TABLE, "a,b\n1,2\n\n3,4")
        assert parse_document(Document("d", " \n", media=media)) == []


def test_marked_lines_are_headings_on_any_page() -> None:
    one, two = "\u2001", "\u2001\u2001"
    text = (
        f"{one}First\ntext\n{two}Second \nmore\n\nand \u2001 more\n\f{two}Third\n\f\f{one}Last\n\f"
    )
    blocks = parse_document(Document("d", text, media="application/pdf"))
    assert [(b.kind, b.page, b.path, text[b.start : b.end].strip()) for b in blocks] == [
        (Kind.HEADING, 1, ("First",), "First"),
        (Kind.TEXT, 1, ("First",), "text"),
        (Kind.HEADING, 1, ("First", "Second"), "Second"),
        (Kind.TEXT, 1, ("First", "Second"), "more"),
        (Kind.TEXT, 1, ("First", "Second"), "and \u2001 more"),
        (Kind.HEADING, 2, ("First", "Third"), "Third"),
        (Kind.HEADING, 4, ("Last",), "Last"),
    ]
