from pathlib import Path

import pytest

from goldsets.formats.registry import READERS, WRITERS, export_path, import_path, options_of
from goldsets.types import Evidence, GoldSet, Query
from retrieval.errors import InputError
from retrieval.types import Corpus, Document

TEXT = "본문 😀"
GOLD = GoldSet(
    "g",
    "c",
    (
        Query("q1", "탭\t줄\n바꿈 😀", "", (), "all", "imported"),
        Query("q2", "x", origin="imported"),
    ),
    {"q1": (Evidence.of("d전환", TEXT, 0, 4, 2),), "q2": (Evidence.of("d전환", TEXT, 0, 4, 0),)},
)
CORPUS = Corpus((Document("d전환", TEXT, "제목"), Document("e", "unjudged")))


@pytest.mark.parametrize("name", sorted({*WRITERS} - {"autorag"}))  # which has no grades
def test_what_is_exported_is_imported(tmp_path: Path, name: str) -> None:
    path = tmp_path / "out"
    counts = export_path(name, GOLD, CORPUS, path)
    assert counts["queries"] == 2
    got, report = import_path(name, path, strict=True)
    assert list(report.lines()) == []
    assert (got.queries, dict(got.evidence)) == (GOLD.queries, GOLD.evidence)
    assert got.documents == (() if name in ("pizza", "ragas") else CORPUS.documents)


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(
        InputError, match=r"no format 'bier'; did you mean 'beir'\? known: contextual-"
    ):
        import_path("bier", Path())
    with pytest.raises(InputError, match="no format 'squad'; known: pizza, beir, trec"):
        export_path("squad", GOLD, CORPUS, Path())
    with pytest.raises(InputError, match="beir has no option 'splits'; did you mean 'split'"):
        import_path("beir", Path(), splits="x")
    with pytest.raises(InputError, match="beir has no option 'path'"):
        import_path("beir", Path(), path="x")


@pytest.mark.parametrize("name", READERS)
def test_what_is_missing_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"there is no file or folder .*nope"):
        import_path(name, tmp_path / "nope")
    with pytest.raises(InputError, match=str(tmp_path)):
        import_path(name, tmp_path)


@pytest.mark.parametrize("name", READERS)
def test_a_file_of_noise(tmp_path: Path, name: str) -> None:
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 10)
    with pytest.raises(InputError) as stop:
        import_path(name, tmp_path / "noise", strict=True)
    assert len(str(stop.value)) < 600


def test_options_that_were_not_given(tmp_path: Path) -> None:
    export_path("beir", GOLD, CORPUS, tmp_path)
    got, _ = import_path("beir", tmp_path, qrels=None, language="ko")
    assert got.queries[0].language == "ko"
    assert options_of("trec") == [
        "documents",
        "topics",
        "qrels",
        "topics_by",
        "encoding",
        "language",
    ]


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for name in WRITERS:
        with pytest.raises(InputError, match="cannot be written"):
            export_path(name, GOLD, CORPUS, tmp_path / "file" / "below")
