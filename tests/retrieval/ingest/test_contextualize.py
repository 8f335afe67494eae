import pytest

from retrieval.ingest.contextualize import CONTEXTUALIZERS, Contextualizer, Headings, heading_paths
from retrieval.ingest.parse import Blocks
from retrieval.runtime import Runtime
from retrieval.types import Chunks, Corpus, Document

TEXT = "intro\n\n# Pizza\n\ndough\n\n## Oven\n\nhot\n\n# Beer\n\ncold\n"
CORPUS = Corpus(
    (
        Document("a.md", TEXT, "Evening", "text/markdown"),
        Document("b.md", "", "Nothing", "text/markdown"),
        Document("docs/c.md", TEXT, "", "text/markdown"),
        Document("d.md", "# Pizza\n\n## Oven\n\nhot", "PIZZA", "text/markdown"),
        Document("e.txt", "plain text"),
    )
)


def contextualized(stage: Contextualizer, spans: list[list[tuple[int, int]]]) -> tuple[str, ...]:
    structure = Blocks().apply(CORPUS, Runtime())
    chunks = Chunks.of_spans(spans)
    found = stage.apply(CORPUS, structure, chunks, Runtime())
    for name in ("document", "start", "end"):
        assert getattr(found, name).tolist() == getattr(chunks, name).tolist()
    return tuple(found.context(i) for i in range(len(found)))


def at(*words: str) -> list[tuple[int, int]]:
    return [(TEXT.index(w), TEXT.index(w) + len(w)) for w in words]


def test_headings_are_the_title_or_path_and_what_the_chunk_begins_under() -> None:
    every = at("intro", "# Pizza", "dough", "ough", "## Oven", "hot", "cold")
    found = contextualized(Headings(), [every, [], at("intro", "hot"), [(9, 21)], [(0, 5)]])
    assert found == (
        "Evening",
        "Evening > Pizza",
        "Evening > Pizza",
        "Evening > Pizza",
        "Evening > Pizza > Oven",
        "Evening > Pizza > Oven",
        "Evening > Beer",
        "docs/c.md",
        "docs/c.md > Pizza > Oven",
        "PIZZA > Oven",
        "e.txt",
    )


def test_equal_contexts_are_kept_once() -> None:
    structure = Blocks().apply(CORPUS, Runtime())
    chunks = Headings().apply(CORPUS, structure, Chunks.of_spans([at("dough", "ough")]), Runtime())
    assert chunks.contexts == ("Evening > Pizza",)


def test_a_chunk_before_the_first_block_of_its_document_stands_under_nothing() -> None:
    corpus = Corpus((CORPUS.documents[0], Document("x", "\n\n  # One\n", media="text/markdown")))
    structure = Blocks().apply(corpus, Runtime())
    assert heading_paths(corpus, structure, Chunks.of_spans([[], [(0, 6)]])) == [()]


@pytest.mark.parametrize("cls", CONTEXTUALIZERS)
def test_no_chunks_need_no_contexts(cls: type[Contextualizer]) -> None:
    assert contextualized(cls(), [[], [], [], [], []]) == ()
