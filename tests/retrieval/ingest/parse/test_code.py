import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.ingest.parse import Kind, code, parse_document
from retrieval.ingest.parse.code import GRAMMARS
from retrieval.types import Document

SOURCES = {
    "python": (
        '"""Ovens."""\nimport os\n\nLIMIT = 1  # degrees\n\n@cached\ndef bake(m):\n'
        "    def inner():\n        pass\n    return 1\n\n# about ovens\n# and heat\n"
        "class Oven(Base):\n    heat = 3\n\n"
        "    # on\n    def on(self):\n        return 1\n\n    @property\n    def off(self): ...\n"
        "\nprint(LIMIT)\n",
        ["", "", "bake", "Oven", "Oven.on", "Oven.off", ""],
    ),
    "javascript": (
        'import a from "b";\n/** Adds. */\nexport const add = (a, b) => a + b;\n'
        "export default class Oven {\n  heat = 1;\n  bake() { return 1 }\n}\nfunction top() {}\n",
        ["", "add", "Oven", "Oven.bake", "top"],
    ),
    "typescript": (
        "interface Heat { b: string }\nexport type T = {a: number};\nexport namespace N {\n"
        "  export function f(): void {}\n}\nabstract class Q<T> {\n"
        "  private m(a: T): T { return a }\n}",
        ["Heat", "T", "N", "N.f", "Q", "Q.m"],
    ),
    "java": (
        "package x;\nimport java.util.*;\n/** Doc. */\n@Entity\npublic class Oven {\n  int heat;\n"
        "  Oven() {}\n  @Override public int bake(int m) { return m; }\n}\nenum E { A, B }\n",
        ["", "Oven", "Oven.Oven", "Oven.bake", "E"],
    ),
    "rust": (
        "use std::fmt;\n/// Docs\n#[derive(Debug)]\npub struct Oven { heat: u32 }\n"
        "impl<T> fmt::Display for Oven<T> {\n    fn fmt(&self) -> u8 { 1 }\n    fn two() {}\n}\n",
        ["", "Oven", "Oven<T>", "Oven<T>.fmt", "Oven<T>.two"],
    ),
    "go": (
        'package main\nimport "fmt"\n\n// Oven bakes.\ntype Oven struct { Heat int }\n'
        'func (o *Oven) Bake(m int) error { return nil }\nfunc main() { fmt.Println("한글") }\n',
        ["", "Oven", "Oven.Bake", "main"],
    ),
    "c": (
        "#ifndef A\n#define A\nstruct oven { int heat; };\n/* bake */\nstatic int *bake(int m) {\n"
        "  return 0;\n}\n#endif\n",
        ["", "oven", "bake", ""],
    ),
    "cpp": (
        "#include <vector>\nnamespace pizza {\ntemplate <typename T>\nclass Oven {\n public:\n"
        "  int bake(int m) { return m; }\n};\nint Oven::cool(int x) { return x; }\n}\n",
        ["", "pizza", "pizza.Oven", "pizza.Oven.bake", "pizza.Oven::cool"],
    ),
}


def parsed(text: str, language: str) -> list[tuple[str, str]]:
    blocks = parse_document(Document("d", text, media=f"text/x-source-{language}"))
    assert all(b.kind is Kind.CODE and b.language == language for b in blocks)
    return [(b.symbol, text[b.start : b.end]) for b in blocks]


def test_every_grammar_has_an_example() -> None:
    assert set(SOURCES) == set(GRAMMARS)


@pytest.mark.parametrize("language", SOURCES)
def test_functions_and_classes_have_their_names(language: str) -> None:
    text, symbols = SOURCES[language]
    found = parsed(text, language)
    assert [symbol for symbol, _ in found] == symbols
    assert "".join("".join(t for _, t in found).split()) == "".join(text.split())


def test_comments_and_decorators_belong_to_what_they_stand_above() -> None:
    found = dict(parsed(SOURCES["python"][0], "python"))
    assert found["bake"].startswith("@cached\ndef bake")
    assert "def inner" in found["bake"]
    assert found["Oven"].startswith("# about ovens\n# and heat\nclass Oven")
    assert found["Oven.on"].startswith("    # on\n    def on")
    assert dict(parsed(SOURCES["rust"][0], "rust"))["Oven"].startswith("/// Docs\n#[derive")


def test_a_comment_at_the_end_of_a_line_stays_in_it() -> None:
    assert parsed("x = 1  # tail\ndef f(): pass\n", "python") == [
        ("", "x = 1  # tail"),
        ("f", "def f(): pass"),
    ]


def test_offsets_count_characters() -> None:
    text = "# 피자 🍕\n\n\ndef 굽기():\n    return '🍕'\n\n\ndef next_one(): ...\n"
    assert [s for s, _ in parsed(text, "python")] == ["", "굽기", "next_one"]
    assert parsed(text, "python")[2][1] == "def next_one(): ..."
    assert parsed("def f(): return '\ud800'\nx = 1", "python")[1] == ("", "x = 1")


def test_a_language_without_a_grammar_is_cut_at_its_margin() -> None:
    assert parsed("a = 1\n\n  b\n\nc = 2", "nim") == [("", "a = 1\n\n  b"), ("", "c = 2")]


@pytest.mark.parametrize("language", GRAMMARS)
@given(text=st.text("(){}[]<>;:#/*\"'\n \tclasdefunim한🍕\x00\r", max_size=80))
def test_any_text_is_kept_whole(language: str, text: str) -> None:
    found = parsed(text, language)
    assert "".join("".join(t for _, t in found).split()) == "".join(text.split())


@pytest.mark.parametrize("language", GRAMMARS)
@pytest.mark.parametrize("piece", ["(", "{", "class A {", "template <", "/* ", "if x:\n "])
def test_what_is_nested_without_end_does_not_hang(
    language: str, piece: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code, "SECONDS", 0.1)
    begun = time.perf_counter()
    assert parsed(piece * 5_000, language)
    assert time.perf_counter() - begun < 5
