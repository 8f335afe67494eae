from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldsets.formats import trec
from goldsets.formats.base import Report
from goldsets.formats.sgml import elements, escaped, escaped_line, one_line, plain, records
from goldsets.types import Evidence, GoldSet, Query
from retrieval.errors import InputError
from retrieval.types import Corpus, Document

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
MARKUP = st.text("<>/&;#1abc dotnumertpTopic:\n\t\r\x1f !-'\"\u3000", max_size=40)

DOCUMENTS = """\
<DOC>
<DOCNO> A-1 </DOCNO>
<TITLE>Of wings
 &amp; flaps</TITLE>
<AUTHOR>Kim</AUTHOR>
<TEXT>
<P>AT&amp;T &lt;grows&gt; a < b</P>
한글
</TEXT>
<TEXT>second</TEXT>
</DOC>
<doc><docno>A-2</docno>
no text element <b>here</b>
<doc>
<docno>A-3</docno>
<text></text>
</doc>
"""
TOPICS = """\
<?xml version='1.0'?>
<!DOCTYPE x [<!ENTITY lol "lolol"><!ENTITY xxe SYSTEM "file:///etc/passwd">]>
<top>\r
<num> Number: 301\r
<title> Topic: International
   Organized &quot;Crime&quot; &lol;&xxe;
<desc> Description:
Which?
</top>
<TOP><NUM>302</NUM><TITLE>Polio</TITLE></TOP>
<top><num>303</num><title>Left out</title></top>
"""
QRELS = "301 0 A-1 2\r\n301 0 A-2 0\r\n\r\n302\t0\tA-2\t1\r\n"


def folder(path: Path, qrels: str = QRELS, topics: str = TOPICS) -> Path:
    (path / "docs.sgml").write_text(DOCUMENTS, encoding="utf-8", newline="")
    (path / "topics.301").write_text(topics, encoding="utf-8", newline="")
    (path / "qrels").write_text(qrels, encoding="utf-8", newline="")
    (path / "README").write_text("<doc> and <topics>, 1 2 3 4")
    return path


def test_markup_that_is_not_well_formed(tmp_path: Path) -> None:
    report = Report(strict=True)
    got = trec.read(folder(tmp_path), report, language="en")
    first = " AT&T <grows> a < b \n한글\nsecond"
    second = "no text element  here "
    assert got.documents == (
        Document("A-1", first, "Of wings & flaps", metadata={"author": "Kim"}),
        Document("A-2", second),
        Document("A-3", ""),
    )
    assert got.queries == (
        Query("301", 'International Organized "Crime" &lol;&xxe;', "en", origin="imported"),
        Query("302", "Polio", "en", origin="imported"),
    )
    assert got.evidence == {
        "301": (
            Evidence("A-1", 0, len(first), first, grade=2),
            Evidence("A-2", 0, len(second), second, grade=0),
        ),
        "302": (Evidence("A-2", 0, len(second), second, grade=1),),
    }


def test_topics_by_position(tmp_path: Path) -> None:
    folder(tmp_path, "1 0 A-1 1\n2 0 A-1 1\n3 0 A-1 1\n4 0 A-1 1\n")
    report = Report()
    assert trec.read(tmp_path, report).queries == ()
    assert report.notes == [
        "of 4 query ids in the qrels, 4 have no topic by num and 1 by position;"
        " choose topics_by=position"
    ]
    assert report.kinds == {"judgment": 4}
    report = Report()
    got = trec.read(tmp_path, report, topics_by="position")
    assert [(q.id, q.text[:5]) for q in got.queries] == [
        ("1", "Inter"),
        ("2", "Polio"),
        ("3", "Left "),
    ]
    assert report.notes[0].endswith(
        "4 have no topic by num and 1 by position; do the files belong together?"
    )
    with pytest.raises(InputError, match="choose topics_by=position"):
        trec.read(tmp_path, Report(strict=True))
    with pytest.raises(InputError, match="cannot number topics by 'pos'; known: num, position"):
        trec.read(tmp_path, Report(), topics_by="pos")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("301 0 A-2", "not 4 columns (query, 0, document, grade), but 3: '301 0 A-2'"),
        ("301 0 A-2 x", "score: not a whole number: 'x'"),
        ("302 0 A-1 -1", "score: not from 0 to 100: '-1'"),
        ("302 0 A-9 1", "document: there is no such document: 'A-9'"),
        ("302 0 A-3 1", "document: 'A-3' has no text to point at"),
    ],
)
def test_a_bad_judgment(tmp_path: Path, line: str, said: str) -> None:
    report = Report()
    trec.read(folder(tmp_path, QRELS + line), report, qrels="qrels")
    assert report.problems == [f"qrels:5: {said}"]


def test_bad_documents_and_topics(tmp_path: Path) -> None:
    folder(tmp_path)
    with (tmp_path / "docs.sgml").open("a") as file:
        file.write(
            "<doc><text>x</text></doc>\n<doc>\n<docno>A-1</docno></doc>\n<doc><docno></docno>"
        )
    with (tmp_path / "topics.301").open("a") as file:
        file.write(
            "<top><title>x</title></top>\n<top><num>302</num><title>x</top><top><num>9<num></top>"
        )
    report = Report()
    got = trec.read(tmp_path, report)
    assert (len(got.documents), len(got.queries)) == (3, 2)
    assert report.problems == [
        "docs.sgml:18: docno: missing",
        "docs.sgml:19: docno: seen before: 'A-1'",
        "docs.sgml:21: docno: empty",
        "topics.301:12: num: missing or empty",
        "topics.301:13: num: seen before: '302'",
        "topics.301:13: title: missing or empty",
    ]


def test_files_by_option(tmp_path: Path) -> None:
    expected = trec.read(folder(tmp_path), Report())
    (tmp_path / "more").mkdir()
    (tmp_path / "docs.sgml").rename(tmp_path / "more" / "docs.sgml")
    with pytest.raises(InputError, match="there is no file of documents; name it with `documents`"):
        trec.read(tmp_path, Report())
    assert trec.read(tmp_path, Report(), documents="more") == expected
    (tmp_path / "qrels.old").write_text(QRELS)
    with pytest.raises(InputError, match=r"several files of qrels: qrels, qrels\.old; choose one"):
        trec.read(tmp_path, Report(), documents="more")
    whole = {"documents": tmp_path / "more" / "docs.sgml", "topics": "topics.301", "qrels": "qrels"}
    assert trec.read(tmp_path, Report(), **whole) == expected  # type: ignore[arg-type]
    with pytest.raises(InputError, match="there is no file nope in"):
        trec.read(tmp_path, Report(), documents="nope")
    with pytest.raises(InputError, match="there is no folder"):
        trec.read(tmp_path / "nope", Report())


def test_other_encodings(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "docs.sgml").write_bytes("<doc><docno>A-1</docno>é</doc>".encode("latin-1"))
    with pytest.raises(InputError, match=r"docs\.sgml: not utf-8 at byte 23"):
        trec.read(tmp_path, Report())
    assert trec.read(tmp_path, Report(), encoding="latin-1").documents[0].text == "é"
    with pytest.raises(InputError, match="no text encoding 'klingon'"):
        trec.read(tmp_path, Report(), encoding="klingon")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    documents = (
        Document(
            "a", "\n한글 <b>&amp; 😀\r\nend\n", " two  spaces\n&tab\t", metadata={"bib": "x<y"}
        ),
        Document("b", "</text></doc><doc>"),
        Document("c", ""),
    )
    queries = (
        Query("q1", " 무엇\t이\n\n있나?  <x> & y 😀 ", origin="imported"),
        Query("q2", "Topic: number", origin="imported"),
    )
    whole = {d.id: Evidence.of(d.id, d.text, 0, len(d.text), 2) for d in documents[:2]}
    evidence = {"q1": (whole["a"], whole["b"]), "q2": (whole["b"],)}
    counts = trec.write(GoldSet("g", "c", queries, evidence), Corpus(documents), tmp_path / "out")
    assert counts == {"documents": 3, "queries": 2, "judgments": 3}
    got = trec.read(tmp_path / "out", Report(strict=True))
    for one, other in zip(got.documents, documents, strict=True):
        assert one == other
    assert got.queries == queries
    assert {q: [(e.document, e.exact, e.grade) for e in es] for q, es in got.evidence.items()} == {
        q: [(e.document, e.exact, e.grade) for e in es] for q, es in evidence.items()
    }


def test_ids_have_no_white_space(tmp_path: Path) -> None:
    corpus = Corpus((Document("a b\u3000c", "x"),))
    gold = GoldSet("g", "c", (Query("q 1", "x"),), {"q 1": (Evidence.of("a b\u3000c", "x", 0, 1),)})
    trec.write(gold, corpus, tmp_path)
    assert (tmp_path / "qrels.txt").read_text() == "q%201 0 a%20b%E3%80%80c 3\n"
    assert len(trec.read(tmp_path, Report(strict=True)).evidence["q%201"]) == 1
    with pytest.raises(InputError, match=r"ids .a b. and .a%20b. would be the same"):
        trec.write(gold, Corpus((Document("a b", "x"), Document("a%20b", "x"))), tmp_path)


@settings(max_examples=150, deadline=None)
@given(TEXT | MARKUP)
def test_any_text_survives(text: str) -> None:
    written = (
        f"<doc>\n<title>{escaped_line(text)}</title>\n<text>\n{escaped(text)}\n</text>\n</doc>"
    )
    ((line, body),) = records(written, "doc")
    (found,) = elements(body, "text")
    (title,) = elements(body, "title", ["text"])
    assert (line, plain(found.inner), one_line(title.inner)) == (1, text, text)


@pytest.mark.parametrize(
    "piece", ["<doc", "<doc ", "<doc>", "</doc ", "<text>", "<title", "<!--", "<a "]
)
def test_hostile_markup_takes_linear_time(tmp_path: Path, piece: str) -> None:
    folder(tmp_path)
    (tmp_path / "docs.sgml").write_text("<docno>" + piece * 10_000)
    assert trec.read(tmp_path, Report()).documents == ()


@pytest.mark.data
def test_cranfield(pizza_data: Path) -> None:
    report = Report()
    got = trec.read(pizza_data / "cranfield", report, topics_by="position")
    assert (len(got.documents), len(got.queries)) == (1400, 225)
    assert [d.id for d in got.documents if not d.text] == ["471", "995"]
    assert sum(len(e) for e in got.evidence.values()) == 1836
    assert report.notes == []
    assert report.problems == ["cranqrel.trec.txt:989: document: '995' has no text to point at"]
    report = Report()
    trec.read(pizza_data / "cranfield", report)
    assert report.notes == [
        "of 225 query ids in the qrels, 73 have no topic by num and 0 by position;"
        " choose topics_by=position"
    ]
