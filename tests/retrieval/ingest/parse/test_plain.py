from retrieval.ingest.parse import parse_document
from retrieval.types import Document


def blocks(text: str, media: str) -> list[tuple[str, str]]:
    parsed = parse_document(Document("d", text, media=media))
    return [(b.kind.name, text[b.start : b.end]) for b in parsed]


def test_plain_text_is_paragraphs_between_blank_lines() -> None:
    text = "\n\n  one\nline two\n \t\n\nthree  \r\n\r\nfour\n"
    assert blocks(text, "text/plain") == [
        ("TEXT", "  one\nline two"),
        ("TEXT", "three"),
        ("TEXT", "four"),
    ]


def test_a_media_type_nobody_knows_is_plain_text() -> None:
    assert blocks("# a\n\nb", "application/x") == [("TEXT", "# a"), ("TEXT", "b")]


def test_code_is_cut_where_a_blank_line_is_followed_by_the_margin() -> None:
    text = (
        "import os\n\n\ndef one():\n    x = 1\n\n    return x\n\n@cached\ndef two():\n    pass\n\n"
        "const a = {\n  b: 1,\n\n};\nend\n"
    )
    assert blocks(text, "text/x-source-python") == [
        ("CODE", "import os"),
        ("CODE", "def one():\n    x = 1\n\n    return x"),
        ("CODE", "@cached\ndef two():\n    pass"),
        ("CODE", "const a = {\n  b: 1,\n\n};\nend"),
    ]


def test_empty_texts_have_no_blocks() -> None:
    for media in ("text/plain", "text/x-source-c"):
        assert blocks("", media) == blocks(" \n\n ", media) == []
