import json
import os
import sys
from pathlib import Path

import pytest

from retrieval.errors import InputError
from retrieval.ingest import read
from retrieval.ingest.read import media_of, read_paths, read_uploads
from retrieval.types import Document


def fill(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def one(name: str, content: str | bytes, encoding: str = "utf-8") -> Document:
    data = content.encode() if isinstance(content, str) else content
    got = read_uploads([(name, data)], encoding=encoding)
    assert got.problems == []
    (document,) = got.documents
    return document


def problem(name: str, content: str | bytes, encoding: str = "utf-8") -> str:
    data = content.encode() if isinstance(content, str) else content
    got = read_uploads([(name, data)], encoding=encoding)
    assert got.documents == ()
    (line,) = got.problems
    assert line.startswith(name)
    assert len(line) < 500
    return line


@pytest.mark.parametrize(
    ("name", "media"),
    [
        ("a.md", "text/markdown"),
        ("A.MD", "text/markdown"),
        ("a/b.markdown", "text/markdown"),
        ("a.mdx", "text/markdown"),
        ("a.rst", "text/x-rst"),
        ("a.txt", "text/plain"),
        ("a.unheard-of", "text/plain"),
        ("LICENSE", "text/plain"),
        ("/libafl/src/main.rs", "text/x-source-rust"),
        ("a.py", "text/x-source-python"),
        ("a.tsx", "text/x-source-typescript"),
        ("a.hpp", "text/x-source-cpp"),
        ("a.h", "text/x-source-c"),
        ("Makefile", "text/x-source-make"),
        ("run.sh", "text/x-source-shell"),
        ("", "text/plain"),
    ],
)
def test_media_by_name(name: str, media: str) -> None:
    assert media_of(name) == media


def test_folder_in_order_without_hidden_files(tmp_path: Path) -> None:
    fill(
        tmp_path,
        {
            "b.md": "# B",
            "a/z.txt": "z",
            "a.py": "x = 1",
            ".git/config": "no",
            ".hidden.md": "no",
            "a/node_modules/x.js": "no",
            "__pycache__/x.py": "no",
            ".venv/lib.py": "no",
        },
    )
    got = read_paths([tmp_path])
    assert [d.id for d in got.documents] == ["a/z.txt", "a.py", "b.md"]
    assert [d.metadata for d in got.documents] == [{"path": d.id} for d in got.documents]
    assert got.problems == []
    assert read_paths([tmp_path]) == got


def test_ids_of_one_file_and_of_several_paths(tmp_path: Path) -> None:
    fill(tmp_path, {"docs/a.md": "a", "docs/in/b.md": "b", "src/c.py": "c"})

    def ids(*paths: str) -> list[str]:
        return [d.id for d in read_paths([tmp_path / p for p in paths]).documents]

    assert ids("docs/in/b.md") == ["b.md"]
    assert ids("docs") == ["a.md", "in/b.md"]
    assert ids("src", "docs") == ["src/c.py", "docs/a.md", "docs/in/b.md"]
    assert ids("docs/a.md", "docs/in/b.md") == ["a.md", "in/b.md"]
    assert ids("docs", "src/../docs") == ["a.md", "in/b.md"]
    assert ids() == []


def test_a_missing_path_stops_nothing(tmp_path: Path) -> None:
    fill(tmp_path, {"a.md": "a"})
    got = read_paths([tmp_path / "nope.md", tmp_path / "a.md"])
    assert [d.id for d in got.documents] == ["a.md"]
    assert got.problems == ["nope.md: there is no such file or folder"]


def test_links_stay_in_the_folder(tmp_path: Path) -> None:
    fill(tmp_path, {"out/secret.md": "secret", "in/a.md": "a"})
    inner = tmp_path / "in"
    (inner / "file.md").symlink_to(tmp_path / "out/secret.md")
    (inner / "folder").symlink_to(tmp_path / "out")
    (inner / "loop").symlink_to(inner)
    (inner / "round").symlink_to(inner / "round")
    (inner / "same.md").symlink_to(inner / "a.md")
    got = read_paths([inner])
    assert [d.id for d in got.documents] == ["a.md", "same.md"]
    assert [line.split(":")[0] for line in got.problems] == ["file.md", "folder", "round"]
    assert "outside the folder" in got.problems[0]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")
def test_what_is_no_file_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert read_paths([tmp_path]).problems == []
    assert read_paths([tmp_path / "pipe"]).problems == ["pipe: neither a file nor a folder"]


@pytest.mark.skipif(sys.platform != "linux", reason="file names are not bytes")
def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xb0\xa1.md")).write_text("a")
    got = read_paths([tmp_path])
    assert got.documents == ()
    assert "name: half a character" in got.problems[0]
    got.problems[0].encode()


def test_line_ends_and_byte_order_marks() -> None:
    assert one("a.txt", "한\r\n글\rx\n").text == "한\n글\nx\n"
    assert one("a.txt", "한글".encode("utf-8-sig")).text == "한글"
    assert one("a.txt", "한글".encode("utf-16")).text == "한글"
    assert one("a.txt", b"\xfe\xff" + "한글".encode("utf-16-be")).text == "한글"
    assert one("a.txt", "한글".encode("utf-32")).text == "한글"
    assert one("a.txt", "한글".encode("utf-16"), "cp949").text == "한글"


def test_other_encodings() -> None:
    line = problem("a.txt", b"abc " + "한글".encode("cp949"))
    assert "not utf-8 at byte 4 (0xc7)" in line
    assert "--encoding cp949" in line
    assert one("a.txt", "한글".encode("cp949"), "cp949").text == "한글"
    assert one("a.txt", "한글".encode("utf-16-le"), "utf-16-le").text == "한글"
    for name in ("klingon", "hex", "rot13", "\0", "../x"):
        with pytest.raises(InputError, match="no text encoding"):
            read_paths([], encoding=name)


def test_what_is_not_text() -> None:
    assert "looks binary" in problem("a.png", b"\x89PNG\r\n\x1a\n\0\0")
    assert "looks binary" in problem("a.txt", b"a\0b")
    assert problem("a.txt", b"") == "a.txt: empty"
    assert problem("a.txt", " \n\t\u3000") == "a.txt: empty"
    assert problem("a.jsonl", b"\n \n") == "a.jsonl: empty"


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "LIMIT", 1_000_000)
    fill(tmp_path, {"a.txt": b"a" * 1_000_001, "b.txt": b"b" * 1_000_000})
    got = read_paths([tmp_path])
    assert [d.id for d in got.documents] == ["b.txt"]
    assert got.problems == ["a.txt: larger than 1 MB; split it"]


def test_titles() -> None:
    assert one("a.md", "text\n\n## Use `x` { #use }\n\n# Later\n").title == "Use x"
    assert one("a.md", "```\n# no\n```\n").title == ""
    assert one("a.md", "---\ntitle:  Front\n---\n# Heading\n").title == "Front"
    assert one("a.rst", "Words\n=====\n\ntext\n").title == "Words"
    assert one("a.txt", "# not a heading").title == ""
    assert one("a.py", "# not a heading").title == ""
    assert len(one("a.md", "# " + "long " * 1000).title) == 300
    assert one("a.md", "text\n" * 1_000 + "\n# " + "far " * 40).title == "far " * 39 + "far"
    assert one("a.md", "x" * 1_990 + "\n\n# A title that is not cut\n").title[-7:] == "not cut"


def test_front_matter_is_metadata() -> None:
    front = (
        "slug: /x\ndraft: true\norder: 3\nday: 2024-05-01\ntags: [a]\nnan: .nan\npath: no\n3: x\n"
    )
    text = f"---\ntitle: T\n{front}---\nBody"
    document = one("a.md", text)
    about = {"slug": "/x", "draft": True, "order": 3, "day": "2024-05-01", "path": "a.md"}
    assert (document.title, document.metadata, document.text) == ("T", about, text)
    json.dumps(document.metadata, allow_nan=False)


@pytest.mark.parametrize(
    "front",
    [
        "title: [unclosed",
        "- a list",
        "a: &a x\ntitle: *a",
        "title: !!python/object/apply:os.system [true]",
        "title: !!timestamp x",
        "title: !!int ''",
        "title: 2024-13-45",
        "a: " + "[" * 5000,
        'a: "\\uD800"',
        "a: 0x" + "f" * 9000,
        "",
    ],
)
def test_broken_front_matter_is_text(front: str) -> None:
    document = one("a.md", f"---\n{front}\n---\n\n# Heading\n")
    assert (document.title, document.metadata) == ("Heading", {"path": "a.md"})
    assert len(document.hash) == 64


def test_json_lines(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "text": "a\r\nb 😀\u2028", "title": "T", "metadata": {"n": 1, "x": None}},
        {"id": "docs/2.md", "text": "# B"},
    ]
    lines = "\r\n".join(json.dumps(r, ensure_ascii=False) for r in rows)
    first, second = read_paths([fill(tmp_path, {"a.jsonl": lines + "\n\n"})]).documents
    assert first == Document("1", "a\r\nb 😀\u2028", "T", "text/plain", {"n": 1, "x": None})
    assert second == Document("docs/2.md", "# B", media="text/markdown")
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        assert read_uploads([("a.jsonl", lines.encode(encoding))]).documents == (first, second)
    wide = read_uploads([("a.jsonl", lines.encode("utf-16-le"))], encoding="utf-16-le")
    assert wide.documents == (first, second)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"text": "x"}', "id: missing"),
        ('{"id": "1"}', "text: missing"),
        ('{"id": " ", "text": "x"}', "id: missing"),
        ('{"id": "1", "text": " "}', "empty"),
        ('{"id": 1, "text": "x"}', "id: not text: 1"),
        ('{"id": "1", "text": "x", "titel": "y"}', "'titel': unknown key; did you mean 'title'?"),
        ('{"id": "1", "text": "x", "metadata": []}', "metadata: not an object: []"),
        (
            '{"id": "1", "text": "x", "metadata": {"a": [1]}}',
            "metadata.'a': not a single value: [1]",
        ),
        ('{"id": "1", "text": "x", "metadata": {"a": 1e999}}', "not a single value: inf"),
        ('{"id": "1", "text": "x", "metadata": {"a": "\\ud800"}}', "half a character"),
        ('{"id": "1", "text": "a\\ud800"}', "text: half a character (lone surrogate) at 1"),
        ('{"id": "1", "text": NaN}', "not JSON"),
        ('{"id": "1", "text": ' + "9" * 5000 + "}", "not JSON"),
        ('{"id": "1", "text": ' + "[" * 100_000, "not JSON"),
        ("[1, 2]", "not a JSON object: [1, 2]"),
        ("{", "not JSON (Expecting property name"),
        ("x" * 100_000, "not JSON"),
    ],
)
def test_a_bad_json_line(line: str, said: str) -> None:
    got = read_uploads([("a.jsonl", f'{{"id": "good", "text": "x"}}\n{line}\n'.encode())])
    assert [d.id for d in got.documents] == ["good"]
    (shown,) = got.problems
    assert shown.startswith("a.jsonl:2: ")
    assert said in shown
    assert len(shown) < 300


def test_a_byte_that_is_not_text_costs_one_line() -> None:
    got = read_uploads([("a.jsonl", b'{"id": "1", "text": "\xff"}\n{"id": "2", "text": "x"}')])
    assert [d.id for d in got.documents] == ["2"]
    assert got.problems[0].startswith("a.jsonl:1: not utf-8 at byte 21 (0xff)")


def test_the_second_of_an_id_is_left_out() -> None:
    line = b'{"id": "a.md", "text": "second"}'
    got = read_uploads([("a.md", b"first"), ("b.jsonl", line)])
    assert [d.text for d in got.documents] == ["first"]
    assert got.problems == ["b.jsonl:1: a second document with the id 'a.md'"]


def test_names_are_shown_escaped() -> None:
    got = read_uploads([("\x1b[2J\n" + "x" * 5000, b"")])
    assert got.problems[0].isprintable()
    assert len(got.problems[0]) < 100
    assert read_uploads([("", b"x")]).problems == [": id: missing"]


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "count"), [("docs-streamlit/content", 402), ("docs-fastapi/docs", 278)]
)
def test_documentation(pizza_data: Path, name: str, count: int) -> None:
    got = read_paths([pizza_data / name])
    assert (len(got.documents), got.problems) == (count, [])
    assert all(d.media == "text/markdown" for d in got.documents)
    assert sum(not d.title for d in got.documents) <= count // 50
