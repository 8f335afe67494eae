"""What is broken or meant to harm: a line each, and the rest is read."""

import io
import time
import zipfile
from pathlib import Path

import docx
import pytest

from retrieval.errors import InputError
from retrieval.ingest import archive
from retrieval.ingest.convert import office
from retrieval.ingest.convert.sandbox import Sandbox
from retrieval.ingest.media import HTML, PDF
from retrieval.ingest.read import Read, read_uploads
from tests.retrieval.ingest.convert.making import packed, pdf

LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">'
    + "".join(
        f'<!ENTITY {n} "{f"&{o};" * 10}">' for o, n in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]>"
)


def read(name: str, data: bytes) -> Read:
    return read_uploads([(name, data), ("good.md", b"# Good")])


def problem(name: str, data: bytes) -> str:
    got = read(name, data)
    assert [d.id for d in got.documents] == ["good.md"]
    (line,) = got.problems
    assert line.startswith(f"{name}")
    assert len(line) < 300
    return line


def repacked(data: bytes, name: str, content: str) -> bytes:
    """Replace a part of an office file."""
    with zipfile.ZipFile(io.BytesIO(data)) as held:
        parts: dict[str, bytes | str] = {n: held.read(n) for n in held.namelist()}
    return packed({**parts, name: content})


def word(text: str = "x") -> bytes:
    made, sink = docx.Document(), io.BytesIO()
    made.add_paragraph(text)
    made.save(sink)
    return sink.getvalue()


class TestArchives:
    def test_files_have_their_path_below_the_archive(self) -> None:
        inner = packed({"c.md": "# C"})
        got = read("a.zip", packed({"x/b.md": "# B", "in.zip": inner, "__MACOSX/._b": "no"}))
        assert [d.id for d in got.documents] == ["a.zip/x/b.md", "a.zip/in.zip/c.md", "good.md"]
        assert got.problems == []

    @pytest.mark.parametrize(
        "path", ["../../etc/x.md", "/etc/x.md", "..\\x.md", "C:\\x.md", "a/../../x"]
    )
    def test_nothing_leads_out(self, path: str) -> None:
        got = read("a.zip", packed({path: "evil", "b.md": "b"}))
        assert [d.id for d in got.documents] == ["a.zip/b.md", "good.md"]
        assert "leads out of the archive" in got.problems[0]

    def test_links_are_not_followed(self) -> None:
        member = zipfile.ZipInfo("l.md")
        member.external_attr = 0o120777 << 16
        sink = io.BytesIO()
        with zipfile.ZipFile(sink, "w") as held:
            held.writestr(member, "/etc/passwd")
        assert "a link" in problem("a.zip", sink.getvalue())

    def test_a_bomb_is_not_unpacked(self) -> None:
        begun = time.perf_counter()
        line = problem("a.zip", packed({"b.txt": b"0" * 40_000_000}))
        assert "200 times its size" in line
        assert time.perf_counter() - begun < 5

    def test_an_archive_may_unpack_to_so_much(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(archive.Allowance, "__init__", lambda self: _small(self))
        inner = packed({f"{i}.md": "x" * 600 for i in range(9)})
        got = read("a.zip", packed({"1.zip": inner, "2.zip": inner}))
        assert 0 < len(got.documents) <= 4
        (line,) = got.problems
        assert "the rest is left out" in line

    def test_archives_in_archives_end(self) -> None:
        data = packed({"x.md": "x"})
        for _ in range(6):
            data = packed({"in.zip": data})
        assert "archives in archives" in problem("a.zip", data)

    def test_too_many_files(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(archive, "MEMBERS", 5)
        data = packed({f"{i}.md": "x" for i in range(30)})
        assert "files; split it" in problem("a.zip", data)

    def test_passwords_methods_and_damage(self) -> None:
        good = packed({"b.md": "hello"}, zipfile.ZIP_STORED)
        locked = bytearray(good)
        for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            locked[locked.index(mark) + flags] |= 1
        assert "encrypted" in problem("a.zip", bytes(locked))
        assert "unusual" in problem("a.zip", packed({"b.md": "hello"}, zipfile.ZIP_LZMA))
        assert "damaged" in problem("a.zip", good.replace(b"hello", b"hullo"))
        assert "damaged" in problem("a.zip", good[:40])
        assert "damaged" in problem("a.zip", b"no archive")


class TestNamesThatLie:
    @pytest.mark.parametrize("name", ["a.md", "a.docx", "a.zip", "a.html", "a.py"])
    def test_a_pdf_of_another_name(self, name: str) -> None:
        assert "holds a .pdf file" in problem(name, pdf(["x"]))

    def test_an_office_file_of_another_name(self) -> None:
        assert "holds a .docx file" in problem("a.xlsx", word())
        assert "holds a .zip file" in problem("a.pptx", packed({"ppt/x.xml": "x"}))

    def test_no_name_at_all_is_read_by_its_first_bytes(self) -> None:
        first, _ = read("report", pdf(["Text"])).documents
        assert first.text.strip() == "Text"

    def test_a_name_that_promises_too_much(self) -> None:
        for name in ("a.pdf", "a.docx", "a.xlsx", "a.zip"):
            assert problem(name, b"just text\n")
        assert "not a Word document" in problem("a.docx", word()[:900])
        assert "old kind" in problem("a.docx", b"\xd0\xcf\x11\xe0" + b"\0" * 600)


class TestXml:
    def test_entities_do_not_multiply_in_a_word_document(self) -> None:
        xml = f'{LAUGHS}<w:document xmlns:w="http://x"><w:body>&i;</w:body></w:document>'
        begun = time.perf_counter()
        got = read("a.docx", repacked(word(), "word/document.xml", xml))
        assert time.perf_counter() - begun < 10
        assert all(len(d.text) < 1_000 for d in got.documents)
        assert got.documents[-1].id == "good.md"

    def test_a_file_on_disk_is_not_taken_in(self) -> None:
        with zipfile.ZipFile(io.BytesIO(word("MARK"))) as held:
            xml = held.read("word/document.xml").decode()
        evil = xml.replace("?>", '?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>', 1)
        got = read("a.docx", repacked(word(), "word/document.xml", evil.replace("MARK", "A&f;B")))
        assert not any("root:" in d.text for d in got.documents)

    def test_an_office_file_that_unpacks_to_too_much(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(office, "UNPACKED", 1_000)
        with pytest.raises(InputError, match="unpacks to more"):
            office.check_package(word(), "x")


class TestSandbox:
    def test_what_takes_too_long_is_stopped_and_the_next_is_read(self) -> None:
        with Sandbox(seconds=0.01) as box:
            with pytest.raises(InputError, match=r"within 0\.01 s"):
                box.convert(PDF, pdf(["x"]))
            box.seconds = 60
            assert box.convert(HTML, b"<p>next").text == "next"

    def test_a_process_that_dies_costs_one_line(self) -> None:
        with Sandbox() as box:
            assert box.convert(HTML, b"<p>a").text == "a"
            assert box.process is not None
            box.process.kill()
            box.process.wait()
            assert box.convert(HTML, b"<p>b").text == "b"

    def test_a_folder_being_read_is_no_place_to_import_from(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "lxml.py").write_text("raise SystemExit")
        monkeypatch.chdir(tmp_path)
        with Sandbox() as box:
            assert box.convert(HTML, b"<p>a").text == "a"

    def test_it_is_not_started_for_what_is_text(self) -> None:
        with Sandbox() as box:
            assert box.process is None


def test_ten_megabytes_in_one_line() -> None:
    got = read_uploads([("a.txt", b"x" * 10_000_000), ("b.html", b"<p>" + b"word " * 2_000_000)])
    assert [len(d.text) for d in got.documents] == [10_000_000, 9_999_999]


def _small(allowance: archive.Allowance) -> None:
    allowance.size, allowance.members, allowance.spent = 3_000, 100, False
