"""What every parser keeps, whatever the text."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.ingest.parse import Block, Blocks, Kind, Structure, parse_document
from retrieval.ingest.parse.blocks import with_paths
from retrieval.runtime import Runtime
from retrieval.types import Corpus, Document
from tests.retrieval.making import texts

MEDIA = (
    *("text/markdown", "text/x-rst", "text/plain", "text/csv", "application/pdf", "unknown/type"),
    *("text/x-source-python", "text/x-source-cpp", "text/x-source-nim"),
)
LINES = (
    *("# One", "## Two {#x}", "Title", "=====", "-----", "~~~", "```", "```py", "~~~~", "> quote"),
    *("- item", "  - nested", "    indented", "\tx = 1", "1. first", "| a | b |", "|---|---|"),
    *("+---+---+", "=== ===", "text::", ".. code:: py", ">>> 1 + 1", "<div>", "</div>", "---"),
    *("", " ", "text here.", "  text", "<!--", "-->", "[x]: http://y", "   * x", "\u2028"),
)  # fmt: skip
documents = st.lists(
    st.tuples(st.sampled_from(LINES) | texts, st.sampled_from(["\n", "\n", "\r\n", "\n\n", "\r"])),
    max_size=14,
).map(lambda lines: "".join(line + end for line, end in lines))


@pytest.mark.parametrize("media", MEDIA)
@given(text=documents)
def test_blocks_are_in_order_apart_and_leave_no_text_out(media: str, text: str) -> None:
    blocks = parse_document(Document("d", text, media=media))
    at = 0
    for block in blocks:
        assert at <= block.start < block.end <= len(text)
        assert not text[at : block.start].strip()
        assert text[block.start : block.end].strip()
        assert text[block.end - 1 : block.end].strip()
        at = block.end
    assert not text[at:].strip()


def test_paths_are_the_headings_above_by_level() -> None:
    levels = [0, 1, 2, 4, 0, 3, 2, 0, 1]
    blocks = [
        Block(
            Kind.HEADING if level else Kind.TEXT, i, i + 1, level, f"{level}.{i}" if level else ""
        )
        for i, level in enumerate(levels)
    ]
    assert [b.path for b in with_paths(blocks)] == [
        (),
        ("1.1",),
        ("1.1", "2.2"),
        ("1.1", "2.2", "4.3"),
        ("1.1", "2.2", "4.3"),
        ("1.1", "2.2", "3.5"),
        ("1.1", "2.6"),
        ("1.1", "2.6"),
        ("1.8",),
    ]


def test_the_structure_of_a_corpus_gives_each_documents_blocks_and_comes_back_from_arrays() -> None:
    corpus = Corpus(
        (
            Document("a", "# One\n\ntext\n\n## Two\n\n```\nx\n```", media="text/markdown"),
            Document("b", ""),
            Document("c", "x = 1\n\ny = 2", media="text/x-source-python"),
            Document("d", "first\n\nsecond"),
            Document("e", "one\n\ftwo", media="application/pdf"),
        )
    )
    structure = Blocks().apply(corpus, Runtime())
    for s in (structure, Structure.of_arrays(structure.arrays())):
        for i, document in enumerate(corpus.documents):
            wanted = [replace(b, level=0, title="") for b in parse_document(document)]
            assert s.of(i) == wanted
    assert [len(structure.of(i)) for i in range(5)] == [4, 0, 2, 2, 2]


def test_a_corpus_without_blocks_has_a_structure() -> None:
    for corpus in (Corpus(()), Corpus((Document("a", " "),))):
        structure = Blocks().apply(corpus, Runtime())
        assert [structure.of(i) for i in range(len(corpus))] == [[]] * len(corpus)
