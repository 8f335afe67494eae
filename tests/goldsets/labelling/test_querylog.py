import csv
import io
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsets.formats import base
from goldsets.labelling import logfile, querylog
from goldsets.labelling.querylog import Log, columns_of, logged
from goldsets.labelling.wording import clean
from retrieval.errors import InputError

KOREAN = "검색어,횟수\n비밀번호 재설정,12\n환불 방법,3\n"


def read(text: str | bytes, name: str = "log.csv", **how: str) -> Log:
    return logged(text.encode() if isinstance(text, str) else text, name, **how)


def problems(log: Log) -> list[str]:
    return log.report.problems


def accounted(log: Log) -> int:
    """Where rows are counted: the rows that went somewhere."""
    return log.total + log.blank + log.report.kinds.total()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("query", "count"),
    [("query", "count"), ("Search Term", "Total Searches"), ("Q", "N"), ("검색어", "검색 횟수")],
)
def test_columns_are_found_by_their_names(delimiter: str, query: str, count: str) -> None:
    rows = [["day", count, query], ["1", "12", "reset password"], ["2", "1,003", "reset password"]]
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter).writerows(rows)
    log = read(file.getvalue())
    assert (log.counts, log.rows, log.total) == ({"reset password": 1015}, 2, 1015)
    assert (log.query, log.count, log.columns) == (query, count, ("day", count, query))
    assert problems(log) == []


def test_columns_can_be_chosen() -> None:
    text = "query,count,typed,times\na,1,b,2\n"
    assert read(text).counts == {"a": 1}
    assert read(text, query="typed", count="times").counts == {"b": 2}
    assert columns_of(text.encode(), "log.csv") == ("query", "count", "typed", "times")
    with pytest.raises(InputError, match=r"log\.csv: there is no column 'type'; did you mean"):
        read(text, query="type")
    with pytest.raises(InputError, match=r"no column is called query.*choose among 'a', 'b'"):
        read("a,b\n1,2\n")


def test_without_a_count_rows_are_counted() -> None:
    log = read("query\nrefund, please\nexport\nrefund, please\n")
    assert log.counts == {"refund, please": 2, "export": 1}
    assert next(log.lines()) == "Read as utf-8; queries from 'query', each row is one"


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-32", "utf-32"),
        ("cp949", "cp949"),
        ("euc-kr", "cp949"),
    ],
)
def test_korean_is_read_however_it_was_saved(encoding: str, said: str) -> None:
    log = read(KOREAN.encode(encoding))
    assert log.counts == {"비밀번호 재설정": 12, "환불 방법": 3}
    assert log.encoding == said
    assert said in next(log.lines())


def test_western_bytes_and_a_chosen_encoding() -> None:
    text = "query;count\nmüsli für kinder;2\ncafé crème;1\n"
    log = read(text.encode("cp1252"))
    assert (log.encoding, log.counts) == ("cp1252", {"müsli für kinder": 2, "café crème": 1})
    wide = read(KOREAN.encode("utf-16-le"), encoding="utf-16-le")
    assert wide.counts["환불 방법"] == 3
    for name in ("nope", "base64"):
        with pytest.raises(InputError, match="there is no text encoding"):
            read(text, encoding=name)


def test_broken_bytes_are_named_by_line_and_stop_nothing() -> None:
    lines = [
        b"query,agent",
        "환불 방법,a".encode(),
        b"re\xfffund,b",
        "구독 취소,\udcff".encode("utf-8", "ignore"),
    ]
    log = read(b"\n".join([*lines, "결제 오류,".encode() + b"\xff", "구독 해지,c".encode()]))
    assert log.counts == {"환불 방법": 1, "구독 취소": 1, "결제 오류": 1, "구독 해지": 1}
    assert problems(log) == ["log.csv:3: a character that cannot be read: 're�fund'"]


def test_broken_lines_are_named_the_first_and_how_many_more() -> None:
    bad = "".join(f"what, is {i},1\n" for i in range(50))
    log = read(f"query,count\ngood,2\n{bad}short\nnone,\nmany,x\nless,-1\nfew,1.5\n,7\n zero ,0\n")
    assert log.counts == {"good": 2, "zero": 0}
    assert (log.rows, log.blank, log.report.kinds) == (58, 1, {"row": 55})
    assert problems(log)[0] == "log.csv:3: 3 cells, the header has 2: 'what, is 0,1\\n'"
    assert problems(log)[-5:-3] == [
        "log.csv:53: 1 cells, the header has 2: 'short\\n'",
        "log.csv:54: count is not a whole number: ''",
    ]
    lines = list(log.lines())
    assert lines[1:3] == ["1 of 58 rows have no query", "55 rows left out"]
    assert (len(lines), lines[-1]) == (24, "... and 35 more")


def test_quotes_that_are_never_closed_swallow_nothing() -> None:
    rows = ['"never closed,1', "plain,2", '5" pipe,3', '"exact phrase" search,4', '"a ""b"" c",5']
    log = read("\n".join(["query,count", *rows, '"two\nlines",6', '"open,', "last,7", '"']))
    assert log.counts == {
        '"never closed': 1,
        "plain": 2,
        '5" pipe': 3,
        '"exact phrase" search': 4,
        'a "b" c': 5,
        "two lines": 6,
        "last": 7,
    }
    assert [p.split(": ")[0] for p in problems(log)] == ["log.csv:9", "log.csv:11"]


def test_open_quotes_on_every_line_take_no_time() -> None:
    log = read("query,count\n" + '"open,1\n' * 10_000)
    assert log.counts == {'"open': 10_000}


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-2", "@SUM(A1)", "'=x", "=HYPERLINK(1)"])
def test_cells_that_look_like_formulas_are_text(cell: str) -> None:
    assert read(f"query;n\n{cell};1\n").counts == {cell: 1}


def test_a_megabyte_line_and_control_characters() -> None:
    log = read(
        "query,count\n" + "x" * 1_000_000 + ",1\n" + f'"{"y," * 500_000}",1\na\0b\x1b[1m,2\n'
    )
    assert log.counts == {"ab[1m": 2}
    assert [p.split(": ")[0] for p in problems(log)] == ["log.csv:2", "log.csv:3"]
    assert all(len(p) < 500 for p in problems(log))


def test_nothing_to_read() -> None:
    for data in (b"", b"\n \n", "\ufeff".encode()):
        with pytest.raises(InputError, match=r"log\.csv: empty"):
            read(data)
    assert (read("query,count\n").counts, read("query,count").rows) == ({}, 0)
    with pytest.raises(InputError, match="save it as CSV"):
        read(b"PK\x03\x04 a workbook")
    with pytest.raises(InputError, match="there is no such file"):
        logged(Path("/nowhere/log.csv"), "log.csv")


def test_a_log_is_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(KOREAN, encoding="utf-8")
    assert logged(path, "log.csv").rows == 2
    monkeypatch.setattr(querylog, "MAX_ROWS", 1)
    with pytest.raises(InputError, match=r"log\.csv: more than 1 rows; split it"):
        logged(path, "log.csv")
    monkeypatch.setattr(logfile, "MAX_BYTES", 10)
    for source in (path, path.read_bytes()):
        with pytest.raises(InputError, match="larger than"):
            logged(source, "log.csv")


def test_json_lines() -> None:
    rows = [
        {"query": "환불", "count": 3},
        {"count": "1,000", "query": "refund", "when": 1},
        {"query": "refund"},
        {"query": "x", "count": 1.5},
        {"query": "x", "count": True},
        {"query": 7},
        {"count": 2},
        {"query": "half \ud800"},
        {"query": " "},
    ]
    text = "\n".join([*map(json.dumps, rows), "{broken", "", "[" * 100_000])
    log = read(text, "log.jsonl")
    assert log.counts == {"환불": 3, "refund": 1001}
    assert (log.rows, log.blank, log.columns) == (11, 1, ("query", "count", "when"))
    numbers = [int(p.split(":")[1]) for p in problems(log)]
    assert numbers == [4, 5, 6, 7, 8, 10, 12]
    assert read('{"q": "a", "n": 2}', "upload").counts == {"a": 2}
    assert read('{"text": "a", "hits": 2}', "x.jsonl", query="text", count="hits").total == 2
    with pytest.raises(InputError, match="none of the first lines is a JSON object"):
        read("[1]", "log.jsonl")


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd"), max_size=12)


@given(
    st.lists(st.tuples(CELLS, st.integers(0, 99), CELLS)), st.sampled_from(",;\t"), st.booleans()
)
def test_what_a_csv_writer_wrote_is_read(
    rows: list[tuple[str, int, str]], delimiter: str, every: bool
) -> None:
    file = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting)
    writer.writerows([("query", "count", "page"), *rows])
    log = read(file.getvalue())
    wanted: Counter[str] = Counter()
    for text, count, _ in rows:
        wanted[clean(text)] += count
    del wanted[""]
    assert (log.counts, problems(log)) == (wanted, [])
    assert log.rows == len(rows)


@given(st.binary(max_size=200), st.sampled_from(["a.csv", "a.jsonl"]))
def test_of_any_bytes_every_row_is_accounted_for(data: bytes, name: str) -> None:
    log = read(
        b'query\tpage\n"x"\ty\n' + data if name == "a.csv" else b'{"query": "x"}\n' + data, name
    )
    assert log.rows >= 1
    assert accounted(log) == log.rows


@given(st.text(',"\n\ta', max_size=60))
def test_of_any_quotes_every_character_is_accounted_for(text: str) -> None:
    log = read("query,page\n" + text)
    assert accounted(log) == log.rows
    lines = sum(bool(line.strip()) for line in text.split("\n"))
    assert log.rows <= lines


def test_a_report_keeps_so_many_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "KEPT", 30)
    log = read("query,count\n" + "a,b\n" * 100)
    assert (len(problems(log)), log.report.kinds) == (30, {"row": 100})
    assert list(log.lines())[-1] == "... and 80 more"
