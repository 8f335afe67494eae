"""Every kind of file by example, through the reader and the process that converts."""

import io
import json
from collections.abc import Iterator
from email.message import EmailMessage

import docx
import openpyxl
import pytest

from retrieval.ingest.convert import convert
from retrieval.ingest.media import HTML, MAIL, NOTEBOOK
from retrieval.ingest.parse import Kind, parse_document
from retrieval.ingest.read import read_uploads
from retrieval.types import Document
from tests.retrieval.ingest.convert.making import pdf


def one(name: str, data: bytes) -> Document:
    got = read_uploads([(name, data)])
    assert got.problems == []
    (document,) = got.documents
    return document


def outline(document: Document) -> Iterator[tuple[str, tuple[str, ...], str]]:
    for block in parse_document(document):
        text = document.text[block.start : block.end]
        yield Kind(block.kind).name, block.path, text


def page(body: str, encoding: str = "utf-8") -> str:
    return convert(HTML, body.encode(encoding)).text


class TestHtml:
    def test_headings_lists_tables_and_code(self) -> None:
        source = (
            "<html><head><title>Ovens &amp; heat</title><style>x{}</style></head><body>"
            "<h1>One<a href='#'>¶</a></h1><p>Hot <b>and</b> <code>x = 1</code></p>"
            "<script>bad()</script><ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>"
            "<h2>Two</h2><pre class='highlight-python'><code>def f():\n    return 1 &lt; 2\n"
            "</code></pre><table><tr><th>a|b</th><th>c</th></tr><tr><td>1</td><td>2</td></tr>"
            "</table></body></html>"
        )
        document = one("a.html", source.encode())
        assert (document.title, document.media) == ("Ovens & heat", "text/html")
        assert list(outline(document)) == [
            ("HEADING", ("One",), "# One"),
            ("TEXT", ("One",), "Hot and `x = 1`"),
            ("LIST", ("One",), "- a"),
            ("LIST", ("One",), "  - b"),
            ("LIST", ("One",), "- c"),
            ("HEADING", ("One", "Two"), "## Two"),
            ("CODE", ("One", "Two"), "```python\ndef f():\n    return 1 < 2\n```"),
            ("TABLE", ("One", "Two"), "| a\\|b | c |\n|---|---|\n| 1 | 2 |"),
        ]

    def test_what_looks_like_markup_in_a_text_is_text(self) -> None:
        text = page("<p># no</p><p>```</p><p>&lt;!-- no</p><p>a<br>---</p><h2>Yes</h2>")
        blocks = parse_document(Document("d", text, media="text/html"))
        assert [b.title for b in blocks if b.kind is Kind.HEADING] == ["Yes"]
        assert not any(b.kind is Kind.CODE for b in blocks)

    def test_what_is_hidden_is_left_out(self) -> None:
        body = "<p>a</p><div hidden>b</div><p style='display: none'>c</p><template>d</template>e"
        assert page(body) == "a\n\ne"

    def test_encodings(self) -> None:
        assert page("<meta charset=euc-kr><p>한글", "cp949") == "한글"
        assert page("<meta charset=klingon><p>한글") == "한글"
        assert page("\ufeff<p>한글") == "한글"

    def test_numbered_and_loose_items(self) -> None:
        assert page("<ol><li>x<li>y</ol>") == "1. x\n2. y"
        assert page("<ul><li><p>a</p><p>b</p></li></ul>") == "- a\n\n  b"

    def test_a_page_without_text_is_a_problem(self) -> None:
        got = read_uploads([("a.html", b"<script>x</script>"), ("b.html", b"<>")])
        assert len(got.problems) == 2 - len(got.documents)

    def test_deep_nesting_is_read(self) -> None:
        assert one("a.html", b"<div>" * 2_000 + b"deep").text == "deep"
        got = read_uploads([("a.html", b"before" + b"<div>" * 20_000 + b"deep")])
        assert got.problems == ["a.html: elements nested more than 2,048 deep"]


class TestPdf:
    def test_pages_are_kept(self) -> None:
        document = one("a.pdf", pdf(["First page", "Second page"], title="Ovens"))
        assert (document.title, document.metadata["pages"]) == ("Ovens", 2)
        found = [(b.page, document.text[b.start : b.end]) for b in parse_document(document)]
        assert found == [(1, "First page"), (2, "Second page")]

    def test_bookmarks_are_headings(self) -> None:
        pages = [
            "Handbook\nAbout ovens.\n1.  INTRO-\nWhat ovens are.",
            "1.1\nHow they\nget hot\nBy fire.\nGet hot fast.",
            "No heading.",
        ]
        bookmarks = [
            *((1, 0, "Handbook"), (2, 0, "1 Intro-"), (3, 1, "How they get hot")),
            *((2, 2, "Annex"), (3, 2, "Tables"), (8, 2, "  ")),
        ]
        document = one("a.pdf", pdf(pages, bookmarks=bookmarks))
        intro = ("Handbook", "1. INTRO-")
        assert [(k, p, t.strip()) for k, p, t in outline(document)] == [
            ("HEADING", intro[:1], "Handbook"),
            ("TEXT", intro[:1], "About ovens."),
            ("HEADING", intro, "1. INTRO-"),
            ("TEXT", intro, "What ovens are."),
            ("HEADING", (*intro, "1.1 How they get hot"), "1.1 How they get hot"),
            ("TEXT", (*intro, "1.1 How they get hot"), "By fire.\nGet hot fast."),
            ("HEADING", ("Handbook", "Annex"), "Annex"),
            ("HEADING", ("Handbook", "Annex", "Tables"), "Tables"),
            ("TEXT", ("Handbook", "Annex", "Tables"), "No heading."),
        ]
        assert [b.page for b in parse_document(document)] == [1, 1, 1, 1, 2, 2, 3, 3, 3]
        words = " ".join(pages).split()
        assert " ".join(document.text.split()) == " ".join(
            [*words[:-2], "Annex", "Tables", *words[-2:]]
        )

    def test_without_bookmarks_the_text_is_as_it_was(self) -> None:
        marked = pdf(["Title\nmore"], bookmarks=[(1, 0, "Title")])
        assert one("a.pdf", pdf(["Title\nmore"])).text == "Title\nmore\n\f".rstrip()
        assert one("a.pdf", marked).text == "\u2001Title\nmore"

    def test_a_damaged_outline_loses_no_text(self) -> None:
        data = pdf(["Title\nmore"], bookmarks=[(1, 0, "Title")])
        for old, new in ((b"/Title", b"/Titel"), (b"/First", b"/Xirst"), (b"/Dest", b"/Dxst")):
            assert one("a.pdf", data.replace(old, new)).text.split() == ["Title", "more"]

    def test_a_password(self) -> None:
        got = read_uploads([("a.pdf", pdf(["secret"], password="x"))])
        assert got.problems == ["a.pdf: encrypted; save it without its password"]

    def test_scans_and_stumps(self) -> None:
        scan, whole = pdf([""]), pdf(["text"])
        got = read_uploads([("a.pdf", scan), ("b.pdf", whole[:300]), ("c.pdf", b"%PDF-1.4")])
        assert "OCR" in got.problems[0]
        assert [line.split(" ")[0] for line in got.problems] == ["a.pdf:", "b.pdf:", "c.pdf:"]


class TestOffice:
    def test_a_word_document(self) -> None:
        made = docx.Document()
        made.core_properties.title = "Ovens"
        made.add_heading("Baking", 1)
        made.add_paragraph("Slowly.")
        made.add_heading("Steps", 2)
        for step in ("heat", "wait"):
            made.add_paragraph(step, style="List Bullet")
        table = made.add_table(2, 2)
        for i, text in enumerate(["flour", "water", "250 g", "160 ml"]):
            table.cell(i // 2, i % 2).text = text
        sink = io.BytesIO()
        made.save(sink)
        document = one("a.docx", sink.getvalue())
        assert document.title == "Ovens"
        assert list(outline(document)) == [
            ("HEADING", ("Baking",), "# Baking"),
            ("TEXT", ("Baking",), "Slowly."),
            ("HEADING", ("Baking", "Steps"), "## Steps"),
            ("LIST", ("Baking", "Steps"), "- heat"),
            ("LIST", ("Baking", "Steps"), "- wait"),
            (
                "TABLE",
                ("Baking", "Steps"),
                "| flour | water |\n|---|---|\n| 250 g | 160 ml |",
            ),
        ]

    def test_a_workbook(self) -> None:
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        sheet.title = "Dough"
        for row in (["what", None, "g"], [None, None, None], ["flour", None, 250.0]):
            sheet.append(row)
        book.create_sheet("Empty")
        sink = io.BytesIO()
        book.save(sink)
        document = one("a.xlsx", sink.getvalue())
        assert list(outline(document)) == [
            ("HEADING", ("Dough",), "## Dough"),
            ("TABLE", ("Dough",), "| what | g |\n|---|---|\n| flour | 250 |"),
        ]
        assert document.title == "Dough"


class TestNotebook:
    def test_cells_without_their_outputs(self) -> None:
        cells = [
            {"cell_type": "markdown", "source": ["# Ovens\n", "Hot."]},
            {"cell_type": "code", "source": "bake(1)", "outputs": [{"text": ["burnt"]}]},
        ]
        about = {"language_info": {"name": "python"}}
        document = one("a.ipynb", json.dumps({"cells": cells, "metadata": about}).encode())
        assert document.title == "Ovens"
        assert document.text == "# Ovens\nHot.\n\n```python\nbake(1)\n```"

    @pytest.mark.parametrize("source", ["{}", '{"cells": 3}', "[]", "x", '{"cells": [3, null]}'])
    def test_what_is_none(self, source: str) -> None:
        got = read_uploads([("a.ipynb", source.encode())])
        assert (got.documents, len(got.problems)) == ((), 1)

    def test_fences_in_code_do_not_end_it(self) -> None:
        cell = {"cell_type": "code", "source": "x = '''\n```\n'''"}
        text = convert(NOTEBOOK, json.dumps({"cells": [cell]}).encode()).text
        assert [b.kind for b in parse_document(Document("d", text, media=NOTEBOOK))] == [Kind.CODE]


class TestMail:
    def test_headers_body_and_what_is_attached(self) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "a@x.org", "b@x.org", "Öfen"
        mail.set_content("Hot.\n# no heading\n")
        mail.add_alternative("<p>Hot</p>", subtype="html")
        for name, data in (("../../x.md", b"# In"), ("y.png", b"\x89PNG\0")):
            mail.add_attachment(data, maintype="application", subtype="x", filename=name)
        got = read_uploads([("m.eml", mail.as_bytes())])
        first, second = got.documents
        assert (first.title, first.metadata["from"]) == ("Öfen", "a@x.org")
        assert first.text == "# Öfen\n\nFrom: a@x.org\nTo: b@x.org\n\nHot.\n\\# no heading"
        assert (second.id, second.text) == ("m.eml/x.md", "# In")
        assert got.problems == ["m.eml/y.png: looks binary: it holds NUL bytes"]

    def test_a_body_of_html(self) -> None:
        mail = EmailMessage()
        mail["Subject"] = "x"
        mail.set_content("<p>Hot <script>bad</script></p>", subtype="html")
        assert convert(MAIL, mail.as_bytes()).text == "# x\n\nHot"


def test_tables_of_values_are_their_own_text() -> None:
    document = one("a.csv", b"a,b\r\n1,2\r\n")
    assert (document.text, document.media) == ("a,b\n1,2\n", "text/csv")
