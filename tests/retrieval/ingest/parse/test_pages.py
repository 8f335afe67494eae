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
